//! Execution of a job: plans, sends and interprets batches until nothing is open.
//!
//! ```text
//!      ┌─────────────────── something is open ───────────────────┐
//!      ▼                                                         │
//!  plan writes ──► one batch: writes, then reads ──► interpret ──┴─► done
//! ```
//!
//! Without interference by other servers that is one exchange, which jobs of several pools may share: the writes are
//! planned from the last view, and the reads after them show whether they took effect. A view counts only for the
//! process that it was read from, as CAS numbers restart with memcached. The random id of its store, read through the
//! same connection, identifies the process. A new connection reads first.

use std::{collections::HashSet, sync::Arc};

use log::warn;
use r2d2_memcache::r2d2::PooledConnection;

use super::{
    Job,
    interpret::EndAttempt,
    plan::{self, PlannedWrite, WritePurpose},
    read::{self, PoolRead},
    token_base,
};
use crate::backend::memcache::{
    shard::clock,
    shard::connection_pool::{ConnectionPool, Connector, ExchangeFailure, MemcacheError, PooledLink},
    shard::protocol::{MemcacheCommand, MemcacheReply},
};

/// Limit of exchanges per job; more indicate an error.
const MAX_EXCHANGES: usize = 16;

/// Carries out a job. Afterwards its view contains the store.
///
/// # Errors
/// When it could not be finished: what is open may or may not have happened. A memcached without memory is no error:
/// the job notes it, and what is open has not happened.
pub(crate) fn run(connections: &ConnectionPool, job: &mut Job) -> Result<(), MemcacheError> {
    JobRun::new(connections, Some(connections.take()?), job).finish()
}

/// Carries out jobs of different pools, and reports the result of each with its index. Their first exchange is shared;
/// without interference that is all. A job that needs more exchanges does not delay the others.
pub(crate) fn run_all(
    connections: &ConnectionPool,
    jobs: &mut [Job],
    mut report: impl FnMut(usize, &mut Job, Result<(), MemcacheError>),
) {
    if let [job] = jobs {
        let result = run(connections, job);
        return report(0, job, result);
    }
    let mut link = match connections.take() {
        Ok(link) => link,
        Err(error) => {
            return jobs
                .iter_mut()
                .enumerate()
                .for_each(|(index, job)| report(index, job, Err(error.clone())));
        }
    };
    let mut rounds: Vec<_> = jobs.iter_mut().map(|job| JobRun::new(connections, None, job)).collect();
    let first = run_shared_exchange(connections, &mut link, &mut rounds);
    drop(link);
    let mut left = Vec::new();
    for ((index, round), first) in rounds.into_iter().enumerate().zip(first) {
        match first {
            Ok(true) => report(index, round.job, Ok(())),
            Ok(false) => left.push((index, round, None)),
            Err(failure) => left.push((index, round, Some(failure))),
        }
    }
    let mut away = None; // the others do not wait again for a memcached that did not reply
    for (index, mut round, failure) in left {
        let result = match (&away, failure) {
            (Some(error), _) => Err(MemcacheError::clone(error)),
            (None, None) => round.run_to_end(),
            (None, Some(failure)) => round.recover(failure).and_then(|()| round.finish()),
        };
        away = away.or_else(|| result.as_ref().err().filter(|why| why.is_unreachable()).cloned());
        report(index, round.job, result);
    }
}

/// Carries out the first exchanges of several jobs in one.
fn run_shared_exchange(
    connections: &ConnectionPool,
    link: &mut PooledLink,
    rounds: &mut [JobRun<'_>],
) -> Vec<Result<bool, ExchangeFailure>> {
    let plans: Vec<_> = rounds.iter().map(|round| round.plan(link)).collect();
    let commands: Vec<_> = plans.iter().flatten().flat_map(|plan| &plan.commands).cloned().collect();
    let mut answers = match connections.exchange(link, &commands) {
        Ok(answers) => answers,
        Err(ExchangeFailure { error, retry }) => {
            let lost = |(round, plan): (&mut JobRun<'_>, Result<CommandBatch, ExchangeFailure>)| {
                round.forget(&plan?.writes);
                Err(ExchangeFailure { error: error.clone(), retry })
            };
            return rounds.iter_mut().zip(plans).map(lost).collect();
        }
    };
    let took = |(round, plan): (&mut JobRun<'_>, Result<CommandBatch, ExchangeFailure>)| {
        let plan = plan?;
        let others = answers.split_off(plan.commands.len());
        let own = std::mem::replace(&mut answers, others);
        round.interpret(link, &plan, &own)
    };
    rounds.iter_mut().zip(plans).map(took).collect()
}

/// A batch of one exchange.
struct CommandBatch {
    writes: Vec<PlannedWrite>,
    /// The writes, then the reads.
    commands: Vec<MemcacheCommand>,
    /// Whether the view is of the process at the other end.
    sure: bool,
}

/// A job being carried out.
struct JobRun<'a> {
    connections: &'a ConnectionPool,
    /// `None` after a failure.
    link: Option<PooledConnection<Connector>>,
    job: &'a mut Job,
    /// Replies to the attempts to end leases, one per end.
    tried: Vec<EndAttempt>,
    /// Whether the view was read by this job.
    fresh: bool,
    /// Whether an exchange has failed.
    failed: bool,
    /// Whether another server changed the hints at the moment of writing.
    crossed: bool,
}

impl<'a> JobRun<'a> {
    fn new(
        connections: &'a ConnectionPool,
        link: Option<PooledConnection<Connector>>,
        job: &'a mut Job,
    ) -> Self {
        let tried = vec![EndAttempt::default(); job.ends.len()];
        JobRun { connections, link, job, tried, fresh: false, failed: false, crossed: false }
    }

    /// Finishes a job after a shared first exchange.
    fn run_to_end(&mut self) -> Result<(), MemcacheError> {
        self.link = Some(self.connections.take()?);
        self.finish()
    }

    /// Repeats exchanges until nothing is open.
    fn finish(&mut self) -> Result<(), MemcacheError> {
        for _ in 0..MAX_EXCHANGES {
            match self.exchange_once() {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(failure) => self.recover(failure)?,
            }
        }
        if self.job.is_done() {
            return Ok(()); // only the number of slots to read, or the hints, are left
        }
        Err(self.connections.refused("is changed constantly by other servers: no result after 16 exchanges"))
    }

    /// One exchange, or what has to precede the next one; whether the job is done.
    fn exchange_once(&mut self) -> Result<bool, ExchangeFailure> {
        let Some(mut link) = self.link.take() else {
            return Err(self.connections.failed("is not connected"));
        };
        let done = self.exchange(&mut link)?;
        self.link = Some(link);
        Ok(done)
    }

    /// After the first failure that another connection may overcome, reads what happened through a new one.
    fn recover(&mut self, failure: ExchangeFailure) -> Result<(), MemcacheError> {
        if self.failed || !failure.retry {
            return Err(failure.error);
        }
        (self.failed, self.fresh) = (true, false);
        self.link = Some(self.connections.take()?);
        Ok(())
    }

    fn exchange(&mut self, link: &mut PooledLink) -> Result<bool, ExchangeFailure> {
        let batch = self.plan(link)?;
        if self.fresh && self.job.refused.is_some() && batch.writes.is_empty() {
            return Ok(true); // what is open needs memory
        }
        let answers =
            self.connections.exchange(link, &batch.commands).inspect_err(|_| self.forget(&batch.writes))?;
        self.interpret(link, &batch, &answers)
    }

    /// Plans the batch for this connection.
    fn plan(&self, link: &PooledLink) -> Result<CommandBatch, ExchangeFailure> {
        let sure = self.is_same(link);
        let writes = if sure {
            plan::writes(self.job, self.fresh, clock::unix_now(), self.connections.seconds().map_err(wrap)?)
        } else {
            Vec::new()
        };
        let view = &self.job.view;
        let slots = view.slot_count().max(view.needed(self.job.slots));
        let commands = writes.iter().map(|write| write.command(&self.job.keys));
        let commands: Vec<_> = commands.chain(read::read_commands(&self.job.keys, slots)).collect();
        Ok(CommandBatch { writes, commands, sure })
    }

    /// Interprets the replies; whether the job is done.
    fn interpret(
        &mut self,
        link: &mut PooledLink,
        batch: &CommandBatch,
        answers: &[MemcacheReply],
    ) -> Result<bool, ExchangeFailure> {
        let (written, read) = answers.split_at(batch.writes.len());
        let delivered_claims = self.note(&batch.writes, written);
        let known = batch.sure.then_some(&self.job.view);
        let pool_read = read::parse(read, known).map_err(|why| self.connections.failed(why))?;
        self.adopt_view(link, pool_read, &delivered_claims)
    }

    /// Whether the view is of the process at the other end.
    fn is_same(&self, link: &PooledLink) -> bool {
        let store = self.job.view.store.as_ref();
        store.is_some_and(|store| link.store.as_ref() == Some(&store.id))
    }

    /// Notes that these writes had no reply.
    fn forget(&mut self, writes: &[PlannedWrite]) {
        for write in writes {
            self.job.unanswered(write);
            if let PlannedWrite::Remove { end: Some(end), .. } = write {
                self.tried[*end].lost = true;
            }
        }
    }

    /// Notes the outcome of the writes. Returns the claims whose requester's lease was changed for them.
    fn note(&mut self, writes: &[PlannedWrite], answers: &[MemcacheReply]) -> HashSet<usize> {
        let mut delivered_claims = HashSet::new();
        self.crossed = false;
        self.tried.iter_mut().for_each(|tried| tried.changed = false);
        for (write, answer) in writes.iter().zip(answers) {
            self.job.answered(write, answer);
            match (write, answer) {
                (PlannedWrite::Waiting { own, .. }, MemcacheReply::Done) => self.job.order.own = *own,
                (PlannedWrite::Waiting { .. }, answer) => {
                    self.crossed = matches!(answer, MemcacheReply::Changed | MemcacheReply::Void); // without memory, none is written
                }
                (_, MemcacheReply::Refused(why)) => self.job.refused = Some(why.clone()),
                (PlannedWrite::Pause { .. }, MemcacheReply::Done) => {
                    self.job.pausing.iter_mut().for_each(|pausing| {
                        (pausing.is_done, pausing.has_changed) = (true, true);
                    });
                }
                (PlannedWrite::Remove { end: Some(end), .. }, MemcacheReply::Done) => {
                    self.tried[*end].had = true;
                }
                (PlannedWrite::Remove { end: Some(end), .. }, MemcacheReply::Changed) => {
                    self.tried[*end].changed = true;
                }
                (PlannedWrite::Change { by, .. } | PlannedWrite::Prolong { by, .. }, MemcacheReply::Done) => {
                    match by {
                        WritePurpose::Renewal(index) => self.job.renewals[*index].lives = Some(true),
                        WritePurpose::Claim(index) => drop(delivered_claims.insert(*index)),
                        WritePurpose::Revoke(index) => self.job.revokes[*index].is_done = Some(true),
                    }
                }
                (
                    PlannedWrite::Pause { .. }
                    | PlannedWrite::Width { .. }
                    | PlannedWrite::Remove { .. }
                    | PlannedWrite::Change { .. }
                    | PlannedWrite::Prolong { .. }
                    | PlannedWrite::Add { .. },
                    _,
                ) => {}
            }
        }
        delivered_claims
    }

    /// Adopts the view, if there is a store, and settles what it shows; whether the job is done.
    fn adopt_view(
        &mut self,
        link: &mut PooledLink,
        pool_read: PoolRead,
        delivered_claims: &HashSet<usize>,
    ) -> Result<bool, ExchangeFailure> {
        let (connections, job) = (self.connections, &mut *self.job);
        let Some(store) = pool_read.view.store.clone() else {
            (self.fresh, link.store) = (false, None);
            token_base::make(connections, link, &job.keys, job.highest_token)?;
            return Ok(false);
        };
        if job.view.store.as_ref().is_some_and(|known| known.id != store.id) {
            connections.forget_time();
        }
        let is_new = job.view.store.as_ref() != Some(&store);
        if is_new && token_base::falls_behind(&store, pool_read.newest, job.highest_token) {
            (self.fresh, link.store) = (false, None);
            token_base::raise(connections, link, &job.keys, &store, pool_read.newest, job.highest_token)?;
            return Ok(false);
        }
        if pool_read.view.foreign != job.view.foreign && !pool_read.view.foreign.is_empty() {
            let (server, key) = (connections.server(), job.keys.slot(pool_read.view.foreign[0]));
            let hint = "not an entry of this version; it occupies a slot until it is removed";
            warn!(server:%, key, hint; "unparsable_entry");
        }
        pool_read
            .view
            .held()
            .filter_map(|(_, held)| held.time())
            .max()
            .inspect(|time| connections.observe_time(*time));
        link.store = Some(Arc::clone(&store.id));
        job.view = pool_read.view;
        job.highest_token = job.view.held().map(|(_, held)| held.token().0).fold(job.highest_token, u64::max);
        self.fresh = true;
        let view = &job.view;
        if view.slot_count() > view.slots.len() {
            return Ok(false); // more slots have to be read
        }
        job.unsettled.settle_by(view, job.server);
        let is_wide = view.slot_count() >= job.slots;
        job.settle_held(&self.tried);
        if is_wide {
            job.settle_claims(delivered_claims);
        }
        let right = job.view.slot_count() == job.view.needed(job.slots);
        Ok(right && job.is_done() && !self.crossed)
    }
}

/// Failure of a command outside the batch.
fn wrap(error: MemcacheError) -> ExchangeFailure {
    ExchangeFailure { error, retry: false }
}
