//! Connection of a classic call. Its sending half can be closed while the response is awaited: a server that notices
//! forgets the request, and a response sent until then can still be read.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_rt::net::TcpStream;
use actix_service::{Service, fn_service};
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::{Connector, http::Uri};
use rustix::net::Shutdown;
use socket2::{SockRef, TcpKeepalive};
use tokio::time::timeout;

use crate::{
    Server,
    transport::{address::Address, connector::CONNECT_TIMEOUT},
};

/// Time limit for all addresses of a name together. The HTTP client's limit, which must not be earlier.
const CONNECT_LIMIT: Duration = Duration::from_secs(60);
/// A host that vanished is noticed after 30 + 3 · 10 s, also without traffic.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(30))
    .with_interval(Duration::from_secs(10))
    .with_retries(3);

/// The sending half of a request's connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteHalf(Arc<Mutex<WriteHalfState>>);

/// State of a sending half.
#[derive(Debug, Default)]
enum WriteHalfState {
    /// There has been no connection.
    #[default]
    Unconnected,
    /// A copy of the connection's descriptor.
    Connected(OwnedFd),
    /// Closed before there was a connection: none may be made.
    Closed,
}

impl WriteHalf {
    /// Whether there has been a connection.
    pub(crate) fn is_connected(&self) -> bool {
        matches!(*self.state(), WriteHalfState::Connected(_))
    }

    /// Closes the sending half: nothing more is sent. Returns false if nothing was sent and nothing will be.
    pub(crate) fn close(&self) -> bool {
        let mut state = self.state();
        match &*state {
            WriteHalfState::Connected(socket) => rustix::net::shutdown(socket, Shutdown::Write).is_ok(),
            WriteHalfState::Unconnected | WriteHalfState::Closed => {
                *state = WriteHalfState::Closed;
                false
            }
        }
    }

    /// Keeps a copy of the connection's descriptor, unless the half was closed before.
    fn set_connection(&self, stream: &TcpStream) -> io::Result<()> {
        let copy = rustix::io::fcntl_dupfd_cloexec(stream, 0)?;
        let mut state = self.state();
        if matches!(*state, WriteHalfState::Closed) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        *state = WriteHalfState::Connected(copy);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, WriteHalfState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An HTTP client for one request to one server.
pub(crate) fn client(server: &Server, half: &WriteHalf) -> awc::Client {
    let connector =
        Connector::new().connector(connecting(server.clone(), half.clone())).timeout(CONNECT_LIMIT);
    awc::Client::builder().connector(connector).disable_timeout().disable_redirects().finish()
}

/// The service that connects.
fn connecting(
    server: Server,
    half: WriteHalf,
) -> impl Service<ConnectInfo<Uri>, Response = Connection<Uri, TcpStream>, Error = ConnectError> + Clone + 'static
{
    fn_service(move |info: ConnectInfo<Uri>| {
        let (server, half) = (server.clone(), half.clone());
        async move {
            let stream = connect(&server).await?;
            SockRef::from(&stream).set_tcp_keepalive(&KEEPALIVE).map_err(ConnectError::Io)?;
            half.set_connection(&stream).map_err(ConnectError::Io)?;
            Ok(Connection::new(info.request().clone(), stream))
        }
    })
}

/// Tries one address of the server after the other.
async fn connect(server: &Server) -> Result<TcpStream, ConnectError> {
    let addresses = server.addresses().await.map_err(|why| ConnectError::Resolver(why.into()))?;
    let mut last = ConnectError::NoRecords;
    let tcp = addresses.into_iter().filter_map(|address| match address {
        Address::Tcp(address) => Some(address),
        Address::Socket(_) => None, // every server with such a socket supports the v1 protocol
    });
    for address in tcp {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = ConnectError::Io(error),
            Err(_) => last = ConnectError::Io(io::ErrorKind::TimedOut.into()),
        }
    }
    Err(last)
}
