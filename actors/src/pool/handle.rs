//! What the outside has of a pool: asks that become messages, and answers.

use std::time::Duration;

use actix::Addr;
use distributex_config::Name;
use tokio::{sync::oneshot, time::Instant};

use super::{
    Ask, AskId, Refusal, Token,
    actor::{Drain, Enter, Leave, PoolActor, Release, Renew},
    grant::Grant,
};

/// A pool, for those who use it.
#[derive(Debug, Clone)]
pub struct PoolHandle {
    addr: Addr<PoolActor>,
}

impl PoolHandle {
    /// The pool of this actor.
    #[must_use]
    pub fn new(addr: Addr<PoolActor>) -> Self {
        Self { addr }
    }

    /// A slot for this host, at once.
    ///
    /// # Errors
    /// The reason why there is none.
    pub async fn get(&self, host: Name) -> Result<Grant, Refusal> {
        self.enter(Ask { id: AskId::next(), host, wait: false }).await
    }

    /// A slot for this host, as soon as it is its turn. Who drops the future before leaves the line at once.
    ///
    /// # Errors
    /// The reason why it cannot wait, or cannot wait any longer.
    pub async fn wait(&self, host: Name) -> Result<Grant, Refusal> {
        self.enter(Ask { id: AskId::next(), host, wait: true }).await
    }

    /// Gives back what this host holds, if it holds anything.
    ///
    /// # Errors
    /// The reason why that cannot be done.
    pub async fn release(&self, host: Name) -> Result<(), Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(Release { host, reply });
        answer.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Lets a lease live for `ttl` from now (`None`: for ever), and tells when it ends.
    ///
    /// # Errors
    /// [`Refusal::LeaseLost`] when it is over.
    pub async fn renew(&self, token: Token, ttl: Option<Duration>) -> Result<Option<Instant>, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.addr.do_send(Renew { token, ttl, reply });
        answer.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Answers everybody who waits with [`Refusal::Stopping`], and grants nothing from now on.
    pub async fn drain(&self) {
        let _ = self.addr.send(Drain).await; // an actor that is gone is drained
    }

    async fn enter(&self, ask: Ask) -> Result<Grant, Refusal> {
        let (reply, answer) = oneshot::channel();
        let mut place = Place { ask: Some(ask.id), pool: &self.addr };
        self.addr.do_send(Enter { ask, reply });
        let answer = answer.await.unwrap_or(Err(Refusal::Stopping));
        place.ask = None;
        answer
    }
}

/// Leaves the line when the asker is gone before it was answered.
#[derive(Debug)]
struct Place<'a> {
    /// Who waits; `None` once it was answered.
    ask: Option<AskId>,
    pool: &'a Addr<PoolActor>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(ask) = self.ask {
            self.pool.do_send(Leave(ask));
        }
    }
}
