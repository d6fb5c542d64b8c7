//! Looking how it stands, without asking for anything.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    AskError, Client, PoolState, Seen,
    asker::Heard,
    question::beginning,
    v1::{POOLS, Said, pool_path},
};

/// How long one server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// All pools, as a server tells them.
#[derive(Deserialize)]
struct AllPools {
    pools: Vec<PoolState>,
}

impl Client {
    /// How it stands with all pools, in the order of the server's configuration.
    ///
    /// # Errors
    /// When no server answers: each one that is away takes five seconds at most to find out, one that is
    /// silent ten.
    ///
    /// ```no_run
    /// # use distributex::client::{AskError, Client};
    /// # async fn example(client: Client) -> Result<(), AskError> {
    /// for pool in client.pools().await?.state {
    ///     println!("{}: {} of {} slots, {} in line", pool.name, pool.held, pool.slots, pool.line.length);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pools(&self) -> Result<Seen<Vec<PoolState>>, AskError> {
        let Seen { state, json, server } = self.look::<AllPools>(POOLS).await?;
        Ok(Seen { state: state.pools, json, server })
    }

    /// How it stands with one pool.
    ///
    /// # Errors
    /// As [`Client::pools`]; a refusal of the kind [`NoSuchPool`](super::Kind::NoSuchPool) if there is none
    /// of this name.
    ///
    /// ```no_run
    /// # use distributex::client::{AskError, Client};
    /// # async fn example(client: Client) -> Result<(), AskError> {
    /// let deploy = client.pool("deploy").await?.state;
    /// if let Some(first) = deploy.line.first.first() {
    ///     println!("{} is next", first.host);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pool(&self, name: &str) -> Result<Seen<PoolState>, AskError> {
        self.look(&pool_path(name)).await
    }

    pub(super) async fn look<T: DeserializeOwned>(&self, path: &str) -> Result<Seen<T>, AskError> {
        let heard = self.asker.look(path, PATIENCE).await.map_err(|failure| failure.error)?;
        heard.seen()
    }
}

impl Heard {
    /// What it tells, if it is that.
    pub(super) fn seen<T: DeserializeOwned>(self) -> Result<Seen<T>, AskError> {
        let server = self.server;
        let json = match self.said {
            Said::State(json) => json,
            Said::Lease(_) | Said::Done | Said::No(_) => String::new(), // 204, from no server of ours
        };
        match serde_json::from_str(&json) {
            Ok(state) => Ok(Seen { state, json, server }),
            Err(_) => Err(AskError::Strange { server, status: 200, body: beginning(json.as_bytes()) }),
        }
    }
}
