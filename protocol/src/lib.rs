//! The v1 protocol as client and server both write it: JSON bodies, error kinds, event names, paths, time formats.
//!
//! Bodies are generic over their text: the server serializes `Holder<&str>` without copying, a client deserializes
//! `Holder<String>`. Unknown fields are ignored, and fields that an older server does not send are optional.
//!
//! | module | content |
//! | --- | --- |
//! | [`error`] | error kinds with their statuses, and the error body |
//! | [`event`] | event names and the data of an event |
//! | [`lease`] | the response that carries a lease, and how a lease ended |
//! | [`pool`] | snapshots: holders, queue, pause |
//! | [`history`] | ended runs |
//! | [`admin`] | admin actions and their responses |
//! | [`path`] | paths |
//! | [`time`] | seconds and timestamps |

pub mod admin;
pub mod error;
pub mod event;
pub mod history;
pub mod lease;
pub mod path;
pub mod pool;
pub mod time;
