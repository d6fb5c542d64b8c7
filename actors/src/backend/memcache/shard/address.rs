//! Addresses of a memcached.
//!
//! Its name is resolved again for every connection, by a thread of its own: the system's resolver blocks, cannot be
//! cancelled, and takes 10 s and more when the name service does not answer. Until it does, the previous addresses
//! count.

use std::{
    fmt,
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use distributex_config::MemcacheServer;
use tokio::time::Instant;

/// Resolves a name; may block.
type LookupFn = dyn Fn(&MemcacheServer) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The addresses of a memcached; a clone shares them.
#[derive(Clone)]
pub(crate) struct Addresses(Arc<SharedLookup>);

struct SharedLookup {
    server: MemcacheServer,
    look_up: Box<LookupFn>,
    state: Mutex<LookupState>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct LookupState {
    /// Result of the last successful look-up.
    known: Vec<SocketAddr>,
    /// Start of the look-up in progress.
    started: Option<Instant>,
    /// Error of the last look-up; `None` if it succeeded.
    failure: Option<io::Error>,
}

impl Addresses {
    /// Addresses of this server, resolved by the system.
    pub(crate) fn of(server: MemcacheServer) -> Self {
        Self::looked_up(server, |server| Ok((server.host.as_str(), server.port).to_socket_addrs()?.collect()))
    }

    fn looked_up(
        server: MemcacheServer,
        look_up: impl Fn(&MemcacheServer) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        let (look_up, state, answered) = (Box::new(look_up), Mutex::default(), Condvar::new());
        Self(Arc::new(SharedLookup { server, look_up, state, answered }))
    }

    /// The resolved addresses, or the previous ones if the look-up fails or takes longer than `timeout`.
    ///
    /// # Errors
    /// When no look-up has succeeded so far.
    pub(crate) fn get(&self, timeout: Duration) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = self.0.server.host.parse::<IpAddr>() {
            return Ok(vec![(address, self.0.server.port).into()]);
        }
        let mut state = self.0.state();
        let started = match state.started {
            Some(started) => started,
            None => self.start_lookup(&mut state)?,
        };
        let left = (started + timeout).saturating_duration_since(Instant::now());
        let is_open = |state: &mut LookupState| state.started == Some(started);
        let waited = self.0.answered.wait_timeout_while(state, left, is_open);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if state.known.is_empty() {
            let silence = || io::Error::other("the name service does not answer");
            return Err(state.failure.take().unwrap_or_else(silence));
        }
        Ok(state.known.clone())
    }

    /// Starts a look-up, and returns when that was.
    fn start_lookup(&self, state: &mut LookupState) -> io::Result<Instant> {
        let shared = Arc::clone(&self.0);
        thread::Builder::new().name("lookup".to_owned()).spawn(move || {
            let found = (shared.look_up)(&shared.server);
            shared.state().answer(found);
            shared.answered.notify_all();
        })?;
        Ok(*state.started.insert(Instant::now()))
    }
}

impl SharedLookup {
    fn state(&self) -> MutexGuard<'_, LookupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LookupState {
    fn answer(&mut self, found: io::Result<Vec<SocketAddr>>) {
        self.started = None;
        match found {
            Ok(addresses) if addresses.is_empty() => {
                self.failure = Some(io::Error::new(ErrorKind::NotFound, "the name has no address"));
            }
            Ok(addresses) => (self.known, self.failure) = (addresses, None),
            Err(error) => self.failure = Some(error),
        }
    }
}

impl fmt::Debug for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Addresses").field(&self.0.state()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::backend::memcache::tests::testing::TIMEOUT;

    /// A timeout that no test waits for.
    const SHORT: Duration = Duration::from_millis(1);

    /// Addresses of a name, and the name service's results.
    fn named() -> (Addresses, Sender<io::Result<Vec<SocketAddr>>>) {
        let (sender, receiver) = channel();
        let receiver = Mutex::new(receiver);
        let server = MemcacheServer { host: "cache.acme.com".to_owned(), port: 11_211 };
        let look_up = move |_: &MemcacheServer| {
            let receiver = receiver.lock().unwrap();
            receiver.recv().unwrap_or_else(|_| Err(io::Error::other("the test is over")))
        };
        (Addresses::looked_up(server, look_up), sender)
    }

    fn address(port: u16) -> Vec<SocketAddr> {
        vec![([10, 9, 9, 9], port).into()]
    }

    #[test]
    fn a_hanging_name_service_does_not_delay() {
        let (addresses, name_service) = named();

        let error = addresses.get(SHORT).unwrap_err();
        assert_eq!(error.to_string(), "the name service does not answer");

        name_service.send(Ok(address(1))).unwrap(); // the first look-up ends at last
        while addresses.get(SHORT).is_err() {}
        assert_eq!(addresses.get(SHORT).unwrap(), address(1));
        name_service.send(Ok(address(2))).unwrap();
        while addresses.get(SHORT).unwrap() != address(2) {}
        assert_eq!(addresses.get(SHORT).unwrap(), address(2), "what it said last counts");
    }

    #[test]
    fn a_failed_lookup_keeps_the_addresses() {
        let (addresses, name_service) = named();
        name_service.send(Err(io::Error::other("no such name"))).unwrap();
        assert_eq!(addresses.get(TIMEOUT).unwrap_err().to_string(), "no such name");
        for answer in [Ok(address(1)), Err(io::Error::other("no such name")), Ok(vec![]), Ok(address(2))] {
            name_service.send(answer).unwrap();
        }

        let got = [(); 4].map(|()| addresses.get(TIMEOUT).unwrap());

        assert_eq!(got, [1, 1, 1, 2].map(address));
    }

    #[test]
    fn an_ip_address_is_not_looked_up() {
        let server = MemcacheServer { host: "::1".to_owned(), port: 11_211 };
        let addresses = Addresses::looked_up(server, |_| unreachable!("it is no name"));

        assert_eq!(addresses.get(SHORT).unwrap(), ["[::1]:11211".parse().unwrap()]);
    }
}
