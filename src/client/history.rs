//! How it went: the runs of a pool that are over.

use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::{
    AskError, Client, Seen,
    units::{moment, seconds},
    v1::pool_path,
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
    pub how: How,
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
pub enum How {
    /// Its holder gave it back.
    Released,
    /// Nobody renewed it.
    Expired,
    /// An operator ended it.
    Forced,
    /// The store did not know it any more.
    Lost,
    /// Something that only a later server knows.
    #[serde(other)]
    Otherwise,
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
    /// As [`Client::pool`]; a refusal of the kind [`NotFound`](super::Kind::NotFound) if the server keeps no
    /// history.
    ///
    /// ```no_run
    /// # use distributex::client::{AskError, Client};
    /// # async fn example(client: Client) -> Result<(), AskError> {
    /// for run in client.history("deploy").await?.state {
    ///     println!("{} had it for {:?}", run.host, run.held);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history(&self, pool: &str) -> Result<Seen<Vec<Run>>, AskError> {
        let Seen { state, json, server } =
            self.look::<History>(&format!("{}/history", pool_path(pool))).await?;
        Ok(Seen { state: state.runs, json, server })
    }
}
