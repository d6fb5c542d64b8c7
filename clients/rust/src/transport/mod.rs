//! Requests to servers, over HTTP.
//!
//! ```text
//!  ServerSet ─► Failover: the address to try next ─► Server: its addresses
//!      │   └──► StorePin: refuses another store
//!      ▼
//!  HttpClient ─► HttpThread ─► connector ─► socket
//!      └───────► sse: streams of events
//! ```

pub(crate) mod address;
pub(crate) mod blocking;
pub(crate) mod connector;
pub(crate) mod failover;
pub(crate) mod http;
pub(crate) mod http_thread;
pub(crate) mod in_time;
pub(crate) mod response_body;
pub(crate) mod server;
pub(crate) mod server_request;
pub(crate) mod server_set;
pub(crate) mod sse;
pub(crate) mod store_pin;
