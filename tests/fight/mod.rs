//! Hosts that fight for slots while servers are in trouble. What they see is written down, and checked at the end of
//! a test: see [`history`].

pub(crate) mod history;
mod history_fails;
mod host;
pub(crate) mod hosts;
mod link;
