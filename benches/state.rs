//! A server with a state directory: every answer is on the disk before it is sent. How many cycles and how fast a
//! hand-off that leaves, told in flushes of the same disk; and how long a server takes to be back.

#![expect(clippy::disallowed_types, reason = "the system's clock is what is measured here")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use load::{
    Result, Scale,
    askers::{Askers, Protocol},
    connection::{Connection, post, request},
    disk::{Directory, Flusher, Flushes},
    line::{CONFIGURATION, Handoff, Line},
    numbers::{median, micros, percentile, sorted, tenths, whole},
    poller::Poller,
    report::Report,
    server::Server,
};

#[expect(dead_code, reason = "every bench uses a part of the load generator")]
mod load;

/// Connections, each with a host name of its own.
const CONNECTIONS: usize = 64;

/// How much longer a flush takes than this disk needs: not at all, as with many solid state disks, as with hard disks.
const SLOWER: [Duration; 3] = [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(8)];

/// How many wait while a slot is handed on.
const SIZES: [usize; 2] = [100, 5_000];

/// Hand-offs of one round.
const HANDOFFS: usize = 2_000;

/// What a server has to remember, at most.
const POOLS: usize = 1_000;
const LEASES_PER_POOL: usize = 10;

fn main() -> ExitCode {
    load::main("state", &[cycles, handoff, recovery])
}

/// One round of cycles.
struct Sample {
    /// Flushes per second of the disk, just before, when it did nothing else.
    alone: f64,
    /// Flushes per second that it did for the server.
    meanwhile: f64,
    /// Cycles per second of the server.
    cycles: f64,
    /// Its processor time per cycle, in microseconds.
    server: f64,
}

/// Get and release, over and over.
fn cycles(scale: Scale) -> Result<Report> {
    let columns = [
        "slower by ms",
        "protocol",
        "connections",
        "pools",
        "cycles/s",
        "flushes/s alone",
        "times as many",
        "flushes/s meanwhile",
        "per flush",
        "server µs",
    ];
    let mut report =
        Report::new("state cycles: get and release, with everything on the disk first", &columns);
    for slower in scale.pick(&SLOWER[..], &SLOWER[..2]) {
        let directory = Directory::new()?;
        let server =
            Server::real_in(&directory.slower(*slower)?, &directory.keeps(&configuration(CONNECTIONS)))?;
        let mut disk = directory.flusher(*slower)?;
        for (protocol, word) in [(Protocol::Classic, "classic"), (Protocol::V1, "v1")] {
            for (connections, pools) in [(1, 1), (CONNECTIONS, 1), (CONNECTIONS, CONNECTIONS)] {
                let sample = |_| sample(&server, &mut disk, connections, pools, protocol, scale);
                let samples: Vec<_> = (0..scale.pick(7, 1)).map(sample).collect::<Result<_>>()?;
                let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
                report.row([
                    slower.as_millis().to_string(),
                    word.to_owned(),
                    connections.to_string(),
                    pools.to_string(),
                    whole(of(|sample| sample.cycles)),
                    whole(of(|sample| sample.alone)),
                    tenths(of(|sample| sample.cycles / sample.alone)),
                    whole(of(|sample| sample.meanwhile)),
                    tenths(of(|sample| sample.cycles / sample.meanwhile)),
                    tenths(of(|sample| sample.server)),
                ]);
            }
        }
    }
    report.note(
        "Alone: a file in the same directory is appended 4 KiB and flushed with fdatasync, again and again, just before. \
         Meanwhile: flushes that the disk counted during the cycles. Medians over the rounds, ratios round by round. \
         Slower by: a pause before every flush, of the server too."
            .to_owned(),
    );
    Ok(report)
}

/// One pool with a slot for all, and one pool for each.
fn configuration(own: usize) -> String {
    let one = |number: usize| format!("  - {{ name: own{number}, expire: 300 }}\n");
    let own: String = (0..own).map(one).collect();
    format!("backend: inmemory\npools:\n  - {{ name: shared, expire: 300, maxlocks: 64 }}\n{own}")
}

fn sample(
    server: &Server,
    disk: &mut Flusher,
    connections: usize,
    pools: usize,
    protocol: Protocol,
    scale: Scale,
) -> Result<Sample> {
    let time = scale.pick(Duration::from_millis(1500), Duration::from_millis(200));
    let flushes = disk.flush_for(time / 3)?;
    let flushing: Duration = flushes.iter().sum();
    let pool = |number| if pools == 1 { "shared".to_owned() } else { format!("own{}", number % pools) };
    let mut askers = Askers::connect(server, (0..connections).map(pool), protocol)?;
    askers.cycle_for(time / 8)?;
    let (start, before, flushed) = (Instant::now(), server.cpu()?, Flushes::read()?);
    let cycles = f64::from(askers.cycle_for(time)?);
    let took = start.elapsed().as_secs_f64();
    Ok(Sample {
        alone: flushes.len() as f64 / flushing.as_secs_f64(),
        meanwhile: Flushes::read()?.since(&flushed) as f64 / took,
        cycles: cycles / took,
        server: micros(server.cpu()? - before) / cycles,
    })
}

/// One round of hand-offs.
struct Round {
    /// From the release to the next waiter's answer.
    latencies: Vec<Duration>,
    /// The median time of a flush just before, in microseconds.
    flush: f64,
    /// How often a waiter was served before one that had waited longer.
    out_of_order: usize,
}

/// A slot that goes from hand to hand.
fn handoff(scale: Scale) -> Result<Report> {
    let columns =
        ["waiters", "hand-offs", "p50 µs", "p99 µs", "flush p50 µs", "p50 in flushes", "out of order"];
    let mut report = Report::new("state handoff: a freed slot goes on, when that is on the disk", &columns);
    for size in scale.pick(&SIZES[..], &SIZES[..1]) {
        let round = |_| round(*size, scale.pick(HANDOFFS, HANDOFFS / 10));
        let rounds: Vec<_> = (0..scale.pick(5, 1)).map(round).collect::<Result<_>>()?;
        let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
        report.row([
            whole(*size as f64),
            whole(rounds.iter().map(|round| round.latencies.len()).sum::<usize>() as f64),
            tenths(of(|round| percentile(&round.latencies, 50))),
            tenths(of(|round| percentile(&round.latencies, 99))),
            tenths(of(|round| round.flush)),
            format!("{:.2}", of(|round| percentile(&round.latencies, 50) / round.flush)),
            rounds.iter().map(|round| round.out_of_order).sum::<usize>().to_string(),
        ]);
    }
    Ok(report)
}

fn round(size: usize, handoffs: usize) -> Result<Round> {
    let directory = Directory::new()?;
    let server = Server::real(&directory.keeps(CONFIGURATION))?;
    let mut line = Line::park(&server, size)?;
    for _ in 0..handoffs / 10 {
        line.hand_off()?; // warms up
    }
    let flushes = sorted(directory.flusher(Duration::ZERO)?.flush_for(Duration::from_millis(500))?);
    let took: Vec<Handoff> = (0..handoffs).map(|_| line.hand_off()).collect::<Result<_>>()?;
    Ok(Round {
        latencies: sorted(took.iter().map(|handoff| handoff.served)),
        flush: percentile(&flushes, 50),
        out_of_order: line.out_of_order,
    })
}

/// A server that was killed with all its pools full, and is started again.
fn recovery(scale: Scale) -> Result<Report> {
    let columns = ["pools", "leases", "starts", "median ms", "slowest ms", "empty ms"];
    let mut report =
        Report::new("state recovery: from the start of the program to its first answer", &columns);
    let pools = scale.pick(POOLS, POOLS / 10);
    let starts = scale.pick(11, 1);
    let directory = Directory::new()?;
    let yaml = directory.keeps(&full(pools));
    let empty = answered(&directory.keeps(&full(pools)), pools)?.1;
    let server = Server::real(&yaml)?;
    fill(&server, pools)?;
    drop(server); // killed
    let mut took = Vec::new();
    for _ in 0..starts {
        let (server, time) = answered(&yaml, pools)?;
        took.push(time);
        still_held(&server, pools)?;
    }
    let took = sorted(took);
    report.row([
        whole(pools as f64),
        whole((pools * LEASES_PER_POOL) as f64),
        starts.to_string(),
        tenths(percentile(&took, 50) / 1e3),
        tenths(percentile(&took, 100) / 1e3),
        tenths(micros(empty) / 1e3),
    ]);
    report.note("empty ms: the same pools, without any lease in the directory.".to_owned());
    Ok(report)
}

fn full(pools: usize) -> String {
    let one =
        |number: usize| format!("  - {{ name: own{number}, expire: 0, maxlocks: {LEASES_PER_POOL} }}\n");
    format!("backend: inmemory\npools:\n{}", (0..pools).map(one).collect::<String>())
}

/// Starts a server and asks it: how long it took until the answer.
fn answered(yaml: &str, pools: usize) -> Result<(Server, Duration)> {
    let start = Instant::now();
    let server = Server::real(yaml)?;
    let last = format!("own{}", pools - 1);
    Connection::open(server.addr)?.ask(&request("release", "nobody", &last), "OK")?;
    Ok((server, start.elapsed()))
}

/// Takes every slot of every pool, with many connections at once.
fn fill(server: &Server, pools: usize) -> Result<()> {
    let mut poller = Poller::new()?;
    let mut wanted = (0..pools * LEASES_PER_POOL).map(|number| (number / LEASES_PER_POOL, number));
    let mut connections = Vec::new();
    for number in 0..CONNECTIONS {
        let connection = Connection::open(server.addr)?;
        poller.add(&connection, number)?;
        connections.push(connection);
    }
    let mut ask = |connection: &mut Connection| -> Result<bool> {
        let Some((pool, number)) = wanted.next() else { return Ok(false) };
        let body = format!(r#"{{"host":"host{number:05}","owner":"owner-of-host{number:05}"}}"#);
        connection.send(&post("acquire", &format!("own{pool}"), &body))?;
        Ok(true)
    };
    let mut busy = 0;
    for connection in &mut connections {
        busy += usize::from(ask(connection)?);
    }
    while busy > 0 {
        for number in poller.wait()? {
            if connections[number].lease()?.is_some() && !ask(&mut connections[number])? {
                busy -= 1;
            }
        }
    }
    Ok(())
}

/// Nothing was forgotten: there is no slot for anybody else.
fn still_held(server: &Server, pools: usize) -> Result<()> {
    let mut connection = Connection::open(server.addr)?;
    (0..pools).try_for_each(|pool| connection.ask(&request("get", "somebody", &format!("own{pool}")), "NO"))
}
