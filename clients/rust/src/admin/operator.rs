//! Admin actions.

use std::time::Duration;

use distributex_protocol::{
    admin::{AdminVerb, ForceReleased, QueueChange, Reloaded, Resumed, Revoked},
    path,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Client, ClientError, Key, PoolSnapshot, Response, transport::server_request::AdminRequest};

/// Maximum time for a response of one server.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Performs admin actions. Over TCP they need a key, over the server's admin socket none.
///
/// An action is sent to one server, the first that responds. It is logged and published as an event, with author
/// and reason.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Sends the requests.
    client: Client,
    /// The operator's key.
    key: Option<Key>,
    /// Name of the operator; `None`: the server uses the name of the key, or the user of the socket.
    author: Option<String>,
}

/// Body of an admin action.
#[derive(Debug, Default, Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
}

impl Client {
    /// An operator that uses this client's servers. Without an `author` the server records the name of the key, or
    /// the user of the socket.
    ///
    /// ```no_run
    /// use distributex_client::{Client, Server};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::new(vec![Server::socket("/run/distributexd/admin.sock")]);
    /// let operator = client.operator(None, Some("ann".to_owned()));
    /// let paused = operator.pause("deploy", "kernel update").await?.value;
    /// println!("{} held, {} waiting", paused.held, paused.queue.length);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn operator(&self, key: Option<Key>, author: Option<String>) -> Operator {
        Operator { client: self.clone(), key, author }
    }
}

impl Operator {
    /// Ends the lease with this token; its slot goes to the next waiter at once. The holder's command keeps running
    /// until the holder notices.
    ///
    /// # Errors
    /// A refusal of the kind [`NotFound`](crate::ErrorKind::NotFound) if no lease has this token,
    /// [`Unauthorized`](crate::ErrorKind::Unauthorized) if the key is missing or wrong; and as [`Client::pool`].
    pub async fn force_release(
        &self,
        pool: &str,
        token: u64,
        reason: &str,
    ) -> Result<Response<ForceReleased>, ClientError> {
        let body = Body { token: Some(token), reason: Some(reason), ..Body::default() };
        self.administer(&path::admin(pool, AdminVerb::ForceRelease), body).await
    }

    /// Asks the holder with this token to stop. Renewals report it, and extend the lease to `within` from now at most
    /// (`None`: its time to live). The slot is granted after the release or the end of the lease.
    ///
    /// # Errors
    /// As [`Operator::force_release`].
    pub async fn revoke(
        &self,
        pool: &str,
        token: u64,
        within: Option<Duration>,
        reason: &str,
    ) -> Result<Response<Revoked>, ClientError> {
        let within = within.map(|within| within.as_secs_f64());
        let body = Body { token: Some(token), within, reason: Some(reason), ..Body::default() };
        self.administer(&path::admin(pool, AdminVerb::Revoke), body).await
    }

    /// Pauses the pool: nothing is granted until it is resumed. Returns its snapshot.
    ///
    /// # Errors
    /// As [`Operator::force_release`].
    pub async fn pause(&self, pool: &str, reason: &str) -> Result<Response<PoolSnapshot>, ClientError> {
        let body = Body { reason: Some(reason), ..Body::default() };
        self.administer(&path::admin(pool, AdminVerb::Pause), body).await
    }

    /// Resumes the pool; not an error if it was not paused.
    ///
    /// # Errors
    /// As [`Operator::force_release`].
    pub async fn resume(&self, pool: &str, reason: Option<&str>) -> Result<Response<Resumed>, ClientError> {
        self.administer(&path::admin(pool, AdminVerb::Resume), Body { reason, ..Body::default() }).await
    }

    /// Moves the waiter with this ticket to the front of the queue.
    ///
    /// # Errors
    /// As [`Operator::force_release`], if no waiter has this ticket.
    pub async fn promote(
        &self,
        pool: &str,
        ticket: u64,
        reason: &str,
    ) -> Result<Response<QueueChange>, ClientError> {
        let body = Body { ticket: Some(ticket), reason: Some(reason), ..Body::default() };
        self.administer(&path::admin(pool, AdminVerb::Promote), body).await
    }

    /// Removes the waiter with this ticket from the queue.
    ///
    /// # Errors
    /// As [`Operator::promote`].
    pub async fn evict(
        &self,
        pool: &str,
        ticket: u64,
        reason: &str,
    ) -> Result<Response<QueueChange>, ClientError> {
        let body = Body { ticket: Some(ticket), reason: Some(reason), ..Body::default() };
        self.administer(&path::admin(pool, AdminVerb::Evict), body).await
    }

    /// Makes the server read its configuration file again.
    ///
    /// # Errors
    /// A refusal of the kind [`BadRequest`](crate::ErrorKind::BadRequest) with all mistakes of the file, one per line;
    /// then nothing changed.
    pub async fn reload(&self, reason: Option<&str>) -> Result<Response<Reloaded>, ClientError> {
        self.administer(path::RELOAD, Body { reason, ..Body::default() }).await
    }

    async fn administer<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Body<'_>,
    ) -> Result<Response<T>, ClientError> {
        let body = Body { author: self.author.as_deref(), ..body };
        let request = AdminRequest { path, body, key: self.key.as_ref(), limit: RESPONSE_TIMEOUT };
        self.client.servers.send(&request).await.map_err(|failure| failure.error)?.into_response()
    }
}
