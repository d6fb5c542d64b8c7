//! Getting a slot: one question after the other, until there is a lease.
//!
//! ```text
//!  try ─┬ lease ──────────────────────────────► renewed once if it may be old ─► Lease
//!       ├ no slot ─► parked for a slice ─┬ lease ─►┘
//!       │            ▲                   └ no slot ─┐
//!       │            └──────────────────────────────┘
//!       └ nobody answers ─► pause ─► the same again; when the time is over, once more without waiting
//! ```
//! The owner stays the same, so the place does too: a slice ends before a proxy loses patience, and a
//! server that restarts finds the asker back in time.

use std::{rc::Rc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Ask, AskError, Backoff, BootTime, Client, Lease, Line,
    asker::Failure,
    in_time::in_time,
    lease::Held,
    leave::Back,
    renewal::renew,
    secret::Secret,
    v1::{Call, Said},
};

/// How long one request stays parked. Proxies often cut after 30 or 60 s.
const SLICE: Duration = Duration::from_secs(25);
/// How long a place is kept between two requests: longer than any pause between them.
const PATIENCE: Duration = Duration::from_secs(30);
/// A server may take so long to answer, the time it keeps a request parked aside.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// The same when the time to wait is over: who waits a minute at most does not wait ten seconds more.
const LAST_ANSWER_PATIENCE: Duration = Duration::from_secs(1);
/// A lease whose answer took longer is renewed before it counts.
const FRESH: Duration = Duration::from_secs(1);
/// A request that lasted so long was no failed attempt: what comes after it is a new trouble.
const GOOD_WHILE: Duration = Duration::from_secs(5);

/// What happens while a slot is waited for.
#[derive(Debug)]
pub enum Progress<'a> {
    /// There is no slot yet. Told after every answer that says so, whether anything changed or not.
    Waiting(&'a Line),
    /// Nobody answers, or not in a way that helps; the asking goes on after a pause.
    Trouble {
        /// Why.
        error: &'a AskError,
        /// How long the pause is.
        pause: Duration,
    },
}

/// One asking, from the first question to the lease.
pub(super) struct Acquire<'a, T> {
    /// Who asks.
    client: &'a Client,
    /// What for.
    ask: &'a Ask,
    /// Tells this asking from all others.
    owner: Secret,
    /// Whether it waits.
    waits: bool,
    /// When it began.
    started: Instant,
    /// Whom to tell what happens.
    tell: T,
    /// Whether a server may have something for us: a place, or a lease on its way.
    is_known: bool,
}

impl<'a, T: FnMut(Progress<'_>)> Acquire<'a, T> {
    pub(super) fn new(client: &'a Client, ask: &'a Ask, waits: bool, tell: T) -> Result<Self, AskError> {
        let (owner, started) = (Secret::by_chance()?, Instant::now());
        Ok(Self { client, ask, owner, waits, started, tell, is_known: false })
    }

    /// Asks until there is a lease, the time is over, or asking makes no sense.
    pub(super) async fn run(mut self) -> Result<Lease, AskError> {
        let (mut backoff, mut wait, mut is_last) = (Backoff::new(), Duration::ZERO, false);
        loop {
            let asked = Instant::now();
            let Failure { error, retry_after } = match self.ask_in_time(wait).await {
                Ok(held) => return Ok(self.lease(held)),
                Err(failure) => failure,
            };
            self.is_known = self.is_still_known(&error);
            if !self.waits || is_last || !error.may_pass() {
                return Err(error);
            }
            if asked.elapsed() > GOOD_WHILE {
                backoff = Backoff::new();
            }
            let no_slot = error.refusal().is_some_and(|refusal| refusal.kind.is_no_slot());
            let at_once = no_slot && (wait.is_zero() || asked.elapsed() > FRESH);
            let pause = if at_once { Duration::ZERO } else { backoff.pause_as_asked(retry_after) };
            let left = self.left();
            let pause = left.map_or(pause, |left| left.min(pause));
            self.tell(&error, pause);
            if no_slot && left.is_some_and(|left| left.is_zero()) {
                return Err(error); // as of now
            }
            wait = left.map_or(SLICE, |left| (left - pause).min(SLICE));
            is_last = wait.is_zero();
            sleep(pause).await;
        }
    }

    /// Asks once, but not much longer than there is time, however many servers are silent.
    async fn ask_in_time(&mut self, wait: Duration) -> Result<Held, Failure> {
        let Some(left) = self.left().filter(|_| self.waits) else {
            return self.ask_once(wait).await;
        };
        let asker = Rc::clone(&self.client.asker);
        match in_time(left.saturating_add(LAST_ANSWER_PATIENCE), self.ask_once(wait)).await {
            Ok(came) => came,
            Err(_) => Err(asker.silent()),
        }
    }

    /// Asks once. A lease that may be old by now is renewed, so that it is known to be there.
    async fn ask_once(&mut self, wait: Duration) -> Result<Held, Failure> {
        let Ask { pool, host, ttl, note, .. } = self.ask;
        let call = Call::Acquire {
            host,
            owner: &self.owner,
            wait: wait.as_secs_f64(),
            patience: self.waits.then_some(PATIENCE.as_secs_f64()),
            ttl: ttl.map(|ttl| ttl.as_secs_f64()),
            command: note.as_deref(),
        };
        let (asker, good) = (&self.client.asker, BootTime::now());
        self.is_known = true;
        let heard = asker.ask(pool, &call, wait + ANSWER_PATIENCE).await?;
        let Said::Lease(grant) = heard.said else {
            return Err(AskError::Strange { server: heard.server, status: 204, body: String::new() }.into());
        };
        let mut held = Held {
            pool: pool.clone(),
            host: host.clone(),
            wanted: *ttl,
            ttl: grant.ttl(),
            left: grant.left(),
            id: grant.id,
            token: grant.token,
            good,
            revoked: grant.revoked,
            server: heard.server,
            store: heard.store,
        };
        let is_fresh = wait.is_zero() && (good + FRESH).remaining() > Duration::ZERO;
        if let Some(ttl) = held.left.filter(|_| !is_fresh) {
            renew(asker, &mut held, ttl).await?;
        }
        Ok(held)
    }

    fn lease(&mut self, held: Held) -> Lease {
        self.is_known = false; // from now on it is the lease that gives it back
        Lease::keep(held, self.started.elapsed(), &self.client.asker, &self.client.background)
    }

    /// How much time there is to wait.
    fn left(&self) -> Option<Duration> {
        self.ask.within.map(|within| within.saturating_sub(self.started.elapsed()))
    }

    fn tell(&mut self, error: &AskError, pause: Duration) {
        match error.refusal().and_then(|refusal| refusal.line.as_ref()) {
            Some(line) => (self.tell)(Progress::Waiting(line)),
            None => (self.tell)(Progress::Trouble { error, pause }),
        }
    }

    /// Whether a server may still have something for us after this error.
    fn is_still_known(&self, error: &AskError) -> bool {
        match error.refusal() {
            Some(_) => self.waits && error.may_pass(), // who does not wait takes no place
            None => !matches!(error, AskError::NoV1 { .. }), // an answer that did not come may have been a lease
        }
    }
}

impl<T> Drop for Acquire<'_, T> {
    fn drop(&mut self) {
        let Client { asker, background } = self.client;
        if self.is_known && asker.has_connected() {
            let back = Back::Asker { host: self.ask.host.clone(), owner: self.owner.clone() };
            background.give(&self.ask.pool, back);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::backoff::LONGEST_ASKED, *};

    #[test]
    fn a_place_outlives_every_pause() {
        assert!(LONGEST_ASKED.mul_f64(1.1) < PATIENCE);
    }
}
