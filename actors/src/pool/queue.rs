//! Queue of a pool, first in first out. Insertion, removal and taking the first cost O(log n).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use distributex_config::Name;
use tokio::time::Instant;

use super::{
    LeaseId, RequestId, Requester, Ticket, WaiterSnapshot, change_log::ChangeLog, positions::PositionIndex,
};

/// Entry of the queue.
#[derive(Debug, Clone)]
pub struct Waiter {
    /// Requester.
    pub requester: Requester,
    /// When it was queued.
    pub since: Instant,
    /// The parked request; `None` while the entry is kept for its requester to reconnect.
    pub present: Option<RequestId>,
    /// When the wait, or without a request the patience, is over; `None`: never.
    pub until: Option<Instant>,
    /// How long the entry, or a grant, is kept for its requester to reconnect.
    pub patience: Duration,
    /// Lifetime of its lease without renewal; `None`: unlimited.
    pub ttl: Option<Duration>,
    /// Note of the request.
    pub command: Option<Arc<str>>,
    /// Secret id of its lease.
    pub lease: Option<LeaseId>,
    /// Sort key after an operator moved the waiter; entries are sorted by it.
    pub moved: Option<SortKey>,
}

impl Waiter {
    /// The parts that can change and are persisted.
    fn terms(&self) -> impl PartialEq + use<> {
        (self.patience, self.ttl, self.command.clone(), self.moved)
    }
}

/// Order of the entries: the ticket's number, or for a promoted waiter a number below all others.
pub type SortKey = i64;

/// Sort key of a ticket that was not moved.
pub(super) fn sort_key_of(Ticket(number): Ticket) -> SortKey {
    SortKey::try_from(number).unwrap_or(SortKey::MAX)
}

/// A waiter with its ticket.
#[derive(Debug)]
struct QueueEntry {
    ticket: Ticket,
    waiter: Waiter,
    /// Cell in the [`PositionIndex`].
    index: usize,
}

/// The waiters of a pool. Every request of a classic host has an entry of its own; any other requester has one.
#[derive(Debug, Default)]
pub struct Queue {
    /// Entries in order. Boxed, so that they keep their address while others come and go.
    entries: BTreeMap<SortKey, Box<QueueEntry>>,
    /// Sort keys of entries that were moved.
    moved: HashMap<Ticket, SortKey>,
    /// Tickets of parked requests.
    parked: HashMap<RequestId, Ticket>,
    /// Sort keys of a requester's entries.
    by_requester: HashMap<Requester, BTreeSet<SortKey>>,
    /// Entries with a deadline, the next one first.
    ends: BTreeSet<(Instant, Ticket)>,
    /// Counts entries before an entry.
    positions: PositionIndex,
    /// Entries without a request.
    absent: BTreeSet<SortKey>,
    /// Entries without a request, by host.
    absent_of: HashMap<Name, BTreeSet<SortKey>>,
    /// The last ticket given out.
    last: u64,
    /// Resumable entries to be persisted, if any are.
    changed: ChangeLog<Ticket>,
}

impl Queue {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Appends a waiter; returns its ticket.
    pub fn push(&mut self, waiter: Waiter) -> Ticket {
        let ticket = Ticket(self.last + 1);
        if waiter.requester.is_resumable() {
            self.changed.note(ticket);
        }
        self.insert(ticket, waiter);
        ticket
    }

    /// Inserts a waiter with a given ticket, or sort key if it was moved; it must sort behind all others.
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

    /// The last ticket given out; later ones are larger.
    pub(super) fn last(&mut self) -> &mut u64 {
        &mut self.last
    }

    /// Change log of the entries.
    pub(super) fn changed(&mut self) -> &mut ChangeLog<Ticket> {
        &mut self.changed
    }

    /// All tickets in order.
    pub(super) fn tickets(&self) -> Vec<Ticket> {
        self.entries.values().map(|position| position.ticket).collect()
    }

    /// Moves the waiter with this ticket to the front and returns its host. Costs O(n).
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

    /// When the first waiter was queued.
    pub(super) fn since(&self) -> Option<Instant> {
        self.entries.first_key_value().map(|(_, position)| position.waiter.since)
    }

    fn sort_key(&self, ticket: Ticket) -> SortKey {
        if self.moved.is_empty() {
            return sort_key_of(ticket);
        }
        self.moved.get(&ticket).copied().unwrap_or_else(|| sort_key_of(ticket))
    }

    /// Ticket of a resumable requester.
    #[must_use]
    pub fn ticket_of_requester(&self, requester: &Requester) -> Option<Ticket> {
        let first =
            if requester.is_resumable() { self.by_requester.get(requester)?.first()? } else { return None };
        self.entries.get(first).map(|position| position.ticket)
    }

    /// First entry of this requester.
    #[must_use]
    pub fn first_of(&self, requester: &Requester) -> Option<&Waiter> {
        let first = self.by_requester.get(requester)?.first()?;
        self.entries.get(first).map(|position| &position.waiter)
    }

    /// Ticket of this parked request.
    #[must_use]
    pub fn ticket_of(&self, request: RequestId) -> Option<Ticket> {
        self.parked.get(&request).copied()
    }

    /// The waiter with this ticket.
    #[must_use]
    pub fn get(&self, ticket: Ticket) -> Option<&Waiter> {
        self.entries.get(&self.sort_key(ticket)).map(|position| &position.waiter)
    }

    /// Position of this ticket; 1 = first.
    #[must_use]
    pub fn position(&self, ticket: Ticket) -> usize {
        self.entries
            .get(&self.sort_key(ticket))
            .map_or(self.len(), |position| self.positions.before(position.index))
            + 1
    }

    /// Changes a waiter; its requester and sort key must stay.
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

    /// Removes a waiter.
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

    /// Removes the first waiter and all other entries of its requester, in order.
    pub fn take_first(&mut self) -> Option<Vec<(Ticket, Waiter)>> {
        let (_, first) = self.entries.first_key_value()?;
        let requester = first.waiter.requester.clone();
        Some(self.take_entries_of(&requester))
    }

    /// Removes all entries of this requester, in order.
    pub fn take_all(&mut self, requester: &Requester) -> Vec<Waiter> {
        self.take_entries_of(requester).into_iter().map(|(_, waiter)| waiter).collect()
    }

    /// Reinserts waiters where they were before they were removed. Costs O(n).
    pub(super) fn put_back(&mut self, waiters: Vec<(Ticket, Waiter)>) {
        for (ticket, mut waiter) in waiters {
            if let Some(spot) = waiter.moved
                && self.entries.contains_key(&spot)
            {
                waiter.moved = Some(self.front()); // another waiter was moved there meanwhile
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

    /// Sort key before all others; below 1, the first ticket.
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

    /// Forgets the deadline and request of a waiter that was removed.
    fn forget(&mut self, ticket: Ticket, waiter: &Waiter, permit: usize) {
        self.positions.remove(permit);
        if waiter.moved.is_some() {
            self.moved.remove(&ticket);
        }
        if waiter.requester.is_resumable() {
            self.changed.note(ticket);
        }
    }

    /// The first entry of each of the first `most` requesters.
    #[must_use]
    pub fn first_requesters(&self, most: usize) -> Vec<&Waiter> {
        let is_first = |spot: &SortKey, waiter: &Waiter| {
            self.by_requester.get(&waiter.requester).is_some_and(|places| places.first() == Some(spot))
        };
        let waiters = self.entries.iter().map(|(spot, position)| (spot, &position.waiter));
        let firsts = waiters.filter(|(spot, waiter)| is_first(spot, waiter));
        firsts.map(|(_, waiter)| waiter).take(most).collect()
    }

    /// Number of entries of this host without a request.
    #[must_use]
    pub fn absent_of(&self, host: &Name) -> usize {
        self.absent_of.get(host).map_or(0, BTreeSet::len)
    }

    /// Hosts that have such entries.
    #[must_use]
    pub fn absent_hosts(&self) -> Vec<Name> {
        self.absent_of.keys().cloned().collect()
    }

    /// Last entry without a request, of this host or of any.
    #[must_use]
    pub fn last_absent(&self, host: Option<&Name>) -> Option<Ticket> {
        let absent = host.map_or(Some(&self.absent), |host| self.absent_of.get(host))?;
        self.entries.get(absent.last()?).map(|position| position.ticket)
    }

    /// Number of requesters that wait.
    #[must_use]
    pub fn requester_count(&self) -> usize {
        self.by_requester.len()
    }

    /// Parked requests with their tickets.
    #[must_use]
    pub fn parked(&self) -> Vec<(RequestId, Ticket)> {
        self.parked.iter().map(|(request, ticket)| (*request, *ticket)).collect()
    }

    /// Whether a request is parked.
    #[must_use]
    pub fn has_parked(&self) -> bool {
        !self.parked.is_empty()
    }

    /// The next deadline and its ticket.
    #[must_use]
    pub fn next_deadline(&self) -> Option<(Instant, Ticket)> {
        self.ends.first().copied()
    }

    /// Public views of up to `most` waiters behind this ticket; ticket 0 is before the first.
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

    /// Inserts a waiter, in a new cell if it has none.
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

    /// Removes a waiter, but leaves its cell and what is known of its requester.
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

    /// Rebuilds the position index with as many free cells as there are entries: O(1) per later insertion.
    fn reindex(&mut self) {
        self.positions = PositionIndex::with_taken(self.entries.len());
        for (number, position) in self.entries.values_mut().enumerate() {
            position.index = number;
        }
    }
}
