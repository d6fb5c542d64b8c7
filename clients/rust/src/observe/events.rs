//! Event stream that reconnects.

use std::{collections::VecDeque, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::{
    Backoff, Client, ClientError, Event,
    transport::{server_request::ListenRequest, server_set::RequestFailure, sse::SseStream},
};

/// Time limit for the start of a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Events of some pools. A lost connection is established again, and the stream resumes where it ended, as long as the
/// server still has the events; else an event `missed` is returned.
#[derive(Debug)]
pub struct Events {
    /// Servers.
    client: Client,
    /// Path of the stream.
    path: String,
    /// Id of the last event.
    last_id: Option<String>,
    /// Events received and not yet returned.
    ready: VecDeque<Event>,
    /// The connection.
    stream: Option<Box<SseStream>>,
    /// Pauses between attempts.
    backoff: Backoff,
    /// Earliest time of the next attempt.
    next_attempt: Option<Instant>,
}

impl Client {
    /// Events of these pools from now on; without any, of all pools. Sends nothing yet.
    ///
    /// ```no_run
    /// # use distributex_client::{ClientError, Client};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// let mut events = client.events(&["deploy".to_owned()]);
    /// loop {
    ///     match events.next().await {
    ///         Ok(event) => println!("{} {:?}", event.name, event.data.host),
    ///         Err(error) if error.is_transient() => eprintln!("{error}; retrying in {:?}", events.pause()),
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
    /// The next event. Cancel-safe.
    ///
    /// # Errors
    /// When there is no connection, or it ended. If the error is [transient](ClientError::is_transient), call
    /// again: that reconnects after a pause. Otherwise there are no events: unknown pool, or events are
    /// disabled.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            self.read().await?;
        }
    }

    /// Time until the next attempt.
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
        let (path, last_id) = (self.path.as_str(), self.last_id.as_deref());
        match self.client.servers.send(&ListenRequest { path, last_id, limit: RESPONSE_TIMEOUT }).await {
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
