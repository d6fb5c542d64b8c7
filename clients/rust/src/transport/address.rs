//! Addresses of servers.

use std::{net::SocketAddr, path::PathBuf};

/// An address that can be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A port of a machine.
    Tcp(SocketAddr),
    /// A unix socket of this machine.
    Socket(PathBuf),
}

impl Address {
    /// The host of a URL. A unix socket has an HTTP client of its own, and needs no name.
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Tcp(addr) => addr.to_string(),
            Self::Socket(_) => "localhost".to_owned(),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        Self::Tcp(addr)
    }
}
