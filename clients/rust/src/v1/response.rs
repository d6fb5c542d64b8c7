//! Responses of the v1 protocol.

use std::time::Duration;

use distributex_protocol::lease::{LeaseBody, RevocationNotice};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    BootTime, ClientError, LeaseId, LeaseRecord, Refusal, Server,
    lease::secret::Secret,
    transport::{http::HttpReply, response_body::body_excerpt},
};

/// A lease that a server granted or renewed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "LeaseBody")]
pub(crate) struct Grant {
    /// Lease id.
    pub(crate) id: Secret,
    /// Fencing token.
    pub(crate) token: u64,
    /// Lifetime without renewal; `None`: unlimited.
    pub(crate) ttl: Option<Duration>,
    /// Time left from when the request was sent.
    pub(crate) left: Option<Duration>,
    /// Set if an operator asks the holder to stop.
    pub(crate) revoked: Option<RevocationNotice>,
    host: String,
    waited: Option<Duration>,
}

impl From<LeaseBody> for Grant {
    fn from(body: LeaseBody) -> Self {
        let LeaseBody { lease, token, host, ttl, expires_in, waited, revoked, .. } = body;
        Self { id: Secret::new(lease), token, ttl, left: expires_in.or(ttl), revoked, host, waited }
    }
}

impl Grant {
    /// The record of this lease, for a request sent at `sent`.
    pub(crate) fn record(self, pool: &str, store: String, sent: BootTime) -> LeaseRecord {
        let left = self.left;
        let record = LeaseRecord {
            id: LeaseId(self.id),
            token: self.token,
            pool: pool.to_owned(),
            host: self.host,
            ttl: self.ttl,
            expires_in: None,
            expires_at: None,
            waited: self.waited.or(Some(Duration::ZERO)),
            store,
        };
        record.living(left, sent)
    }
}

/// Content of a response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Payload {
    /// A lease.
    Lease(Grant),
    /// Success without content.
    Done,
    /// Another JSON document.
    State(String),
    /// A refusal.
    No(Refusal),
}

/// A response.
#[derive(Debug)]
pub(crate) struct V1Response {
    /// Content.
    pub(crate) payload: Payload,
    /// Id of the server's store; `None` for [`Payload::Done`].
    pub(crate) store: Option<String>,
    /// The server's `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
}

/// The field that every document has.
#[derive(Deserialize)]
struct StoreField {
    store: Option<String>,
}

impl V1Response {
    /// Parses a reply; an error if it is not one of the v1 protocol.
    pub(crate) fn read(server: &Server, reply: &HttpReply) -> Result<Self, ClientError> {
        let yes = |body: &[u8]| serde_json::from_slice(body).ok().map(Payload::Lease);
        Self::read_as(server, reply, yes)
    }

    /// The same for the reply to a query.
    pub(crate) fn read_state(server: &Server, reply: &HttpReply) -> Result<Self, ClientError> {
        let is_json = |body: &[u8]| serde_json::from_slice::<IgnoredAny>(body).is_ok();
        let yes = |body: &[u8]| String::from_utf8(body.to_vec()).ok().filter(|_| is_json(body));
        Self::read_as(server, reply, |body| yes(body).map(Payload::State))
    }

    fn read_as(
        server: &Server,
        reply: &HttpReply,
        yes: impl FnOnce(&[u8]) -> Option<Payload>,
    ) -> Result<Self, ClientError> {
        let HttpReply { status, body, retry_after } = reply;
        let strange = || foreign_response(server, *status, body);
        let payload = match status {
            204 => Payload::Done,
            200..300 => yes(body).ok_or_else(strange)?,
            _ => Payload::No(Refusal::new(*status, serde_json::from_slice(body).map_err(|_| strange())?)),
        };
        let named = serde_json::from_slice::<StoreField>(body).ok();
        Ok(Self { payload, store: named.and_then(|named| named.store), retry_after: *retry_after })
    }
}

/// A server without v1 responds like this; anything else is not a lock server, or a proxy.
fn foreign_response(server: &Server, status: u16, body: &[u8]) -> ClientError {
    let is_json = serde_json::from_slice::<IgnoredAny>(body).is_ok();
    match (status, body) {
        (404 | 405 | 501, _) if !is_json => ClientError::NoV1 { server: server.clone() },
        (200, b"INVALID") => ClientError::NoV1 { server: server.clone() },
        _ => ClientError::Strange { server: server.clone(), status, body: body_excerpt(body) },
    }
}

#[cfg(test)]
mod tests {
    use distributex_protocol::error::ErrorKind;

    use super::*;

    const LEASE: &str = r#"{"lease": "abc", "token": 7, "pool": "p", "host": "web1", "ttl": 30, "expires_in": 29.5,
        "expires_at": "2026-11-23T12:00:00Z", "waited": 1.25, "store": "s1", "later": [1]}"#;
    const FULL: &str = r#"{"kind": "pool_full", "message": "held", "position": 4, "queue_length": 3, "store": "s1",
        "holders": [{"host": "web7", "token": 6, "since": "2026-11-23T11:58:00Z", "expires_in": null, "command": null}]}"#;

    fn read(status: u16, body: &str) -> Result<V1Response, ClientError> {
        let reply = HttpReply { status, body: body.as_bytes().to_vec(), retry_after: None };
        V1Response::read(&Server::parse("locks", 9889).unwrap(), &reply)
    }

    #[test]
    fn a_lease_is_read() {
        let answer = read(201, LEASE).unwrap();

        assert_eq!(answer.store.as_deref(), Some("s1"));
        let Payload::Lease(grant) = answer.payload else { panic!("{:?}", answer.payload) };
        assert_eq!((grant.token, grant.left), (7, Some(Duration::from_millis(29_500))));
        assert!(!format!("{grant:?}").contains("abc"), "the lease id is a secret");
    }

    #[test]
    fn a_lease_without_an_end_has_none() {
        let body = r#"{"lease": "abc", "token": 7, "ttl": null, "expires_in": null, "store": "s1"}"#;

        let Payload::Lease(grant) = read(200, body).unwrap().payload else { panic!("no lease") };

        assert_eq!(grant.left, None);
    }

    #[test]
    fn a_refusal_tells_who_stands_before() {
        let Payload::No(refusal) = read(423, FULL).unwrap().payload else { panic!("no refusal") };

        let queue = refusal.queue.unwrap();
        assert_eq!((refusal.kind, queue.position, queue.length), (ErrorKind::PoolFull, Some(4), Some(3)));
        assert_eq!(queue.holders[0].host, "web7");
        let since = queue.holders[0].since.unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_secs(), 1_795_435_080);
    }

    #[test]
    fn an_error_names_its_store_too() {
        let answer = read(404, r#"{"kind": "no_such_pool", "message": "no", "store": "s2"}"#).unwrap();

        assert_eq!(answer.store.as_deref(), Some("s2"));
        assert!(matches!(
            answer.payload,
            Payload::No(Refusal { kind: ErrorKind::NoSuchPool, queue: None, .. })
        ));
        assert_eq!(read(204, "").unwrap().payload, Payload::Done);
    }

    #[test]
    fn only_who_says_so_knows_no_v1() {
        for (status, body) in [(404, "INVALID"), (405, ""), (501, "<html>"), (200, "INVALID")] {
            assert!(matches!(read(status, body), Err(ClientError::NoV1 { .. })), "{status} {body}");
        }
        for (status, body) in [(502, "<html>"), (503, "NO"), (200, "<html>"), (200, "{}"), (404, "{}")] {
            assert!(matches!(read(status, body), Err(ClientError::Strange { .. })), "{status} {body}");
        }
    }
}
