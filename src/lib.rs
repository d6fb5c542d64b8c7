//! The programs of Distributex: HTTP in front of the actors, the client library, and the wrapper.

pub mod client;
mod program;
pub mod server;
pub mod wrapper;
