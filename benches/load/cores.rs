//! The generator has one core to itself, the servers have the others.
//!
//! Left alone, the scheduler puts both now on one core and now on two. A request then takes either a
//! change of processes or the waking of an idle core, which on a virtual machine takes three times as
//! long: two figures, and every run would show another one.

use std::{env, sync::LazyLock};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::{Result, failed_to};

/// The generator's core and the servers'; nothing, where there is only one core, or all are to share all.
static DIVISION: LazyLock<Option<(CpuSet, CpuSet)>> = LazyLock::new(|| {
    let is_wanted = env::var_os("BENCH_ALL_CORES").is_none();
    is_wanted.then(|| divide(&sched_getaffinity(None).ok()?))?
});

/// Does this, which starts a server, on the servers' cores, and goes on on the generator's.
pub(crate) fn for_a_server<T>(start: impl FnOnce() -> T) -> Result<T> {
    let Some((own, others)) = &*DIVISION else {
        return Ok(start());
    };
    move_to(others)?;
    let started = start();
    move_to(own)?;
    Ok(started)
}

/// The first core, and all others.
fn divide(all: &CpuSet) -> Option<(CpuSet, CpuSet)> {
    let first = (0..CpuSet::MAX_CPU).find(|&core| all.is_set(core))?;
    let (mut own, mut others) = (CpuSet::new(), *all);
    own.set(first);
    others.unset(first);
    (others.count() > 0).then_some((own, others))
}

/// From here on, this thread and the processes that it starts run there only.
fn move_to(cores: &CpuSet) -> Result<()> {
    sched_setaffinity(None, cores).map_err(failed_to("move to another core"))
}
