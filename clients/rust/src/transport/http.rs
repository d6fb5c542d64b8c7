//! HTTP client: sends a request to one address and reads the response. Connections are kept, so that a renewal
//! or a release does not connect again.

use std::{io, rc::Rc, time::Duration};

use awc::{
    ClientRequest, ClientResponse,
    http::{
        Method,
        header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, USER_AGENT},
    },
};
use serde::Serialize;

use super::{
    address::Address,
    connector::Connections,
    failover::Endpoint,
    http_thread::HttpThread,
    in_time::in_time,
    response_body::{read_body, request_error},
    sse::{self, ListenResponse, SseStream},
};
use crate::{ClientError, Key, Server};

/// Maximum size of a response body: thousands of holders.
const MAX_BODY_BYTES: usize = 1 << 20;
/// Maximum size of the snapshots of all pools, each with all holders and a hundred waiters.
const MAX_SNAPSHOT_BYTES: usize = 64 << 20;

/// A response.
#[derive(Debug)]
pub(crate) struct HttpReply {
    /// HTTP status.
    pub(crate) status: u16,
    /// Complete body.
    pub(crate) body: Vec<u8>,
    /// `Retry-After`, if the server sent one.
    pub(crate) retry_after: Option<Duration>,
}

/// The connections to all servers. Requests run on the client's thread; dropping the future of a request closes
/// its connection.
pub(crate) struct HttpClient {
    thread: HttpThread<Rc<Connections>>,
}

impl HttpClient {
    pub(crate) fn new() -> Self {
        Self { thread: HttpThread::new() }
    }

    /// Whether any connection was made: without one, no server knows this client. A request that was cancelled
    /// before this call is taken into account.
    pub(crate) async fn has_connected(&self) -> bool {
        let has_connected = async |connections: Rc<Connections>| connections.has_connected();
        self.thread.is_started() && self.thread.run(has_connected).await.unwrap_or(false)
    }

    /// Sends a JSON body; `limit` is the time for the whole response.
    pub(crate) async fn post(
        &self,
        to: &Endpoint,
        path: &str,
        body: &impl Serialize,
        key: Option<&Key>,
        limit: Duration,
    ) -> Result<HttpReply, ClientError> {
        let server = &to.server;
        let broken = |why: String| ClientError::Broken { server: server.clone(), why };
        let body = serde_json::to_vec(body).map_err(|error| broken(error.to_string()))?;
        let authorization = key.map(bearer).transpose().map_err(broken)?;
        let request = HttpRequest::new(Method::POST, to, path);
        let exchange = async move |connections: Rc<Connections>| {
            let mut sent = request.build(&connections);
            if let Some(bearer) = authorization {
                sent = sent.insert_header((AUTHORIZATION, bearer));
            }
            let sent = sent.insert_header((CONTENT_TYPE, "application/json")).send_body(body);
            request.exchange(sent, MAX_BODY_BYTES, limit).await
        };
        self.thread.run(exchange).await.map_err(|error| no_thread(server, &error))?
    }

    /// Requests the document at a path; `limit` is the time for the whole response.
    pub(crate) async fn get(
        &self,
        to: &Endpoint,
        path: &str,
        limit: Duration,
    ) -> Result<HttpReply, ClientError> {
        let request = HttpRequest::new(Method::GET, to, path);
        let exchange = async move |connections: Rc<Connections>| {
            let sent = request.build(&connections).send();
            request.exchange(sent, MAX_SNAPSHOT_BYTES, limit).await
        };
        self.thread.run(exchange).await.map_err(|error| no_thread(&to.server, &error))?
    }

    /// Requests the events at a path, those after `last_id`; `limit` is the time until the response begins.
    pub(crate) async fn listen(
        &self,
        to: &Endpoint,
        path: &str,
        last_id: Option<&str>,
        limit: Duration,
    ) -> Result<ListenResponse, ClientError> {
        let request = HttpRequest::new(Method::GET, to, path);
        let last_id = last_id.map(str::to_owned);
        let begin = async move |connections: Rc<Connections>| {
            let mut sent = request.build(&connections).insert_header((ACCEPT, sse::MEDIA_TYPE));
            if let Some(id) = last_id {
                sent = sent.insert_header((sse::LAST_EVENT_ID, id));
            }
            let begun = in_time(limit, request.begin(sent)).await;
            begun.unwrap_or_else(|_| Err(ClientError::Silent { server: request.server.clone() }))
        };
        self.thread.run(begin).await.map_err(|error| no_thread(&to.server, &error))?
    }
}

impl std::fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// Method and address of a request, as they are sent to the thread.
struct HttpRequest {
    method: Method,
    server: Server,
    address: Address,
    path: String,
}

impl HttpRequest {
    fn new(method: Method, to: &Endpoint, path: &str) -> Self {
        Self { method, server: to.server.clone(), address: to.addr.clone(), path: path.to_owned() }
    }

    /// The request with the server's name, as a person wrote it, in `Host`.
    fn build(&self, connections: &Connections) -> ClientRequest {
        let authority = self.address.authority();
        let url = format!("http://{authority}{}", self.path);
        let host = match &self.address {
            Address::Tcp(_) => self.server.to_string(),
            Address::Socket(_) => authority,
        };
        let agent = (USER_AGENT, concat!("distributex/", env!("CARGO_PKG_VERSION")));
        let request = connections.client(&self.address).request(self.method.clone(), url);
        request.insert_header((HOST, host)).insert_header(agent)
    }

    async fn exchange(
        &self,
        sent: awc::SendClientRequest,
        max_bytes: usize,
        limit: Duration,
    ) -> Result<HttpReply, ClientError> {
        let exchange = async {
            let response = sent.await.map_err(|error| request_error(self.server.clone(), error))?;
            self.read(response, max_bytes).await
        };
        let done = in_time(limit, exchange).await;
        done.unwrap_or_else(|_| Err(ClientError::Silent { server: self.server.clone() }))
    }

    async fn begin(&self, request: ClientRequest) -> Result<ListenResponse, ClientError> {
        let response = request.send().await.map_err(|error| request_error(self.server.clone(), error))?;
        if sse::is_stream(&response) {
            return Ok(ListenResponse::Stream(Box::new(SseStream::start(self.server.clone(), response))));
        }
        Ok(ListenResponse::Other(self.read(response, MAX_BODY_BYTES).await?))
    }

    async fn read(&self, mut response: ClientResponse, max_bytes: usize) -> Result<HttpReply, ClientError> {
        let broken = |why| ClientError::Broken { server: self.server.clone(), why };
        let body = read_body(&mut response, max_bytes).await.map_err(broken)?;
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        Ok(HttpReply { status: response.status().as_u16(), body, retry_after })
    }
}

fn bearer(key: &Key) -> Result<HeaderValue, String> {
    let mut bearer =
        HeaderValue::try_from(format!("Bearer {}", key.reveal())).map_err(|error| error.to_string())?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

/// The error when the client's thread cannot be started.
pub(crate) fn no_thread(server: &Server, error: &io::Error) -> ClientError {
    ClientError::Unreachable { server: server.clone(), why: format!("cannot start a thread: {error}") }
}
