//! Which actor serves a pool.

use std::{collections::HashMap, sync::Arc};

use actix::Actor as _;
#[cfg(feature = "memcache")]
use actix::AsyncContext as _;
use distributex_config::{Backend, Config, Name, Pool};
use thiserror::Error;

#[cfg(feature = "memcache")]
use crate::backend::memcache::{Memcache, Shards};
use crate::{PoolActor, PoolHandle, Room, backend::inmemory::InMemory, pool::LeaseId};

/// All pools of this server.
#[derive(Debug)]
pub struct Pools {
    by_name: HashMap<Name, PoolHandle>,
    /// Their names, in the order of the configuration.
    names: Vec<Name>,
    /// The truth behind the backend.
    store: Store,
    /// Where their asks park.
    room: Arc<Room>,
}

/// The truth behind a backend.
#[derive(Debug)]
enum Store {
    /// This process, with a random name.
    Here(Arc<str>),
    /// One or more memcached, each of which has a random name.
    #[cfg(feature = "memcache")]
    Memcache(Shards),
}

/// The configuration names a backend that this program does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "backend memcache is not in this build: build it with the feature memcache, as is the default, or use \
     inmemory"
)]
pub struct NotAvailable;

impl Store {
    fn of(config: &Config) -> Self {
        match &config.backend {
            Backend::InMemory => Self::Here(LeaseId::random().reveal().into()),
            #[cfg(feature = "memcache")]
            Backend::Memcache(settings) => Self::Memcache(Shards::start(settings)),
            #[cfg(not(feature = "memcache"))]
            Backend::Memcache(_) => panic!("{NotAvailable}"),
        }
    }

    /// Starts the actor of a pool that is kept here.
    fn start(&self, settings: &Pool, config: &Config, room: &Arc<Room>) -> PoolHandle {
        let (name, room) = (settings.name.clone(), Arc::clone(room));
        let addr = match self {
            Self::Here(_) => {
                let backend = InMemory::new(settings.clone(), config.limits);
                PoolActor::new(name, Box::new(backend), room).start()
            }
            #[cfg(feature = "memcache")]
            Self::Memcache(shards) => PoolActor::create(|ctx| {
                let backend = Memcache::new(settings.clone(), config.limits, shards, ctx.address());
                PoolActor::new(name, Box::new(backend), room)
            }),
        };
        PoolHandle::new(addr)
    }
}

impl Pools {
    /// Whether this program has the backend that the configuration names.
    ///
    /// # Errors
    /// [`NotAvailable`] if not.
    pub fn check(config: &Config) -> Result<(), NotAvailable> {
        match config.backend {
            Backend::InMemory => Ok(()),
            Backend::Memcache(_) if cfg!(feature = "memcache") => Ok(()),
            Backend::Memcache(_) => Err(NotAvailable),
        }
    }

    /// Starts an actor for every pool of the configuration, on the current thread's arbiter. The asks of all
    /// of them park in `room`.
    ///
    /// # Panics
    /// When this program does not have the backend; [`Pools::check`] tells that before.
    #[must_use]
    pub fn start(config: &Config, room: &Arc<Room>) -> Self {
        let store = Store::of(config);
        let start = |settings: &Pool| (settings.name.clone(), store.start(settings, config, room));
        Self {
            by_name: config.pools.iter().map(start).collect(),
            names: config.pools.iter().map(|pool| pool.name.clone()).collect(),
            store,
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

    /// The name of the store that keeps this pool, or of the one that keeps all of them: leases of two stores know
    /// nothing of each other. `None` if it has not been reached yet, or if there are several.
    #[must_use]
    pub fn store(&self, pool: Option<&Name>) -> Option<Arc<str>> {
        match (&self.store, pool) {
            (Store::Here(name), _) => Some(Arc::clone(name)),
            #[cfg(feature = "memcache")]
            (Store::Memcache(shards), Some(pool)) => shards.store(pool),
            #[cfg(feature = "memcache")]
            (Store::Memcache(shards), None) => shards.only_store(),
        }
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
