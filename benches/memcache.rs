//! Leases in memcached: how many cycles per second a server makes there, and what they cost it and memcached,
//! beside what memcached gives without a server; how long a slot is on its way to the next waiter, at the same
//! server and at another one; and what waiting costs while nothing happens.

#![expect(clippy::disallowed_types, reason = "the system's clock is what is measured here")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use load::{
    Result, Scale,
    askers::{Askers, Protocol},
    crowd::Crowd,
    line::{self, Line},
    memcached::Memcached,
    numbers::{hundredths, median, micros, percentile, sorted, tenths, whole},
    raw::Raw,
    relay::Relay,
    report::Report,
    server::{Server, cpu},
};

#[expect(dead_code, reason = "every bench uses a part of the load generator")]
mod load;

/// How many connections to memcached a server has by default.
const CONNECTIONS: usize = 4;

fn main() -> ExitCode {
    load::main("memcache", &[cycles, handoff, parked])
}

/// Who asks, in one row of the table of cycles: each has a pool of its own, so that no cycle waits.
struct Shape {
    /// In which words.
    protocol: Protocol,
    /// How many hosts.
    hosts: usize,
}

const SHAPES: [Shape; 3] = [
    Shape { protocol: Protocol::Classic, hosts: 1 },
    Shape { protocol: Protocol::Classic, hosts: 64 },
    Shape { protocol: Protocol::V1, hosts: 64 },
];

/// Get and release through a server, and its part for memcached without one, in turn.
fn cycles(scale: Scale) -> Result<Report> {
    let columns = [
        "protocol",
        "hosts, pools",
        "cycles/s",
        "requests",
        "server µs",
        "memcached µs",
        "generator µs",
        "raw cycles/s",
        "raw requests",
        "raw memcached µs",
        "ratio",
    ];
    let mut report = Report::new("memcache cycles: get and release with leases in memcached", &columns);
    let memcached = Memcached::start()?;
    let server = Server::real(&memcached.keeps(&configuration(64)))?;
    for shape in &SHAPES {
        let rounds = rounds(shape, &server, &memcached, scale)?;
        report.row(row(shape, &rounds));
    }
    report.note(
        "µs are processor time per cycle, requests are memcached's per cycle; medians over all rounds."
            .to_owned(),
    );
    Ok(report)
}

/// A pool with one slot for each host.
fn configuration(pools: usize) -> String {
    let one = |number| format!("  - {{ name: own{number}, expire: 300 }}\n");
    let own: String = (0..pools).map(one).collect();
    format!("backend: inmemory\npools:\n{own}")
}

/// One round of both.
struct Round {
    /// Through the server.
    real: Sample,
    /// Without it.
    raw: Sample,
}

/// All of them, in turn.
fn rounds(shape: &Shape, server: &Server, memcached: &Memcached, scale: Scale) -> Result<Vec<Round>> {
    let time = scale.pick(Duration::from_millis(1500), Duration::from_millis(200));
    let round = |_| {
        let pools = (0..shape.hosts).map(|number| format!("own{number}"));
        let mut askers = Askers::connect(server, pools, shape.protocol)?;
        let real = Sample::of(|time| askers.cycle_for(time), Some(server), memcached, time)?;
        drop(askers);
        let mut raw = Raw::connect(memcached, shape.hosts.min(CONNECTIONS))?;
        let raw = Sample::of(|time| raw.cycle_for(time), None, memcached, time)?;
        Ok(Round { real, raw })
    };
    (0..scale.pick(5, 1)).map(round).collect()
}

/// The medians, as a row.
fn row(shape: &Shape, rounds: &[Round]) -> [String; 11] {
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
    [
        format!("{:?}", shape.protocol).to_lowercase(),
        shape.hosts.to_string(),
        whole(of(|round| round.real.per_second)),
        hundredths(of(|round| round.real.requests)),
        tenths(of(|round| round.real.server)),
        tenths(of(|round| round.real.memcached)),
        tenths(of(|round| round.real.generator)),
        whole(of(|round| round.raw.per_second)),
        hundredths(of(|round| round.raw.requests)),
        tenths(of(|round| round.raw.memcached)),
        hundredths(of(|round| round.real.per_second / round.raw.per_second)),
    ]
}

/// What one round of one kind came to.
struct Sample {
    /// Cycles per second.
    per_second: f64,
    /// Requests to memcached per cycle.
    requests: f64,
    /// Processor time of the server per cycle, in microseconds.
    server: f64,
    /// The same of memcached.
    memcached: f64,
    /// The same of this process.
    generator: f64,
}

impl Sample {
    /// Warms up, and measures for this long.
    fn of(
        mut cycle_for: impl FnMut(Duration) -> Result<u32>,
        server: Option<&Server>,
        memcached: &Memcached,
        time: Duration,
    ) -> Result<Self> {
        cycle_for(time / 8)?;
        let used = || {
            let server = server.map_or(Ok(Duration::ZERO), Server::cpu)?;
            Ok::<_, load::Failure>([server, memcached.cpu()?, cpu("self")?])
        };
        let (requests, before, start) = (memcached.requests()?, used()?, Instant::now());
        let cycles = f64::from(cycle_for(time)?);
        let (elapsed, after) = (start.elapsed(), used()?);
        let per_cycle = |number: usize| micros(after[number].saturating_sub(before[number])) / cycles;
        Ok(Self {
            per_second: cycles / elapsed.as_secs_f64(),
            requests: (memcached.requests()? - requests) / cycles,
            server: per_cycle(0),
            memcached: per_cycle(1),
            generator: per_cycle(2),
        })
    }
}

/// How many wait at one server while a slot goes from hand to hand.
const LINES: [usize; 2] = [100, 5_000];

/// Slots that go to and fro between two servers, each with one host at either.
const RELAYS: usize = 20;

/// A slot goes to the next waiter, at the same server and at another one.
fn handoff(scale: Scale) -> Result<Report> {
    let columns = ["servers", "waiters", "hand-offs", "p50 ms", "p99 ms", "max ms"];
    let mut report = Report::new("memcache handoff: a freed slot goes to the next waiter", &columns);
    for &waiters in scale.pick(&LINES[..], &LINES[..1]) {
        let latencies = at_one_server(waiters, scale.pick(4_000, 100))?;
        report.row(latency_row(1, waiters, &latencies));
    }
    let latencies = between_two_servers(scale.pick(25, 2))?;
    report.row(latency_row(2, 1, &latencies));
    report.note(format!("Between two servers: {RELAYS} pools at once, each with one host at either server."));
    Ok(report)
}

/// So many hosts wait, and the slot goes from one to the next.
fn at_one_server(waiters: usize, handoffs: usize) -> Result<Vec<Duration>> {
    let memcached = Memcached::start()?;
    let server = Server::real(&memcached.keeps(line::CONFIGURATION))?;
    let mut line = Line::park(&server, waiters)?;
    for _ in 0..handoffs / 10 {
        line.hand_off()?; // warms up
    }
    let latencies = (0..handoffs).map(|_| Ok(line.hand_off()?.served)).collect::<Result<Vec<_>>>()?;
    if line.out_of_order > 0 {
        return Err(format!("{} waiters were served out of order", line.out_of_order).into());
    }
    Ok(sorted(latencies))
}

/// A host releases at one server, and one that waits at the other gets the slot.
fn between_two_servers(handoffs: usize) -> Result<Vec<Duration>> {
    let memcached = Memcached::start()?;
    let configuration = memcached.keeps(&configuration(RELAYS));
    let servers = [Server::real(&configuration)?, Server::real(&configuration)?];
    let relays = (0..RELAYS).map(|number| Relay::new(&servers, &format!("own{number}"), number));
    let mut relays = relays.collect::<Result<Vec<_>>>()?;
    Ok(sorted(Relay::run_all(&mut relays, handoffs)?))
}

/// As a row.
fn latency_row(servers: usize, waiters: usize, latencies: &[Duration]) -> [String; 6] {
    let at = |percent| hundredths(percentile(latencies, percent) / 1000.0);
    [servers.to_string(), whole(waiters as f64), whole(latencies.len() as f64), at(50), at(99), at(100)]
}

/// How many sit idle.
const CROWDS: [usize; 2] = [100, 5_000];

/// What it costs that many wait while nothing happens.
fn parked(scale: Scale) -> Result<Report> {
    let columns =
        ["waiters", "idle s", "memcached requests/s", "memcached processor %", "server processor %"];
    let mut report = Report::new("memcache parked: waiters of one pool that sit idle", &columns);
    let memcached = Memcached::start()?;
    let server = Server::real(&memcached.keeps(line::CONFIGURATION))?;
    let mut crowd = Crowd::behind_one_holder(&server)?;
    for &size in scale.pick(&CROWDS[..], &CROWDS[..1]) {
        crowd.grow(&server, size)?;
        crowd.sit(Duration::from_secs(1))?; // until all have come
        let idle = scale.pick(Duration::from_secs(5), Duration::from_secs(1));
        let (requests, before) = (memcached.requests()?, [memcached.cpu()?, server.cpu()?]);
        crowd.sit(idle)?;
        let share = |after: Duration, before: Duration| {
            tenths((after - before).as_secs_f64() / idle.as_secs_f64() * 100.0)
        };
        report.row([
            whole(size as f64),
            tenths(idle.as_secs_f64()),
            tenths((memcached.requests()? - requests) / idle.as_secs_f64()),
            share(memcached.cpu()?, before[0]),
            share(server.cpu()?, before[1]),
        ]);
    }
    Ok(report)
}
