//! The sockets on which the server listens.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs as _},
};

use distributex_config::{DEFAULT_PORT, Listen};
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

/// How many connections may wait to be accepted: thousands of clients may come at once after an outage. The
/// kernel lowers it to `net.core.somaxconn`.
const BACKLOG: i32 = 16 * 1024;

/// An address on which the server cannot listen.
#[derive(Debug, Error)]
#[error("failed to listen on {addr}: {source}{}", way_out(source))]
pub struct CannotListen {
    addr: String,
    source: io::Error,
}

/// What can be done about it, where that is known.
const WAYS_OUT: [(io::ErrorKind, &str); 3] = [
    (io::ErrorKind::AddrInUse, " (is another server running? choose another port with -p)"),
    (io::ErrorKind::PermissionDenied, " (ports below 1024 are root's; choose another with -p)"),
    (io::ErrorKind::AddrNotAvailable, " (this machine does not have the address; see `ip address`)"),
];

fn way_out(error: &io::Error) -> &'static str {
    WAYS_OUT.iter().find(|(kind, _)| *kind == error.kind()).map_or("", |(_, way_out)| way_out)
}

/// Opens a socket for every address of these; without any, one for every address of the machine.
///
/// # Errors
/// The first address that cannot be listened on.
pub fn listen(addresses: &[Listen]) -> Result<Vec<TcpListener>, CannotListen> {
    let mut sockets = Vec::new();
    for address in addresses {
        let fails = |source| CannotListen { addr: address.to_string(), source };
        let port = address.port.unwrap_or(DEFAULT_PORT);
        if address.is_every() {
            sockets.push(everywhere(port).map_err(fails)?);
            continue;
        }
        for addr in (address.host.as_str(), port).to_socket_addrs().map_err(fails)? {
            sockets.push(socket(addr, true).map_err(fails)?);
        }
    }
    Ok(sockets)
}

/// One socket for all addresses of both families; of IPv4 only, where the kernel has no IPv6.
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
