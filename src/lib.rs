//! The programs of Distributex: HTTP in front of the actors.

pub mod server;
