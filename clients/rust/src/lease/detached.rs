//! Renewal and release of a lease of which only the id is known.

use std::time::Duration;

use super::give_back::GiveBack;
use crate::{
    BootTime, Client, ClientError, LeaseId, LeaseRecord, Server,
    v1::{Payload, V1Call},
};

/// Time limit for the response of one server to a renewal.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

impl Client {
    /// Like [`Client::new`], for a store that is known already, as from a [`LeaseRecord`]: any other one is refused.
    ///
    /// # Panics
    /// As [`Client::new`].
    #[must_use]
    pub fn of_store(servers: Vec<Server>, store: &str) -> Self {
        let client = Self::new(servers);
        client.servers.pin_store(store);
        client
    }

    /// Renews a lease once: it lives `ttl` from now, at most the pool's `expire`; without `ttl`, as long as
    /// after the last renewal.
    ///
    /// # Errors
    /// A refusal of the kind [`LeaseLost`](crate::ErrorKind::LeaseLost) when the lease has ended. Any other
    /// error means that no server responded, each within ten seconds, and says nothing about the lease.
    ///
    /// ```no_run
    /// # use distributex_client::{ClientError, Client, LeaseId};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// let id = LeaseId::new("5f0c…");
    /// let lease = client.renew("deploy", &id, None).await?;
    /// println!("{:?} more", lease.expires_in);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn renew(
        &self,
        pool: &str,
        lease: &LeaseId,
        ttl: Option<Duration>,
    ) -> Result<LeaseRecord, ClientError> {
        let call = V1Call::Renew { lease: &lease.0, ttl: ttl.map(|ttl| ttl.as_secs_f64()) };
        let sent = BootTime::now();
        let response =
            self.servers.call(pool, &call, RESPONSE_TIMEOUT).await.map_err(|failure| failure.error)?;
        match response.payload {
            Payload::Lease(grant) => Ok(grant.record(pool, response.store, sent)),
            Payload::Done | Payload::State(_) | Payload::No(_) => {
                Err(ClientError::Strange { server: response.server, status: 204, body: String::new() })
            }
        }
    }

    /// Releases a lease. Retries while no server can be reached, for at most ten seconds.
    ///
    /// # Errors
    /// As [`Lease::release`](crate::Lease::release).
    ///
    /// ```no_run
    /// # use distributex_client::{ClientError, Client, LeaseId};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// client.release("deploy", &LeaseId::new("5f0c…")).await
    /// # }
    /// ```
    pub async fn release(&self, pool: &str, lease: &LeaseId) -> Result<(), ClientError> {
        GiveBack::Lease(lease.0.clone(), None).give(&self.servers, pool).await
    }
}
