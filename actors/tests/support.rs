//! Short words for what the tests are about.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use distributex_actors::{
    AcquireRequest, AdminAction, AdminOutcome, Delivery, Event, LeaseId, Operator, Refusal, ReleaseTarget,
    RequestId, Requester, Token, pool::rules::Rules,
};
use distributex_config::{Limits, Name, Pool};
use tokio::time::Instant;

/// A second.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A minute.
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A pool with one slot, whose leases live for a minute, and which any host may use.
pub(crate) fn settings() -> Pool {
    Pool { name: name("pool1"), expire: Some(MINUTE), slots: 1, servers: None, max_waiters: 1_000 }
}

/// A folder of its own, removed with this value.
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

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A host's name.
pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// This host and this owner ask for a slot, and would not wait.
pub(crate) fn ask_of(host: &str, owner: &str) -> AcquireRequest {
    let requester = Requester::Owner { host: name(host), owner: name(owner) };
    AcquireRequest { requester, lease: Some(LeaseId::random()), ..AcquireRequest::classic(name(host), false) }
}

/// The same, parked for a minute at most.
pub(crate) fn wait_of(host: &str, owner: &str) -> AcquireRequest {
    AcquireRequest { wait: Some(MINUTE), ..ask_of(host, owner) }
}

/// Whatever a host has in the classic protocol.
pub(crate) fn held_by(host: &str) -> ReleaseTarget {
    ReleaseTarget::Requester(Requester::Host(name(host)))
}

/// Rules and the time, and what came of the latest step.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) rules: Rules,
    pub(crate) now: Instant,
}

impl Stage {
    /// A pool that nobody has used yet. Its first token is 101.
    pub(crate) fn new(settings: Pool) -> Self {
        Self { rules: Rules::new(settings, Limits::default(), Token(100)), now: Instant::now() }
    }

    /// Time goes by.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<Event> {
        self.now += time;
        self.act(|rules, now, out| rules.expire(now, out))
    }

    /// This host asks for a slot and would not wait.
    pub(crate) fn get(&mut self, host: &str) -> Vec<Event> {
        self.enter(host, false).1
    }

    /// This host asks for a slot and waits.
    pub(crate) fn wait(&mut self, host: &str) -> (RequestId, Vec<Event>) {
        self.enter(host, true)
    }

    /// This host gives back what it has in the classic protocol.
    pub(crate) fn release(&mut self, host: &str) -> Vec<Event> {
        self.end(&held_by(host)).1
    }

    /// Whether something was released, and what came of it.
    pub(crate) fn end(&mut self, held: &ReleaseTarget) -> (bool, Vec<Event>) {
        let released = RequestId::next();
        let mut events = self.act(|rules, now, out| rules.release(released, held, now, out));
        let Some(Event::Released { request, had }) = events.pop() else { panic!("not answered") };
        assert_eq!(request, released);
        (had, events)
    }

    /// Somebody asks for a slot.
    pub(crate) fn ask(&mut self, request: AcquireRequest) -> (RequestId, Vec<Event>) {
        let id = request.id;
        (id, self.act(|rules, now, out| rules.acquire(request, now, out)))
    }

    /// The request of an ask ends before its answer.
    pub(crate) fn cut(&mut self, request: RequestId) -> Vec<Event> {
        self.act(|rules, now, out| rules.cancel(request, now, out))
    }

    /// An operator does something.
    pub(crate) fn pull(&mut self, action: AdminAction) -> (Option<AdminOutcome>, Vec<Event>) {
        let pulled = RequestId::next();
        let mut events = self.act(|rules, now, out| rules.administer(pulled, action, &operator(), now, out));
        let answer = events.iter().position(|event| matches!(event, Event::ActionApplied { .. }));
        let answer = answer.map(|at| events.remove(at));
        let Some(Event::ActionApplied { request, what }) = answer else { panic!("not answered") };
        assert_eq!(request, pulled);
        (what, events)
    }

    /// An answer that told of this lease was not sent.
    pub(crate) fn unheard(&mut self, token: u64) -> Vec<Event> {
        self.act(|rules, now, out| rules.undelivered(Token(token), now, out))
    }

    /// Anything else.
    pub(crate) fn act(&mut self, act: impl FnOnce(&mut Rules, Instant, &mut Vec<Event>)) -> Vec<Event> {
        let mut events = Vec::new();
        act(&mut self.rules, self.now, &mut events);
        events
    }

    fn enter(&mut self, host: &str, wait: bool) -> (RequestId, Vec<Event>) {
        self.ask(AcquireRequest::classic(name(host), wait))
    }
}

/// An operator with a reason.
pub(crate) fn operator() -> Operator {
    Operator { author: "olga".into(), reason: "kernel update".into(), at: SystemTime::UNIX_EPOCH }
}

/// To whom which tokens were granted.
pub(crate) fn grants(events: &[Event]) -> Vec<(&str, u64)> {
    granted(events).map(|granted| (granted.lease.host.as_str(), granted.lease.token.0)).collect()
}

/// Which asks were granted something.
pub(crate) fn granted_asks(events: &[Event]) -> Vec<RequestId> {
    granted(events).map(|granted| granted.request).collect()
}

/// Why somebody got nothing.
pub(crate) fn refusal(events: &[Event]) -> Option<Refusal> {
    events.iter().find_map(|event| if let Event::Refused { why, .. } = event { Some(*why) } else { None })
}

/// Which asks were refused, why, and with which place.
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

/// The secret name of the lease that was granted.
pub(crate) fn lease_id(events: &[Event]) -> LeaseId {
    granted(events).find_map(|granted| granted.lease.id).expect("no lease with a name was granted")
}

pub(crate) fn granted(events: &[Event]) -> impl Iterator<Item = &Delivery> {
    events.iter().filter_map(|event| if let Event::Answered(granted) = event { Some(granted) } else { None })
}
