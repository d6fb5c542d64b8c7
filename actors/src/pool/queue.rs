//! The line of a pool: first come, first served. Entering, leaving and being served cost O(log n).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use distributex_config::Name;
use tokio::time::Instant;

use super::{
    LeaseId, RequestId, Requester, Ticket, WaiterSnapshot, persistence::ChangeLog, positions::PositionIndex,
};

/// Who stands in line, and on which terms.
#[derive(Debug, Clone)]
pub struct Waiter {
    /// Who waits.
    pub requester: Requester,
    /// Since when.
    pub since: Instant,
    /// The parked ask; `None` while the place waits for its asker to come back.
    pub present: Option<RequestId>,
    /// When the ask has been parked for long enough, or the place has waited for long enough; `None`: never.
    pub until: Option<Instant>,
    /// How long the place, or a grant, waits for its asker to come back.
    pub patience: Duration,
    /// How long its lease will live without renewal; `None`: for ever.
    pub ttl: Option<Duration>,
    /// What the slot will be for.
    pub command: Option<Arc<str>>,
    /// The secret name of its lease.
    pub lease: Option<LeaseId>,
    /// Where it stands if an operator moved it: before all whose number is larger.
    pub moved: Option<SortKey>,
}

impl Waiter {
    /// What of it can change and is written down.
    fn terms(&self) -> impl PartialEq + use<> {
        (self.patience, self.ttl, self.command.clone(), self.moved)
    }
}

/// Where a place is in the line. That of a ticket is its number; whoever is moved to the front gets one below all
/// others.
pub type SortKey = i64;

/// Where a place with this ticket is that was not moved.
pub(super) fn sort_key_of(Ticket(number): Ticket) -> SortKey {
    SortKey::try_from(number).unwrap_or(SortKey::MAX)
}

/// One place in the line.
#[derive(Debug)]
struct QueueEntry {
    ticket: Ticket,
    waiter: Waiter,
    /// Its seat in the line's [`PositionIndex`].
    index: usize,
}

/// Those who wait for a pool. Every ask of a classic host has a place of its own; any other asker has one.
#[derive(Debug, Default)]
pub struct Queue {
    /// The places, that of the longest waiter first. They stay where they are in memory when others come
    /// and go.
    entries: BTreeMap<SortKey, Box<QueueEntry>>,
    /// Where those are that were moved.
    moved: HashMap<Ticket, SortKey>,
    /// Where a parked ask stands.
    parked: HashMap<RequestId, Ticket>,
    /// Where an asker stands, in all its places.
    by_requester: HashMap<Requester, BTreeSet<SortKey>>,
    /// The places at which something ends by itself, the next one first.
    ends: BTreeSet<(Instant, Ticket)>,
    /// Who stands before whom.
    positions: PositionIndex,
    /// The places whose request has ended.
    absent: BTreeSet<SortKey>,
    /// The same by host.
    absent_of: HashMap<Name, BTreeSet<SortKey>>,
    /// The ticket that was given out last.
    last: u64,
    /// What is written down of the places of those who come back, if anything is.
    changed: ChangeLog<Ticket>,
}

impl Queue {
    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes the last place.
    pub fn push(&mut self, waiter: Waiter) -> Ticket {
        let ticket = Ticket(self.last + 1);
        if waiter.requester.is_resumable() {
            self.changed.note(ticket);
        }
        self.insert(ticket, waiter);
        ticket
    }

    /// Takes the last place with this ticket, or that where it was moved to: one behind all others either way.
    pub(super) fn insert(&mut self, ticket: Ticket, waiter: Waiter) {
        self.last = self.last.max(ticket.0);
        self.moved.extend(waiter.moved.map(|spot| (ticket, spot)));
        let spot = self.sort_key(ticket);
        self.by_requester.entry(waiter.requester.clone()).or_default().insert(spot);
        if self.positions.is_full() {
            self.reindex();
        }
        self.put(ticket, waiter, None);
    }

    /// The ticket that was given out last; those to come are larger.
    pub(super) fn last(&mut self) -> &mut u64 {
        &mut self.last
    }

    /// Which places have to be written down anew.
    pub(super) fn changed(&mut self) -> &mut ChangeLog<Ticket> {
        &mut self.changed
    }

    /// All tickets, that of the longest waiter first.
    pub(super) fn tickets(&self) -> Vec<Ticket> {
        self.entries.values().map(|position| position.ticket).collect()
    }

    /// Lets who has this ticket stand before all others. Returns who that is. Costs O(n).
    pub(super) fn move_to_front(&mut self, ticket: Ticket) -> Option<Name> {
        let (old, first, front) = (self.sort_key(ticket), *self.entries.first_key_value()?.0, self.front());
        let (mut waiter, permit) = self.take(ticket)?;
        let host = waiter.requester.host().clone();
        if old != first {
            waiter.moved = Some(front);
            self.moved.insert(ticket, front);
            if let Some(places) = self.by_requester.get_mut(&waiter.requester) {
                places.remove(&old);
                places.insert(front);
            }
            if waiter.requester.is_resumable() {
                self.changed.note(ticket);
            }
        }
        self.put(ticket, waiter, Some(permit));
        self.reindex();
        Some(host)
    }

    /// Since when the first in line has stood there.
    pub(super) fn since(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|(_, position)| position.waiter.since)
    }

    fn sort_key(&self, ticket: Ticket) -> SortKey {
        if self.moved.is_empty() {
            return sort_key_of(ticket);
        }
        self.moved.get(&ticket).copied().unwrap_or_else(|| sort_key_of(ticket))
    }

    /// Where an asker that comes back stands.
    #[must_use]
    pub fn ticket_of_requester(&self, requester: &Requester) -> Option<Ticket> {
        let first =
            if requester.is_resumable() { self.by_requester.get(requester)?.first()? } else { return None };
        self.entries.get(first).map(|position| position.ticket)
    }

    /// The first place of this asker.
    #[must_use]
    pub fn first_of(&self, requester: &Requester) -> Option<&Waiter> {
        let first = self.by_requester.get(requester)?.first()?;
        self.entries.get(first).map(|position| &position.waiter)
    }

    /// Where this ask stands.
    #[must_use]
    pub fn ticket_of(&self, request: RequestId) -> Option<Ticket> {
        self.parked.get(&request).copied()
    }

    /// Who stands at this place.
    #[must_use]
    pub fn get(&self, ticket: Ticket) -> Option<&Waiter> {
        self.entries.get(&self.sort_key(ticket)).map(|position| &position.waiter)
    }

    /// How many stand before this place, plus one.
    #[must_use]
    pub fn position(&self, ticket: Ticket) -> usize {
        self.entries
            .get(&self.sort_key(ticket))
            .map_or(self.len(), |position| self.positions.before(position.index))
            + 1
    }

    /// Changes what is known of a waiter, but not who it is.
    pub fn change(&mut self, ticket: Ticket, change: impl FnOnce(&mut Waiter)) {
        if let Some((mut waiter, permit)) = self.take(ticket) {
            let is_kept = self.changed.is_enabled() && waiter.requester.is_resumable();
            let terms = is_kept.then(|| waiter.terms());
            change(&mut waiter);
            if terms.is_some_and(|terms| terms != waiter.terms()) {
                self.changed.note(ticket);
            }
            self.put(ticket, waiter, Some(permit));
        }
    }

    /// Gives a place up; whoever stood behind it moves up.
    pub fn remove(&mut self, ticket: Ticket) -> Option<Waiter> {
        let spot = self.sort_key(ticket);
        let (waiter, permit) = self.take(ticket)?;
        self.forget(ticket, &waiter, permit);
        let places = self.by_requester.get_mut(&waiter.requester)?;
        places.remove(&spot);
        if places.is_empty() {
            self.by_requester.remove(&waiter.requester);
        }
        Some(waiter)
    }

    /// Takes out whoever waits longest, and all other places of the same asker, in their order.
    pub fn take_first(&mut self) -> Option<Vec<(Ticket, Waiter)>> {
        let (_, first) = self.entries.first_key_value()?;
        let requester = first.waiter.requester.clone();
        Some(self.take_entries_of(&requester))
    }

    /// Takes out all places of this asker, in their order.
    pub fn take_all(&mut self, requester: &Requester) -> Vec<Waiter> {
        self.take_entries_of(requester).into_iter().map(|(_, waiter)| waiter).collect()
    }

    /// Puts waiters back where they stood before they were taken out. Costs O(n).
    pub(super) fn put_back(&mut self, waiters: Vec<(Ticket, Waiter)>) {
        for (ticket, mut waiter) in waiters {
            if let Some(spot) = waiter.moved
                && self.entries.contains_key(&spot)
            {
                waiter.moved = Some(self.front()); // somebody was moved there meanwhile
            }
            self.moved.extend(waiter.moved.map(|spot| (ticket, spot)));
            let spot = self.sort_key(ticket);
            self.by_requester.entry(waiter.requester.clone()).or_default().insert(spot);
            if waiter.requester.is_resumable() {
                self.changed.note(ticket);
            }
            self.put(ticket, waiter, Some(0));
        }
        self.reindex();
    }

    /// Where a waiter stands before all others: where no ticket is by itself, as the first is 1.
    fn front(&self) -> SortKey {
        self.entries.first_key_value().map_or(1, |(first, _)| *first).min(1) - 1
    }

    fn take_entries_of(&mut self, requester: &Requester) -> Vec<(Ticket, Waiter)> {
        let places = self.by_requester.remove(requester).unwrap_or_default();
        let out = places.into_iter().filter_map(|spot| {
            let ticket = self.entries.get(&spot)?.ticket;
            let (waiter, permit) = self.take(ticket)?;
            self.forget(ticket, &waiter, permit);
            Some((ticket, waiter))
        });
        out.collect()
    }

    /// The place of a waiter that was taken out is not kept.
    fn forget(&mut self, ticket: Ticket, waiter: &Waiter, permit: usize) {
        self.positions.remove(permit);
        if waiter.moved.is_some() {
            self.moved.remove(&ticket);
        }
        if waiter.requester.is_resumable() {
            self.changed.note(ticket);
        }
    }

    /// The first place of each of the first so many askers.
    #[must_use]
    pub fn first_requesters(&self, most: usize) -> Vec<&Waiter> {
        let is_first = |spot: &SortKey, waiter: &Waiter| {
            self.by_requester.get(&waiter.requester).is_some_and(|places| places.first() == Some(spot))
        };
        let waiters = self.entries.iter().map(|(spot, position)| (spot, &position.waiter));
        let firsts = waiters.filter(|(spot, waiter)| is_first(spot, waiter));
        firsts.map(|(_, waiter)| waiter).take(most).collect()
    }

    /// How many places of this host have no request any more.
    #[must_use]
    pub fn absent_of(&self, host: &Name) -> usize {
        self.absent_of.get(host).map_or(0, BTreeSet::len)
    }

    /// The hosts of all such places.
    #[must_use]
    pub fn absent_hosts(&self) -> Vec<Name> {
        self.absent_of.keys().cloned().collect()
    }

    /// The last place in line that has no request any more, of this host or of any.
    #[must_use]
    pub fn last_absent(&self, host: Option<&Name>) -> Option<Ticket> {
        let absent = host.map_or(Some(&self.absent), |host| self.absent_of.get(host))?;
        self.entries.get(absent.last()?).map(|position| position.ticket)
    }

    /// How many askers wait.
    #[must_use]
    pub fn requester_count(&self) -> usize {
        self.by_requester.len()
    }

    /// The requests that are parked, and their places.
    #[must_use]
    pub fn parked(&self) -> Vec<(RequestId, Ticket)> {
        self.parked.iter().map(|(request, ticket)| (*request, *ticket)).collect()
    }

    /// Whether a request is parked.
    #[must_use]
    pub fn has_parked(&self) -> bool {
        !self.parked.is_empty()
    }

    /// The place at which something ends next, and when.
    #[must_use]
    pub fn next_deadline(&self) -> Option<(Instant, Ticket)> {
        self.ends.first().copied()
    }

    /// What anybody may know of so many who wait behind this ticket, or from the first one on: there is no ticket 0.
    #[must_use]
    pub fn snapshot(&self, after: Ticket, most: usize, now: Instant) -> Vec<WaiterSnapshot> {
        let start = if after == Ticket(0) { Bound::Unbounded } else { Bound::Excluded(self.sort_key(after)) };
        let places = self.entries.range((start, Bound::Unbounded)).take(most);
        let shown = places.map(|(_, position)| (position.ticket, &position.waiter));
        let waiting = shown.map(|(ticket, waiter)| WaiterSnapshot {
            ticket,
            host: waiter.requester.host().clone(),
            waited: now - waiter.since,
            present: waiter.present.is_some(),
        });
        waiting.collect()
    }

    /// Puts a waiter where it belongs, and gives it a seat if it has none.
    fn put(&mut self, ticket: Ticket, waiter: Waiter, permit: Option<usize>) {
        let spot = self.sort_key(ticket);
        match waiter.present {
            Some(request) => drop(self.parked.insert(request, ticket)),
            None => {
                self.absent.insert(spot);
                self.absent_of.entry(waiter.requester.host().clone()).or_default().insert(spot);
            }
        }
        self.ends.extend(waiter.until.map(|end| (end, ticket)));
        let permit = permit.unwrap_or_else(|| self.positions.push());
        self.entries.insert(spot, Box::new(QueueEntry { ticket, waiter, index: permit }));
    }

    /// Takes a waiter out, but leaves its seat and what is known of its asker.
    fn take(&mut self, ticket: Ticket) -> Option<(Waiter, usize)> {
        let spot = self.sort_key(ticket);
        let QueueEntry { waiter, index: permit, .. } = *self.entries.remove(&spot)?;
        match waiter.present {
            Some(request) => drop(self.parked.remove(&request)),
            None => self.take_absent(spot, waiter.requester.host()),
        }
        if let Some(end) = waiter.until {
            self.ends.remove(&(end, ticket));
        }
        Some((waiter, permit))
    }

    fn take_absent(&mut self, spot: SortKey, host: &Name) {
        self.absent.remove(&spot);
        if let Some(own) = self.absent_of.get_mut(host) {
            own.remove(&spot);
            if own.is_empty() {
                self.absent_of.remove(host);
            }
        }
    }

    /// Makes room at the end of the row of seats. As many come before it is full again as there are now, so
    /// it costs each of them O(1).
    fn reindex(&mut self) {
        self.positions = PositionIndex::with_taken(self.entries.len());
        for (number, position) in self.entries.values_mut().enumerate() {
            position.index = number;
        }
    }
}
