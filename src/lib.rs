//! The programs of Distributex: HTTP in front of the actors, and the client's side of it.

pub mod client;
pub mod server;
