//! `distributexd` from outside.

mod classic;
mod gone;
mod limits;
mod line;
mod local;
pub(crate) mod metrics;
mod page;
mod pipelined;
mod program;
mod reload;
mod systemd;
pub(crate) mod v1;
mod watch;
