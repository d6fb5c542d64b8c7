//! The stores of the in-memory backend: this process, or a state directory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use distributex_config::{self as config, Limits, Name};
use tokio::time::Instant;

use super::InMemory;
use crate::{
    StateDirectory,
    backend::{Backend, Store, Waker},
    pool::LeaseId,
    telemetry::metrics::Metrics,
};

/// Store without persistence: its pools end with the process.
#[derive(Debug)]
pub(crate) struct InMemoryStore {
    /// Random id.
    id: Arc<str>,
}

/// Store whose pools are persisted in a state directory.
#[derive(Debug)]
pub(crate) struct PersistentStore {
    /// Random id, persisted too.
    id: Arc<str>,
    /// The directory, with the pools that have not been opened.
    state: Mutex<StateDirectory>,
}

impl Default for InMemoryStore {
    fn default() -> Self {
        Self { id: LeaseId::random().reveal().into() }
    }
}

impl Store for InMemoryStore {
    fn open(&self, pool: config::Pool, limits: Limits, _: Waker) -> Box<dyn Backend> {
        Box::new(InMemory::new(pool, limits))
    }

    fn id(&self, _: Option<&Name>) -> Option<Arc<str>> {
        Some(Arc::clone(&self.id))
    }
}

impl PersistentStore {
    pub(crate) fn new(state: StateDirectory) -> Self {
        Self { id: state.store(), state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, StateDirectory> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for PersistentStore {
    fn open(&self, pool: config::Pool, limits: Limits, waker: Waker) -> Box<dyn Backend> {
        Box::new(InMemory::persisted(pool, limits, &mut self.state(), waker, Instant::now()))
    }

    fn id(&self, _: Option<&Name>) -> Option<Arc<str>> {
        Some(Arc::clone(&self.id))
    }

    fn register_metrics(&self, metrics: &Metrics) {
        self.state().journal().calls().register(metrics);
    }

    fn restored_pools(&self) -> Vec<config::Pool> {
        self.state().pools()
    }
}
