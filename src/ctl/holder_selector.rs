//! Which lease an operator means.

use super::{CtlOutcome, HolderSelector, failed, format::clean};
use crate::program::console::Console;
use distributex_client::{Client, Holder};

/// The token of the lease, if it is clear which one is meant.
pub(super) async fn token(
    client: &Client,
    pool: &str,
    held: &HolderSelector,
    console: Console,
) -> Result<u64, CtlOutcome> {
    match held {
        HolderSelector::Token(token) => Ok(*token),
        HolderSelector::Host(host) => {
            let seen = client.pool(pool).await.map_err(|error| failed(&error, console))?;
            only(&seen.value.holders, host, pool).map_err(|(sentence, ending)| {
                console.error(format_args!("{sentence}"));
                ending
            })
        }
    }
}

/// The token of the only lease that this host has.
fn only(holders: &[Holder], host: &str, pool: &str) -> Result<u64, (String, CtlOutcome)> {
    let tokens: Vec<_> =
        holders.iter().filter(|holder| holder.host == host).map(|holder| holder.token).collect();
    let (host, pool) = (clean(host), clean(pool));
    match tokens.as_slice() {
        [token] => Ok(*token),
        [] => Err((
            format!("{host} holds no slot of {pool}; distributexctl status {pool} shows who does"),
            CtlOutcome::Lost,
        )),
        several => {
            let tokens = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err((
                format!("{host} holds several slots of {pool}: name one by its token: {tokens}"),
                CtlOutcome::Usage,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(host: &str, token: u64) -> Holder {
        Holder {
            host: host.to_owned(),
            token,
            since: None,
            expires_in: None,
            command: None,
            revoked: None,
            store: None,
        }
    }

    #[test]
    fn a_host_names_its_lease_if_it_has_only_one() {
        let holders = [holder("web1", 7), holder("web2", 8), holder("web2", 9)];

        assert_eq!(only(&holders, "web1", "p"), Ok(7));
        assert_eq!(only(&holders, "web3", "p").unwrap_err().1, CtlOutcome::Lost);
        let (sentence, ending) = only(&holders, "web2", "p").unwrap_err();
        assert!(ending == CtlOutcome::Usage && sentence.ends_with("by its token: 8, 9"), "{sentence}");
    }
}
