//! The pool actor on a backend that replies late or never, which no real one does on demand.

use std::{env, process::Command, time::Duration};

use actix::Actor as _;
use distributex_actors::{
    AcquireRequest, AdminAction, Delivery, Event, Holder, LeaseDetails, LeaseId, Operator, PageCursor,
    ParkingLimit, PoolActor, PoolCounts, PoolHandle, PoolSnapshot, Refusal, ReleaseTarget, RequestId,
    Telemetry, Token,
    backend::{Backend, Waker},
};
use distributex_config::{Limits, Pool};
use tokio::{sync::mpsc, time::Instant};

use crate::support::HostRequests as _;
use crate::support::name;

/// A remote backend: it records its requests, and replies when told to, or never.
#[derive(Debug)]
struct Remote {
    recorded: mpsc::UnboundedSender<RecordedRequest>,
    /// Events to be emitted when it is woken.
    answers: std::sync::mpsc::Receiver<Event>,
}

#[derive(Debug, PartialEq)]
enum RecordedRequest {
    Enter(RequestId),
    Cancel(RequestId),
    Renew(RequestId),
    Release(RequestId),
    Undelivered(Token),
}

impl Remote {
    fn note(&self, recorded: RecordedRequest) {
        self.recorded.send(recorded).unwrap();
    }
}

impl Backend for Remote {
    fn acquire(&mut self, request: AcquireRequest, _: Instant, _: &mut Vec<Event>) {
        self.note(RecordedRequest::Enter(request.id));
    }
    fn cancel(&mut self, request: RequestId, _: Instant, _: &mut Vec<Event>) {
        self.note(RecordedRequest::Cancel(request));
    }
    fn renew(&mut self, request: RequestId, _: LeaseId, _: Option<Duration>, _: Instant, _: &mut Vec<Event>) {
        self.note(RecordedRequest::Renew(request));
    }
    fn release(&mut self, request: RequestId, _: &ReleaseTarget, _: Instant, _: &mut Vec<Event>) {
        self.note(RecordedRequest::Release(request));
    }
    fn undelivered(&mut self, token: Token, _: Instant, _: &mut Vec<Event>) {
        self.note(RecordedRequest::Undelivered(token));
    }
    fn administer(&mut self, _: RequestId, _: AdminAction, _: &Operator, _: Instant, _: &mut Vec<Event>) {}
    fn refresh(&mut self, _: RequestId, _: PageCursor, _: Instant, _: &mut Vec<Event>) {}
    fn poll(&mut self, _: Instant, out: &mut Vec<Event>) {
        out.extend(self.answers.try_iter());
    }
    fn next_deadline(&self) -> Option<Instant> {
        None
    }
    fn close(&mut self) {}
    fn is_idle(&self) -> bool {
        true
    }
    fn reconfigure(&mut self, _: Option<Pool>, _: Limits, _: Instant, _: &mut Vec<Event>) {}
    fn snapshot(&self, _: PageCursor, _: Instant) -> PoolSnapshot {
        PoolSnapshot {
            slots: 1,
            held: 0,
            holders: Vec::new(),
            waiting: 0,
            waiters: Vec::new(),
            next: None,
            paused: None,
            removed: false,
        }
    }
    fn counts(&self) -> PoolCounts {
        PoolCounts::default()
    }
    fn holder(&self, _: Token, _: Instant) -> Option<Holder> {
        None
    }
}

/// Replies of the remote store.
struct Store {
    answers: std::sync::mpsc::Sender<Event>,
    waker: Waker,
}

impl Store {
    fn answer(&self, event: Event) {
        self.answers.send(event).unwrap();
        self.waker.wake();
    }
}

fn remote() -> (Store, PoolHandle, mpsc::UnboundedReceiver<RecordedRequest>) {
    let (recorded, requests) = mpsc::unbounded_channel();
    let (sender, answers) = std::sync::mpsc::channel();
    let telemetry = Telemetry::default().pool(&name("pool1"));
    let mut waker = None;
    let pool = PoolActor::create(|ctx| {
        waker = Some(PoolActor::waker(ctx));
        PoolActor::new(
            name("pool1"),
            Box::new(Remote { recorded, answers }),
            ParkingLimit::new(10),
            telemetry,
        )
    });
    (Store { answers: sender, waker: waker.unwrap() }, PoolHandle::new(pool), requests)
}

fn granted(request: RequestId) -> Event {
    let (token, host) = (Token(7), name("ann"));
    let lease =
        LeaseDetails { id: None, token, host, ttl: None, until: None, waited: Duration::ZERO, revoked: None };
    Event::Answered(Delivery { request, lease, again: false, freed: None })
}

#[actix::test]
async fn a_reply_may_arrive_later() {
    let (store, pool, mut requests) = remote();
    let answer = actix::spawn(async move { pool.get(name("ann")).await });
    let Some(RecordedRequest::Enter(request)) = requests.recv().await else { panic!("no request") };

    store.answer(granted(request));

    let grant = answer.await.unwrap().unwrap();
    assert_eq!(grant.lease.token, Token(7));
    grant.delivered();
}

#[actix::test]
async fn a_late_grant_of_a_cancelled_request_is_returned() {
    let (store, pool, mut requests) = remote();
    let waiter = pool.clone();
    let answer = actix::spawn(async move { waiter.wait(name("ann")).await });
    let Some(RecordedRequest::Enter(request)) = requests.recv().await else { panic!("no request") };
    answer.abort();
    assert_eq!(requests.recv().await, Some(RecordedRequest::Cancel(request)));

    store.answer(granted(request));

    assert_eq!(requests.recv().await, Some(RecordedRequest::Undelivered(Token(7))));
}

#[actix::test]
async fn while_the_store_is_down_only_waiters_stay() {
    let (store, pool, mut requests) = remote();
    let waiting = actix::spawn({
        let pool = pool.clone();
        async move { pool.wait(name("ann")).await }
    });
    let Some(RecordedRequest::Enter(request)) = requests.recv().await else { panic!("no request") };

    store.answer(Event::StoreDown);
    let refused = pool.get(name("bob")).await;
    assert!(!waiting.is_finished());
    store.answer(Event::StoreUp);
    store.answer(granted(request));

    assert_eq!(refused.unwrap_err(), Refusal::BackendDown);
    waiting.await.unwrap().unwrap().delivered();
}

#[actix::test]
async fn a_refusal_of_the_store_is_reported() {
    let (store, pool, mut requests) = remote();
    let release = actix::spawn({
        let pool = pool.clone();
        async move { pool.release_host(name("ann")).await }
    });
    let Some(RecordedRequest::Release(first)) = requests.recv().await else { panic!("no request") };
    let renewal = actix::spawn(async move { pool.renew(LeaseId::random(), None).await });
    let Some(RecordedRequest::Renew(second)) = requests.recv().await else { panic!("no request") };

    store.answer(Event::Refused { request: first, why: Refusal::BackendDown, position: None });
    store.answer(Event::Refused { request: second, why: Refusal::LeaseLost, position: None });

    assert_eq!(release.await.unwrap(), Err(Refusal::BackendDown));
    assert_eq!(renewal.await.unwrap(), Err(Refusal::LeaseLost));
}

/// Runs itself again in a process of its own, which ends.
#[actix::test]
async fn a_panic_in_a_pool_actor_ends_the_process() {
    const CHILD: &str = "DISTRIBUTEX_TEST_PANICS";
    if env::var_os(CHILD).is_some() {
        let (_, pool, requests) = remote();
        drop(requests); // the backend panics when its requests are not received
        let _ = pool.get(name("ann")).await;
        return;
    }

    let mut child = Command::new(env::current_exe().unwrap());
    let only_this = ["--exact", "actor::a_panic_in_a_pool_actor_ends_the_process"];
    let output = child.args(only_this).env(CHILD, "1").output().unwrap();

    assert_eq!(output.status.code(), Some(70), "{output:?}");
}
