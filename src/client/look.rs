//! Looking how it stands, without asking for anything.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    AskError, Client, PoolState, Seen,
    asker::Heard,
    question::beginning,
    v1::{POOLS, Said, page_path, pool_path},
};

/// How long one server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// So many further pages are read at most: a hundred thousand holders.
const MOST_PAGES: usize = 1_000;

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
        let Seen { state, json, server } = self.look_at_pages::<AllPools>(POOLS, &["/pools"]).await?;
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
        self.look_at_pages(&pool_path(name), &["/holders", "/line/first"]).await
    }

    /// All pages of what this path tells, put together: what stands in these lists.
    async fn look_at_pages<T: DeserializeOwned>(
        &self,
        path: &str,
        lists: &[&str],
    ) -> Result<Seen<T>, AskError> {
        let Seen { state: mut whole, mut json, server } = self.look::<Value>(path).await?;
        for _ in 0..MOST_PAGES {
            let Some(next) = whole.get("next").and_then(Value::as_str) else { break };
            let mut page = self.look::<Value>(&page_path(path, next)).await?.state;
            for list in lists {
                if let (Some(Value::Array(all)), Some(Value::Array(more))) =
                    (whole.pointer_mut(list), page.pointer_mut(list))
                {
                    all.append(more);
                }
            }
            whole["next"] = page.get("next").cloned().unwrap_or_default();
            json = whole.to_string();
        }
        match serde_json::from_value(whole) {
            Ok(state) => Ok(Seen { state, json, server }),
            Err(_) => Err(AskError::Strange { server, status: 200, body: beginning(json.as_bytes()) }),
        }
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
