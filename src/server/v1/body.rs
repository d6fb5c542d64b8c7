//! The body of a request: not too much of it, and in time.

use std::{
    future::{Future as _, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use actix_web::{
    HttpMessage as _, dev::ServiceRequest, error::PayloadError, http::header::CONTENT_LENGTH, web::Bytes,
};
use futures_core::Stream;
use tokio::time::timeout;

use super::error::{Kind, Problem};

/// The longest body.
const LIMIT: usize = 16 * 1024;

/// How long a body may take to arrive.
const TIME: Duration = Duration::from_secs(10);

/// Reads the body of a request. A mistake here is the end of its connection: what follows it there is not
/// known to be a request.
pub(super) async fn read(request: &mut ServiceRequest) -> Result<Vec<u8>, Problem> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > LIMIT as u64) {
        return Err(too_large());
    }
    in_time(request.take_payload()).await
}

/// The dispatcher hands a request on before it looks for the body, which mostly came with the head: only a
/// body that is not there at the second look gets a timer.
async fn in_time(
    payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
) -> Result<Vec<u8>, Problem> {
    let mut body = pin!(whole(payload));
    let mut looked = false;
    let at_once = poll_fn(|cx| match body.as_mut().poll(cx) {
        Poll::Ready(body) => Poll::Ready(Some(body)),
        Poll::Pending if looked => Poll::Ready(None),
        Poll::Pending => {
            looked = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    });
    match at_once.await {
        Some(body) => body,
        None => timeout(TIME, body).await.unwrap_or_else(|_| Err(too_slow())),
    }
}

async fn whole(
    mut payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    while let Some(part) = poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
        let part = part.map_err(|_| cut())?;
        if body.len() + part.len() > LIMIT {
            return Err(too_large());
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn too_large() -> Problem {
    Problem::new(Kind::TooLarge, format!("the body has more than {LIMIT} bytes")).closing()
}

fn too_slow() -> Problem {
    Problem::new(Kind::BadRequest, format!("the body did not arrive within {} s", TIME.as_secs())).closing()
}

fn cut() -> Problem {
    Problem::new(Kind::BadRequest, "the body ended early, or its chunks are none").closing()
}
