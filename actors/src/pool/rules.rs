//! The rules of a pool: a fixed number of slots, who holds them until when, and who is next.
//!
//! Plain data that is told the time: no clock, no actix, no I/O. What happens comes out as [`Event`]s, in
//! the order in which it happened.

use std::time::Duration;

use distributex_config as config;
use distributex_config::Name;
use tokio::time::Instant;

use super::{
    Ask, AskId, Ending, Event, Granted, Refusal, Token,
    lease::{Lease, Leases},
    line::{Line, Waiter},
};

/// A pool whose leases and line are kept here.
#[derive(Debug)]
pub struct Rules {
    /// What the configuration says of it.
    settings: config::Pool,
    /// The slots that are held.
    leases: Leases,
    /// Who waits. Nobody does while a slot is free.
    line: Line,
    /// The token of the latest grant.
    last: Token,
}

impl Rules {
    /// An empty pool, whose grants have tokens above `last`.
    #[must_use]
    pub fn new(settings: config::Pool, last: Token) -> Self {
        Self { settings, leases: Leases::default(), line: Line::default(), last }
    }

    /// Somebody asks for a slot. A host that holds one is told so again, and its lease's end does not move;
    /// nobody overtakes the line.
    pub fn enter(&mut self, ask: Ask, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        if !self.allows(&ask.host) {
            return out.push(Event::Refused { ask: ask.id, why: Refusal::HostNotAllowed });
        }
        if let Some(token) = self.leases.tell(&ask.host) {
            let Ask { id, host, .. } = ask;
            let waited = Duration::ZERO;
            return out.push(Event::Granted(Granted { ask: id, token, host, new: false, waited }));
        }
        let Ask { id, host, wait } = ask;
        let waiter = Waiter { ask: id, host, since: now };
        if self.has_room() && self.line.is_empty() {
            self.grant(vec![waiter], now, out);
        } else if !wait {
            out.push(Event::Refused { ask: id, why: Refusal::Full });
        } else if self.settings.max_waiters.is_some_and(|most| self.line.len() >= most) {
            out.push(Event::Refused { ask: id, why: Refusal::LineFull });
        } else {
            let ticket = self.line.enter(waiter);
            out.push(Event::Placed { ask: id, ticket, place: self.line.len() });
        }
    }

    /// An ask gives its place up. What it was granted before is not touched.
    pub fn leave(&mut self, ask: AskId) {
        self.line.leave(ask);
    }

    /// Lets a lease live for `ttl` from now, however long it would have lived; `None`: for ever.
    pub fn renew(
        &mut self,
        ask: AskId,
        token: Token,
        ttl: Option<Duration>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.expire(now, out);
        let until = ttl.map(|ttl| now + ttl);
        out.push(if self.leases.renew(token, until) {
            Event::Renewed { ask, until }
        } else {
            Event::Refused { ask, why: Refusal::LeaseLost }
        });
    }

    /// Ends the lease of this host, if it has one.
    pub fn release(&mut self, ask: AskId, host: &Name, now: Instant, out: &mut Vec<Event>) {
        self.expire(now, out);
        if !self.allows(host) {
            return out.push(Event::Refused { ask, why: Refusal::HostNotAllowed });
        }
        if let Some(lease) = self.leases.end_of(host) {
            out.push(ended(lease, Ending::Released, now));
        }
        self.serve(now, out);
        out.push(Event::Released { ask });
    }

    /// An answer that was to tell of this lease was not sent. The lease ends if nobody else was told of it.
    pub fn unheard(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        if let Some(lease) = self.leases.untell(token) {
            out.push(ended(lease, Ending::Unheard, now));
            self.serve(now, out);
        }
    }

    /// Ends every lease whose time is over.
    pub fn expire(&mut self, now: Instant, out: &mut Vec<Event>) {
        let before = self.leases.len();
        while let Some(lease) = self.leases.end_expired(now) {
            out.push(ended(lease, Ending::Expired, now));
        }
        if self.leases.len() < before {
            self.serve(now, out);
        }
    }

    /// When the next lease ends by itself.
    #[must_use]
    pub fn next_end(&self) -> Option<Instant> {
        self.leases.next_end()
    }

    fn allows(&self, host: &Name) -> bool {
        self.settings.servers.as_ref().is_none_or(|servers| servers.contains(host))
    }

    fn has_room(&self) -> bool {
        self.leases.len() < self.settings.slots as usize
    }

    /// Gives every free slot to whoever waits longest.
    fn serve(&mut self, now: Instant, out: &mut Vec<Event>) {
        while self.has_room() && !self.line.is_empty() {
            let waiters = self.line.take_first();
            self.grant(waiters, now, out);
        }
    }

    /// Gives one slot to the one host of these waiters.
    fn grant(&mut self, waiters: Vec<Waiter>, now: Instant, out: &mut Vec<Event>) {
        let Some(first) = waiters.first() else { return };
        self.last = self.last.next();
        let token = self.last;
        self.leases.begin(token, &first.host, now, self.settings.expire, waiters.len() as u64);
        out.extend(waiters.into_iter().enumerate().map(|(n, Waiter { ask, host, since })| {
            Event::Granted(Granted { ask, token, host, new: n == 0, waited: now - since })
        }));
    }
}

fn ended(lease: Lease, how: Ending, now: Instant) -> Event {
    let Lease { token, host, since, .. } = lease;
    Event::Ended { token, host, how, held: now - since }
}
