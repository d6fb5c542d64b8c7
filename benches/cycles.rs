//! Get and release, over and over: how many cycles per second the server makes, and what one costs it,
//! in the classic protocol and in v1, beside a bare server whose answers are fixed.
//!
//! Every connection has one question outstanding and checks every answer. The three are measured in turn,
//! several rounds each, so that whatever else the machine does hits all of them.

#![expect(clippy::disallowed_types, reason = "the system's clock is what is measured here")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use load::{
    Result, Scale,
    askers::{Askers, Protocol},
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
    load::main("cycles", &[bench])
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
        "v1 cycles/s",
        "v1 µs",
        "v1 cost",
    ];
    let mut report = Report::new("cycles: get and release", &columns);
    for shape in &SHAPES {
        let rounds = rounds(shape, &real, &bare, scale)?;
        report.row(row(shape, &rounds));
    }
    report.note(
        "One cycle is two requests; µs are processor time per cycle, medians over all rounds.".to_owned(),
    );
    report.note(
        "v1 cost: processor time of the server for a v1 cycle through that for a classic one.".to_owned(),
    );
    Ok(report)
}

/// One pool with a slot for all, and one pool for each.
fn configuration() -> String {
    let one = |number: usize| format!("  - {{ name: own{number}, expire: 300 }}\n");
    let own: String = (0..64).map(one).collect();
    format!("backend: inmemory\npools:\n  - {{ name: shared, expire: 300, maxlocks: 64 }}\n{own}")
}

/// One round of each.
struct Round {
    /// The real server, in the classic protocol.
    real: Sample,
    /// The bare one.
    bare: Sample,
    /// The real server, in v1.
    v1: Sample,
}

/// All of them, in turn.
fn rounds(shape: &Shape, real: &Server, bare: &Server, scale: Scale) -> Result<Vec<Round>> {
    let time = scale.pick(Duration::from_millis(1500), Duration::from_millis(200));
    let round = |_| {
        Ok(Round {
            real: sample(shape, real, Protocol::Classic, time)?,
            bare: sample(shape, bare, Protocol::Classic, time)?,
            v1: sample(shape, real, Protocol::V1, time)?,
        })
    };
    (0..scale.pick(7, 1)).map(round).collect()
}

/// The medians, as a row.
fn row(shape: &Shape, rounds: &[Round]) -> [String; 11] {
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
    [
        shape.connections.to_string(),
        shape.pools.to_string(),
        whole(of(|round| round.real.per_second)),
        whole(of(|round| round.bare.per_second)),
        format!("{:.2}", of(|round| round.real.per_second / round.bare.per_second)),
        tenths(of(|round| round.real.server)),
        tenths(of(|round| round.bare.server)),
        tenths(of(|round| round.real.generator)),
        whole(of(|round| round.v1.per_second)),
        tenths(of(|round| round.v1.server)),
        format!("{:.2}", of(|round| round.v1.server / round.real.server)),
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
fn sample(shape: &Shape, server: &Server, protocol: Protocol, time: Duration) -> Result<Sample> {
    let pools = (0..shape.connections).map(|number| shape.pool(number));
    let mut askers = Askers::connect(server, pools, protocol)?;
    askers.cycle_for(time / 8)?;
    let (start, server_before, own_before) = (Instant::now(), server.cpu()?, cpu("self")?);
    let cycles = f64::from(askers.cycle_for(time)?);
    Ok(Sample {
        per_second: cycles / start.elapsed().as_secs_f64(),
        server: micros(server.cpu()? - server_before) / cycles,
        generator: micros(cpu("self")? - own_before) / cycles,
    })
}
