//! Which actor serves a pool.

use std::{collections::HashMap, sync::Arc};

use actix::Actor as _;
use distributex_config::{Backend, Config, Name};
use thiserror::Error;

use crate::{PoolActor, PoolHandle, Room, backend::inmemory::InMemory, pool::LeaseId};

/// All pools of this server.
#[derive(Debug)]
pub struct Pools {
    by_name: HashMap<Name, PoolHandle>,
    /// Their names, in the order of the configuration.
    names: Vec<Name>,
    /// The random name of the one truth behind the backend: of this process.
    store: String,
    /// Where their asks park.
    room: Arc<Room>,
}

/// The configuration names a backend that this program does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("backend memcache is not available in this build; use inmemory")]
pub struct NotAvailable;

impl Pools {
    /// Whether this program has the backend that the configuration names.
    ///
    /// # Errors
    /// [`NotAvailable`] if not.
    pub fn check(config: &Config) -> Result<(), NotAvailable> {
        match config.backend {
            Backend::InMemory => Ok(()),
            Backend::Memcache(_) => Err(NotAvailable),
        }
    }

    /// Starts an actor for every pool of the configuration, on the current thread's arbiter. The asks of all
    /// of them park in `room`.
    #[must_use]
    pub fn start(config: &Config, room: &Arc<Room>) -> Self {
        let start = |settings: &distributex_config::Pool| {
            let backend = Box::new(InMemory::new(settings.clone(), config.limits));
            let actor = PoolActor::new(settings.name.clone(), backend, Arc::clone(room));
            (settings.name.clone(), PoolHandle::new(actor.start()))
        };
        Self {
            by_name: config.pools.iter().map(start).collect(),
            names: config.pools.iter().map(|pool| pool.name.clone()).collect(),
            store: LeaseId::random().reveal(),
            room: Arc::clone(room),
        }
    }

    /// The pool of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&PoolHandle> {
        self.by_name.get(name)
    }

    /// The pool of this name, with its name as it is kept.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<(&Name, &PoolHandle)> {
        self.by_name.get_key_value(name)
    }

    /// All pools with their names, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &PoolHandle)> {
        self.names.iter().filter_map(|name| self.by_name.get_key_value(name))
    }

    /// The name of the store: leases of two stores know nothing of each other.
    #[must_use]
    pub fn store(&self) -> &str {
        &self.store
    }

    /// Answers everybody who waits, in all pools. None of them takes an ask any more when the first one is
    /// drained.
    pub async fn drain(&self) {
        self.room.close();
        for pool in self.by_name.values() {
            pool.drain().await;
        }
    }
}
