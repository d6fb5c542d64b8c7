//! Random steps on the rules, compared with a model that is simple enough to be obviously right.

use std::{sync::Arc, time::Duration};

use distributex_actors::{
    AcquireRequest, AdminAction, AdminOutcome, Delivery, EndReason, EndedLease, Event, LeaseDetails, LeaseId,
    PageCursor, Refusal, ReleaseTarget, RequestId, Requester, Revocation, Ticket, Token,
};
use distributex_config::Pool;
use proptest::{collection::vec, option, prelude::*};
use tokio::time::Instant;

use crate::support::{SECOND, Stage, name, operator, settings};

pub(crate) const TTL: Duration = Duration::from_secs(10);
pub(crate) const MAX_WAITERS: usize = 4;

/// A step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Enter {
        index: u8,
        /// Seconds; above five: unlimited.
        wait: u8,
        patience: Option<u8>,
        ttl: Option<u8>,
    },
    /// The n-th request ends.
    Cancel(usize),
    Release {
        index: u8,
    },
    /// The n-th grant is released by its lease id.
    ReleaseLease(usize),
    /// A response that carries the n-th grant is not sent.
    Undelivered(usize),
    /// The n-th grant is renewed.
    Renew(usize, Option<u8>),
    /// An operator force-releases the n-th grant.
    Force(usize),
    /// An operator revokes the n-th grant, within this number of seconds.
    Revoke(usize, Option<u8>),
    /// Another admin action.
    Admin(AdminAction),
    Pass(u8),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ttl = || option::of(1..20u8);
    let step = prop_oneof![
        8 => (0..8u8, 0..8u8, option::of(0..5u8), ttl())
            .prop_map(|(index, wait, patience, ttl)| Step::Enter { index, wait, patience, ttl }),
        2 => any::<usize>().prop_map(Step::Cancel),
        3 => (0..8u8).prop_map(|index| Step::Release { index }),
        1 => any::<usize>().prop_map(Step::ReleaseLease),
        2 => any::<usize>().prop_map(Step::Undelivered),
        1 => (any::<usize>(), ttl()).prop_map(|(n, ttl)| Step::Renew(n, ttl)),
        3 => (0..6u8).prop_map(Step::Pass),
        1 => any::<usize>().prop_map(Step::Force),
        2 => (any::<usize>(), option::of(0..15u8)).prop_map(|(n, within)| Step::Revoke(n, within)),
        1 => (1..20u64).prop_map(|ticket| Step::Admin(AdminAction::Promote(Ticket(ticket)))),
        1 => (1..20u64).prop_map(|ticket| Step::Admin(AdminAction::Evict(Ticket(ticket)))),
        1 => Just(Step::Admin(AdminAction::Pause)),
        2 => Just(Step::Admin(AdminAction::Resume)),
    ];
    vec(step, 1..120)
}

/// Three classic hosts, four owners on two hosts, and an anonymous requester.
fn requester(index: u8, request: RequestId) -> Requester {
    let host = name(&format!("host{}", index % 3));
    match index {
        0..3 => Requester::Host(host),
        3..7 => Requester::Owner {
            host: name(&format!("host{}", index % 2)),
            owner: name(&format!("run{}", index / 5)),
        },
        _ => Requester::Anonymous { host, request },
    }
}

/// A queue entry: the request, and its state.
#[derive(Debug, Clone)]
struct Place {
    ticket: Ticket,
    request: AcquireRequest,
    since: Instant,
    present: bool,
    until: Option<Instant>,
}

/// A lease.
#[derive(Debug, Clone)]
struct Slot {
    token: Token,
    request: AcquireRequest,
    since: Instant,
    waited: Duration,
    until: Instant,
    deliveries: usize,
    revoked: Option<Instant>,
}

/// The model: two lists that are searched from end to end.
#[derive(Debug, Default)]
pub(crate) struct Model {
    slots: usize,
    held: Vec<Slot>,
    queue: Vec<Place>,
    tickets: u64,
    token: u64,
    paused: bool,
}

fn ttl(request: &AcquireRequest) -> Duration {
    request.ttl.unwrap_or(TTL).min(TTL)
}

fn is_resumable(request: &AcquireRequest) -> bool {
    matches!(request.requester, Requester::Owner { .. })
}

fn patience(request: &AcquireRequest) -> Duration {
    if is_resumable(request) { request.patience.unwrap_or(SECOND * 10) } else { Duration::ZERO }
}

fn refused(request: RequestId, why: Refusal, position: Option<usize>) -> Event {
    Event::Refused { request, why, position }
}

impl Slot {
    fn leased(&self) -> LeaseDetails {
        LeaseDetails {
            id: self.request.lease,
            token: self.token,
            host: self.request.requester.host().clone(),
            ttl: Some(ttl(&self.request)),
            until: Some(self.until),
            waited: self.waited,
            revoked: self.revoked(),
        }
    }

    fn revoked(&self) -> Option<Arc<Revocation>> {
        self.revoked.map(|end| Arc::new(Revocation { operator: operator(), end }))
    }

    /// Sets the end of the lease, within the limit of its revocation.
    fn end_at(&mut self, end: Instant) {
        self.until = end.min(self.revoked.map_or(end, |latest| latest.max(self.until)));
    }

    fn extend(&mut self, now: Instant) {
        self.end_at(now + ttl(&self.request));
        self.request.ttl = Some(self.until - now);
    }
}

impl Model {
    fn enter(&mut self, request: AcquireRequest, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        let parks = request.wait != Some(Duration::ZERO);
        if let Some(slot) = self.held.iter_mut().find(|slot| slot.request.requester == request.requester) {
            let again = slot.deliveries > 0;
            slot.deliveries += 1;
            if is_resumable(&request) {
                slot.request = AcquireRequest { lease: slot.request.lease, ..request.clone() };
                slot.extend(now);
            }
            out.push(Event::Answered(Delivery {
                request: request.id,
                lease: slot.leased(),
                again,
                freed: None,
            }));
            return;
        }
        let own = self
            .queue
            .iter()
            .position(|position| is_resumable(&request) && position.request.requester == request.requester);
        let position = if let Some(own) = own {
            let older = self.queue[own].clone();
            if older.present {
                out.push(refused(older.request.id, Refusal::Superseded, None));
            }
            self.queue[own].request = AcquireRequest { lease: older.request.lease, ..request.clone() };
            own + 1
        } else if self.held.len() < self.slots && !self.paused {
            let until = None;
            self.queue.push(Place { ticket: Ticket(0), request, since: now, present: true, until });
            return self.serve(None, now, out);
        } else if !parks && (patience(&request).is_zero() || request.patience.is_none()) {
            return out.push(refused(request.id, self.full(), Some(self.queue.len() + 1)));
        } else if self.queue.len() >= MAX_WAITERS && !self.make_room(parks, out) {
            return out.push(refused(request.id, Refusal::QueueFull, None));
        } else {
            self.tickets += 1;
            let (ticket, request) = (Ticket(self.tickets), request.clone());
            let host = request.requester.host().clone();
            self.queue.push(Place { ticket, request, since: now, present: true, until: None });
            out.push(Event::Queued { ticket, host, position: self.queue.len() });
            self.queue.len()
        };
        let mine = &mut self.queue[position - 1];
        (mine.present, mine.until) = (true, request.wait.map(|wait| now + wait));
        if parks {
            out.push(Event::Parked { request: request.id, ticket: mine.ticket, position });
        } else {
            out.push(refused(request.id, self.full(), Some(position)));
            self.part(position - 1, now, out);
        }
    }

    fn make_room(&mut self, parks: bool, out: &mut Vec<Event>) -> bool {
        // Promoted entries are ahead of all others, so the last one in the queue is the latest.
        let last = self.queue.iter().rposition(|position| parks && !position.present);
        last.map(|at| self.abandon(at, out)).is_some()
    }

    fn full(&self) -> Refusal {
        if self.paused { Refusal::PoolPaused } else { Refusal::PoolFull }
    }

    fn part(&mut self, at: usize, now: Instant, out: &mut Vec<Event>) {
        let patience = patience(&self.queue[at].request);
        (self.queue[at].present, self.queue[at].until) = (false, Some(now + patience));
        if patience.is_zero() {
            self.abandon(at, out);
        }
    }

    fn abandon(&mut self, at: usize, out: &mut Vec<Event>) -> Place {
        let position = self.queue.remove(at);
        out.push(Event::Left { ticket: position.ticket, host: position.request.requester.host().clone() });
        position
    }

    fn leave(&mut self, request: RequestId, now: Instant, out: &mut Vec<Event>) {
        if let Some(at) =
            self.queue.iter().position(|position| position.present && position.request.id == request)
        {
            self.part(at, now, out);
        }
    }

    fn administer(&mut self, request: RequestId, action: AdminAction, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        let at = |ticket| self.queue.iter().position(|position| position.ticket == ticket);
        let moved =
            |position: &Place| AdminOutcome::Moved { host: position.request.requester.host().clone() };
        let what = match action {
            AdminAction::Pause => {
                self.paused = true;
                Some(AdminOutcome::Set)
            }
            AdminAction::Resume if !self.paused => Some(AdminOutcome::Unchanged),
            AdminAction::Resume => {
                self.paused = false;
                out.push(Event::ActionApplied { request, what: Some(AdminOutcome::Set) });
                return self.serve(None, now, out);
            }
            AdminAction::ForceRelease(token) => {
                self.held.iter().find(|slot| slot.token == token).cloned().map(|slot| {
                    self.end(token, EndReason::ForceReleased, Some(request), now, out);
                    let (host, left) = (slot.request.requester.host().clone(), Some(slot.until - now));
                    AdminOutcome::Released { host, held: now - slot.since, left }
                })
            }
            AdminAction::Revoke(token, within) => {
                let slot = self.held.iter_mut().find(|slot| slot.token == token);
                slot.map(|slot| {
                    let end = now + within.unwrap_or(ttl(&slot.request));
                    slot.revoked = Some(slot.revoked.map_or(end, |earlier| earlier.min(end)));
                    let notified = !matches!(slot.request.requester, Requester::Host(_));
                    let until = if notified { slot.until.max(slot.revoked.unwrap()) } else { slot.until };
                    AdminOutcome::Revoked {
                        host: slot.request.requester.host().clone(),
                        until: Some(until),
                        notified,
                    }
                })
            }
            AdminAction::Promote(ticket) => at(ticket).map(|at| {
                let position = self.queue.remove(at);
                self.queue.insert(0, position.clone());
                moved(&position)
            }),
            AdminAction::Evict(ticket) => at(ticket).map(|at| {
                let position = self.queue.remove(at);
                if position.present {
                    out.push(refused(position.request.id, Refusal::Evicted, None));
                }
                moved(&position)
            }),
        };
        out.push(Event::ActionApplied { request, what });
    }

    fn end(
        &mut self,
        token: Token,
        how: EndReason,
        by: Option<RequestId>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        let Some(at) = self.held.iter().position(|slot| slot.token == token) else { return };
        let slot = self.held.remove(at);
        let revoked = slot.revoked();
        let Slot { token, request, since, waited, .. } = slot;
        let (id, requester, command) = (request.lease, request.requester, request.command);
        out.push(Event::Ended(EndedLease {
            token,
            id,
            requester,
            command,
            waited,
            held: now - since,
            how,
            by,
            revoked,
        }));
        self.serve(Some(now), now, out);
    }

    fn expire(&mut self, now: Instant, out: &mut Vec<Event>) {
        loop {
            let slot = self.held.iter().map(|slot| (slot.until, slot.token)).min();
            let position =
                self.queue.iter().filter_map(|position| Some((position.until?, position.ticket))).min();
            let due = |end: Option<Instant>| end.is_some_and(|end| end <= now);
            let slot_first = slot.is_some_and(|(end, _)| position.is_none_or(|(other, _)| end <= other));
            match (slot, position) {
                (Some((end, token)), _) if slot_first && due(Some(end)) => {
                    let deliveries = self.held.iter().any(|slot| slot.token == token && slot.deliveries > 0);
                    self.end(
                        token,
                        if deliveries { EndReason::Expired } else { EndReason::Undelivered },
                        None,
                        now,
                        out,
                    );
                }
                (_, Some((end, ticket))) if !slot_first && due(Some(end)) => {
                    let at = self.queue.iter().position(|position| position.ticket == ticket).unwrap();
                    if self.queue[at].present {
                        let why = if self.paused { Refusal::PoolPaused } else { Refusal::WaitTimeout };
                        out.push(refused(self.queue[at].request.id, why, Some(at + 1)));
                        self.part(at, now, out);
                    } else {
                        self.abandon(at, out);
                    }
                }
                _ => return,
            }
        }
    }

    fn serve(&mut self, freed: Option<Instant>, now: Instant, out: &mut Vec<Event>) {
        while !self.paused && self.held.len() < self.slots && !self.queue.is_empty() {
            self.token += 1;
            let first = self.queue[0].clone();
            let (mine, others): (Vec<_>, Vec<_>) = self
                .queue
                .drain(..)
                .partition(|position| position.request.requester == first.request.requester);
            self.queue = others;
            let deliveries = mine.iter().filter(|position| position.present).count();
            let until = if deliveries == 0 { first.until.unwrap() } else { now + ttl(&first.request) };
            let (token, waited) = (Token(self.token), now - first.since);
            let slot =
                Slot { token, request: first.request, since: now, waited, until, deliveries, revoked: None };
            let (host, command) = (slot.request.requester.host().clone(), slot.request.command.clone());
            out.push(Event::Granted { token, host, waited, command });
            for (number, position) in mine.into_iter().enumerate().filter(|(_, position)| position.present) {
                let lease = LeaseDetails { waited: now - position.since, ..slot.leased() };
                out.push(Event::Answered(Delivery {
                    request: position.request.id,
                    lease,
                    again: number > 0,
                    freed,
                }));
            }
            self.held.push(slot);
        }
    }

    fn release(&mut self, released: RequestId, held: &ReleaseTarget, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        let is_it = |request: &AcquireRequest| match held {
            ReleaseTarget::Lease(id) => request.lease == Some(*id),
            ReleaseTarget::Requester(requester) => request.requester == *requester,
        };
        let slot = self.held.iter().find(|slot| is_it(&slot.request)).map(|slot| slot.token);
        let position = self.queue.iter().position(|position| {
            is_resumable(&position.request)
                && matches!(held, ReleaseTarget::Requester(_))
                && is_it(&position.request)
        });
        if let Some(token) = slot {
            self.end(token, EndReason::Released, Some(released), now, out);
        }
        if let Some(at) = position {
            let position = self.abandon(at, out);
            if position.present {
                out.push(refused(position.request.id, Refusal::Superseded, None));
            }
        }
        out.push(Event::Released { request: released, had: slot.is_some() || position.is_some() });
    }

    fn undelivered(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        let Some(slot) = self.held.iter_mut().find(|slot| slot.token == token) else { return };
        slot.deliveries -= 1;
        if slot.deliveries == 0 {
            let patience = patience(&slot.request);
            slot.end_at(now + patience);
            if patience.is_zero() {
                self.end(token, EndReason::Undelivered, None, now, out);
            }
        }
    }

    fn renew(
        &mut self,
        request: RequestId,
        lease: LeaseId,
        ttl: Option<Duration>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.expire(now, out);
        let Some(slot) = self.held.iter_mut().find(|slot| slot.request.lease == Some(lease)) else {
            return out.push(refused(request, Refusal::LeaseLost, None));
        };
        slot.request.ttl = ttl.or(slot.request.ttl);
        slot.extend(now);
        out.push(Event::Renewed { request, lease: slot.leased() });
    }
}

impl Model {
    /// A pool with this number of slots, whose first token is 101.
    pub(crate) fn of(slots: u32) -> Self {
        Self { slots: slots as usize, token: 100, ..Self::default() }
    }

    /// Hosts of the resumable waiters, in order.
    pub(crate) fn queued_owners(&self) -> Vec<&str> {
        let owners = self.queue.iter().filter(|position| is_resumable(&position.request));
        owners.map(|position| position.request.requester.host().as_str()).collect()
    }
}

/// The history that steps refer to.
#[derive(Debug, Default)]
pub(crate) struct Past {
    pub(crate) requests: Vec<RequestId>,
    /// Responses on their way, which may turn out to be undelivered.
    pub(crate) grants: Vec<LeaseDetails>,
}

pub(crate) fn play(
    step: &Step,
    pool: &mut Stage,
    model: &mut Model,
    past: &mut Past,
) -> (Vec<Event>, Vec<Event>) {
    let (id, mut expected) = (RequestId::next(), Vec::new());
    let out = &mut expected;
    let seconds = |n: u8| SECOND * u32::from(n);
    let pick = |n: usize, from: &[LeaseDetails]| from.get(n.checked_rem(from.len())?).cloned();
    let real = match *step {
        Step::Enter { index, wait, patience, ttl } => {
            let requester = requester(index, id);
            let classic = matches!(requester, Requester::Host(_));
            let request = AcquireRequest {
                id,
                requester,
                wait: (wait <= 5).then(|| seconds(wait)),
                patience: patience.filter(|_| !classic).map(seconds),
                ttl: ttl.filter(|_| !classic).map(seconds),
                command: None,
                lease: (!classic).then(LeaseId::random),
                want_snapshot: false,
            };
            past.requests.push(id);
            model.enter(request.clone(), pool.now, out);
            pool.acquire(request).1
        }
        Step::Cancel(n) => {
            if let Some(request) = n.checked_rem(past.requests.len()).map(|n| past.requests[n]) {
                model.leave(request, pool.now, out);
                pool.cancel(request)
            } else {
                Vec::new()
            }
        }
        Step::Release { index } => {
            let held = ReleaseTarget::Requester(requester(index, id));
            model.release(id, &held, pool.now, out);
            pool.act(|rules, now, out| rules.release(id, &held, now, out))
        }
        Step::ReleaseLease(n) => {
            let Some(lease) = pick(n, &past.grants).and_then(|lease| lease.id) else {
                return Default::default();
            };
            model.release(id, &ReleaseTarget::Lease(lease), pool.now, out);
            pool.act(|rules, now, out| rules.release(id, &ReleaseTarget::Lease(lease), now, out))
        }
        Step::Undelivered(n) => {
            let Some(LeaseDetails { token, .. }) = pick(n, &past.grants) else {
                return Default::default();
            };
            past.grants.remove(n % past.grants.len());
            model.undelivered(token, pool.now, out);
            pool.act(|rules, now, out| rules.undelivered(token, now, out))
        }
        Step::Renew(n, ttl) => {
            let Some(lease) = pick(n, &past.grants).and_then(|lease| lease.id) else {
                return Default::default();
            };
            model.renew(id, lease, ttl.map(seconds), pool.now, out);
            pool.act(|rules, now, out| rules.renew(id, lease, ttl.map(seconds), now, out))
        }
        Step::Force(n) => {
            let token = pick(n, &past.grants).map_or(Token(0), |lease| lease.token);
            administer(id, AdminAction::ForceRelease(token), pool, model, out)
        }
        Step::Revoke(n, within) => {
            let token = pick(n, &past.grants).map_or(Token(0), |lease| lease.token);
            administer(id, AdminAction::Revoke(token, within.map(seconds)), pool, model, out)
        }
        Step::Admin(action) => administer(id, action, pool, model, out),
        Step::Pass(n) => {
            model.expire(pool.now + seconds(n), out);
            pool.pass(seconds(n))
        }
    };
    (real, expected)
}

fn administer(
    id: RequestId,
    action: AdminAction,
    pool: &mut Stage,
    model: &mut Model,
    expected: &mut Vec<Event>,
) -> Vec<Event> {
    model.administer(id, action, pool.now, expected);
    pool.act(|rules, now, out| rules.administer(id, action, &operator(), now, out))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn the_rules_behave_like_the_model(slots in 1..4u32, steps in steps()) {
        let settings = Pool { slots, expire: Some(TTL), max_waiters: MAX_WAITERS, ..settings() };
        let mut pool = Stage::new(settings);
        let mut model = Model::of(slots);
        let (mut past, mut latest) = (Past::default(), 100);

        for step in &steps {
            let (real, expected) = play(step, &mut pool, &mut model, &mut past);

            prop_assert_eq!(&real, &expected, "at {:?}", step);
            prop_assert!(model.held.len() <= slots as usize);
            let ends = model.held.iter().map(|slot| slot.until);
            let next_end = ends.chain(model.queue.iter().filter_map(|position| position.until)).min();
            prop_assert_eq!(pool.rules.next_deadline(), next_end);
            prop_assert_eq!(pool.rules.snapshot(PageCursor::default(), pool.now).waiting, model.queue.len());
            for event in real {
                if let Event::Granted { token, .. } = &event {
                    prop_assert!(token.0 > latest, "tokens rise");
                    latest = token.0;
                }
                if let Event::Answered(granted) = event {
                    past.grants.push(granted.lease);
                }
            }
        }
    }
}
