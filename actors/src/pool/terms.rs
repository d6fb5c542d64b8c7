//! What the configuration says of a pool, and what becomes of the pool when it says something else.

use distributex_config as config;
use distributex_config::Limits;
use tokio::time::Instant;

use super::{
    Asker, Event, Refusal,
    rules::{Rules, refuse, shorter},
};

impl Rules {
    /// Why this asker gets nothing here, whether a slot is free or not.
    #[must_use]
    pub fn turns_away(&self, asker: &Asker) -> Option<Refusal> {
        let allows = || self.settings.servers.as_ref().is_none_or(|servers| servers.contains(asker.host()));
        match self.retired {
            true => Some(Refusal::NoSuchPool),
            false if allows() => None,
            false => Some(Refusal::HostNotAllowed),
        }
    }

    /// Whether the pool is neither in the configuration nor in use.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.retired && self.leases.is_empty()
    }

    /// The configuration has changed; without settings, the pool is not in it any more.
    ///
    /// Who holds a slot keeps it, and can renew and release it, whatever became of the pool. Who waits and may
    /// not any more is told so at once; the others do not notice. More slots are given out at once; with fewer,
    /// nothing is granted until fewer are held.
    pub fn reconfigure(
        &mut self,
        settings: Option<config::Pool>,
        limits: Limits,
        now: Instant,
        out: &mut Vec<Event>,
    ) {
        self.limits = limits;
        self.retired = settings.is_none();
        if let Some(settings) = settings {
            let old = std::mem::replace(&mut self.settings, settings);
            self.expire_waiters_as_set(&old);
        }
        self.turn_out(out);
        self.limit_all_absent(out);
        self.serve(now, out);
    }

    /// Who waits gets a lease that lives as long as the pool's do now, if it did not ask for less.
    fn expire_waiters_as_set(&mut self, old: &config::Pool) {
        let expire = self.settings.expire;
        if expire == old.expire {
            return;
        }
        for ticket in self.line.tickets() {
            self.line.change(ticket, |waiter| {
                let wanted = waiter.ttl.filter(|_| waiter.ttl != old.expire);
                waiter.ttl = shorter(wanted, expire);
            });
        }
    }

    /// Ends all waits, and gives up all places, of those who get nothing here.
    pub(super) fn turn_out(&mut self, out: &mut Vec<Event>) {
        for ticket in self.line.tickets() {
            let why = self.line.get(ticket).and_then(|waiter| self.turns_away(&waiter.asker));
            let Some(why) = why else { continue };
            if let Some(ask) = self.give_up_place(ticket, out) {
                refuse(ask, why, None, out);
            }
        }
    }
}
