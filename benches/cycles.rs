//! Get and release, over and over: how many cycles per second the server makes, and what one costs it,
//! beside a bare server whose answers are fixed.
//!
//! Every connection has one question outstanding and checks every answer. Both servers are measured in
//! turn, several rounds each, so that whatever else the machine does hits both.

#![expect(clippy::disallowed_types, reason = "the system's clock is what is measured here")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use load::{
    Result, Scale,
    askers::Askers,
    numbers::{median, micros, tenths, whole},
    report::Report,
    server::{Server, cpu},
};

#[expect(dead_code, reason = "every bench uses a part of the load generator")]
mod load;

/// Who asks for what, in one row of the table.
struct Shape {
    /// Connections, each with a host name of its own.
    connections: usize,
    /// Pools that they share evenly.
    pools: usize,
}

impl Shape {
    /// The name of the pool that a connection asks for.
    fn pool(&self, number: usize) -> String {
        if self.pools == 1 { "shared".to_owned() } else { format!("own{}", number % self.pools) }
    }
}

/// No cycle ever waits: there is a slot for every connection.
const SHAPES: [Shape; 3] = [
    Shape { connections: 1, pools: 1 },
    Shape { connections: 64, pools: 1 },
    Shape { connections: 64, pools: 64 },
];

fn main() -> ExitCode {
    load::main("cycles", bench)
}

/// Measures all shapes.
fn bench(scale: Scale) -> Result<Report> {
    let (real, bare) = (Server::real(&configuration())?, Server::bare()?);
    let columns = [
        "connections",
        "pools",
        "cycles/s",
        "bare cycles/s",
        "ratio",
        "server µs",
        "bare µs",
        "generator µs",
    ];
    let mut report = Report::new("cycles: get and release", &columns);
    for shape in &SHAPES {
        let rounds = rounds(shape, &real, &bare, scale)?;
        report.row(row(shape, &rounds));
    }
    report.note(
        "One cycle is two requests; µs are processor time per cycle, medians over all rounds.".to_owned(),
    );
    Ok(report)
}

/// One pool with a slot for all, and one pool for each.
fn configuration() -> String {
    let one = |number: usize| format!("  - {{ name: own{number}, expire: 300 }}\n");
    let own: String = (0..64).map(one).collect();
    format!("backend: inmemory\npools:\n  - {{ name: shared, expire: 300, maxlocks: 64 }}\n{own}")
}

/// The real server and the bare one, in turn.
fn rounds(shape: &Shape, real: &Server, bare: &Server, scale: Scale) -> Result<Vec<(Sample, Sample)>> {
    let time = scale.pick(Duration::from_millis(1500), Duration::from_millis(200));
    (0..scale.pick(7, 1)).map(|_| Ok((round(shape, real, time)?, round(shape, bare, time)?))).collect()
}

/// The medians, as a row.
fn row(shape: &Shape, rounds: &[(Sample, Sample)]) -> [String; 8] {
    let of = |figure: fn(&(Sample, Sample)) -> f64| median(rounds.iter().map(figure));
    [
        shape.connections.to_string(),
        shape.pools.to_string(),
        whole(of(|(real, _)| real.per_second)),
        whole(of(|(_, bare)| bare.per_second)),
        format!("{:.2}", of(|(real, bare)| real.per_second / bare.per_second)),
        tenths(of(|(real, _)| real.server)),
        tenths(of(|(_, bare)| bare.server)),
        tenths(of(|(real, _)| real.generator)),
    ]
}

/// What one round on one server came to.
struct Sample {
    /// Cycles per second.
    per_second: f64,
    /// Processor time of the server per cycle, in microseconds.
    server: f64,
    /// The same of this process.
    generator: f64,
}

/// Connects, warms up, and measures for this long.
fn round(shape: &Shape, server: &Server, time: Duration) -> Result<Sample> {
    let mut askers = Askers::connect(server, (0..shape.connections).map(|number| shape.pool(number)))?;
    askers.cycle_for(time / 8)?;
    let (start, server_before, own_before) = (Instant::now(), server.cpu()?, cpu("self")?);
    let cycles = f64::from(askers.cycle_for(time)?);
    Ok(Sample {
        per_second: cycles / start.elapsed().as_secs_f64(),
        server: micros(server.cpu()? - server_before) / cycles,
        generator: micros(cpu("self")? - own_before) / cycles,
    })
}
