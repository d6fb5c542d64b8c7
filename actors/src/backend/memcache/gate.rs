//! Remembers that a memcached is away, so that one that is dead or frozen does not hold all threads up again and
//! again.
//!
//! ```text
//!  open ──cannot be reached──► away: refuses ──half a second──► lets one try ──reached──► open
//!                                    ▲                               │
//!                                    └──────── cannot be reached ────┘
//! ```

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::link::Trouble;

/// How long nobody tries after it could not be reached.
const PAUSE: Duration = Duration::from_millis(500);

/// Whether a memcached can be reached, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Open,
    /// It could not be reached.
    Away {
        /// Why.
        why: String,
        /// When it is tried again.
        retry: Instant,
        /// Whether somebody tries just now.
        tried: bool,
    },
}

/// What changed by a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// It went away.
    Gone,
    /// It is back.
    Back,
}

impl Gate {
    /// Lets somebody try, who tells by [`Gate::leave`] how it went.
    ///
    /// # Errors
    /// Why it could not be reached a moment ago.
    pub(super) fn enter(&self, now: Instant) -> Result<(), String> {
        match &mut *self.state() {
            State::Open => Ok(()),
            State::Away { retry, tried, .. } if now >= *retry && !*tried => {
                *tried = true;
                Ok(())
            }
            State::Away { why, .. } => Err(why.clone()),
        }
    }

    /// Whether it can be reached, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        matches!(*self.state(), State::Open)
    }

    /// Somebody tried.
    pub(super) fn leave(&self, now: Instant, result: &Result<(), Trouble>) -> Change {
        let (new, change) = match result {
            Err(Trouble::Away(why)) => {
                (State::Away { why: why.clone(), retry: now + PAUSE, tried: false }, Change::Gone)
            }
            Ok(()) | Err(Trouble::Refused(_)) => (State::Open, Change::Back),
        };
        let mut state = self.state();
        let same = mem::discriminant(&*state) == mem::discriminant(&new);
        *state = new;
        if same { Change::None } else { change }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_only_one_tries_at_a_time() {
        let (gate, start) = (Gate::default(), Instant::now());
        let gone = Err(Trouble::Away("gone".to_owned()));

        assert_eq!([gate.enter(start), gate.enter(start)], [Ok(()), Ok(())]);
        assert_eq!((gate.is_open(), gate.leave(start, &gone), gate.is_open()), (true, Change::Gone, false));
        assert_eq!(gate.enter(start), Err("gone".to_owned()));
        assert_eq!(gate.enter(start + PAUSE), Ok(()));
        assert_eq!(gate.enter(start + PAUSE), Err("gone".to_owned()), "somebody tries already");
        assert_eq!(gate.leave(start + PAUSE, &gone), Change::None);
        assert_eq!(gate.enter(start + PAUSE), Err("gone".to_owned()));
        assert_eq!(gate.enter(start + PAUSE * 2), Ok(()));
        assert_eq!(gate.leave(start + PAUSE * 2, &Ok(())), Change::Back);
        assert_eq!([gate.enter(start), gate.enter(start)], [Ok(()), Ok(())]);
    }

    #[test]
    fn a_memcached_that_refuses_is_there() {
        let (gate, now) = (Gate::default(), Instant::now());

        assert_eq!(gate.leave(now, &Err(Trouble::Refused("full".to_owned()))), Change::None);

        assert_eq!(gate.enter(now), Ok(()));
    }
}
