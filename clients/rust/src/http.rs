//! Requests and replies of the v1 protocol over persistent connections.

use std::{
    cell::{Cell, RefCell},
    path::PathBuf,
    rc::Rc,
    time::Duration,
};

use awc::{
    ClientRequest, ClientResponse, SendClientRequest,
    http::{
        Method,
        header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT},
    },
};
use serde::Serialize;
use tokio::time::timeout;

use super::{
    ClientError, Key, Server,
    address::Address,
    classic_exchange::{read_body, request_error},
    connector,
    failover::Endpoint,
    in_time::in_time,
    sse::{self, ListenResponse, SseStream},
};

/// Maximum size of a response: thousands of holders fit.
const MAX_BODY_BYTES: usize = 1 << 20;
/// The same for the snapshots of all pools, each with all its holders and a hundred waiters.
const MAX_SNAPSHOT_BYTES: usize = 64 << 20;

/// A reply.
#[derive(Debug)]
pub(super) struct HttpReply {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
    /// The server's `Retry-After`.
    pub(super) retry_after: Option<Duration>,
}

/// Connections to all servers.
pub(super) struct HttpClient {
    /// The client over TCP.
    tcp: awc::Client,
    /// Clients of unix sockets, by path.
    sockets: RefCell<Vec<(PathBuf, awc::Client)>>,
    /// Whether any connection was established.
    connected: Rc<Cell<bool>>,
}

impl HttpClient {
    pub(super) fn new() -> Self {
        let connected = Rc::new(Cell::new(false));
        Self { tcp: connector::tcp(Rc::clone(&connected)), sockets: RefCell::default(), connected }
    }

    /// Whether any connection was established: without one, no server knows of this client.
    pub(super) fn has_connected(&self) -> bool {
        self.connected.get()
    }

    /// Posts a body and waits for the response within the time limit.
    pub(super) async fn post(
        &self,
        to: &Endpoint,
        path: &str,
        body: &impl Serialize,
        key: Option<&Key>,
        patience: Duration,
    ) -> Result<HttpReply, ClientError> {
        let server = &to.server;
        let broken = |why: String| ClientError::Broken { server: server.clone(), why };
        let body = serde_json::to_vec(body).map_err(|error| broken(error.to_string()))?;
        let mut request = self.request(Method::POST, to, path);
        if let Some(key) = key {
            let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.reveal()))
                .map_err(|error| broken(error.to_string()))?;
            bearer.set_sensitive(true);
            request = request.insert_header((AUTHORIZATION, bearer));
        }
        request = request.insert_header((CONTENT_TYPE, "application/json"));
        Self::exchange(server, request.send_body(body), MAX_BODY_BYTES, patience).await
    }

    /// Gets a path and waits for the response within the time limit.
    pub(super) async fn get(
        &self,
        to: &Endpoint,
        path: &str,
        patience: Duration,
    ) -> Result<HttpReply, ClientError> {
        let request = self.request(Method::GET, to, path);
        Self::exchange(&to.server, request.send(), MAX_SNAPSHOT_BYTES, patience).await
    }

    /// Gets the event stream at a path, and waits for the start of the response within the time limit.
    pub(super) async fn listen(
        &self,
        to: &Endpoint,
        path: &str,
        last_id: Option<&str>,
        patience: Duration,
    ) -> Result<ListenResponse, ClientError> {
        let server = &to.server;
        let mut request = self.request(Method::GET, to, path);
        request = request.insert_header((ACCEPT, sse::MEDIA_TYPE));
        if let Some(id) = last_id {
            request = request.insert_header((sse::LAST_EVENT_ID, id));
        }
        let begun = async {
            let response = request.send().await.map_err(|error| request_error(server.clone(), error))?;
            if sse::is_stream(&response) {
                return Ok(ListenResponse::Stream(Box::new(SseStream::new(server.clone(), response))));
            }
            Ok(ListenResponse::Answered(Self::read(server, response, MAX_BODY_BYTES).await?))
        };
        let begun = timeout(patience, begun).await;
        begun.unwrap_or_else(|_| Err(ClientError::Silent { server: server.clone() }))
    }

    /// A request to this server, with the name as given by the user.
    fn request(&self, method: Method, to: &Endpoint, path: &str) -> ClientRequest {
        let authority = to.addr.authority();
        let request = self.client(&to.addr).request(method, format!("http://{authority}{path}"));
        let host = match &to.addr {
            Address::Tcp(_) => to.server.to_string(),
            Address::Socket(_) => authority,
        };
        let agent = (USER_AGENT, concat!("distributex/", env!("CARGO_PKG_VERSION")));
        request.insert_header((HOST, host)).insert_header(agent)
    }

    fn client(&self, to: &Address) -> awc::Client {
        let Address::Socket(path) = to else { return self.tcp.clone() };
        let mut sockets = self.sockets.borrow_mut();
        if let Some((_, client)) = sockets.iter().find(|(known, _)| known == path) {
            return client.clone();
        }
        let client = connector::socket(path.clone(), Rc::clone(&self.connected));
        sockets.push((path.clone(), client.clone()));
        client
    }

    async fn exchange(
        server: &Server,
        sent: SendClientRequest,
        limit: usize,
        patience: Duration,
    ) -> Result<HttpReply, ClientError> {
        let answered = in_time(patience, Self::answer(server, sent, limit)).await;
        answered.unwrap_or_else(|_| Err(ClientError::Silent { server: server.clone() }))
    }

    async fn answer(
        server: &Server,
        sent: SendClientRequest,
        limit: usize,
    ) -> Result<HttpReply, ClientError> {
        let response = sent.await.map_err(|error| request_error(server.clone(), error))?;
        Self::read(server, response, limit).await
    }

    async fn read(
        server: &Server,
        mut response: ClientResponse,
        limit: usize,
    ) -> Result<HttpReply, ClientError> {
        let broken = |why| ClientError::Broken { server: server.clone(), why };
        let body = read_body(&mut response, limit).await.map_err(broken)?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        Ok(HttpReply { status: response.status().as_u16(), body, retry_after })
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("connected", &self.connected).finish_non_exhaustive()
    }
}
