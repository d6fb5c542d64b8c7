//! Looking how it stands, without asking for anything.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Client, ClientError, PoolSnapshot, Response,
    classic_exchange::body_excerpt,
    server_set::Accepted,
    v1::{POOLS, Payload, page_path, pool_path},
};

/// How long one server may take to answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// So many further pages are read at most: a hundred thousand holders.
const MAX_PAGES: usize = 1_000;

/// All pools, as a server tells them.
#[derive(Deserialize)]
struct AllPools {
    pools: Vec<PoolSnapshot>,
}

impl Client {
    /// How it stands with all pools, in the order of the server's configuration.
    ///
    /// # Errors
    /// When no server answers: each one that is away takes five seconds at most to find out, one that is
    /// silent ten.
    ///
    /// ```no_run
    /// # use distributex_client::{ClientError, Client};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// for pool in client.pools().await?.value {
    ///     println!("{}: {} of {} slots, {} in line", pool.name, pool.held, pool.slots, pool.line.length);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pools(&self) -> Result<Response<Vec<PoolSnapshot>>, ClientError> {
        let Response { value: state, json, server } = self.get_pages::<AllPools>(POOLS, &["/pools"]).await?;
        Ok(Response { value: state.pools, json, server })
    }

    /// How it stands with one pool.
    ///
    /// # Errors
    /// As [`Client::pools`]; a refusal of the kind [`NoSuchPool`](super::ErrorKind::NoSuchPool) if there is none
    /// of this name.
    ///
    /// ```no_run
    /// # use distributex_client::{ClientError, Client};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// let deploy = client.pool("deploy").await?.state;
    /// if let Some(first) = deploy.line.first.first() {
    ///     println!("{} is next", first.host);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pool(&self, name: &str) -> Result<Response<PoolSnapshot>, ClientError> {
        self.get_pages(&pool_path(name), &["/holders", "/line/first"]).await
    }

    /// All pages of what this path tells, put together: what stands in these lists.
    async fn get_pages<T: DeserializeOwned>(
        &self,
        path: &str,
        lists: &[&str],
    ) -> Result<Response<T>, ClientError> {
        let Response { value: mut whole, mut json, server } = self.get::<Value>(path).await?;
        for _ in 0..MAX_PAGES {
            let Some(next) = whole.get("next").and_then(Value::as_str) else { break };
            let mut page = self.get::<Value>(&page_path(path, next)).await?.value;
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
            Ok(state) => Ok(Response { value: state, json, server }),
            Err(_) => Err(ClientError::Strange { server, status: 200, body: body_excerpt(json.as_bytes()) }),
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Response<T>, ClientError> {
        let heard = self.asker.get(path, RESPONSE_TIMEOUT).await.map_err(|failure| failure.error)?;
        heard.into_response()
    }
}

impl Accepted {
    /// What it tells, if it is that.
    pub(super) fn into_response<T: DeserializeOwned>(self) -> Result<Response<T>, ClientError> {
        let server = self.server;
        let json = match self.payload {
            Payload::State(json) => json,
            Payload::Lease(_) | Payload::Done | Payload::No(_) => String::new(), // 204, from no server of ours
        };
        match serde_json::from_str(&json) {
            Ok(state) => Ok(Response { value: state, json, server }),
            Err(_) => Err(ClientError::Strange { server, status: 200, body: body_excerpt(json.as_bytes()) }),
        }
    }
}
