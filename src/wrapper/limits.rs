//! Limits of a command: its lease, and its maximum run time.

use std::{future, time::Duration};

use tokio::sync::watch;

use super::{
    WrapperOptions,
    deadline::{Deadline, Grace},
    options::OnLost,
};
use distributex_client::{BootTime, LeaseStatus};

/// Limits of one run.
#[derive(Debug)]
pub(super) struct RunLimits {
    /// The pool whose slot is held.
    pub(super) pool: String,
    /// Status of the lease. `None`: the lease does not expire, or is no longer renewed.
    standing: Option<watch::Receiver<LeaseStatus>>,
    /// Last known time to live of the lease.
    ttl: Option<Duration>,
    /// When the command is stopped; `None`: never.
    pub(super) deadline: Deadline,
    /// The time between TERM and KILL.
    grace: Grace,
    /// Reaction to a lost lease.
    pub(super) on_lost: OnLost,
    /// Maximum run time of the command.
    pub(super) max_run: Option<Duration>,
    /// Whether processes the command leaves running still count as the command.
    pub(super) wait_group: bool,
}

impl RunLimits {
    /// The limits of a command that runs under this lease.
    pub(super) fn new(options: &WrapperOptions, standing: Option<watch::Receiver<LeaseStatus>>) -> Self {
        let WrapperOptions { grace, on_lost, max_run, wait_group, .. } = *options;
        Self {
            pool: options.pool.clone(),
            standing,
            ttl: None,
            deadline: Deadline::NONE,
            grace,
            on_lost,
            max_run,
            wait_group,
        }
    }

    /// The first deadline for a guard. `None` if no guard is needed: nothing would be stopped.
    pub(super) fn guarded_until(&mut self) -> Option<Deadline> {
        let standing = self.standing.as_ref()?.borrow().clone(); // still a change, for the follower of the command
        match standing {
            LeaseStatus::Held { ttl, renewed_at: good, revoked: None } => self.prolong(ttl, good),
            LeaseStatus::Held { revoked: Some(_), .. } | LeaseStatus::Lost { .. } => {
                self.deadline = Deadline::past();
            }
        }
        (self.on_lost != OnLost::Warn).then_some(self.deadline)
    }

    /// The lease was renewed.
    pub(super) fn prolong(&mut self, ttl: Option<Duration>, good: BootTime) {
        self.ttl = ttl;
        let deadline = Deadline::from_lease(ttl, good, self.grace);
        self.deadline = match self.on_lost {
            OnLost::Term => deadline,
            OnLost::Kill => deadline.without_term(),
            OnLost::Warn => Deadline::NONE,
        };
    }

    /// The time between TERM and KILL.
    pub(super) fn grace(&self) -> Duration {
        self.grace.within(self.ttl)
    }

    /// The next change of the lease; waits forever if there is none. Cancel-safe.
    pub(super) async fn next_status(&mut self) -> LeaseStatus {
        if let Some(standing) = &mut self.standing {
            if standing.changed().await.is_ok() {
                return standing.borrow_and_update().clone();
            }
            self.standing = None; // the renewal task is gone; the guard has the last deadline
        }
        future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;
    use distributex_client::RevocationNotice;

    const TTL: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);

    fn held() -> LeaseStatus {
        LeaseStatus::Held { ttl: Some(TTL), renewed_at: BootTime::since_boot(TTL), revoked: None }
    }

    fn limits(option: &str, standing: Option<watch::Receiver<LeaseStatus>>) -> RunLimits {
        let line = ["distributex", "-H", "locks", "-r", "p", option, "true"].map(Into::into);
        RunLimits::new(&WrapperOptions::read(&line, &|_| None).unwrap(), standing)
    }

    #[actix::test]
    async fn a_guard_is_needed_if_something_is_to_be_stopped() {
        let (_sender, standing) = watch::channel(held());
        let deadline = |option| limits(option, Some(standing.clone())).guarded_until();

        assert_eq!(deadline("--on-lost=term").unwrap().kill, Some(BootTime::since_boot(2 * TTL - SECOND)));
        assert_eq!(deadline("--on-lost=kill").unwrap().grace, Duration::ZERO);
        assert_eq!(deadline("--on-lost=warn"), None);
        assert_eq!(limits("-v", None).guarded_until(), None, "the classic protocol");
    }

    #[actix::test]
    async fn the_grace_is_that_of_the_lease() {
        let (_sender, standing) = watch::channel(held());
        let mut limits = limits("-v", Some(standing));

        limits.guarded_until();

        assert_eq!(limits.grace(), TTL / 6);
    }

    #[actix::test]
    async fn nothing_starts_under_a_lease_that_is_lost_or_revoked() {
        let revoked = Some(RevocationNotice { author: "ann".to_owned(), reason: "update".to_owned() });
        let (sender, standing) =
            watch::channel(LeaseStatus::Held { ttl: None, renewed_at: BootTime::now(), revoked });
        let mut limits = limits("-v", Some(standing));
        assert!(limits.guarded_until().unwrap().term().unwrap() <= BootTime::now());

        sender.send(LeaseStatus::Lost { why: String::new(), ended: None }).unwrap();
        assert!(limits.guarded_until().unwrap().term().unwrap() <= BootTime::now());
    }

    #[actix::test]
    async fn what_was_told_before_somebody_listened_is_still_news() {
        let (sender, standing) = watch::channel(held());
        let lost = LeaseStatus::Lost { why: "the server says so".to_owned(), ended: None };
        sender.send(lost.clone()).unwrap();
        let mut limits = limits("-v", Some(standing));
        limits.guarded_until();

        assert_eq!(limits.next_status().await, lost);
    }

    #[actix::test]
    async fn when_nobody_is_left_to_tell_there_is_no_news() {
        let (sender, standing) = watch::channel(held());
        let mut limits = limits("-v", Some(standing));

        drop(sender);

        let poll = pin!(limits.next_status()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll.is_pending());
    }
}
