//! Fixtures for tests of jobs: a real memcached, a proxy that loses replies, and servers with one pool each.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    process::Command,
    sync::Arc,
    thread,
    time::Duration,
};

use distributex_config::{MemcacheServer, Name};
use tokio::time::Instant;

use crate::{
    backend::memcache::{
        entry::{ServerRunId, keys::KeyNames, pause::PauseChange},
        fate::UnsettledWrites,
        job::{
            Claim, ClaimResult, EndLease, Job, LeaseSelector, RenewLease, order::QueueOrder, run,
            view::PoolView,
        },
        shard::{
            connection_pool::{ConnectionPool, MemcacheError},
            protocol::{self, MemcacheConnection, MemcacheReply},
        },
    },
    pool::{LeaseId, Operator, RequestId, Requester},
    telemetry::backend_calls::BackendCalls,
};

/// Limit of what should happen at once.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

#[path = "../../../../tests/memcached.rs"]
mod memcached;
pub(crate) use super::proxy::LossyProxy;
pub(crate) use memcached::{Memcached, server};

impl Memcached {
    /// A connection to it.
    pub(crate) fn stream(&self) -> TcpStream {
        TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).unwrap()
    }

    /// Stops the process, as a machine that hangs does; returns when it has stopped.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
        let deadline = Instant::now() + TIMEOUT;
        while !self.threads().iter().all(|state| state == "T") {
            assert!(Instant::now() < deadline, "memcached does not stop");
            thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// Lets the process continue.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// States of its threads.
    fn threads(&self) -> Vec<String> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let stats = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")).unwrap());
        stats.map(|stat| stat.rsplit_once(") ").unwrap().1[..1].to_owned()).collect()
    }

    /// Fills it with entries of all lengths that entries of a pool have, until it takes no more.
    pub(crate) fn fill(&self) {
        let mut connection = MemcacheConnection::new(self.stream(), TIMEOUT);
        for length in (1..1500).step_by(16) {
            let fill = |number| {
                protocol::MemcacheCommand::set(&format!("fill-{length}-{number}"), "x".repeat(length), None)
            };
            let is_full = |batch| {
                let batch: Vec<_> = (batch * 100..(batch + 1) * 100).map(fill).collect();
                connection.exchange(&batch).unwrap().iter().any(|answer| *answer != MemcacheReply::Done)
            };
            (0..).map(is_full).find(|is_full| *is_full);
        }
    }
}

/// One server's use of one pool, without an actor.
#[derive(Debug)]
pub(crate) struct TestServer {
    pub(crate) connections: ConnectionPool,
    keys: Arc<KeyNames>,
    pub(crate) server: ServerRunId,
    pub(crate) slots: usize,
    pub(crate) view: PoolView,
    pub(crate) highest_token: u64,
    pub(crate) unsettled: UnsettledWrites,
}

impl TestServer {
    /// A server with a pool of `slots` slots.
    pub(crate) fn new(memcached: &Memcached, server: u64, slots: usize) -> Self {
        Self::at(memcached.server(), server, slots)
    }

    pub(crate) fn at(memcached: MemcacheServer, server: u64, slots: usize) -> Self {
        Self::with_timeout(memcached, server, slots, Duration::from_secs(5))
    }

    pub(crate) fn with_timeout(
        memcached: MemcacheServer,
        server: u64,
        slots: usize,
        timeout: Duration,
    ) -> Self {
        let connections = ConnectionPool::new(memcached, 2, timeout, BackendCalls::new("test"));
        let keys = Arc::new(KeyNames::new("test", &name("pool1")));
        Self {
            connections,
            keys,
            server: ServerRunId(server),
            slots,
            view: PoolView::default(),
            highest_token: 0,
            unsettled: UnsettledWrites::default(),
        }
    }

    /// A job of this server.
    pub(crate) fn job(&self, ends: Vec<EndLease>, renewals: Vec<RenewLease>, claims: Vec<Claim>) -> Job {
        let (keys, view) = (Arc::clone(&self.keys), self.view.clone());
        let (server, slots, highest_token) = (self.server, self.slots, self.highest_token);
        let revokes = Vec::new();
        Job {
            keys,
            server,
            slots,
            view,
            highest_token,
            pausing: None,
            ends,
            revokes,
            renewals,
            claims,
            order: QueueOrder::default(),
            unsettled: self.unsettled.clone(),
            refused: None,
        }
    }

    /// Carries out a job, and adopts its view.
    pub(crate) fn run(
        &mut self,
        ends: Vec<EndLease>,
        renewals: Vec<RenewLease>,
        claims: Vec<Claim>,
    ) -> (Job, Result<(), MemcacheError>) {
        let mut job = self.job(ends, renewals, claims);
        let result = run::run(&self.connections, &mut job);
        (self.view, self.highest_token) = (job.view.clone(), job.highest_token);
        self.unsettled = job.unsettled.clone();
        (job, result)
    }

    /// Pauses the pool, or resumes it.
    pub(crate) fn pause(&mut self, to: Option<Operator>) {
        let pausing = Some(PauseChange { to, is_done: false, has_changed: false });
        let mut job = Job { pausing, ..self.job(vec![], vec![], vec![]) };
        run::run(&self.connections, &mut job).unwrap();
        (self.view, self.highest_token) = (job.view.clone(), job.highest_token);
        self.unsettled = job.unsettled.clone();
        assert!(job.pausing.unwrap().is_done);
    }

    /// Outcomes of these claims, without errors.
    pub(crate) fn claim(&mut self, claims: Vec<Claim>) -> Vec<ClaimResult> {
        let (job, result) = self.run(vec![], vec![], claims);
        result.unwrap();
        job.claims.iter().map(|claim| claim.found.unwrap()).collect()
    }

    /// Ends a lease; whether there was one.
    pub(crate) fn end(&mut self, what: LeaseSelector) -> bool {
        let (job, result) = self.run(vec![end(what)], vec![], vec![]);
        result.unwrap();
        job.ends[0].had.unwrap()
    }

    /// Renews a lease; whether it lives on.
    pub(crate) fn renew(&mut self, id: LeaseId) -> bool {
        let (job, result) = self.run(vec![], vec![renewal(id)], vec![]);
        result.unwrap();
        job.renewals[0].lives.unwrap()
    }

    /// Reads the pool.
    pub(crate) fn read_pool(&mut self) -> &PoolView {
        self.claim(vec![]);
        &self.view
    }

    /// Token of a lease, as last read.
    pub(crate) fn token(&self, id: LeaseId) -> u64 {
        self.view.lease(id).unwrap().1.token().0
    }
}

/// A claim of a host of the classic protocol.
pub(crate) fn host(text: &str) -> Claim {
    claim(Requester::Host(name(text)))
}

/// A claim of an owner on a host.
pub(crate) fn owner(host: &str, owner: &str) -> Claim {
    claim(Requester::Owner { host: name(host), owner: name(owner) })
}

/// An anonymous claim.
pub(crate) fn once(host: &str) -> Claim {
    claim(Requester::Anonymous { host: name(host), request: RequestId::next() })
}

fn claim(requester: Requester) -> Claim {
    Claim {
        id: LeaseId::random(),
        requester,
        ttl: Some(Duration::from_secs(300)),
        patience: Duration::from_secs(10),
        present: true,
        waited: Duration::ZERO,
        command: None,
        wants: true,
        found: None,
    }
}

pub(crate) fn end(what: LeaseSelector) -> EndLease {
    EndLease { what, if_ours: false, had: None }
}

pub(crate) fn renewal(id: LeaseId) -> RenewLease {
    RenewLease { id, ttl: None, max_ttl: None, lives: None }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}
