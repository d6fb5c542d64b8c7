//! Queries: snapshots of pools.

use std::time::Duration;

use distributex_protocol::{path, pool::PoolsPage};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Client, ClientError, PoolSnapshot, Server,
    transport::{response_body::body_excerpt, server_request::QueryRequest, server_set::Accepted},
    v1::Payload,
};

/// Maximum time for a response of one server.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum number of further pages: a hundred thousand holders.
const MAX_PAGES: usize = 1_000;

/// A response of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response<T> {
    /// The value.
    pub value: T,
    /// The server's JSON document, with fields that this version does not know.
    pub json: String,
    /// The server.
    pub server: Server,
}

impl Client {
    /// Snapshots of all pools, in the order of the server's configuration.
    ///
    /// # Errors
    /// When no server responds: after at most five seconds for each that is unreachable, ten for one that is
    /// silent.
    ///
    /// ```no_run
    /// # use distributex_client::{ClientError, Client};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// for pool in client.pools().await?.value {
    ///     println!("{}: {} of {} slots, {} waiting", pool.name, pool.held, pool.slots, pool.queue.length);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pools(&self) -> Result<Response<Vec<PoolSnapshot>>, ClientError> {
        let Response { value: state, json, server } =
            self.get_pages::<PoolsPage>(path::POOLS, &["/pools"]).await?;
        Ok(Response { value: state.pools, json, server })
    }

    /// Snapshot of one pool.
    ///
    /// # Errors
    /// As [`Client::pools`]; a refusal of the kind [`NoSuchPool`](crate::ErrorKind::NoSuchPool) if the server does
    /// not know the pool.
    ///
    /// ```no_run
    /// # use distributex_client::{ClientError, Client};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// let deploy = client.pool("deploy").await?.value;
    /// if let Some(first) = deploy.queue.waiters.first() {
    ///     println!("{} is next", first.host);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pool(&self, name: &str) -> Result<Response<PoolSnapshot>, ClientError> {
        self.get_pages(&path::pool(name), &["/holders", "/queue/waiters"]).await
    }

    /// Reads all pages of a path and concatenates these lists of them.
    async fn get_pages<T: DeserializeOwned>(
        &self,
        at: &str,
        lists: &[&str],
    ) -> Result<Response<T>, ClientError> {
        let Response { value: mut whole, mut json, server } = self.get::<Value>(at).await?;
        for _ in 0..MAX_PAGES {
            let Some(next) = whole.get("next").and_then(Value::as_str) else { break };
            let mut page = self.get::<Value>(&path::page(at, next)).await?.value;
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

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Response<T>, ClientError> {
        let request = QueryRequest { path, limit: RESPONSE_TIMEOUT };
        self.servers.send(&request).await.map_err(|failure| failure.error)?.into_response()
    }
}

impl Accepted {
    /// Deserializes the response.
    pub(crate) fn into_response<T: DeserializeOwned>(self) -> Result<Response<T>, ClientError> {
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
