//! Order of servers: the one that responded last, then the others.

use std::{
    collections::VecDeque,
    slice,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::address::Address;
use crate::{ClientError, Server};

/// An address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The server, as given.
    pub(crate) server: Server,
    /// The address.
    pub(crate) addr: Address,
}

/// All servers, and the one that responded last.
#[derive(Debug)]
pub(crate) struct Failover {
    /// In the given order.
    servers: Vec<Server>,
    /// Address to try first: the one that responded last.
    preferred: Mutex<Option<Endpoint>>,
}

impl Failover {
    pub(crate) fn new(servers: Vec<Server>) -> Self {
        Self { servers, preferred: Mutex::default() }
    }

    /// Records the server that responded.
    pub(crate) fn prefer(&self, endpoint: &Endpoint) {
        let mut preferred = self.preferred();
        if preferred.as_ref() != Some(endpoint) {
            *preferred = Some(endpoint.clone());
        }
    }

    /// The server to try first.
    pub(crate) fn first(&self) -> Option<Server> {
        let preferred = self.preferred().as_ref().map(|endpoint| endpoint.server.clone());
        preferred.or_else(|| self.servers.first().cloned())
    }

    /// Every address of every server, once.
    pub(crate) fn round(&self) -> FailoverRound<'_> {
        let first = self.preferred().clone();
        FailoverRound { found: first.into_iter().collect(), servers: self.servers.iter(), tried: Vec::new() }
    }

    fn preferred(&self) -> MutexGuard<'_, Option<Endpoint>> {
        self.preferred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One round through all servers. A name is resolved only at its turn.
#[derive(Debug)]
pub(crate) struct FailoverRound<'a> {
    /// Addresses not tried yet.
    found: VecDeque<Endpoint>,
    /// Servers not resolved yet.
    servers: slice::Iter<'a, Server>,
    /// Addresses tried in this round.
    tried: Vec<Address>,
}

impl FailoverRound<'_> {
    /// The next address, or the error of resolving one. `None` at the end of the round.
    pub(crate) async fn next(&mut self) -> Option<Result<Endpoint, ClientError>> {
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

    async fn addresses(failover: &Failover) -> Vec<Address> {
        let (mut round, mut addresses) = (failover.round(), Vec::new());
        while let Some(endpoint) = round.next().await {
            addresses.push(endpoint.unwrap().addr);
        }
        addresses
    }

    #[tokio::test]
    async fn the_one_that_works_is_asked_first_and_every_one_once() {
        let servers = Server::parse_list("127.0.0.1:1,127.0.0.1:2,127.0.0.1:1,127.0.0.1:3", 9889).unwrap();
        let failover = Failover::new(servers.clone());
        assert_eq!(addresses(&failover).await, [1, 2, 3].map(at));

        failover.prefer(&Endpoint { server: servers[3].clone(), addr: at(3) });

        assert_eq!(addresses(&failover).await, [3, 1, 2].map(at));
    }
}
