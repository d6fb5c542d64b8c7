//! Leases of a pool, indexed by token, requester, id and expiry.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    EndReason, EndedLease, Holder, LeaseDetails, LeaseId, RequestId, Requester, Revocation, Token,
    change_log::ChangeLog,
};

/// A slot held by one requester.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Fencing token.
    pub token: Token,
    /// Secret id; `None` for a lease that only its requester can end.
    pub id: Option<LeaseId>,
    /// Holder.
    pub requester: Requester,
    /// When it was granted.
    pub since: Instant,
    /// Time its requester spent in the queue.
    pub waited: Duration,
    /// Lifetime without renewal; `None`: unlimited.
    pub ttl: Option<Duration>,
    /// When it expires; `None`: never. While it is undelivered: when its patience is over.
    pub until: Option<Instant>,
    /// How long it waits for its requester to receive it; zero: not at all.
    pub patience: Duration,
    /// Note of the request.
    pub command: Option<Arc<str>>,
    /// Number of responses that carry it, sent or on their way. One that is dropped unsent is subtracted; at zero the
    /// lease is undelivered. A response that was sent is never subtracted.
    pub deliveries: u64,
    /// The revocation, if the lease is revoked.
    pub revoked: Option<Arc<Revocation>>,
}

impl Lease {
    /// The public view of the lease.
    #[must_use]
    pub fn holder(&self, now: Instant) -> Holder {
        Holder {
            host: self.requester.host().clone(),
            token: self.token,
            held: now - self.since,
            until: self.until,
            command: self.command.clone(),
            revoked: self.revoked.clone(),
            free_at: self.free_at(),
        }
    }

    /// Converts the lease into an ended one.
    pub(crate) fn ended(self, how: EndReason, by: Option<RequestId>, now: Instant) -> EndedLease {
        let Self { token, id, requester, since, waited, command, revoked, .. } = self;
        EndedLease { token, id, requester, command, waited, held: now - since, how, by, revoked }
    }

    /// The parts that can change and are persisted.
    fn terms(&self) -> impl PartialEq + use<> {
        (self.ttl, self.until, self.patience, self.deliveries > 0, self.command.clone(), self.revoked.clone())
    }

    /// The holder's view of the lease.
    #[must_use]
    pub fn details(&self) -> LeaseDetails {
        LeaseDetails {
            id: self.id,
            token: self.token,
            host: self.requester.host().clone(),
            ttl: self.ttl,
            until: self.until,
            waited: self.waited,
            revoked: self.revoked.clone(),
        }
    }
}

/// All leases of a pool. A requester has at most one; every change costs O(log n).
#[derive(Debug, Default)]
pub struct Leases {
    /// Leases, the oldest first.
    by_token: BTreeMap<Token, Lease>,
    /// Token of a requester's lease.
    by_asker: HashMap<Requester, Token>,
    /// Token of the lease with a secret id.
    by_id: HashMap<LeaseId, Token>,
    /// Leases that expire, the next one first.
    ends: BTreeSet<(Instant, Token)>,
    /// Leases to be persisted, if any are.
    changed: ChangeLog<Token>,
}

impl Leases {
    /// Change log of the leases.
    pub(super) fn changed(&mut self) -> &mut ChangeLog<Token> {
        &mut self.changed
    }

    /// Number of leases.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_token.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_token.is_empty()
    }

    /// Adds a lease.
    pub fn begin(&mut self, lease: Lease) {
        let token = lease.token;
        self.changed.note(token);
        self.ends.extend(lease.until.map(|end| (end, token)));
        self.by_id.extend(lease.id.map(|id| (id, token)));
        self.by_asker.insert(lease.requester.clone(), token);
        self.by_token.insert(token, lease);
    }

    /// Token of this requester's lease.
    #[must_use]
    pub fn token_of(&self, requester: &Requester) -> Option<Token> {
        self.by_asker.get(requester).copied()
    }

    /// Token of the lease with this secret id.
    #[must_use]
    pub fn token_of_id(&self, id: LeaseId) -> Option<Token> {
        self.by_id.get(&id).copied()
    }

    /// The lease with this token.
    #[must_use]
    pub fn get(&self, token: Token) -> Option<&Lease> {
        self.by_token.get(&token)
    }

    /// Changes a lease; its token, id and requester must stay.
    pub fn change(&mut self, token: Token, change: impl FnOnce(&mut Lease)) -> Option<&Lease> {
        let lease = self.by_token.get_mut(&token)?;
        let before = lease.until;
        let terms = self.changed.is_enabled().then(|| lease.terms());
        change(lease);
        if terms.is_some_and(|terms| terms != lease.terms()) {
            self.changed.note(token);
        }
        if lease.until != before {
            before.map(|end| self.ends.remove(&(end, token)));
            self.ends.extend(lease.until.map(|end| (end, token)));
        }
        Some(lease)
    }

    /// Removes a lease.
    pub fn end(&mut self, token: Token) -> Option<Lease> {
        let lease = self.by_token.remove(&token)?;
        self.changed.note(token);
        if self.by_asker.get(&lease.requester) == Some(&token) {
            self.by_asker.remove(&lease.requester); // in a shared store the requester's next lease may have begun already
        }
        lease.id.map(|id| self.by_id.remove(&id));
        lease.until.map(|end| self.ends.remove(&(end, token)));
        Some(lease)
    }

    /// The oldest lease.
    #[must_use]
    pub fn oldest(&self) -> Option<&Lease> {
        self.by_token.first_key_value().map(|(_, lease)| lease)
    }

    /// Tokens of all leases, the oldest first.
    pub fn tokens(&self) -> impl Iterator<Item = Token> {
        self.by_token.keys().copied()
    }

    /// The lease that expires next, and when.
    #[must_use]
    pub fn next_deadline(&self) -> Option<(Instant, Token)> {
        self.ends.first().copied()
    }

    /// Public views of up to `most` leases with tokens above `after`, the oldest first.
    #[must_use]
    pub fn holders(&self, after: Token, most: usize, now: Instant) -> Vec<Holder> {
        let leases = self.by_token.range((Bound::Excluded(after), Bound::Unbounded)).take(most);
        leases.map(|(_, lease)| lease.holder(now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use distributex_config::Name;

    use super::*;

    #[test]
    fn the_end_of_a_lease_is_not_that_of_its_askers_next_one() {
        let requester = Requester::Host(Name::new("web1").unwrap());
        let lease = |token| Lease {
            token: Token(token),
            id: Some(LeaseId::random()),
            requester: requester.clone(),
            since: Instant::now(),
            waited: Duration::ZERO,
            ttl: None,
            until: None,
            patience: Duration::ZERO,
            command: None,
            deliveries: 1,
            revoked: None,
        };
        let mut leases = Leases::default();

        leases.begin(lease(1));
        leases.begin(lease(2));
        leases.end(Token(1));

        assert_eq!(leases.token_of(&requester), Some(Token(2)));
        leases.end(Token(2));
        assert_eq!(leases.token_of(&requester), None);
    }
}
