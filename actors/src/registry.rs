//! Which actor serves a pool, now and after the configuration has changed.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use actix::{Actor as _, Arbiter, ArbiterHandle, AsyncContext as _};
use distributex_config::{Backend, Config, Limits, Name, Pool};
use thiserror::Error;
use tokio::time::Instant;

use crate::telemetry::metrics::Metrics;

#[cfg(feature = "memcache")]
use crate::backend::memcache::{Memcache, Shards};
use crate::{
    ClientAddress, ParkingLimit, ParkingPermit, PoolActor, PoolHandle, PoolTelemetry, StateDirectory,
    Telemetry, backend::inmemory::InMemory, pool::LeaseId,
};

/// All pools of this server, as they are from one change of the configuration to the next.
#[derive(Debug)]
pub struct Pools {
    /// Those that were taken out of the configuration, too: who holds a slot there may renew and release it.
    by_name: HashMap<Name, PoolHandle>,
    /// Their names, in the order of the configuration; then those that are not in it any more.
    names: Vec<Name>,
    /// The truth behind the backend.
    store: Arc<StoreKind>,
}

/// All pools of this server, whatever becomes of its configuration.
#[derive(Debug)]
pub struct Registry {
    /// As they are now.
    pools: RwLock<Arc<Pools>>,
    /// The configuration that is in force.
    config: Mutex<Config>,
    /// Where their asks park.
    parking: Arc<ParkingLimit>,
    /// The thread that they live on.
    arbiter: ArbiterHandle,
    /// What can be seen of them.
    telemetry: Telemetry,
}

/// The truth behind a backend.
#[derive(Debug)]
enum StoreKind {
    /// This process, with a random name.
    Here(Arc<str>),
    /// A directory on the disk, which has a random name.
    Directory(Arc<str>, Mutex<StateDirectory>),
    /// One or more memcached, each of which has a random name.
    #[cfg(feature = "memcache")]
    Memcache(Shards),
}

/// The configuration names a backend that this program does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "this build has no backend memcache: build it with the feature memcache (the default), or use inmemory"
)]
pub struct NotAvailable;

impl StoreKind {
    fn of(config: &Config, state: Option<StateDirectory>) -> Self {
        match (&config.backend, state) {
            (Backend::InMemory, Some(state)) => Self::Directory(state.store(), Mutex::new(state)),
            (Backend::InMemory, None) => Self::Here(LeaseId::random().reveal().into()),
            #[cfg(feature = "memcache")]
            (Backend::Memcache(settings), _) => Self::Memcache(Shards::start(settings)),
            #[cfg(not(feature = "memcache"))]
            (Backend::Memcache(_), _) => panic!("{NotAvailable}"),
        }
    }

    /// Lets be seen how often it is asked.
    fn count_in(&self, metrics: &Metrics) {
        match self {
            Self::Here(_) => {}
            Self::Directory(_, state) => {
                let state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.journal().calls().register(metrics);
            }
            #[cfg(feature = "memcache")]
            Self::Memcache(shards) => shards.calls().register(metrics),
        }
    }

    /// The pools that had leases in a directory when the server started, and were not started yet.
    fn remembered(&self) -> Vec<Pool> {
        match self {
            Self::Directory(_, state) => state.lock().unwrap_or_else(PoisonError::into_inner).pools(),
            Self::Here(_) => Vec::new(),
            #[cfg(feature = "memcache")]
            Self::Memcache(_) => Vec::new(),
        }
    }

    /// A pool that is kept here.
    fn pool(
        &self,
        settings: Pool,
        limits: Limits,
        parking: Arc<ParkingLimit>,
        telemetry: PoolTelemetry,
        actor: &Context,
    ) -> PoolActor {
        let name = settings.name.clone();
        match self {
            Self::Here(_) => {
                PoolActor::new(name, Box::new(InMemory::new(settings, limits)), parking, telemetry)
            }
            Self::Directory(_, state) => {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                let backend =
                    InMemory::persisted(settings, limits, &mut state, &actor.address(), Instant::now());
                PoolActor::new(name, Box::new(backend), parking, telemetry)
            }
            #[cfg(feature = "memcache")]
            Self::Memcache(shards) => {
                let backend = Memcache::new(settings, limits, shards, actor.address());
                PoolActor::new(name, Box::new(backend), parking, telemetry)
            }
        }
    }
}

type Context = actix::Context<PoolActor>;

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

    /// All pools with their names, in the order of the configuration; then those that are not in it any more.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &PoolHandle)> {
        self.names.iter().filter_map(|name| self.by_name.get_key_value(name))
    }

    /// The name of the store that keeps this pool, or of the one that keeps all of them: leases of two stores know
    /// nothing of each other. `None` if it has not been reached yet, or if there are several.
    #[must_use]
    pub fn store(&self, pool: Option<&Name>) -> Option<Arc<str>> {
        match (&*self.store, pool) {
            (StoreKind::Here(name) | StoreKind::Directory(name, _), _) => Some(Arc::clone(name)),
            #[cfg(feature = "memcache")]
            (StoreKind::Memcache(shards), Some(pool)) => shards.store(pool),
            #[cfg(feature = "memcache")]
            (StoreKind::Memcache(shards), None) => shards.only_store(),
        }
    }

    /// Whether the store of at least one pool can be reached, as far as is known.
    fn is_reachable(&self, telemetry: &Telemetry) -> bool {
        match &*self.store {
            StoreKind::Here(_) | StoreKind::Directory(..) => telemetry.is_reachable(),
            #[cfg(feature = "memcache")]
            StoreKind::Memcache(shards) => shards.any_reachable(self.names.iter()),
        }
    }
}

impl Registry {
    /// Starts an actor for every pool of the configuration, on the current thread's arbiter, and for every other
    /// one that has leases in the state directory. The asks of all of them park in `room`.
    ///
    /// # Panics
    /// When this program does not have the backend; [`Pools::check`] tells that before.
    #[must_use]
    pub fn start(config: &Config, parking: &Arc<ParkingLimit>, state: Option<StateDirectory>) -> Self {
        let telemetry = Telemetry::new(&config.telemetry);
        let store = Arc::new(StoreKind::of(config, state));
        if let Some(metrics) = telemetry.metrics() {
            store.count_in(metrics);
        }
        parking.set_share(config.limits.waiters_per_address);
        let none = Pools { by_name: HashMap::new(), names: Vec::new(), store };
        let registry = Self {
            pools: RwLock::new(Arc::new(none)),
            config: Mutex::new(config.clone()),
            parking: Arc::clone(parking),
            arbiter: Arbiter::current(),
            telemetry,
        };
        registry.follow(config, None);
        registry
    }

    /// What can be seen of all pools.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// Room for one connection that stays, as that of a parked ask does; `None` if there is none for this address.
    #[must_use]
    pub fn park(&self, address: Option<ClientAddress>) -> Option<ParkingPermit> {
        self.parking.take(address)
    }

    /// Whether the store of at least one pool can be reached, as far as is known.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.pools().is_reachable(&self.telemetry)
    }

    /// Whether the server is stopping.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.parking.is_closed()
    }

    /// All pools, as they are now.
    #[must_use]
    pub fn pools(&self) -> Arc<Pools> {
        Arc::clone(&self.pools.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Goes on as this configuration says. Pools appear, change and disappear; who holds a slot keeps it, and who
    /// waits and still may does not notice. Returns the keys whose new values count only after a restart.
    pub fn reload(&self, config: &Config) -> Vec<&'static str> {
        let mut current = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let need_restart = current.need_restart(config);
        self.parking.set_share(config.limits.waiters_per_address);
        let new = Config { limits: config.limits, pools: config.pools.clone(), ..current.clone() };
        let old = mem::replace(&mut *current, new);
        self.follow(&current, Some(&old));
        need_restart
    }

    /// Answers everybody who waits, in all pools. None of them takes an ask any more when the first one is
    /// drained. Then it waits for their stores, as [`PoolHandle::drain`] does; who has no time for that may drop it.
    pub async fn drain(&self) {
        self.parking.close();
        if let Some(events) = self.telemetry.events() {
            events.close();
        }
        let pools = self.pools();
        for (_, pool) in pools.iter() {
            pool.close().await;
        }
        for (_, pool) in pools.iter() {
            pool.flush().await;
        }
    }

    /// Starts what is new, tells those that change what they are now, and then lets everybody see it.
    fn follow(&self, config: &Config, before: Option<&Config>) {
        let old = self.pools();
        let mut by_name = old.by_name.clone();
        let mut names: Vec<_> = config.pools.iter().map(|pool| pool.name.clone()).collect();
        let before_pools = before.iter().flat_map(|before| &before.pools);
        let before_by_name: HashMap<_, _> = before_pools.map(|pool| (&pool.name, pool)).collect();
        let new_limits = before.is_some_and(|before| before.limits != config.limits);
        for settings in &config.pools {
            let begin = || self.begin(settings.clone(), config, &old.store);
            let pool = by_name.entry(settings.name.clone()).or_insert_with(begin);
            let is_as_before = before_by_name.get(&settings.name).is_some_and(|before| *before == settings);
            if before.is_some() && (new_limits || !is_as_before) {
                pool.reconfigure(Some(settings.clone()), config.limits); // a new one, too: it tells who watches
            }
        }
        for settings in old.store.remembered() {
            let name = settings.name.clone();
            by_name.entry(name).or_insert_with(|| self.begin(settings, config, &old.store));
        }
        let configured: HashSet<_> = names.iter().cloned().collect();
        let mut others: Vec<_> = by_name.keys().filter(|name| !configured.contains(*name)).cloned().collect();
        others.sort_unstable();
        for name in others {
            if before.is_none() || before_by_name.contains_key(&name) {
                by_name[&name].reconfigure(None, config.limits);
            }
            names.push(name);
        }
        let pools = Pools { by_name, names, store: Arc::clone(&old.store) };
        *self.pools.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pools);
    }

    fn begin(&self, settings: Pool, config: &Config, store: &Arc<StoreKind>) -> PoolHandle {
        let (parking, limits, store) = (Arc::clone(&self.parking), config.limits, Arc::clone(store));
        let telemetry = self.telemetry.pool(&settings.name); // seen from now on, whenever its actor starts
        let start = move |ctx: &mut Context| store.pool(settings, limits, parking, telemetry, ctx);
        PoolHandle::new(PoolActor::start_in_arbiter(&self.arbiter, start))
    }
}
