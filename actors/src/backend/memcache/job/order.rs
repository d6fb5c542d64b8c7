//! Order of the waiters of several servers.
//!
//! Every server has its own queue. One entry of a pool contains *hints*: for each server with waiters, how long the
//! first of them has waited. It is read with the slots. A server that could grant a slot to its own waiter, but sees
//! an earlier one elsewhere, leaves the slot free for that waiter's server to take at its next read. A new request
//! comes after all waiters of all servers.
//!
//! No clocks are compared. A hint states a duration, and was written before it was read: the arrival is calculated
//! from the moment at which the hint was first read, so that a waiter elsewhere may seem to have come later than it
//! did, and never earlier. Hence two servers never leave a slot to each other. Arrivals within one
//! [`QueueOrder::tolerance`] count as equal: otherwise every slot would wait for another server's read.
//!
//! A hint is rewritten when its waiter has waited twice as long, and at least three times in its lifetime. One that
//! was not is that of a dead server, and lapses. If a hint cannot be written, that server's waiters compete without
//! it.

use std::{collections::HashMap, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Claim, ClaimResult, Job, view::PoolView};
use crate::{backend::memcache::entry::ServerRunId, json::micros};

/// Minimum lifetime of a hint that is not rewritten.
const MIN_HINT_LIFETIME: Duration = Duration::from_secs(3);

/// Minimum lifetime of a hint, in poll intervals.
const POLLS_PER_HINT_LIFETIME: u32 = 3;

/// Hint of one server's waiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueHint {
    /// The server.
    pub(crate) server: ServerRunId,
    /// Rises with every write by that server.
    pub(crate) version: u64,
    /// How long the first waiter had waited when it was written.
    pub(crate) waited: Duration,
    /// Number of slots of the pool in that server's configuration.
    pub(crate) slots: usize,
}

/// Hints of all servers with waiters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueueHints {
    /// CAS number of the entry.
    pub(crate) cas: u64,
    /// At most one per server.
    pub(crate) hints: Vec<QueueHint>,
}

/// JSON of a [`QueueHint`]. The time is in microseconds.
#[derive(Serialize, Deserialize)]
struct HintJson {
    server: String,
    version: u64,
    waited: u64,
    slots: usize,
}

/// The stored value.
pub(crate) fn write(hints: &[QueueHint]) -> String {
    let record = |hint: &QueueHint| HintJson {
        server: hint.server.to_string(),
        version: hint.version,
        waited: micros(hint.waited),
        slots: hint.slots,
    };
    let records: Vec<_> = hints.iter().map(record).collect();
    serde_json::to_string(&records).expect("a record has only texts and numbers")
}

/// Parses a stored value. What cannot be parsed hints at no waiters.
pub(crate) fn read(value: &[u8], cas: u64) -> QueueHints {
    let records: Vec<HintJson> = serde_json::from_slice(value).unwrap_or_default();
    let hint = |HintJson { server, version, waited, slots }| {
        Some(QueueHint {
            server: ServerRunId::parse(&server)?,
            version,
            waited: Duration::from_micros(waited),
            slots,
        })
    };
    QueueHints { cas, hints: records.into_iter().filter_map(hint).collect() }
}

/// Waiters here and elsewhere, as a job knows them. Durations are those at its start.
#[derive(Debug, Default)]
pub(crate) struct QueueOrder {
    /// Number of claims, the first ones, that are waiters. The others are new requests.
    pub(crate) waiters: usize,
    /// How long the first waiter that is not in the job has waited.
    pub(crate) behind: Option<Duration>,
    /// Arrivals within this time count as equal.
    pub(crate) tolerance: Duration,
    /// Lifetime of a hint that is not rewritten.
    pub(crate) life: Duration,
    /// The last hint of this server.
    pub(crate) own: Option<OwnHint>,
    /// How long the waiters of hints that were read before have waited; `None`: their server is dead.
    pub(crate) seen: HashMap<(ServerRunId, u64), Option<Duration>>,
}

/// The last hint of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OwnHint {
    /// Version of the hint.
    pub(crate) version: u64,
    /// How long its waiter has waited.
    pub(crate) waited: Duration,
    /// Time since it was written.
    pub(crate) age: Duration,
}

impl Job {
    /// Whether a slot is left to a waiter of another server rather than granted to this claim: the waiter came
    /// earlier, and `can_take` says that a pool with its server's number of slots has room.
    pub(crate) fn gives_way(&self, claim: usize, can_take: impl Fn(usize) -> bool) -> bool {
        let limit = self.waited(claim).map(|waited| waited + self.order.tolerance);
        let is_earlier = |hint: &QueueHint| match self.others_waited(hint) {
            Some(waited) => limit.is_none_or(|limit| waited > limit) && can_take(hint.slots),
            None => false,
        };
        self.other_hints().any(is_earlier)
    }

    /// How long the waiter of a claim has waited, or a later one that was overtaken by a promotion; `None`: a new
    /// request.
    fn waited(&self, claim: usize) -> Option<Duration> {
        let waiters = self.claims.get(claim..self.order.waiters)?;
        waiters.iter().map(|claim| claim.waited).max()
    }

    /// How long the waiter of another server has waited; `None`: that server is dead.
    fn others_waited(&self, hint: &QueueHint) -> Option<Duration> {
        self.order.seen.get(&(hint.server, hint.version)).copied().unwrap_or(Some(hint.waited))
    }

    fn other_hints(&self) -> impl Iterator<Item = &QueueHint> {
        self.view.hints.iter().flat_map(|hints| &hints.hints).filter(|hint| hint.server != self.server)
    }

    /// Hints to be written, if this server's hint is outdated. `served`: claims that take a slot in this batch.
    pub(crate) fn hints_to_write(
        &self,
        served: impl Fn(usize) -> bool,
    ) -> Option<(Option<OwnHint>, Vec<QueueHint>)> {
        let waits = |(index, claim): &(usize, &Claim)| {
            let is_open = matches!(claim.found, None | Some(ClaimResult::NoSlot));
            is_open && !served(*index) && self.slot_of(&claim.requester).is_none()
        };
        let waiters = self.claims.iter().take(self.order.waiters).enumerate().filter(waits);
        let waited = waiters.map(|(_, claim)| claim.waited).chain(self.order.behind).max();
        let stored = self.view.hint_of(self.server);
        if self.is_hint_current(stored, waited) {
            return None;
        }
        let last = stored.map(|hint| hint.version).max(self.order.own.map(|own| own.version));
        let version = last.unwrap_or_default() + 1;
        let own = waited.map(|waited| OwnHint { version, waited, age: Duration::ZERO });
        let hint = waited.map(|waited| QueueHint { server: self.server, version, waited, slots: self.slots });
        let others = self.other_hints().filter(|hint| self.others_waited(hint).is_some()).copied();
        Some((own, others.chain(hint).collect()))
    }

    /// Whether this server's hint states well enough how long its first waiter has waited, or that there is none.
    fn is_hint_current(&self, stored: Option<QueueHint>, waited: Option<Duration>) -> bool {
        let (hint, waited) = match (stored, waited) {
            (None, None) => return true,
            (Some(hint), Some(waited)) => (hint, waited),
            (None, Some(_)) | (Some(_), None) => return false,
        };
        let QueueOrder { own, tolerance, life, .. } = self.order;
        own.is_some_and(|own| {
            let renewal = hint.waited.clamp(tolerance, (life / POLLS_PER_HINT_LIFETIME).max(tolerance));
            own.version == hint.version && own.waited.abs_diff(waited) <= tolerance && own.age < renewal
        })
    }
}

impl PoolView {
    /// Hint of this server.
    pub(crate) fn hint_of(&self, server: ServerRunId) -> Option<QueueHint> {
        self.hints.iter().flat_map(|hints| &hints.hints).find(|hint| hint.server == server).copied()
    }
}

/// Memory of hints, from job to job.
#[derive(Debug, Default)]
pub(crate) struct ForeignWaiters {
    /// Last hint of this server: its version, the arrival of its waiter, and when it was written.
    own: Option<(u64, Instant, Instant)>,
    /// Of the other servers' hints: arrival of the waiter, and when the hint was first read.
    others: HashMap<(ServerRunId, u64), (Instant, Instant)>,
}

impl ForeignWaiters {
    /// Order for a job that starts now. The pool is read every `poll`.
    pub(crate) fn order(
        &self,
        waiters: usize,
        behind: Option<Duration>,
        poll: Duration,
        now: Instant,
    ) -> QueueOrder {
        let life = MIN_HINT_LIFETIME.max(poll * POLLS_PER_HINT_LIFETIME);
        let own =
            self.own.map(|(version, arrival, at)| OwnHint { version, waited: now - arrival, age: now - at });
        let waited = |(arrival, seen): (Instant, Instant)| (now - seen < life).then(|| now - arrival);
        let seen = self.others.iter().map(|(hint, times)| (*hint, waited(*times))).collect();
        QueueOrder { waiters, behind, tolerance: poll, life, own, seen }
    }

    /// Remembers the outcome of a job that started at `at`, and its view.
    pub(crate) fn update(
        &mut self,
        order: &QueueOrder,
        view: &PoolView,
        server: ServerRunId,
        at: Instant,
        now: Instant,
    ) {
        let before = |time: Duration| at.checked_sub(time).unwrap_or(at);
        self.own = order.own.map(|OwnHint { version, waited, age }| (version, before(waited), before(age)));
        let hints = view.hints.iter().flat_map(|hints| &hints.hints).filter(|hint| hint.server != server);
        let known = |hint: &QueueHint| {
            let key = (hint.server, hint.version);
            let arrival = now.checked_sub(hint.waited).unwrap_or(now);
            (key, self.others.get(&key).copied().unwrap_or((arrival, now)))
        };
        self.others = hints.map(known).collect();
    }
}
