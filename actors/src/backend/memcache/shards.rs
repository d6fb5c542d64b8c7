//! All memcached of the configuration.

use std::sync::Arc;

use distributex_config::{MemcacheServer, MemcacheSettings, Name};

use super::{entry::ServerRunId, keys::shard_of, shard::Shard};
use crate::telemetry::backend_calls::BackendCalls;

/// All memcached of the configuration.
#[derive(Debug)]
pub struct Shards {
    /// How they are talked to.
    settings: MemcacheSettings,
    /// This run of this server.
    server: ServerRunId,
    /// One for each, in the order of the configuration.
    shards: Vec<Shard>,
    /// How often they were asked.
    calls: BackendCalls,
}

impl Shards {
    /// Starts the threads that talk to them. Whether they are there is seen later.
    #[must_use]
    pub fn start(settings: &MemcacheSettings) -> Self {
        let calls = BackendCalls::new("memcache");
        let start = |at: &MemcacheServer| Shard::start(at.clone(), settings, calls.clone());
        let shards = settings.servers.iter().map(start).collect();
        Self { settings: settings.clone(), server: ServerRunId::random(), shards, calls }
    }

    /// How often they were asked.
    pub(crate) fn calls(&self) -> &BackendCalls {
        &self.calls
    }

    /// Whether a memcached that keeps one of these pools can be reached, as far as is known.
    pub fn any_reachable<'a>(&self, mut pools: impl Iterator<Item = &'a Name>) -> bool {
        let is_one = pools.any(|pool| self.of(pool).is_reachable());
        if !is_one {
            self.shards.iter().for_each(Shard::look);
        }
        is_one
    }

    /// The random name of the memcached that keeps this pool; `None` while it has not been reached yet.
    #[must_use]
    pub fn store(&self, pool: &Name) -> Option<Arc<str>> {
        self.of(pool).store()
    }

    /// The random name of the memcached, if there is but one.
    #[must_use]
    pub fn only_store(&self) -> Option<Arc<str>> {
        if let [only] = &*self.shards { only.store() } else { None }
    }

    /// How they are talked to.
    pub(super) fn settings(&self) -> &MemcacheSettings {
        &self.settings
    }

    /// This run of this server.
    pub(super) fn server(&self) -> ServerRunId {
        self.server
    }

    /// The memcached that keeps this pool.
    pub(super) fn of(&self, pool: &Name) -> &Shard {
        &self.shards[shard_of(pool, self.shards.len())]
    }
}
