//! The clock of deadlines, sleeping on it, and pauses between attempts.

pub(crate) mod backoff;
pub(crate) mod boottime;
pub(crate) mod sleep;
