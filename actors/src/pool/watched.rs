//! What a pool's actor has for those who watch it, and for operators: how leases ended, what was before, and levers.
//!
//! ```text
//!  Pull ─► backend ─► ended, pulled ─┬► the log, with who and why
//!                                    ├► the watch: events, history, numbers
//!                                    └► the operator's answer
//! ```

use std::{sync::Arc, time::SystemTime};

use actix::{Handler, Message, MessageResult};
use log::info;
use tokio::time::Instant;

use super::{
    After, AskId, Ended, Held, Lever, Operator, Pulled, State,
    actor::{PoolActor, PullReply, Reply},
};
use crate::watch::{Report, runs::Run};

impl PoolActor {
    /// A lease is over. What is known of its end stands with the request that ended it, which is answered next.
    pub(super) fn ended(&mut self, ended: Ended) {
        let revoked_by = ended.revoked.as_ref().map(|revoked| revoked.operator.clone());
        let report = match ended.by.and_then(|ask| self.open.get(&ask)) {
            Some(Reply::Release(exit_status, _)) => {
                Report { exit_status: *exit_status, operator: revoked_by }
            }
            Some(Reply::Pull(_, operator, _)) => {
                Report { exit_status: None, operator: Some(operator.clone()) }
            }
            Some(Reply::Grant { .. } | Reply::Renewal(..) | Reply::Look(..) | Reply::LookUp(..)) | None => {
                Report { exit_status: None, operator: revoked_by }
            }
        };
        let (pool, host, held) = (self.name.as_str(), ended.asker.host().as_str(), ended.held.as_secs_f64());
        let (how, token) = (ended.how, ended.token);
        if let Some(Operator { author, reason, .. }) = &report.operator {
            info!(
                "{how} pool={pool:?} host={host:?} token={token} held={held:.3}s author={author:?} reason={reason:?}"
            );
        } else {
            info!("{how} pool={pool:?} host={host:?} token={token} held={held:.3}s");
        }
        self.watch.ended(ended, report);
    }

    /// What an operator wanted is done, or cannot be: nobody has that token or ticket.
    pub(super) fn pulled(&mut self, ask: AskId, what: Option<Pulled>) {
        let Some(Reply::Pull(lever, operator, to)) = self.open.remove(&ask) else { return };
        if let Some(what) = what.as_ref().filter(|what| **what != Pulled::Unchanged) {
            self.tell_pulled(lever, what, &operator);
            self.watch.pulled(lever, what, &operator);
        }
        let _ = to.send(Ok(what)); // it is done, also for who is gone
    }

    /// Who let the pool go on is not in the store.
    pub(super) fn paused_elsewhere(&self, operator: Option<Operator>) {
        let lever = if operator.is_some() { Lever::Pause } else { Lever::Resume };
        let operator = operator.unwrap_or_else(|| Operator {
            author: "the store".into(),
            reason: "has no pause any more".into(),
            at: SystemTime::now(),
        });
        self.tell_pulled(lever, &Pulled::Set, &operator);
        self.watch.pulled(lever, &Pulled::Set, &operator);
    }

    fn tell_pulled(&self, lever: Lever, what: &Pulled, Operator { author, reason, .. }: &Operator) {
        let done = match lever {
            Lever::Release(_) => return, // told as the end of a lease
            Lever::Revoke(..) => "revoked",
            Lever::Pause => "paused",
            Lever::Resume => "resumed",
            Lever::Front(_) => "moved to the front",
            Lever::Remove(_) => "removed from the line",
        };
        let whom = match (what, lever) {
            (Pulled::Moved { host }, Lever::Front(ticket) | Lever::Remove(ticket)) => {
                format!(" host={:?} ticket={}", host.as_str(), ticket.0)
            }
            (Pulled::Revoked { host, notified, .. }, Lever::Revoke(token, _)) => {
                format!(" host={:?} token={token} notified={notified}", host.as_str())
            }
            (
                Pulled::Moved { .. }
                | Pulled::Revoked { .. }
                | Pulled::Set
                | Pulled::Unchanged
                | Pulled::Released { .. },
                _,
            ) => String::new(),
        };
        info!("{done} pool={:?}{whom} author={author:?} reason={reason:?}", self.name.as_str());
    }
}

/// Request: do what an operator wants.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Pull {
    pub(super) lever: Lever,
    pub(super) operator: Operator,
    pub(super) reply: PullReply,
}

impl Handler<Pull> for PoolActor {
    type Result = ();

    fn handle(&mut self, Pull { lever, operator, reply }: Pull, ctx: &mut Self::Context) {
        let ask = AskId::next();
        self.open.insert(ask, Reply::Pull(lever, operator.clone(), reply));
        self.act(ctx, |backend, now, out| backend.pull(ask, lever, &operator, now, out));
    }
}

/// Request: tell how what is meant ended, if it ended recently.
#[derive(Debug, Message)]
#[rtype(result = "Option<Arc<Run>>")]
pub(super) struct FindEnd(pub(super) Held);

impl Handler<FindEnd> for PoolActor {
    type Result = Option<Arc<Run>>;

    fn handle(&mut self, FindEnd(held): FindEnd, _: &mut Self::Context) -> Self::Result {
        self.watch.end_of(&held)
    }
}

/// Request: tell of the latest runs, the last one first.
#[derive(Debug, Message)]
#[rtype(result = "Option<Vec<Arc<Run>>>")]
pub(super) struct Runs;

impl Handler<Runs> for PoolActor {
    type Result = Option<Vec<Arc<Run>>>;

    fn handle(&mut self, Runs: Runs, _: &mut Self::Context) -> Self::Result {
        self.watch.runs()
    }
}

/// Request: tell how the pool was when its store last answered.
#[derive(Debug, Message)]
#[rtype(result = "State")]
pub(super) struct Glance;

impl Handler<Glance> for PoolActor {
    type Result = MessageResult<Glance>;

    fn handle(&mut self, Glance: Glance, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.backend.state(After::default(), Instant::now()))
    }
}
