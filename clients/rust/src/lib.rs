//! Client of a Distributex server, a lock service, for programs on tokio.
//!
//! ```text
//!  Client::acquire ─► Lease, renewed in the background ─┬ release ─► the slot is free
//!                                                       └ lost ────► stop the work
//!  Client::{pools, pool, history} ─► snapshots and ended runs
//!  Client::events ─► Events ─► one Event after the other
//!  Client::operator ─► Operator ─► admin actions
//! ```
//!
//! ```no_run
//! use distributex_client::{AcquireOptions, Client, Server};
//! use std::time::Duration;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let client = Client::new(Server::parse_list("locks1.acme.com,locks2.acme.com", 9889)?);
//!
//!     let options = AcquireOptions::new("deploy", "web1").ttl(Duration::from_secs(20));
//!     let lease = client.acquire(&options).await?;
//!     tokio::select! {
//!         () = deploy(lease.token()) => println!("deployed"),
//!         why = lease.lost() => eprintln!("stopped: {why}"),
//!     }
//!     lease.release().await?;
//!     Ok(())
//! }
//!
//! async fn deploy(_token: u64) {}
//! ```
//!
//! [`Client`] is `Send`, `Sync` and cheap to clone; every future is `Send`. Requests run on one thread of the
//! client, which starts with the first request and ends with the last clone.
//!
//! Servers that know only the classic protocol are called with [`ClassicClient`].

mod admin;
mod classic;
mod client;
mod error;
mod lease;
mod observe;
mod refusal;
mod time;
mod transport;
mod v1;

pub use distributex_protocol::{
    admin::{ForceReleased, QueueChange, Reloaded, Resumed, Revoked},
    error::ErrorKind,
    event::{EventData, EventName},
    history::{Run, RunEnd},
    lease::{EndedLease, RevocationNotice},
    pool::{Holder, Pause, PoolSnapshot, Queue, Revocation, Waiter},
};

pub use self::{
    admin::{
        key::{Key, KeyError},
        operator::Operator,
    },
    classic::{
        client::{ClassicAnswer, ClassicCall, ClassicClient},
        exchange::ClassicExchange,
    },
    client::Client,
    error::ClientError,
    lease::{
        acquire::Progress,
        handle::Lease,
        options::AcquireOptions,
        record::{LeaseId, LeaseRecord},
        status::LeaseStatus,
    },
    observe::{event::Event, events::Events, queries::Response},
    refusal::{QueueInfo, Refusal},
    time::{backoff::Backoff, boottime::BootTime, sleep::sleep_until},
    transport::{
        blocking::run_blocking,
        server::{Server, ServerError},
    },
};
