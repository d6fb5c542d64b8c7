//! Why there is no answer, or none that helps; and what to do then.

use thiserror::Error;

use super::{Refusal, Server};

/// Why an ask came to nothing.
#[derive(Debug, Clone, Error)]
pub enum ClientError {
    /// No connection could be made: the name, the network, or nobody listens there.
    #[error("cannot reach {server}: {why} (is the name right, and is distributexd running there?)")]
    Unreachable {
        /// Who was asked.
        server: Server,
        /// What the system says.
        why: String,
    },
    /// There was a connection, and it ended too early.
    #[error("{server} closed the connection without a response ({why}); retry")]
    Broken {
        /// Who was asked.
        server: Server,
        /// How it ended.
        why: String,
    },
    /// There was a connection, and no answer in all the time one may take.
    #[error("{server} does not respond; retry, or check whether it is overloaded or stopped")]
    Silent {
        /// Who was asked.
        server: Server,
    },
    /// Something answers there, but it is no lock server.
    #[error(
        "{server} sent a response that is not from Distributex (status {status}: {body:?}); \
         check name and port, and proxies on the way"
    )]
    Strange {
        /// Who was asked.
        server: Server,
        /// The HTTP status.
        status: u16,
        /// How the body starts.
        body: String,
    },
    /// The server knows the classic protocol only.
    #[error("{server} does not support the v1 protocol; update it, or use the classic protocol")]
    NoV1 {
        /// Who was asked.
        server: Server,
    },
    /// The server has another store than the one this client began with.
    #[error(
        "{server} has another store ({store}) than the server used first ({first}): they do not share their \
         slots; give only servers that share a store"
    )]
    OtherStore {
        /// Who was asked.
        server: Server,
        /// The store it has.
        store: String,
        /// The store this client stays with.
        first: String,
    },
    /// The server says no.
    #[error("{server} refused: {refusal}")]
    Refused {
        /// Who was asked.
        server: Server,
        /// What it says.
        refusal: Refusal,
    },
    /// There is nobody to ask.
    #[error("no server given")]
    NoServer,
    /// No asker can be told from another without random numbers.
    #[error("no randomness available: {why} (is getrandom(2) blocked?)")]
    NoChance {
        /// What the system says.
        why: String,
    },
}

impl ClientError {
    /// The server's no, if it said one.
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

    /// Whether this server cannot help just now, but another one of the same store might.
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

    /// Whether it makes sense to ask again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.refusal().map_or_else(|| self.is_server_unavailable(), |refusal| refusal.kind.is_transient())
    }
}
