//! `distributexd`: what it needs before it serves, and its end of a connection.

pub mod connection;
pub mod limits;
pub mod listen;
pub mod log;
pub mod options;
