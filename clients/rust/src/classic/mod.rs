//! The classic protocol, for servers that do not know v1. Every request has a connection of its own.

pub(crate) mod client;
pub(crate) mod connection;
pub(crate) mod exchange;
