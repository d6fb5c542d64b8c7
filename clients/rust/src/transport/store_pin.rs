//! The store of a client. Stores do not share their slots.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{address::Address, failover::Endpoint};
use crate::ClientError;

/// The first store seen, and where; or the one known before.
#[derive(Debug, Default)]
pub(crate) struct StorePin(Mutex<Option<PinnedStore>>);

/// Id of a store, and the address where it was met first, if any.
type PinnedStore = (String, Option<Address>);

impl StorePin {
    /// Whether any store was seen.
    pub(crate) fn is_set(&self) -> bool {
        self.pinned().is_some()
    }

    /// Accepts this store, at any address.
    pub(crate) fn set(&self, store: &str) {
        *self.pinned() = Some((store.to_owned(), None));
    }

    /// Accepts this store, or refuses it.
    ///
    /// Another store at the address of the first one is the same server, restarted without its memory: no other server
    /// knows better, so it is the store from now on.
    pub(crate) fn check(&self, endpoint: &Endpoint, store: &str) -> Result<(), ClientError> {
        let mut pinned = self.pinned();
        match pinned.as_ref() {
            Some((first, _)) if first == store => Ok(()),
            Some((first, addr)) if addr.as_ref() != Some(&endpoint.addr) => Err(ClientError::OtherStore {
                server: endpoint.server.clone(),
                store: store.to_owned(),
                first: first.clone(),
            }),
            Some(_) | None => {
                *pinned = Some((store.to_owned(), Some(endpoint.addr.clone())));
                Ok(())
            }
        }
    }

    fn pinned(&self) -> MutexGuard<'_, Option<PinnedStore>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Server;

    fn at(port: u16) -> Endpoint {
        let server = Server::parse("127.0.0.1", port).unwrap();
        Endpoint { server, addr: std::net::SocketAddr::from(([127, 0, 0, 1], port)).into() }
    }

    #[test]
    fn another_store_is_refused_except_where_the_first_was_met() {
        let pin = StorePin::default();
        pin.check(&at(1), "a").unwrap();
        pin.check(&at(2), "a").unwrap();

        assert!(matches!(pin.check(&at(2), "b"), Err(ClientError::OtherStore { .. })));
        assert!(pin.check(&at(1), "b").is_ok(), "restarted without its memory");
        assert!(matches!(pin.check(&at(2), "a"), Err(ClientError::OtherStore { .. })));
    }

    #[test]
    fn a_store_that_was_known_before_is_the_only_one() {
        let pin = StorePin::default();
        pin.set("a");

        assert!(matches!(pin.check(&at(1), "b"), Err(ClientError::OtherStore { .. })));
        pin.check(&at(1), "a").unwrap();
        assert!(matches!(pin.check(&at(1), "b"), Err(ClientError::OtherStore { .. })));
    }
}
