//! Exchanges of one job.

use std::{collections::HashSet, sync::Arc};

use log::warn;
use r2d2_memcache::r2d2::PooledConnection;

use super::{
    Job,
    interpret::EndAttempt,
    plan,
    planned_write::{PlannedWrite, WritePurpose},
    read::{self, PoolRead},
    token_base,
    view::PoolView,
};
use crate::backend::memcache::shard::{
    clock,
    connection_pool::{ConnectionPool, Connector, ExchangeFailure, MemcacheError, PooledLink},
    protocol::{MemcacheCommand, MemcacheReply},
};

/// Limit of exchanges per job; more indicate an error.
const MAX_EXCHANGES: usize = 16;

/// A batch of one exchange.
pub(super) struct CommandBatch {
    pub(super) writes: Vec<PlannedWrite>,
    /// The writes, then the reads.
    pub(super) commands: Vec<MemcacheCommand>,
    /// Whether the view is of the process at the other end.
    is_current: bool,
}

/// A job being carried out.
pub(super) struct JobRun<'a> {
    pub(super) connections: &'a ConnectionPool,
    /// `None` after a failure.
    pub(super) link: Option<PooledConnection<Connector>>,
    pub(super) job: &'a mut Job,
    /// Replies to the attempts to end leases, one per end.
    end_attempts: Vec<EndAttempt>,
    /// Whether the view was read by this job.
    pub(super) fresh: bool,
    /// Whether an exchange has failed.
    pub(super) failed: bool,
    /// Whether another server changed the hints at the moment of writing.
    hints_conflict: bool,
}

impl<'a> JobRun<'a> {
    pub(super) fn new(
        connections: &'a ConnectionPool,
        link: Option<PooledConnection<Connector>>,
        job: &'a mut Job,
    ) -> Self {
        let end_attempts = vec![EndAttempt::default(); job.ends.len()];
        JobRun { connections, link, job, end_attempts, fresh: false, failed: false, hints_conflict: false }
    }

    /// Finishes a job after a shared first exchange.
    pub(super) fn run_to_end(&mut self) -> Result<(), MemcacheError> {
        self.link = Some(self.connections.take()?);
        self.finish()
    }

    /// Repeats exchanges until nothing is open.
    pub(super) fn finish(&mut self) -> Result<(), MemcacheError> {
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
    pub(super) fn recover(&mut self, failure: ExchangeFailure) -> Result<(), MemcacheError> {
        if self.failed || !failure.retry {
            return Err(failure.error);
        }
        (self.failed, self.fresh) = (true, false);
        self.link = Some(self.connections.take()?);
        Ok(())
    }

    pub(super) fn exchange(&mut self, link: &mut PooledLink) -> Result<bool, ExchangeFailure> {
        let batch = self.plan(link)?;
        if self.fresh && self.job.refused.is_some() && batch.writes.is_empty() {
            return Ok(true); // what is open needs memory
        }
        let answers =
            self.connections.exchange(link, &batch.commands).inspect_err(|_| self.forget(&batch.writes))?;
        self.interpret(link, &batch, &answers)
    }

    /// Plans the batch for this connection.
    pub(super) fn plan(&self, link: &PooledLink) -> Result<CommandBatch, ExchangeFailure> {
        let is_current = self.is_same(link);
        let writes = if is_current {
            plan::writes(self.job, self.fresh, clock::unix_now(), self.connections.seconds().map_err(wrap)?)
        } else {
            Vec::new()
        };
        let view = &self.job.view;
        let slots = view.slot_count().max(view.needed(self.job.slots));
        let commands = writes.iter().map(|write| write.command(&self.job.keys));
        let commands: Vec<_> = commands.chain(read::read_commands(&self.job.keys, slots)).collect();
        Ok(CommandBatch { writes, commands, is_current })
    }

    /// Interprets the replies; whether the job is done.
    pub(super) fn interpret(
        &mut self,
        link: &mut PooledLink,
        batch: &CommandBatch,
        answers: &[MemcacheReply],
    ) -> Result<bool, ExchangeFailure> {
        let (written, read) = answers.split_at(batch.writes.len());
        let delivered_claims = self.note(&batch.writes, written);
        let known = batch.is_current.then_some(&self.job.view);
        let pool_read = read::parse(read, known).map_err(|why| self.connections.failed(why))?;
        self.adopt_view(link, pool_read, &delivered_claims)
    }

    /// Whether the view is of the process at the other end.
    fn is_same(&self, link: &PooledLink) -> bool {
        let store = self.job.view.store.as_ref();
        store.is_some_and(|store| link.store.as_ref() == Some(&store.id))
    }

    /// Notes that these writes had no reply.
    pub(super) fn forget(&mut self, writes: &[PlannedWrite]) {
        for write in writes {
            self.job.unanswered(write);
            if let PlannedWrite::Remove { end: Some(end), .. } = write {
                self.end_attempts[*end].lost = true;
            }
        }
    }

    /// Notes the outcome of the writes. Returns the claims whose requester's lease was changed for them.
    pub(super) fn note(&mut self, writes: &[PlannedWrite], answers: &[MemcacheReply]) -> HashSet<usize> {
        let mut delivered_claims = HashSet::new();
        self.hints_conflict = false;
        self.end_attempts.iter_mut().for_each(|end_attempts| end_attempts.changed = false);
        for (write, answer) in writes.iter().zip(answers) {
            self.job.answered(write, answer);
            match (write, answer) {
                (PlannedWrite::Waiting { own, .. }, MemcacheReply::Done) => self.job.order.own = *own,
                (PlannedWrite::Waiting { .. }, answer) => {
                    self.hints_conflict = matches!(answer, MemcacheReply::Changed | MemcacheReply::Void); // without memory, none is written
                }
                (_, MemcacheReply::Refused(why)) => self.job.refused = Some(why.clone()),
                (PlannedWrite::Pause { .. }, MemcacheReply::Done) => {
                    self.job.pausing.iter_mut().for_each(|pausing| {
                        (pausing.is_done, pausing.has_changed) = (true, true);
                    });
                }
                (PlannedWrite::Remove { end: Some(end), .. }, MemcacheReply::Done) => {
                    self.end_attempts[*end].had = true;
                }
                (PlannedWrite::Remove { end: Some(end), .. }, MemcacheReply::Changed) => {
                    self.end_attempts[*end].changed = true;
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
        self.take_view(link, &store.id, pool_read.view);
        Ok(self.settle(delivered_claims))
    }

    /// Makes a view of the store with this id the view of the job.
    fn take_view(&mut self, link: &mut PooledLink, store: &Arc<str>, view: PoolView) {
        let (connections, job) = (self.connections, &mut *self.job);
        if view.foreign != job.view.foreign
            && let Some(slot) = view.foreign.first()
        {
            let (server, key) = (connections.server(), job.keys.slot(*slot));
            let hint = "not an entry of this version; it occupies a slot until it is removed";
            warn!(server:%, key, hint; "unparsable_entry");
        }
        if let Some(time) = view.held().filter_map(|(_, held)| held.time()).max() {
            connections.observe_time(time);
        }
        link.store = Some(Arc::clone(store));
        job.view = view;
        job.highest_token = job.view.held().map(|(_, held)| held.token().0).fold(job.highest_token, u64::max);
        self.fresh = true;
    }

    /// Settles what the view shows; whether the job is done.
    fn settle(&mut self, delivered_claims: &HashSet<usize>) -> bool {
        let job = &mut *self.job;
        if job.view.slot_count() > job.view.slots.len() {
            return false; // more slots have to be read
        }
        job.unsettled.settle_by(&job.view, job.server);
        let reads_all_slots = job.view.slot_count() >= job.slots;
        job.settle_held(&self.end_attempts);
        if reads_all_slots {
            job.settle_claims(delivered_claims);
        }
        let has_right_width = job.view.slot_count() == job.view.needed(job.slots);
        has_right_width && job.is_done() && !self.hints_conflict
    }
}

/// Failure of a command outside the batch.
fn wrap(error: MemcacheError) -> ExchangeFailure {
    ExchangeFailure { error, retry: false }
}
