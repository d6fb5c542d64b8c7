//! Fixtures of the tests.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use distributex_actors::{
    AcquireRequest, AdminAction, AdminOutcome, Delivery, Event, Grant, LeaseId, Operator, PoolHandle,
    Refusal, ReleaseTarget, RequestId, Requester, Token, pool::rules::Rules,
};
use distributex_config::{Admin, Backend, Config, Limits, Name, Pool, TelemetrySettings};
use tokio::time::Instant;

/// A second.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A minute.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A pool with one slot, whose leases live for a minute, open to any host.
pub(crate) fn settings() -> Pool {
    Pool { name: name("pool1"), expire: Some(MINUTE), slots: 1, servers: None, max_waiters: 1_000 }
}

/// A configuration of this backend and these pools.
pub(crate) fn config(backend: Backend, pools: &[&str]) -> Config {
    Config {
        backend,
        state_dir: None,
        limits: Limits::default(),
        listen: Vec::new(),
        admin: Admin::default(),
        telemetry: TelemetrySettings::default(),
        pools: pools.iter().map(|pool| Pool { name: name(pool), ..settings() }).collect(),
    }
}

/// A temporary directory, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("actors-{}-{number}", std::process::id());
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A valid name.
pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A try of this owner on this host.
pub(crate) fn try_of_owner(host: &str, owner: &str) -> AcquireRequest {
    let requester = Requester::Owner { host: name(host), owner: name(owner) };
    AcquireRequest { lease: Some(LeaseId::random()), want_snapshot: true, ..AcquireRequest::new(requester) }
}

/// Request of a host without an owner.
pub(crate) fn host_request(host: Name, waits: bool) -> AcquireRequest {
    let wait = if waits { None } else { Some(Duration::ZERO) };
    AcquireRequest { wait, ..AcquireRequest::new(Requester::Host(host)) }
}

/// Requests of hosts without an owner.
pub(crate) trait HostRequests {
    /// Acquires a slot without waiting.
    async fn get(&self, host: Name) -> Result<Grant, Refusal>;
    /// Acquires a slot, waiting in the queue.
    async fn wait(&self, host: Name) -> Result<Grant, Refusal>;
    /// Releases the host's slot, if it holds one.
    async fn release_host(&self, host: Name) -> Result<(), Refusal>;
}

impl HostRequests for PoolHandle {
    async fn get(&self, host: Name) -> Result<Grant, Refusal> {
        self.acquire(host_request(host, false)).await.map_err(|denial| denial.why)
    }

    async fn wait(&self, host: Name) -> Result<Grant, Refusal> {
        self.acquire(host_request(host, true)).await.map_err(|denial| denial.why)
    }

    async fn release_host(&self, host: Name) -> Result<(), Refusal> {
        self.release(ReleaseTarget::Requester(Requester::Host(host)), None).await.map(drop)
    }
}

/// The same, parked for a minute at most.
pub(crate) fn wait_of_owner(host: &str, owner: &str) -> AcquireRequest {
    AcquireRequest { wait: Some(MINUTE), ..try_of_owner(host, owner) }
}

/// What a host holds in the classic protocol.
pub(crate) fn held_by(host: &str) -> ReleaseTarget {
    ReleaseTarget::Requester(Requester::Host(name(host)))
}

/// Rules and the time, and the outcome of the latest step.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) rules: Rules,
    pub(crate) now: Instant,
}

impl Stage {
    /// A pool without leases. Its first token is 101.
    pub(crate) fn new(settings: Pool) -> Self {
        Self { rules: Rules::new(settings, Limits::default(), Token(100)), now: Instant::now() }
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<Event> {
        self.now += time;
        self.act(|rules, now, out| rules.expire(now, out))
    }

    /// This host tries to get a slot.
    pub(crate) fn get(&mut self, host: &str) -> Vec<Event> {
        self.enter(host, false).1
    }

    /// This host waits for a slot.
    pub(crate) fn wait(&mut self, host: &str) -> (RequestId, Vec<Event>) {
        self.enter(host, true)
    }

    /// This host releases what it holds in the classic protocol.
    pub(crate) fn release(&mut self, host: &str) -> Vec<Event> {
        self.end(&held_by(host)).1
    }

    /// Releases something; whether there was anything, and the events.
    pub(crate) fn end(&mut self, held: &ReleaseTarget) -> (bool, Vec<Event>) {
        let released = RequestId::next();
        let mut events = self.act(|rules, now, out| rules.release(released, held, now, out));
        let Some(Event::Released { request, had }) = events.pop() else { panic!("not answered") };
        assert_eq!(request, released);
        (had, events)
    }

    /// Acquires a slot.
    pub(crate) fn acquire(&mut self, request: AcquireRequest) -> (RequestId, Vec<Event>) {
        let id = request.id;
        (id, self.act(|rules, now, out| rules.acquire(request, now, out)))
    }

    /// Ends a request before its response.
    pub(crate) fn cancel(&mut self, request: RequestId) -> Vec<Event> {
        self.act(|rules, now, out| rules.cancel(request, now, out))
    }

    /// Carries out an admin action.
    pub(crate) fn administer(&mut self, action: AdminAction) -> (Option<AdminOutcome>, Vec<Event>) {
        let administered = RequestId::next();
        let mut events =
            self.act(|rules, now, out| rules.administer(administered, action, &operator(), now, out));
        let answer = events.iter().position(|event| matches!(event, Event::ActionApplied { .. }));
        let answer = answer.map(|at| events.remove(at));
        let Some(Event::ActionApplied { request, what }) = answer else { panic!("not answered") };
        assert_eq!(request, administered);
        (what, events)
    }

    /// A response that carried this lease was not sent.
    pub(crate) fn undelivered(&mut self, token: u64) -> Vec<Event> {
        self.act(|rules, now, out| rules.undelivered(Token(token), now, out))
    }

    /// Any other step.
    pub(crate) fn act(&mut self, act: impl FnOnce(&mut Rules, Instant, &mut Vec<Event>)) -> Vec<Event> {
        let mut events = Vec::new();
        act(&mut self.rules, self.now, &mut events);
        events
    }

    fn enter(&mut self, host: &str, wait: bool) -> (RequestId, Vec<Event>) {
        self.acquire(host_request(name(host), wait))
    }
}

/// An operator with a reason.
pub(crate) fn operator() -> Operator {
    Operator { author: "olga".into(), reason: "kernel update".into(), at: SystemTime::UNIX_EPOCH }
}

/// Hosts and tokens of the granted leases.
pub(crate) fn grants(events: &[Event]) -> Vec<(&str, u64)> {
    granted(events).map(|granted| (granted.lease.host.as_str(), granted.lease.token.0)).collect()
}

/// Requests that were answered with a lease.
pub(crate) fn granted_requests(events: &[Event]) -> Vec<RequestId> {
    granted(events).map(|granted| granted.request).collect()
}

/// The reason of the last refusal.
pub(crate) fn refusal(events: &[Event]) -> Option<Refusal> {
    events.iter().find_map(|event| if let Event::Refused { why, .. } = event { Some(*why) } else { None })
}

/// Refused requests, with the reason and the position.
pub(crate) fn refusals(events: &[Event]) -> Vec<(RequestId, Refusal, Option<usize>)> {
    let refused = |event: &Event| {
        if let Event::Refused { request, why, position } = event {
            Some((*request, *why, *position))
        } else {
            None
        }
    };
    events.iter().filter_map(refused).collect()
}

/// Id of the lease that was granted.
pub(crate) fn lease_id(events: &[Event]) -> LeaseId {
    granted(events).find_map(|granted| granted.lease.id).expect("no lease with a name was granted")
}

pub(crate) fn granted(events: &[Event]) -> impl Iterator<Item = &Delivery> {
    events.iter().filter_map(|event| if let Event::Answered(granted) = event { Some(granted) } else { None })
}
