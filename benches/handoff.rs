//! A slot goes from hand to hand through a line of waiters: how long it is on its way, and whether that
//! depends on how many wait.
//!
//! Every waiter is a host with a connection of its own and a parked `/wait`. The clock runs from just
//! before the holder's release is sent until the next waiter's `YES` was read. Then, outside the clock,
//! the former holder goes to the end of the line, so that the line keeps its length.

use std::{process::ExitCode, time::Duration};

use load::{
    Result, Scale,
    line::{CONFIGURATION, Handoff, Line},
    numbers::{median, percentile, sorted, tenths, whole},
    report::Report,
    server::Server,
};

#[expect(dead_code, reason = "every bench uses a part of the load generator")]
mod load;

/// How many wait.
const SIZES: [usize; 4] = [100, 1_000, 5_000, 15_000];

/// Hand-offs of one round, whatever the size, so that the tails can be compared.
const HANDOFFS: usize = 2_000;

fn main() -> ExitCode {
    load::main("handoff", &[bench])
}

/// Measures all sizes, several rounds each in turn.
fn bench(scale: Scale) -> Result<Report> {
    let sizes = scale.pick(&SIZES[..], &SIZES[..2]);
    let mut rounds: Vec<Vec<Round>> = sizes.iter().map(|_| Vec::new()).collect();
    for _ in 0..scale.pick(3, 1) {
        for (&size, rounds) in sizes.iter().zip(&mut rounds) {
            rounds.push(Round::of(size)?);
        }
    }
    Ok(report(sizes, &rounds))
}

/// A row for every size, and the largest beside the smallest.
fn report(sizes: &[usize], rounds: &[Vec<Round>]) -> Report {
    let columns =
        ["waiters", "hand-offs", "p50 µs", "p99 µs", "max µs", "per second", "out of order", "plain get µs"];
    let mut report = Report::new("handoff: a freed slot goes to the next waiter", &columns);
    for (size, rounds) in sizes.iter().zip(rounds) {
        report.row(row(*size, rounds));
    }
    report.note(comparison(sizes, rounds));
    report
}

/// The largest beside the smallest, and the same in plain gets: what slows the whole machine for a while
/// slows both and falls out.
fn comparison(sizes: &[usize], rounds: &[Vec<Round>]) -> String {
    let last = sizes.len() - 1;
    let times = |figure: fn(&Round) -> f64| {
        let of = |size: usize| median(rounds[size].iter().map(figure));
        of(last) / of(0)
    };
    let (smallest, largest) = (whole(sizes[0] as f64), whole(sizes[last] as f64));
    let (plain, relative) = (times(|round| round.at(50)), times(|round| round.at(50) / round.plain_get));
    format!(
        "p50 with {largest} waiters is {plain:.2} times that with {smallest}; in plain gets, {relative:.2} times."
    )
}

/// The medians over the rounds of one size, but the largest maximum and all that was out of order.
fn row(size: usize, rounds: &[Round]) -> [String; 8] {
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
    let worst = rounds.iter().map(|round| round.at(100)).fold(0.0, f64::max);
    [
        whole(size as f64),
        whole((rounds.len() * HANDOFFS) as f64),
        tenths(of(|round| round.at(50))),
        tenths(of(|round| round.at(99))),
        tenths(worst),
        whole(of(|round| round.per_second)),
        rounds.iter().map(|round| round.out_of_order).sum::<usize>().to_string(),
        tenths(of(|round| round.plain_get)),
    ]
}

/// What one round with one size came to.
struct Round {
    /// The latencies, sorted.
    latencies: Vec<Duration>,
    /// Hand-offs one after another, until both the release and the wait were answered.
    per_second: f64,
    /// How often a waiter was served before one that had waited longer.
    out_of_order: usize,
    /// The median round trip of a `/get` that is refused, behind the same line, in microseconds.
    plain_get: f64,
}

impl Round {
    /// Starts a server, parks that many waiters and hands the slot on.
    fn of(size: usize) -> Result<Self> {
        let server = Server::real(CONFIGURATION)?;
        let mut line = Line::park(&server, size)?;
        for _ in 0..HANDOFFS / 10 {
            line.hand_off()?; // warms up
        }
        let handoffs: Vec<Handoff> = (0..HANDOFFS).map(|_| line.hand_off()).collect::<Result<_>>()?;
        let busy: Duration = handoffs.iter().map(|handoff| handoff.all_answered).sum();
        Ok(Self {
            latencies: sorted(handoffs.iter().map(|handoff| handoff.served)),
            per_second: HANDOFFS as f64 / busy.as_secs_f64(),
            out_of_order: line.out_of_order,
            plain_get: percentile(&sorted(handoffs.iter().map(|handoff| handoff.plain_get)), 50),
        })
    }

    /// A percentile of the latencies, in microseconds.
    fn at(&self, percent: usize) -> f64 {
        percentile(&self.latencies, percent)
    }
}
