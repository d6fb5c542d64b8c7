//! Time across restarts.
//!
//! Within one boot of the machine, `CLOCK_BOOTTIME` measures elapsed time exactly, including suspend, and
//! cannot be set. Across boots no clock can be trusted: a lease then starts over with the time it had left.

use std::{
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::json::micros;

/// Id of the clock of this process: of this boot and this time namespace. Two starts have the same id only if
/// `CLOCK_BOOTTIME` continued from one to the other.
///
/// # Errors
/// What cannot be read. Then no earlier time can be compared with this process's.
pub(super) fn clock_name() -> io::Result<String> {
    let boot = read("/proc/sys/kernel/random/boot_id")?;
    name_of(&boot, &clock_offset()?).ok_or_else(|| io::Error::other("/proc does not say which clock this is"))
}

/// Offset of this process's clock from the machine's, as in `/proc/self/timens_offsets`.
fn clock_offset() -> io::Result<String> {
    let namespaces = Path::new("/proc/self/ns");
    let [own, of_children] =
        ["time", "time_for_children"].map(|name| fs::read_link(namespaces.join(name)).ok());
    if own != of_children {
        return Err(io::Error::other("/proc/self/timens_offsets tells of another clock")); // that of children
    }
    match read("/proc/self/timens_offsets") {
        Err(why) if why.kind() == io::ErrorKind::NotFound && own.is_none() && namespaces.is_dir() => {
            Ok("boottime 0 0".to_owned()) // this kernel has no time namespaces
        }
        offsets => offsets,
    }
}

/// The id of a clock; `None` if the input is not what the kernel writes.
fn name_of(boot: &str, offsets: &str) -> Option<String> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let offset =
        offsets.lines().map(words).find(|words| words.first().is_some_and(|word| word == "boottime"))?;
    let is_named = offset.len() == 3 && boot.trim().len() == 36;
    is_named.then(|| format!("{} {}", boot.trim(), offset.join(" ")))
}

fn read(path: &str) -> io::Result<String> {
    fs::read_to_string(path).map_err(|why| io::Error::new(why.kind(), format!("{path}: {why}")))
}

/// Number of a boot within a state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct BootNumber(pub(super) u64);

/// Time of a record.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct StoredMoment {
    /// The boot.
    pub(super) boot: BootNumber,
    /// Microseconds of that boot's clock.
    pub(super) at: u64,
    /// Microseconds since 1970, for people only.
    pub(super) wall: u64,
}

/// The current time on all clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClockReading {
    /// The clock of the rules.
    pub(super) instant: Instant,
    /// The others.
    pub(super) moment: StoredMoment,
}

impl BootNumber {
    /// The current time; `now` is that of the rules.
    pub(super) fn now(self, instant: Instant) -> ClockReading {
        let since_boot = clock_gettime(ClockId::Boottime);
        let nanos = u32::try_from(since_boot.tv_nsec).unwrap_or_default();
        let since_boot = Duration::new(since_boot.tv_sec.unsigned_abs(), nanos);
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let moment = StoredMoment { boot: self, at: micros(since_boot), wall: micros(wall) };
        ClockReading { instant, moment }
    }
}

impl ClockReading {
    /// Time that has certainly passed since then: zero across boots.
    pub(super) fn certain_since(&self, then: &StoredMoment) -> Duration {
        let passed = if self.moment.boot == then.boot { self.moment.at.saturating_sub(then.at) } else { 0 };
        Duration::from_micros(passed)
    }

    /// Time that has probably passed since then.
    pub(super) fn estimated_since(&self, then: &StoredMoment) -> Duration {
        let certain = self.certain_since(then);
        let wall = Duration::from_micros(self.moment.wall.saturating_sub(then.wall));
        if certain.is_zero() { wall } else { certain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(boot: u64, at: u64, wall: u64) -> ClockReading {
        ClockReading { instant: Instant::now(), moment: StoredMoment { boot: BootNumber(boot), at, wall } }
    }

    #[test]
    fn the_wall_clock_does_not_count_within_a_boot() {
        let then = now(1, 1_000_000, 50).moment;

        assert_eq!(now(1, 3_500_000, 0).certain_since(&then), Duration::from_millis(2500));
        assert_eq!(now(1, 500_000, 9_000_000).certain_since(&then), Duration::ZERO);
        assert_eq!(now(2, 3_500_000, 9_000_000).certain_since(&then), Duration::ZERO);
        assert_eq!(now(2, 3_500_000, 9_000_050).estimated_since(&then), Duration::from_secs(9));
    }

    #[test]
    fn a_clock_is_named_by_boot_and_offset() {
        let boot = "01234567-89ab-cdef-0123-456789abcdef\n";
        let offsets =
            |seconds| format!("monotonic           5         0\nboottime  {seconds:>10}         0\n");

        let name = name_of(boot, &offsets(100_000)).unwrap();

        assert_eq!(name, "01234567-89ab-cdef-0123-456789abcdef boottime 100000 0");
        assert_ne!(name_of(boot, &offsets(0)), Some(name));
    }

    #[test]
    fn a_clock_that_cannot_be_identified_has_no_name() {
        assert_eq!(name_of("", "boottime 0 0"), None);
        assert_eq!(name_of("01234567-89ab-cdef-0123-456789abcdef", ""), None);
    }
}
