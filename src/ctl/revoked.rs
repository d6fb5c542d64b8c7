//! Asking a holder to stop.

use std::time::{Duration, SystemTime};

use super::format::{clean, moment};
use distributex_client::{Revocation, Revoked};

/// What came of it, and what happens next.
pub(super) fn sentence(
    Revoked { pool, host, token, until, notified, .. }: &Revoked,
    now: SystemTime,
) -> String {
    let (pool, host) = (clean(pool), clean(host));
    let free = match free_by(*until, now) {
        Some(until) => format!("the slot of {pool} is free by {until} at the latest"),
        None => format!("the slot of {pool} is free when {host} releases it, as the lease has no end"),
    };
    if *notified {
        format!("{host} (token {token}) is asked to stop; {free}")
    } else {
        format!(
            "{host} (token {token}) does not renew its lease, so it cannot be notified; {free}. \
             If {host} is dead for sure: distributexctl force-release"
        )
    }
}

/// Who asked a holder to stop, and when its slot is free.
pub(super) fn asked(Revocation { author, reason, until }: &Revocation, now: SystemTime) -> String {
    let free = match free_by(*until, now) {
        Some(until) => format!("free by {until} at the latest"),
        None => "free when it is released".to_owned(),
    };
    format!("revoked by {}: {}; {free}", clean(author), clean(reason))
}

/// The moment to the next whole second: no earlier than it is.
fn free_by(until: Option<SystemTime>, now: SystemTime) -> Option<String> {
    moment(until?.checked_add(Duration::from_millis(999))?, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_when_the_slot_is_free() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_080);
        let said = |until: Option<u64>, notified| {
            let (pool, host) = ("p".to_owned(), "web\x1b7".to_owned());
            let until = until.map(|millis| now + Duration::from_millis(millis));
            sentence(&Revoked { pool, host, token: 7, until, notified, store: None }, now)
        };

        assert_eq!(
            said(Some(29_001), true),
            "web\u{fffd}7 (token 7) is asked to stop; the slot of p is free by 11:58:30 UTC at the latest"
        );
        assert!(said(Some(30_000), false).starts_with(
            "web\u{fffd}7 (token 7) does not renew its lease, so it cannot be notified; \
             the slot of p is free by 11:58:30 UTC at the latest. If"
        ));
        assert!(
            said(None, false).contains("is free when web\u{fffd}7 releases it, as the lease has no end. If")
        );
    }

    #[test]
    fn who_wants_a_slot_back_is_named() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_435_080);
        let revoked = |until| Revocation { author: "ann".to_owned(), reason: "trial\x1b3".to_owned(), until };

        let said = asked(&revoked(Some(now)), now);

        assert_eq!(said, "revoked by ann: trial\u{fffd}3; free by 11:58:00 UTC at the latest");
        assert!(asked(&revoked(None), now).ends_with("; free when it is released"));
    }
}
