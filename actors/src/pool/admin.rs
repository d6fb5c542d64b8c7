//! Messages of a pool actor for operators and observers: admin actions, ended leases, history.
//!
//! ```text
//!  Administer ─► backend ─► lease ended, action applied ─┬► log line with author and reason
//!                                                        ├► telemetry: events, history, metrics
//!                                                        └► response to the operator
//! ```

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use actix::{Handler, Message, MessageResult};
use log::info;
use tokio::time::Instant;

use super::{
    AdminAction, AdminOutcome, EndedLease, Operator, PageCursor, PoolSnapshot, ReleaseTarget, RequestId,
    actor::{AdminReply, PendingReply, PoolActor},
};
use crate::telemetry::{EndReport, runs::Run};

impl PoolActor {
    /// Reports the end of a lease. Exit status or author are known from the request that ended it, which is answered
    /// next.
    pub(super) fn on_lease_ended(&mut self, ended: EndedLease) {
        let revoked_by = ended.revoked.as_ref().map(|revoked| revoked.operator.clone());
        let report = match ended.by.and_then(|request| self.open.get(&request)) {
            Some(PendingReply::Release(exit_status, _)) => {
                EndReport { exit_status: *exit_status, operator: revoked_by }
            }
            Some(PendingReply::Administer(_, operator, _)) => {
                EndReport { exit_status: None, operator: Some(operator.clone()) }
            }
            Some(
                PendingReply::Acquire { .. }
                | PendingReply::Renewal(..)
                | PendingReply::Snapshot(..)
                | PendingReply::FindHolder(..),
            )
            | None => EndReport { exit_status: None, operator: revoked_by },
        };
        let (pool, host) = (self.name.as_str(), ended.requester.host().as_str());
        let (event, token, held) = (ended.how.word(), ended.token.0, seconds(ended.held));
        if let Some(Operator { author, reason, .. }) = &report.operator {
            let (author, reason) = (&**author, &**reason);
            info!(pool, host, token, held, author, reason; "{event}");
        } else {
            info!(pool, host, token, held; "{event}");
        }
        self.telemetry.ended(ended, report);
    }

    /// Reports the outcome of an admin action and answers it.
    pub(super) fn on_action_applied(&mut self, request: RequestId, outcome: Option<AdminOutcome>) {
        let Some(PendingReply::Administer(action, operator, to)) = self.open.remove(&request) else { return };
        if let Some(outcome) = outcome.as_ref().filter(|outcome| **outcome != AdminOutcome::Unchanged) {
            self.log_action(action, outcome, &operator);
            self.telemetry.action_applied(action, outcome, &operator);
        }
        let _ = to.send(Ok(outcome)); // the action is done even if the operator is gone
    }

    /// Reports a pause or resume through another server; the store does not know who resumed.
    pub(super) fn paused_elsewhere(&self, operator: Option<Operator>) {
        let action = if operator.is_some() { AdminAction::Pause } else { AdminAction::Resume };
        let operator = operator.unwrap_or_else(|| Operator {
            author: "store".into(),
            reason: "the pause is no longer in the store".into(),
            at: SystemTime::now(),
        });
        self.log_action(action, &AdminOutcome::Set, &operator);
        self.telemetry.action_applied(action, &AdminOutcome::Set, &operator);
    }

    fn log_action(&self, action: AdminAction, outcome: &AdminOutcome, operator: &Operator) {
        let (event, pool) = (action.event().word(), self.name.as_str());
        let (author, reason) = (&*operator.author, &*operator.reason);
        match (outcome, action) {
            (AdminOutcome::Moved { host }, AdminAction::Promote(ticket) | AdminAction::Evict(ticket)) => {
                info!(pool, host = host.as_str(), ticket = ticket.0, author, reason; "{event}");
            }
            (AdminOutcome::Revoked { host, notified, .. }, AdminAction::Revoke(token, _)) => {
                info!(pool, host = host.as_str(), token = token.0, notified, author, reason; "{event}");
            }
            (AdminOutcome::Released { .. }, _) => {} // logged as the end of a lease
            (
                AdminOutcome::Moved { .. }
                | AdminOutcome::Revoked { .. }
                | AdminOutcome::Set
                | AdminOutcome::Unchanged,
                _,
            ) => info!(pool, author, reason; "{event}"),
        }
    }
}

/// A duration for the log: seconds, to the millisecond.
pub(super) fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

/// Request: apply an admin action.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Administer {
    pub(super) action: AdminAction,
    pub(super) operator: Operator,
    pub(super) reply: AdminReply,
}

impl Handler<Administer> for PoolActor {
    type Result = ();

    fn handle(&mut self, Administer { action, operator, reply }: Administer, ctx: &mut Self::Context) {
        let request = RequestId::next();
        self.open.insert(request, PendingReply::Administer(action, operator.clone(), reply));
        self.act(ctx, |backend, now, out| backend.administer(request, action, &operator, now, out));
    }
}

/// Request: the run of a lease that ended recently.
#[derive(Debug, Message)]
#[rtype(result = "Option<Arc<Run>>")]
pub(super) struct FindEndedRun(pub(super) ReleaseTarget);

impl Handler<FindEndedRun> for PoolActor {
    type Result = Option<Arc<Run>>;

    fn handle(&mut self, FindEndedRun(target): FindEndedRun, _: &mut Self::Context) -> Self::Result {
        self.telemetry.find_ended_run(&target)
    }
}

/// Request: the latest ended runs, the last one first.
#[derive(Debug, Message)]
#[rtype(result = "Option<Vec<Arc<Run>>>")]
pub(super) struct ReadHistory;

impl Handler<ReadHistory> for PoolActor {
    type Result = Option<Vec<Arc<Run>>>;

    fn handle(&mut self, ReadHistory: ReadHistory, _: &mut Self::Context) -> Self::Result {
        self.telemetry.history()
    }
}

/// Request: the public state as of the store's last response.
#[derive(Debug, Message)]
#[rtype(result = "PoolSnapshot")]
pub(super) struct CachedSnapshot;

impl Handler<CachedSnapshot> for PoolActor {
    type Result = MessageResult<CachedSnapshot>;

    fn handle(&mut self, CachedSnapshot: CachedSnapshot, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.backend.snapshot(PageCursor::default(), Instant::now()))
    }
}
