//! Acquiring a lease: one request after the other, until there is one.
//!
//! ```text
//!  try ─┬ lease ──────────────────────────────► renewed once if it may be old ─► Lease
//!       ├ no slot ─► parked for a slice ─┬ lease ─►┘
//!       │            ▲                   └ no slot ─┐
//!       │            └──────────────────────────────┘
//!       └ no response ─► pause ─► again; when the time is over, a last request without waiting
//! ```
//! The owner stays the same, so the queue entry is kept: each request ends before proxies close it, and the next one
//! arrives within the patience, also after a restart of the server.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{give_back::GiveBack, handle::LeaseState, renewal::renew, secret::Secret};
use crate::{
    AcquireOptions, Backoff, BootTime, Client, ClientError, Lease, QueueInfo,
    transport::{in_time::in_time, server_set::RequestFailure},
    v1::{Payload, V1Call},
};

/// Time one request stays parked. Proxies often close after 30 or 60 s.
const LONG_POLL_SLICE: Duration = Duration::from_secs(25);
/// Time a queue entry is kept between two requests: longer than any pause between them.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time limit of a response, in addition to the time a request stays parked.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for the last request: a wait of at most a minute must not take ten seconds more.
const LAST_RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A lease whose response took longer is renewed before it counts.
const RENEW_IF_OLDER_THAN: Duration = Duration::from_secs(1);
/// A request this long was no failed attempt: after it, pauses start over.
const BACKOFF_RESET_AFTER: Duration = Duration::from_secs(5);

/// Progress of a wait.
#[derive(Debug)]
pub enum Progress<'a> {
    /// There is no slot yet. Reported after each response that says so, whether anything changed or not.
    Waiting(&'a QueueInfo),
    /// No server responds, or not usefully; the next attempt follows after a pause.
    Retrying {
        /// The error.
        error: &'a ClientError,
        /// Length of the pause.
        pause: Duration,
    },
}

/// One acquire, from the first request to the lease.
pub(crate) struct AcquireLoop<'a, T> {
    /// Servers.
    client: &'a Client,
    /// Pool, host and time limits.
    options: &'a AcquireOptions,
    /// Owner, which distinguishes this acquire from all others.
    owner: Secret,
    /// Whether it waits.
    waits: bool,
    /// Start.
    started: Instant,
    /// Receiver of progress.
    tell: T,
    /// Whether a server may have a queue entry or a lease for this acquire.
    is_known: bool,
}

impl<'a, T: FnMut(Progress<'_>)> AcquireLoop<'a, T> {
    pub(crate) fn new(
        client: &'a Client,
        options: &'a AcquireOptions,
        waits: bool,
        tell: T,
    ) -> Result<Self, ClientError> {
        let (owner, started) = (Secret::random()?, Instant::now());
        Ok(Self { client, options, owner, waits, started, tell, is_known: false })
    }

    /// Sends requests until there is a lease, the time is over, or retrying is useless.
    pub(crate) async fn run(mut self) -> Result<Lease, ClientError> {
        let (mut backoff, mut wait, mut is_last) = (Backoff::new(), Duration::ZERO, false);
        loop {
            let asked = Instant::now();
            let RequestFailure { error, retry_after } = match self.attempt_in_time(wait).await {
                Ok(state) => return Ok(self.lease(state)),
                Err(failure) => failure,
            };
            self.is_known = self.is_still_known(&error);
            if !self.waits || is_last || !error.is_transient() {
                return Err(error);
            }
            if asked.elapsed() > BACKOFF_RESET_AFTER {
                backoff = Backoff::new();
            }
            let no_slot = error.refusal().is_some_and(|refusal| refusal.kind.is_contention());
            let at_once = no_slot && (wait.is_zero() || asked.elapsed() > RENEW_IF_OLDER_THAN);
            let pause = if at_once { Duration::ZERO } else { backoff.pause_with_retry_after(retry_after) };
            let left = self.left();
            let pause = left.map_or(pause, |left| left.min(pause));
            self.report_retry(&error, pause);
            if no_slot && left.is_some_and(|left| left.is_zero()) {
                return Err(error); // no longer
            }
            wait = left.map_or(LONG_POLL_SLICE, |left| (left - pause).min(LONG_POLL_SLICE));
            is_last = wait.is_zero();
            sleep(pause).await;
        }
    }

    /// Sends a request, with a time limit even if several servers are silent.
    async fn attempt_in_time(&mut self, wait: Duration) -> Result<LeaseState, RequestFailure> {
        let Some(left) = self.left().filter(|_| self.waits) else {
            return self.attempt(wait).await;
        };
        let servers = Arc::clone(&self.client.servers);
        match in_time(left.saturating_add(LAST_RESPONSE_TIMEOUT), self.attempt(wait)).await {
            Ok(came) => came,
            Err(_) => Err(servers.no_response()),
        }
    }

    /// Sends a request. A lease that may be old is renewed, so that it is known to be held.
    async fn attempt(&mut self, wait: Duration) -> Result<LeaseState, RequestFailure> {
        let AcquireOptions { pool, host, ttl, note, .. } = self.options;
        let call = V1Call::Acquire {
            host,
            owner: &self.owner,
            wait: wait.as_secs_f64(),
            patience: self.waits.then_some(PATIENCE.as_secs_f64()),
            ttl: ttl.map(|ttl| ttl.as_secs_f64()),
            command: note.as_deref(),
        };
        let (servers, renewed_at) = (&self.client.servers, BootTime::now());
        self.is_known = true;
        let response = servers.call(pool, &call, wait + RESPONSE_TIMEOUT).await?;
        let Payload::Lease(grant) = response.payload else {
            return Err(
                ClientError::Strange { server: response.server, status: 204, body: String::new() }.into()
            );
        };
        let mut state = LeaseState {
            pool: pool.clone(),
            host: host.clone(),
            wanted: *ttl,
            ttl: grant.ttl,
            left: grant.left,
            id: grant.id,
            token: grant.token,
            renewed_at,
            revoked: grant.revoked,
            server: response.server,
            store: response.store,
        };
        let is_fresh = wait.is_zero() && (renewed_at + RENEW_IF_OLDER_THAN).remaining() > Duration::ZERO;
        if let Some(ttl) = state.left.filter(|_| !is_fresh) {
            renew(servers, &mut state, ttl).await?;
        }
        Ok(state)
    }

    fn lease(&mut self, state: LeaseState) -> Lease {
        self.is_known = false; // from now on, the lease releases it
        Lease::keep(state, self.started.elapsed(), &self.client.servers, &self.client.background)
    }

    /// Time left to wait.
    fn left(&self) -> Option<Duration> {
        self.options.within.map(|within| within.saturating_sub(self.started.elapsed()))
    }

    fn report_retry(&mut self, error: &ClientError, pause: Duration) {
        match error.refusal().and_then(|refusal| refusal.queue.as_ref()) {
            Some(line) => (self.tell)(Progress::Waiting(line)),
            None => (self.tell)(Progress::Retrying { error, pause }),
        }
    }

    /// Whether a server may still have a queue entry or a lease after this error.
    fn is_still_known(&self, error: &ClientError) -> bool {
        match error.refusal() {
            Some(_) => self.waits && error.is_transient(), // a try leaves no queue entry
            None => !matches!(error, ClientError::NoV1 { .. }), // the missing response may have been a lease
        }
    }
}

impl<T> Drop for AcquireLoop<'_, T> {
    fn drop(&mut self) {
        if self.is_known {
            let back = GiveBack::Requester { host: self.options.host.clone(), owner: self.owner.clone() };
            self.client.background.give(&self.options.pool, back);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::backoff::MAX_RETRY_AFTER;

    #[test]
    fn a_place_outlives_every_pause() {
        assert!(MAX_RETRY_AFTER.mul_f64(1.1) < PATIENCE);
    }
}
