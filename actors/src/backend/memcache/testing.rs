//! What tests of jobs need: a real memcached, a proxy that loses answers, and servers with one pool each.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use distributex_config::{MemcacheServer, Name};
use tokio::time::Instant;

use super::{
    connection_pool::{ConnectionPool, MemcacheError},
    entry::ServerRunId,
    fate::UnsettledWrites,
    job::{Claim, ClaimResult, EndLease, Job, LeaseSelector, RenewLease},
    job_run,
    keys::KeyNames,
    order::QueueOrder,
    pause::PauseChange,
    protocol::{self, MemcacheConnection, MemcacheReply},
    view::PoolView,
};
use crate::{
    pool::{LeaseId, Operator, RequestId, Requester},
    telemetry::backend_calls::BackendCalls,
};

/// For what should happen at once.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);

#[path = "../../../tests/memcached.rs"]
mod memcached;
pub(super) use memcached::{Memcached, server};

impl Memcached {
    /// A connection to it.
    pub(super) fn stream(&self) -> TcpStream {
        TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).unwrap()
    }

    /// Stops it, as a machine that hangs does; returns when it stands still.
    pub(super) fn freeze(&self) {
        self.signal("-STOP");
        let deadline = Instant::now() + TIMEOUT;
        while !self.threads().iter().all(|state| state == "T") {
            assert!(Instant::now() < deadline, "memcached does not stop");
            thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// Lets it go on.
    pub(super) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// The states of its threads.
    fn threads(&self) -> Vec<String> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let stats = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")).unwrap());
        stats.map(|stat| stat.rsplit_once(") ").unwrap().1[..1].to_owned()).collect()
    }

    /// Fills it with entries of all lengths that entries of a pool have, until it takes no more.
    pub(super) fn fill(&self) {
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

/// Stands before a memcached and can lose its answers.
pub(super) struct LossyProxy {
    port: u16,
    target: Arc<AtomicU16>,
    losses: Arc<AtomicU32>,
}

impl LossyProxy {
    /// One that leads to this port of this machine.
    pub(super) fn start(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (target, losses) = (Arc::new(AtomicU16::new(target)), Arc::new(AtomicU32::new(0)));
        let proxy = Self { port, target: Arc::clone(&target), losses: Arc::clone(&losses) };
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let target = (Ipv4Addr::LOCALHOST, target.load(Ordering::SeqCst));
                if let Ok(server) = TcpStream::connect(target) {
                    pass_on(&client, &server, Arc::default()); // questions are never lost
                    pass_on(&server, &client, Arc::clone(&losses));
                }
            }
        });
        proxy
    }

    pub(super) fn server(&self) -> MemcacheServer {
        server(self.port)
    }

    /// From now on new connections lead to this port.
    pub(super) fn lead_to(&self, port: u16) {
        self.target.store(port, Ordering::SeqCst);
    }

    /// Ends the connection instead of passing an answer on, so many times.
    pub(super) fn lose(&self, answers: u32) {
        self.losses.store(answers, Ordering::SeqCst);
    }
}

/// Passes on what comes from one to the other, in a thread of its own, until it is to be lost.
fn pass_on(from: &TcpStream, to: &TcpStream, losses: Arc<AtomicU32>) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = [0; 65_536];
        while let Ok(1..) = from.read(&mut buffer).map(|length| {
            let lost = length > 0 && losses.try_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
            if lost || to.write_all(&buffer[..length]).is_err() { 0 } else { length }
        }) {}
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

fn less(losses: u32) -> Option<u32> {
    losses.checked_sub(1)
}

/// What one server does with one pool, without any actor.
#[derive(Debug)]
pub(super) struct TestServer {
    pub(super) links: ConnectionPool,
    keys: Arc<KeyNames>,
    pub(super) server: ServerRunId,
    pub(super) slots: usize,
    pub(super) view: PoolView,
    pub(super) highest: u64,
    pub(super) unsettled: UnsettledWrites,
}

impl TestServer {
    /// A server with a pool of so many slots.
    pub(super) fn new(memcached: &Memcached, server: u64, slots: usize) -> Self {
        Self::at(memcached.server(), server, slots)
    }

    pub(super) fn at(memcached: MemcacheServer, server: u64, slots: usize) -> Self {
        Self::with_timeout(memcached, server, slots, Duration::from_secs(5))
    }

    pub(super) fn with_timeout(
        memcached: MemcacheServer,
        server: u64,
        slots: usize,
        timeout: Duration,
    ) -> Self {
        let links = ConnectionPool::new(memcached, 2, timeout, BackendCalls::new("test"));
        let keys = Arc::new(KeyNames::new("test", &name("pool1")));
        Self {
            links,
            keys,
            server: ServerRunId(server),
            slots,
            view: PoolView::default(),
            highest: 0,
            unsettled: UnsettledWrites::default(),
        }
    }

    /// A job of this server.
    pub(super) fn job(&self, ends: Vec<EndLease>, renewals: Vec<RenewLease>, claims: Vec<Claim>) -> Job {
        let (keys, view) = (Arc::clone(&self.keys), self.view.clone());
        let (server, slots, highest) = (self.server, self.slots, self.highest);
        let revokes = Vec::new();
        Job {
            keys,
            server,
            slots,
            view,
            highest,
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

    /// Does a job, and knows afterwards what it showed.
    pub(super) fn run(
        &mut self,
        ends: Vec<EndLease>,
        renewals: Vec<RenewLease>,
        claims: Vec<Claim>,
    ) -> (Job, Result<(), MemcacheError>) {
        let mut job = self.job(ends, renewals, claims);
        let result = job_run::run(&self.links, &mut job);
        (self.view, self.highest) = (job.view.clone(), job.highest);
        self.unsettled = job.unsettled.clone();
        (job, result)
    }

    /// Pauses the pool, or lets it go on.
    pub(super) fn pause(&mut self, to: Option<Operator>) {
        let pausing = Some(PauseChange { to, is_done: false, has_changed: false });
        let mut job = Job { pausing, ..self.job(vec![], vec![], vec![]) };
        job_run::run(&self.links, &mut job).unwrap();
        (self.view, self.highest) = (job.view.clone(), job.highest);
        self.unsettled = job.unsettled.clone();
        assert!(job.pausing.unwrap().is_done);
    }

    /// What comes of these claims, without trouble.
    pub(super) fn claim(&mut self, claims: Vec<Claim>) -> Vec<ClaimResult> {
        let (job, result) = self.run(vec![], vec![], claims);
        result.unwrap();
        job.claims.iter().map(|claim| claim.found.unwrap()).collect()
    }

    /// Whether there was something to end.
    pub(super) fn end(&mut self, what: LeaseSelector) -> bool {
        let (job, result) = self.run(vec![end(what)], vec![], vec![]);
        result.unwrap();
        job.ends[0].had.unwrap()
    }

    /// Whether the lease lives on.
    pub(super) fn renew(&mut self, id: LeaseId) -> bool {
        let (job, result) = self.run(vec![], vec![renewal(id)], vec![]);
        result.unwrap();
        job.renewals[0].lives.unwrap()
    }

    /// Looks.
    pub(super) fn look(&mut self) -> &PoolView {
        self.claim(vec![]);
        &self.view
    }

    /// The token of a lease that it has seen last.
    pub(super) fn token(&self, id: LeaseId) -> u64 {
        self.view.lease(id).unwrap().1.token().0
    }
}

/// A host asks in the classic protocol.
pub(super) fn host(text: &str) -> Claim {
    claim(Requester::Host(name(text)))
}

/// An owner on a host asks.
pub(super) fn owner(host: &str, owner: &str) -> Claim {
    claim(Requester::Owner { host: name(host), owner: name(owner) })
}

/// Somebody asks once.
pub(super) fn once(host: &str) -> Claim {
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

pub(super) fn end(what: LeaseSelector) -> EndLease {
    EndLease { what, if_ours: false, had: None }
}

pub(super) fn renewal(id: LeaseId) -> RenewLease {
    RenewLease { id, ttl: None, most: None, lives: None }
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}
