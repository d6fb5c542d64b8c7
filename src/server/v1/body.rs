//! Request bodies, limited in size and time.

use std::{
    future::{Future as _, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use actix_web::{
    HttpMessage as _, dev::ServiceRequest, error::PayloadError, http::header::CONTENT_LENGTH, web::Bytes,
};
use distributex_protocol::error::ErrorKind;
use futures_core::Stream;
use tokio::time::timeout;

use super::error::V1Error;

/// Maximum size of a body, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// Maximum time for a body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the body of a request. An error closes the connection, as what follows cannot be parsed.
pub(super) async fn read(request: &mut ServiceRequest) -> Result<Vec<u8>, V1Error> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > MAX_BODY_BYTES as u64) {
        return Err(too_large());
    }
    let mut payload = request.take_payload();
    let body = in_time(&mut payload).await;
    if body.is_err() {
        request.set_payload(payload);
    }
    body
}

/// Reads with a time limit. The dispatcher passes a request on before its body, which mostly came with the head: only
/// a body that is not there at the second poll gets a timer.
async fn in_time(
    payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
) -> Result<Vec<u8>, V1Error> {
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
        None => timeout(BODY_TIMEOUT, body).await.unwrap_or_else(|_| Err(too_slow())),
    }
}

async fn whole(
    mut payload: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
) -> Result<Vec<u8>, V1Error> {
    let mut body = Vec::new();
    while let Some(part) = poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
        let part = part.map_err(|_| cut())?;
        if body.len() + part.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

fn too_large() -> V1Error {
    V1Error::new(ErrorKind::TooLarge, format!("the body has more than {MAX_BODY_BYTES} bytes")).closing()
}

fn too_slow() -> V1Error {
    V1Error::new(
        ErrorKind::BadRequest,
        format!("the body did not arrive within {} s", BODY_TIMEOUT.as_secs()),
    )
    .closing()
}

fn cut() -> V1Error {
    V1Error::new(ErrorKind::BadRequest, "the body ended early, or has invalid chunked encoding").closing()
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        task::{Context, Waker},
    };

    use tokio::time::{Instant, pause, sleep};

    use super::*;

    /// A body whose parts arrive one after another, each after a delay; then it hangs.
    struct SlowBody(VecDeque<(Duration, &'static str)>, Pin<Box<tokio::time::Sleep>>);

    fn slow(parts: &[(u64, &'static str)]) -> SlowBody {
        let parts: VecDeque<_> =
            parts.iter().map(|(wait, part)| (Duration::from_secs(*wait), *part)).collect();
        let first = parts.front().map_or(Duration::ZERO, |(wait, _)| *wait);
        SlowBody(parts, Box::pin(sleep(first)))
    }

    impl Stream for SlowBody {
        type Item = Result<Bytes, PayloadError>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            if self.0.is_empty() || self.1.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let part = self.0.pop_front().map(|(_, part)| Ok(Bytes::from_static(part.as_bytes())));
            if let Some((wait, _)) = self.0.front() {
                self.1 = Box::pin(sleep(*wait));
            }
            Poll::Ready(part)
        }
    }

    #[actix::test]
    async fn a_body_has_ten_seconds_in_all() {
        pause();
        let start = Instant::now();

        let read = in_time(slow(&[(4, "{"), (4, "\"host\""), (4, ":")])).await;

        assert!(format!("{read:?}").contains("did not arrive within 10 s"), "{read:?}");
        assert!(start.elapsed() < BODY_TIMEOUT + Duration::from_millis(2)); // tokio's timers fire at most 1 ms late
    }

    #[actix::test]
    async fn a_body_that_is_there_at_the_second_look_needs_no_timer() {
        let (sender, payload) = actix_http::h1::Payload::create(false);
        let mut sender = sender;
        let mut read = pin!(in_time(payload));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(read.as_mut().poll(&mut cx).is_pending());

        sender.feed_data(Bytes::from_static(b"{}"));
        sender.feed_eof();

        assert!(matches!(read.as_mut().poll(&mut cx), Poll::Ready(Ok(body)) if body == b"{}"));
    }
}
