//! One pool's end of the watch.

use std::{sync::Arc, time::Duration};

use distributex_config::Name;
use prometheus::Histogram;

use super::{
    Watch,
    board::Board,
    endings::Endings,
    news::What,
    numbers::PoolNumbers,
    runs::{Run, Runs},
};
use crate::pool::{Counts, Ended, Held, LeaseId, Lever, Operator, Pulled, Refusal, Ticket, Token};

/// What a pool tells of itself.
#[derive(Debug)]
pub struct PoolWatch {
    pool: Name,
    numbers: Option<PoolNumbers>,
    board: Option<Arc<Board>>,
    runs: Runs,
    endings: Endings,
    /// Whether the store cannot be reached.
    away: bool,
    /// Whether the pool is neither in the configuration nor in use: it has no numbers then.
    gone: bool,
    /// What all pools share.
    watch: Watch,
}

/// What is known of a lease's end besides the lease.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The exit status of what the slot was for, if its holder told.
    pub exit_status: Option<u8>,
    /// Who forced or revoked it, and why.
    pub operator: Option<Operator>,
}

impl PoolWatch {
    pub(super) fn new(pool: Name, watch: &Watch) -> Self {
        Self {
            numbers: watch.numbers.as_ref().map(|numbers| numbers.pool(&pool)),
            board: watch.board.clone(),
            runs: Runs::new(watch.runs),
            endings: Endings::default(),
            away: false,
            gone: false,
            watch: watch.clone(),
            pool,
        }
    }

    fn post(&self, what: impl FnOnce() -> What) {
        if let Some(board) = &self.board {
            board.post(&self.pool, what());
        }
    }

    /// How the pool is now.
    pub(crate) fn count(&mut self, counts: &Counts) {
        if counts.gone != self.gone {
            self.set_gone(counts.gone);
        }
        if let Some(numbers) = &self.numbers {
            numbers.count(counts);
        }
    }

    /// The pool is of no interest any more, or is again.
    fn set_gone(&mut self, gone: bool) {
        self.gone = gone;
        self.watch.reach.count(!gone, self.away);
        let numbers = self.watch.numbers.as_ref().filter(|_| !gone);
        self.numbers = numbers.map(|numbers| numbers.pool(&self.pool));
        if let Some(numbers) = &self.numbers {
            numbers.set_up(!self.away);
        }
    }

    pub(crate) fn began(&self, token: Token, host: Name, waited: Duration, command: Option<Arc<str>>) {
        if let Some(numbers) = &self.numbers {
            numbers.began(waited);
        }
        self.post(|| What::Granted { host, token, waited, command });
    }

    pub(crate) fn ended(&mut self, lease: Ended, report: Report) {
        if let Some(numbers) = &self.numbers {
            numbers.ended(lease.how, lease.held);
        }
        let run = Arc::new(Run::new(lease, report));
        self.endings.add(&run);
        self.runs.add(&run);
        if let Some(board) = &self.board {
            board.post(&self.pool, What::Ended(run));
        }
    }

    /// A lease of another server is not in the store any more. That server counts it.
    pub(crate) fn ended_elsewhere(&mut self, lease: Ended) {
        self.endings.add(&Arc::new(Run::new(lease, Report::default())));
    }

    /// How the lease that this names ended, if it ended recently.
    pub(crate) fn end_of(&self, held: &Held) -> Option<Arc<Run>> {
        self.endings.of(held).cloned()
    }

    pub(crate) fn refused(&self, why: Refusal) {
        if let Some(numbers) = &self.numbers {
            numbers.refused(why);
        }
    }

    pub(crate) fn renewed(&self) {
        if let Some(numbers) = &self.numbers {
            numbers.renewed();
        }
    }

    /// A holder wanted to renew the lease with this secret name, but it is lost.
    pub(crate) fn renew_lost(&self, id: LeaseId) {
        if let Some(numbers) = &self.numbers {
            numbers.renew_lost();
        }
        self.post(|| {
            let run = self.endings.of(&Held::Lease(id));
            let known = run.map(|run| (run.lease.asker.host().clone(), run.lease.token));
            What::RenewedLost { known }
        });
    }

    pub(crate) fn joined(&self, ticket: Ticket, host: Name, place: usize) {
        self.post(|| What::Waiting { host, ticket, place });
    }

    pub(crate) fn left(&self, ticket: Ticket, host: Name) {
        self.post(|| What::Left { host, ticket });
    }

    /// An operator did something. The end of a lease is told by [`PoolWatch::ended`].
    pub(crate) fn pulled(&self, lever: Lever, what: &Pulled, operator: &Operator) {
        let host = match what {
            Pulled::Released { .. } | Pulled::Unchanged => return,
            Pulled::Set => None,
            Pulled::Moved { host } | Pulled::Revoked { host, .. } => Some(host.clone()),
        };
        self.post(|| What::Pulled { lever, host, operator: Box::new(operator.clone()) });
    }

    /// The store cannot be reached, or can be again.
    pub(crate) fn set_away(&mut self, away: bool) {
        if away == self.away {
            return;
        }
        self.away = away;
        if let Some(numbers) = &self.numbers {
            numbers.set_up(!away);
        }
        if !self.gone {
            self.watch.reach.count(true, away);
            self.watch.reach.count(false, !away);
        }
        self.post(|| if away { What::Away } else { What::Back });
    }

    pub(crate) fn changed(&self) {
        self.post(|| What::Changed);
    }

    /// The latest runs, the last one first; `None` if none are kept.
    pub(crate) fn runs(&self) -> Option<Vec<Arc<Run>>> {
        self.runs.are_kept().then(|| self.runs.latest_first())
    }

    /// Where the time from a slot's end to its next holder's answer is counted.
    pub(crate) fn handover(&self) -> Option<Histogram> {
        self.numbers.as_ref().map(|numbers| numbers.handover().clone())
    }
}
