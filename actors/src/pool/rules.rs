//! The rules of a pool: a fixed number of slots, who holds them until when, and who is next.
//!
//! Plain data that is told the time: no clock, no actix, no I/O. What happens comes out as [`Event`]s, in
//! the order in which it happened.
//!
//! ```text
//!              ┌── granted ─────────────────────────► told ─┬ released, expired
//!  ask ─ enter ┼── parked ─┬ its turn ──────────────────┘   │
//!              │           └ cut, or wait over ─┐           └ unheard ─┐
//!              └── refused ─ (names patience) ──┴► place kept ─┐       │
//!                                                              ├ patience ─┬ asks again: goes on there
//!                                     its turn: grant kept ◄───┘           └ over: the next one's turn
//! ```

use std::{iter, time::Duration};

use distributex_config as config;
use distributex_config::{Limits, Name};
use tokio::time::Instant;

use super::{
    AcquireRequest, Delivery, EndReason, Event, Holder, LeaseDetails, LeaseId, MAX_SHOWN, Operator,
    PageCursor, PoolCounts, PoolSnapshot, Refusal, ReleaseTarget, RequestId, Ticket, Token,
    lease::{Lease, Leases},
    persistence::{ChangeLog, HighestNumbers},
    queue::{Queue, Waiter},
    unrecorded::Unrecorded,
};

/// How long a place or a grant waits for an asker that comes back and did not say how long.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// A pool whose leases and line are kept here.
#[derive(Debug)]
pub struct Rules {
    /// What the configuration says of it.
    pub(super) settings: config::Pool,
    /// What one ask may want at most.
    pub(super) limits: Limits,
    /// The slots that are held.
    pub(super) leases: Leases,
    /// Who waits. Nobody does while a slot is free and may be given.
    pub(super) queue: Queue,
    /// The token of the latest grant.
    pub(super) last: Token,
    /// Whether nothing is granted any more.
    pub(super) closed: bool,
    /// Whether a store says which slots are free; see [`super::stored`].
    pub(super) stored: bool,
    /// Leases of a store that are to end there.
    pub(super) overdue: Vec<Token>,
    /// Whether nothing is granted because nothing can be written down; see [`super::kept`].
    pub(super) suspended: bool,
    /// Whether the pool was taken out of the configuration; see [`super::terms`].
    pub(super) retired: bool,
    /// Who paused the pool, if it is paused; see [`super::lever`].
    pub(super) paused: Option<Operator>,
    /// Whether that has to be written down anew.
    pub(super) pauses: ChangeLog<()>,
    /// What was written down of the numbers given out.
    pub(super) kept: HighestNumbers,
    /// Grants that are not written down yet, if anything is.
    pub(super) unrecorded: Unrecorded,
}

impl Rules {
    /// An empty pool, whose grants have tokens above `last`.
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

    /// Somebody asks for a slot. Asking twice is asking once: an asker that holds one is told so again, and
    /// one that comes back takes its own place over; nobody overtakes the line.
    ///
    /// A classic host's lease ends when it would have ended; any other lease is renewed by asking again.
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

    /// The request of an ask ended before its answer. Whoever comes back has its patience to do so; any other
    /// place is given up. What was granted before is not touched.
    pub fn cancel(&mut self, request: RequestId, now: Instant, out: &mut Vec<Event>) {
        if let Some(ticket) = self.queue.ticket_of(request) {
            self.detach_request(ticket, now, out);
        } else {
            self.unrecorded.leave(request);
        }
    }

    /// Lets a lease live for `ttl` from now, or for as long as when it was granted; no longer than the pool
    /// allows.
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

    /// Ends a lease, or gives up the place of an asker that comes back; also of one that would get nothing any
    /// more.
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

    /// An answer that was to tell of this lease was not sent. If nobody else was told of it, it waits for its
    /// asker to come back, or ends if it does not.
    pub fn undelivered(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        let suspended = self.suspended;
        let lease = self.leases.change(token, |lease| {
            lease.told -= 1;
            if lease.told == 0 && lease.patience > Duration::ZERO {
                lease.end_at(patience_deadline(lease.patience, suspended, now));
            }
        });
        if lease.is_some_and(|lease| lease.told == 0 && lease.patience.is_zero()) {
            self.on_lease_expired(token, now, out);
        }
    }

    /// Does what is due: ends leases, the parking of asks, and patience, in the order of their times.
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

    /// When the next thing ends by itself.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let (lease, position) = (self.leases.next_deadline(), self.queue.next_deadline());
        lease.map(|(end, _)| end).into_iter().chain(position.map(|(end, _)| end)).min()
    }

    /// From now on nothing is granted.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// What anybody may know of the pool: the page that begins there.
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

    /// The same in numbers.
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

    /// Who holds a slot with this token. A lease that is over holds none, even if nobody has noticed yet.
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

    /// Whether the place of an ask that does not park is kept: only who comes back, and said so.
    fn may_queue(&self, request: &AcquireRequest) -> bool {
        let requests = request.patience.is_some() && !self.patience(request).is_zero();
        requests && self.queue.absent_of(request.requester.host()) < self.limits.absent_per_host
    }

    /// Gives up the last place of somebody who is not there, for an ask that waits. False if there is none.
    fn make_room_for(&mut self, request: &AcquireRequest, out: &mut Vec<Event>) -> bool {
        let last = if request.parks() { self.queue.last_absent(None) } else { None };
        if let Some(ticket) = last {
            self.remove_waiter(ticket, out);
        }
        last.is_some()
    }

    /// Gives up the last places of a host of which too many are kept for askers who are not there.
    pub(super) fn limit_absent(&mut self, host: &Name, out: &mut Vec<Event>) {
        while self.queue.absent_of(host) > self.limits.absent_per_host
            && let Some(ticket) = self.queue.last_absent(Some(host))
        {
            self.remove_waiter(ticket, out);
        }
    }

    /// The same for all hosts.
    pub(super) fn limit_all_absent(&mut self, out: &mut Vec<Event>) {
        for host in self.queue.absent_hosts() {
            self.limit_absent(&host, out);
        }
    }

    pub(super) fn patience(&self, request: &AcquireRequest) -> Duration {
        if request.requester.is_resumable() {
            request.patience.unwrap_or(DEFAULT_PATIENCE).min(self.limits.longest_patience)
        } else {
            Duration::ZERO
        }
    }

    /// An ask, as it stands in line.
    pub(super) fn waiter(&self, request: &AcquireRequest, now: Instant) -> Waiter {
        Waiter {
            requester: request.requester.clone(),
            since: now,
            present: Some(request.id),
            until: request.wait.map(|wait| now + wait.min(self.limits.longest_wait)),
            patience: self.patience(request),
            ttl: shorter(request.ttl, self.settings.expire),
            command: request.command.clone(),
            lease: request.lease,
            moved: None,
        }
    }

    /// Tells an asker once more of the lease it has.
    fn answer_again(&mut self, token: Token, request: &AcquireRequest, now: Instant, out: &mut Vec<Event>) {
        let new = self.waiter(request, now);
        let mut again = false;
        let lease = self.leases.change(token, |lease| {
            again = lease.told > 0;
            lease.told += 1;
            if request.requester.is_resumable() {
                lease.patience = new.patience;
                if !(self.stored && lease.revoked.is_some()) {
                    lease.extend(new.ttl, now); // else the store has decided that
                }
                lease.command = new.command.or_else(|| lease.command.take());
            }
        });
        let lease = lease.map(Lease::details);
        out.extend(
            lease.map(|lease| Event::Answered(Delivery { request: request.id, lease, again, freed: None })),
        );
    }

    /// An asker that comes back goes on where it stands. Its older request, if one is parked, ends.
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

    /// Lets an ask wait at its place, or the place alone if the ask does not wait.
    fn park(&mut self, ticket: Ticket, request: &AcquireRequest, now: Instant, out: &mut Vec<Event>) {
        let position = self.queue.position(ticket);
        if request.parks() {
            out.push(Event::Placed { request: request.id, ticket, position });
        } else {
            refuse(request.id, self.full(), Some(position), out);
            self.detach_request(ticket, now, out);
        }
    }

    /// What was due at this place: the end of its parking, or of its patience.
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

    /// The request at this place has ended: from here on the place lives as long as its patience.
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

    /// Nobody stands at this place any more, and nobody gets a slot for it. Returns the request that was parked
    /// there.
    pub(super) fn remove_waiter(&mut self, ticket: Ticket, out: &mut Vec<Event>) -> Option<RequestId> {
        let Waiter { requester, present, .. } = self.queue.remove(ticket)?;
        out.push(Event::Left { ticket, host: requester.host().clone() });
        present
    }

    /// A lease has ended by itself, or is not wanted by anybody. One of a store ends when the store says so.
    fn on_lease_expired(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        if self.stored {
            return self.mark_overdue(token, now);
        }
        let how = self.expiry_reason(token);
        self.end(token, how, None, now, out);
    }

    /// How a lease has ended that nobody released.
    pub(crate) fn expiry_reason(&self, token: Token) -> EndReason {
        let delivered = self.leases.get(token).is_some_and(|lease| lease.told > 0);
        if delivered { EndReason::Expired } else { EndReason::Undelivered }
    }

    /// Gives every free slot to whoever waits longest.
    pub fn serve(&mut self, now: Instant, out: &mut Vec<Event>) {
        self.serve_slots_freed(None, now, out);
    }

    /// The same; the slots came free at this moment.
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

    /// The next grant takes these waiters out of the queue.
    fn note_unrecorded(&mut self, waiters: &[(Ticket, Waiter)]) {
        if self.leases.changed().is_enabled() {
            self.unrecorded.note(self.last.next(), waiters);
        }
    }

    /// Gives a slot to an asker, and tells all its parked requests. If it has none, the slot waits for it as
    /// its place would have.
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
        let (token, waited, told) = (self.last, now - first.since, requests().count() as u64);
        let until = if told == 0 { first.until } else { first.ttl.map(|ttl| now + ttl) };
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
            told,
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

/// When patience ends that begins now: not while those who would come back cannot.
pub(super) fn patience_deadline(patience: Duration, suspended: bool, now: Instant) -> Option<Instant> {
    (!suspended).then(|| now + patience)
}

/// The shorter of two times, where `None` is for ever.
pub(super) fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

pub(crate) fn refuse(request: RequestId, why: Refusal, position: Option<usize>, out: &mut Vec<Event>) {
    out.push(Event::Refused { request, why, position });
}
