//! Sentences about revoked leases.

use std::time::{Duration, SystemTime};

use super::format::{clean, moment};
use distributex_client::{Revocation, Revoked};

/// Result of a revoke, and when the slot will be free.
pub(super) fn sentence(
    Revoked { pool, host, token, until, notified, .. }: &Revoked,
    now: SystemTime,
) -> String {
    let (pool, host) = (clean(pool), clean(host));
    let free = match free_by(*until, now) {
        Some(until) => format!("the slot of {pool} is free by {until} at the latest"),
        None => format!("the slot of {pool} is free when {host} releases it, as its lease does not expire"),
    };
    if *notified {
        format!("{host} (token {token}) was asked to stop; {free}")
    } else {
        format!(
            "{host} (token {token}) does not renew its lease, so it cannot be notified; {free}. \
             If {host} is certainly dead, use distributexctl force-release"
        )
    }
}

/// Author and reason of a revoke, and when the slot will be free.
pub(super) fn revocation(Revocation { author, reason, until }: &Revocation, now: SystemTime) -> String {
    let free = match free_by(*until, now) {
        Some(until) => format!("free by {until} at the latest"),
        None => "free when it is released".to_owned(),
    };
    format!("revoked by {}: {}; {free}", clean(author), clean(reason))
}

/// Formats the time, rounded up to the next second.
fn free_by(until: Option<SystemTime>, now: SystemTime) -> Option<String> {
    moment(until?.checked_add(Duration::from_millis(999))?, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_when_the_slot_is_free_is_named() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_080);
        let said = |until: Option<u64>, notified| {
            let (pool, host) = ("p".to_owned(), "web\x1b7".to_owned());
            let until = until.map(|millis| now + Duration::from_millis(millis));
            sentence(&Revoked { pool, host, token: 7, until, notified, store: None }, now)
        };

        assert_eq!(
            said(Some(29_001), true),
            "web\u{fffd}7 (token 7) was asked to stop; the slot of p is free by 11:58:30 UTC at the latest"
        );
        assert!(said(Some(30_000), false).starts_with(
            "web\u{fffd}7 (token 7) does not renew its lease, so it cannot be notified; \
             the slot of p is free by 11:58:30 UTC at the latest. If"
        ));
        assert!(
            said(None, false)
                .contains("is free when web\u{fffd}7 releases it, as its lease does not expire. If")
        );
    }

    #[test]
    fn the_author_of_a_revoke_is_named() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_080);
        let revoked = |until| Revocation { author: "ann".to_owned(), reason: "trial\x1b3".to_owned(), until };

        let said = revocation(&revoked(Some(now)), now);

        assert_eq!(said, "revoked by ann: trial\u{fffd}3; free by 11:58:00 UTC at the latest");
        assert!(revocation(&revoked(None), now).ends_with("; free when it is released"));
    }
}
