//! What a lock service is: pools, leases and lines. Knows no HTTP.
//!
//! | word | meaning here |
//! | --- | --- |
//! | pool | a named resource with a fixed number of slots |
//! | lease | a slot that is held: by whom, since when, until when ([`pool::lease`]) |
//! | token | the fencing number of a lease: rises with every grant of the pool ([`Token`]) |
//! | ask | one request for a slot, from its arrival to its answer ([`AskId`]) |
//! | line | the asks that wait, first come, first served ([`pool::line`]) |
//! | ticket | the public number of a place in the line: rises per pool ([`Ticket`]) |
//!
//! The rules of a pool ([`pool::rules`]) are plain data that is told the time.

pub mod pool;

pub use pool::{AskId, Ending, Event, Granted, Refusal, Ticket, Token};
