//! The slots that are held: by whom, since when, until when.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use distributex_config::Name;
use tokio::time::Instant;

use super::Token;

/// A slot that is held.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Its fencing number.
    pub token: Token,
    /// Who holds it.
    pub host: Name,
    /// When it was granted.
    pub since: Instant,
    /// When it ends by itself; `None`: never.
    pub until: Option<Instant>,
    /// How many answers tell of it, sent or on their way. One that is dropped unsent is taken off; at zero
    /// nobody knows of the lease. An answer that was sent is never taken off.
    told: u64,
}

/// All leases of a pool. A host has at most one; every change costs O(log n).
#[derive(Debug, Default)]
pub struct Leases {
    /// The leases, oldest first.
    by_token: BTreeMap<Token, Lease>,
    /// Which one a host has.
    by_host: HashMap<Name, Token>,
    /// Those that end by themselves, the next one first.
    ends: BTreeSet<(Instant, Token)>,
}

impl Leases {
    /// How many slots are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_token.len()
    }

    /// Whether no slot is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_token.is_empty()
    }

    /// Begins a lease, of which `told` answers will tell.
    pub fn begin(&mut self, token: Token, host: &Name, now: Instant, ttl: Option<Duration>, told: u64) {
        let until = ttl.map(|ttl| now + ttl);
        self.ends.extend(until.map(|end| (end, token)));
        self.by_host.insert(host.clone(), token);
        self.by_token.insert(token, Lease { token, host: host.clone(), since: now, until, told });
    }

    /// The lease of this host, of which one more answer will tell.
    pub fn tell(&mut self, host: &Name) -> Option<Token> {
        let token = *self.by_host.get(host)?;
        self.by_token.get_mut(&token)?.told += 1;
        Some(token)
    }

    /// One answer that was to tell of this lease was not sent. Ends the lease if that was the last one.
    pub fn untell(&mut self, token: Token) -> Option<Lease> {
        let lease = self.by_token.get_mut(&token)?;
        lease.told -= 1;
        if lease.told == 0 { self.end(token) } else { None }
    }

    /// Lets a lease live until `until`, whatever its end was.
    pub fn renew(&mut self, token: Token, until: Option<Instant>) -> bool {
        let Some(lease) = self.by_token.get_mut(&token) else {
            return false;
        };
        let before = std::mem::replace(&mut lease.until, until);
        if let Some(end) = before {
            self.ends.remove(&(end, token));
        }
        self.ends.extend(until.map(|end| (end, token)));
        true
    }

    /// Ends the lease of this host, if it has one.
    pub fn end_of(&mut self, host: &Name) -> Option<Lease> {
        let token = *self.by_host.get(host)?;
        self.end(token)
    }

    /// Ends the first lease whose time is over.
    pub fn end_expired(&mut self, now: Instant) -> Option<Lease> {
        let (end, token) = *self.ends.first()?;
        if end <= now { self.end(token) } else { None }
    }

    /// When the next lease ends by itself.
    #[must_use]
    pub fn next_end(&self) -> Option<Instant> {
        self.ends.first().map(|(end, _)| *end)
    }

    fn end(&mut self, token: Token) -> Option<Lease> {
        let lease = self.by_token.remove(&token)?;
        self.by_host.remove(&lease.host);
        if let Some(end) = lease.until {
            self.ends.remove(&(end, token));
        }
        Some(lease)
    }
}
