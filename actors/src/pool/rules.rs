//! Rules of a pool: a fixed number of slots, leases, and a queue.
//!
//! Plain data that is given the time: no clock, no actix, no I/O. Everything that happens is emitted as an [`Event`],
//! in order.
//!
//! ```text
//!              ┌── granted ──────────────────────────► delivered ─┬ released, expired
//!  acquire ────┼── parked ─┬ slot freed ────────────────┘         │
//!              │           └ cancelled, or timed out ─┐           └ undelivered ─┐
//!              └── refused ─ (names patience) ────────┴► entry kept ─┐            │
//!                                                                    ├ patience ──┴┬ reconnects: resumes there
//!                                             slot freed: grant kept ┘             └ over: the next waiter is served
//! ```

use std::{iter, time::Duration};

use distributex_config as config;
use distributex_config::{Limits, Name};
use tokio::time::Instant;

use super::{
    AcquireRequest, Delivery, EndReason, Event, Holder, LeaseDetails, LeaseId, MAX_SHOWN, Operator,
    PageCursor, PoolCounts, PoolSnapshot, Refusal, ReleaseTarget, RequestId, Ticket, Token,
    change_log::ChangeLog,
    lease::{Lease, Leases},
    persistence::HighestNumbers,
    queue::{Queue, Waiter},
    unrecorded::Unrecorded,
};

/// Patience of a resumable requester that names none.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// State of one pool.
#[derive(Debug)]
pub struct Rules {
    /// Its configuration.
    pub(super) settings: config::Pool,
    /// Limits of one request.
    pub(super) limits: Limits,
    /// Leases.
    pub(super) leases: Leases,
    /// Waiters. Empty while a slot is free and may be granted.
    pub(super) queue: Queue,
    /// Token of the last grant.
    pub(super) last: Token,
    /// Whether the server drains.
    pub(super) closed: bool,
    /// Whether a shared store decides which slots are free; see [`super::remote`].
    pub(super) stored: bool,
    /// Leases to be ended in a shared store.
    pub(super) overdue: Vec<Token>,
    /// Whether grants are suspended because changes cannot be persisted; see [`super::persistence`].
    pub(super) suspended: bool,
    /// Whether the pool was removed from the configuration; see [`super::access`].
    pub(super) retired: bool,
    /// Who paused the pool, if it is paused; see [`super::action`].
    pub(super) paused: Option<Operator>,
    /// Change log of `paused`.
    pub(super) pauses: ChangeLog<()>,
    /// Highest token and ticket that were persisted.
    pub(super) kept: HighestNumbers,
    /// Grants that are not persisted yet, if any are.
    pub(super) unrecorded: Unrecorded,
}

impl Rules {
    /// An empty pool whose grants get tokens above `last`.
    #[must_use]
    pub fn new(settings: config::Pool, limits: Limits, last: Token) -> Self {
        let (leases, queue, overdue) = (Leases::default(), Queue::default(), Vec::new());
        Self {
            settings,
            limits,
            leases,
            queue,
            last,
            closed: false,
            stored: false,
            overdue,
            suspended: false,
            retired: false,
            paused: None,
            pauses: ChangeLog::default(),
            kept: HighestNumbers::default(),
            unrecorded: Unrecorded::default(),
        }
    }

    /// Requests a slot. Idempotent: a requester that holds one gets it again, and a resumable one takes over its own
    /// queue entry. Nobody overtakes the queue.
    ///
    /// Repeating does not move the expiry of a classic host's lease; any other lease is renewed.
    pub fn acquire(&mut self, request: AcquireRequest, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        if let Some(why) = self.rejects(&request.requester) {
            return refuse(request.id, why, None, out);
        }
        if let Some(token) = self.leases.token_of(&request.requester) {
            return self.answer_again(token, &request, now, out);
        }
        if let Some(ticket) = self.queue.ticket_of_requester(&request.requester) {
            return self.take_over(ticket, request, now, out);
        }
        if self.has_free_slot() && self.queue.is_empty() {
            let waiter = self.waiter(&request, now);
            self.note_unrecorded(&[]);
            return self.grant(waiter, Vec::new(), None, now, out);
        }
        if !request.parks() && !self.may_queue(&request) {
            return refuse(request.id, self.full(), Some(self.queue.len() + 1), out);
        }
        if self.queue.len() >= self.settings.max_waiters && !self.make_room_for(&request, out) {
            return refuse(request.id, Refusal::QueueFull, None, out);
        }
        let waiter = self.waiter(&request, now);
        let ticket = self.queue.push(waiter);
        let (host, position) = (request.requester.host().clone(), self.queue.len());
        out.push(Event::Queued { ticket, host, position });
        self.park(ticket, &request, now, out);
    }

    /// Ends a request before its response. The entry of a resumable requester is kept for its patience; any other is
    /// removed. Leases are not touched.
    pub fn cancel(&mut self, request: RequestId, now: Instant, out: &mut Vec<Event>) {
        if let Some(ticket) = self.queue.ticket_of(request) {
            self.detach_request(ticket, now, out);
        } else {
            self.unrecorded.leave(request);
        }
    }

    /// Extends a lease to `ttl` from now, at most the pool's `expire`; `None`: as when it was granted.
    pub fn renew(
        &mut self,
        request: RequestId,
        lease: LeaseId,
        ttl: Option<Duration>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.expire(now, out);
        let most = self.settings.expire;
        let lease = self.leases.token_of_id(lease).and_then(|token| {
            self.leases.change(token, |lease| {
                lease.extend(shorter(ttl.or(lease.ttl), most), now);
            })
        });
        match lease {
            Some(lease) => out.push(Event::Renewed { request, lease: lease.details() }),
            None => refuse(request, Refusal::LeaseLost, None, out),
        }
    }

    /// Ends a lease, or removes the queue entry of a resumable requester; also for requesters that are no longer
    /// allowed.
    pub fn release(&mut self, request: RequestId, held: &ReleaseTarget, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        let (lease, position) = match held {
            ReleaseTarget::Lease(id) => (self.leases.token_of_id(*id), None),
            ReleaseTarget::Requester(requester) => {
                (self.leases.token_of(requester), self.queue.ticket_of_requester(requester))
            }
        };
        let had = lease.is_some() || position.is_some();
        if let ReleaseTarget::Requester(requester) = held
            && let Some(why) = self.rejects(requester).filter(|_| !had)
        {
            return refuse(request, why, None, out);
        }
        if let Some(token) = lease {
            self.end(token, EndReason::Released, Some(request), now, out);
        }
        if let Some(parked) = position.and_then(|ticket| self.remove_waiter(ticket, out)) {
            refuse(parked, Refusal::Superseded, None, out);
        }
        out.push(Event::Released { request, had });
    }

    /// Takes back a delivery: a response that carried this lease was not sent. If no other carried it, the lease is
    /// kept for its patience, or ends.
    pub fn undelivered(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        let suspended = self.suspended;
        let lease = self.leases.change(token, |lease| {
            lease.deliveries -= 1;
            if lease.deliveries == 0 && lease.patience > Duration::ZERO {
                lease.end_at(patience_deadline(lease.patience, suspended, now));
            }
        });
        if lease.is_some_and(|lease| lease.deliveries == 0 && lease.patience.is_zero()) {
            self.on_lease_expired(token, now, out);
        }
    }

    /// Applies everything that is due, in the order of its time: expired leases, waits and patience.
    pub fn expire(&mut self, now: Instant, out: &mut Vec<Event>) {
        while self.next_deadline().is_some_and(|end| end <= now) {
            match (self.leases.next_deadline(), self.queue.next_deadline()) {
                (Some((end, token)), position) if position.is_none_or(|(other, _)| end <= other) => {
                    self.on_lease_expired(token, now, out);
                }
                (_, Some((_, ticket))) => self.on_wait_timeout(ticket, now, out),
                (_, None) => return,
            }
        }
    }

    /// When the next lease, wait or patience ends.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let (lease, position) = (self.leases.next_deadline(), self.queue.next_deadline());
        lease.map(|(end, _)| end).into_iter().chain(position.map(|(end, _)| end)).min()
    }

    /// Grants nothing from now on.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// One page of the public state.
    #[must_use]
    pub fn snapshot(&self, after: PageCursor, now: Instant) -> PoolSnapshot {
        let mut holders = self.leases.holders(after.token, MAX_SHOWN + 1, now);
        let mut first = self.queue.snapshot(after.ticket, MAX_SHOWN + 1, now);
        let has_more = holders.len() > MAX_SHOWN || first.len() > MAX_SHOWN;
        holders.truncate(MAX_SHOWN);
        first.truncate(MAX_SHOWN);
        let next = PageCursor {
            token: holders.last().map_or(after.token, |holder| holder.token),
            ticket: first.last().map_or(after.ticket, |waiting| waiting.ticket),
        };
        PoolSnapshot {
            slots: self.settings.slots,
            held: self.leases.len(),
            holders,
            waiting: self.queue.len(),
            waiters: first,
            next: has_more.then_some(next),
            paused: self.paused.clone(),
            removed: self.retired,
        }
    }

    /// Counts for metrics.
    #[must_use]
    pub fn counts(&self) -> PoolCounts {
        PoolCounts {
            slots: self.settings.slots,
            held: self.leases.len(),
            waiting: self.queue.len(),
            held_since: self.leases.oldest().map(|lease| lease.since),
            waiting_since: self.queue.since(),
            paused: self.paused.is_some(),
            gone: self.is_gone(),
        }
    }

    /// The holder with this token. An expired lease has none, even before [`Rules::expire`] removes it.
    #[must_use]
    pub fn holder(&self, token: Token, now: Instant) -> Option<Holder> {
        let holder = self.leases.get(token)?.holder(now);
        holder.until.is_none_or(|until| until > now).then_some(holder)
    }

    fn has_free_slot(&self) -> bool {
        let grants = !self.closed && !self.stored && !self.suspended && self.paused.is_none();
        grants && self.leases.len() < self.settings.slots as usize
    }

    /// Why there is no slot, when there is none.
    fn full(&self) -> Refusal {
        if self.paused.is_some() { Refusal::PoolPaused } else { Refusal::PoolFull }
    }

    /// Whether a request that does not park gets a queue entry: only a resumable one that names its patience.
    fn may_queue(&self, request: &AcquireRequest) -> bool {
        let requests = request.patience.is_some() && !self.patience(request).is_zero();
        requests && self.queue.absent_of(request.requester.host()) < self.limits.absent_per_host
    }

    /// Removes the last entry without a request in favor of a waiting one; `false` if there is none.
    fn make_room_for(&mut self, request: &AcquireRequest, out: &mut Vec<Event>) -> bool {
        let last = if request.parks() { self.queue.last_absent(None) } else { None };
        if let Some(ticket) = last {
            self.remove_waiter(ticket, out);
        }
        last.is_some()
    }

    /// Removes the last entries without a request of a host that has too many.
    pub(super) fn limit_absent(&mut self, host: &Name, out: &mut Vec<Event>) {
        while self.queue.absent_of(host) > self.limits.absent_per_host
            && let Some(ticket) = self.queue.last_absent(Some(host))
        {
            self.remove_waiter(ticket, out);
        }
    }

    /// As [`Rules::limit_absent`], for all hosts.
    pub(super) fn limit_all_absent(&mut self, out: &mut Vec<Event>) {
        for host in self.queue.absent_hosts() {
            self.limit_absent(&host, out);
        }
    }

    pub(super) fn patience(&self, request: &AcquireRequest) -> Duration {
        if request.requester.is_resumable() {
            request.patience.unwrap_or(DEFAULT_PATIENCE).min(self.limits.max_patience)
        } else {
            Duration::ZERO
        }
    }

    /// The queue entry of a request.
    pub(super) fn waiter(&self, request: &AcquireRequest, now: Instant) -> Waiter {
        Waiter {
            requester: request.requester.clone(),
            since: now,
            present: Some(request.id),
            until: request.wait.map(|wait| now + wait.min(self.limits.max_wait)),
            patience: self.patience(request),
            ttl: shorter(request.ttl, self.settings.expire),
            command: request.command.clone(),
            lease: request.lease,
            moved: None,
        }
    }

    /// Answers a requester with the lease it already has.
    fn answer_again(&mut self, token: Token, request: &AcquireRequest, now: Instant, out: &mut Vec<Event>) {
        let new = self.waiter(request, now);
        let mut again = false;
        let lease = self.leases.change(token, |lease| {
            again = lease.deliveries > 0;
            lease.deliveries += 1;
            if request.requester.is_resumable() {
                lease.patience = new.patience;
                if !(self.stored && lease.revoked.is_some()) {
                    lease.extend(new.ttl, now); // otherwise the store has done so
                }
                lease.command = new.command.or_else(|| lease.command.take());
            }
        });
        let lease = lease.map(Lease::details);
        out.extend(
            lease.map(|lease| Event::Answered(Delivery { request: request.id, lease, again, freed: None })),
        );
    }

    /// Lets a repeated request resume its queue entry; an older parked request of it ends.
    fn take_over(&mut self, ticket: Ticket, request: AcquireRequest, now: Instant, out: &mut Vec<Event>) {
        let new = self.waiter(&request, now);
        let mut older = None;
        self.queue.change(ticket, |waiter| {
            older = waiter.present;
            let command = new.command.clone().or_else(|| waiter.command.take());
            let Waiter { since, lease, moved, .. } = *waiter;
            *waiter = Waiter { since, lease, moved, command, ..new };
        });
        if let Some(older) = older {
            refuse(older, Refusal::Superseded, None, out);
        }
        self.park(ticket, &request, now, out);
    }

    /// Parks a request at its entry, or keeps the entry alone if the request does not wait.
    fn park(&mut self, ticket: Ticket, request: &AcquireRequest, now: Instant, out: &mut Vec<Event>) {
        let position = self.queue.position(ticket);
        if request.parks() {
            out.push(Event::Parked { request: request.id, ticket, position });
        } else {
            refuse(request.id, self.full(), Some(position), out);
            self.detach_request(ticket, now, out);
        }
    }

    /// Ends the wait, or the patience, of this entry.
    fn on_wait_timeout(&mut self, ticket: Ticket, now: Instant, out: &mut Vec<Event>) {
        match self.queue.get(ticket).and_then(|waiter| waiter.present) {
            Some(request) => {
                let why = if self.paused.is_some() { Refusal::PoolPaused } else { Refusal::WaitTimeout };
                refuse(request, why, Some(self.queue.position(ticket)), out);
                self.detach_request(ticket, now, out);
            }
            None => drop(self.remove_waiter(ticket, out)),
        }
    }

    /// Detaches the request from this entry, which is kept for its patience from now on.
    pub(super) fn detach_request(&mut self, ticket: Ticket, now: Instant, out: &mut Vec<Event>) {
        let (mut host, suspended) = (None, self.suspended);
        self.queue.change(ticket, |waiter| {
            host = (!waiter.patience.is_zero()).then(|| waiter.requester.host().clone());
            waiter.present = None;
            waiter.until = patience_deadline(waiter.patience, suspended, now);
        });
        match host {
            Some(host) => self.limit_absent(&host, out),
            None => drop(self.remove_waiter(ticket, out)),
        }
    }

    /// Removes an entry without a grant and returns its parked request.
    pub(super) fn remove_waiter(&mut self, ticket: Ticket, out: &mut Vec<Event>) -> Option<RequestId> {
        let Waiter { requester, present, .. } = self.queue.remove(ticket)?;
        out.push(Event::Left { ticket, host: requester.host().clone() });
        present
    }

    /// Ends a lease that expired or was not delivered. One in a shared store ends when the store says so.
    fn on_lease_expired(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        if self.stored {
            return self.mark_overdue(token, now);
        }
        let how = self.expiry_reason(token);
        self.end(token, how, None, now, out);
    }

    /// Why a lease ended that nobody released.
    pub(crate) fn expiry_reason(&self, token: Token) -> EndReason {
        let delivered = self.leases.get(token).is_some_and(|lease| lease.deliveries > 0);
        if delivered { EndReason::Expired } else { EndReason::Undelivered }
    }

    /// Grants all free slots to the longest waiters.
    pub fn serve(&mut self, now: Instant, out: &mut Vec<Event>) {
        self.serve_slots_freed(None, now, out);
    }

    /// As [`Rules::serve`], for slots that became free at `freed`.
    fn serve_slots_freed(&mut self, freed: Option<Instant>, now: Instant, out: &mut Vec<Event>) {
        while self.has_free_slot()
            && let Some(places) = self.queue.take_first()
        {
            self.note_unrecorded(&places);
            let mut waiters = places.into_iter().map(|(_, waiter)| waiter);
            if let Some(first) = waiters.next() {
                self.grant(first, waiters.collect(), freed, now, out);
            }
        }
    }

    /// Notes that the next grant takes these waiters out of the queue.
    fn note_unrecorded(&mut self, waiters: &[(Ticket, Waiter)]) {
        if self.leases.changed().is_enabled() {
            self.unrecorded.note(self.last.next(), waiters);
        }
    }

    /// Grants a slot to a requester and answers all its parked requests. Without one, the grant is kept for the
    /// requester's patience.
    fn grant(
        &mut self,
        first: Waiter,
        others: Vec<Waiter>,
        freed: Option<Instant>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.last = self.last.next();
        let requests =
            || iter::once(&first).chain(&others).filter_map(|waiter| Some((waiter.present?, waiter)));
        let (token, waited, deliveries) = (self.last, now - first.since, requests().count() as u64);
        let until = if deliveries == 0 { first.until } else { first.ttl.map(|ttl| now + ttl) };
        let (host, id, ttl) = (first.requester.host(), first.lease, first.ttl);
        out.push(Event::Granted { token, host: host.clone(), waited, command: first.command.clone() });
        for (number, (request, waiter)) in requests().enumerate() {
            let (host, waited) = (host.clone(), now - waiter.since);
            let lease = LeaseDetails { id, token, host, ttl, until, waited, revoked: None };
            out.push(Event::Answered(Delivery { request, lease, again: number > 0, freed }));
        }
        let Waiter { requester, patience, command, .. } = first;
        self.leases.begin(Lease {
            token,
            id,
            requester,
            since: now,
            waited,
            ttl,
            until,
            patience,
            command,
            deliveries,
            revoked: None,
        });
    }

    pub(super) fn end(
        &mut self,
        token: Token,
        how: EndReason,
        by: Option<RequestId>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        let Some(lease) = self.leases.end(token) else { return };
        out.push(Event::Ended(lease.ended(how, by, now)));
        self.serve_slots_freed(Some(now), now, out);
    }
}

/// End of a patience that begins now; `None` while requesters cannot reconnect.
pub(super) fn patience_deadline(patience: Duration, suspended: bool, now: Instant) -> Option<Instant> {
    (!suspended).then(|| now + patience)
}

/// The shorter of two times; `None` is unlimited.
pub(super) fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

pub(crate) fn refuse(request: RequestId, why: Refusal, position: Option<usize>, out: &mut Vec<Event>) {
    out.push(Event::Refused { request, why, position });
}
