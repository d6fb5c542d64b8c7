//! Stores: the data behind all pools of a backend, and the factory that opens the configured one.

use std::{fmt::Debug, sync::Arc};

use distributex_config::{self as config, Config, Limits, Name};
use thiserror::Error;

use super::{
    Backend, Waker,
    inmemory::{InMemoryStore, PersistentStore},
};
use crate::{StateDirectory, Telemetry, telemetry::metrics::Metrics};

/// The data behind all pools of a backend.
pub trait Store: Debug + Send + Sync {
    /// Opens a pool. Its backend calls `waker` when a response has arrived that [`Backend::poll`] should handle.
    fn open(&self, pool: config::Pool, limits: Limits, waker: Waker) -> Box<dyn Backend>;

    /// Id of the store that has this pool, or without a pool, of the only store. Two stores do not share their
    /// leases. `None` if it has never been reached, or without a pool, if there are several.
    fn id(&self, pool: Option<&Name>) -> Option<Arc<str>>;

    /// Whether at least one of these pools can be reached, as far as is known.
    fn is_reachable(&self, pools: &[Name], telemetry: &Telemetry) -> bool {
        let _ = pools;
        telemetry.is_reachable()
    }

    /// Registers the metrics of the store.
    fn register_metrics(&self, metrics: &Metrics) {
        let _ = metrics;
    }

    /// Pools that had leases or waiters when the server started and have not been opened, with settings under which
    /// their leases continue.
    fn restored_pools(&self) -> Vec<config::Pool> {
        Vec::new()
    }
}

/// The configured backend is not part of this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "this build has no backend memcache: build it with the feature memcache (the default), or use inmemory"
)]
pub struct NotAvailable;

/// Opens the store of the configured backend; `state` is the state directory, if one is configured.
///
/// # Errors
/// [`NotAvailable`] if this build does not have the backend.
pub fn open(config: &Config, state: Option<StateDirectory>) -> Result<Arc<dyn Store>, NotAvailable> {
    check(config)?;
    Ok(match (&config.backend, state) {
        (config::Backend::InMemory, Some(state)) => Arc::new(PersistentStore::new(state)),
        (config::Backend::InMemory, None) => Arc::new(InMemoryStore::default()),
        #[cfg(feature = "memcache")]
        (config::Backend::Memcache(settings), _) => Arc::new(super::memcache::Shards::start(settings)),
        #[cfg(not(feature = "memcache"))]
        (config::Backend::Memcache(_), _) => return Err(NotAvailable),
    })
}

/// Checks that this build has the configured backend.
///
/// # Errors
/// [`NotAvailable`] if not.
pub fn check(config: &Config) -> Result<(), NotAvailable> {
    match config.backend {
        config::Backend::InMemory => Ok(()),
        config::Backend::Memcache(_) if cfg!(feature = "memcache") => Ok(()),
        config::Backend::Memcache(_) => Err(NotAvailable),
    }
}
