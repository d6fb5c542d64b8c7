//! Errors of requests.

use thiserror::Error;

use crate::{Refusal, Server};

/// Error of a request.
#[derive(Debug, Clone, Error)]
pub enum ClientError {
    /// No connection: the name, the network, or no process listens there.
    #[error("cannot reach {server}: {why} (is the name right, and is distributexd running there?)")]
    Unreachable {
        /// The server.
        server: Server,
        /// The system's error.
        why: String,
    },
    /// The connection ended too early.
    #[error("{server} closed the connection without a response ({why}); retry")]
    Broken {
        /// The server.
        server: Server,
        /// The error.
        why: String,
    },
    /// Connected, but no response within the time limit.
    #[error("{server} does not respond; retry, or check whether it is overloaded or stopped")]
    Silent {
        /// The server.
        server: Server,
    },
    /// The response is not one of a lock server.
    #[error(
        "{server} sent a response that is not from Distributex (status {status}: {body:?}); \
         check name and port, and proxies on the way"
    )]
    Strange {
        /// The server.
        server: Server,
        /// The HTTP status.
        status: u16,
        /// Start of the body.
        body: String,
    },
    /// The server supports only the classic protocol.
    #[error("{server} does not support the v1 protocol; update it, or use the classic protocol")]
    NoV1 {
        /// The server.
        server: Server,
    },
    /// The server has another store than the one used first.
    #[error(
        "{server} has another store ({store}) than the server used first ({first}): they do not share their \
         slots; give only servers that share a store"
    )]
    OtherStore {
        /// The server.
        server: Server,
        /// Its store.
        store: String,
        /// The store of this client.
        first: String,
    },
    /// The server refused.
    #[error("{server} refused: {refusal}")]
    Refused {
        /// The server.
        server: Server,
        /// The refusal.
        refusal: Refusal,
    },
    /// No server was given.
    #[error("no server given")]
    NoServer,
    /// No random numbers, which make the owner unique.
    #[error("no randomness available: {why} (is getrandom(2) blocked?)")]
    NoChance {
        /// The system's error.
        why: String,
    },
}

impl ClientError {
    /// The refusal, if the server sent one.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::Silent { .. }
            | Self::Strange { .. }
            | Self::NoV1 { .. }
            | Self::OtherStore { .. }
            | Self::NoServer
            | Self::NoChance { .. } => None,
        }
    }

    /// Whether another server of the same store might succeed.
    #[must_use]
    pub fn is_server_unavailable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } | Self::Silent { .. } | Self::Strange { .. } => {
                true
            }
            Self::Refused { refusal, .. } => refusal.kind.is_server_unavailable(),
            Self::NoV1 { .. } | Self::OtherStore { .. } | Self::NoServer | Self::NoChance { .. } => false,
        }
    }

    /// Whether retrying may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.refusal().map_or_else(|| self.is_server_unavailable(), |refusal| refusal.kind.is_transient())
    }
}
