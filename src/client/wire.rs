//! Sending a request of the v1 protocol and reading what comes back. Connections are kept: who renews and
//! releases does not connect again.

use std::{cell::Cell, io, rc::Rc, time::Duration};

use actix_rt::net::TcpStream;
use actix_service::{Service, fn_service};
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::{
    Connector, SendClientRequest,
    http::{
        Uri,
        header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT},
    },
};
use serde::Serialize;
use tokio::time::timeout;

use super::{
    AskError, Server,
    connection::CONNECT_PATIENCE,
    question::{read_body, unanswered},
    route::Endpoint,
};

/// The longest answer worth reading: thousands of holders fit into it.
const BODY_LIMIT: usize = 1 << 20;
/// The same for the state of all pools, each with all its holders and a hundred waiters.
const STATE_LIMIT: usize = 64 << 20;
/// The server closes a connection that was idle for 15 s; ours is not to be used at that very moment.
const IDLE: Duration = Duration::from_secs(13);

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) status: u16,
    /// All of the body.
    pub(super) body: Vec<u8>,
    /// How long the server wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// The connections to all servers.
pub(super) struct Wire {
    /// Keeps them.
    client: awc::Client,
    /// Whether any connection came to be.
    connected: Rc<Cell<bool>>,
}

impl Wire {
    pub(super) fn new() -> Self {
        let connected = Rc::new(Cell::new(false));
        let connector = Connector::new()
            .connector(connecting(Rc::clone(&connected)))
            .timeout(CONNECT_PATIENCE)
            .conn_keep_alive(IDLE)
            .limit(0); // parked asks must not keep a renewal from its connection
        let client = awc::Client::builder().connector(connector).disable_timeout().disable_redirects();
        let client =
            client.add_default_header((USER_AGENT, concat!("distributex/", env!("CARGO_PKG_VERSION"))));
        Self { client: client.finish(), connected }
    }

    /// Whether any connection came to be: without one, nobody knows of us.
    pub(super) fn has_connected(&self) -> bool {
        self.connected.get()
    }

    /// Sends a body and waits so long for all of the answer.
    pub(super) async fn post(
        &self,
        to: &Endpoint,
        path: &str,
        body: &impl Serialize,
        patience: Duration,
    ) -> Result<Reply, AskError> {
        let server = &to.server;
        let broken = |why| AskError::Broken { server: server.clone(), why };
        let body = serde_json::to_vec(body).map_err(|error| broken(error.to_string()))?;
        let request = self.client.post(url(to, path)).insert_header((HOST, server.to_string()));
        let request = request.insert_header((CONTENT_TYPE, "application/json"));
        Self::exchange(server, request.send_body(body), BODY_LIMIT, patience).await
    }

    /// Asks for what stands at a path, and waits so long for all of the answer.
    pub(super) async fn get(&self, to: &Endpoint, path: &str, patience: Duration) -> Result<Reply, AskError> {
        let request = self.client.get(url(to, path)).insert_header((HOST, to.server.to_string()));
        Self::exchange(&to.server, request.send(), STATE_LIMIT, patience).await
    }

    async fn exchange(
        server: &Server,
        sent: SendClientRequest,
        limit: usize,
        patience: Duration,
    ) -> Result<Reply, AskError> {
        let answered = timeout(patience, Self::answer(server, sent, limit)).await;
        answered.unwrap_or_else(|_| Err(AskError::Silent { server: server.clone() }))
    }

    async fn answer(server: &Server, sent: SendClientRequest, limit: usize) -> Result<Reply, AskError> {
        let broken = |why| AskError::Broken { server: server.clone(), why };
        let mut response = match sent.await {
            Ok(response) => response,
            Err(error) => return Err(unanswered(server.clone(), error)),
        };
        let body = read_body(&mut response, limit).await.map_err(broken)?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        Ok(Reply { status: response.status().as_u16(), body, retry_after })
    }
}

fn url(to: &Endpoint, path: &str) -> String {
    format!("http://{}{path}", to.addr)
}

/// The service that makes the connections. The address stands in the URI: one for each is kept.
fn connecting(
    connected: Rc<Cell<bool>>,
) -> impl Service<ConnectInfo<Uri>, Response = Connection<Uri, TcpStream>, Error = ConnectError> + Clone + 'static
{
    fn_service(move |info: ConnectInfo<Uri>| {
        let connected = Rc::clone(&connected);
        async move {
            let uri = info.request().clone();
            let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
            let addr = authority.parse().map_err(|_| ConnectError::Io(io::ErrorKind::InvalidInput.into()))?;
            let stream = connect(addr).await.map_err(ConnectError::Io)?;
            connected.set(true);
            Ok(Connection::new(uri, stream))
        }
    })
}

async fn connect(addr: std::net::SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("connected", &self.connected).finish_non_exhaustive()
    }
}
