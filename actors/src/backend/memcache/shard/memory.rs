//! Memory use of a memcached, logged when it changes, before leases are refused.
//!
//! ```text
//!  enough ──above 80 %──► tight ──something is refused──► full
//!    ▲                                                     │
//!    └── below 75 %, and nothing was refused for a minute ─┘
//! ```

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::stats::Stats;

/// Percentage above which memory is tight.
const TIGHT_PERCENT: u64 = 80;

/// Percentage below which memory suffices again.
const ENOUGH_PERCENT: u64 = 75;

/// Interval of checks, while memcached is used.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// Memory of a memcached, as last checked.
#[derive(Debug, Default)]
pub(crate) struct MemoryState(Mutex<MemoryObservations>);

#[derive(Debug, Default)]
struct MemoryObservations {
    level: MemoryLevel,
    /// Time of the next check; `None`: at once.
    next: Option<Instant>,
    /// Memcached's reason for refusing something since the last check.
    refused: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum MemoryLevel {
    #[default]
    Enough,
    Tight,
    Full,
}

impl MemoryState {
    /// Whether a check is due. If so, the next one is due after [`CHECK_INTERVAL`].
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        let mut state = self.state();
        let is_due = state.next.is_none_or(|next| next <= now);
        if is_due {
            state.next = Some(now + CHECK_INTERVAL);
        }
        is_due
    }

    /// Notes that something was not stored. A check is due at once if memory was not known to be full.
    pub(crate) fn refused(&self, why: &str) {
        let mut state = self.state();
        if state.level != MemoryLevel::Full && state.refused.is_none() {
            state.next = None;
        }
        state.refused.get_or_insert_with(|| why.to_owned());
    }

    /// Evaluates statistics. Returns a sentence for the log, without the address; `None` if the level has not changed.
    pub(crate) fn evaluate(&self, stats: &Stats) -> Option<String> {
        let number = |name| stats.get(name).and_then(|number| number.parse::<u64>().ok());
        let (used, limit) = number("bytes").zip(number("limit_maxbytes"))?;
        let percent = used.saturating_mul(100) / limit.max(1);
        let mut state = self.state();
        let refused = state.refused.take();
        let level = match (&refused, state.level) {
            (Some(_), _) => MemoryLevel::Full,
            (None, MemoryLevel::Enough) if percent > TIGHT_PERCENT => MemoryLevel::Tight,
            (None, MemoryLevel::Tight | MemoryLevel::Full) if percent < ENOUGH_PERCENT => MemoryLevel::Enough,
            (None, level) => level,
        };
        if std::mem::replace(&mut state.level, level) == level {
            return None;
        }
        let used = format!("uses {used} of {limit} bytes, {percent} %");
        Some(match level {
            MemoryLevel::Enough => used,
            MemoryLevel::Tight => format!(
                "{used}: when it is full, new leases and most renewals are refused; give it more with -m"
            ),
            MemoryLevel::Full => {
                let why = refused.unwrap_or_default();
                format!("refuses new leases and most renewals ({why}), and {used}: give it more with -m")
            }
        })
    }

    fn state(&self) -> MutexGuard<'_, MemoryObservations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluate(memory: &MemoryState, used: u64) -> Option<String> {
        let stats = [("bytes", used), ("limit_maxbytes", 1000)];
        memory.evaluate(&stats.map(|(name, number)| (name.to_owned(), number.to_string())).into())
    }

    #[test]
    fn memory_use_is_logged_once_per_change() {
        let memory = MemoryState::default();

        assert_eq!(evaluate(&memory, 800), None);
        assert!(evaluate(&memory, 810).unwrap().starts_with("uses 810 of 1000 bytes, 81 %: when"));
        assert_eq!([evaluate(&memory, 990), evaluate(&memory, 760)], [None, None]);
        memory.refused("out of memory");
        assert!(
            evaluate(&memory, 990)
                .unwrap()
                .starts_with("refuses new leases and most renewals (out of memory)")
        );
        memory.refused("out of memory");
        assert_eq!([evaluate(&memory, 500), evaluate(&memory, 990)], [None, None]);
        assert_eq!(evaluate(&memory, 500).unwrap(), "uses 500 of 1000 bytes, 50 %");
    }

    #[test]
    fn memory_is_checked_every_minute_and_on_a_refusal() {
        let (memory, start) = (MemoryState::default(), Instant::now());

        assert_eq!([memory.is_due(start), memory.is_due(start)], [true, false]);
        memory.refused("out of memory");
        assert!(memory.is_due(start));
        evaluate(&memory, 990);
        memory.refused("out of memory");
        assert_eq!([memory.is_due(start), memory.is_due(start + CHECK_INTERVAL)], [false, true]);
    }
}
