//! Taking a slot from who holds it.

use super::format::{clean, human};
use distributex_client::ForceReleased;

/// What came of it.
pub(super) fn sentence(ForceReleased { pool, host, token, held, may_run_for, .. }: &ForceReleased) -> String {
    let (pool, host) = (clean(pool), clean(host));
    let held = held.map(|held| format!(", held for {}", human(held))).unwrap_or_default();
    let caution = match may_run_for {
        Some(time) => format!("what {host} does may go on for up to {} until it must notice", human(*time)),
        None => format!("the lease had no end, so what {host} does may go on and never notice: look there"),
    };
    format!("released the slot of {pool} by force: {host} (token {token}{held}) has it no more; {caution}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_is_said_how_long_the_old_holder_may_go_on() {
        let forced = |may_run_for| ForceReleased {
            pool: "p".to_owned(),
            host: "web7".to_owned(),
            token: 7,
            held: Some(Duration::from_secs(65)),
            may_run_for,
            store: None,
        };

        assert_eq!(
            sentence(&forced(Some(Duration::from_secs(22)))),
            "released the slot of p by force: web7 (token 7, held for 65 s) has it no more; \
             what web7 does may go on for up to 22 s until it must notice"
        );
        assert!(sentence(&forced(None)).ends_with("never notice: look there"));
    }
}
