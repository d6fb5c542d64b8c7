//! Ended leases of a pool, for its history.

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use super::EndReport;
use crate::pool::{EndReason, EndedLease, Operator};

/// A lease that has ended.
#[derive(Debug, Clone)]
pub struct Run {
    /// The lease.
    pub lease: EndedLease,
    /// Wall-clock time of its end.
    pub at: SystemTime,
    /// Exit status of the holder's command, if reported.
    pub exit_status: Option<u8>,
    /// Who force-released it, or had revoked it, and why.
    pub operator: Option<Box<Operator>>,
}

impl Run {
    /// A run that ends now.
    pub(super) fn new(lease: EndedLease, EndReport { exit_status, operator }: EndReport) -> Self {
        Self { lease, at: SystemTime::now(), exit_status, operator: operator.map(Box::new) }
    }
}

/// The latest runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    most: usize,
    /// The latest one last.
    kept: VecDeque<Arc<Run>>,
}

impl Runs {
    /// Keeps at most `most` runs.
    pub(super) fn new(most: usize) -> Self {
        Self { most, kept: VecDeque::new() }
    }

    /// Whether runs are kept.
    pub(super) fn are_kept(&self) -> bool {
        self.most > 0
    }

    /// Adds a run. An undelivered lease was none.
    pub(super) fn add(&mut self, run: &Arc<Run>) {
        if self.most == 0 || run.lease.how == EndReason::Undelivered {
            return;
        }
        if self.kept.len() == self.most {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::clone(run));
    }

    /// All runs, the latest one first.
    pub(super) fn latest_first(&self) -> Vec<Arc<Run>> {
        self.kept.iter().rev().cloned().collect()
    }
}
