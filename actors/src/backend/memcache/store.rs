//! Store of the memcache backend.

use std::sync::Arc;

use distributex_config::{self as config, Limits, MemcacheServer, MemcacheSettings, Name};

use super::{
    Memcache,
    entry::{ServerRunId, keys::shard_of},
    shard::Shard,
};
use crate::{
    Telemetry,
    backend::{Backend, Store, Waker},
    telemetry::{backend_calls::BackendCalls, metrics::Metrics},
};

/// All memcached of the configuration.
#[derive(Debug)]
pub struct Shards {
    /// Settings of the connections.
    settings: MemcacheSettings,
    /// This run of this server.
    server: ServerRunId,
    /// The memcached, in the order of the configuration.
    shards: Vec<Shard>,
    /// Counters of exchanges.
    calls: BackendCalls,
}

impl Shards {
    /// Starts the threads of the connections. A memcached that is unreachable is no error.
    #[must_use]
    pub fn start(settings: &MemcacheSettings) -> Self {
        let calls = BackendCalls::new("memcache");
        let start = |at: &MemcacheServer| Shard::start(at.clone(), settings, calls.clone());
        let shards = settings.servers.iter().map(start).collect();
        Self { settings: settings.clone(), server: ServerRunId::random(), shards, calls }
    }

    /// Settings of the connections.
    pub(super) fn settings(&self) -> &MemcacheSettings {
        &self.settings
    }

    /// This run of this server.
    pub(super) fn server(&self) -> ServerRunId {
        self.server
    }

    /// The memcached of this pool.
    pub(super) fn of(&self, pool: &Name) -> &Shard {
        &self.shards[shard_of(pool, self.shards.len())]
    }
}

impl Store for Shards {
    fn open(&self, pool: config::Pool, limits: Limits, waker: Waker) -> Box<dyn Backend> {
        Box::new(Memcache::new(pool, limits, self, waker))
    }

    fn id(&self, pool: Option<&Name>) -> Option<Arc<str>> {
        match (pool, &*self.shards) {
            (Some(pool), _) => self.of(pool).store(),
            (None, [only]) => only.store(),
            (None, _) => None,
        }
    }

    fn is_reachable(&self, pools: &[Name], _: &Telemetry) -> bool {
        let is_reachable = pools.iter().any(|pool| self.of(pool).is_reachable());
        if !is_reachable {
            self.shards.iter().for_each(Shard::inspect);
        }
        is_reachable
    }

    fn register_metrics(&self, metrics: &Metrics) {
        self.calls.register(metrics);
    }
}
