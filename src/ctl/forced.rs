//! Taking a slot from who holds it.

use super::{
    Ending, Held, failed,
    levers::{Pulled, told},
    text::{clean, human},
};
use crate::{
    client::{Client, Forced, Holder, Operator},
    program::voice::Voice,
};

/// Ends the lease, if it is clear which.
pub(super) async fn force_release(
    client: &Client,
    operator: &Operator,
    pool: &str,
    held: &Held,
    reason: &str,
    voice: Voice,
) -> Result<Pulled, Ending> {
    let token = match held {
        Held::Token(token) => *token,
        Held::Host(host) => {
            let seen = client.pool(pool).await.map_err(|error| failed(&error, voice))?;
            only(&seen.state.holders, host, pool).map_err(|(sentence, ending)| {
                voice.say(format_args!("{sentence}"));
                ending
            })?
        }
    };
    Ok(told(operator.force_release(pool, token, reason).await, sentence))
}

/// The token of the only lease that this host has.
fn only(holders: &[Holder], host: &str, pool: &str) -> Result<u64, (String, Ending)> {
    let tokens: Vec<_> =
        holders.iter().filter(|holder| holder.host == host).map(|holder| holder.token).collect();
    let (host, pool) = (clean(host), clean(pool));
    match tokens.as_slice() {
        [token] => Ok(*token),
        [] => Err((
            format!("{host} holds no slot of {pool}; distributexctl status {pool} shows who does"),
            Ending::Lost,
        )),
        several => {
            let tokens = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err((
                format!("{host} holds several slots of {pool}: name one by its token: {tokens}"),
                Ending::Usage,
            ))
        }
    }
}

fn sentence(Forced { pool, host, token, held, may_run_for }: &Forced) -> String {
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

    fn holder(host: &str, token: u64) -> Holder {
        Holder { host: host.to_owned(), token, since: None, expires_in: None, command: None }
    }

    #[test]
    fn a_host_names_its_lease_if_it_has_only_one() {
        let holders = [holder("web1", 7), holder("web2", 8), holder("web2", 9)];

        assert_eq!(only(&holders, "web1", "p"), Ok(7));
        assert_eq!(only(&holders, "web3", "p").unwrap_err().1, Ending::Lost);
        let (sentence, ending) = only(&holders, "web2", "p").unwrap_err();
        assert!(ending == Ending::Usage && sentence.ends_with("by its token: 8, 9"), "{sentence}");
    }

    #[test]
    fn it_is_said_how_long_the_old_holder_may_go_on() {
        let forced = |may_run_for| Forced {
            pool: "p".to_owned(),
            host: "web7".to_owned(),
            token: 7,
            held: Some(Duration::from_secs(65)),
            may_run_for,
        };

        assert_eq!(
            sentence(&forced(Some(Duration::from_secs(22)))),
            "released the slot of p by force: web7 (token 7, held for 65 s) has it no more; \
             what web7 does may go on for up to 22 s until it must notice"
        );
        assert!(sentence(&forced(None)).ends_with("never notice: look there"));
    }
}
