//! Order of servers: the one that responded last, then the others.

use std::{cell::RefCell, collections::VecDeque, slice};

use super::{ClientError, Server, address::Address};

/// An address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The server, as given.
    pub(super) server: Server,
    /// The address.
    pub(super) addr: Address,
}

/// All servers, and the one that responded last.
#[derive(Debug)]
pub(super) struct Failover {
    /// In the given order.
    servers: Vec<Server>,
    /// Index of the server to try first.
    good: RefCell<Option<Endpoint>>,
}

impl Failover {
    pub(super) fn new(servers: Vec<Server>) -> Self {
        Self { servers, good: RefCell::default() }
    }

    /// Records the server that responded.
    pub(super) fn prefer(&self, endpoint: &Endpoint) {
        if self.good.borrow().as_ref() != Some(endpoint) {
            *self.good.borrow_mut() = Some(endpoint.clone());
        }
    }

    /// The server to try first.
    pub(super) fn first(&self) -> Option<Server> {
        let good = self.good.borrow().as_ref().map(|endpoint| endpoint.server.clone());
        good.or_else(|| self.servers.first().cloned())
    }

    /// Every address of every server, once.
    pub(super) fn round(&self) -> FailoverRound<'_> {
        let first = self.good.borrow().clone();
        FailoverRound { found: first.into_iter().collect(), servers: self.servers.iter(), tried: Vec::new() }
    }
}

/// One round through all servers. A name is resolved only at its turn.
#[derive(Debug)]
pub(super) struct FailoverRound<'a> {
    /// Addresses not tried yet.
    found: VecDeque<Endpoint>,
    /// Servers not resolved yet.
    servers: slice::Iter<'a, Server>,
    /// Addresses tried in this round.
    tried: Vec<Address>,
}

impl FailoverRound<'_> {
    /// The next address, or the error of resolving one. `None` at the end of the round.
    pub(super) async fn next(&mut self) -> Option<Result<Endpoint, ClientError>> {
        loop {
            if let Some(endpoint) = self.found.pop_front() {
                if !self.tried.contains(&endpoint.addr) {
                    self.tried.push(endpoint.addr.clone());
                    return Some(Ok(endpoint));
                }
                continue;
            }
            let server = self.servers.next()?;
            match server.addresses().await {
                Ok(found) if found.is_empty() => {
                    let why = "the name has no address".to_owned();
                    return Some(Err(ClientError::Unreachable { server: server.clone(), why }));
                }
                Ok(found) => {
                    let endpoint = |addr| Endpoint { server: server.clone(), addr };
                    self.found.extend(found.into_iter().map(endpoint));
                }
                Err(why) => return Some(Err(ClientError::Unreachable { server: server.clone(), why })),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> Address {
        std::net::SocketAddr::from(([127, 0, 0, 1], port)).into()
    }

    async fn addresses(route: &Failover) -> Vec<Address> {
        let (mut round, mut addresses) = (route.round(), Vec::new());
        while let Some(endpoint) = round.next().await {
            addresses.push(endpoint.unwrap().addr);
        }
        addresses
    }

    #[actix::test]
    async fn the_one_that_works_is_asked_first_and_every_one_once() {
        let servers = Server::parse_list("127.0.0.1:1,127.0.0.1:2,127.0.0.1:1,127.0.0.1:3", 9889).unwrap();
        let route = Failover::new(servers.clone());
        assert_eq!(addresses(&route).await, [1, 2, 3].map(at));

        route.prefer(&Endpoint { server: servers[3].clone(), addr: at(3) });

        assert_eq!(addresses(&route).await, [3, 1, 2].map(at));
    }
}
