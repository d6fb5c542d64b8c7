//! The programs of Distributex: HTTP in front of the actors, and the wrapper.

pub mod client;
pub mod server;
pub mod wrapper;
