//! How it went: the runs of a pool that are over.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::{
    Client, ClientError, Response,
    v1::pool_path,
    wire_time::{moment, seconds},
};

/// One lease, from its grant to its end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Run {
    /// Who held it.
    pub host: String,
    /// Its fencing number.
    pub token: u64,
    /// What it said it was doing.
    #[serde(default)]
    pub command: Option<String>,
    /// How long it took to get.
    #[serde(default, deserialize_with = "seconds::deserialize")]
    pub waited: Option<Duration>,
    /// How long it was held.
    #[serde(default, deserialize_with = "seconds::deserialize")]
    pub held: Option<Duration>,
    /// When it was given, by the server's clock.
    #[serde(default, deserialize_with = "moment::deserialize")]
    pub since: Option<SystemTime>,
    /// When it ended.
    #[serde(default, deserialize_with = "moment::deserialize")]
    pub ended_at: Option<SystemTime>,
    /// What ended it.
    pub how: EndReason,
    /// How the work ended that it was held for, if that was reported.
    #[serde(default)]
    pub exit_status: Option<u8>,
    /// Who ended it by force, or had revoked it.
    #[serde(default)]
    pub author: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What ended a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// Its holder gave it back.
    Released,
    /// Nobody renewed it.
    Expired,
    /// An operator ended it.
    ForceReleased,
    /// The store did not know it any more.
    Vanished,
    /// Something that only a later server knows.
    #[serde(other)]
    Other,
}

/// The runs of a pool, as a server tells them.
#[derive(Deserialize)]
struct History {
    runs: Vec<Run>,
}

impl Client {
    /// The runs of a pool that are over, the newest first: as many as the server keeps.
    ///
    /// # Errors
    /// As [`Client::pool`]; a refusal of the kind [`NotFound`](super::ErrorKind::NotFound) if the server keeps no
    /// history.
    ///
    /// ```no_run
    /// # use distributex_client::{ClientError, Client};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// for run in client.history("deploy").await?.value {
    ///     println!("{} had it for {:?}", run.host, run.held);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history(&self, pool: &str) -> Result<Response<Vec<Run>>, ClientError> {
        let Response { value: state, json, server } =
            self.get::<History>(&format!("{}/history", pool_path(pool))).await?;
        Ok(Response { value: state.runs, json, server })
    }
}
