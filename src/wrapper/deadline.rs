//! How long a command has between TERM and KILL.

use std::time::Duration;

use super::voice::Seconds;

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

/// The longest grace of a lease that lives so long.
fn longest(ttl: Duration) -> Duration {
    (ttl / 2).saturating_sub(MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: f64) -> Duration {
        Duration::from_secs_f64(number)
    }

    #[test]
    fn it_fits_into_the_lease() {
        for (ttl, wanted, grace) in [
            (Some(30.0), None, 5.0),         // a sixth
            (Some(300.0), None, 10.0),       // no longer than ten seconds
            (Some(2.4), None, 0.2),          // half less one
            (Some(2.0), None, 0.0),          // no time for TERM
            (Some(300.0), Some(60.0), 60.0), // as asked for
            (Some(30.0), Some(60.0), 14.0),  // the server shortened the ttl
            (None, None, 10.0),
            (None, Some(60.0), 60.0),
        ] {
            let asked = Grace::new(wanted.map(seconds), None).unwrap();

            assert_eq!(asked.within(ttl.map(seconds)), seconds(grace), "{ttl:?} {wanted:?}");
        }
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
