//! `distributexd` from outside.

mod classic;
mod gone;
mod limits;
mod line;
mod local;
mod program;
mod reload;
mod systemd;
mod v1;
