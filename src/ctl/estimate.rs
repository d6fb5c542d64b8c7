//! Estimated time until a slot is free, from the durations of earlier runs.

use std::time::{Duration, SystemTime};

use super::format::{age, clean, human};
use distributex_client::{Holder, PoolSnapshot, Run, RunEnd};

/// Minimum number of runs for an estimate.
const MIN_RUNS: usize = 3;
/// Maximum number of runs considered, newest first.
const MAX_RUNS: usize = 50;

/// Sentences about the duration of earlier runs and the estimated time left; `None` if too few runs are known.
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
        format!("The last {runs} runs took {shortest} to {longest}, median {middle}.")
    };
    if pool.held != pool.slots || pool.holders.is_empty() {
        return Some(usual); // free, or more than one lease must end
    }
    let left = pool.holders.iter().filter_map(|holder| Some((left(holder, &times, now)?, holder)));
    Some(match left.min_by_key(|(left, _)| *left) {
        Some((left, holder)) => {
            let (host, left) = (clean(&holder.host), human(left));
            format!("{usual} Judging by the longer ones, the run of {host} ends in about {left}.")
        }
        None => format!("{usual} The current run has already taken longer than all of these."),
    })
}

/// Estimated time left: the median duration of the runs that took longer than this one has so far.
fn left(holder: &Holder, times: &[Duration], now: SystemTime) -> Option<Duration> {
    let age = age(holder.since?, now);
    let longer = &times[times.partition_point(|time| *time <= age)..];
    Some(median(longer)?.saturating_sub(age))
}

/// The median, or the shorter one of two; `None` of none.
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

    fn estimated(ages: &[u64], runs: &[Run]) -> Option<String> {
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
    fn earlier_runs_give_an_estimate() {
        let mut runs: Vec<_> = [300, 60, 100, 80].map(|held| run(held, "released")).into();
        runs.push(run(9000, "expired"));
        let usual = "The last 4 runs took 60 s to 5 min, median 80 s.";

        assert_eq!(estimated(&[10], &runs).as_deref(), Some(usual));
        let both = estimated(&[10, 90], &runs).unwrap();
        assert!(
            both.starts_with(&format!("{usual} Judging by the longer ones, the run of web90 ends")),
            "{both}"
        );
        assert!(both.ends_with("ends in about 10 s."), "{both}");
        assert!(estimated(&[400, 301], &runs).unwrap().ends_with("longer than all of these."));
    }

    #[test]
    fn equal_durations_are_one_number() {
        let runs = [5, 5, 5].map(|held| run(held, "released"));

        assert_eq!(estimated(&[], &runs).as_deref(), Some("The last 3 runs took 5 s each."));
    }

    #[test]
    fn too_few_runs_give_no_estimate() {
        assert_eq!(estimated(&[10, 20], &[run(5, "released"), run(6, "released")]), None);
        assert_eq!(estimated(&[10, 20], &[]), None);
    }
}
