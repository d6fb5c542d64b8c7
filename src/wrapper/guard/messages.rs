//! Messages to the guard: records of one size, which a pipe transfers as a whole.

use std::time::Duration;

use rustix::process::Pid;

use crate::wrapper::deadline::Deadline;
use distributex_client::BootTime;

/// Size of a record in bytes: three little-endian numbers of eight bytes.
pub(in crate::wrapper) const SIZE: usize = 24;

/// Kind of a record, its first number.
const DEADLINE: u64 = 1;
const GROUP: u64 = 2;
const DONE: u64 = 3;
const ASKED: u64 = 4;
/// Second number of a deadline that never comes.
const NEVER: u64 = u64::MAX;

/// A message to the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::wrapper) enum GuardRecord {
    /// When to stop the group: nanoseconds since the boot, and nanoseconds of grace.
    Deadline(Deadline),
    /// The process group to guard.
    Group(Pid),
    /// The work is done; there is nothing left to guard.
    Done,
    /// The wrapper sent TERM to the group; what is left of it gets KILL at this deadline.
    Asked(Deadline),
}

impl GuardRecord {
    /// Encodes the record. Does not allocate: it is called between fork and exec.
    pub(in crate::wrapper) fn to_bytes(self) -> [u8; SIZE] {
        let numbers = match self {
            Self::Deadline(deadline) => deadline_numbers(DEADLINE, deadline),
            Self::Asked(deadline) => deadline_numbers(ASKED, deadline),
            Self::Group(group) => [GROUP, u64::from(group.as_raw_nonzero().get().unsigned_abs()), 0],
            Self::Done => [DONE, 0, 0],
        };
        let mut bytes = [0; SIZE];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// Decodes a record; `None` if it is invalid.
    pub(super) fn from_bytes(bytes: &[u8; SIZE]) -> Option<Self> {
        let mut numbers = bytes
            .chunks_exact(8)
            .map(|place| place.iter().rev().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)));
        match (numbers.next()?, numbers.next()?, numbers.next()?) {
            (what @ (DEADLINE | ASKED), kill, grace) => {
                let kill = (kill != NEVER).then(|| BootTime::since_boot(Duration::from_nanos(kill)));
                let deadline = Deadline { kill, grace: Duration::from_nanos(grace) };
                Some(if what == ASKED { Self::Asked(deadline) } else { Self::Deadline(deadline) })
            }
            // Group 1 would be every process.
            (GROUP, group @ 2.., _) => Some(Self::Group(Pid::from_raw(i32::try_from(group).ok()?)?)),
            (DONE, ..) => Some(Self::Done),
            _ => None,
        }
    }
}

fn deadline_numbers(what: u64, Deadline { kill, grace }: Deadline) -> [u64; 3] {
    [what, kill.map_or(NEVER, |kill| nanos(kill.as_duration())), nanos(grace)]
}

/// A few centuries at most.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        let grace = Duration::from_millis(2500);
        let kill = BootTime::since_boot(Duration::new(70_000, 3));
        for record in [
            GuardRecord::Deadline(Deadline { kill: Some(kill), grace }),
            GuardRecord::Deadline(Deadline { kill: None, grace }),
            GuardRecord::Group(Pid::from_raw(4_194_303).unwrap()),
            GuardRecord::Done,
            GuardRecord::Asked(Deadline { kill: Some(kill), grace }),
        ] {
            assert_eq!(GuardRecord::from_bytes(&record.to_bytes()), Some(record));
        }
    }

    #[test]
    fn nobody_is_made_to_stop_everybody() {
        for group in [0, 1, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = [0; SIZE];
            bytes[0] = 2;
            bytes[8..16].copy_from_slice(&group.to_le_bytes());

            assert_eq!(GuardRecord::from_bytes(&bytes), None, "{group}");
        }
    }
}
