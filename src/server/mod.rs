//! `distributexd`: what it needs before it serves.

pub mod limits;
pub mod listen;
pub mod log;
pub mod options;
