//! Token of the lease chosen by an operator.

use super::{CtlOutcome, command::HolderSelector, failed, format::clean};
use crate::program::console::Console;
use distributex_client::{Client, Holder};

/// Finds the token of the lease: the given one, or that of the only lease of the given host.
pub(super) async fn token(
    client: &Client,
    HolderSelector { pool, token, host }: &HolderSelector,
    console: Console,
) -> Result<u64, CtlOutcome> {
    match (token, host) {
        (Some(token), _) => Ok(*token),
        (None, host) => {
            let snapshot = client.pool(pool).await.map_err(|error| failed(&error, console))?;
            let host = host.as_deref().unwrap_or_default(); // the parser requires one of the two
            only(&snapshot.value.holders, host, pool).map_err(|(sentence, outcome)| {
                console.error(format_args!("{sentence}"));
                outcome
            })
        }
    }
}

/// The token of the only lease of this host.
fn only(holders: &[Holder], host: &str, pool: &str) -> Result<u64, (String, CtlOutcome)> {
    let tokens: Vec<_> =
        holders.iter().filter(|holder| holder.host == host).map(|holder| holder.token).collect();
    let (host, pool) = (clean(host), clean(pool));
    match tokens.as_slice() {
        [token] => Ok(*token),
        [] => Err((
            format!("{host} holds no slot of {pool}; distributexctl status {pool} lists the holders"),
            CtlOutcome::Lost,
        )),
        several => {
            let tokens = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err((
                format!(
                    "{host} holds several slots of {pool}; give one of the tokens {tokens} instead of --host"
                ),
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
    fn a_host_selects_its_lease_if_it_has_only_one() {
        let holders = [holder("web1", 7), holder("web2", 8), holder("web2", 9)];

        assert_eq!(only(&holders, "web1", "p"), Ok(7));
        assert_eq!(only(&holders, "web3", "p").unwrap_err().1, CtlOutcome::Lost);
        let (sentence, ending) = only(&holders, "web2", "p").unwrap_err();
        assert!(ending == CtlOutcome::Usage && sentence.contains("one of the tokens 8, 9"), "{sentence}");
    }
}
