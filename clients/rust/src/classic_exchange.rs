//! One call of the classic protocol, with a cancellation that does not lose a grant.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use awc::{
    ClientResponse,
    error::{ConnectError, SendRequestError},
    http::header::CONTENT_LENGTH,
};
use tokio::time::timeout;

use super::{
    ClassicAnswer, ClientError, Server,
    connection::{self, WriteHalf},
};

/// Maximum length of a body; a response has at most seven letters.
const MAX_BODY_BYTES: usize = 4096;
/// Number of characters of an unexpected response that are shown.
const MAX_EXCERPT: usize = 60;
/// Time to read on after the sending half was closed.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

/// A call whose response may be pending.
pub struct ClassicExchange {
    /// The sending half of the connection, to signal the cancellation.
    half: WriteHalf,
    /// The request and its response.
    answer: Pin<Box<dyn Future<Output = Result<ClassicAnswer, ClientError>>>>,
}

impl ClassicExchange {
    /// A call that is not sent yet.
    pub(super) fn new(server: Server, url: String) -> Self {
        let half = WriteHalf::default();
        let client = connection::client(&server, &half);
        Self { half, answer: Box::pin(async move { exchange(&client, server, url).await }) }
    }

    /// Waits for the response. Cancel-safe; must not be called again after it returned.
    ///
    /// # Errors
    /// When there is no response, or not one of this protocol.
    pub async fn answer(&mut self) -> Result<ClassicAnswer, ClientError> {
        self.answer.as_mut().await
    }

    /// Whether there has been a connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.half.is_connected()
    }

    /// Cancels the call, and returns a response that was sent until then.
    ///
    /// The sending half is closed first and the rest is read to its end, so that a grant on its way is seen:
    /// without that, it would be unknown whether there is something to release.
    pub async fn cancel(mut self) -> Option<ClassicAnswer> {
        if !self.half.close() {
            return None;
        }
        timeout(CANCEL_TIMEOUT, self.answer()).await.ok()?.ok()
    }
}

impl fmt::Debug for ClassicExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("half", &self.half).finish_non_exhaustive()
    }
}

/// Sends the request and reads the response.
async fn exchange(client: &awc::Client, server: Server, url: String) -> Result<ClassicAnswer, ClientError> {
    let mut response = match client.get(url).force_close().send().await {
        Ok(response) => response,
        Err(error) => return Err(request_error(server, error)),
    };
    match read_body(&mut response, MAX_BODY_BYTES).await {
        Ok(body) => read_answer(server, response.status().as_u16(), &body),
        Err(why) => Err(ClientError::Broken { server, why }),
    }
}

/// The whole body: a truncated one must not be taken for a word.
pub(super) async fn read_body(response: &mut ClientResponse, limit: usize) -> Result<Vec<u8>, String> {
    let body = response.body().limit(limit).await.map_err(|error| error.to_string())?;
    let promised = response.headers().get(CONTENT_LENGTH);
    if promised.is_some_and(|length| length.as_bytes() != body.len().to_string().as_bytes()) {
        return Err("it was cut short".to_owned());
    }
    Ok(body.to_vec())
}

/// Words are compared exactly: a proxy's page that contains «YES» is not a grant.
fn read_answer(server: Server, status: u16, body: &[u8]) -> Result<ClassicAnswer, ClientError> {
    match (status, body) {
        (200, b"YES") => Ok(ClassicAnswer::Yes),
        (200, b"NO") => Ok(ClassicAnswer::No),
        (200, b"OK") => Ok(ClassicAnswer::Ok),
        (200, b"INVALID") => Ok(ClassicAnswer::Invalid),
        (503, b"NO") => Ok(ClassicAnswer::Unavailable),
        _ => Err(ClientError::Strange { server, status, body: body_excerpt(body) }),
    }
}

/// The start of a body, for a message.
pub(super) fn body_excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(MAX_EXCERPT)]).into_owned()
}

/// Distinguishes an unreachable server from one that became silent.
pub(super) fn request_error(server: Server, error: SendRequestError) -> ClientError {
    let SendRequestError::Connect(error) = error else {
        return ClientError::Broken { server, why: error.to_string() };
    };
    if matches!(error, ConnectError::Disconnected) {
        return ClientError::Broken { server, why: "it was closed".to_owned() };
    }
    ClientError::Unreachable { server, why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<ClassicAnswer, ClientError> {
        read_answer(Server::parse("locks", 9889).unwrap(), status, body.as_bytes())
    }

    #[test]
    fn only_the_exact_word_is_an_answer() {
        assert_eq!(read(200, "YES").unwrap(), ClassicAnswer::Yes);
        assert_eq!(read(503, "NO").unwrap(), ClassicAnswer::Unavailable);
        for (status, body) in [(200, "YES\n"), (200, "yes"), (200, ""), (503, "YES"), (404, "INVALID")] {
            assert!(matches!(read(status, body), Err(ClientError::Strange { .. })), "{status} {body:?}");
        }
    }
}
