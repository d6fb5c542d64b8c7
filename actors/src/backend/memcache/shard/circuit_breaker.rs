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
    Closed,
    /// Unreachable.
    Open {
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
            BreakerState::Closed => Ok(()),
            BreakerState::Open { retry, tried, .. } if now >= *retry && !*tried => {
                *tried = true;
                Ok(())
            }
            BreakerState::Open { why, .. } => Err(why.clone()),
        }
    }

    /// Whether memcached is not known to be unreachable.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(*self.state(), BreakerState::Closed)
    }

    /// Records the result of a try.
    pub(crate) fn record(&self, now: Instant, result: &Result<(), MemcacheError>) -> BreakerChange {
        let (new, change) = match result {
            Err(MemcacheError::Unreachable(why)) => (
                BreakerState::Open { why: why.clone(), retry: now + RETRY_INTERVAL, tried: false },
                BreakerChange::Gone,
            ),
            Ok(()) | Err(MemcacheError::Refused(_)) => (BreakerState::Closed, BreakerChange::Back),
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
    fn after_a_failure_only_one_try_is_permitted_at_a_time() {
        let (breaker, start) = (CircuitBreaker::default(), Instant::now());
        let gone = Err(MemcacheError::Unreachable("gone".to_owned()));

        assert_eq!([breaker.try_acquire(start), breaker.try_acquire(start)], [Ok(()), Ok(())]);
        assert_eq!(
            (breaker.is_closed(), breaker.record(start, &gone), breaker.is_closed()),
            (true, BreakerChange::Gone, false)
        );
        assert_eq!(breaker.try_acquire(start), Err("gone".to_owned()));
        assert_eq!(breaker.try_acquire(start + RETRY_INTERVAL), Ok(()));
        assert_eq!(
            breaker.try_acquire(start + RETRY_INTERVAL),
            Err("gone".to_owned()),
            "a try is in progress"
        );
        assert_eq!(breaker.record(start + RETRY_INTERVAL, &gone), BreakerChange::None);
        assert_eq!(breaker.try_acquire(start + RETRY_INTERVAL), Err("gone".to_owned()));
        assert_eq!(breaker.try_acquire(start + RETRY_INTERVAL * 2), Ok(()));
        assert_eq!(breaker.record(start + RETRY_INTERVAL * 2, &Ok(())), BreakerChange::Back);
        assert_eq!([breaker.try_acquire(start), breaker.try_acquire(start)], [Ok(()), Ok(())]);
    }

    #[test]
    fn a_memcached_that_refuses_is_reachable() {
        let (breaker, now) = (CircuitBreaker::default(), Instant::now());

        assert_eq!(breaker.record(now, &Err(MemcacheError::Refused("full".to_owned()))), BreakerChange::None);

        assert_eq!(breaker.try_acquire(now), Ok(()));
    }
}
