//! Which of several servers to ask: the one that works, and the others when it is away.

use std::{cell::RefCell, collections::VecDeque, slice};

use super::{ClientError, Server, address::Address};

/// One address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The server, as it was named.
    pub(super) server: Server,
    /// Where it is.
    pub(super) addr: Address,
}

/// All servers, and the one that answered last.
#[derive(Debug)]
pub(super) struct Failover {
    /// In the order they were named in.
    servers: Vec<Server>,
    /// Who is asked first.
    good: RefCell<Option<Endpoint>>,
}

impl Failover {
    pub(super) fn new(servers: Vec<Server>) -> Self {
        Self { servers, good: RefCell::default() }
    }

    /// Whoever answered is asked first the next time.
    pub(super) fn prefer(&self, endpoint: &Endpoint) {
        if self.good.borrow().as_ref() != Some(endpoint) {
            *self.good.borrow_mut() = Some(endpoint.clone());
        }
    }

    /// Who is asked first.
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

/// One walk along all servers. A name is looked up only when its turn has come.
#[derive(Debug)]
pub(super) struct FailoverRound<'a> {
    /// Addresses that are known and not tried.
    found: VecDeque<Endpoint>,
    /// Servers whose addresses are not known yet.
    servers: slice::Iter<'a, Server>,
    /// What was tried in this round.
    tried: Vec<Address>,
}

impl FailoverRound<'_> {
    /// The next one to ask, or why one of them cannot be. Nothing at the end of the round.
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
