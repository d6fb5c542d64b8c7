//! Until when a command may run: reckoned from what is known of its lease.
//!
//! ```text
//!  good ─────────────── term ──── grace ──── kill ── 1 s ── good + ttl
//!  renewal sent         TERM                 KILL           the server gives the slot away
//! ```

use std::time::Duration;

use super::voice::Seconds;
use crate::client::{BootTime, Standing};

/// From KILL to the end of the lease: for a machine that is slow to kill.
const MARGIN: Duration = Duration::from_secs(1);
/// The default time from TERM to KILL is never longer.
const LONGEST_DEFAULT: Duration = Duration::from_secs(10);

/// How long a command has between TERM and KILL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grace {
    /// What was asked for.
    wanted: Option<Duration>,
}

/// When a command is stopped if no renewal comes before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deadline {
    /// When it gets KILL; `None` while nothing but our own end is a reason.
    pub(super) kill: Option<BootTime>,
    /// How long before that it gets TERM, and how long it has when we are gone. Zero: it gets KILL at once.
    pub(super) grace: Duration,
}

impl Grace {
    /// What `--kill-after` wants, for leases of the `ttl` that is asked for, if that is known.
    ///
    /// # Errors
    /// When it is so long that a lease would hardly have begun when the command had to end.
    pub fn new(wanted: Option<Duration>, ttl: Option<Duration>) -> Result<Self, String> {
        match (wanted, ttl.map(longest)) {
            (Some(wanted), Some(longest)) if wanted > longest => Err(format!(
                "with --ttl {} --kill-after can be {} seconds at most: half of it less one",
                Seconds(ttl.unwrap_or_default()),
                Seconds(longest)
            )),
            _ => Ok(Self { wanted }),
        }
    }

    /// How long it is with a lease that lives `ttl` without renewal, which the server may have shortened.
    pub(super) fn within(self, ttl: Option<Duration>) -> Duration {
        match ttl {
            None => self.wanted.unwrap_or(LONGEST_DEFAULT),
            Some(ttl) => self.wanted.unwrap_or_else(|| (ttl / 6).min(LONGEST_DEFAULT)).min(longest(ttl)),
        }
    }
}

impl Deadline {
    /// The deadline that follows from how a lease stands. A lease that is lost leaves no time.
    pub(super) fn of(standing: &Standing, grace: Grace) -> Self {
        match standing {
            Standing::Held { ttl, good } => {
                let kill = ttl.map(|ttl| *good + ttl - MARGIN);
                Self { kill, grace: grace.within(*ttl) }
            }
            Standing::Lost { .. } => Self { kill: Some(BootTime::now()), grace: Duration::ZERO },
        }
    }

    /// The same without TERM: KILL comes when TERM would have come.
    pub(super) fn without_term(self) -> Self {
        Self { kill: self.term(), grace: Duration::ZERO }
    }

    /// When the command gets TERM, or KILL if there is no grace.
    pub(super) fn term(self) -> Option<BootTime> {
        self.kill.map(|kill| kill - self.grace)
    }
}

/// The longest grace of a lease that lives so long.
fn longest(ttl: Duration) -> Duration {
    (ttl / 2).saturating_sub(MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moment so many seconds after the boot.
    fn at(seconds: f64) -> BootTime {
        BootTime::since_boot(Duration::from_secs_f64(seconds))
    }

    fn held(ttl: f64) -> Standing {
        Standing::Held { ttl: Some(Duration::from_secs_f64(ttl)), good: at(100.0) }
    }

    fn wanting(seconds: Option<f64>) -> Grace {
        Grace::new(seconds.map(Duration::from_secs_f64), None).unwrap()
    }

    #[test]
    fn kill_comes_a_second_before_the_end_and_term_a_grace_before_that() {
        for (ttl, wanted, term, kill) in [
            (30.0, None, 124.0, 129.0),        // a sixth
            (300.0, None, 389.0, 399.0),       // no longer than ten seconds
            (3.0, None, 101.5, 102.0),         // a sixth, and just half less one
            (2.4, None, 101.2, 101.4),         // half less one
            (2.0, None, 101.0, 101.0),         // no time for TERM
            (30.0, Some(2.0), 127.0, 129.0),   // as asked for
            (300.0, Some(60.0), 339.0, 399.0), // longer than the default
            (30.0, Some(60.0), 115.0, 129.0),  // the server shortened the ttl
            (30.0, Some(0.0), 129.0, 129.0),
        ] {
            let deadline = Deadline::of(&held(ttl), wanting(wanted));

            assert_eq!(
                (deadline.term(), deadline.kill),
                (Some(at(term)), Some(at(kill))),
                "{ttl} {wanted:?}"
            );
        }
    }

    #[test]
    fn without_term_the_kill_comes_in_its_place() {
        let deadline = Deadline::of(&held(30.0), wanting(None)).without_term();

        assert_eq!((deadline.term(), deadline.kill), (Some(at(124.0)), Some(at(124.0))));
    }

    #[test]
    fn a_lease_for_ever_has_no_deadline_but_a_grace() {
        let standing = Standing::Held { ttl: None, good: at(100.0) };
        let grace = |wanted| Deadline::of(&standing, wanting(wanted)).grace.as_secs();

        assert_eq!(Deadline::of(&standing, wanting(None)).kill, None);
        assert_eq!((grace(None), grace(Some(60.0))), (10, 60));
    }

    #[test]
    fn a_lost_lease_leaves_no_time() {
        let deadline = Deadline::of(&Standing::Lost { why: String::new() }, wanting(Some(60.0)));

        assert!(deadline.term().unwrap() <= BootTime::now());
        assert_eq!(deadline.term(), deadline.kill);
    }

    #[test]
    fn a_grace_must_fit_into_the_ttl_that_was_asked_for() {
        let grace = |wanted, ttl| {
            Grace::new(Some(Duration::from_secs_f64(wanted)), Some(Duration::from_secs_f64(ttl)))
        };

        assert!(grace(14.0, 30.0).is_ok());
        assert_eq!(
            grace(14.5, 30.0),
            Err("with --ttl 30 --kill-after can be 14 seconds at most: half of it less one".to_owned())
        );
    }
}
