//! One call of the classic protocol, with a cancellation that does not lose a grant.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use tokio::time::timeout;

use super::connection::{self, WriteHalf};
use crate::{
    ClassicAnswer, ClientError, Server,
    transport::{
        http::no_thread,
        http_thread::HttpThread,
        response_body::{body_excerpt, read_body, request_error},
    },
};

/// Maximum length of a body; a response has at most seven letters.
const MAX_BODY_BYTES: usize = 4096;
/// Time to read on after the sending half was closed.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

/// A call whose response may be pending.
pub struct ClassicExchange {
    /// The sending half of the connection, to signal the cancellation.
    half: WriteHalf,
    /// The request and its response.
    answer: Pin<Box<dyn Future<Output = Result<ClassicAnswer, ClientError>> + Send + Sync>>,
}

impl ClassicExchange {
    /// A call that is not sent yet.
    pub(crate) fn new(server: Server, url: String) -> Self {
        let half = WriteHalf::default();
        Self { half: half.clone(), answer: Box::pin(exchange(half, server, url)) }
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
        f.debug_struct("ClassicExchange").field("half", &self.half).finish_non_exhaustive()
    }
}

/// Sends the request and reads the response, on a thread of its own.
async fn exchange(half: WriteHalf, server: Server, url: String) -> Result<ClassicAnswer, ClientError> {
    let thread = HttpThread::<()>::new();
    let to = server.clone();
    let result = thread.run(async move |()| exchange_here(&half, to, url).await).await;
    result.map_err(|error| no_thread(&server, &error))?
}

async fn exchange_here(half: &WriteHalf, server: Server, url: String) -> Result<ClassicAnswer, ClientError> {
    let client = connection::client(&server, half);
    let mut response = match client.get(url).force_close().send().await {
        Ok(response) => response,
        Err(error) => return Err(request_error(server, error)),
    };
    match read_body(&mut response, MAX_BODY_BYTES).await {
        Ok(body) => read_answer(server, response.status().as_u16(), &body),
        Err(why) => Err(ClientError::Broken { server, why }),
    }
}

/// Words are compared exactly: a proxy's page that contains "YES" is not a grant.
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
