//! How long runs usually take, and what that says of those that are under way. It is a guess, and is told as
//! one.

use std::time::{Duration, SystemTime};

use super::format::{age, clean, human};
use distributex_client::{Holder, PoolSnapshot, Run, RunEnd};

/// Fewer runs say nothing.
const MIN_RUNS: usize = 3;
/// What was long ago says little.
const MAX_RUNS: usize = 50;

/// What the latest runs say, in sentences; nothing if they are too few.
pub(super) fn estimate(pool: &PoolSnapshot, runs: &[Run], now: SystemTime) -> Option<String> {
    let released = runs.iter().filter(|run| run.end() == RunEnd::Released);
    let mut times: Vec<_> = released.filter_map(|run| run.held).take(MAX_RUNS).collect();
    times.sort_unstable();
    let (shortest, longest) = (times.first()?, times.last()?);
    if times.len() < MIN_RUNS {
        return None;
    }
    let (runs, shortest, longest) = (times.len(), human(*shortest), human(*longest));
    let usual = if shortest == longest {
        format!("The last {runs} runs took {longest} each.")
    } else {
        let middle = human(median(&times)?);
        format!("The last {runs} runs took {shortest} to {longest}, half of them no more than {middle}.")
    };
    if pool.held != pool.slots || pool.holders.is_empty() {
        return Some(usual); // free, or more than one lease has to end
    }
    let left = pool.holders.iter().filter_map(|holder| Some((left(holder, &times, now)?, holder)));
    Some(match left.min_by_key(|(left, _)| *left) {
        Some((left, holder)) => {
            let (host, left) = (clean(&holder.host), human(left));
            format!(
                "{usual} If the run of {host} is like those that took as long as it did till now, a slot is free in about {left}."
            )
        }
        None => format!(
            "{usual} What runs now has taken longer than any of them: nothing can be said of its end."
        ),
    })
}

/// How long this run may still take: as those that took longer than it did till now, the one in the middle of
/// them.
fn left(holder: &Holder, times: &[Duration], now: SystemTime) -> Option<Duration> {
    let age = age(holder.since?, now);
    let longer = &times[times.partition_point(|time| *time <= age)..];
    Some(median(longer)?.saturating_sub(age))
}

/// The one in the middle, or the shorter one of two.
fn median(times: &[Duration]) -> Option<Duration> {
    times.get(times.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use distributex_client::Queue;

    const NOW: Duration = Duration::from_secs(1_795_435_080);

    fn run(held: u64, how: &str) -> Run {
        Run {
            host: "web1".to_owned(),
            token: 7,
            command: None,
            waited: None,
            held: Some(Duration::from_secs(held)),
            since: None,
            ended_at: None,
            how: how.to_owned(),
            exit_status: None,
            author: None,
            reason: None,
        }
    }

    fn told(ages: &[u64], runs: &[Run]) -> Option<String> {
        let now = SystemTime::UNIX_EPOCH + NOW;
        let holder = |age: &u64| Holder {
            host: format!("web{age}"),
            token: 7,
            since: Some(now - Duration::from_secs(*age)),
            expires_in: None,
            command: None,
            revoked: None,
            store: None,
        };
        let line = Queue { length: 0, waiters: Vec::new() };
        let holders: Vec<_> = ages.iter().map(holder).collect();
        let held = holders.len() as u64;
        let pool = PoolSnapshot {
            name: "p".to_owned(),
            slots: 2,
            held,
            holders,
            queue: line,
            paused: None,
            removed: false,
            store_down: false,
            next: None,
            store: None,
        };
        estimate(&pool, runs, now)
    }

    #[test]
    fn the_latest_runs_say_how_long_it_may_take() {
        let mut runs: Vec<_> = [300, 60, 100, 80].map(|held| run(held, "released")).into();
        runs.push(run(9000, "expired"));
        let usual = "The last 4 runs took 60 s to 5 min, half of them no more than 80 s.";

        assert_eq!(told(&[10], &runs).as_deref(), Some(usual));
        let both = told(&[10, 90], &runs).unwrap();
        assert!(both.starts_with(&format!("{usual} If the run of web90 is like")), "{both}");
        assert!(both.ends_with("a slot is free in about 10 s."), "{both}");
        assert!(told(&[400, 301], &runs).unwrap().ends_with("nothing can be said of its end."));
    }

    #[test]
    fn runs_that_took_the_same_time_are_told_so() {
        let runs = [5, 5, 5].map(|held| run(held, "released"));

        assert_eq!(told(&[], &runs).as_deref(), Some("The last 3 runs took 5 s each."));
    }

    #[test]
    fn a_few_runs_say_nothing() {
        assert_eq!(told(&[10, 20], &[run(5, "released"), run(6, "released")]), None);
        assert_eq!(told(&[10, 20], &[]), None);
    }
}
