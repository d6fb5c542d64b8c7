//! Limit of TCP connections by client address: decides which connection closes when they become scarce.
//!
//! ```text
//!  opened ─► candidate ─┬ request in progress ─► kept ─► candidate again after it
//!                       └ longest idle one of its address ─► closed, when others need the room
//! ```
//!
//! A request costs nothing here while there is room: whether one was in progress is checked when a connection has to
//! close.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Waker,
};

use distributex_actors::ClientAddress;
use futures_util::task::AtomicWaker;
use log::warn;

/// All TCP connections of all workers.
#[derive(Debug)]
pub struct ConnectionLimit {
    /// Above this number, an address with more than its share loses a connection for every new one.
    scarce: usize,
    /// Above this number, the address with the most connections does.
    full: usize,
    connections: Mutex<Connections>,
}

#[derive(Debug)]
struct Connections {
    open: usize,
    /// At this number, connections are no longer scarce.
    enough: usize,
    /// Connections one address may have while they are scarce.
    share: usize,
    by_address: HashMap<ClientAddress, AddressCount>,
    /// Addresses with candidates, by number of connections.
    largest: BTreeSet<(usize, ClientAddress)>,
    /// Connections that may be closed, for each address the longest idle one first.
    candidates: BTreeMap<(ClientAddress, u64), Arc<ConnectionEntry>>,
    /// Number of the next candidate.
    next: u64,
    /// Whether scarcity was logged since there were enough.
    logged: bool,
}

/// Connections of one address.
#[derive(Debug, Default)]
struct AddressCount {
    open: usize,
    candidates: usize,
}

/// A connection as others see it.
#[derive(Debug)]
struct ConnectionEntry {
    address: ClientAddress,
    /// Its number as a candidate.
    number: AtomicU64,
    /// Whether it is a candidate.
    is_candidate: AtomicBool,
    /// Whether a request is in progress.
    is_busy: AtomicBool,
    /// Whether one was since it became a candidate.
    was_busy: AtomicBool,
    /// Whether it has to close; it is no longer counted.
    has_to_go: AtomicBool,
    /// Wakes its task.
    waker: AtomicWaker,
}

/// Permit of a connection; dropping it closes the entry.
#[derive(Debug)]
pub(super) struct ConnectionPermit {
    connection_limit: Arc<ConnectionLimit>,
    entry: Arc<ConnectionEntry>,
}

impl ConnectionLimit {
    /// Creates a limit of `most` connections. While more than nine tenths are open, one address may have `share` of
    /// them; `None`: a tenth of all.
    #[must_use]
    pub fn new(most: usize, share: Option<usize>) -> Arc<Self> {
        let connection_limit = Self {
            scarce: most - most / 10,
            full: most - (most / 40).max(2).min(most), // some connections are on their way to a worker, or local
            connections: Mutex::new(Connections {
                open: 0,
                enough: most / 2,
                share: 0,
                by_address: HashMap::new(),
                largest: BTreeSet::new(),
                candidates: BTreeMap::new(),
                next: 0,
                logged: false,
            }),
        };
        connection_limit.set_share(share);
        Arc::new(connection_limit)
    }

    /// Sets the share of one address; `None`: a tenth of all.
    pub fn set_share(&self, share: Option<usize>) {
        self.lock().share = share.unwrap_or((self.scarce / 9).max(1));
    }

    /// Registers a connection, for which another one may have to close.
    pub(super) fn enter(self: &Arc<Self>, address: ClientAddress) -> ConnectionPermit {
        let entry = Arc::new(ConnectionEntry {
            address,
            number: AtomicU64::new(0),
            is_candidate: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            was_busy: AtomicBool::new(false),
            has_to_go: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        let mut connections = self.lock();
        connections.open(address);
        let goes = self.make_room(&mut connections);
        connections.add_candidate(&entry);
        let is_news = goes.is_some() && !mem::replace(&mut connections.logged, true);
        drop(connections);
        if let Some(goes) = goes {
            goes.waker.wake();
            if is_news {
                let hint = "its idle connections are closed for new ones";
                warn!(address:% = goes.address, hint; "connections_scarce");
            }
        }
        ConnectionPermit { connection_limit: Arc::clone(self), entry }
    }

    fn make_room(&self, connections: &mut Connections) -> Option<Arc<ConnectionEntry>> {
        while connections.open > self.scarce
            && let Some((open, address)) = connections.largest.last().copied()
            && (open > connections.share || connections.open > self.full)
        {
            if let Some(entry) = connections.longest_idle(address) {
                entry.has_to_go.store(true, Ordering::Relaxed);
                connections.close(address);
                return Some(entry);
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    fn open(&mut self, address: ClientAddress) {
        self.open += 1;
        self.change(address, |count| count.open += 1);
    }

    fn close(&mut self, address: ClientAddress) {
        self.open -= 1;
        self.logged &= self.open > self.enough;
        self.change(address, |count| count.open -= 1);
    }

    fn change(&mut self, address: ClientAddress, change: impl FnOnce(&mut AddressCount)) {
        let count = self.by_address.entry(address).or_default();
        if count.candidates > 0 {
            self.largest.remove(&(count.open, address));
        }
        change(count);
        if count.candidates > 0 {
            self.largest.insert((count.open, address));
        } else if count.open == 0 {
            self.by_address.remove(&address);
        }
    }

    fn add_candidate(&mut self, entry: &Arc<ConnectionEntry>) {
        self.next += 1;
        entry.number.store(self.next, Ordering::Relaxed);
        entry.was_busy.store(false, Ordering::Relaxed);
        entry.is_candidate.store(true, Ordering::SeqCst);
        self.candidates.insert((entry.address, self.next), Arc::clone(entry));
        self.change(entry.address, |count| count.candidates += 1);
    }

    fn remove_candidate(&mut self, entry: &ConnectionEntry) {
        entry.is_candidate.store(false, Ordering::SeqCst);
        self.candidates.remove(&(entry.address, entry.number.load(Ordering::Relaxed)));
        self.change(entry.address, |count| count.candidates -= 1);
    }

    /// Removes the longest idle candidate of this address. Busy ones cease to be candidates, and those that were busy
    /// since they became one start again: each request costs one step.
    fn longest_idle(&mut self, address: ClientAddress) -> Option<Arc<ConnectionEntry>> {
        loop {
            let mut candidates = self.candidates.range((address, 0)..=(address, u64::MAX));
            let entry = Arc::clone(candidates.next()?.1);
            self.remove_candidate(&entry);
            match (entry.is_busy.load(Ordering::SeqCst), entry.was_busy.load(Ordering::Relaxed)) {
                (true, _) => {}
                (false, true) => self.add_candidate(&entry),
                (false, false) => return Some(entry),
            }
        }
    }
}

impl ConnectionPermit {
    /// Marks a request as in progress.
    pub(super) fn begin(&self) {
        self.entry.is_busy.store(true, Ordering::SeqCst);
        self.entry.was_busy.store(true, Ordering::Relaxed);
    }

    /// Marks the request as finished.
    pub(super) fn end(&self) {
        self.entry.is_busy.store(false, Ordering::SeqCst);
        if !self.entry.is_candidate.load(Ordering::SeqCst) {
            self.become_idle();
        }
    }

    /// Wakes this task when the connection has to close.
    pub(super) fn register(&self, waker: &Waker) {
        self.entry.waker.register(waker);
    }

    /// Whether the connection has to close; a request that arrived meanwhile keeps it open.
    pub(super) fn should_close(&self) -> bool {
        if !self.entry.has_to_go.load(Ordering::Relaxed) {
            return false;
        }
        if !self.entry.is_busy.load(Ordering::Relaxed) {
            return true;
        }
        let mut connections = self.connection_limit.lock();
        self.entry.has_to_go.store(false, Ordering::Relaxed);
        connections.open(self.entry.address);
        false
    }

    fn become_idle(&self) {
        let mut connections = self.connection_limit.lock();
        let is_counted = !self.entry.has_to_go.load(Ordering::Relaxed);
        if is_counted && !self.entry.is_candidate.load(Ordering::Relaxed) {
            connections.add_candidate(&self.entry);
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut connections = self.connection_limit.lock();
        if self.entry.is_candidate.load(Ordering::Relaxed) {
            connections.remove_candidate(&self.entry);
        }
        if !self.entry.has_to_go.load(Ordering::Relaxed) {
            connections.close(self.entry.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const NOBODY: [usize; 0] = [];

    /// Connections of a client at `192.0.2.n`.
    fn clients(connection_limit: &Arc<ConnectionLimit>, n: u8, many: usize) -> Vec<ConnectionPermit> {
        (0..many).map(|_| connection_limit.enter(ClientAddress::from(IpAddr::from([192, 0, 2, n])))).collect()
    }

    /// Indexes of those that have to close.
    fn gone(members: &[ConnectionPermit]) -> Vec<usize> {
        (0..members.len()).filter(|index| members[*index].should_close()).collect()
    }

    #[test]
    fn up_to_nine_tenths_one_address_may_have_all() {
        let connection_limit = ConnectionLimit::new(100, None);

        assert_eq!(gone(&clients(&connection_limit, 1, 90)), NOBODY);
    }

    #[test]
    fn above_nine_tenths_the_largest_gives_up_its_longest_idle_ones() {
        let connection_limit = ConnectionLimit::new(100, None);
        let ann = clients(&connection_limit, 1, 80);
        let bob = clients(&connection_limit, 2, 10);
        ann[0].begin();
        ann[1].begin();
        ann[1].end();

        let cid = clients(&connection_limit, 3, 3);

        assert_eq!(gone(&ann), [2, 3, 4]);
        assert_eq!([gone(&bob), gone(&cid)], [NOBODY, NOBODY]);
    }

    #[test]
    fn that_connections_are_scarce_is_logged_once_until_there_are_enough() {
        let connection_limit = ConnectionLimit::new(100, None);
        let mut ann = clients(&connection_limit, 1, 90);
        assert!(!connection_limit.lock().logged);
        let _bob = clients(&connection_limit, 2, 1);
        assert!(connection_limit.lock().logged);

        ann.truncate(60);
        assert!(connection_limit.lock().logged);
        ann.truncate(40);
        assert!(!connection_limit.lock().logged);
    }

    #[test]
    fn whoever_has_no_more_than_its_share_gives_none_up_before_all_are_taken() {
        let connection_limit = ConnectionLimit::new(100, Some(50));
        let ann = clients(&connection_limit, 1, 50);
        let bob = clients(&connection_limit, 2, 48);
        assert_eq!([gone(&ann), gone(&bob)], [NOBODY, NOBODY]);

        clients(&connection_limit, 3, 1);
        assert_eq!(gone(&ann), [0], "two are left for those on their way");

        connection_limit.set_share(Some(48));
        let _cid = clients(&connection_limit, 3, 1);
        assert_eq!(gone(&ann), [0, 1]);
    }

    #[test]
    fn requests_under_way_are_never_ended_and_idle_ones_are_found_again() {
        let connection_limit = ConnectionLimit::new(100, None);
        let ann = clients(&connection_limit, 1, 98);
        let _few = gone(&ann);
        ann.iter().for_each(ConnectionPermit::begin);
        let bob = clients(&connection_limit, 2, 1);
        assert_eq!(gone(&ann), NOBODY, "a request that came in time saves its connection");
        bob[0].begin();
        ann[50].end();
        ann[40].end();

        let cid = clients(&connection_limit, 3, 1);

        assert_eq!(gone(&ann), [50]);
        assert_eq!([gone(&bob), gone(&cid)], [NOBODY, NOBODY]);
    }

    #[test]
    fn nothing_is_remembered_of_those_that_left() {
        let connection_limit = ConnectionLimit::new(100, None);
        for n in 0..200 {
            let members = clients(&connection_limit, n, 100);
            members.iter().step_by(3).for_each(ConnectionPermit::begin);
            clients(&connection_limit, n, 3);
            members.iter().for_each(ConnectionPermit::end);
            drop(gone(&members));
        }

        let connections = connection_limit.lock();
        assert_eq!(connections.open, 0);
        assert!(connections.by_address.is_empty() && connections.largest.is_empty());
        assert!(connections.candidates.is_empty());
    }
}
