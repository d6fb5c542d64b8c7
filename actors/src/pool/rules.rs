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
    After, Ask, AskId, Counts, Ending, Event, Granted, Held, Holder, LeaseId, Leased, Operator, Refusal,
    SHOWN, State, Ticket, Token,
    kept::{Changed, Numbers},
    lease::{Lease, Leases},
    line::{Line, Waiter},
    unrecorded::Unrecorded,
};

/// How long a place or a grant waits for an asker that comes back and did not say how long.
pub const PATIENCE: Duration = Duration::from_secs(10);

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
    pub(super) line: Line,
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
    pub(super) pauses: Changed<()>,
    /// What was written down of the numbers given out.
    pub(super) kept: Numbers,
    /// Grants that are not written down yet, if anything is.
    pub(super) unrecorded: Unrecorded,
}

impl Rules {
    /// An empty pool, whose grants have tokens above `last`.
    #[must_use]
    pub fn new(settings: config::Pool, limits: Limits, last: Token) -> Self {
        let (leases, line, overdue) = (Leases::default(), Line::default(), Vec::new());
        Self {
            settings,
            limits,
            leases,
            line,
            last,
            closed: false,
            stored: false,
            overdue,
            suspended: false,
            retired: false,
            paused: None,
            pauses: Changed::default(),
            kept: Numbers::default(),
            unrecorded: Unrecorded::default(),
        }
    }

    /// Somebody asks for a slot. Asking twice is asking once: an asker that holds one is told so again, and
    /// one that comes back takes its own place over; nobody overtakes the line.
    ///
    /// A classic host's lease ends when it would have ended; any other lease is renewed by asking again.
    pub fn enter(&mut self, ask: Ask, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        if let Some(why) = self.turns_away(&ask.asker) {
            return refuse(ask.id, why, None, out);
        }
        if let Some(token) = self.leases.of(&ask.asker) {
            return self.tell(token, &ask, now, out);
        }
        if let Some(ticket) = self.line.place_of(&ask.asker) {
            return self.take_over(ticket, ask, now, out);
        }
        if self.has_room() && self.line.is_empty() {
            let waiter = self.waiter(&ask, now);
            self.note_unrecorded(&[]);
            return self.grant(waiter, Vec::new(), None, now, out);
        }
        if !ask.parks() && !self.keeps_a_place_for(&ask) {
            return refuse(ask.id, self.full(), Some(self.line.len() + 1), out);
        }
        if self.line.len() >= self.settings.max_waiters && !self.makes_room_for(&ask, out) {
            return refuse(ask.id, Refusal::LineFull, None, out);
        }
        let waiter = self.waiter(&ask, now);
        let ticket = self.line.enter(waiter);
        let (host, place) = (ask.asker.host().clone(), self.line.len());
        out.push(Event::Joined { ticket, host, place });
        self.park(ticket, &ask, now, out);
    }

    /// The request of an ask ended before its answer. Whoever comes back has its patience to do so; any other
    /// place is given up. What was granted before is not touched.
    pub fn leave(&mut self, ask: AskId, now: Instant, out: &mut Vec<Event>) {
        if let Some(ticket) = self.line.ticket_of(ask) {
            self.part(ticket, now, out);
        } else {
            self.unrecorded.leave(ask);
        }
    }

    /// Lets a lease live for `ttl` from now, or for as long as when it was granted; no longer than the pool
    /// allows.
    pub fn renew(
        &mut self,
        ask: AskId,
        lease: LeaseId,
        ttl: Option<Duration>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.expire(now, out);
        let most = self.settings.expire;
        let lease = self.leases.named(lease).and_then(|token| {
            self.leases.change(token, |lease| {
                lease.extend(shorter(ttl.or(lease.ttl), most), now);
            })
        });
        match lease {
            Some(lease) => out.push(Event::Renewed { ask, lease: lease.leased() }),
            None => refuse(ask, Refusal::LeaseLost, None, out),
        }
    }

    /// Ends a lease, or gives up the place of an asker that comes back; also of one that would get nothing any
    /// more.
    pub fn release(&mut self, ask: AskId, held: &Held, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        let (lease, place) = match held {
            Held::Lease(id) => (self.leases.named(*id), None),
            Held::By(asker) => (self.leases.of(asker), self.line.place_of(asker)),
        };
        let had = lease.is_some() || place.is_some();
        if let Held::By(asker) = held
            && let Some(why) = self.turns_away(asker).filter(|_| !had)
        {
            return refuse(ask, why, None, out);
        }
        if let Some(token) = lease {
            self.end(token, Ending::Released, Some(ask), now, out);
        }
        if let Some(parked) = place.and_then(|ticket| self.give_up_place(ticket, out)) {
            refuse(parked, Refusal::Superseded, None, out);
        }
        out.push(Event::Released { ask, had });
    }

    /// An answer that was to tell of this lease was not sent. If nobody else was told of it, it waits for its
    /// asker to come back, or ends if it does not.
    pub fn unheard(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        let suspended = self.suspended;
        let lease = self.leases.change(token, |lease| {
            lease.told -= 1;
            if lease.told == 0 && lease.patience > Duration::ZERO {
                lease.end_at(end_of_patience(lease.patience, suspended, now));
            }
        });
        if lease.is_some_and(|lease| lease.told == 0 && lease.patience.is_zero()) {
            self.over(token, now, out);
        }
    }

    /// Does what is due: ends leases, the parking of asks, and patience, in the order of their times.
    pub fn expire(&mut self, now: Instant, out: &mut Vec<Event>) {
        while self.next_end().is_some_and(|end| end <= now) {
            match (self.leases.next_end(), self.line.next_end()) {
                (Some((end, token)), place) if place.is_none_or(|(other, _)| end <= other) => {
                    self.over(token, now, out);
                }
                (_, Some((_, ticket))) => self.wait_over(ticket, now, out),
                (_, None) => return,
            }
        }
    }

    /// When the next thing ends by itself.
    #[must_use]
    pub fn next_end(&self) -> Option<Instant> {
        let (lease, place) = (self.leases.next_end(), self.line.next_end());
        lease.map(|(end, _)| end).into_iter().chain(place.map(|(end, _)| end)).min()
    }

    /// From now on nothing is granted.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// What anybody may know of the pool: the page that begins there.
    #[must_use]
    pub fn state(&self, after: After, now: Instant) -> State {
        let mut holders = self.leases.holders(after.token, SHOWN + 1, now);
        let mut first = self.line.waiting(after.ticket, SHOWN + 1, now);
        let has_more = holders.len() > SHOWN || first.len() > SHOWN;
        holders.truncate(SHOWN);
        first.truncate(SHOWN);
        let next = After {
            token: holders.last().map_or(after.token, |holder| holder.token),
            ticket: first.last().map_or(after.ticket, |waiting| waiting.ticket),
        };
        State {
            slots: self.settings.slots,
            held: self.leases.len(),
            holders,
            waiting: self.line.len(),
            first,
            next: has_more.then_some(next),
            paused: self.paused.clone(),
            removed: self.retired,
        }
    }

    /// The same in numbers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            slots: self.settings.slots,
            held: self.leases.len(),
            waiting: self.line.len(),
            held_since: self.leases.oldest().map(|lease| lease.since),
            waiting_since: self.line.since(),
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

    fn has_room(&self) -> bool {
        let grants = !self.closed && !self.stored && !self.suspended && self.paused.is_none();
        grants && self.leases.len() < self.settings.slots as usize
    }

    /// Why there is no slot, when there is none.
    fn full(&self) -> Refusal {
        if self.paused.is_some() { Refusal::Paused } else { Refusal::Full }
    }

    /// Whether the place of an ask that does not park is kept: only who comes back, and said so.
    fn keeps_a_place_for(&self, ask: &Ask) -> bool {
        let asks = ask.patience.is_some() && !self.patience(ask).is_zero();
        asks && self.line.absent_of(ask.asker.host()) < self.limits.absent_per_host
    }

    /// Gives up the last place of somebody who is not there, for an ask that waits. False if there is none.
    fn makes_room_for(&mut self, ask: &Ask, out: &mut Vec<Event>) -> bool {
        let last = if ask.parks() { self.line.last_absent(None) } else { None };
        if let Some(ticket) = last {
            self.give_up_place(ticket, out);
        }
        last.is_some()
    }

    /// Gives up the last places of a host of which too many are kept for askers who are not there.
    pub(super) fn limit_absent(&mut self, host: &Name, out: &mut Vec<Event>) {
        while self.line.absent_of(host) > self.limits.absent_per_host
            && let Some(ticket) = self.line.last_absent(Some(host))
        {
            self.give_up_place(ticket, out);
        }
    }

    /// The same for all hosts.
    pub(super) fn limit_all_absent(&mut self, out: &mut Vec<Event>) {
        for host in self.line.absent_hosts() {
            self.limit_absent(&host, out);
        }
    }

    pub(super) fn patience(&self, ask: &Ask) -> Duration {
        if ask.asker.comes_back() {
            ask.patience.unwrap_or(PATIENCE).min(self.limits.longest_patience)
        } else {
            Duration::ZERO
        }
    }

    /// An ask, as it stands in line.
    pub(super) fn waiter(&self, ask: &Ask, now: Instant) -> Waiter {
        Waiter {
            asker: ask.asker.clone(),
            since: now,
            present: Some(ask.id),
            until: ask.wait.map(|wait| now + wait.min(self.limits.longest_wait)),
            patience: self.patience(ask),
            ttl: shorter(ask.ttl, self.settings.expire),
            command: ask.command.clone(),
            lease: ask.lease,
            moved: None,
        }
    }

    /// Tells an asker once more of the lease it has.
    fn tell(&mut self, token: Token, ask: &Ask, now: Instant, out: &mut Vec<Event>) {
        let new = self.waiter(ask, now);
        let mut again = false;
        let lease = self.leases.change(token, |lease| {
            again = lease.told > 0;
            lease.told += 1;
            if ask.asker.comes_back() {
                lease.patience = new.patience;
                if !(self.stored && lease.revoked.is_some()) {
                    lease.extend(new.ttl, now); // else the store has decided that
                }
                lease.command = new.command.or_else(|| lease.command.take());
            }
        });
        let lease = lease.map(Lease::leased);
        out.extend(lease.map(|lease| Event::Granted(Granted { ask: ask.id, lease, again, freed: None })));
    }

    /// An asker that comes back goes on where it stands. Its older request, if one is parked, ends.
    fn take_over(&mut self, ticket: Ticket, ask: Ask, now: Instant, out: &mut Vec<Event>) {
        let new = self.waiter(&ask, now);
        let mut older = None;
        self.line.change(ticket, |waiter| {
            older = waiter.present;
            let command = new.command.clone().or_else(|| waiter.command.take());
            let Waiter { since, lease, moved, .. } = *waiter;
            *waiter = Waiter { since, lease, moved, command, ..new };
        });
        if let Some(older) = older {
            refuse(older, Refusal::Superseded, None, out);
        }
        self.park(ticket, &ask, now, out);
    }

    /// Lets an ask wait at its place, or the place alone if the ask does not wait.
    fn park(&mut self, ticket: Ticket, ask: &Ask, now: Instant, out: &mut Vec<Event>) {
        let place = self.line.place(ticket);
        if ask.parks() {
            out.push(Event::Placed { ask: ask.id, ticket, place });
        } else {
            refuse(ask.id, self.full(), Some(place), out);
            self.part(ticket, now, out);
        }
    }

    /// What was due at this place: the end of its parking, or of its patience.
    fn wait_over(&mut self, ticket: Ticket, now: Instant, out: &mut Vec<Event>) {
        match self.line.get(ticket).and_then(|waiter| waiter.present) {
            Some(ask) => {
                let why = if self.paused.is_some() { Refusal::Paused } else { Refusal::WaitOver };
                refuse(ask, why, Some(self.line.place(ticket)), out);
                self.part(ticket, now, out);
            }
            None => drop(self.give_up_place(ticket, out)),
        }
    }

    /// The request at this place has ended: from here on the place lives as long as its patience.
    pub(super) fn part(&mut self, ticket: Ticket, now: Instant, out: &mut Vec<Event>) {
        let (mut host, suspended) = (None, self.suspended);
        self.line.change(ticket, |waiter| {
            host = (!waiter.patience.is_zero()).then(|| waiter.asker.host().clone());
            waiter.present = None;
            waiter.until = end_of_patience(waiter.patience, suspended, now);
        });
        match host {
            Some(host) => self.limit_absent(&host, out),
            None => drop(self.give_up_place(ticket, out)),
        }
    }

    /// Nobody stands at this place any more, and nobody gets a slot for it. Returns the request that was parked
    /// there.
    pub(super) fn give_up_place(&mut self, ticket: Ticket, out: &mut Vec<Event>) -> Option<AskId> {
        let Waiter { asker, present, .. } = self.line.leave(ticket)?;
        out.push(Event::Left { ticket, host: asker.host().clone() });
        present
    }

    /// A lease has ended by itself, or is not wanted by anybody. One of a store ends when the store says so.
    fn over(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        if self.stored {
            return self.overdue(token, now);
        }
        let how = self.ending(token);
        self.end(token, how, None, now, out);
    }

    /// How a lease has ended that nobody released.
    pub(crate) fn ending(&self, token: Token) -> Ending {
        let heard = self.leases.get(token).is_some_and(|lease| lease.told > 0);
        if heard { Ending::Expired } else { Ending::Unheard }
    }

    /// Gives every free slot to whoever waits longest.
    pub fn serve(&mut self, now: Instant, out: &mut Vec<Event>) {
        self.serve_slots_freed(None, now, out);
    }

    /// The same; the slots came free at this moment.
    fn serve_slots_freed(&mut self, freed: Option<Instant>, now: Instant, out: &mut Vec<Event>) {
        while self.has_room()
            && let Some(places) = self.line.take_first()
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
        if self.leases.changed().is_wanted() {
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
        let asks = || iter::once(&first).chain(&others).filter_map(|waiter| Some((waiter.present?, waiter)));
        let (token, waited, told) = (self.last, now - first.since, asks().count() as u64);
        let until = if told == 0 { first.until } else { first.ttl.map(|ttl| now + ttl) };
        let (host, id, ttl) = (first.asker.host(), first.lease, first.ttl);
        out.push(Event::Began { token, host: host.clone(), waited, command: first.command.clone() });
        for (number, (ask, waiter)) in asks().enumerate() {
            let (host, waited) = (host.clone(), now - waiter.since);
            let lease = Leased { id, token, host, ttl, until, waited, revoked: None };
            out.push(Event::Granted(Granted { ask, lease, again: number > 0, freed }));
        }
        let Waiter { asker, patience, command, .. } = first;
        self.leases.begin(Lease {
            token,
            id,
            asker,
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
        how: Ending,
        by: Option<AskId>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        let Some(lease) = self.leases.end(token) else { return };
        out.push(Event::Ended(lease.ended(how, by, now)));
        self.serve_slots_freed(Some(now), now, out);
    }
}

/// When patience ends that begins now: not while those who would come back cannot.
pub(super) fn end_of_patience(patience: Duration, suspended: bool, now: Instant) -> Option<Instant> {
    (!suspended).then(|| now + patience)
}

/// The shorter of two times, where `None` is for ever.
pub(super) fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

pub(crate) fn refuse(ask: AskId, why: Refusal, place: Option<usize>, out: &mut Vec<Event>) {
    out.push(Event::Refused { ask, why, place });
}
