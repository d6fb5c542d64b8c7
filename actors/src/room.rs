//! What all pools share: whether they are open, and room for parked asks. Every one of these keeps a
//! connection open, and connections are limited.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// How many asks may be parked at once, in all pools together.
#[derive(Debug)]
pub struct Room {
    /// The limit.
    seats: usize,
    /// How many are taken.
    taken: AtomicUsize,
    /// Whether the server is stopping.
    closed: AtomicBool,
}

impl Room {
    /// Room for so many.
    #[must_use]
    pub fn new(seats: usize) -> Arc<Self> {
        Arc::new(Self { seats, taken: AtomicUsize::new(0), closed: AtomicBool::new(false) })
    }

    /// From now on no pool takes an ask.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// A seat, if one is free. It is given up when it is dropped.
    #[must_use]
    pub fn take(self: &Arc<Self>) -> Option<Seat> {
        let seat = Seat { room: Arc::clone(self) };
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        (taken < self.seats).then_some(seat)
    }
}

/// Room for one parked ask.
#[derive(Debug)]
pub struct Seat {
    room: Arc<Room>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
