//! What can end a waiting from outside: a signal, or that its time is over.

use std::future::{self, Future};

use rustix::process::Signal;
use tokio::{
    select,
    time::{Instant, sleep_until},
};

use super::signals::Signals;

/// Why something stopped before it was done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Interrupted {
    /// A signal said so.
    Signal(Signal),
    /// There is no more time.
    Over,
}

/// Does the work, unless a signal or the deadline comes first.
pub(crate) async fn unless_stopped<T>(
    work: impl Future<Output = T>,
    deadline: Option<Instant>,
    signals: &mut Signals,
) -> Result<T, Interrupted> {
    select! {
        biased; // an answer that came is never thrown away
        done = work => Ok(done),
        signal = signals.next_end() => Err(Interrupted::Signal(signal)),
        () = at(deadline) => Err(Interrupted::Over),
    }
}

/// Comes back at this moment; without one, never.
pub(crate) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => future::pending().await,
    }
}
