//! Address of a server, as written by a person.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    time::Duration,
};

use thiserror::Error;

use super::{address::Address, blocking::run_blocking};

/// Time limit of the name service.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);

/// A server: a name or an address, and a port; or a unix socket of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server(ServerAddress);

/// Kind of address.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ServerAddress {
    /// Name or address (IPv6 without brackets), and port.
    Host(String, u16),
    /// Path of a unix socket.
    Socket(PathBuf),
}

/// Error in the text of a server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServerError {
    /// Not a host name or address.
    #[error(
        "{0:?} is not a valid server; use a name or an address, optionally with a port, as in locks.acme.com:9889"
    )]
    NoHost(String),
    /// A link-local address with a zone.
    #[error(
        "{0:?} is a link-local address with a zone, which is not supported; use another address, or a name"
    )]
    Link(String),
    /// The text after the colon is not a port.
    #[error("{0:?} is not a valid port; it must be a number from 1 to 65535")]
    NoPort(String),
    /// The URL of a server with TLS.
    #[error("{0:?}: TLS is not supported; use the server's plain HTTP port, or a tunnel")]
    Tls(String),
}

impl Server {
    /// The server that listens on this unix socket.
    #[must_use]
    pub fn socket(path: impl Into<PathBuf>) -> Self {
        Self(ServerAddress::Socket(path.into()))
    }

    /// Parses `HOST`, `HOST:PORT`, `ADDRESS`, or `[ADDRESS]:PORT`, also after `http://` as printed by a
    /// server (with the same default port); or `/PATH` of a unix socket.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str, default_port: u16) -> Result<Self, ServerError> {
        if text.starts_with('/') {
            return Ok(Self::socket(text));
        }
        if text.starts_with("https://") {
            return Err(ServerError::Tls(text.to_owned()));
        }
        if text.contains('%') {
            return Err(ServerError::Link(text.to_owned()));
        }
        let plain = text.strip_prefix("http://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let (host, port) = split_port(plain.unwrap_or(text));
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if !is_host(host) {
            return Err(ServerError::NoHost(text.to_owned()));
        }
        let port = port.map_or(Ok(default_port), read_port)?;
        Ok(Self(ServerAddress::Host(host.to_owned(), port)))
    }

    /// Parses one or more servers, separated by commas.
    ///
    /// # Errors
    /// When one of them is invalid.
    pub fn parse_list(text: &str, default_port: u16) -> Result<Vec<Self>, ServerError> {
        text.split(',').map(|one| Self::parse(one.trim(), default_port)).collect()
    }

    /// Resolves all addresses of this server. A numeric one needs no name service, and so no thread.
    pub(crate) async fn addresses(&self) -> Result<Vec<Address>, String> {
        let (host, port) = match &self.0 {
            ServerAddress::Host(host, port) => (host.clone(), *port),
            ServerAddress::Socket(path) => return Ok(vec![Address::Socket(path.clone())]),
        };
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port).into()]);
        }
        let found = run_blocking(LOOKUP_TIMEOUT, move || (host.as_str(), port).to_socket_addrs()).await;
        match found {
            Some(Ok(addresses)) => Ok(addresses.map(Address::from).collect()),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("the name service does not answer".to_owned()),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ServerAddress::Host(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            ServerAddress::Host(host, port) => write!(f, "{host}:{port}"),
            ServerAddress::Socket(path) => path.display().fmt(f),
        }
    }
}

/// Splits host and port; the colons of a bare IPv6 address do not separate a port.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if text.parse::<Ipv6Addr>().is_err() && !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    }
}

/// Whether this can be the host of a URI: an IPv6 address, or characters of names and IPv4 addresses.
fn is_host(host: &str) -> bool {
    let of_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    host.parse::<Ipv6Addr>().is_ok() || (!host.is_empty() && host.chars().all(of_a_name))
}

fn read_port(text: &str) -> Result<u16, ServerError> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| ServerError::NoPort(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_written_with_or_without_a_port() {
        for (text, shown) in [
            ("locks.acme.com", "locks.acme.com:9889"),
            ("locks:80", "locks:80"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("::1", "[::1]:9889"),
            ("[::1]", "[::1]:9889"),
            ("[::1]:80", "[::1]:80"),
            ("http://locks.acme.com", "locks.acme.com:9889"),
            ("http://locks:80/", "locks:80"),
            ("http://[::]:9889", "[::]:9889"),
            ("/run/distributexd/admin.sock", "/run/distributexd/admin.sock"),
        ] {
            assert_eq!(Server::parse(text, 9889).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn several_servers_have_commas_between_them() {
        let shown = |text| {
            Server::parse_list(text, 9889)
                .map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>())
        };

        assert_eq!(shown("a, b:1,[::1]:80").unwrap(), ["a:9889", "b:1", "[::1]:80"]);
        for text in ["", "a,", ",a", "a,,b", "a;b"] {
            assert!(shown(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for text in [
            "",
            ":80",
            "a b",
            "http://",
            "http://locks/get",
            "ftp://locks",
            "locks:",
            "locks:0",
            "locks:65536",
            "a,b",
            "x@y",
            "[::1",
        ] {
            assert!(Server::parse(text, 9889).is_err(), "{text}");
        }
        let error = Server::parse("https://locks", 9889).unwrap_err();
        assert!(error.to_string().contains("TLS is not supported"), "{error}");
    }
}
