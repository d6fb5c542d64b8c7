//! What it costs to be watched: metrics, events and history on or off while nobody looks, a hundred readers of
//! events beside a line of 5,000, and the metrics of a thousand pools.

#![expect(clippy::disallowed_types, reason = "the system's clock is what is measured here")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use load::{
    Result, Scale,
    askers::{Askers, Protocol},
    line::{CONFIGURATION, Line},
    numbers::{median, micros, percentile, sorted, tenths, whole},
    readers::{Readers, scrape},
    report::Report,
    server::Server,
};

#[expect(dead_code, reason = "every bench uses a part of the load generator")]
mod load;

/// What the other server does without, and how that is written.
const WITHOUT: [(&str, &str); 2] = [
    ("metrics, history", "metrics: false\nhistory: 0\n"),
    ("events, too", "metrics: false\nhistory: 0\nevents: 0\n"),
];

/// Hosts that get and release.
const HOSTS: usize = 64;

fn main() -> ExitCode {
    load::main("watch", &[cost, readers, metrics])
}

/// Everything on and nobody looking, beside a server without a part of it.
fn cost(scale: Scale) -> Result<Report> {
    let columns = ["", "without", "on", "off", "on ÷ off", "on µs", "off µs", "µs on ÷ off"];
    let mut report = Report::new("watch: what it costs that somebody could look", &columns);
    for (without, off) in WITHOUT {
        let yaml = "backend: inmemory\npools:\n  - { name: shared, expire: 300, maxlocks: 64 }\n";
        let servers = (Server::real(yaml)?, Server::real(&format!("{off}{yaml}"))?);
        for (name, protocol) in [("cycles/s, classic", Protocol::Classic), ("cycles/s, v1", Protocol::V1)] {
            let pairs =
                pairs(scale, |is_on| cycles(if is_on { &servers.0 } else { &servers.1 }, protocol, scale))?;
            report.row(compared(name, without, &pairs));
        }
        let size = scale.pick(5_000, 200);
        let servers = (Server::real(CONFIGURATION)?, Server::real(&format!("{off}{CONFIGURATION}"))?);
        let (mut on, mut off) = (Line::park(&servers.0, size)?, Line::park(&servers.1, size)?);
        let pairs = pairs(scale, |is_on| {
            let (server, line) = if is_on { (&servers.0, &mut on) } else { (&servers.1, &mut off) };
            hand_offs(server, line, scale)
        })?;
        report.row(compared(&format!("hand-offs/s, {} wait", whole(size as f64)), without, &pairs));
    }
    report.note(
        "On: metrics, 1,000 events and 100 runs per pool are kept, as is the default. µs: processor time of the server \
         per cycle or hand-off. Medians over all rounds, which take turns."
            .to_owned(),
    );
    Ok(report)
}

/// Rounds of both servers, that with everything on first or second in turn.
fn pairs(scale: Scale, mut measure: impl FnMut(bool) -> Result<Sample>) -> Result<Vec<(Sample, Sample)>> {
    let mut pairs = Vec::new();
    for round in 0..scale.pick(20, 2) {
        let first_is_on = round % 2 == 0;
        let (first, second) = (measure(first_is_on)?, measure(!first_is_on)?);
        pairs.push(if first_is_on { (first, second) } else { (second, first) });
    }
    Ok(pairs)
}

/// So many per second, and the processor time of the server for one, in microseconds.
type Sample = (f64, f64);

fn compared(name: &str, without: &str, pairs: &[(Sample, Sample)]) -> [String; 8] {
    let of = |figure: fn(&(Sample, Sample)) -> f64| median(pairs.iter().map(figure));
    [
        name.to_owned(),
        without.to_owned(),
        whole(of(|(on, _)| on.0)),
        whole(of(|(_, off)| off.0)),
        format!("{:.3}", of(|(on, off)| on.0 / off.0)),
        tenths(of(|(on, _)| on.1)),
        tenths(of(|(_, off)| off.1)),
        format!("{:.3}", of(|(on, off)| on.1 / off.1)),
    ]
}

fn cycles(server: &Server, protocol: Protocol, scale: Scale) -> Result<Sample> {
    let time = scale.pick(Duration::from_millis(1000), Duration::from_millis(100));
    let mut askers = Askers::connect(server, (0..HOSTS).map(|_| "shared".to_owned()), protocol)?;
    askers.cycle_for(time / 8)?;
    let (start, before) = (Instant::now(), server.cpu()?);
    let count = f64::from(askers.cycle_for(time)?);
    Ok((count / start.elapsed().as_secs_f64(), micros(server.cpu()? - before) / count))
}

fn hand_offs(server: &Server, line: &mut Line, scale: Scale) -> Result<Sample> {
    let (count, before) = (scale.pick(1_000, 50), server.cpu()?);
    let mut busy = Duration::ZERO;
    for _ in 0..count {
        busy += line.hand_off()?.all_answered;
    }
    let count = f64::from(count);
    Ok((count / busy.as_secs_f64(), micros(server.cpu()? - before) / count))
}

/// Readers of events beside a long line. They read between two hand-offs, outside the clock.
fn readers(scale: Scale) -> Result<Report> {
    let columns = ["readers", "hand-offs", "per second", "p50 µs", "p99 µs", "max µs", "events per reader"];
    let mut report = Report::new("watch: readers of events beside a long line", &columns);
    let size = scale.pick(5_000, 200);
    for count in scale.pick(&[0, 1, 100][..], &[0, 3]) {
        for pause in [Duration::ZERO, Duration::from_millis(5)] {
            report.row(read_along(size, *count, pause, scale)?);
        }
    }
    report.note(format!(
        "{} hosts wait. Hand-offs follow each other at once, or with 5 ms between them; each is three events.",
        whole(size as f64)
    ));
    Ok(report)
}

fn read_along(size: usize, count: usize, pause: Duration, scale: Scale) -> Result<[String; 7]> {
    let server = Server::real(CONFIGURATION)?;
    let mut line = Line::park(&server, size)?;
    let mut readers = Readers::connect(server.addr, count)?;
    let (start, mut latencies) = (Instant::now(), Vec::new());
    for _ in 0..scale.pick(3_000, 50) {
        latencies.push(line.hand_off()?.served);
        let next = Instant::now() + pause;
        readers.read()?;
        while Instant::now() < next {
            readers.read()?;
        }
    }
    let per_second = latencies.len() as f64 / start.elapsed().as_secs_f64();
    let (handoffs, latencies) = (latencies.len(), sorted(latencies));
    Ok([
        count.to_string(),
        whole(handoffs as f64),
        whole(per_second),
        tenths(percentile(&latencies, 50)),
        tenths(percentile(&latencies, 99)),
        tenths(percentile(&latencies, 100)),
        whole(readers.events as f64 / (count as f64).max(1.0)),
    ])
}

/// The metrics of many pools, each of which was used.
fn metrics(scale: Scale) -> Result<Report> {
    let columns = ["pools", "KiB", "p50 ms", "max ms", "get µs p50", "get µs p99 while scraped"];
    let mut report = Report::new("watch: metrics of many pools", &columns);
    for pools in scale.pick([10, 1_000], [2, 20]) {
        let one = |number: usize| format!("  - {{ name: pool{number:04}, expire: 300, maxlocks: 2 }}\n");
        let yaml = format!("backend: inmemory\npools:\n{}", (0..pools).map(one).collect::<String>());
        let server = Server::real(&yaml)?;
        let names = (0..pools).map(|number| format!("pool{number:04}"));
        Askers::connect(&server, names, Protocol::Classic)?.cycle_for(Duration::from_millis(200))?;
        report.row(scraped(&server, pools, scale)?);
    }
    report.note(
        "A get and a release of another connection, alone and while metrics are scraped without a \
                 pause, by the same core as the pools."
            .to_owned(),
    );
    Ok(report)
}

fn scraped(server: &Server, pools: usize, scale: Scale) -> Result<[String; 6]> {
    let (mut times, mut length) = (Vec::new(), 0);
    for _ in 0..scale.pick(50, 3) {
        let start = Instant::now();
        length = scrape(server.addr)?;
        times.push(start.elapsed());
    }
    let times = sorted(times);
    let alone = pings(server, scale)?;
    let addr = server.addr;
    let scrapes = scale.pick(100, 3);
    let scraper = std::thread::spawn(move || (0..scrapes).try_for_each(|_| scrape(addr).map(drop)));
    let mut during = Vec::new();
    while !scraper.is_finished() {
        during.extend(pings(server, Scale::Quick)?);
    }
    scraper.join().map_err(|_| "the scraper panicked")??;
    Ok([
        whole(pools as f64),
        whole(length as f64 / 1024.0),
        tenths(percentile(&times, 50) / 1000.0),
        tenths(percentile(&times, 100) / 1000.0),
        tenths(percentile(&sorted(alone), 50)),
        tenths(percentile(&sorted(during), 99)),
    ])
}

/// How long a get and a release take, one after another.
fn pings(server: &Server, scale: Scale) -> Result<Vec<Duration>> {
    use load::connection::{Connection, request};
    let mut connection = Connection::open(server.addr)?;
    let (get, release) = (request("get", "ping", "pool0001"), request("release", "ping", "pool0001"));
    let mut times = Vec::new();
    for _ in 0..scale.pick(2_000, 50) {
        let start = Instant::now();
        connection.ask(&get, "YES")?;
        connection.ask(&release, "OK")?;
        times.push(start.elapsed() / 2);
    }
    Ok(times)
}
