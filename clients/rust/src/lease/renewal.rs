//! Renewal of a lease, long before it expires.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::handle::LeaseState;
use crate::{
    Backoff, BootTime, ClientError, ErrorKind, LeaseStatus, Refusal, sleep_until,
    time::backoff::random_unit,
    transport::server_set::ServerSet,
    v1::{Payload, V1Call},
};

/// Maximum time limit of a response, however long the lease lives.
const MAX_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// Minimum pause between renewals of a revoked lease.
const REVOKED_RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The renewal of one lease.
#[derive(Debug)]
pub(crate) struct Renewal {
    /// Servers.
    servers: Arc<ServerSet>,
    /// The lease.
    held: LeaseState,
    /// Receivers of its status.
    tell: watch::Sender<LeaseStatus>,
}

impl Renewal {
    pub(crate) fn new(servers: Arc<ServerSet>, held: LeaseState, tell: watch::Sender<LeaseStatus>) -> Self {
        Self { servers, held, tell }
    }

    /// Renews until the lease is lost. A lease that does not expire needs no renewal.
    pub(crate) async fn run(mut self) {
        while let Some(ttl) = self.held.left {
            sleep_until(self.due(ttl)).await;
            let status = match self.renew_in_time(ttl).await {
                Ok(()) => self.held.status(),
                Err(lost) => lost,
            };
            let is_lost = matches!(status, LeaseStatus::Lost { .. });
            self.tell.send_replace(status);
            if is_lost {
                return;
            }
        }
    }

    /// Time of the next renewal. A revoked lease is renewed for less and less: without a minimum pause there
    /// would be ever more requests towards its end.
    fn due(&self, ttl: Duration) -> BootTime {
        let pause = ttl.mul_f64(jittered_share(random_unit()));
        match self.held.revoked {
            None => self.held.renewed_at + pause,
            Some(_) => self.held.renewed_at + pause.max(REVOKED_RETRY_INTERVAL).min(ttl),
        }
    }

    /// Retries until it succeeds, the server reports the lease lost, or it expires.
    async fn renew_in_time(&mut self, ttl: Duration) -> Result<(), LeaseStatus> {
        let deadline = self.held.renewed_at + ttl;
        let mut backoff = Backoff::up_to(ttl / 12);
        let mut problem = match &self.held.revoked {
            None => "there was no time to renew it: the machine slept or was overloaded".to_owned(),
            Some(revoke) => format!("it was {revoke}"),
        };
        while !deadline.remaining().is_zero() {
            match timeout(deadline.remaining(), renew(&self.servers, &mut self.held, ttl)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(ClientError::Refused { refusal, .. })) if refusal.kind == ErrorKind::LeaseLost => {
                    let Refusal { message, ended, .. } = refusal;
                    return Err(LeaseStatus::Lost { why: message, ended: ended.map(|ended| *ended) });
                }
                Ok(Err(error)) => problem = format!("it could not be renewed: {error}"),
                Err(_) => break,
            }
            sleep(backoff.pause()).await;
        }
        Err(LeaseStatus::Lost { why: problem, ended: None })
    }
}

/// Renews a lease once; it is good from when the request was sent.
///
/// # Errors
/// When there is no response, or the lease is lost.
pub(crate) async fn renew(
    servers: &ServerSet,
    held: &mut LeaseState,
    ttl: Duration,
) -> Result<(), ClientError> {
    let call = V1Call::Renew { lease: &held.id, ttl: held.wanted.map(|ttl| ttl.as_secs_f64()) };
    let sent = BootTime::now();
    let response =
        servers.call(&held.pool, &call, attempt_timeout(ttl)).await.map_err(|failure| failure.error)?;
    if let Payload::Lease(grant) = response.payload {
        held.left = grant.left;
        held.renewed_at = sent;
        held.revoked = grant.revoked;
    }
    Ok(())
}

/// Time limit for one server, so that there is time for two more attempts.
fn attempt_timeout(ttl: Duration) -> Duration {
    (ttl / 6).min(MAX_ATTEMPT_TIMEOUT)
}

/// The fraction of its life after which a lease is renewed: a third, with jitter.
fn jittered_share(chance: f64) -> f64 {
    (0.9 + 0.2 * chance) / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_renewed_after_a_third_more_or_less() {
        assert!((0.29..0.31).contains(&jittered_share(0.0)));
        assert!((0.36..0.37).contains(&jittered_share(1.0)));
    }

    #[test]
    fn an_attempt_takes_a_sixth_of_the_life_at_most() {
        assert_eq!(attempt_timeout(Duration::from_secs(30)), Duration::from_secs(5));
        assert_eq!(attempt_timeout(Duration::from_secs(3600)), MAX_ATTEMPT_TIMEOUT);
    }
}
