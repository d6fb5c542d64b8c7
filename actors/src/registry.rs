//! All pools of a server, through changes of the configuration.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use actix::{Actor as _, Arbiter, ArbiterHandle};
use distributex_config::{Config, Name, Pool};

use crate::{ClientAddress, ParkingLimit, ParkingPermit, PoolActor, PoolHandle, Telemetry, backend::Store};

/// The pools between two changes of the configuration.
#[derive(Debug)]
pub struct Pools {
    /// Handles, including those of pools removed from the configuration: their holders may renew and release.
    by_name: HashMap<Name, PoolHandle>,
    /// Names in the order of the configuration, followed by removed pools.
    names: Vec<Name>,
    /// Store of all pools.
    store: Arc<dyn Store>,
}

/// All pools of a server.
#[derive(Debug)]
pub struct Registry {
    /// The current pools.
    pools: RwLock<Arc<Pools>>,
    /// The current configuration.
    config: Mutex<Config>,
    /// Limit of parked requests.
    parking: Arc<ParkingLimit>,
    /// The thread of the actors.
    arbiter: ArbiterHandle,
    /// Metrics, events and history.
    telemetry: Telemetry,
}

impl Pools {
    /// The pool with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&PoolHandle> {
        self.by_name.get(name)
    }

    /// The pool with this name, and its name as stored.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<(&Name, &PoolHandle)> {
        self.by_name.get_key_value(name)
    }

    /// All pools with their names, in the order of the configuration, followed by removed ones.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &PoolHandle)> {
        self.names.iter().filter_map(|name| self.by_name.get_key_value(name))
    }

    /// Id of the store that has this pool, or without a pool, of the only store. `None` if it has never been reached,
    /// or without a pool, if there are several.
    #[must_use]
    pub fn store(&self, pool: Option<&Name>) -> Option<Arc<str>> {
        self.store.id(pool)
    }
}

impl Registry {
    /// Starts an actor for every configured pool, on the current thread's arbiter, and for every other pool that the
    /// store has restored. All of them park their requests in `parking`.
    #[must_use]
    pub fn start(config: &Config, parking: &Arc<ParkingLimit>, store: Arc<dyn Store>) -> Self {
        let telemetry = Telemetry::new(&config.telemetry);
        if let Some(metrics) = telemetry.metrics() {
            store.register_metrics(metrics);
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
        registry.apply(config, None);
        registry
    }

    /// Metrics, events and history of all pools.
    #[must_use]
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// A permit for a connection that stays, like that of a parked request; `None` if none is left for this address.
    #[must_use]
    pub fn park(&self, address: Option<ClientAddress>) -> Option<ParkingPermit> {
        self.parking.take(address)
    }

    /// Whether the store of at least one pool can be reached, as far as is known.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        let pools = self.pools();
        pools.store.is_reachable(&pools.names, &self.telemetry)
    }

    /// Whether the server is stopping.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.parking.is_closed()
    }

    /// The current pools.
    #[must_use]
    pub fn pools(&self) -> Arc<Pools> {
        Arc::clone(&self.pools.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Applies a configuration: pools appear, change and disappear; holders keep their slots, and waiters
    /// that are still allowed keep waiting. Returns the keys whose new values take effect only after a
    /// restart.
    pub fn reload(&self, config: &Config) -> Vec<&'static str> {
        let mut current = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let need_restart = current.need_restart(config);
        self.parking.set_share(config.limits.waiters_per_address);
        let new = Config { limits: config.limits, pools: config.pools.clone(), ..current.clone() };
        let old = mem::replace(&mut *current, new);
        self.apply(&current, Some(&old));
        need_restart
    }

    /// Refuses all waiters of all pools; none accepts a request once the first is drained. Then waits for
    /// their stores, like [`PoolHandle::drain`]; may be dropped to limit that.
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

    /// Starts new pools, reconfigures changed ones, and publishes the result.
    fn apply(&self, config: &Config, before: Option<&Config>) {
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
                pool.reconfigure(Some(settings.clone()), config.limits); // a new pool too: it causes the event
            }
        }
        for settings in old.store.restored_pools() {
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

    fn begin(&self, settings: Pool, config: &Config, store: &Arc<dyn Store>) -> PoolHandle {
        let (parking, limits, store) = (Arc::clone(&self.parking), config.limits, Arc::clone(store));
        let telemetry = self.telemetry.pool(&settings.name); // visible from now on, whenever the actor starts
        let start = move |ctx: &mut actix::Context<PoolActor>| {
            let name = settings.name.clone();
            PoolActor::new(name, store.open(settings, limits, PoolActor::waker(ctx)), parking, telemetry)
        };
        PoolHandle::new(PoolActor::start_in_arbiter(&self.arbiter, start))
    }
}
