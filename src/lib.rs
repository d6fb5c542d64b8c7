//! The programs of Distributex.

pub mod server;
