//! Growing pauses between attempts, with jitter.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    time::Duration,
};

/// First pause, before jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Maximum pause.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Maximum pause even if a server asks for more: a queue entry would expire.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(25);

/// Pauses between attempts: each twice as long as the one before, with jitter, so that clients do not all reconnect at
/// once when a server returns.
#[derive(Debug)]
pub struct Backoff {
    /// The next pause, before jitter.
    next: Duration,
    /// Maximum pause.
    longest: Duration,
}

impl Backoff {
    /// The state before the first failure.
    #[must_use]
    pub fn new() -> Self {
        Self::up_to(MAX_PAUSE)
    }

    /// Like [`Backoff::new`], with this maximum pause.
    #[must_use]
    pub fn up_to(longest: Duration) -> Self {
        Self { next: FIRST_PAUSE.min(longest), longest }
    }

    /// The next pause: between half and all of its nominal length.
    pub fn pause(&mut self) -> Duration {
        let due = self.next;
        self.next = (due * 2).min(self.longest);
        due.mul_f64(0.5 + 0.5 * random_unit())
    }

    /// The next pause, if a server may have sent `Retry-After`: a little longer than that, with jitter.
    pub(crate) fn pause_with_retry_after(&mut self, asked: Option<Duration>) -> Duration {
        let own = self.pause();
        asked.map_or(own, |asked| asked.min(MAX_RETRY_AFTER).mul_f64(1.0 + 0.1 * random_unit()).max(own))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

/// A random number from 0 to 1. Hash maps are seeded randomly; no better quality is needed here.
pub(crate) fn random_unit() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    f64::from(u32::try_from(bits).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut backoff = Backoff::new();

        let pauses: Vec<_> = (0..20).map(|_| backoff.pause()).collect();

        assert!(pauses[0] >= FIRST_PAUSE / 2 && pauses[0] <= FIRST_PAUSE);
        assert!(pauses[19] >= MAX_PAUSE / 2);
        assert!(pauses.iter().all(|pause| *pause <= MAX_PAUSE));
    }

    #[test]
    fn who_says_when_is_left_alone_until_then_but_not_for_ever() {
        let asked =
            |seconds| Backoff::new().pause_with_retry_after(Some(Duration::from_secs(seconds))).as_secs_f64();

        assert!((3.0..3.4).contains(&asked(3)));
        assert!((25.0..28.0).contains(&asked(1_000_000)));
        assert!(asked(0) >= FIRST_PAUSE.as_secs_f64() / 2.0, "nobody is asked without a pause");
    }
}
