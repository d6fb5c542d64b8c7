//! The client of servers that share a store.

use std::rc::Rc;

use super::{
    AcquireOptions, ClientError, Lease, Progress, Server, acquire::AcquireLoop,
    give_back::BackgroundReleaser, server_set::ServerSet,
};

/// Client of one server, or of several that share a store.
///
/// It uses the first server that responds, and the others when that one is unreachable. It also stays with
/// the first store it saw: responses of another one are refused ([`ClientError::OtherStore`]), and what that
/// granted is released. The exception is the very address where the first store was seen: that server was
/// restarted without its memory.
///
/// It belongs to one thread, that of the actix runtime (or tokio `LocalSet`) it was created in. Clones share
/// connections and store.
///
/// ```no_run
/// use distributex_client::{AcquireOptions, Client, Server};
/// use std::time::Duration;
///
/// # #[actix::main]
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
    pub(super) servers: Rc<ServerSet>,
    /// Background task that releases what is no longer wanted.
    pub(super) background: BackgroundReleaser,
}

impl Client {
    /// Creates a client of these servers. Sends nothing yet.
    ///
    /// # Panics
    /// Outside of an actix runtime or a tokio `LocalSet`.
    #[must_use]
    pub fn new(servers: Vec<Server>) -> Self {
        let servers = Rc::new(ServerSet::new(servers));
        Self { background: BackgroundReleaser::start(Rc::clone(&servers)), servers }
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
    /// [`ClientError::Refused`] with a kind that is [contention](super::ErrorKind::is_contention) when there
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
