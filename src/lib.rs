//! The programs of Distributex: HTTP in front of the actors, the client library, the wrapper, and the operator's
//! tool.

pub mod ctl;
mod program;
pub mod server;
pub mod wrapper;
