//! What the guard does when. Plain data that is told the time.
//!
//! ```text
//!  watching ─┬ the deadline's TERM, or nobody tells more ─► TERM ─► asked ─┬ its KILL ─► KILL, again and again
//!            └ half of the grace is over, or there is none ────────────────┘
//! ```

use std::time::Duration;

use rustix::process::Pid;

use super::record::Record;
use crate::{client::BootTime, wrapper::deadline::Deadline};

/// How soon, and at last how often, to look whether a group that is being stopped is gone. One that cannot be
/// stopped by us, as another user's, may stay for long.
const LOOK: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// What is known, and how far it went.
#[derive(Debug)]
pub(super) struct Plan {
    /// The process group, when it is known.
    group: Option<Pid>,
    /// When to stop it.
    deadline: Deadline,
    /// What it was sent.
    stage: Stage,
    /// When to look next whether it is gone.
    look: Duration,
    /// Nobody needs a guard any more, or nobody is left to tell more.
    over: bool,
    /// Whether something that lived was sent a signal.
    pub(super) has_stopped: bool,
}

/// What the group was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing.
    Watching,
    /// TERM.
    Asked,
    /// KILL.
    Killing,
}

/// What to do next: when nothing is told before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// When. `None`: never.
    pub(super) at: Option<BootTime>,
    /// What.
    pub(super) act: Act,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// Think again.
    Think,
    /// End if this group is gone.
    Look(Pid),
    /// Ask this group to end.
    Term(Pid),
    /// End this group.
    Kill(Pid),
    /// End.
    End,
}

impl Plan {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        Self {
            group: None,
            deadline: Deadline::NONE,
            stage: Stage::Watching,
            look: LOOK.0,
            over: false,
            has_stopped: false,
        }
    }

    /// Takes note of what was told.
    pub(super) fn heed(&mut self, record: Record) {
        match record {
            Record::Group(group) => self.group = Some(group),
            Record::Deadline(deadline) if self.stage == Stage::Watching => self.deadline = deadline,
            // A renewal that comes after TERM is too late; a lease that is lost now is not.
            Record::Deadline(deadline) => self.hasten(deadline.kill),
            Record::Asked(deadline) if self.stage == Stage::Watching => {
                (self.stage, self.deadline) = (Stage::Asked, deadline);
            }
            Record::Asked(deadline) => self.hasten(deadline.kill),
            // What was begun is brought to its end: some of the group may still be there.
            Record::Done => self.over |= !self.has_stopped,
        }
    }

    /// Nobody is left to tell more: the group ends now, within its grace.
    pub(super) fn heed_silence(&mut self, now: BootTime) {
        self.over |= self.group.is_none();
        self.hasten(Some(now + self.deadline.grace));
    }

    fn hasten(&mut self, kill: Option<BootTime>) {
        let kills = [self.deadline.kill, kill];
        self.deadline.kill = kills.into_iter().flatten().min();
    }

    /// What to do next.
    pub(super) fn step(&self, now: BootTime) -> Step {
        let at_once = |act| Step { at: Some(now), act };
        if self.over {
            return at_once(Act::End);
        }
        let (Some(group), Some(kill), Some(term)) = (self.group, self.deadline.kill, self.deadline.term())
        else {
            return Step { at: None, act: Act::Think };
        };
        let asking_makes_sense = now < kill - self.deadline.grace / 2;
        match self.stage {
            Stage::Watching if now < term => Step { at: Some(term), act: Act::Think },
            Stage::Watching if asking_makes_sense => at_once(Act::Term(group)),
            Stage::Asked if now < kill => Step { at: Some(kill.min(now + self.look)), act: Act::Look(group) },
            Stage::Watching | Stage::Asked => at_once(Act::Kill(group)),
            Stage::Killing => Step { at: Some(now + self.look), act: Act::Kill(group) },
        }
    }

    /// TERM was sent, to somebody who `lived`.
    pub(super) fn asked(&mut self, lived: bool) {
        self.stage = Stage::Asked;
        self.has_stopped |= lived;
    }

    /// KILL was sent, to somebody who `lived`.
    pub(super) fn killed(&mut self, lived: bool) {
        if self.stage == Stage::Killing {
            self.look = (self.look * 2).min(LOOK.1);
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

    fn until(kill: u64) -> Record {
        Record::Deadline(Deadline { kill: Some(at(kill)), grace: GRACE })
    }

    /// Knows its group, and a deadline: TERM at 96, KILL at 100.
    fn watching() -> Plan {
        let mut plan = Plan::new();
        plan.heed(until(100));
        plan.heed(Record::Group(group()));
        plan
    }

    fn acts_at(plan: &Plan, second: u64) -> Act {
        plan.step(at(second)).act
    }

    #[test]
    fn it_asks_at_the_first_moment_and_kills_at_the_second_until_it_is_told_to_end() {
        let mut plan = watching();

        assert_eq!(plan.step(at(95)), Step { at: Some(at(96)), act: Act::Think });
        assert_eq!(acts_at(&plan, 96), Act::Term(group()));
        plan.asked(true);
        assert_eq!(plan.step(at(97)), Step { at: Some(at(97) + LOOK.0), act: Act::Look(group()) });
        assert_eq!(acts_at(&plan, 100), Act::Kill(group()));
        plan.killed(true);
        assert_eq!(plan.step(at(101)), Step { at: Some(at(101) + LOOK.0), act: Act::Kill(group()) });
    }

    #[test]
    fn a_new_deadline_takes_the_place_of_the_old_one() {
        let mut plan = watching();

        plan.heed(until(200));

        assert_eq!(plan.step(at(150)).at, Some(at(196)));
    }

    #[test]
    fn who_is_late_kills_at_once() {
        assert_eq!(acts_at(&watching(), 97), Act::Term(group()));
        assert_eq!(acts_at(&watching(), 98), Act::Kill(group()));
        assert_eq!(acts_at(&watching(), 200), Act::Kill(group()));
    }

    #[test]
    fn when_the_wrapper_is_gone_it_asks_now_and_kills_after_the_grace_or_at_the_deadline() {
        for (silence, kill) in [(50, 54), (97, 100)] {
            let mut plan = watching();

            plan.heed_silence(at(silence));

            assert_eq!(acts_at(&plan, silence), Act::Term(group()));
            plan.asked(true);
            assert!(matches!(acts_at(&plan, kill - 1), Act::Look(_)));
            assert_eq!(acts_at(&plan, kill), Act::Kill(group()));
        }
    }

    #[test]
    fn a_wrapper_that_is_gone_before_there_was_a_group_leaves_nothing_to_do() {
        let mut plan = Plan::new();
        plan.heed(until(100));

        plan.heed_silence(at(50));

        assert_eq!(acts_at(&plan, 50), Act::End);
    }

    #[test]
    fn a_group_that_comes_after_the_deadline_is_killed() {
        let mut plan = Plan::new();
        plan.heed(until(100));
        assert_eq!(plan.step(at(101)), Step { at: None, act: Act::Think });

        plan.heed(Record::Group(group()));

        assert_eq!(acts_at(&plan, 101), Act::Kill(group()));
    }

    #[test]
    fn after_done_it_touches_nothing() {
        let mut plan = watching();

        plan.heed(Record::Done);
        plan.heed_silence(at(97));

        assert_eq!((acts_at(&plan, 97), plan.has_stopped), (Act::End, false));
    }

    #[test]
    fn a_group_that_the_wrapper_asked_to_end_is_not_asked_again() {
        for silence in [None, Some(52)] {
            let mut plan = watching();

            plan.heed(Record::Asked(Deadline { kill: Some(at(54)), grace: GRACE }));
            silence.into_iter().for_each(|second| plan.heed_silence(at(second)));

            assert!(matches!(acts_at(&plan, 53), Act::Look(_)));
            assert_eq!(acts_at(&plan, 54), Act::Kill(group()));
        }
    }

    #[test]
    fn what_was_begun_is_finished() {
        let mut plan = watching();
        plan.asked(true);

        plan.heed(Record::Done);
        plan.heed(until(200));

        assert_eq!(acts_at(&plan, 100), Act::Kill(group()));
        plan.heed(until(98));
        assert_eq!(acts_at(&plan, 98), Act::Kill(group()));
    }
}
