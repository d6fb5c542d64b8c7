//! The line of a pool: first come, first served. Entering, leaving and being served cost O(log n).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use distributex_config::Name;
use tokio::time::Instant;

use super::{AskId, Ticket};

/// One ask that stands in line.
#[derive(Debug, Clone)]
pub struct Waiter {
    /// Under which its answer is awaited.
    pub ask: AskId,
    /// Who waits.
    pub host: Name,
    /// When it came.
    pub since: Instant,
}

/// Those who wait for a pool. Every ask has a place of its own, also when a host has several.
#[derive(Debug, Default)]
pub struct Line {
    /// The waiters, the longest waiting first.
    queue: BTreeMap<Ticket, Waiter>,
    /// Where an ask stands.
    tickets: HashMap<AskId, Ticket>,
    /// Where a host stands, in all its places.
    places: HashMap<Name, BTreeSet<Ticket>>,
    /// The ticket that was given out last.
    last: u64,
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
        self.last += 1;
        let ticket = Ticket(self.last);
        self.tickets.insert(waiter.ask, ticket);
        self.places.entry(waiter.host.clone()).or_default().insert(ticket);
        self.queue.insert(ticket, waiter);
        ticket
    }

    /// Gives a place up; whoever stood behind it moves up. Nothing happens if the ask has no place.
    pub fn leave(&mut self, ask: AskId) -> Option<Waiter> {
        let ticket = self.tickets.remove(&ask)?;
        let waiter = self.queue.remove(&ticket)?;
        let places = self.places.get_mut(&waiter.host)?;
        places.remove(&ticket);
        if places.is_empty() {
            self.places.remove(&waiter.host);
        }
        Some(waiter)
    }

    /// Takes out whoever waits longest, with all other places of the same host, in their order.
    pub fn take_first(&mut self) -> Vec<Waiter> {
        let Some((_, first)) = self.queue.first_key_value() else {
            return Vec::new();
        };
        let host = first.host.clone();
        let places = self.places.remove(&host).unwrap_or_default();
        let taken: Vec<Waiter> = places.iter().filter_map(|ticket| self.queue.remove(ticket)).collect();
        for waiter in &taken {
            self.tickets.remove(&waiter.ask);
        }
        taken
    }
}
