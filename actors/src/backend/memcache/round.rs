//! Brings a job to its end: plans changes, sends them, looks, settles, until nothing is open.
//!
//! ```text
//!      ┌──────────────────────── something is open ────────────────────────┐
//!      ▼                                                                   │
//!  plan changes ──► one batch: changes, then questions ──► take it apart ──┴─► done
//! ```
//!
//! Where nobody else interferes that is one exchange, which jobs of several pools may share: the changes are
//! planned from what was seen last, and the questions behind them show that they hold. What was seen last
//! counts only for the process it was seen in: CAS numbers begin again when a memcached is restarted. The
//! name of its store tells, seen through the same connection. A new connection looks first.

use std::{collections::HashSet, sync::Arc};

use log::warn;
use r2d2_memcache::r2d2::PooledConnection;

use super::{
    job::Job,
    link::{Dial, Failure, Link, Links, Trouble},
    look::{self, Look},
    plan::{self, For, Write},
    protocol::{Answer, Command},
    settle::Tried,
    store,
};

/// After so many exchanges without an end something is wrong.
const TURNS: usize = 16;

/// Does a job. The store that was seen is in its view then.
///
/// # Errors
/// When it cannot be done to its end: what is open may or may not have happened. That memcached has no memory is no
/// error: the job says so, and what is open has not happened.
pub(super) fn run(links: &Links, job: &mut Job) -> Result<(), Trouble> {
    Round::new(links, Some(links.take()?), job).finish()
}

/// Does several jobs of different pools, and tells for each how that went, by its number. Their first exchanges
/// are one; where nobody else interferes that is all. Who needs more holds up no others.
pub(super) fn run_all(
    links: &Links,
    jobs: &mut [Job],
    mut tell: impl FnMut(usize, &mut Job, Result<(), Trouble>),
) {
    if let [job] = jobs {
        let result = run(links, job);
        return tell(0, job, result);
    }
    let mut link = match links.take() {
        Ok(link) => link,
        Err(trouble) => {
            return jobs
                .iter_mut()
                .enumerate()
                .for_each(|(number, job)| tell(number, job, Err(trouble.clone())));
        }
    };
    let mut rounds: Vec<_> = jobs.iter_mut().map(|job| Round::new(links, None, job)).collect();
    let first = share(links, &mut link, &mut rounds);
    drop(link);
    let mut left = Vec::new();
    for ((number, round), first) in rounds.into_iter().enumerate().zip(first) {
        match first {
            Ok(true) => tell(number, round.job, Ok(())),
            Ok(false) => left.push((number, round, None)),
            Err(failure) => left.push((number, round, Some(failure))),
        }
    }
    let mut away = None; // what one waited for in vain, the others need not wait for too
    for (number, mut round, failure) in left {
        let result = match (&away, failure) {
            (Some(trouble), _) => Err(Trouble::clone(trouble)),
            (None, None) => round.go_on(),
            (None, Some(failure)) => round.recover(failure).and_then(|()| round.finish()),
        };
        away = away.or_else(|| result.as_ref().err().filter(|why| why.is_away()).cloned());
        tell(number, round.job, result);
    }
}

/// The first exchanges of all these in one.
fn share(links: &Links, link: &mut Link, rounds: &mut [Round<'_>]) -> Vec<Result<bool, Failure>> {
    let plans: Vec<_> = rounds.iter().map(|round| round.plan(link)).collect();
    let commands: Vec<_> = plans.iter().flatten().flat_map(|plan| &plan.commands).cloned().collect();
    let mut answers = match links.exchange(link, &commands) {
        Ok(answers) => answers,
        Err(Failure { trouble, again }) => {
            let lost = |(round, plan): (&mut Round<'_>, Result<Batch, Failure>)| {
                round.forget(&plan?.writes);
                Err(Failure { trouble: trouble.clone(), again })
            };
            return rounds.iter_mut().zip(plans).map(lost).collect();
        }
    };
    let took = |(round, plan): (&mut Round<'_>, Result<Batch, Failure>)| {
        let plan = plan?;
        let others = answers.split_off(plan.commands.len());
        let own = std::mem::replace(&mut answers, others);
        round.understand(link, &plan, &own)
    };
    rounds.iter_mut().zip(plans).map(took).collect()
}

/// What goes out in one exchange.
struct Batch {
    writes: Vec<Write>,
    /// The changes, then the questions.
    commands: Vec<Command>,
    /// Whether the view was of the process at the other end.
    sure: bool,
}

/// A job that is being done.
struct Round<'a> {
    links: &'a Links,
    /// `None` after a failure.
    link: Option<PooledConnection<Dial>>,
    job: &'a mut Job,
    /// For each end.
    tried: Vec<Tried>,
    /// Whether the view is from this round.
    fresh: bool,
    /// Whether an exchange failed already.
    failed: bool,
    /// Whether another server changed the hints in the moment in which they were to be written.
    crossed: bool,
}

impl<'a> Round<'a> {
    fn new(links: &'a Links, link: Option<PooledConnection<Dial>>, job: &'a mut Job) -> Self {
        let tried = vec![Tried::default(); job.ends.len()];
        Round { links, link, job, tried, fresh: false, failed: false, crossed: false }
    }

    /// What is left to do behind a first exchange that was shared.
    fn go_on(&mut self) -> Result<(), Trouble> {
        self.link = Some(self.links.take()?);
        self.finish()
    }

    /// Turns until nothing is open.
    fn finish(&mut self) -> Result<(), Trouble> {
        for _ in 0..TURNS {
            match self.turn() {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(failure) => self.recover(failure)?,
            }
        }
        if self.job.is_done() {
            return Ok(()); // what is left is only how many slots to look at, or who waits
        }
        Err(self.links.refused("is changed by others all the time: nothing was settled in 16 exchanges"))
    }

    /// One exchange, or what must come before the next; whether all is done.
    fn turn(&mut self) -> Result<bool, Failure> {
        let Some(mut link) = self.link.take() else { return Err(self.links.failed("is not connected")) };
        let done = self.exchange(&mut link)?;
        self.link = Some(link);
        Ok(done)
    }

    /// After the first failure that another connection may make good it is looked with that what happened.
    fn recover(&mut self, failure: Failure) -> Result<(), Trouble> {
        if self.failed || !failure.again {
            return Err(failure.trouble);
        }
        (self.failed, self.fresh) = (true, false);
        self.link = Some(self.links.take()?);
        Ok(())
    }

    fn exchange(&mut self, link: &mut Link) -> Result<bool, Failure> {
        let batch = self.plan(link)?;
        if self.fresh && self.job.refused.is_some() && batch.writes.is_empty() {
            return Ok(true); // what is open needs memory
        }
        let answers =
            self.links.exchange(link, &batch.commands).inspect_err(|_| self.forget(&batch.writes))?;
        self.understand(link, &batch, &answers)
    }

    /// What to send through this connection.
    fn plan(&self, link: &Link) -> Result<Batch, Failure> {
        let sure = self.is_same(link);
        let writes = if sure {
            plan::writes(self.job, self.fresh, store::now(), self.links.seconds().map_err(gone)?)
        } else {
            Vec::new()
        };
        let view = &self.job.view;
        let slots = view.width().max(view.needed(self.job.slots));
        let commands = writes.iter().map(|write| write.command(&self.job.keys));
        let commands: Vec<_> = commands.chain(look::questions(&self.job.keys, slots)).collect();
        Ok(Batch { writes, commands, sure })
    }

    /// Takes the answers apart; whether all is done.
    fn understand(&mut self, link: &mut Link, batch: &Batch, answers: &[Answer]) -> Result<bool, Failure> {
        let (written, read) = answers.split_at(batch.writes.len());
        let told = self.note(&batch.writes, written);
        let known = batch.sure.then_some(&self.job.view);
        let look = look::understand(read, known).map_err(|why| self.links.failed(why))?;
        self.take(link, look, &told)
    }

    /// Whether the view is of the process at the other end.
    fn is_same(&self, link: &Link) -> bool {
        let store = self.job.view.store.as_ref();
        store.is_some_and(|store| link.store.as_ref() == Some(&store.id))
    }

    /// No answer came to these changes.
    fn forget(&mut self, writes: &[Write]) {
        for write in writes {
            self.job.unanswered(write);
            if let Write::Remove { end: Some(end), .. } = write {
                self.tried[*end].lost = true;
            }
        }
    }

    /// What the changes have done. Returns the claims whose asker's lease was changed for them.
    fn note(&mut self, writes: &[Write], answers: &[Answer]) -> HashSet<usize> {
        let mut told = HashSet::new();
        self.crossed = false;
        self.tried.iter_mut().for_each(|tried| tried.changed = false);
        for (write, answer) in writes.iter().zip(answers) {
            self.job.answered(write, answer);
            match (write, answer) {
                (Write::Waiting { own, .. }, Answer::Done) => self.job.order.own = *own,
                (Write::Waiting { .. }, answer) => {
                    self.crossed = matches!(answer, Answer::Changed | Answer::Void); // without memory, none is written
                }
                (_, Answer::Refused(why)) => self.job.refused = Some(why.clone()),
                (Write::Pause { .. }, Answer::Done) => {
                    self.job.pausing.iter_mut().for_each(|pausing| {
                        (pausing.is_done, pausing.has_changed) = (true, true);
                    });
                }
                (Write::Remove { end: Some(end), .. }, Answer::Done) => self.tried[*end].had = true,
                (Write::Remove { end: Some(end), .. }, Answer::Changed) => self.tried[*end].changed = true,
                (Write::Change { by, .. } | Write::Prolong { by, .. }, Answer::Done) => match by {
                    For::Renewal(number) => self.job.renewals[*number].lives = Some(true),
                    For::Claim(number) => drop(told.insert(*number)),
                    For::Revoke(number) => self.job.revokes[*number].is_done = Some(true),
                },
                (
                    Write::Pause { .. }
                    | Write::Width { .. }
                    | Write::Remove { .. }
                    | Write::Change { .. }
                    | Write::Prolong { .. }
                    | Write::Add { .. },
                    _,
                ) => {}
            }
        }
        told
    }

    /// Takes over what was seen, if there is a store, and settles what it says; whether all is done.
    fn take(&mut self, link: &mut Link, look: Look, told: &HashSet<usize>) -> Result<bool, Failure> {
        let (links, job) = (self.links, &mut *self.job);
        let Some(store) = look.view.store.clone() else {
            (self.fresh, link.store) = (false, None);
            store::make(links, link, &job.keys, job.highest)?;
            return Ok(false);
        };
        if job.view.store.as_ref().is_some_and(|known| known.id != store.id) {
            links.forget_time();
        }
        let is_new = job.view.store.as_ref() != Some(&store);
        if is_new && store::falls_behind(&store, look.newest, job.highest) {
            (self.fresh, link.store) = (false, None);
            store::raise(links, link, &job.keys, &store, look.newest, job.highest)?;
            return Ok(false);
        }
        if look.view.foreign != job.view.foreign && !look.view.foreign.is_empty() {
            let (server, key) = (links.server(), job.keys.slot(look.view.foreign[0]));
            warn!(
                "memcached {server}: {key} is no lease that is understood here, and holds a slot until it is removed"
            );
        }
        look.view.held().filter_map(|(_, held)| held.time()).max().inspect(|time| links.see_time(*time));
        link.store = Some(Arc::clone(&store.id));
        job.view = look.view;
        job.highest = job.view.held().map(|(_, held)| held.token().0).fold(job.highest, u64::max);
        self.fresh = true;
        let view = &job.view;
        if view.width() > view.slots.len() {
            return Ok(false); // there are more to look at
        }
        job.unsettled.see(view, job.server);
        let is_wide = view.width() >= job.slots;
        job.settle_held(&self.tried);
        if is_wide {
            job.settle_claims(told);
        }
        let right = job.view.width() == job.view.needed(job.slots);
        Ok(right && job.is_done() && !self.crossed)
    }
}

/// A failure of a question beside the batch.
fn gone(trouble: Trouble) -> Failure {
    Failure { trouble, again: false }
}
