//! The client of servers that share a store.

use std::sync::Arc;

use crate::{
    AcquireOptions, ClientError, Lease, Progress, Server,
    lease::{acquire::AcquireLoop, give_back::BackgroundReleaser},
    transport::server_set::ServerSet,
};

/// Client of one server, or of several that share a store.
///
/// It uses the first server that responds, and the others when that one is unreachable. It also stays with
/// the first store it saw: responses of another one are refused ([`ClientError::OtherStore`]), and what that
/// granted is released. The exception is the very address where the first store was seen: that server was
/// restarted without its memory.
///
/// Clones share connections and store; they may be used by several threads. Requests run on a thread of the
/// client; renewals and releases in the background run in the tokio runtime that it was created in.
///
/// ```no_run
/// use distributex_client::{AcquireOptions, Client, Server};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(Server::parse_list("locks1.acme.com,locks2.acme.com", 9889)?);
///
/// let lease = client.acquire(&AcquireOptions::new("deploy", "web1").ttl(Duration::from_secs(20))).await?;
/// tokio::select! {
///     () = deploy(lease.token()) => println!("done"),
///     why = lease.lost() => eprintln!("stopped in the middle: {why}"),
/// }
/// lease.release().await?;
/// # Ok(())
/// # }
/// # async fn deploy(_token: u64) {}
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    /// Connections and store.
    pub(crate) servers: Arc<ServerSet>,
    /// Background task that releases what is no longer wanted.
    pub(crate) background: BackgroundReleaser,
}

impl Client {
    /// Creates a client of these servers. Sends nothing yet.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(servers: Vec<Server>) -> Self {
        let servers = Arc::new(ServerSet::new(servers));
        Self { background: BackgroundReleaser::start(Arc::clone(&servers)), servers }
    }

    /// Waits for a slot: without limit, or as long as [`AcquireOptions::within`] says. The queue entry is
    /// kept through restarts, and through outages of up to half a minute.
    ///
    /// Cancelled by dropping it: then the queue entry, or a slot granted meanwhile, is released in the
    /// background ([`Client::settled`] waits for that).
    ///
    /// # Errors
    /// The last error, when the time is over. At once when retrying is useless: the pool is unknown or not
    /// for this host, the server has another store or no v1 protocol.
    ///
    /// ```no_run
    /// # use distributex_client::{AcquireOptions, ClientError, Client, ErrorKind};
    /// # use std::time::Duration;
    /// # async fn example(client: Client) {
    /// match client.acquire(&AcquireOptions::new("deploy", "web1").within(Duration::from_secs(60))).await {
    ///     Ok(lease) => println!("token {} after {:?}", lease.token(), lease.waited()),
    ///     Err(ClientError::Refused { refusal, .. }) if refusal.kind == ErrorKind::WaitTimeout => println!("{refusal}"),
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// # }
    /// ```
    pub async fn acquire(&self, options: &AcquireOptions) -> Result<Lease, ClientError> {
        self.acquire_with_progress(options, |_| {}).await
    }

    /// Like [`Client::acquire`], and reports its progress.
    ///
    /// # Errors
    /// As [`Client::acquire`].
    ///
    /// ```no_run
    /// # use distributex_client::{AcquireOptions, ClientError, Client, Progress};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// let options = AcquireOptions::new("deploy", "web1");
    /// let lease = client
    ///     .acquire_with_progress(&options, |progress| match progress {
    ///         Progress::Waiting(queue) => println!("position {:?}; held by {:?}", queue.position, queue.holders),
    ///         Progress::Retrying { error, pause } => println!("{error}; retrying in {pause:?}"),
    ///     })
    ///     .await?;
    /// # lease.release().await
    /// # }
    /// ```
    pub async fn acquire_with_progress(
        &self,
        options: &AcquireOptions,
        tell: impl FnMut(Progress<'_>),
    ) -> Result<Lease, ClientError> {
        AcquireLoop::new(self, options, true, tell)?.run().await
    }

    /// Requests a slot without waiting. [`AcquireOptions::within`] is ignored: each unreachable server takes
    /// at most five seconds, each silent one ten.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with a kind that is [contention](crate::ErrorKind::is_contention) when there
    /// is no slot; and as [`Client::acquire`].
    ///
    /// ```no_run
    /// # use distributex_client::{AcquireOptions, Client};
    /// # async fn example(client: Client) {
    /// if let Ok(lease) = client.try_acquire(&AcquireOptions::new("deploy", "web1")).await {
    ///     println!("mine until {:?}", lease.status().borrow());
    /// }
    /// # }
    /// ```
    pub async fn try_acquire(&self, options: &AcquireOptions) -> Result<Lease, ClientError> {
        AcquireLoop::new(self, options, false, |_| {})?.run().await
    }

    /// Waits until everything that was dropped or cancelled has been released, or could not be within ten
    /// seconds. Call it before the runtime ends.
    pub async fn settled(&self) {
        self.background.settled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Events, Operator};

    fn assert_send<T: Send>(value: T) -> T {
        value
    }

    #[tokio::test]
    async fn clients_and_their_futures_cross_threads() {
        fn assert_shared<T: Send + Sync>() {}
        assert_shared::<Client>();
        assert_shared::<Lease>();
        assert_shared::<Operator>();
        assert_shared::<Events>();
        let client = Client::new(Vec::new());
        let options = AcquireOptions::new("deploy", "web1");

        let error = assert_send(client.acquire(&options)).await.unwrap_err();

        assert!(matches!(error, ClientError::NoServer), "{error}");
        assert!(assert_send(client.pools()).await.is_err());
        assert!(assert_send(client.events(&[]).next()).await.is_err());
        assert_send(client.settled()).await;
    }
}
