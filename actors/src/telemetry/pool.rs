//! Telemetry of one pool.

use std::{sync::Arc, time::Duration};

use distributex_config::Name;
use prometheus::Histogram;

use super::{
    Telemetry,
    event_buffer::EventBuffer,
    metrics::PoolMetrics,
    pool_event::EventKind,
    recent_ends::RecentEnds,
    runs::{Run, Runs},
};
use crate::pool::{
    AdminAction, AdminOutcome, EndedLease, LeaseId, Operator, PoolCounts, Refusal, ReleaseTarget, Ticket,
    Token,
};

/// Telemetry of one pool; its actor reports everything here.
#[derive(Debug)]
pub struct PoolTelemetry {
    pool: Name,
    metrics: Option<PoolMetrics>,
    events: Option<Arc<EventBuffer>>,
    runs: Runs,
    endings: RecentEnds,
    /// Whether the store cannot be reached.
    away: bool,
    /// Whether the pool is neither in the configuration nor in use; it has no series then.
    gone: bool,
    /// Telemetry of all pools.
    telemetry: Telemetry,
}

/// How a lease ended, beyond what the lease itself says.
#[derive(Debug, Clone, Default)]
pub struct EndReport {
    /// Exit status of the holder's command, if reported.
    pub exit_status: Option<u8>,
    /// Who force-released or revoked it, and why.
    pub operator: Option<Operator>,
}

impl PoolTelemetry {
    pub(super) fn new(pool: Name, telemetry: &Telemetry) -> Self {
        Self {
            metrics: telemetry.metrics.as_ref().map(|metrics| metrics.pool(&pool)),
            events: telemetry.events.clone(),
            runs: Runs::new(telemetry.runs),
            endings: RecentEnds::default(),
            away: false,
            gone: false,
            telemetry: telemetry.clone(),
            pool,
        }
    }

    fn publish(&self, what: impl FnOnce() -> EventKind) {
        if let Some(events) = &self.events {
            events.publish(&self.pool, what());
        }
    }

    /// Updates the gauges.
    pub(crate) fn count(&mut self, counts: &PoolCounts) {
        if counts.gone != self.gone {
            self.set_unused(counts.gone);
        }
        if let Some(metrics) = &self.metrics {
            metrics.count(counts);
        }
    }

    /// Removes or restores the pool's series.
    fn set_unused(&mut self, gone: bool) {
        self.gone = gone;
        self.telemetry.reach.count(!gone, self.away);
        let metrics = self.telemetry.metrics.as_ref().filter(|_| !gone);
        self.metrics = metrics.map(|metrics| metrics.pool(&self.pool));
        if let Some(metrics) = &self.metrics {
            metrics.set_up(!self.away);
        }
    }

    pub(crate) fn granted(&self, token: Token, host: Name, waited: Duration, command: Option<Arc<str>>) {
        if let Some(metrics) = &self.metrics {
            metrics.granted(waited);
        }
        self.publish(|| EventKind::Granted { host, token, waited, command });
    }

    pub(crate) fn ended(&mut self, lease: EndedLease, report: EndReport) {
        if let Some(metrics) = &self.metrics {
            metrics.ended(lease.how, lease.held);
        }
        let run = Arc::new(Run::new(lease, report));
        self.endings.add(&run);
        self.runs.add(&run);
        if let Some(events) = &self.events {
            events.publish(&self.pool, EventKind::Ended(run));
        }
    }

    /// Reports the end of a lease of another server, which counts it.
    pub(crate) fn ended_elsewhere(&mut self, lease: EndedLease) {
        self.endings.add(&Arc::new(Run::new(lease, EndReport::default())));
    }

    /// The run of a lease that ended recently.
    pub(crate) fn find_ended_run(&self, held: &ReleaseTarget) -> Option<Arc<Run>> {
        self.endings.of(held).cloned()
    }

    pub(crate) fn refused(&self, why: Refusal) {
        if let Some(metrics) = &self.metrics {
            metrics.refused(why);
        }
    }

    pub(crate) fn renewed(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.renewed();
        }
    }

    /// Reports a renewal of a lease that has ended.
    pub(crate) fn renewal_refused(&self, id: LeaseId) {
        if let Some(metrics) = &self.metrics {
            metrics.renewal_refused();
        }
        self.publish(|| {
            let run = self.endings.of(&ReleaseTarget::Lease(id));
            let known = run.map(|run| (run.lease.requester.host().clone(), run.lease.token));
            EventKind::RenewalRefused { known }
        });
    }

    pub(crate) fn queued(&self, ticket: Ticket, host: Name, position: usize) {
        self.publish(|| EventKind::Queued { host, ticket, position });
    }

    pub(crate) fn left(&self, ticket: Ticket, host: Name) {
        self.publish(|| EventKind::Left { host, ticket });
    }

    /// Reports an admin action. [`PoolTelemetry::ended`] reports the end of a lease.
    pub(crate) fn action_applied(&self, action: AdminAction, what: &AdminOutcome, operator: &Operator) {
        let host = match what {
            AdminOutcome::Released { .. } | AdminOutcome::Unchanged => return,
            AdminOutcome::Set => None,
            AdminOutcome::Moved { host } | AdminOutcome::Revoked { host, .. } => Some(host.clone()),
        };
        self.publish(|| EventKind::Admin { action, host, operator: Box::new(operator.clone()) });
    }

    /// Reports that the store cannot be reached, or can again.
    pub(crate) fn set_store_down(&mut self, away: bool) {
        if away == self.away {
            return;
        }
        self.away = away;
        if let Some(metrics) = &self.metrics {
            metrics.set_up(!away);
        }
        if !self.gone {
            self.telemetry.reach.count(true, away);
            self.telemetry.reach.count(false, !away);
        }
        self.publish(|| if away { EventKind::StoreDown } else { EventKind::StoreUp });
    }

    pub(crate) fn reconfigured(&self) {
        self.publish(|| EventKind::Reconfigured);
    }

    /// The latest ended runs, the last one first; `None` if the history is disabled.
    pub(crate) fn history(&self) -> Option<Vec<Arc<Run>>> {
        self.runs.are_kept().then(|| self.runs.latest_first())
    }

    /// Histogram of the time from a slot's release to the response of its next holder.
    pub(crate) fn handover(&self) -> Option<Histogram> {
        self.metrics.as_ref().map(|metrics| metrics.handover().clone())
    }
}
