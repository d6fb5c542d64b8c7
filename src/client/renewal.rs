//! Keeping a lease: asking for more time long before it is over.

use std::{rc::Rc, time::Duration};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    AskError, Backoff, BootTime, Kind, Refusal, Standing,
    alarm::sleep_until,
    asker::Asker,
    backoff::chance,
    lease::Held,
    v1::{Call, Said},
};

/// A server may never take longer to answer a renewal, however long the lease lives.
const LONGEST_PATIENCE: Duration = Duration::from_secs(10);
/// A lease that is revoked is not renewed more often.
const REVOKED_PAUSE: Duration = Duration::from_secs(1);

/// The renewal of one lease.
#[derive(Debug)]
pub(super) struct Renewal {
    /// Whom to ask.
    asker: Rc<Asker>,
    /// What is renewed.
    held: Held,
    /// Who wants to know.
    tell: watch::Sender<Standing>,
}

impl Renewal {
    pub(super) fn new(asker: Rc<Asker>, held: Held, tell: watch::Sender<Standing>) -> Self {
        Self { asker, held, tell }
    }

    /// Renews until the lease is lost. A lease without an end needs none.
    pub(super) async fn run(mut self) {
        while let Some(ttl) = self.held.left {
            sleep_until(self.due(ttl)).await;
            let standing = match self.renew_in_time(ttl).await {
                Ok(()) => self.held.standing(),
                Err(lost) => lost,
            };
            let is_lost = matches!(standing, Standing::Lost { .. });
            self.tell.send_replace(standing);
            if is_lost {
                return;
            }
        }
    }

    /// When to renew next. One that is revoked is renewed for less and less: without a shortest pause there would
    /// be ever more requests towards its end.
    fn due(&self, ttl: Duration) -> BootTime {
        let pause = ttl.mul_f64(share(chance()));
        match self.held.revoked {
            None => self.held.good + pause,
            Some(_) => self.held.good + pause.max(REVOKED_PAUSE).min(ttl),
        }
    }

    /// Tries until it is done, the server says that the lease is lost, or its time is over.
    async fn renew_in_time(&mut self, ttl: Duration) -> Result<(), Standing> {
        let over = self.held.good + ttl;
        let mut backoff = Backoff::up_to(ttl / 12);
        let mut trouble = match &self.held.revoked {
            None => "there was no time to renew it: the machine slept or was overloaded".to_owned(),
            Some(revoke) => format!("it was {revoke}"),
        };
        while !over.remaining().is_zero() {
            match timeout(over.remaining(), renew(&self.asker, &mut self.held, ttl)).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(AskError::Refused { refusal, .. })) if refusal.kind == Kind::LeaseLost => {
                    let Refusal { message, ended, .. } = refusal;
                    return Err(Standing::Lost { why: message, ended: ended.map(|ended| *ended) });
                }
                Ok(Err(error)) => trouble = format!("it could not be renewed: {error}"),
                Err(_) => break,
            }
            sleep(backoff.pause()).await;
        }
        Err(Standing::Lost { why: trouble, ended: None })
    }
}

/// Renews a lease once; it is good from when that was sent.
///
/// # Errors
/// When there is no answer, or the lease is lost.
pub(super) async fn renew(asker: &Asker, held: &mut Held, ttl: Duration) -> Result<(), AskError> {
    let call = Call::Renew { lease: &held.id, ttl: held.wanted.map(|ttl| ttl.as_secs_f64()) };
    let sent = BootTime::now();
    let heard = asker.ask(&held.pool, &call, patience(ttl)).await.map_err(|failure| failure.error)?;
    if let Said::Lease(grant) = heard.said {
        held.left = grant.left();
        held.good = sent;
        held.revoked = grant.revoked;
    }
    Ok(())
}

/// How long one server may take: so that there is time for another attempt, and another.
fn patience(ttl: Duration) -> Duration {
    (ttl / 6).min(LONGEST_PATIENCE)
}

/// The part of its life after which a lease is renewed: a third, and not the same for all.
fn share(chance: f64) -> f64 {
    (0.9 + 0.2 * chance) / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_renewed_after_a_third_more_or_less() {
        assert!((0.29..0.31).contains(&share(0.0)));
        assert!((0.36..0.37).contains(&share(1.0)));
    }

    #[test]
    fn an_attempt_takes_a_sixth_of_the_life_at_most() {
        assert_eq!(patience(Duration::from_secs(30)), Duration::from_secs(5));
        assert_eq!(patience(Duration::from_secs(3600)), LONGEST_PATIENCE);
    }
}
