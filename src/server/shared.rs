//! State shared by all workers: the pools, and what a reload changes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use distributex_actors::Registry;
use distributex_config::{AdminKey, Config};
use tokio::sync::{Mutex, MutexGuard};

use super::{connection_limit::ConnectionLimit, request_counters::RequestCounters};

/// State shared by all workers and the signal handlers.
#[derive(Debug)]
pub struct Shared {
    /// The pools; set when the first worker starts them: actors live on the thread from which most of their messages
    /// come, as a message to another thread costs more than everything else.
    registry: OnceLock<Registry>,
    /// Counters of requests.
    requests: RequestCounters,
    /// Configuration file.
    file: PathBuf,
    /// Current operators' keys.
    keys: RwLock<Arc<[AdminKey]>>,
    /// Limit of connections.
    connection_limit: Arc<ConnectionLimit>,
    /// Held during a reload.
    reloading: Mutex<()>,
}

impl Shared {
    /// State before the pools are started. `connections`: maximum number of connections.
    #[must_use]
    pub fn new(file: PathBuf, config: &Config, connections: usize) -> Arc<Self> {
        Arc::new(Self {
            registry: OnceLock::new(),
            requests: RequestCounters::default(),
            file,
            keys: RwLock::new(config.admin.keys.as_slice().into()),
            connection_limit: ConnectionLimit::new(connections, config.limits.connections_per_address),
            reloading: Mutex::new(()),
        })
    }

    /// Starts the pools unless they are running.
    pub fn start(&self, start: impl FnOnce() -> Registry) {
        let registry = self.registry.get_or_init(start);
        if let Some(numbers) = registry.telemetry().metrics() {
            self.requests.register(numbers);
        }
    }

    /// Counters of requests.
    #[must_use]
    pub fn requests(&self) -> &RequestCounters {
        &self.requests
    }

    /// The pools; `None` until they are started.
    #[must_use]
    pub fn registry(&self) -> Option<&Registry> {
        self.registry.get()
    }

    /// Configuration file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Current operators' keys.
    #[must_use]
    pub fn keys(&self) -> Arc<[AdminKey]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the operators' keys.
    pub fn set_keys(&self, keys: &[AdminKey]) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
    }

    /// Limit of connections.
    #[must_use]
    pub fn connection_limit(&self) -> &Arc<ConnectionLimit> {
        &self.connection_limit
    }

    /// Locks reloads until the guard is dropped.
    pub async fn reloading(&self) -> MutexGuard<'_, ()> {
        self.reloading.lock().await
    }
}
