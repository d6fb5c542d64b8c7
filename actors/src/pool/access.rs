//! Access checks of a pool, and changes of its configuration.

use distributex_config as config;
use distributex_config::Limits;
use tokio::time::Instant;

use super::{
    Event, Refusal, Requester,
    rules::{Rules, refuse, shorter},
};

impl Rules {
    /// Why this requester gets nothing here, regardless of free slots; `None` if it may have a slot.
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

    /// Applies a changed configuration; without settings, the pool was removed from it.
    ///
    /// Holders keep their leases and can renew and release them in any case. Waiters that are no longer allowed are
    /// refused at once; the others are not affected. Additional slots are granted at once; with fewer, nothing is
    /// granted until fewer are held.
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

    /// Gives waiters that did not ask for less the pool's new time to live.
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

    /// Refuses and removes all waiters that are not allowed in the pool.
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
