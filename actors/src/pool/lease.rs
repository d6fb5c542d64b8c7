//! The slots that are held: by whom, since when, until when.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    EndReason, EndedLease, Holder, LeaseDetails, LeaseId, RequestId, Requester, Revocation, Token,
    persistence::ChangeLog,
};

/// A slot that is held.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Its fencing number.
    pub token: Token,
    /// Its secret name; `None` for one that only its asker can end.
    pub id: Option<LeaseId>,
    /// Who holds it.
    pub requester: Requester,
    /// When it was granted.
    pub since: Instant,
    /// How long its asker stood in line.
    pub waited: Duration,
    /// How long it lives without renewal; `None`: for ever.
    pub ttl: Option<Duration>,
    /// When it ends by itself; `None`: never. While nobody was told of it, that is when it stops waiting for
    /// its asker.
    pub until: Option<Instant>,
    /// How long it waits for its asker to hear of it; zero: not at all.
    pub patience: Duration,
    /// What the slot is for.
    pub command: Option<Arc<str>>,
    /// How many answers tell of it, sent or on their way. One that is dropped unsent is taken off; at zero
    /// nobody knows of the lease. An answer that was sent is never taken off.
    pub told: u64,
    /// Who revoked it, if it is revoked.
    pub revoked: Option<Arc<Revocation>>,
}

impl Lease {
    /// What anybody may know of it.
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

    /// What there is to say of it when it is over.
    pub(crate) fn ended(self, how: EndReason, by: Option<RequestId>, now: Instant) -> EndedLease {
        let Self { token, id, requester, since, waited, command, revoked, .. } = self;
        EndedLease { token, id, requester, command, waited, held: now - since, how, by, revoked }
    }

    /// What of it can change and is written down.
    fn terms(&self) -> impl PartialEq + use<> {
        (self.ttl, self.until, self.patience, self.told > 0, self.command.clone(), self.revoked.clone())
    }

    /// What its holder knows of it.
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

/// All leases of a pool. An asker has at most one; every change costs O(log n).
#[derive(Debug, Default)]
pub struct Leases {
    /// The leases, oldest first.
    by_token: BTreeMap<Token, Lease>,
    /// Which one an asker has.
    by_asker: HashMap<Requester, Token>,
    /// Which one has this secret name.
    by_id: HashMap<LeaseId, Token>,
    /// Those that end by themselves, the next one first.
    ends: BTreeSet<(Instant, Token)>,
    /// What is written down of leases, if anything is.
    changed: ChangeLog<Token>,
}

impl Leases {
    /// Which leases have to be written down anew.
    pub(super) fn changed(&mut self) -> &mut ChangeLog<Token> {
        &mut self.changed
    }

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

    /// Begins a lease.
    pub fn begin(&mut self, lease: Lease) {
        let token = lease.token;
        self.changed.note(token);
        self.ends.extend(lease.until.map(|end| (end, token)));
        self.by_id.extend(lease.id.map(|id| (id, token)));
        self.by_asker.insert(lease.requester.clone(), token);
        self.by_token.insert(token, lease);
    }

    /// The token of this asker's lease.
    #[must_use]
    pub fn token_of(&self, requester: &Requester) -> Option<Token> {
        self.by_asker.get(requester).copied()
    }

    /// The token of the lease with this secret name.
    #[must_use]
    pub fn token_of_id(&self, id: LeaseId) -> Option<Token> {
        self.by_id.get(&id).copied()
    }

    /// The lease with this token.
    #[must_use]
    pub fn get(&self, token: Token) -> Option<&Lease> {
        self.by_token.get(&token)
    }

    /// Changes a lease, but not whose it is.
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

    /// Ends a lease.
    pub fn end(&mut self, token: Token) -> Option<Lease> {
        let lease = self.by_token.remove(&token)?;
        self.changed.note(token);
        if self.by_asker.get(&lease.requester) == Some(&token) {
            self.by_asker.remove(&lease.requester); // in a store its next lease may have begun already
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

    /// The tokens of all leases, the oldest first.
    pub fn tokens(&self) -> impl Iterator<Item = Token> {
        self.by_token.keys().copied()
    }

    /// The lease that ends next by itself, and when.
    #[must_use]
    pub fn next_deadline(&self) -> Option<(Instant, Token)> {
        self.ends.first().copied()
    }

    /// What anybody may know of the first so many holders, the oldest first.
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
            told: 1,
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
