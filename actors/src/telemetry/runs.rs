//! The latest runs of a pool: leases, from grant to end.

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use super::EndReport;
use crate::pool::{EndReason, EndedLease, Operator};

/// A lease that was held and is over.
#[derive(Debug, Clone)]
pub struct Run {
    /// What there is to say of the lease.
    pub lease: EndedLease,
    /// When it ended, by the system's clock.
    pub at: SystemTime,
    /// The exit status of what it was for, if its holder told.
    pub exit_status: Option<u8>,
    /// Who forced its end, or had revoked the lease, and why.
    pub operator: Option<Box<Operator>>,
}

impl Run {
    /// One that ends now.
    pub(super) fn new(lease: EndedLease, EndReport { exit_status, operator }: EndReport) -> Self {
        Self { lease, at: SystemTime::now(), exit_status, operator: operator.map(Box::new) }
    }
}

/// The latest runs, so many at most.
#[derive(Debug, Default)]
pub(super) struct Runs {
    most: usize,
    /// The latest one last.
    kept: VecDeque<Arc<Run>>,
}

impl Runs {
    /// No runs yet; and never more than so many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, kept: VecDeque::new() }
    }

    /// Whether any are kept.
    pub(super) fn are_kept(&self) -> bool {
        self.most > 0
    }

    /// A lease is over. One of which nobody was told was no run.
    pub(super) fn add(&mut self, run: &Arc<Run>) {
        if self.most == 0 || run.lease.how == EndReason::Undelivered {
            return;
        }
        if self.kept.len() == self.most {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::clone(run));
    }

    /// All of them, the latest one first.
    pub(super) fn latest_first(&self) -> Vec<Arc<Run>> {
        self.kept.iter().rev().cloned().collect()
    }
}
