//! Clocks over restarts.
//!
//! Within one boot of the machine, `CLOCK_BOOTTIME` tells exactly how much time went by, asleep or not, and nobody
//! can set it. Over another boot no clock can be trusted: what is left of a lease then begins anew with the server.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::record::micros;

/// One boot of a machine, as one kind of process sees it: its name.
pub(super) fn this_boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    // A container with clocks of its own (a time namespace) is a boot of its own: its clock tells nothing to others.
    let clocks = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    format!("{} {}", id.trim(), clocks.display())
}

/// The number under which a boot is known in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Boot(pub(super) u64);

/// A moment at which something was written down.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Moment {
    /// In which boot.
    pub(super) boot: Boot,
    /// By its clock, in microseconds.
    pub(super) at: u64,
    /// By the clock on the wall, in microseconds since 1970: for people only.
    pub(super) wall: u64,
}

/// Now, by all clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// By the clock of the rules.
    pub(super) instant: Instant,
    /// By the others.
    pub(super) moment: Moment,
}

impl Boot {
    /// Now, which the rules call so.
    pub(super) fn now(self, instant: Instant) -> Now {
        let since_boot = clock_gettime(ClockId::Boottime);
        let nanos = u32::try_from(since_boot.tv_nsec).unwrap_or_default();
        let since_boot = Duration::new(since_boot.tv_sec.unsigned_abs(), nanos);
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let moment = Moment { boot: self, at: micros(since_boot), wall: micros(wall) };
        Now { instant, moment }
    }
}

impl Now {
    /// How much time surely went by since then: none, if that was in another boot.
    pub(super) fn surely_since(&self, then: &Moment) -> Duration {
        let passed = if self.moment.boot == then.boot { self.moment.at.saturating_sub(then.at) } else { 0 };
        Duration::from_micros(passed)
    }

    /// How much time went by since then, as far as anybody can tell.
    pub(super) fn about_since(&self, then: &Moment) -> Duration {
        let surely = self.surely_since(then);
        let wall = Duration::from_micros(self.moment.wall.saturating_sub(then.wall));
        if surely.is_zero() { wall } else { surely }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(boot: u64, at: u64, wall: u64) -> Now {
        Now { instant: Instant::now(), moment: Moment { boot: Boot(boot), at, wall } }
    }

    #[test]
    fn time_goes_by_within_one_boot_and_no_clock_on_the_wall_counts() {
        let then = now(1, 1_000_000, 50).moment;

        assert_eq!(now(1, 3_500_000, 0).surely_since(&then), Duration::from_millis(2500));
        assert_eq!(now(1, 500_000, 9_000_000).surely_since(&then), Duration::ZERO);
        assert_eq!(now(2, 3_500_000, 9_000_000).surely_since(&then), Duration::ZERO);
        assert_eq!(now(2, 3_500_000, 9_000_050).about_since(&then), Duration::from_secs(9));
    }

    #[test]
    fn a_boot_has_a_name() {
        assert!(this_boot().len() > 36, "{}", this_boot());
    }
}
