//! Being told what happens: one stream of events after the other, as if it were one.

use std::{collections::VecDeque, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::{Backoff, Client, ClientError, Event, server_set::RequestFailure, sse::SseStream};

/// How long one server may take to begin.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The events of some pools, from now on. When the connection ends it is made again, and nothing that
/// happened meanwhile is left out as long as the server knows it; else it says so by an event `missed`.
#[derive(Debug)]
pub struct Events {
    /// Asks.
    client: Client,
    /// Where the events are.
    path: String,
    /// The last one that came.
    last_id: Option<String>,
    /// Those that came and were not taken.
    ready: VecDeque<Event>,
    /// Where they come from.
    stream: Option<Box<SseStream>>,
    /// The pauses between attempts.
    backoff: Backoff,
    /// No attempt is made before that.
    next_attempt: Option<Instant>,
}

impl Client {
    /// What happens to these pools from now on; without any, to all. Nothing is asked yet.
    ///
    /// ```no_run
    /// # use distributex_client::{ClientError, Client};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// let mut events = client.events(&["deploy".to_owned()]);
    /// loop {
    ///     match events.next().await {
    ///         Ok(event) => println!("{} {:?}", event.name, event.host),
    ///         Err(error) if error.is_transient() => eprintln!("{error}; again in {:?}", events.pause()),
    ///         Err(error) => return Err(error),
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn events(&self, pools: &[String]) -> Events {
        Events {
            client: self.clone(),
            path: distributex_protocol::path::events(pools),
            last_id: None,
            ready: VecDeque::new(),
            stream: None,
            backoff: Backoff::new(),
            next_attempt: None,
        }
    }
}

impl Events {
    /// The next event. May be cancelled.
    ///
    /// # Errors
    /// When there is no connection, or it ended. If the error [may pass](ClientError::is_transient) ask again: that
    /// connects anew, after a pause. Else there are no events: no such pool, or a server that tells none.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            self.read().await?;
        }
    }

    /// How long it is until the next attempt.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.next_attempt.map(|at| at.saturating_duration_since(Instant::now())).unwrap_or_default()
    }

    /// Reads on, or connects.
    async fn read(&mut self) -> Result<(), ClientError> {
        let Some(stream) = &mut self.stream else { return self.connect().await };
        match stream.next().await {
            Ok(events) => {
                self.backoff = Backoff::new();
                self.ready.extend(events);
                Ok(())
            }
            Err(error) => {
                let (retry_after, last_id) = (stream.retry(), stream.last_id().map(str::to_owned));
                self.last_id = last_id.or(self.last_id.take());
                self.stream = None;
                Err(self.failed(RequestFailure { error, retry_after }))
            }
        }
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        if let Some(at) = self.next_attempt {
            sleep_until(at).await;
        }
        match self.client.asker.listen(&self.path, self.last_id.as_deref(), RESPONSE_TIMEOUT).await {
            Ok(stream) => {
                self.stream = Some(stream);
                Ok(())
            }
            Err(failure) => Err(self.failed(failure)),
        }
    }

    fn failed(&mut self, failure: RequestFailure) -> ClientError {
        self.next_attempt = Some(Instant::now() + self.backoff.pause_with_retry_after(failure.retry_after));
        failure.error
    }
}
