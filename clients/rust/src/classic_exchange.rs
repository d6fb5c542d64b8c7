//! One question to a server and its answer, and how to stop waiting for it.

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

/// The longest body worth reading; an answer has seven letters at most.
const MAX_BODY_BYTES: usize = 4096;
/// So much of a strange answer is shown.
const MAX_EXCERPT: usize = 60;
/// How long to read on after the sending half was closed.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

/// A question that was asked and perhaps not answered yet.
pub struct ClassicExchange {
    /// Lets the server know that nobody waits any more.
    half: WriteHalf,
    /// The exchange.
    answer: Pin<Box<dyn Future<Output = Result<ClassicAnswer, ClientError>>>>,
}

impl ClassicExchange {
    /// A question that is not asked yet.
    pub(super) fn new(server: Server, url: String) -> Self {
        let half = WriteHalf::default();
        let client = connection::client(&server, &half);
        Self { half, answer: Box::pin(async move { exchange(&client, server, url).await }) }
    }

    /// Waits for the answer. May be cancelled and called again, but not after it answered.
    ///
    /// # Errors
    /// When there is no answer, or none of ours.
    pub async fn answer(&mut self) -> Result<ClassicAnswer, ClientError> {
        self.answer.as_mut().await
    }

    /// Whether there has been a connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.half.is_connected()
    }

    /// Stops waiting for the answer, and looks whether one had been given by then.
    ///
    /// The sending half is closed first and the rest is read to its end, so that a slot that was already
    /// on its way is seen: without it, nobody could tell whether there is something to give back.
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

/// Sends the question and reads the answer.
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

/// The whole body: one that was cut short must not be taken for a word.
pub(super) async fn read_body(response: &mut ClientResponse, limit: usize) -> Result<Vec<u8>, String> {
    let body = response.body().limit(limit).await.map_err(|error| error.to_string())?;
    let promised = response.headers().get(CONTENT_LENGTH);
    if promised.is_some_and(|length| length.as_bytes() != body.len().to_string().as_bytes()) {
        return Err("it was cut short".to_owned());
    }
    Ok(body.to_vec())
}

/// Words are compared exactly: a page of a proxy that contains «YES» is no slot.
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

/// So much of a body as a message can show.
pub(super) fn body_excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(MAX_EXCERPT)]).into_owned()
}

/// Tells «never reached» from «reached, but then silent».
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
