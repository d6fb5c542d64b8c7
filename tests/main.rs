//! All tests over real sockets, real processes and the real binaries, in one binary: it links once.

#![expect(clippy::unwrap_used, reason = "these are tests; a failed step ends one of them")]

mod client;
mod ctl;
mod docs;
mod fake;
mod faults;
mod fight;
mod member;
#[cfg(feature = "memcache")]
mod memcache;
mod page;
mod server;
mod state;
mod support;
mod wrapper;
