//! What all workers share: the pools, and what a reload changes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use distributex_actors::Registry;
use distributex_config::{AdminKey, Config};
use tokio::sync::{Mutex, MutexGuard};

use super::{connection_limit::ConnectionLimit, monitoring::RequestCounters};

/// What all workers share, and the signals.
#[derive(Debug)]
pub struct Shared {
    /// The pools, once the first worker has started them: the actors live where most of their messages come
    /// from, because a message to another thread costs more than all the rest of it.
    registry: OnceLock<Registry>,
    /// How many requests there were.
    requests: RequestCounters,
    /// The configuration file.
    file: PathBuf,
    /// Who may pull levers over TCP now.
    keys: RwLock<Arc<[AdminKey]>>,
    /// All connections.
    connection_limit: Arc<ConnectionLimit>,
    /// Held by who reads the file again.
    reloading: Mutex<()>,
}

impl Shared {
    /// Before the pools have been started, with what this file says; so many connections can be open.
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

    /// Starts the pools, if nobody did yet.
    pub fn start(&self, start: impl FnOnce() -> Registry) {
        let registry = self.registry.get_or_init(start);
        if let Some(numbers) = registry.telemetry().metrics() {
            self.requests.register(numbers);
        }
    }

    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> &RequestCounters {
        &self.requests
    }

    /// The pools; `None` until they have been started.
    #[must_use]
    pub fn registry(&self) -> Option<&Registry> {
        self.registry.get()
    }

    /// The configuration file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Who may pull levers over TCP now.
    #[must_use]
    pub fn keys(&self) -> Arc<[AdminKey]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these may.
    pub fn set_keys(&self, keys: &[AdminKey]) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
    }

    /// All connections.
    #[must_use]
    pub fn connection_limit(&self) -> &Arc<ConnectionLimit> {
        &self.connection_limit
    }

    /// Nobody else reads the file again until this is dropped.
    pub async fn reloading(&self) -> MutexGuard<'_, ()> {
        self.reloading.lock().await
    }
}
