//! The order of waiters at several servers.
//!
//! Every server keeps the queue of those who wait there. One entry of a pool, its hints, says of each server that
//! has waiters how long the first of them has waited. It is read with the slots. A server that could give a slot
//! to its own waiter, but sees one elsewhere who came earlier, leaves the slot free: that one's server takes it when
//! it looks next. Whoever has just come stands behind all who wait anywhere.
//!
//! No clocks are compared. A hint tells a time span, and was written before it was seen: from the moment it was
//! seen first it is reckoned back, so that a waiter elsewhere may be thought to have come later than it did, and
//! never earlier. Hence two servers never leave a slot to each other. Waiters who came within one
//! [`QueueOrder::tolerance`] count as equal: otherwise every single slot would wait for another server's look.
//!
//! A hint is written anew when its waiter has waited for twice as long, and three times in its life at least. One
//! that was not is that of a dead server, and ends by itself. A hint that cannot be written does no harm: that
//! server's waiters compete without it.

use std::{collections::HashMap, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    entry::ServerRunId,
    job::{Claim, ClaimResult, Job},
    view::PoolView,
};
use crate::json::micros;

/// A hint is good for so long at least without being written anew.
const MIN_LIFE: Duration = Duration::from_secs(3);

/// And for so many looks.
const LOOKS_PER_LIFE: u32 = 3;

/// What one server says of its waiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QueueHint {
    /// Which server.
    pub(super) server: ServerRunId,
    /// Rises whenever that server writes it.
    pub(super) version: u64,
    /// How long the longest waiter had waited when it was written.
    pub(super) waited: Duration,
    /// How many slots the pool has there.
    pub(super) slots: usize,
}

/// The hints of all servers that have waiters, as they stand in memcached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueueHints {
    /// The number of the entry's latest change.
    pub(super) cas: u64,
    /// At most one of each server.
    pub(super) hints: Vec<QueueHint>,
}

/// A [`QueueHint`] in JSON. The time is in microseconds.
#[derive(Serialize, Deserialize)]
struct HintJson {
    server: String,
    version: u64,
    waited: u64,
    slots: usize,
}

/// What stands in memcached.
pub(super) fn write(hints: &[QueueHint]) -> String {
    let record = |hint: &QueueHint| HintJson {
        server: hint.server.to_string(),
        version: hint.version,
        waited: micros(hint.waited),
        slots: hint.slots,
    };
    let records: Vec<_> = hints.iter().map(record).collect();
    serde_json::to_string(&records).expect("a record has only texts and numbers")
}

/// Understands what stands in memcached. What is not understood tells of no waiters.
pub(super) fn read(value: &[u8], cas: u64) -> QueueHints {
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

/// What a job knows of waiters, here and elsewhere. All times are those at its begin.
#[derive(Debug, Default)]
pub(super) struct QueueOrder {
    /// How many of the claims, the first ones, are those of waiters. The others have just come.
    pub(super) waiters: usize,
    /// How long the first waiter behind them has waited.
    pub(super) behind: Option<Duration>,
    /// Waiters who came within this time count as equal.
    pub(super) tolerance: Duration,
    /// How long a hint is good without being written anew.
    pub(super) life: Duration,
    /// The hint of this server, as it was written last.
    pub(super) own: Option<OwnHint>,
    /// How long the waiters of hints that were seen before have waited; `None`: their server is dead.
    pub(super) seen: HashMap<(ServerRunId, u64), Option<Duration>>,
}

/// A hint of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OwnHint {
    /// Its version.
    pub(super) version: u64,
    /// How long its waiter has waited.
    pub(super) waited: Duration,
    /// How long ago it was written.
    pub(super) age: Duration,
}

impl Job {
    /// Whether a slot is left to waiters of other servers, rather than given to this claim: one of them came
    /// before, and could take it as far as `can_take` says for so many slots.
    pub(super) fn gives_way(&self, claim: usize, can_take: impl Fn(usize) -> bool) -> bool {
        let limit = self.waited(claim).map(|waited| waited + self.order.tolerance);
        let came_before = |hint: &QueueHint| match self.others_waited(hint) {
            Some(waited) => limit.is_none_or(|limit| waited > limit) && can_take(hint.slots),
            None => false,
        };
        self.other_hints().any(came_before)
    }

    /// How long the waiter of a claim has waited, or one behind it that was overtaken by an operator's word;
    /// `None`: it is no waiter, but has just come.
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

    /// The hints to write, if ours is not as it should be. `served`: the claims that take a slot in this batch.
    pub(super) fn hints_to_write(
        &self,
        served: impl Fn(usize) -> bool,
    ) -> Option<(Option<OwnHint>, Vec<QueueHint>)> {
        let waits = |(number, claim): &(usize, &Claim)| {
            let is_open = matches!(claim.found, None | Some(ClaimResult::NoSlot));
            is_open && !served(*number) && self.by(&claim.requester).is_none()
        };
        let waiters = self.claims.iter().take(self.order.waiters).enumerate().filter(waits);
        let waited = waiters.map(|(_, claim)| claim.waited).chain(self.order.behind).max();
        let stands = self.view.hint_of(self.server);
        if self.is_told(stands, waited) {
            return None;
        }
        let last = stands.map(|hint| hint.version).max(self.order.own.map(|own| own.version));
        let version = last.unwrap_or_default() + 1;
        let own = waited.map(|waited| OwnHint { version, waited, age: Duration::ZERO });
        let hint = waited.map(|waited| QueueHint { server: self.server, version, waited, slots: self.slots });
        let others = self.other_hints().filter(|hint| self.others_waited(hint).is_some()).copied();
        Some((own, others.chain(hint).collect()))
    }

    /// Whether our hint says well enough how long somebody has waited, or nobody.
    fn is_told(&self, stands: Option<QueueHint>, waited: Option<Duration>) -> bool {
        let (hint, waited) = match (stands, waited) {
            (None, None) => return true,
            (Some(hint), Some(waited)) => (hint, waited),
            (None, Some(_)) | (Some(_), None) => return false,
        };
        let QueueOrder { own, tolerance, life, .. } = self.order;
        own.is_some_and(|own| {
            let renewal = hint.waited.clamp(tolerance, (life / LOOKS_PER_LIFE).max(tolerance));
            own.version == hint.version && own.waited.abs_diff(waited) <= tolerance && own.age < renewal
        })
    }
}

impl PoolView {
    /// What this server has said of its waiters.
    pub(super) fn hint_of(&self, server: ServerRunId) -> Option<QueueHint> {
        self.hints.iter().flat_map(|hints| &hints.hints).find(|hint| hint.server == server).copied()
    }
}

/// What a pool remembers of hints from job to job.
#[derive(Debug, Default)]
pub(super) struct ForeignWaiters {
    /// Our own hint as it was written last: its version, when its waiter came, and when that was.
    own: Option<(u64, Instant, Instant)>,
    /// When the waiters of the others came, and when their hints were seen first.
    others: HashMap<(ServerRunId, u64), (Instant, Instant)>,
}

impl ForeignWaiters {
    /// What a job is to know that begins now. A pool is looked at every `poll`.
    pub(super) fn order(
        &self,
        waiters: usize,
        behind: Option<Duration>,
        poll: Duration,
        now: Instant,
    ) -> QueueOrder {
        let life = MIN_LIFE.max(poll * LOOKS_PER_LIFE);
        let own = self.own.map(|(version, came, at)| OwnHint { version, waited: now - came, age: now - at });
        let waited = |(came, seen): (Instant, Instant)| (now - seen < life).then(|| now - came);
        let seen = self.others.iter().map(|(hint, times)| (*hint, waited(*times))).collect();
        QueueOrder { waiters, behind, tolerance: poll, life, own, seen }
    }

    /// Remembers what came of a job that began at `at`, and what it saw.
    pub(super) fn learn(
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
            let came = now.checked_sub(hint.waited).unwrap_or(now);
            (key, self.others.get(&key).copied().unwrap_or((came, now)))
        };
        self.others = hints.map(known).collect();
    }
}
