//! Requests that any server of a set can answer.

use std::time::Duration;

use serde::Serialize;

use super::{
    failover::Endpoint,
    response_body::body_excerpt,
    server_set::{Accepted, RequestFailure, ServerSet},
    sse::{ListenResponse, SseStream},
};
use crate::{
    ClientError, Key,
    v1::{V1Call, V1Response},
};

/// A request for [`ServerSet::send`].
pub(crate) trait ServerRequest: Sync {
    /// Result of a request that a server accepted.
    type Output: Send;

    /// Sends the request to one address.
    fn attempt(
        &self,
        servers: &ServerSet,
        to: &Endpoint,
    ) -> impl Future<Output = Result<Self::Output, RequestFailure>> + Send;
}

/// A call about a slot of a pool.
#[derive(Debug)]
pub(crate) struct SlotRequest<'a> {
    pub(crate) pool: &'a str,
    pub(crate) call: &'a V1Call<'a>,
    /// Time limit for each server.
    pub(crate) limit: Duration,
}

impl ServerRequest for SlotRequest<'_> {
    type Output = Accepted;

    async fn attempt(&self, servers: &ServerSet, to: &Endpoint) -> Result<Accepted, RequestFailure> {
        let path = self.call.path(self.pool);
        let reply = servers.http().post(to, &path, self.call, None, self.limit).await?;
        let response = V1Response::read(&to.server, &reply);
        servers.accept(to, response, &reply, Some((self.pool, self.call))).await
    }
}

/// A query; the response is JSON.
#[derive(Debug)]
pub(crate) struct QueryRequest<'a> {
    pub(crate) path: &'a str,
    /// Time limit for each server.
    pub(crate) limit: Duration,
}

impl ServerRequest for QueryRequest<'_> {
    type Output = Accepted;

    async fn attempt(&self, servers: &ServerSet, to: &Endpoint) -> Result<Accepted, RequestFailure> {
        let reply = servers.http().get(to, self.path, self.limit).await?;
        servers.accept(to, V1Response::read_state(&to.server, &reply), &reply, None).await
    }
}

/// An admin action; the response is JSON.
#[derive(Debug)]
pub(crate) struct AdminRequest<'a, B> {
    pub(crate) path: &'a str,
    pub(crate) body: B,
    /// The operator's key, if there is one.
    pub(crate) key: Option<&'a Key>,
    /// Time limit for each server.
    pub(crate) limit: Duration,
}

impl<B: Serialize + Sync> ServerRequest for AdminRequest<'_, B> {
    type Output = Accepted;

    async fn attempt(&self, servers: &ServerSet, to: &Endpoint) -> Result<Accepted, RequestFailure> {
        let reply = servers.http().post(to, self.path, &self.body, self.key, self.limit).await?;
        servers.accept(to, V1Response::read_state(&to.server, &reply), &reply, None).await
    }
}

/// A stream of events.
#[derive(Debug)]
pub(crate) struct ListenRequest<'a> {
    pub(crate) path: &'a str,
    /// Id of the last event that is known; the stream begins after it.
    pub(crate) last_id: Option<&'a str>,
    /// Time limit for each server, until the stream begins.
    pub(crate) limit: Duration,
}

impl ServerRequest for ListenRequest<'_> {
    type Output = Box<SseStream>;

    async fn attempt(&self, servers: &ServerSet, to: &Endpoint) -> Result<Self::Output, RequestFailure> {
        match servers.http().listen(to, self.path, self.last_id, self.limit).await? {
            ListenResponse::Stream(stream) => {
                servers.prefer(to);
                Ok(stream)
            }
            ListenResponse::Other(reply) => {
                servers.accept(to, V1Response::read_state(&to.server, &reply), &reply, None).await?;
                let (server, body) = (to.server.clone(), body_excerpt(&reply.body));
                Err(ClientError::Strange { server, status: reply.status, body }.into())
            }
        }
    }
}
