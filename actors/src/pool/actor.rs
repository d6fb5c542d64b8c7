//! The pool actor: one mailbox per configured pool. It owns the pool's [`Backend`], one timer for the next deadline,
//! and the response channels of all open requests.
//!
//! ```text
//!  Acquire ─► backend ─┬ granted ───────────────► Grant ──┬ delivered
//!                      ├ refused ───────────────► Refusal └ dropped ─► Undelivered ─► the next waiter
//!                      └ queued ──► parked ─┬ slot freed ──► Grant
//!                                           ├ Cancel ──────► entry kept or removed
//!                                           └ Drain ───────► Refusal
//! ```

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix::{Actor, Addr, AsyncContext as _, Context, Handler, Message, SpawnHandle};
use distributex_config as config;
use distributex_config::{Limits, Name};
use distributex_protocol::event::EventName;
use log::{debug, error, info};
use tokio::{sync::oneshot, time::Instant};

use super::{
    AcquireRequest, AdminAction, AdminOutcome, Delivery, Event, Holder, LeaseDetails, LeaseId, Operator,
    PageCursor, PoolSnapshot, Refusal, ReleaseTarget, RequestId, Token, admin::seconds, grant::Grant,
    handle::Denial,
};
use crate::{
    backend::{Backend, Waker},
    exit_on_panic::exit_on_panic,
    parking::{ClientAddress, ParkingLimit, ParkingPermit},
    telemetry::PoolTelemetry,
};

/// Actor of one pool.
#[derive(Debug)]
pub struct PoolActor {
    /// Name of the pool.
    pub(super) name: Name,
    /// Leases and queue.
    pub(super) backend: Box<dyn Backend>,
    /// Requests that have not been answered.
    pub(super) open: HashMap<RequestId, PendingReply>,
    /// Limit of parked requests.
    parking: Arc<ParkingLimit>,
    /// The timer and its time. It may fire early, when a lease ended before its time.
    timer: Option<(Instant, SpawnHandle)>,
    /// Whether the store cannot be reached.
    store_down: bool,
    /// Metrics, events and history.
    pub(super) telemetry: PoolTelemetry,
    /// Open flush requests.
    flushes: Vec<oneshot::Sender<()>>,
}

/// Response channel of an open request.
#[derive(Debug)]
pub(super) enum PendingReply {
    /// Of an acquire.
    Acquire {
        /// The channel.
        to: GrantReply,
        /// Whether the request waits.
        wait: bool,
        /// Its parking permit; `None` if it does not wait, or there was none.
        permit: Option<ParkingPermit>,
        /// Whether the refusal includes a snapshot of the pool.
        want_snapshot: bool,
    },
    /// Of a renewal of this lease.
    Renewal(LeaseId, RenewalReply),
    /// Of a release, with the exit status of the holder's command.
    Release(Option<u8>, ReleaseReply),
    /// Of an admin action.
    Administer(AdminAction, Operator, AdminReply),
    /// Of a snapshot that begins there.
    Snapshot(PageCursor, SnapshotReply),
    /// Of a look-up of a holder.
    FindHolder(Token, HolderReply),
}

type GrantReply = oneshot::Sender<Result<Grant, Denial>>;
type RenewalReply = oneshot::Sender<Result<LeaseDetails, Refusal>>;
type ReleaseReply = oneshot::Sender<Result<bool, Refusal>>;
pub(super) type AdminReply = oneshot::Sender<Result<Option<AdminOutcome>, Refusal>>;
type SnapshotReply = oneshot::Sender<Result<PoolSnapshot, Refusal>>;
type HolderReply = oneshot::Sender<Result<Option<Holder>, Refusal>>;

impl PoolActor {
    /// A waker of the actor with this context.
    pub fn waker(ctx: &Context<Self>) -> Waker {
        let actor = ctx.address().downgrade();
        Waker::new(move || {
            if let Some(actor) = actor.upgrade() {
                actor.do_send(Wake);
            }
        })
    }

    /// The actor of a pool whose leases live in `backend` and whose requests park in `parking`; `telemetry` records
    /// what happens.
    #[must_use]
    pub fn new(
        name: Name,
        backend: Box<dyn Backend>,
        parking: Arc<ParkingLimit>,
        telemetry: PoolTelemetry,
    ) -> Self {
        let open = HashMap::new();
        Self { name, backend, open, parking, timer: None, store_down: false, telemetry, flushes: Vec::new() }
    }

    /// Why nothing can be granted now; `None` if grants are possible.
    fn closed(&self) -> Option<Refusal> {
        match (self.parking.is_closed(), self.store_down) {
            (true, _) => Some(Refusal::Draining),
            (false, true) => Some(Refusal::BackendDown),
            (false, false) => None,
        }
    }

    /// Runs a step of the backend, dispatches its events, and sets the timer.
    pub(super) fn act(
        &mut self,
        ctx: &mut Context<Self>,
        act: impl FnOnce(&mut dyn Backend, Instant, &mut Vec<Event>),
    ) {
        let mut events = Vec::new();
        act(self.backend.as_mut(), Instant::now(), &mut events);
        for event in events {
            self.on_event(event, ctx);
        }
        self.telemetry.count(&self.backend.counts());
        if self.store_down || self.backend.is_idle() {
            for reply in self.flushes.drain(..) {
                let _ = reply.send(()); // the requester may no longer wait
            }
        }
        self.set_timer(ctx);
    }

    fn on_event(&mut self, event: Event, ctx: &Context<Self>) {
        match event {
            Event::Granted { token, host, waited, command } => {
                let (pool, name, waited_seconds) = (self.name.as_str(), host.as_str(), seconds(waited));
                info!(pool, host = name, token = token.0, waited = waited_seconds; "granted");
                self.telemetry.granted(token, host, waited, command);
            }
            Event::Queued { ticket, host, position } => self.telemetry.queued(ticket, host, position),
            Event::Left { ticket, host } => self.telemetry.left(ticket, host),
            Event::Answered(granted) => self.answer_grant(granted, ctx.address()),
            Event::Refused { request, why, position } => self.refuse(request, why, position),
            Event::Parked { request, ticket, position } => {
                debug!(pool = self.name.as_str(), request:?, ticket = ticket.0, position; "parked");
            }
            Event::Renewed { request, lease } => self.answer_renewal(request, lease),
            Event::Released { request, had } => self.answer_release(request, had),
            Event::Refreshed { request, state } => self.answer_snapshot(request, state.map(|state| *state)),
            Event::ActionApplied { request, what } => self.on_action_applied(request, what),
            Event::Paused(operator) => self.paused_elsewhere(operator),
            Event::Ended(ended) => self.on_lease_ended(ended),
            Event::EndedElsewhere(ended) => self.telemetry.ended_elsewhere(ended),
            Event::StoreDown => self.set_store_down(true),
            Event::StoreUp => self.set_store_down(false),
        }
    }

    fn answer_grant(&mut self, Delivery { request, lease, again, freed }: Delivery, me: Addr<Self>) {
        let grant = Grant::new(lease, again, me, freed.zip(self.telemetry.handover()));
        if let Some(PendingReply::Acquire { to, .. }) = self.open.remove(&request) {
            drop(to.send(Ok(grant))); // a grant that is dropped is returned as Undelivered
        }
    }

    fn refuse(&mut self, request: RequestId, why: Refusal, position: Option<usize>) {
        match self.open.remove(&request) {
            Some(PendingReply::Acquire { to, wait, permit, want_snapshot }) => {
                let has_no_slot = matches!(why, Refusal::PoolFull | Refusal::PoolPaused);
                let would_have_waited = wait && permit.is_none() && has_no_slot;
                let why = if would_have_waited { Refusal::QueueFull } else { why };
                self.telemetry.refused(why);
                let state = want_snapshot
                    .then(|| Box::new(self.backend.snapshot(PageCursor::default(), Instant::now())));
                drop(to.send(Err(Denial { why, position, state })));
            }
            Some(PendingReply::Renewal(lease, to)) => {
                if why == Refusal::LeaseLost {
                    self.telemetry.renewal_refused(lease);
                }
                drop(to.send(Err(why)));
            }
            Some(PendingReply::Release(_, to)) => drop(to.send(Err(why))),
            Some(PendingReply::Administer(.., to)) => drop(to.send(Err(why))),
            Some(PendingReply::Snapshot(_, to)) => drop(to.send(Err(why))),
            Some(PendingReply::FindHolder(_, to)) => drop(to.send(Err(why))),
            None => {} // cancelled before it was refused
        }
    }

    fn answer_renewal(&mut self, request: RequestId, lease: LeaseDetails) {
        self.telemetry.renewed();
        if let Some(PendingReply::Renewal(_, to)) = self.open.remove(&request) {
            let _ = to.send(Ok(lease)); // a holder whose request is gone renews again, or lets the lease expire
        }
    }

    fn answer_release(&mut self, request: RequestId, had: bool) {
        if let Some(PendingReply::Release(_, to)) = self.open.remove(&request) {
            let _ = to.send(Ok(had)); // released even if the request is gone
        }
    }

    fn answer_snapshot(&mut self, request: RequestId, snapshot: Option<PoolSnapshot>) {
        let now = Instant::now();
        match self.open.remove(&request) {
            Some(PendingReply::Snapshot(after, to)) => {
                drop(to.send(Ok(snapshot.unwrap_or_else(|| self.backend.snapshot(after, now)))));
            }
            Some(PendingReply::FindHolder(token, to)) => {
                let holder = match snapshot {
                    Some(snapshot) => snapshot.holders.into_iter().find(|holder| holder.token == token),
                    None => self.backend.holder(token, now),
                };
                drop(to.send(Ok(holder.filter(|holder| holder.until.is_none_or(|until| until > now)))));
            }
            Some(
                PendingReply::Acquire { .. }
                | PendingReply::Renewal(..)
                | PendingReply::Release(..)
                | PendingReply::Administer(..),
            )
            | None => {}
        }
    }

    /// Records whether the store can be reached. The backend logs it, once for all its pools.
    fn set_store_down(&mut self, store_down: bool) {
        let event = if store_down { EventName::StoreDown } else { EventName::StoreUp };
        info!(pool = self.name.as_str(); "{}", event.word());
        self.store_down = store_down;
        self.telemetry.set_store_down(store_down);
    }

    /// Makes the timer fire at the next deadline. A timer that fires earlier is kept: replacing it for every grant and
    /// release would cost more than one early run.
    fn set_timer(&mut self, ctx: &mut Context<Self>) {
        let Some(end) = self.backend.next_deadline() else {
            return;
        };
        if let Some((at, timer)) = self.timer {
            if at <= end {
                return;
            }
            ctx.cancel_future(timer);
        }
        let timer = ctx.run_later(end.saturating_duration_since(Instant::now()), |pool, ctx| {
            pool.timer = None;
            pool.act(ctx, |backend, now, out| backend.poll(now, out));
        });
        self.timer = Some((end, timer));
    }
}

impl Actor for PoolActor {
    type Context = Context<Self>;

    /// Restored leases may be over, and restored waiters may be next.
    fn started(&mut self, ctx: &mut Self::Context) {
        self.act(ctx, |backend, now, out| backend.poll(now, out));
    }
}

impl Drop for PoolActor {
    /// A pool that forgot its holders would grant slots twice; the process has to end.
    fn drop(&mut self) {
        exit_on_panic(|| error!(pool = self.name.as_str(); "actor_panicked"));
    }
}

/// Request: a slot, now or, if the request waits, when it is first in the queue.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Acquire {
    pub(super) request: AcquireRequest,
    /// Address of the client; `None`: this machine.
    pub(super) address: Option<ClientAddress>,
    pub(super) reply: GrantReply,
}

impl Handler<Acquire> for PoolActor {
    type Result = ();

    fn handle(&mut self, Acquire { mut request, address, reply }: Acquire, ctx: &mut Self::Context) {
        if let Some(why) = self.closed() {
            self.telemetry.refused(why);
            let _ = reply.send(Err(Denial { why, position: None, state: None }));
            return;
        }
        let wait = request.parks();
        let permit = if wait { self.parking.take(address) } else { None };
        if permit.is_none() {
            request.wait = Some(Duration::ZERO);
        }
        let want_snapshot = request.want_snapshot;
        self.open.insert(request.id, PendingReply::Acquire { to: reply, wait, permit, want_snapshot });
        self.act(ctx, |backend, now, out| backend.acquire(request, now, out));
    }
}

/// Request: end this acquire request; it no longer waits.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Cancel(pub(super) RequestId);

impl Handler<Cancel> for PoolActor {
    type Result = ();

    fn handle(&mut self, Cancel(request): Cancel, ctx: &mut Self::Context) {
        self.open.remove(&request);
        self.act(ctx, |backend, now, out| backend.cancel(request, now, out));
    }
}

/// Request: extend this lease to `ttl` from now; `None`: as when it was granted.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Renew {
    pub(super) lease: LeaseId,
    pub(super) ttl: Option<Duration>,
    pub(super) reply: RenewalReply,
}

impl Handler<Renew> for PoolActor {
    type Result = ();

    fn handle(&mut self, Renew { lease, ttl, reply }: Renew, ctx: &mut Self::Context) {
        let request = RequestId::next();
        self.open.insert(request, PendingReply::Renewal(lease, reply));
        self.act(ctx, |backend, now, out| backend.renew(request, lease, ttl, now, out));
    }
}

/// Request: end a lease, or whatever a requester has. May carry the exit status of the holder's command.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Release {
    pub(super) target: ReleaseTarget,
    pub(super) exit_status: Option<u8>,
    pub(super) reply: ReleaseReply,
}

impl Handler<Release> for PoolActor {
    type Result = ();

    fn handle(&mut self, Release { target, exit_status, reply }: Release, ctx: &mut Self::Context) {
        let request = RequestId::next();
        self.open.insert(request, PendingReply::Release(exit_status, reply));
        self.act(ctx, |backend, now, out| backend.release(request, &target, now, out));
    }
}

/// Request: note that a response which was to carry this lease was not sent.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Undelivered(pub(super) Token);

impl Handler<Undelivered> for PoolActor {
    type Result = ();

    fn handle(&mut self, Undelivered(token): Undelivered, ctx: &mut Self::Context) {
        self.act(ctx, |backend, now, out| backend.undelivered(token, now, out));
    }
}

/// Request: a page of the public state.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct ReadSnapshot(pub(super) PageCursor, pub(super) SnapshotReply);

impl Handler<ReadSnapshot> for PoolActor {
    type Result = ();

    fn handle(&mut self, ReadSnapshot(after, reply): ReadSnapshot, ctx: &mut Self::Context) {
        let request = RequestId::next();
        self.open.insert(request, PendingReply::Snapshot(after, reply));
        self.act(ctx, |backend, now, out| backend.refresh(request, after, now, out));
    }
}

/// Request: the holder with this token.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct FindHolder(pub(super) Token, pub(super) HolderReply);

impl Handler<FindHolder> for PoolActor {
    type Result = ();

    fn handle(&mut self, FindHolder(token, reply): FindHolder, ctx: &mut Self::Context) {
        let request = RequestId::next();
        self.open.insert(request, PendingReply::FindHolder(token, reply));
        let after = PageCursor { token: Token(token.0.saturating_sub(1)), ..PageCursor::default() }; // the page that shows it
        self.act(ctx, |backend, now, out| backend.refresh(request, after, now, out));
    }
}

/// Request: refuse all waiters and grant nothing from now on. Releases are still served.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Drain;

impl Handler<Drain> for PoolActor {
    type Result = ();

    fn handle(&mut self, Drain: Drain, _: &mut Self::Context) {
        self.parking.close();
        self.backend.close();
        for (_, reply) in self.open.extract_if(|_, reply| matches!(reply, PendingReply::Acquire { .. })) {
            if let PendingReply::Acquire { to, .. } = reply {
                let _ = to.send(Err(Denial { why: Refusal::Draining, position: None, state: None }));
            }
        }
    }
}

/// Request: reply when no response of the store is pending, or the store is unreachable.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Flush(pub(super) oneshot::Sender<()>);

impl Handler<Flush> for PoolActor {
    type Result = ();

    fn handle(&mut self, Flush(reply): Flush, ctx: &mut Self::Context) {
        self.flushes.push(reply);
        self.act(ctx, |_, _, _| {});
    }
}

/// Request: apply changed settings; `None`: the pool is no longer in the configuration.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Reconfigure {
    pub(super) settings: Option<config::Pool>,
    pub(super) limits: Limits,
}

impl Handler<Reconfigure> for PoolActor {
    type Result = ();

    fn handle(&mut self, Reconfigure { settings, limits }: Reconfigure, ctx: &mut Self::Context) {
        self.act(ctx, |backend, now, out| backend.reconfigure(settings, limits, now, out));
        self.telemetry.reconfigured();
    }
}

/// Request: let the backend take the replies of its store.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Wake;

impl Handler<Wake> for PoolActor {
    type Result = ();

    fn handle(&mut self, Wake: Wake, ctx: &mut Self::Context) {
        self.act(ctx, |backend, now, out| backend.poll(now, out));
    }
}
