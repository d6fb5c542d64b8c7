//! Interruptions of a wait: a signal, or the deadline.

use std::future::{self, Future};

use rustix::process::Signal;
use tokio::{
    select,
    time::{Instant, sleep_until},
};

use super::signals::Signals;

/// Cause of an interruption.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Interrupted {
    /// A signal.
    Signal(Signal),
    /// The deadline.
    Over,
}

/// Runs `work` unless a signal or the deadline comes first.
pub(crate) async fn unless_stopped<T>(
    work: impl Future<Output = T>,
    deadline: Option<Instant>,
    signals: &mut Signals,
) -> Result<T, Interrupted> {
    select! {
        biased; // a response that has arrived is never discarded
        done = work => Ok(done),
        signal = signals.next_end() => Err(Interrupted::Signal(signal)),
        () = at(deadline) => Err(Interrupted::Over),
    }
}

/// Waits until this moment; forever without one.
pub(crate) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => future::pending().await,
    }
}
