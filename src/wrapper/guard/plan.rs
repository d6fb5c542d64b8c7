//! Rules of the guard: plain data that is given the time.
//!
//! ```text
//!  watching ─┬ TERM of the deadline, or the wrapper is gone ─► TERM ─► asked ─┬ its KILL ─► KILL, repeatedly
//!            └ half of the grace is over, or there is none ───────────────────┘
//! ```

use std::time::Duration;

use rustix::process::Pid;

use super::messages::GuardRecord;
use crate::wrapper::deadline::Deadline;
use distributex_client::BootTime;

/// First and maximum interval of checks whether a group that is being stopped is gone. A group of another user, which
/// cannot be stopped, may stay for long.
const POLL_INTERVALS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// State of a guard.
#[derive(Debug)]
pub(super) struct GuardPlan {
    /// The process group, once it is known.
    group: Option<Pid>,
    /// When to stop it.
    deadline: Deadline,
    /// What it was sent.
    stage: Stage,
    /// Time of the next check whether it is gone.
    look: Duration,
    /// No guard is needed anymore, or the wrapper is gone.
    over: bool,
    /// Whether a living process was sent a signal.
    pub(super) has_stopped: bool,
}

/// Signal that was sent to the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// None.
    Watching,
    /// TERM.
    Asked,
    /// KILL.
    Killing,
}

/// The next step, unless a message arrives before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NextAction {
    /// Its time. `None`: never.
    pub(super) at: Option<BootTime>,
    /// The step.
    pub(super) act: GuardAction,
}

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GuardAction {
    /// Decide again.
    Wait,
    /// End if this group is gone.
    Look(Pid),
    /// Send TERM to this group.
    Term(Pid),
    /// Send KILL to this group.
    Kill(Pid),
    /// End.
    End,
}

impl GuardPlan {
    /// The state without any message.
    pub(super) fn new() -> Self {
        Self {
            group: None,
            deadline: Deadline::NONE,
            stage: Stage::Watching,
            look: POLL_INTERVALS.0,
            over: false,
            has_stopped: false,
        }
    }

    /// Handles a message.
    pub(super) fn on_record(&mut self, record: GuardRecord) {
        match record {
            GuardRecord::Group(group) => self.group = Some(group),
            GuardRecord::Deadline(deadline) if self.stage == Stage::Watching => self.deadline = deadline,
            // A renewal that arrives after TERM is too late; a loss is not.
            GuardRecord::Deadline(deadline) => self.bring_forward(deadline.kill),
            GuardRecord::Asked(deadline) if self.stage == Stage::Watching => {
                (self.stage, self.deadline) = (Stage::Asked, deadline);
            }
            GuardRecord::Asked(deadline) => self.bring_forward(deadline.kill),
            // A stop that was begun is finished: parts of the group may still exist.
            GuardRecord::Done => self.over |= !self.has_stopped,
        }
    }

    /// The wrapper is gone: the group is stopped now, within its grace.
    pub(super) fn on_wrapper_gone(&mut self, now: BootTime) {
        self.over |= self.group.is_none();
        self.bring_forward(Some(now + self.deadline.grace));
    }

    fn bring_forward(&mut self, kill: Option<BootTime>) {
        let kills = [self.deadline.kill, kill];
        self.deadline.kill = kills.into_iter().flatten().min();
    }

    /// The next step.
    pub(super) fn step(&self, now: BootTime) -> NextAction {
        let at_once = |act| NextAction { at: Some(now), act };
        if self.over {
            return at_once(GuardAction::End);
        }
        let (Some(group), Some(kill), Some(term)) = (self.group, self.deadline.kill, self.deadline.term())
        else {
            return NextAction { at: None, act: GuardAction::Wait };
        };
        let asking_makes_sense = now < kill - self.deadline.grace / 2;
        match self.stage {
            Stage::Watching if now < term => NextAction { at: Some(term), act: GuardAction::Wait },
            Stage::Watching if asking_makes_sense => at_once(GuardAction::Term(group)),
            Stage::Asked if now < kill => {
                NextAction { at: Some(kill.min(now + self.look)), act: GuardAction::Look(group) }
            }
            Stage::Watching | Stage::Asked => at_once(GuardAction::Kill(group)),
            Stage::Killing => NextAction { at: Some(now + self.look), act: GuardAction::Kill(group) },
        }
    }

    /// TERM was sent; `lived`: to a living process.
    pub(super) fn term_sent(&mut self, lived: bool) {
        self.stage = Stage::Asked;
        self.has_stopped |= lived;
    }

    /// KILL was sent; `lived`: to a living process.
    pub(super) fn killed(&mut self, lived: bool) {
        if self.stage == Stage::Killing {
            self.look = (self.look * 2).min(POLL_INTERVALS.1);
        }
        self.stage = Stage::Killing;
        self.has_stopped |= lived;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(4);

    fn at(seconds: u64) -> BootTime {
        BootTime::since_boot(Duration::from_secs(seconds))
    }

    fn group() -> Pid {
        Pid::from_raw(4711).unwrap()
    }

    fn until(kill: u64) -> GuardRecord {
        GuardRecord::Deadline(Deadline { kill: Some(at(kill)), grace: GRACE })
    }

    /// A guard with a group and a deadline: TERM at 96, KILL at 100.
    fn watching() -> GuardPlan {
        let mut plan = GuardPlan::new();
        plan.on_record(until(100));
        plan.on_record(GuardRecord::Group(group()));
        plan
    }

    fn acts_at(plan: &GuardPlan, second: u64) -> GuardAction {
        plan.step(at(second)).act
    }

    #[test]
    fn it_asks_at_the_first_moment_and_kills_at_the_second_until_it_is_told_to_end() {
        let mut plan = watching();

        assert_eq!(plan.step(at(95)), NextAction { at: Some(at(96)), act: GuardAction::Wait });
        assert_eq!(acts_at(&plan, 96), GuardAction::Term(group()));
        plan.term_sent(true);
        assert_eq!(
            plan.step(at(97)),
            NextAction { at: Some(at(97) + POLL_INTERVALS.0), act: GuardAction::Look(group()) }
        );
        assert_eq!(acts_at(&plan, 100), GuardAction::Kill(group()));
        plan.killed(true);
        assert_eq!(
            plan.step(at(101)),
            NextAction { at: Some(at(101) + POLL_INTERVALS.0), act: GuardAction::Kill(group()) }
        );
    }

    #[test]
    fn a_new_deadline_takes_the_place_of_the_old_one() {
        let mut plan = watching();

        plan.on_record(until(200));

        assert_eq!(plan.step(at(150)).at, Some(at(196)));
    }

    #[test]
    fn who_is_late_kills_at_once() {
        assert_eq!(acts_at(&watching(), 97), GuardAction::Term(group()));
        assert_eq!(acts_at(&watching(), 98), GuardAction::Kill(group()));
        assert_eq!(acts_at(&watching(), 200), GuardAction::Kill(group()));
    }

    #[test]
    fn when_the_wrapper_is_gone_it_asks_now_and_kills_after_the_grace_or_at_the_deadline() {
        for (silence, kill) in [(50, 54), (97, 100)] {
            let mut plan = watching();

            plan.on_wrapper_gone(at(silence));

            assert_eq!(acts_at(&plan, silence), GuardAction::Term(group()));
            plan.term_sent(true);
            assert!(matches!(acts_at(&plan, kill - 1), GuardAction::Look(_)));
            assert_eq!(acts_at(&plan, kill), GuardAction::Kill(group()));
        }
    }

    #[test]
    fn a_wrapper_that_is_gone_before_there_was_a_group_leaves_nothing_to_do() {
        let mut plan = GuardPlan::new();
        plan.on_record(until(100));

        plan.on_wrapper_gone(at(50));

        assert_eq!(acts_at(&plan, 50), GuardAction::End);
    }

    #[test]
    fn a_group_that_comes_after_the_deadline_is_killed() {
        let mut plan = GuardPlan::new();
        plan.on_record(until(100));
        assert_eq!(plan.step(at(101)), NextAction { at: None, act: GuardAction::Wait });

        plan.on_record(GuardRecord::Group(group()));

        assert_eq!(acts_at(&plan, 101), GuardAction::Kill(group()));
    }

    #[test]
    fn after_done_it_touches_nothing() {
        let mut plan = watching();

        plan.on_record(GuardRecord::Done);
        plan.on_wrapper_gone(at(97));

        assert_eq!((acts_at(&plan, 97), plan.has_stopped), (GuardAction::End, false));
    }

    #[test]
    fn a_group_that_the_wrapper_asked_to_end_is_not_asked_again() {
        for silence in [None, Some(52)] {
            let mut plan = watching();

            plan.on_record(GuardRecord::Asked(Deadline { kill: Some(at(54)), grace: GRACE }));
            silence.into_iter().for_each(|second| plan.on_wrapper_gone(at(second)));

            assert!(matches!(acts_at(&plan, 53), GuardAction::Look(_)));
            assert_eq!(acts_at(&plan, 54), GuardAction::Kill(group()));
        }
    }

    #[test]
    fn what_was_begun_is_finished() {
        let mut plan = watching();
        plan.term_sent(true);

        plan.on_record(GuardRecord::Done);
        plan.on_record(until(200));

        assert_eq!(acts_at(&plan, 100), GuardAction::Kill(group()));
        plan.on_record(until(98));
        assert_eq!(acts_at(&plan, 98), GuardAction::Kill(group()));
    }
}
