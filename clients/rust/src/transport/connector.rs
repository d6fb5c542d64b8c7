//! HTTP clients with persistent connections, over TCP and to unix sockets.

use std::{
    cell::{Cell, RefCell},
    fmt, io,
    path::PathBuf,
    rc::Rc,
    time::Duration,
};

use actix_rt::net::{ActixStream, TcpStream, UnixStream};
use actix_service::{Service, fn_service};
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::{Connector, http::Uri};

use super::address::Address;

/// Time limit to connect to one address.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum idle time of a connection: the server closes it after 15 s, and it must not be used at that very moment.
const MAX_IDLE: Duration = Duration::from_secs(13);

/// The HTTP clients of one thread. Each keeps its connections.
pub(crate) struct Connections {
    /// Client for all TCP addresses.
    tcp: awc::Client,
    /// Clients for unix sockets, by path.
    sockets: RefCell<Vec<(PathBuf, awc::Client)>>,
    /// Set with the first connection.
    connected: Rc<Cell<bool>>,
}

impl Default for Connections {
    fn default() -> Self {
        let connected = Rc::new(Cell::new(false));
        Self { tcp: tcp(Rc::clone(&connected)), sockets: RefCell::default(), connected }
    }
}

impl Connections {
    /// Whether any connection was made.
    pub(crate) fn has_connected(&self) -> bool {
        self.connected.get()
    }

    /// The client for this address.
    pub(crate) fn client(&self, to: &Address) -> awc::Client {
        let Address::Socket(path) = to else { return self.tcp.clone() };
        let mut sockets = self.sockets.borrow_mut();
        if let Some((_, client)) = sockets.iter().find(|(known, _)| known == path) {
            return client.clone();
        }
        let client = socket(path.clone(), Rc::clone(&self.connected));
        sockets.push((path.clone(), client.clone()));
        client
    }
}

/// A client over TCP. The URL contains the address, so each address has its own connections.
fn tcp(connected: Rc<Cell<bool>>) -> awc::Client {
    client(connected, async |uri: &Uri| {
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let addr: std::net::SocketAddr = authority.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    })
}

/// A client of one unix socket, whatever the URL contains.
fn socket(path: PathBuf, connected: Rc<Cell<bool>>) -> awc::Client {
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
