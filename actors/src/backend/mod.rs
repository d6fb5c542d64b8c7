//! Where leases live. A backend is one file and one word in the configuration.
//!
//! Into it go enter, leave, renew, release, unheard and look; out of it come [`Event`]s: on the spot, or at any
//! later time, so that no actor ever blocks: a backend whose store has answered sends
//! [`Wake`](crate::pool::actor::Wake) to its pool's actor, which wakes it and passes on what it has to say.
//! The line stands behind this seam: a store that keeps one line for all servers brings its own.

use std::{fmt::Debug, time::Duration};

use distributex_config as config;
use distributex_config::Limits;
use tokio::time::Instant;

use crate::pool::{
    AcquireRequest, AdminAction, Event, Holder, LeaseId, Operator, PageCursor, PoolCounts, PoolSnapshot,
    ReleaseTarget, RequestId, Token,
};

pub mod inmemory;
#[cfg(feature = "memcache")]
pub mod memcache;
mod store;
mod waker;

pub use self::{
    store::{NotAvailable, Store, check, open},
    waker::Waker,
};

/// The leases and the line of one pool.
pub trait Backend: Debug + 'static {
    /// Somebody asks for a slot; answered by granted or refused, or for now by placed.
    fn acquire(&mut self, request: AcquireRequest, now: Instant, out: &mut Vec<Event>);

    /// The request of an ask that was placed ended; nothing is answered.
    fn cancel(&mut self, request: RequestId, now: Instant, out: &mut Vec<Event>);

    /// Lets a lease live for `ttl` from now, or for as long as when it was granted; answered by renewed or
    /// refused.
    fn renew(
        &mut self,
        request: RequestId,
        lease: LeaseId,
        ttl: Option<Duration>,
        now: Instant,
        out: &mut Vec<Event>,
    );

    /// Ends a lease, or whatever an asker has; answered by released, also when there was nothing, or refused.
    fn release(&mut self, request: RequestId, held: &ReleaseTarget, now: Instant, out: &mut Vec<Event>);

    /// One answer that was to tell of this lease was not sent; if no other one tells of it, the lease waits
    /// for its asker or ends.
    fn undelivered(&mut self, token: Token, now: Instant, out: &mut Vec<Event>);

    /// An operator wants something done; answered by pulled or refused.
    fn administer(
        &mut self,
        request: RequestId,
        action: AdminAction,
        operator: &Operator,
        now: Instant,
        out: &mut Vec<Event>,
    );

    /// Somebody wants to know how the pool is; answered by seen, when [`Backend::snapshot`] and [`Backend::holder`]
    /// say how it is in the store, or refused.
    fn refresh(&mut self, request: RequestId, after: PageCursor, now: Instant, out: &mut Vec<Event>);

    /// The time has come that [`Backend::next_deadline`] told, or the store has answered.
    fn poll(&mut self, now: Instant, out: &mut Vec<Event>);

    /// When something will end by itself, or is to be looked after.
    fn next_deadline(&self) -> Option<Instant>;

    /// From now on nothing is granted.
    fn close(&mut self);

    /// Whether no response of the store is pending, so that nothing changes before the next request or deadline.
    fn is_idle(&self) -> bool;

    /// The configuration has changed; without settings, the pool is not in it any more. Who may not wait any
    /// longer is refused.
    fn reconfigure(
        &mut self,
        settings: Option<config::Pool>,
        limits: Limits,
        now: Instant,
        out: &mut Vec<Event>,
    );

    /// What anybody may know of the pool, a page of it, as it was when the store last answered.
    fn snapshot(&self, after: PageCursor, now: Instant) -> PoolSnapshot;

    /// The pool in numbers, as it was when the store last answered.
    fn counts(&self) -> PoolCounts;

    /// Who holds a slot with this token, as it was when the store last answered.
    fn holder(&self, token: Token, now: Instant) -> Option<Holder>;
}
