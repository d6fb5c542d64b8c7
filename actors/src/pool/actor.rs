//! The pool actor: one mailbox per configured pool. It owns the pool's [`Backend`], the one timer for whatever
//! ends first, and the reply channels of all asks that are not answered yet.
//!
//! ```text
//!  Enter ─► backend ─┬ granted ───────────────► Grant ─┬ heard
//!                    ├ refused ───────────────► Refusal└ dropped ─► Unheard ─► the next in line
//!                    └ placed ─► parked ─┬ its turn ──► Grant
//!                                        ├ Leave ─────► its place is kept or given up
//!                                        └ Drain ─────► Refusal
//! ```

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix::{Actor, Addr, AsyncContext as _, Context, Handler, Message, SpawnHandle};
use distributex_config as config;
use distributex_config::{Limits, Name};
use log::{debug, error, info};
use tokio::{sync::oneshot, time::Instant};

use super::{
    After, Ask, AskId, Asker, Event, Granted, Held, Holder, LeaseId, Leased, Lever, Operator, Pulled,
    Refusal, State, Token, grant::Grant, handle::Denial,
};
use crate::{
    backend::Backend,
    room::{Address, Room, Seat},
    watch::PoolWatch,
};

/// What the process ends with when an actor panics: EX_SOFTWARE of sysexits.h.
pub(crate) const EX_SOFTWARE: i32 = 70;

/// The actor of one pool.
#[derive(Debug)]
pub struct PoolActor {
    /// The pool's name, for the log.
    pub(super) name: Name,
    /// The leases and the line.
    pub(super) backend: Box<dyn Backend>,
    /// Who has not been answered yet.
    pub(super) open: HashMap<AskId, Reply>,
    /// Where asks may park.
    room: Arc<Room>,
    /// The timer, and when it rings. It may ring early: a lease that ended before its time leaves it be.
    alarm: Option<(Instant, SpawnHandle)>,
    /// Whether the store cannot be reached.
    away: bool,
    /// What can be seen of the pool from outside.
    pub(super) watch: PoolWatch,
}

/// The way back to whoever asked.
#[derive(Debug)]
pub(super) enum Reply {
    /// To an ask for a slot.
    Grant {
        /// The asker's channel.
        to: GrantReply,
        /// Whether it would wait.
        wait: bool,
        /// Where it parks; `None` if it would not wait, or no seat was free.
        seat: Option<Seat>,
        /// Whether it is told how the pool is when it has to wait.
        curious: bool,
    },
    /// To a renewal of this lease.
    Renewal(LeaseId, RenewalReply),
    /// To a release, which may tell how that went for which the slot was.
    Release(Option<u8>, ReleaseReply),
    /// To an operator.
    Pull(Lever, Operator, PullReply),
    /// To who wants to know how the pool is, from there on.
    Look(After, LookReply),
    /// To who wants to know who has this token.
    LookUp(Token, LookUpReply),
}

type GrantReply = oneshot::Sender<Result<Grant, Denial>>;
type RenewalReply = oneshot::Sender<Result<Leased, Refusal>>;
type ReleaseReply = oneshot::Sender<Result<bool, Refusal>>;
pub(super) type PullReply = oneshot::Sender<Result<Option<Pulled>, Refusal>>;
type LookReply = oneshot::Sender<Result<State, Refusal>>;
type LookUpReply = oneshot::Sender<Result<Option<Holder>, Refusal>>;

impl PoolActor {
    /// The actor of a pool with this name, whose leases live in `backend` and whose asks park in `room`; `watch`
    /// sees what happens.
    #[must_use]
    pub fn new(name: Name, backend: Box<dyn Backend>, room: Arc<Room>, watch: PoolWatch) -> Self {
        let open = HashMap::new();
        Self { name, backend, open, room, alarm: None, away: false, watch }
    }

    /// Why nothing can be granted now.
    fn closed(&self) -> Option<Refusal> {
        match (self.room.is_closed(), self.away) {
            (true, _) => Some(Refusal::Stopping),
            (false, true) => Some(Refusal::Away),
            (false, false) => None,
        }
    }

    /// Lets the backend do something, passes on what came of it, and sets the timer anew.
    pub(super) fn act(
        &mut self,
        ctx: &mut Context<Self>,
        act: impl FnOnce(&mut dyn Backend, Instant, &mut Vec<Event>),
    ) {
        let mut events = Vec::new();
        act(self.backend.as_mut(), Instant::now(), &mut events);
        for event in events {
            self.pass_on(event, ctx);
        }
        self.watch.count(&self.backend.counts());
        self.set_alarm(ctx);
    }

    fn pass_on(&mut self, event: Event, ctx: &Context<Self>) {
        match event {
            Event::Began { token, host, waited, command } => {
                let (pool, name, time) = (self.name.as_str(), host.as_str(), waited.as_secs_f64());
                info!("granted pool={pool:?} host={name:?} token={token} waited={time:.3}s");
                self.watch.began(token, host, waited, command);
            }
            Event::Joined { ticket, host, place } => self.watch.joined(ticket, host, place),
            Event::Left { ticket, host } => self.watch.left(ticket, host),
            Event::Granted(granted) => self.grant(granted, ctx.address()),
            Event::Refused { ask, why, place } => self.refuse(ask, why, place),
            Event::Placed { ask, ticket, place } => {
                debug!("waiting pool={:?} {ask:?} {ticket:?} place={place}", self.name.as_str());
            }
            Event::Renewed { ask, lease } => self.renewed(ask, lease),
            Event::Released { ask, had } => self.released(ask, had),
            Event::Seen { ask, state } => self.seen(ask, state.map(|state| *state)),
            Event::Pulled { ask, what } => self.pulled(ask, what),
            Event::Paused(operator) => self.paused_elsewhere(operator),
            Event::Ended(ended) => self.ended(ended),
            Event::EndedElsewhere(ended) => self.watch.ended_elsewhere(ended),
            Event::Away => self.set_away(true),
            Event::Back => self.set_away(false),
        }
    }

    fn grant(&mut self, Granted { ask, lease, again, freed }: Granted, me: Addr<Self>) {
        let grant = Grant::new(lease, again, me, freed.zip(self.watch.handover()));
        if let Some(Reply::Grant { to, .. }) = self.open.remove(&ask) {
            drop(to.send(Ok(grant))); // an untaken grant comes back as Unheard
        }
    }

    fn refuse(&mut self, ask: AskId, why: Refusal, place: Option<usize>) {
        match self.open.remove(&ask) {
            Some(Reply::Grant { to, wait, seat, curious }) => {
                let has_no_slot = matches!(why, Refusal::Full | Refusal::Paused);
                let would_have_waited = wait && seat.is_none() && has_no_slot;
                let why = if would_have_waited { Refusal::LineFull } else { why };
                self.watch.refused(why);
                let state = curious.then(|| Box::new(self.backend.state(After::default(), Instant::now())));
                drop(to.send(Err(Denial { why, place, state })));
            }
            Some(Reply::Renewal(lease, to)) => {
                if why == Refusal::LeaseLost {
                    self.watch.renew_lost(lease);
                }
                drop(to.send(Err(why)));
            }
            Some(Reply::Release(_, to)) => drop(to.send(Err(why))),
            Some(Reply::Pull(.., to)) => drop(to.send(Err(why))),
            Some(Reply::Look(_, to)) => drop(to.send(Err(why))),
            Some(Reply::LookUp(_, to)) => drop(to.send(Err(why))),
            None => {} // it left before it was refused
        }
    }

    fn renewed(&mut self, ask: AskId, lease: Leased) {
        self.watch.renewed();
        if let Some(Reply::Renewal(_, to)) = self.open.remove(&ask) {
            let _ = to.send(Ok(lease)); // who is gone will renew again, or lose its lease in time
        }
    }

    fn released(&mut self, ask: AskId, had: bool) {
        if let Some(Reply::Release(_, to)) = self.open.remove(&ask) {
            let _ = to.send(Ok(had)); // released is released, also for who is gone
        }
    }

    fn seen(&mut self, ask: AskId, then: Option<State>) {
        let now = Instant::now();
        match self.open.remove(&ask) {
            Some(Reply::Look(after, to)) => {
                drop(to.send(Ok(then.unwrap_or_else(|| self.backend.state(after, now)))));
            }
            Some(Reply::LookUp(token, to)) => {
                let holder = match then {
                    Some(then) => then.holders.into_iter().find(|holder| holder.token == token),
                    None => self.backend.holder(token, now),
                };
                drop(to.send(Ok(holder.filter(|holder| holder.until.is_none_or(|until| until > now)))));
            }
            Some(Reply::Grant { .. } | Reply::Renewal(..) | Reply::Release(..) | Reply::Pull(..)) | None => {}
        }
    }

    /// The backend itself says so in the log, once for all its pools.
    fn set_away(&mut self, away: bool) {
        debug!("pool={:?}: the store is {}", self.name.as_str(), if away { "away" } else { "back" });
        self.away = away;
        self.watch.set_away(away);
    }

    /// Sees to it that the timer rings when the next thing ends. One that would ring earlier stays: taking
    /// it back and setting another for every grant and release would cost more than one ring too many.
    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let Some(end) = self.backend.next_end() else {
            return;
        };
        if let Some((at, timer)) = self.alarm {
            if at <= end {
                return;
            }
            ctx.cancel_future(timer);
        }
        let timer = ctx.run_later(end.saturating_duration_since(Instant::now()), |pool, ctx| {
            pool.alarm = None;
            pool.act(ctx, |backend, now, out| backend.wake(now, out));
        });
        self.alarm = Some((end, timer));
    }
}

impl Actor for PoolActor {
    type Context = Context<Self>;

    /// What the backend remembers may be over by now, or somebody's turn.
    fn started(&mut self, ctx: &mut Self::Context) {
        self.act(ctx, |backend, now, out| backend.wake(now, out));
    }
}

impl Drop for PoolActor {
    /// A pool that forgot who holds its slots is worse than none.
    fn drop(&mut self) {
        if std::thread::panicking() {
            error!("pool={:?}: its actor panicked; the server ends", self.name.as_str());
            log::logger().flush();
            std::process::exit(EX_SOFTWARE);
        }
    }
}

/// Request: a slot for this ask, now or, if it waits, when it is its turn.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Enter {
    pub(super) ask: Ask,
    /// Where it comes from; `None`: from this machine itself.
    pub(super) address: Option<Address>,
    pub(super) reply: GrantReply,
}

impl Handler<Enter> for PoolActor {
    type Result = ();

    fn handle(&mut self, Enter { mut ask, address, reply }: Enter, ctx: &mut Self::Context) {
        if let Some(why) = self.closed() {
            self.watch.refused(why);
            let _ = reply.send(Err(Denial { why, place: None, state: None }));
            return;
        }
        let wait = ask.parks();
        let seat = if wait { self.room.take(address) } else { None };
        if seat.is_none() {
            ask.wait = Some(Duration::ZERO);
        }
        let curious = !matches!(ask.asker, Asker::Host(_));
        self.open.insert(ask.id, Reply::Grant { to: reply, wait, seat, curious });
        self.act(ctx, |backend, now, out| backend.enter(ask, now, out));
    }
}

/// Request: this ask's request has ended; it does not wait any longer.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Leave(pub(super) AskId);

impl Handler<Leave> for PoolActor {
    type Result = ();

    fn handle(&mut self, Leave(ask): Leave, ctx: &mut Self::Context) {
        self.open.remove(&ask);
        self.act(ctx, |backend, now, out| backend.leave(ask, now, out));
    }
}

/// Request: let this lease live for `ttl` from now, or for as long as when it was granted.
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
        let ask = AskId::next();
        self.open.insert(ask, Reply::Renewal(lease, reply));
        self.act(ctx, |backend, now, out| backend.renew(ask, lease, ttl, now, out));
    }
}

/// Request: end a lease, or whatever an asker has. Its holder may tell how that went for which the slot was.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Release {
    pub(super) held: Held,
    pub(super) exit_status: Option<u8>,
    pub(super) reply: ReleaseReply,
}

impl Handler<Release> for PoolActor {
    type Result = ();

    fn handle(&mut self, Release { held, exit_status, reply }: Release, ctx: &mut Self::Context) {
        let ask = AskId::next();
        self.open.insert(ask, Reply::Release(exit_status, reply));
        self.act(ctx, |backend, now, out| backend.release(ask, &held, now, out));
    }
}

/// Request: take note that an answer which was to tell of this lease was not sent.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Unheard(pub(super) Token);

impl Handler<Unheard> for PoolActor {
    type Result = ();

    fn handle(&mut self, Unheard(token): Unheard, ctx: &mut Self::Context) {
        self.act(ctx, |backend, now, out| backend.unheard(token, now, out));
    }
}

/// Request: tell what anybody may know of the pool, from there on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Look(pub(super) After, pub(super) LookReply);

impl Handler<Look> for PoolActor {
    type Result = ();

    fn handle(&mut self, Look(after, reply): Look, ctx: &mut Self::Context) {
        let ask = AskId::next();
        self.open.insert(ask, Reply::Look(after, reply));
        self.act(ctx, |backend, now, out| backend.look(ask, after, now, out));
    }
}

/// Request: tell who holds a slot with this token.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct LookUp(pub(super) Token, pub(super) LookUpReply);

impl Handler<LookUp> for PoolActor {
    type Result = ();

    fn handle(&mut self, LookUp(token, reply): LookUp, ctx: &mut Self::Context) {
        let ask = AskId::next();
        self.open.insert(ask, Reply::LookUp(token, reply));
        let after = After { token: Token(token.0.saturating_sub(1)), ..After::default() }; // the page that it is on
        self.act(ctx, |backend, now, out| backend.look(ask, after, now, out));
    }
}

/// Request: answer all who wait, and grant nothing any more. Releases are served on.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Drain;

impl Handler<Drain> for PoolActor {
    type Result = ();

    fn handle(&mut self, Drain: Drain, _: &mut Self::Context) {
        self.room.close();
        self.backend.close();
        for (_, reply) in self.open.extract_if(|_, reply| matches!(reply, Reply::Grant { .. })) {
            if let Reply::Grant { to, .. } = reply {
                let _ = to.send(Err(Denial { why: Refusal::Stopping, place: None, state: None }));
            }
        }
    }
}

/// Request: go on as the configuration now says; without settings, the pool is not in it any more.
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
        self.watch.changed();
    }
}

/// Request: wake the backend, whose store has answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Wake;

impl Handler<Wake> for PoolActor {
    type Result = ();

    fn handle(&mut self, Wake: Wake, ctx: &mut Self::Context) {
        self.act(ctx, |backend, now, out| backend.wake(now, out));
    }
}
