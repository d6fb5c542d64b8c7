//! Circuit breaker for an unreachable memcached, so that one that is dead or frozen does not block all threads again
//! and again.
//!
//! ```text
//!  closed ──unreachable──► open: refuses ──half a second──► one try ──reached──► closed
//!                               ▲                              │
//!                               └───────── unreachable ────────┘
//! ```

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::connection_pool::MemcacheError;

/// Interval of tries while memcached is unreachable.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Whether a memcached can be reached.
#[derive(Debug, Default)]
pub(crate) struct CircuitBreaker(Mutex<BreakerState>);

#[derive(Debug, Default)]
enum BreakerState {
    #[default]
    Open,
    /// Unreachable.
    Away {
        /// Reason, for the log and for refusals.
        why: String,
        /// Time of the next try.
        retry: Instant,
        /// Whether a try is in progress.
        tried: bool,
    },
}

/// Change of the state by a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BreakerChange {
    /// None.
    None,
    /// It became unreachable.
    Gone,
    /// It became reachable.
    Back,
}

impl CircuitBreaker {
    /// Permits a try, whose result has to be recorded by [`CircuitBreaker::record`].
    ///
    /// # Errors
    /// Why memcached is unreachable.
    pub(crate) fn try_acquire(&self, now: Instant) -> Result<(), String> {
        match &mut *self.state() {
            BreakerState::Open => Ok(()),
            BreakerState::Away { retry, tried, .. } if now >= *retry && !*tried => {
                *tried = true;
                Ok(())
            }
            BreakerState::Away { why, .. } => Err(why.clone()),
        }
    }

    /// Whether memcached is not known to be unreachable.
    pub(crate) fn is_open(&self) -> bool {
        matches!(*self.state(), BreakerState::Open)
    }

    /// Records the result of a try.
    pub(crate) fn record(&self, now: Instant, result: &Result<(), MemcacheError>) -> BreakerChange {
        let (new, change) = match result {
            Err(MemcacheError::Away(why)) => (
                BreakerState::Away { why: why.clone(), retry: now + RETRY_INTERVAL, tried: false },
                BreakerChange::Gone,
            ),
            Ok(()) | Err(MemcacheError::Refused(_)) => (BreakerState::Open, BreakerChange::Back),
        };
        let mut state = self.state();
        let same = mem::discriminant(&*state) == mem::discriminant(&new);
        *state = new;
        if same { BreakerChange::None } else { change }
    }

    fn state(&self) -> MutexGuard<'_, BreakerState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_only_one_tries_at_a_time() {
        let (gate, start) = (CircuitBreaker::default(), Instant::now());
        let gone = Err(MemcacheError::Away("gone".to_owned()));

        assert_eq!([gate.try_acquire(start), gate.try_acquire(start)], [Ok(()), Ok(())]);
        assert_eq!(
            (gate.is_open(), gate.record(start, &gone), gate.is_open()),
            (true, BreakerChange::Gone, false)
        );
        assert_eq!(gate.try_acquire(start), Err("gone".to_owned()));
        assert_eq!(gate.try_acquire(start + RETRY_INTERVAL), Ok(()));
        assert_eq!(
            gate.try_acquire(start + RETRY_INTERVAL),
            Err("gone".to_owned()),
            "somebody tries already"
        );
        assert_eq!(gate.record(start + RETRY_INTERVAL, &gone), BreakerChange::None);
        assert_eq!(gate.try_acquire(start + RETRY_INTERVAL), Err("gone".to_owned()));
        assert_eq!(gate.try_acquire(start + RETRY_INTERVAL * 2), Ok(()));
        assert_eq!(gate.record(start + RETRY_INTERVAL * 2, &Ok(())), BreakerChange::Back);
        assert_eq!([gate.try_acquire(start), gate.try_acquire(start)], [Ok(()), Ok(())]);
    }

    #[test]
    fn a_memcached_that_refuses_is_there() {
        let (gate, now) = (CircuitBreaker::default(), Instant::now());

        assert_eq!(gate.record(now, &Err(MemcacheError::Refused("full".to_owned()))), BreakerChange::None);

        assert_eq!(gate.try_acquire(now), Ok(()));
    }
}
