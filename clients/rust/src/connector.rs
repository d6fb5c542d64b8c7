//! HTTP clients with persistent connections, over TCP and to unix sockets.

use std::{cell::Cell, fmt, io, path::PathBuf, rc::Rc, time::Duration};

use actix_rt::net::{ActixStream, TcpStream, UnixStream};
use actix_service::{Service, fn_service};
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::{Connector, http::Uri};

use super::connection::CONNECT_TIMEOUT;

/// Maximum idle time of a connection: the server closes it after 15 s, and it must not be used at that very moment.
const MAX_IDLE: Duration = Duration::from_secs(13);

/// A client over TCP. The URL contains the address: connections are kept for each.
pub(super) fn tcp(connected: Rc<Cell<bool>>) -> awc::Client {
    client(connected, async |uri: &Uri| {
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let addr: std::net::SocketAddr = authority.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    })
}

/// A client of one unix socket, whatever the URL.
pub(super) fn socket(path: PathBuf, connected: Rc<Cell<bool>>) -> awc::Client {
    client(connected, async move |_: &Uri| UnixStream::connect(&path).await)
}

/// A client that records whether it ever connected.
fn client<Io: ActixStream + fmt::Debug + 'static>(
    connected: Rc<Cell<bool>>,
    connect: impl AsyncFn(&Uri) -> io::Result<Io> + 'static,
) -> awc::Client {
    let connector = Connector::new()
        .connector(connecting(connected, connect))
        .timeout(CONNECT_TIMEOUT)
        .conn_keep_alive(MAX_IDLE)
        .limit(0); // parked requests must not block a renewal
    awc::Client::builder().connector(connector).disable_timeout().disable_redirects().finish()
}

/// The service that connects.
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
