//! Deadline of a command, calculated from its lease.
//!
//! ```text
//!  good ─────────────── term ──── grace ──── kill ── 1 s ── good + ttl
//!  renewal sent         TERM                 KILL           the lease expires at the server
//! ```

use std::time::Duration;

use crate::program::console::DisplaySeconds;
use distributex_client::BootTime;

/// Time from KILL to the end of the lease, for a machine that is slow to kill.
const KILL_MARGIN: Duration = Duration::from_secs(1);
/// Maximum of the default time from TERM to KILL.
const MAX_DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Time between TERM and KILL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// The value of `--kill-after`; `None`: the default.
    wanted: Option<Duration>,
}

/// When a command is stopped unless a renewal comes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline {
    /// When it gets KILL; `None` if only the end of the wrapper stops it.
    pub(super) kill: Option<BootTime>,
    /// Time from TERM to KILL, also after the wrapper's end. Zero: KILL at once.
    pub(super) grace: Duration,
}

impl Grace {
    /// Checks `--kill-after` against the requested `ttl`, if that is known.
    ///
    /// # Errors
    /// When the command would have to be stopped soon after its lease began.
    pub fn new(wanted: Option<Duration>, ttl: Option<Duration>) -> Result<Self, String> {
        match (wanted, ttl.map(max_grace)) {
            (Some(wanted), Some(longest)) if wanted > longest => Err(format!(
                "with --ttl {}, --kill-after must be at most {} seconds: half of it less one",
                DisplaySeconds(ttl.unwrap_or_default()),
                DisplaySeconds(longest)
            )),
            _ => Ok(Self { wanted }),
        }
    }

    /// The grace with a lease that lives `ttl` without renewal, which the server may have shortened.
    pub(super) fn within(self, ttl: Option<Duration>) -> Duration {
        match ttl {
            None => self.wanted.unwrap_or(MAX_DEFAULT_GRACE),
            Some(ttl) => self.wanted.unwrap_or_else(|| (ttl / 6).min(MAX_DEFAULT_GRACE)).min(max_grace(ttl)),
        }
    }
}

impl Deadline {
    /// Deadline without a lease that expires.
    pub(super) const NONE: Self = Self { kill: None, grace: Duration::ZERO };

    /// The deadline of a lease that lives `ttl` from `good` on.
    pub(super) fn from_lease(ttl: Option<Duration>, good: BootTime, grace: Grace) -> Self {
        Self { kill: ttl.map(|ttl| good + ttl - KILL_MARGIN), grace: grace.within(ttl) }
    }

    /// For a command that must not be started: its deadline has passed.
    pub(super) fn past() -> Self {
        Self { kill: Some(BootTime::now()), grace: Duration::ZERO }
    }

    /// The same for a command that is stopped from now on: KILL comes one grace later, or when it would have come
    /// anyway.
    pub(super) fn stopped_at(self, now: BootTime) -> Self {
        let kill = now + self.grace;
        Self { kill: Some(self.kill.map_or(kill, |known| known.min(kill))), ..self }
    }

    /// The same without TERM: KILL comes when TERM would have come.
    pub(super) fn without_term(self) -> Self {
        Self { kill: self.term(), grace: Duration::ZERO }
    }

    /// Whether the moment of the first signal has passed.
    pub(super) fn is_due(self) -> bool {
        self.term().is_some_and(|term| term <= BootTime::now())
    }

    /// When the command gets TERM, or KILL if there is no grace.
    pub(super) fn term(self) -> Option<BootTime> {
        self.kill.map(|kill| kill - self.grace)
    }
}

/// Maximum grace with a lease of this lifetime.
fn max_grace(ttl: Duration) -> Duration {
    (ttl / 2).saturating_sub(KILL_MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moment this many seconds after the boot.
    fn at(seconds: f64) -> BootTime {
        BootTime::since_boot(Duration::from_secs_f64(seconds))
    }

    fn held(ttl: f64, wanted: Option<f64>) -> Deadline {
        Deadline::from_lease(Some(Duration::from_secs_f64(ttl)), at(100.0), wanting(wanted))
    }

    fn wanting(seconds: Option<f64>) -> Grace {
        Grace::new(seconds.map(Duration::from_secs_f64), None).unwrap()
    }

    #[test]
    fn kill_comes_a_second_before_the_end_and_term_a_grace_before_that() {
        for (ttl, wanted, term, kill) in [
            (30.0, None, 124.0, 129.0),        // a sixth
            (300.0, None, 389.0, 399.0),       // at most ten seconds
            (3.0, None, 101.5, 102.0),         // a sixth, and just half less one
            (2.4, None, 101.2, 101.4),         // half less one
            (2.0, None, 101.0, 101.0),         // no time for TERM
            (30.0, Some(2.0), 127.0, 129.0),   // as given
            (300.0, Some(60.0), 339.0, 399.0), // longer than the default
            (30.0, Some(60.0), 115.0, 129.0),  // the server shortened the ttl
            (30.0, Some(0.0), 129.0, 129.0),
        ] {
            let deadline = held(ttl, wanted);

            assert_eq!(
                (deadline.term(), deadline.kill),
                (Some(at(term)), Some(at(kill))),
                "{ttl} {wanted:?}"
            );
        }
    }

    #[test]
    fn without_term_the_kill_comes_in_its_place() {
        let deadline = held(30.0, None).without_term();

        assert_eq!((deadline.term(), deadline.kill), (Some(at(124.0)), Some(at(124.0))));
    }

    #[test]
    fn a_lease_for_ever_has_no_deadline_but_a_grace() {
        let endless = |wanted| Deadline::from_lease(None, at(100.0), wanting(wanted));
        let grace = |wanted| endless(wanted).grace.as_secs();

        assert_eq!(endless(None).kill, None);
        assert_eq!((grace(None), grace(Some(60.0))), (10, 60));
    }

    #[test]
    fn a_lost_lease_leaves_a_grace_but_not_beyond_its_deadline() {
        for (now, kill) in [(110.0, 115.0), (127.0, 129.0), (200.0, 129.0)] {
            let deadline = held(30.0, None).stopped_at(at(now));

            assert_eq!((deadline.kill, deadline.grace.as_secs()), (Some(at(kill)), 5), "{now}");
        }
        let endless = Deadline::from_lease(None, at(100.0), wanting(Some(60.0)));
        assert_eq!(endless.stopped_at(at(110.0)).kill, Some(at(170.0)));
        let killed = held(30.0, None).without_term();
        assert_eq!(killed.stopped_at(at(110.0)).kill, Some(at(110.0)));
    }

    #[test]
    fn a_grace_must_fit_into_the_ttl_that_was_asked_for() {
        let grace = |wanted, ttl| {
            Grace::new(Some(Duration::from_secs_f64(wanted)), Some(Duration::from_secs_f64(ttl)))
        };

        assert!(grace(14.0, 30.0).is_ok());
        assert_eq!(
            grace(14.5, 30.0),
            Err("with --ttl 30, --kill-after must be at most 14 seconds: half of it less one".to_owned())
        );
    }
}
