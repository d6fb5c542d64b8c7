//! Snapshots, history and events of pools.

pub(crate) mod event;
pub(crate) mod events;
pub(crate) mod history;
pub(crate) mod queries;
