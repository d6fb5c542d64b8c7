//! Requests to the first server that responds, within one store.

use std::time::Duration;

use serde::Serialize;

use super::{
    ClientError, Key, Server,
    classic_exchange::body_excerpt,
    failover::{Endpoint, Failover},
    http::{HttpClient, HttpReply},
    sse::{ListenResponse, SseStream},
    store_pin::StorePin,
    v1::{Payload, V1Call, V1Response},
};

/// Time limit for a refused server to take back what it granted.
const GIVE_BACK_TIMEOUT: Duration = Duration::from_secs(3);

/// State shared by all requests and leases of a client.
#[derive(Debug)]
pub(super) struct ServerSet {
    /// The servers.
    route: Failover,
    /// The store.
    pin: StorePin,
    /// The connections.
    wire: HttpClient,
}

/// A response of a server with the client's store.
#[derive(Debug)]
pub(super) struct Accepted {
    /// The content; refusals are errors.
    pub(super) payload: Payload,
    /// The server.
    pub(super) server: Server,
    /// Its store, if the response names it.
    pub(super) store: String,
}

/// A failed request.
#[derive(Debug)]
pub(super) struct RequestFailure {
    /// The error.
    pub(super) error: ClientError,
    /// The server's `Retry-After`.
    pub(super) retry_after: Option<Duration>,
}

impl RequestFailure {
    /// Whether another server, or the same one later, may succeed.
    pub(super) fn try_next_server(&self) -> bool {
        self.error.is_server_unavailable() || matches!(self.error, ClientError::OtherStore { .. })
    }
}

impl From<ClientError> for RequestFailure {
    fn from(error: ClientError) -> Self {
        Self { error, retry_after: None }
    }
}

impl ServerSet {
    pub(super) fn new(servers: Vec<Server>) -> Self {
        Self { route: Failover::new(servers), pin: StorePin::default(), wire: HttpClient::new() }
    }

    /// From now on, only this store is accepted.
    pub(super) fn pin_store(&self, store: &str) {
        self.pin.set(store);
    }

    /// Whether any server can know of this client.
    pub(super) fn has_connected(&self) -> bool {
        self.wire.has_connected()
    }

    /// The error if no server responded in time; names the one tried first.
    pub(super) fn no_response(&self) -> RequestFailure {
        self.route.first().map_or(ClientError::NoServer, |server| ClientError::Silent { server }).into()
    }

    /// Sends a request to one server after the other until one responds. `patience` is the time limit for each.
    pub(super) async fn call(
        &self,
        pool: &str,
        call: &V1Call<'_>,
        patience: Duration,
    ) -> Result<Accepted, RequestFailure> {
        self.try_all(async |to| self.call_one(to, pool, call, patience).await).await
    }

    /// Like [`ServerSet::call`], for a query.
    pub(super) async fn get(&self, path: &str, patience: Duration) -> Result<Accepted, RequestFailure> {
        self.try_all(async |to| self.get_one(to, path, patience).await).await
    }

    /// Like [`ServerSet::call`], for an admin action, with a key if there is one. The content is JSON.
    pub(super) async fn post_admin(
        &self,
        path: &str,
        body: &impl Serialize,
        key: Option<&Key>,
        patience: Duration,
    ) -> Result<Accepted, RequestFailure> {
        let pull = async |to: &Endpoint| {
            let reply = self.wire.post(to, path, body, key, patience).await?;
            self.accept(to, V1Response::read_state(&to.server, &reply), &reply, None).await
        };
        self.try_all(pull).await
    }

    /// Like [`ServerSet::get`], for an event stream: it begins after the last known event.
    pub(super) async fn listen(
        &self,
        path: &str,
        last_id: Option<&str>,
        patience: Duration,
    ) -> Result<Box<SseStream>, RequestFailure> {
        let listen = async |to: &Endpoint| match self.wire.listen(to, path, last_id, patience).await? {
            ListenResponse::Stream(stream) => {
                self.route.prefer(to);
                Ok(stream)
            }
            ListenResponse::Answered(reply) => {
                self.accept(to, V1Response::read_state(&to.server, &reply), &reply, None).await?;
                let (server, body) = (to.server.clone(), body_excerpt(&reply.body));
                Err(ClientError::Strange { server, status: reply.status, body }.into())
            }
        };
        self.try_all(listen).await
    }

    async fn try_all<T>(
        &self,
        ask_one: impl AsyncFn(&Endpoint) -> Result<T, RequestFailure>,
    ) -> Result<T, RequestFailure> {
        let (mut round, mut failed) = (self.route.round(), None::<RequestFailure>);
        while let Some(endpoint) = round.next().await {
            let response = match endpoint {
                Ok(endpoint) => ask_one(&endpoint).await,
                Err(error) => Err(error.into()),
            };
            match response {
                Err(failure) if failure.try_next_server() => keep_more_telling(&mut failed, failure),
                Ok(_) | Err(_) => return response,
            }
        }
        Err(failed.unwrap_or_else(|| ClientError::NoServer.into()))
    }

    async fn call_one(
        &self,
        to: &Endpoint,
        pool: &str,
        call: &V1Call<'_>,
        patience: Duration,
    ) -> Result<Accepted, RequestFailure> {
        let reply = self.wire.post(to, &call.path(pool), call, None, patience).await?;
        let answer = V1Response::read(&to.server, &reply);
        self.accept(to, answer, &reply, Some((pool, call))).await
    }

    async fn get_one(
        &self,
        to: &Endpoint,
        path: &str,
        patience: Duration,
    ) -> Result<Accepted, RequestFailure> {
        let reply = self.wire.get(to, path, patience).await?;
        self.accept(to, V1Response::read_state(&to.server, &reply), &reply, None).await
    }

    /// The result of a response to a call.
    async fn accept(
        &self,
        to: &Endpoint,
        answer: Result<V1Response, ClientError>,
        reply: &HttpReply,
        call: Option<(&str, &V1Call<'_>)>,
    ) -> Result<Accepted, RequestFailure> {
        let answer = answer.map_err(|error| self.as_unreachable_once_pinned(&to.server, error, reply))?;
        if let Some(store) = &answer.store
            && let Err(refused) = self.pin.check(to, store)
        {
            if let Some((pool, call)) = call {
                self.give_back(to, pool, call, &answer.payload).await;
            }
            return Err(refused.into());
        }
        let server = to.server.clone();
        match answer.payload {
            Payload::No(refusal) => {
                if !refusal.kind.is_server_unavailable() {
                    self.route.prefer(to);
                }
                Err(RequestFailure {
                    error: ClientError::Refused { server, refusal },
                    retry_after: answer.retry_after,
                })
            }
            payload @ (Payload::Lease(_) | Payload::Done | Payload::State(_)) => {
                self.route.prefer(to);
                Ok(Accepted { payload, server, store: answer.store.unwrap_or_default() })
            }
        }
    }

    /// Once v1 was used, a server without it counts as unreachable: the classic protocol names no store.
    fn as_unreachable_once_pinned(&self, to: &Server, error: ClientError, reply: &HttpReply) -> ClientError {
        if matches!(error, ClientError::NoV1 { .. }) && self.pin.is_set() {
            return ClientError::Strange {
                server: to.clone(),
                status: reply.status,
                body: body_excerpt(&reply.body),
            };
        }
        error
    }

    /// Releases a slot or queue entry that a refused store granted.
    async fn give_back(&self, to: &Endpoint, pool: &str, call: &V1Call<'_>, said: &Payload) {
        let V1Call::Acquire { host, owner, .. } = call else { return };
        let back = match said {
            Payload::Lease(grant) => V1Call::Release { lease: &grant.id, exit_status: None },
            Payload::Done | Payload::State(_) | Payload::No(_) => V1Call::Leave { host, owner },
        };
        // What cannot be released ends by itself: it is neither renewed nor continued.
        let _ = self.wire.post(to, &back.path(pool), &back, None, GIVE_BACK_TIMEOUT).await;
    }
}

/// Of two errors, the one to report: another store is a mistake that must be reported; an unreachable server may
/// return.
fn keep_more_telling(failed: &mut Option<RequestFailure>, failure: RequestFailure) {
    let is_kept =
        failed.as_ref().is_some_and(|failed| matches!(failed.error, ClientError::OtherStore { .. }));
    if !is_kept {
        *failed = Some(failure);
    }
}
