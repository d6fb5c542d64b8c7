//! The end of a lease, for its former holder.

use std::time::{Duration, SystemTime};

use distributex_actors::{EndReason, Operator, telemetry::runs::Run};
use distributex_protocol::lease::EndedLease;

/// The end of a lease as JSON.
pub(super) fn body(run: &Run) -> EndedLease<&str> {
    let operator = run.operator.as_deref();
    EndedLease {
        how: run.lease.how.word(),
        author: operator.map(|operator| &*operator.author),
        reason: operator.map(|operator| &*operator.reason),
        at: Some(run.at),
    }
}

/// The end of a lease as a sentence.
pub(super) fn sentence(run: &Run) -> String {
    let ago = ago(SystemTime::now().duration_since(run.at).unwrap_or_default());
    let end = match run.lease.how {
        EndReason::ForceReleased => format!("force-released {ago}"),
        EndReason::Released => format!("released {ago}"),
        EndReason::Expired => format!("expired {ago}"),
        EndReason::Undelivered => format!("ended {ago}: no response carried it to its requester in time"),
        EndReason::Vanished => {
            "is no longer in the store: another server ended it, or the store dropped it".to_owned()
        }
    };
    match (run.lease.how, run.operator.as_deref()) {
        (EndReason::ForceReleased, Some(Operator { author, reason, .. })) => {
            format!("this lease was force-released by {author}: {reason:?}")
        }
        (_, Some(Operator { author, reason, .. })) => {
            format!("this lease was revoked by {author}: {reason:?}, and {end}")
        }
        (EndReason::ForceReleased | EndReason::Released, None) => format!("this lease was {end}"),
        (EndReason::Expired | EndReason::Undelivered | EndReason::Vanished, None) => {
            format!("this lease {end}")
        }
    }
}

/// Time ago, in one unit.
fn ago(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7200 => format!("{} min ago", seconds / 60),
        7200.. => format!("{} h ago", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_given_in_one_unit() {
        let ago = |seconds| ago(Duration::from_secs(seconds));

        assert_eq!([0, 119, 120, 7199].map(ago), ["0 s ago", "119 s ago", "2 min ago", "119 min ago"]);
        assert_eq!([7200, 90_000].map(ago), ["2 h ago", "25 h ago"]);
    }
}
