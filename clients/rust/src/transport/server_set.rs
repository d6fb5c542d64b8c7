//! Requests to the first server that responds, within one store.

use std::time::Duration;

use super::{
    failover::{Endpoint, Failover},
    http::{HttpClient, HttpReply},
    response_body::body_excerpt,
    server_request::{ServerRequest, SlotRequest},
    store_pin::StorePin,
};
use crate::{
    ClientError, Server,
    v1::{Payload, V1Call, V1Response},
};

/// Time limit for a refused server to take back what it granted.
const GIVE_BACK_TIMEOUT: Duration = Duration::from_secs(3);

/// State shared by all requests and leases of a client.
#[derive(Debug)]
pub(crate) struct ServerSet {
    /// The servers.
    failover: Failover,
    /// The store.
    store_pin: StorePin,
    /// The connections.
    http: HttpClient,
}

/// A response of a server with the client's store.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// The content; refusals are errors.
    pub(crate) payload: Payload,
    /// The server.
    pub(crate) server: Server,
    /// Its store, if the response names it.
    pub(crate) store: String,
}

/// A failed request.
#[derive(Debug)]
pub(crate) struct RequestFailure {
    /// The error.
    pub(crate) error: ClientError,
    /// The server's `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
}

impl RequestFailure {
    /// Whether another server, or the same one later, may succeed.
    pub(crate) fn try_next_server(&self) -> bool {
        self.error.is_server_unavailable() || matches!(self.error, ClientError::OtherStore { .. })
    }
}

impl From<ClientError> for RequestFailure {
    fn from(error: ClientError) -> Self {
        Self { error, retry_after: None }
    }
}

impl ServerSet {
    pub(crate) fn new(servers: Vec<Server>) -> Self {
        Self { failover: Failover::new(servers), store_pin: StorePin::default(), http: HttpClient::new() }
    }

    /// From now on, only this store is accepted.
    pub(crate) fn pin_store(&self, store: &str) {
        self.store_pin.set(store);
    }

    /// Whether any server can know of this client.
    pub(crate) async fn has_connected(&self) -> bool {
        self.http.has_connected().await
    }

    /// The error if no server responded in time; names the one tried first.
    pub(crate) fn no_response(&self) -> RequestFailure {
        self.failover.first().map_or(ClientError::NoServer, |server| ClientError::Silent { server }).into()
    }

    /// Sends a request to one server after the other until one responds; each has its time limit.
    pub(crate) async fn send<R: ServerRequest>(&self, request: &R) -> Result<R::Output, RequestFailure> {
        let (mut round, mut failed) = (self.failover.round(), None::<RequestFailure>);
        while let Some(endpoint) = round.next().await {
            let result = match endpoint {
                Ok(endpoint) => request.attempt(self, &endpoint).await,
                Err(error) => Err(error.into()),
            };
            match result {
                Err(failure) if failure.try_next_server() => keep_worse(&mut failed, failure),
                Ok(_) | Err(_) => return result,
            }
        }
        Err(failed.unwrap_or_else(|| ClientError::NoServer.into()))
    }

    /// Sends a call about a slot of `pool`; `limit` is the time for each server.
    pub(crate) async fn call(
        &self,
        pool: &str,
        call: &V1Call<'_>,
        limit: Duration,
    ) -> Result<Accepted, RequestFailure> {
        self.send(&SlotRequest { pool, call, limit }).await
    }

    /// The connections.
    pub(super) fn http(&self) -> &HttpClient {
        &self.http
    }

    /// This endpoint is tried first from now on.
    pub(super) fn prefer(&self, endpoint: &Endpoint) {
        self.failover.prefer(endpoint);
    }

    /// The result of a response to a call.
    pub(super) async fn accept(
        &self,
        to: &Endpoint,
        answer: Result<V1Response, ClientError>,
        reply: &HttpReply,
        call: Option<(&str, &V1Call<'_>)>,
    ) -> Result<Accepted, RequestFailure> {
        let answer = answer.map_err(|error| self.as_unreachable_once_pinned(&to.server, error, reply))?;
        if let Some(store) = &answer.store
            && let Err(refused) = self.store_pin.check(to, store)
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
                    self.failover.prefer(to);
                }
                Err(RequestFailure {
                    error: ClientError::Refused { server, refusal },
                    retry_after: answer.retry_after,
                })
            }
            payload @ (Payload::Lease(_) | Payload::Done | Payload::State(_)) => {
                self.failover.prefer(to);
                Ok(Accepted { payload, server, store: answer.store.unwrap_or_default() })
            }
        }
    }

    /// Once v1 was used, a server without it counts as unreachable: the classic protocol names no store.
    fn as_unreachable_once_pinned(&self, to: &Server, error: ClientError, reply: &HttpReply) -> ClientError {
        if matches!(error, ClientError::NoV1 { .. }) && self.store_pin.is_set() {
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
        let _ = self.http.post(to, &back.path(pool), &back, None, GIVE_BACK_TIMEOUT).await;
    }
}

/// Of two errors, the one to report: another store is a mistake that must be reported; an unreachable server may
/// return.
fn keep_worse(failed: &mut Option<RequestFailure>, failure: RequestFailure) {
    let is_kept =
        failed.as_ref().is_some_and(|failed| matches!(failed.error, ClientError::OtherStore { .. }));
    if !is_kept {
        *failed = Some(failure);
    }
}
