//! TCP sockets of the server.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _},
};

use distributex_config::{DEFAULT_PORT, Listen};
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

/// Backlog: thousands of clients may connect at once after an outage. The kernel lowers it to `net.core.somaxconn`.
const BACKLOG: i32 = 16 * 1024;

/// An address the server cannot listen on.
#[derive(Debug, Error)]
#[error("failed to listen on {addr}: {source}{}", hint(source))]
pub struct CannotListen {
    addr: String,
    source: io::Error,
}

/// Advice, if the cause is known.
const HINTS: [(io::ErrorKind, &str); 3] = [
    (io::ErrorKind::AddrInUse, " (is another server running? use another port with -p)"),
    (io::ErrorKind::PermissionDenied, " (ports below 1024 are reserved for root; use another with -p)"),
    (io::ErrorKind::AddrNotAvailable, " (this machine does not have the address; see `ip address`)"),
];

fn hint(error: &io::Error) -> &'static str {
    HINTS.iter().find(|(kind, _)| *kind == error.kind()).map_or("", |(_, way_out)| way_out)
}

/// An address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListenAddress {
    /// All addresses of both families, at this port.
    Every(u16),
    /// This one, or all of its family if it is unspecified.
    One(SocketAddr),
}

impl ListenAddress {
    fn port(self) -> u16 {
        match self {
            Self::Every(port) => port,
            Self::One(addr) => addr.port(),
        }
    }

    /// Whether this socket receives all connections that the other one would.
    fn covers(self, other: Self) -> bool {
        let is_wider = match (self, other) {
            (Self::Every(_), _) => true,
            (Self::One(_), Self::Every(_)) => false,
            (Self::One(own), Self::One(other)) => {
                own == other || own.ip().is_unspecified() && own.is_ipv6() == other.is_ipv6()
            }
        };
        is_wider && self.port() == other.port() && self.port() != 0 // each "any free port" is a different one
    }

    fn open(self) -> io::Result<TcpListener> {
        match self {
            Self::Every(port) => everywhere(port),
            Self::One(addr) => socket(addr, true),
        }
    }
}

/// Opens a socket for each of these addresses, except for duplicates and those covered by another one.
///
/// # Errors
/// The first address that cannot be listened on.
pub fn listen(addresses: &[Listen]) -> Result<Vec<TcpListener>, CannotListen> {
    let fails = |address: &Listen| {
        let addr = address.to_string();
        move |source| CannotListen { addr, source }
    };
    let mut places = Vec::new();
    for address in addresses {
        places.extend(resolved(address).map_err(fails(address))?.into_iter().map(|place| (place, address)));
    }
    let is_covered = |index: usize, place: ListenAddress| {
        let others = places.iter().enumerate().filter(|(other, _)| *other != index);
        let mut covering = others.filter(|(_, (other, _))| other.covers(place));
        covering.any(|(other, (wider, _))| other < index || !place.covers(*wider))
    };
    let needed = places.iter().enumerate().filter(|(index, (place, _))| !is_covered(*index, *place));
    needed.map(|(_, (place, address))| place.open().map_err(fails(address))).collect()
}

/// The address; an IPv4 address written as IPv6 becomes IPv4.
fn resolved(address: &Listen) -> io::Result<Vec<ListenAddress>> {
    let port = address.port.unwrap_or(DEFAULT_PORT);
    if address.is_any() {
        return Ok(vec![ListenAddress::Every(port)]);
    }
    let plain = |addr: SocketAddr| match addr.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::from((ip, port)),
        IpAddr::V6(_) => addr, // with its zone
    };
    Ok((address.host.as_str(), port).to_socket_addrs()?.map(plain).map(ListenAddress::One).collect())
}

/// One socket for all addresses of both families, or of IPv4 if the kernel has no IPv6.
fn everywhere(port: u16) -> io::Result<TcpListener> {
    match socket((Ipv6Addr::UNSPECIFIED, port).into(), false) {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            socket((Ipv4Addr::UNSPECIFIED, port).into(), false)
        }
        opened => opened,
    }
}

fn socket(addr: SocketAddr, only_v6: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_twice_or_covered_is_opened_once() {
        let port = listen(&["127.0.0.1:0".parse().unwrap()]).unwrap()[0].local_addr().unwrap().port();
        for (hosts, number) in [
            ("127.0.0.1 127.0.0.1", 1),
            ("127.0.0.2 127.0.0.3", 2),
            ("127.0.0.1 *", 1),
            ("* 127.0.0.1 *", 1),
            ("127.0.0.1 0.0.0.0", 1),
            ("[::ffff:127.0.0.1] 127.0.0.1", 1),
        ] {
            let addresses = hosts.split(' ').map(|host| format!("{host}:{port}").parse().unwrap());

            let sockets = listen(&addresses.collect::<Vec<_>>()).unwrap();

            assert_eq!(sockets.len(), number, "{hosts}");
        }
    }

    #[test]
    fn any_free_port_is_another_one_each_time() {
        let any: Listen = "127.0.0.1:0".parse().unwrap();

        assert_eq!(listen(&[any.clone(), any]).unwrap().len(), 2);
    }
}
