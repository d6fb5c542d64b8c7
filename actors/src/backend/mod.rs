//! Backends: where leases live. A backend is one folder and one word in the configuration.
//!
//! Requests go in, [`Event`]s come out: at once, or at any later time, so that no actor ever blocks. A
//! backend whose store has responded calls its [`Waker`]; the actor then polls it for events. The queue is
//! part of the backend: a store with one queue for all servers brings its own.
//!
//! Adding a backend: a folder with an implementation of [`Backend`] and [`Store`], an arm in [`open()`], its
//! section in the configuration, and the behavior suite in `actors/tests`.

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

/// Leases and queue of one pool.
pub trait Backend: Debug + 'static {
    /// Requests a slot; answered by [`Event::Answered`] or [`Event::Refused`], or for now by [`Event::Parked`].
    fn acquire(&mut self, request: AcquireRequest, now: Instant, out: &mut Vec<Event>);

    /// The connection of a parked request ended; not answered.
    fn cancel(&mut self, request: RequestId, now: Instant, out: &mut Vec<Event>);

    /// Extends a lease to `ttl` from now (`None`: as when it was granted); answered by [`Event::Renewed`] or
    /// [`Event::Refused`].
    fn renew(
        &mut self,
        request: RequestId,
        lease: LeaseId,
        ttl: Option<Duration>,
        now: Instant,
        out: &mut Vec<Event>,
    );

    /// Ends a lease, or whatever a requester has; answered by [`Event::Released`], also if there was nothing, or
    /// [`Event::Refused`].
    fn release(&mut self, request: RequestId, held: &ReleaseTarget, now: Instant, out: &mut Vec<Event>);

    /// A response with this lease was not delivered. If no other one was, the lease is kept for the owner's patience,
    /// or ends.
    fn undelivered(&mut self, token: Token, now: Instant, out: &mut Vec<Event>);

    /// Performs an admin action; answered by [`Event::ActionApplied`] or [`Event::Refused`].
    fn administer(
        &mut self,
        request: RequestId,
        action: AdminAction,
        operator: &Operator,
        now: Instant,
        out: &mut Vec<Event>,
    );

    /// Reads the pool from the store; answered by [`Event::Refreshed`], after which [`Backend::snapshot`] and
    /// [`Backend::holder`] are current, or [`Event::Refused`].
    fn refresh(&mut self, request: RequestId, after: PageCursor, now: Instant, out: &mut Vec<Event>);

    /// Handles the passing of [`Backend::next_deadline`], and responses of the store.
    fn poll(&mut self, now: Instant, out: &mut Vec<Event>);

    /// Next time at which something ends by itself, or must be checked.
    fn next_deadline(&self) -> Option<Instant>;

    /// Stops granting.
    fn close(&mut self);

    /// Whether no response of the store is pending, so that nothing changes before the next request or deadline.
    fn is_idle(&self) -> bool;

    /// Applies changed settings; `None`: the pool is no longer in the configuration. Waiters no longer allowed are
    /// refused.
    fn reconfigure(
        &mut self,
        settings: Option<config::Pool>,
        limits: Limits,
        now: Instant,
        out: &mut Vec<Event>,
    );

    /// A page of the public snapshot, as of the store's last response.
    fn snapshot(&self, after: PageCursor, now: Instant) -> PoolSnapshot;

    /// Counts, as of the store's last response.
    fn counts(&self) -> PoolCounts;

    /// The holder with this token, as of the store's last response.
    fn holder(&self, token: Token, now: Instant) -> Option<Holder>;
}
