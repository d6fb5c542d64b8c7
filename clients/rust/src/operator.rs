//! What an operator can do to a pool.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Client, ClientError, Key, PoolSnapshot, Response,
    v1::{RELOAD, admin_path},
    wire_time::{moment, seconds},
};

/// How long one server may take to answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Pulls levers. Over TCP that takes a key; over the server's unix socket none.
///
/// Every lever is pulled at one server, the first that answers. That server, and everybody who reads its
/// events, is told who pulled it and why.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Asks.
    client: Client,
    /// Proves that this is an operator.
    key: Option<Key>,
    /// Who it is.
    author: Option<String>,
}

/// What came of a forced release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ForceReleased {
    /// The pool.
    pub pool: String,
    /// Who held the slot.
    pub host: String,
    /// The fencing number of its lease.
    pub token: u64,
    /// How long it was held.
    #[serde(default, deserialize_with = "seconds::deserialize")]
    pub held: Option<Duration>,
    /// So long its holder may go on before it must notice; `None`: for ever, as the lease had no end.
    #[serde(default, deserialize_with = "seconds::deserialize")]
    pub may_run_for: Option<Duration>,
}

/// What came of a resume.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Resumed {
    /// The pool.
    #[serde(flatten)]
    pub pool: PoolSnapshot,
    /// Whether it had been paused, if the server says so.
    pub resumed: Option<bool>,
}

/// What came of a revoke.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Revoked {
    /// The pool.
    pub pool: String,
    /// Who holds the slot.
    pub host: String,
    /// The fencing number of its lease.
    pub token: u64,
    /// When the slot is free at the latest, by the server's clock; `None`: not before its holder releases it.
    #[serde(default, deserialize_with = "moment::deserialize")]
    pub until: Option<SystemTime>,
    /// Whether the holder is told when it renews its lease; one that never does keeps its slot until the lease ends.
    pub notified: bool,
}

/// Whose place in line was changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QueueChange {
    /// The pool.
    pub pool: String,
    /// Who waits, or waited.
    pub host: String,
    /// The ticket.
    pub ticket: u64,
    /// The place it has now; none if it was removed.
    #[serde(default)]
    pub place: Option<u64>,
}

/// What came of a reload.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Reloaded {
    /// How many pools there are now.
    pub pools: u64,
    /// The keys of the file that changed, and count only after a restart.
    #[serde(default)]
    pub need_restart: Vec<String>,
}

/// What is sent with a lever.
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
    /// An operator who asks as this client does. Without an `author` the server says who it was: the name of
    /// the key, or the user at the other end of the socket.
    ///
    /// ```no_run
    /// use distributex_client::{Client, Server};
    ///
    /// # #[actix::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::new(vec![Server::socket("/run/distributexd/admin.sock")]);
    /// let operator = client.operator(None, Some("ann".to_owned()));
    /// let paused = operator.pause("deploy", "kernel update").await?.state;
    /// println!("{} still hold, {} wait", paused.held, paused.line.length);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn operator(&self, key: Option<Key>, author: Option<String>) -> Operator {
        Operator { client: self.clone(), key, author }
    }
}

impl Operator {
    /// Ends the lease with this token: the slot goes to the next in line at once. What its holder does goes
    /// on until the holder notices.
    ///
    /// # Errors
    /// A refusal of the kind [`NotFound`](super::ErrorKind::NotFound) if nobody holds with this token,
    /// [`Unauthorized`](super::ErrorKind::Unauthorized) if the key is missing or wrong; and as [`Client::pool`].
    pub async fn force_release(
        &self,
        pool: &str,
        token: u64,
        reason: &str,
    ) -> Result<Response<ForceReleased>, ClientError> {
        let body = Body { token: Some(token), reason: Some(reason), ..Body::default() };
        self.administer(&admin_path(pool, "force-release"), body).await
    }

    /// Asks the holder with this token to stop: renewals tell it so, and extend its lease for `within` at most, by
    /// default its time to live. The slot goes to the next when the holder has released it, or the lease has ended.
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
        self.administer(&admin_path(pool, "revoke"), body).await
    }

    /// Gives out nothing of the pool from now on, and answers with how it stands.
    ///
    /// # Errors
    /// As [`Operator::force_release`].
    pub async fn pause(&self, pool: &str, reason: &str) -> Result<Response<PoolSnapshot>, ClientError> {
        let body = Body { reason: Some(reason), ..Body::default() };
        self.administer(&admin_path(pool, "pause"), body).await
    }

    /// Gives out slots of the pool again, and answers with how it stands. That it was not paused is no
    /// mistake.
    ///
    /// # Errors
    /// As [`Operator::force_release`].
    pub async fn resume(&self, pool: &str, reason: Option<&str>) -> Result<Response<Resumed>, ClientError> {
        self.administer(&admin_path(pool, "resume"), Body { reason, ..Body::default() }).await
    }

    /// Lets who waits with this ticket be the next.
    ///
    /// # Errors
    /// As [`Operator::force_release`], if nobody waits with this ticket.
    pub async fn promote(
        &self,
        pool: &str,
        ticket: u64,
        reason: &str,
    ) -> Result<Response<QueueChange>, ClientError> {
        let body = Body { ticket: Some(ticket), reason: Some(reason), ..Body::default() };
        self.administer(&admin_path(pool, "front"), body).await
    }

    /// Takes who waits with this ticket out of the line.
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
        self.administer(&admin_path(pool, "remove"), body).await
    }

    /// Lets the server read its configuration again.
    ///
    /// # Errors
    /// A refusal of the kind [`BadRequest`](super::ErrorKind::BadRequest) that names every mistake, one a line, if
    /// the file is bad: then nothing changed.
    pub async fn reload(&self, reason: Option<&str>) -> Result<Response<Reloaded>, ClientError> {
        self.administer(RELOAD, Body { reason, ..Body::default() }).await
    }

    async fn administer<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Body<'_>,
    ) -> Result<Response<T>, ClientError> {
        let body = Body { author: self.author.as_deref(), ..body };
        let pulled = self.client.asker.post_admin(path, &body, self.key.as_ref(), RESPONSE_TIMEOUT).await;
        pulled.map_err(|failure| failure.error)?.into_response()
    }
}
