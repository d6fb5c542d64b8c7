//! The load generator, and what every bench around it needs.
//!
//! ```text
//!  main ─► bench ─► report            a table on stdout, kept in results/ if asked
//!            │
//!      server, bare, memcached, cores the processes that are measured, and what they use
//!      askers, waiter, line, crowd    hosts that get and release; hosts that wait in line
//!      relay, raw                     a slot between two servers; memcached without a server
//!      readers                        who reads events, or metrics
//!      disk                           a state directory, and how fast its disk flushes
//!      connection, poller             one thread, thousands of keep-alive connections
//! ```
//!
//! The generator shares the machine with the server it measures: while the clock runs it allocates
//! nothing, and a request costs one write, one read and a share of one `epoll_wait`.

pub(crate) mod askers;
pub(crate) mod bare;
pub(crate) mod connection;
pub(crate) mod cores;
pub(crate) mod crowd;
pub(crate) mod disk;
pub(crate) mod line;
pub(crate) mod machine;
pub(crate) mod memcached;
pub(crate) mod numbers;
pub(crate) mod poller;
pub(crate) mod raw;
pub(crate) mod readers;
pub(crate) mod relay;
pub(crate) mod report;
pub(crate) mod server;
pub(crate) mod waiter;

use std::{
    env,
    error::Error,
    fmt::Display,
    process::{ExitCode, Termination as _},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use report::Report;

/// What a step of a bench comes to: its value, or a sentence about what went wrong.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// What went wrong; also on another thread.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Turns an error into the sentence "failed to …: why".
pub(crate) fn failed_to<E: Display>(what: impl Display) -> impl FnOnce(E) -> Failure {
    move |why| format!("failed to {what}: {why}").into()
}

/// The `main` of every bench: measures, prints and keeps the reports, one after another.
///
/// The same binary is also the bare server beside which the real one is measured.
pub(crate) fn main(name: &str, benches: &[fn(Scale) -> Result<Report>]) -> ExitCode {
    let outcome = if bare::is_asked_for() { bare::serve() } else { measure(benches) };
    match outcome {
        Ok(()) => ().report(),
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every one once and shows what it found.
fn measure(benches: &[fn(Scale) -> Result<Report>]) -> Result<()> {
    allow_many_files()?;
    for bench in benches {
        let report = bench(Scale::from_environment())?;
        report.print();
        if env::var_os("BENCH_SAVE").is_some() {
            report.save()?;
        }
    }
    Ok(())
}

/// A waiter is an open file here and one in the server, which inherits this limit.
fn allow_many_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    setrlimit(Resource::Nofile, raised).map_err(failed_to("raise the limit of open files"))
}

/// How long and how large a run is: enough for figures, or just enough to see that the bench works.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scale {
    /// What `cargo bench` does.
    Full,
    /// What `cargo test --benches` does, or `cargo bench` with `BENCH_QUICK` set.
    Quick,
}

impl Scale {
    /// `cargo bench` adds `--bench` to the arguments of what it runs; `cargo test` does not.
    fn from_environment() -> Self {
        let full = env::args().any(|argument| argument == "--bench") && env::var_os("BENCH_QUICK").is_none();
        if full { Self::Full } else { Self::Quick }
    }

    /// The first for figures, the second for a quick look.
    pub(crate) const fn pick<T: Copy>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}
