//! What the configuration says of a pool, and what becomes of the pool when it says something else.

use distributex_config as config;
use distributex_config::Limits;
use tokio::time::Instant;

use super::{
    Event, Refusal, Requester,
    rules::{Rules, refuse, shorter},
};

impl Rules {
    /// Why this asker gets nothing here, whether a slot is free or not.
    #[must_use]
    pub fn rejects(&self, requester: &Requester) -> Option<Refusal> {
        let allows =
            || self.settings.servers.as_ref().is_none_or(|servers| servers.contains(requester.host()));
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
            self.apply_new_ttl_to_waiters(&old);
        }
        self.evict_disallowed_waiters(out);
        self.limit_all_absent(out);
        self.serve(now, out);
    }

    /// Who waits gets a lease that lives as long as the pool's do now, if it did not ask for less.
    fn apply_new_ttl_to_waiters(&mut self, old: &config::Pool) {
        let expire = self.settings.expire;
        if expire == old.expire {
            return;
        }
        for ticket in self.queue.tickets() {
            self.queue.change(ticket, |waiter| {
                let wanted = waiter.ttl.filter(|_| waiter.ttl != old.expire);
                waiter.ttl = shorter(wanted, expire);
            });
        }
    }

    /// Ends all waits, and gives up all places, of those who get nothing here.
    pub(super) fn evict_disallowed_waiters(&mut self, out: &mut Vec<Event>) {
        for ticket in self.queue.tickets() {
            let why = self.queue.get(ticket).and_then(|waiter| self.rejects(&waiter.requester));
            let Some(why) = why else { continue };
            if let Some(request) = self.remove_waiter(ticket, out) {
                refuse(request, why, None, out);
            }
        }
    }
}
