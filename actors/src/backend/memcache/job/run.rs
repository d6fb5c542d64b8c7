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

use super::{
    Job,
    job_run::{CommandBatch, JobRun},
};
use crate::backend::memcache::shard::connection_pool::{
    ConnectionPool, ExchangeFailure, MemcacheError, PooledLink,
};

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
