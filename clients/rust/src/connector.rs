//! HTTP clients that keep their connections: over TCP, and to a unix socket.

use std::{cell::Cell, fmt, io, path::PathBuf, rc::Rc, time::Duration};

use actix_rt::net::{ActixStream, TcpStream, UnixStream};
use actix_service::{Service, fn_service};
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::{Connector, http::Uri};

use super::connection::CONNECT_TIMEOUT;

/// The server closes a connection that was idle for 15 s; ours is not to be used at that very moment.
const MAX_IDLE: Duration = Duration::from_secs(13);

/// A client over TCP. The address stands in the URL: a connection is kept for each.
pub(super) fn tcp(connected: Rc<Cell<bool>>) -> awc::Client {
    client(connected, async |uri: &Uri| {
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let addr: std::net::SocketAddr = authority.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    })
}

/// A client of one unix socket, whatever the URL says.
pub(super) fn socket(path: PathBuf, connected: Rc<Cell<bool>>) -> awc::Client {
    client(connected, async move |_: &Uri| UnixStream::connect(&path).await)
}

/// A client that remembers whether it was ever connected.
fn client<Io: ActixStream + fmt::Debug + 'static>(
    connected: Rc<Cell<bool>>,
    connect: impl AsyncFn(&Uri) -> io::Result<Io> + 'static,
) -> awc::Client {
    let connector = Connector::new()
        .connector(connecting(connected, connect))
        .timeout(CONNECT_TIMEOUT)
        .conn_keep_alive(MAX_IDLE)
        .limit(0); // parked asks must not keep a renewal from its connection
    awc::Client::builder().connector(connector).disable_timeout().disable_redirects().finish()
}

/// The service that makes the connections.
fn connecting<Io: ActixStream + 'static>(
    connected: Rc<Cell<bool>>,
    connect: impl AsyncFn(&Uri) -> io::Result<Io> + 'static,
) -> impl Service<ConnectInfo<Uri>, Response = Connection<Uri, Io>, Error = ConnectError> + Clone + 'static {
    let connect = Rc::new(connect);
    fn_service(move |info: ConnectInfo<Uri>| {
        let (connected, connect) = (Rc::clone(&connected), Rc::clone(&connect));
        async move {
            let uri = info.request().clone();
            let stream = connect(&uri).await.map_err(ConnectError::Io)?;
            connected.set(true);
            Ok(Connection::new(uri, stream))
        }
    })
}
