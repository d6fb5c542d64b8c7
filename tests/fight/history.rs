//! What hosts saw of a pool, and whether it can be true: by the hosts' own clock, and by nothing else.
//!
//! A host surely holds from the moment in which the answer to its ask arrived until it asked for the slot's
//! release, or until the lease's time is over, counted from when it was asked for or renewed. What happened
//! before an answer and after a question may have been in any order.

use std::time::Duration;

use tokio::time::Instant;

/// A lease as its host saw it.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    /// Whose it was, and by which server, for people.
    pub(super) who: String,
    /// Its fencing number; the classic protocol tells none.
    pub(super) token: Option<u64>,
    /// When it was asked for, for the first time.
    pub(super) asked: Instant,
    /// When the answer arrived.
    pub(super) granted: Instant,
    /// When the question was sent from which its time counts: the same as `asked`, or a later one.
    pub(super) counts_from: Instant,
    /// How long it lives from then on.
    pub(super) ttl: Duration,
    /// How it ended, if not by its time.
    pub(super) end: Option<End>,
}

/// How a lease ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    /// Its host began to ask for its release.
    Released(Instant),
    /// Its host heard that it was lost.
    Lost(Instant),
}

/// Everything that happened to a pool.
#[derive(Debug)]
pub(crate) struct History {
    /// How many slots it has.
    slots: usize,
    /// All leases that hosts heard of.
    grants: Vec<Grant>,
    /// When the store lost what it knew: before the begin it may have known, after the end it did not.
    losses: Vec<(Instant, Instant)>,
}

/// What must not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// All of these surely held at one moment.
    TooMany(Vec<String>),
    /// The later one has no larger token, though it was asked for when the earlier one was answered.
    NotRising {
        /// Who got it first.
        earlier: String,
        /// Who got it afterwards.
        later: String,
    },
    /// Two leases have the same token.
    SameToken(String, String),
    /// A lease was lost before its time, and not with the store.
    EndedEarly(String),
}

impl Grant {
    /// Until when it surely held.
    fn until(&self) -> Instant {
        let over = self.counts_from + self.ttl;
        self.end.map_or(over, |(End::Released(end) | End::Lost(end))| over.min(end))
    }

    fn name(&self) -> String {
        self.token.map_or_else(|| self.who.clone(), |token| format!("{} with {token}", self.who))
    }
}

impl History {
    /// Nothing has happened.
    pub(super) fn new(slots: usize) -> Self {
        Self { slots, grants: Vec::new(), losses: Vec::new() }
    }

    /// Adds a lease, when its host is done with it.
    pub(super) fn add(&mut self, grant: Grant) {
        self.grants.push(grant);
    }

    /// The store has lost all that it knew.
    pub(super) fn store_was_lost(&mut self, begin: Instant, end: Instant) {
        self.losses.push((begin, end));
    }

    /// Fails if anything was not as it should be.
    pub(crate) fn is_right(&self) {
        println!("{} leases", self.grants.len());
        let mistakes = self.mistakes();
        assert!(
            mistakes.is_empty(),
            "{} mistakes in {} leases: {mistakes:#?}",
            mistakes.len(),
            self.grants.len()
        );
    }

    /// All that was not as it should be.
    pub(crate) fn mistakes(&self) -> Vec<Mistake> {
        let grants: Vec<_> = self.grants.iter().map(|grant| self.without_what_was_lost(grant)).collect();
        let mut mistakes = self.too_many(&grants);
        mistakes.extend(not_rising(&grants));
        mistakes.extend(same_tokens(&grants));
        mistakes.extend(self.ended_early());
        mistakes
    }

    /// The same lease, ended when the store lost it.
    fn without_what_was_lost(&self, grant: &Grant) -> Grant {
        let is_lost = |(_, end): &&(Instant, Instant)| grant.counts_from < *end;
        let lost = self.losses.iter().filter(is_lost).map(|(begin, _)| *begin);
        // Earlier losses count for nothing if it was renewed after them; so it is asked by its latest question.
        match lost.min() {
            Some(begin) if begin < grant.until() => Grant { end: Some(End::Lost(begin)), ..grant.clone() },
            Some(_) | None => grant.clone(),
        }
    }

    /// Where more held than there are slots.
    fn too_many(&self, grants: &[Grant]) -> Vec<Mistake> {
        let mut begins: Vec<_> = grants.iter().filter(|grant| grant.granted < grant.until()).collect();
        begins.sort_by_key(|grant| grant.granted);
        let (mut holders, mut mistakes) = (Vec::<&Grant>::new(), Vec::new());
        for grant in begins {
            holders.retain(|holder| holder.until() > grant.granted);
            holders.push(grant);
            if holders.len() > self.slots {
                mistakes.push(Mistake::TooMany(holders.iter().map(|holder| holder.name()).collect()));
            }
        }
        mistakes
    }

    /// Leases that their hosts heard to be lost while they had time, if the store was not lost meanwhile.
    fn ended_early(&self) -> impl Iterator<Item = Mistake> {
        self.grants.iter().filter_map(|grant| {
            let Some(End::Lost(told)) = grant.end else { return None };
            let was_lost = self.losses.iter().any(|(begin, end)| *begin < told && grant.counts_from < *end);
            let early = told < grant.counts_from + grant.ttl && !was_lost;
            early.then(|| Mistake::EndedEarly(grant.name()))
        })
    }
}

/// Where a token did not rise.
fn not_rising(grants: &[Grant]) -> Vec<Mistake> {
    let mut answered: Vec<_> = grants.iter().filter(|grant| grant.token.is_some()).collect();
    let mut asked = answered.clone();
    answered.sort_by_key(|grant| grant.granted);
    asked.sort_by_key(|grant| grant.asked);
    let (mut answered, mut highest) = (answered.into_iter().peekable(), None::<&Grant>);
    let mut mistakes = Vec::new();
    for later in asked {
        while let Some(earlier) = answered.next_if(|earlier| earlier.granted < later.asked) {
            highest = highest.into_iter().chain([earlier]).max_by_key(|grant| grant.token);
        }
        if let Some(earlier) = highest.filter(|earlier| earlier.token >= later.token) {
            mistakes.push(Mistake::NotRising { earlier: earlier.name(), later: later.name() });
        }
    }
    mistakes
}

/// Where two have the same.
fn same_tokens(grants: &[Grant]) -> Vec<Mistake> {
    let mut grants: Vec<_> = grants.iter().filter(|grant| grant.token.is_some()).collect();
    grants.sort_by_key(|grant| grant.token);
    let same = |pair: &&[&Grant]| pair[0].token == pair[1].token;
    grants.windows(2).filter(same).map(|pair| Mistake::SameToken(pair[0].name(), pair[1].name())).collect()
}
