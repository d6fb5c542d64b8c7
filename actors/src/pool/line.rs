//! The line of a pool: first come, first served. Entering, leaving and being served cost O(log n).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use distributex_config::Name;
use tokio::time::Instant;

use super::{AskId, Asker, LeaseId, Ticket, Waiting, kept::Changed, ranks::Ranks};

/// Who stands in line, and on which terms.
#[derive(Debug, Clone)]
pub struct Waiter {
    /// Who waits.
    pub asker: Asker,
    /// Since when.
    pub since: Instant,
    /// The parked ask; `None` while the place waits for its asker to come back.
    pub present: Option<AskId>,
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
    pub moved: Option<Spot>,
}

impl Waiter {
    /// What of it can change and is written down.
    fn terms(&self) -> impl PartialEq + use<> {
        (self.patience, self.ttl, self.command.clone(), self.moved)
    }
}

/// Where a place is in the line. That of a ticket is its number; whoever is moved to the front gets one below all
/// others.
pub type Spot = i64;

/// Where a place with this ticket is that was not moved.
pub(super) fn spot_of(Ticket(number): Ticket) -> Spot {
    Spot::try_from(number).unwrap_or(Spot::MAX)
}

/// One place in the line.
#[derive(Debug)]
struct Place {
    ticket: Ticket,
    waiter: Waiter,
    /// Its seat in the line's [`Ranks`].
    seat: usize,
}

/// Those who wait for a pool. Every ask of a classic host has a place of its own; any other asker has one.
#[derive(Debug, Default)]
pub struct Line {
    /// The places, that of the longest waiter first. They stay where they are in memory when others come
    /// and go.
    queue: BTreeMap<Spot, Box<Place>>,
    /// Where those are that were moved.
    moved: HashMap<Ticket, Spot>,
    /// Where a parked ask stands.
    tickets: HashMap<AskId, Ticket>,
    /// Where an asker stands, in all its places.
    places: HashMap<Asker, BTreeSet<Spot>>,
    /// The places at which something ends by itself, the next one first.
    ends: BTreeSet<(Instant, Ticket)>,
    /// Who stands before whom.
    ranks: Ranks,
    /// The places whose request has ended.
    absent: BTreeSet<Spot>,
    /// The same by host.
    absent_of: HashMap<Name, BTreeSet<Spot>>,
    /// The ticket that was given out last.
    last: u64,
    /// What is written down of the places of those who come back, if anything is.
    changed: Changed<Ticket>,
}

impl Line {
    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Takes the last place.
    pub fn enter(&mut self, waiter: Waiter) -> Ticket {
        let ticket = Ticket(self.last + 1);
        if waiter.asker.comes_back() {
            self.changed.note(ticket);
        }
        self.enter_with(ticket, waiter);
        ticket
    }

    /// Takes the last place with this ticket, or that where it was moved to: one behind all others either way.
    pub(super) fn enter_with(&mut self, ticket: Ticket, waiter: Waiter) {
        self.last = self.last.max(ticket.0);
        self.moved.extend(waiter.moved.map(|spot| (ticket, spot)));
        let spot = self.spot(ticket);
        self.places.entry(waiter.asker.clone()).or_default().insert(spot);
        if self.ranks.is_full() {
            self.seat_anew();
        }
        self.put(ticket, waiter, None);
    }

    /// The ticket that was given out last; those to come are larger.
    pub(super) fn last(&mut self) -> &mut u64 {
        &mut self.last
    }

    /// Which places have to be written down anew.
    pub(super) fn changed(&mut self) -> &mut Changed<Ticket> {
        &mut self.changed
    }

    /// All tickets, that of the longest waiter first.
    pub(super) fn tickets(&self) -> Vec<Ticket> {
        self.queue.values().map(|place| place.ticket).collect()
    }

    /// Lets who has this ticket stand before all others. Returns who that is. Costs O(n).
    pub(super) fn move_to_front(&mut self, ticket: Ticket) -> Option<Name> {
        let (old, first, front) = (self.spot(ticket), *self.queue.first_key_value()?.0, self.front());
        let (mut waiter, seat) = self.take(ticket)?;
        let host = waiter.asker.host().clone();
        if old != first {
            waiter.moved = Some(front);
            self.moved.insert(ticket, front);
            if let Some(places) = self.places.get_mut(&waiter.asker) {
                places.remove(&old);
                places.insert(front);
            }
            if waiter.asker.comes_back() {
                self.changed.note(ticket);
            }
        }
        self.put(ticket, waiter, Some(seat));
        self.seat_anew();
        Some(host)
    }

    /// Since when the first in line has stood there.
    pub(super) fn since(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|(_, place)| place.waiter.since)
    }

    fn spot(&self, ticket: Ticket) -> Spot {
        if self.moved.is_empty() {
            return spot_of(ticket);
        }
        self.moved.get(&ticket).copied().unwrap_or_else(|| spot_of(ticket))
    }

    /// Where an asker that comes back stands.
    #[must_use]
    pub fn place_of(&self, asker: &Asker) -> Option<Ticket> {
        let first = if asker.comes_back() { self.places.get(asker)?.first()? } else { return None };
        self.queue.get(first).map(|place| place.ticket)
    }

    /// The first place of this asker.
    #[must_use]
    pub fn first_of(&self, asker: &Asker) -> Option<&Waiter> {
        let first = self.places.get(asker)?.first()?;
        self.queue.get(first).map(|place| &place.waiter)
    }

    /// Where this ask stands.
    #[must_use]
    pub fn ticket_of(&self, ask: AskId) -> Option<Ticket> {
        self.tickets.get(&ask).copied()
    }

    /// Who stands at this place.
    #[must_use]
    pub fn get(&self, ticket: Ticket) -> Option<&Waiter> {
        self.queue.get(&self.spot(ticket)).map(|place| &place.waiter)
    }

    /// How many stand before this place, plus one.
    #[must_use]
    pub fn place(&self, ticket: Ticket) -> usize {
        self.queue.get(&self.spot(ticket)).map_or(self.len(), |place| self.ranks.before(place.seat)) + 1
    }

    /// Changes what is known of a waiter, but not who it is.
    pub fn change(&mut self, ticket: Ticket, change: impl FnOnce(&mut Waiter)) {
        if let Some((mut waiter, seat)) = self.take(ticket) {
            let is_kept = self.changed.is_wanted() && waiter.asker.comes_back();
            let terms = is_kept.then(|| waiter.terms());
            change(&mut waiter);
            if terms.is_some_and(|terms| terms != waiter.terms()) {
                self.changed.note(ticket);
            }
            self.put(ticket, waiter, Some(seat));
        }
    }

    /// Gives a place up; whoever stood behind it moves up.
    pub fn leave(&mut self, ticket: Ticket) -> Option<Waiter> {
        let spot = self.spot(ticket);
        let (waiter, seat) = self.take(ticket)?;
        self.forget(ticket, &waiter, seat);
        let places = self.places.get_mut(&waiter.asker)?;
        places.remove(&spot);
        if places.is_empty() {
            self.places.remove(&waiter.asker);
        }
        Some(waiter)
    }

    /// Takes out whoever waits longest, and all other places of the same asker, in their order.
    pub fn take_first(&mut self) -> Option<Vec<(Ticket, Waiter)>> {
        let (_, first) = self.queue.first_key_value()?;
        let asker = first.waiter.asker.clone();
        Some(self.take_places(&asker))
    }

    /// Takes out all places of this asker, in their order.
    pub fn take_all(&mut self, asker: &Asker) -> Vec<Waiter> {
        self.take_places(asker).into_iter().map(|(_, waiter)| waiter).collect()
    }

    /// Puts waiters back where they stood before they were taken out. Costs O(n).
    pub(super) fn put_back(&mut self, waiters: Vec<(Ticket, Waiter)>) {
        for (ticket, mut waiter) in waiters {
            if let Some(spot) = waiter.moved
                && self.queue.contains_key(&spot)
            {
                waiter.moved = Some(self.front()); // somebody was moved there meanwhile
            }
            self.moved.extend(waiter.moved.map(|spot| (ticket, spot)));
            let spot = self.spot(ticket);
            self.places.entry(waiter.asker.clone()).or_default().insert(spot);
            if waiter.asker.comes_back() {
                self.changed.note(ticket);
            }
            self.put(ticket, waiter, Some(0));
        }
        self.seat_anew();
    }

    /// Where a waiter stands before all others: where no ticket is by itself, as the first is 1.
    fn front(&self) -> Spot {
        self.queue.first_key_value().map_or(1, |(first, _)| *first).min(1) - 1
    }

    fn take_places(&mut self, asker: &Asker) -> Vec<(Ticket, Waiter)> {
        let places = self.places.remove(asker).unwrap_or_default();
        let out = places.into_iter().filter_map(|spot| {
            let ticket = self.queue.get(&spot)?.ticket;
            let (waiter, seat) = self.take(ticket)?;
            self.forget(ticket, &waiter, seat);
            Some((ticket, waiter))
        });
        out.collect()
    }

    /// The place of a waiter that was taken out is not kept.
    fn forget(&mut self, ticket: Ticket, waiter: &Waiter, seat: usize) {
        self.ranks.remove(seat);
        if waiter.moved.is_some() {
            self.moved.remove(&ticket);
        }
        if waiter.asker.comes_back() {
            self.changed.note(ticket);
        }
    }

    /// The first place of each of the first so many askers.
    #[must_use]
    pub fn first_askers(&self, most: usize) -> Vec<&Waiter> {
        let is_first = |spot: &Spot, waiter: &Waiter| {
            self.places.get(&waiter.asker).is_some_and(|places| places.first() == Some(spot))
        };
        let waiters = self.queue.iter().map(|(spot, place)| (spot, &place.waiter));
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
        self.queue.get(absent.last()?).map(|place| place.ticket)
    }

    /// How many askers wait.
    #[must_use]
    pub fn askers(&self) -> usize {
        self.places.len()
    }

    /// The requests that are parked, and their places.
    #[must_use]
    pub fn parked(&self) -> Vec<(AskId, Ticket)> {
        self.tickets.iter().map(|(ask, ticket)| (*ask, *ticket)).collect()
    }

    /// Whether a request is parked.
    #[must_use]
    pub fn has_parked(&self) -> bool {
        !self.tickets.is_empty()
    }

    /// The place at which something ends next, and when.
    #[must_use]
    pub fn next_end(&self) -> Option<(Instant, Ticket)> {
        self.ends.first().copied()
    }

    /// What anybody may know of so many who wait behind this ticket, or from the first one on: there is no ticket 0.
    #[must_use]
    pub fn waiting(&self, after: Ticket, most: usize, now: Instant) -> Vec<Waiting> {
        let start = if after == Ticket(0) { Bound::Unbounded } else { Bound::Excluded(self.spot(after)) };
        let places = self.queue.range((start, Bound::Unbounded)).take(most);
        let shown = places.map(|(_, place)| (place.ticket, &place.waiter));
        let waiting = shown.map(|(ticket, waiter)| Waiting {
            ticket,
            host: waiter.asker.host().clone(),
            waited: now - waiter.since,
            present: waiter.present.is_some(),
        });
        waiting.collect()
    }

    /// Puts a waiter where it belongs, and gives it a seat if it has none.
    fn put(&mut self, ticket: Ticket, waiter: Waiter, seat: Option<usize>) {
        let spot = self.spot(ticket);
        match waiter.present {
            Some(ask) => drop(self.tickets.insert(ask, ticket)),
            None => {
                self.absent.insert(spot);
                self.absent_of.entry(waiter.asker.host().clone()).or_default().insert(spot);
            }
        }
        self.ends.extend(waiter.until.map(|end| (end, ticket)));
        let seat = seat.unwrap_or_else(|| self.ranks.push());
        self.queue.insert(spot, Box::new(Place { ticket, waiter, seat }));
    }

    /// Takes a waiter out, but leaves its seat and what is known of its asker.
    fn take(&mut self, ticket: Ticket) -> Option<(Waiter, usize)> {
        let spot = self.spot(ticket);
        let Place { waiter, seat, .. } = *self.queue.remove(&spot)?;
        match waiter.present {
            Some(ask) => drop(self.tickets.remove(&ask)),
            None => self.take_absent(spot, waiter.asker.host()),
        }
        if let Some(end) = waiter.until {
            self.ends.remove(&(end, ticket));
        }
        Some((waiter, seat))
    }

    fn take_absent(&mut self, spot: Spot, host: &Name) {
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
    fn seat_anew(&mut self) {
        self.ranks = Ranks::with_taken(self.queue.len());
        for (number, place) in self.queue.values_mut().enumerate() {
            place.seat = number;
        }
    }
}
