//! Leases in this process. Answers on the spot and is never away; forgets everything when the process ends.

use std::time::{Duration, SystemTime};

use distributex_config as config;
use distributex_config::Limits;
use tokio::time::Instant;

use super::Backend;
use crate::pool::{Ask, AskId, Event, Held, Holder, LeaseId, State, Token, rules::Rules};

/// A pool in memory.
#[derive(Debug)]
pub struct InMemory {
    /// The leases and the line.
    rules: Rules,
}

impl InMemory {
    /// An empty pool. Its tokens begin at the microseconds since 1970, so that they rise over a restart too,
    /// unless the clock was set back by more than the server was down: no pool grants a million times a
    /// second for long.
    #[must_use]
    pub fn new(settings: config::Pool, limits: Limits) -> Self {
        let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let last = Token(u64::try_from(epoch.as_micros()).unwrap_or_default());
        Self { rules: Rules::new(settings, limits, last) }
    }
}

impl Backend for InMemory {
    fn enter(&mut self, ask: Ask, now: Instant, out: &mut Vec<Event>) {
        self.rules.enter(ask, now, out);
    }

    fn leave(&mut self, ask: AskId, now: Instant) {
        self.rules.leave(ask, now);
    }

    fn renew(
        &mut self,
        ask: AskId,
        lease: LeaseId,
        ttl: Option<Duration>,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.rules.renew(ask, lease, ttl, now, out);
    }

    fn release(&mut self, ask: AskId, held: &Held, now: Instant, out: &mut Vec<Event>) {
        self.rules.release(ask, held, now, out);
    }

    fn unheard(&mut self, token: Token, now: Instant, out: &mut Vec<Event>) {
        self.rules.unheard(token, now, out);
    }

    fn look(&mut self, ask: AskId, _: Instant, out: &mut Vec<Event>) {
        out.push(Event::Seen { ask });
    }

    fn wake(&mut self, now: Instant, out: &mut Vec<Event>) {
        self.rules.expire(now, out);
    }

    fn next_end(&self) -> Option<Instant> {
        self.rules.next_end()
    }

    fn close(&mut self) {
        self.rules.close();
    }

    fn state(&self, holders: usize, now: Instant) -> State {
        self.rules.state(holders, now)
    }

    fn holder(&self, token: Token, now: Instant) -> Option<Holder> {
        self.rules.holder(token, now)
    }
}
