//! Why there is no answer, or none that helps; and what to do then.

use thiserror::Error;

use super::{Refusal, Server};

/// Why an ask came to nothing.
#[derive(Debug, Clone, Error)]
pub enum ClientError {
    /// No connection could be made: the name, the network, or nobody listens there.
    #[error("cannot reach {server}: {why} (is the name right, and does distributexd run there?)")]
    Unreachable {
        /// Who was asked.
        server: Server,
        /// What the system says.
        why: String,
    },
    /// There was a connection, and it ended too early.
    #[error("{server} ended the connection without an answer ({why}); ask again")]
    Broken {
        /// Who was asked.
        server: Server,
        /// How it ended.
        why: String,
    },
    /// There was a connection, and no answer in all the time one may take.
    #[error("{server} does not answer; ask again, or look whether it is overloaded or stopped")]
    Silent {
        /// Who was asked.
        server: Server,
    },
    /// Something answers there, but it is no lock server.
    #[error(
        "{server} answered something that is no Distributex answer (status {status}: {body:?}); \
         is it the right name and port, or a proxy on the way?"
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
    #[error("{server} does not speak the v1 protocol; update it, or ask it by the classic protocol")]
    NoV1 {
        /// Who was asked.
        server: Server,
    },
    /// The server has another store than the one this client began with.
    #[error(
        "{server} has another store ({store}) than the server that was asked first ({first}): \
         they know nothing of each other's slots; name only servers of one store"
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
    #[error("no server is named; name one")]
    NoServer,
    /// No asker can be told from another without random numbers.
    #[error("the system gives no random numbers: {why}; look whether getrandom(2) is allowed here")]
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
