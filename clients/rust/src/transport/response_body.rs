//! Bodies of responses, and the error of a request without a response.

use awc::{
    ClientResponse,
    error::{ConnectError, SendRequestError},
    http::header::CONTENT_LENGTH,
};

use crate::{ClientError, Server};

/// Maximum number of bytes of a foreign body in a message.
const MAX_EXCERPT: usize = 60;

/// Reads the whole body; one that is shorter than announced or longer than `limit` is an error.
pub(crate) async fn read_body(response: &mut ClientResponse, limit: usize) -> Result<Vec<u8>, String> {
    let body = response.body().limit(limit).await.map_err(|error| error.to_string())?;
    let length = response.headers().get(CONTENT_LENGTH);
    if length.is_some_and(|length| length.as_bytes() != body.len().to_string().as_bytes()) {
        return Err("the body was cut short".to_owned());
    }
    Ok(body.to_vec())
}

/// The beginning of a body, for a message.
pub(crate) fn body_excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(MAX_EXCERPT)]).into_owned()
}

/// Separates a server that was never reached from one that closed the connection without a response.
pub(crate) fn request_error(server: Server, error: SendRequestError) -> ClientError {
    let SendRequestError::Connect(error) = error else {
        return ClientError::Broken { server, why: error.to_string() };
    };
    if matches!(error, ConnectError::Disconnected) {
        return ClientError::Broken { server, why: "the connection was closed".to_owned() };
    }
    ClientError::Unreachable { server, why: error.to_string() }
}
