//! The client: who asks the servers of one store.

use std::rc::Rc;

use super::{
    AcquireOptions, ClientError, Lease, Progress, Server, acquire::AcquireLoop,
    give_back::BackgroundReleaser, server_set::ServerSet,
};

/// Asks for slots, at one server or at several that share a store.
///
/// It asks the first server that answers and stays with it; the others are asked when that one is away. It
/// stays with the first store it met, too: another one is another truth, whose answers are refused
/// ([`ClientError::OtherStore`]), and what it gave goes back. The exception is the very address where the first
/// store was met: that server was restarted without its memory, and there is nobody else to ask.
///
/// It belongs to one thread, that of the actix runtime (or tokio `LocalSet`) it was made in. Clones share
/// their connections and the store.
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
    /// Asks.
    pub(super) asker: Rc<ServerSet>,
    /// Gives back what nobody wants any more.
    pub(super) background: BackgroundReleaser,
}

impl Client {
    /// A client of these servers. Nothing is asked yet.
    ///
    /// # Panics
    /// Outside of an actix runtime or a tokio `LocalSet`.
    #[must_use]
    pub fn new(servers: Vec<Server>) -> Self {
        let asker = Rc::new(ServerSet::new(servers));
        Self { background: BackgroundReleaser::start(Rc::clone(&asker)), asker }
    }

    /// Waits for a slot: for as long as it takes, or as [`AcquireOptions::within`] says. Stands in line, and keeps its
    /// place through restarts and through outages of up to half a minute.
    ///
    /// May be cancelled by dropping it: then the place, or the slot if it came meanwhile, is given back in the
    /// background ([`Client::settled`] waits for that).
    ///
    /// # Errors
    /// When the time is over: what was wrong at last. At once when asking again makes no sense: the pool is
    /// not there or not for this host, the server has another store or no v1 protocol.
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
    pub async fn acquire(&self, ask: &AcquireOptions) -> Result<Lease, ClientError> {
        self.acquire_with_progress(ask, |_| {}).await
    }

    /// As [`Client::acquire`], and tells what happens meanwhile.
    ///
    /// # Errors
    /// As [`Client::acquire`].
    ///
    /// ```no_run
    /// # use distributex_client::{AcquireOptions, ClientError, Client, Progress};
    /// # async fn example(client: Client) -> Result<(), ClientError> {
    /// let ask = AcquireOptions::new("deploy", "web1");
    /// let lease = client
    ///     .acquire_with_progress(&ask, |progress| match progress {
    ///         Progress::Waiting(queue) => println!("at place {:?}, behind {:?}", queue.position, queue.holders),
    ///         Progress::Retrying { error, pause } => println!("{error}; again in {pause:?}"),
    ///     })
    ///     .await?;
    /// # lease.release().await
    /// # }
    /// ```
    pub async fn acquire_with_progress(
        &self,
        ask: &AcquireOptions,
        tell: impl FnMut(Progress<'_>),
    ) -> Result<Lease, ClientError> {
        AcquireLoop::new(self, ask, true, tell)?.run().await
    }

    /// Asks once for a slot, and does not stand in line. [`AcquireOptions::within`] does not count here: every server
    /// that is away takes five seconds at most to find out, one that is silent ten.
    ///
    /// # Errors
    /// When there is none: [`ClientError::Refused`] with a kind that [is no slot](super::ErrorKind::is_contention); and
    /// as [`Client::acquire`].
    ///
    /// ```no_run
    /// # use distributex_client::{AcquireOptions, Client};
    /// # async fn example(client: Client) {
    /// if let Ok(lease) = client.try_acquire(&AcquireOptions::new("deploy", "web1")).await {
    ///     println!("mine until {:?}", lease.status().borrow());
    /// }
    /// # }
    /// ```
    pub async fn try_acquire(&self, ask: &AcquireOptions) -> Result<Lease, ClientError> {
        AcquireLoop::new(self, ask, false, |_| {})?.run().await
    }

    /// Waits until everything is given back that was dropped or cancelled until now, or could not be in ten
    /// seconds. Before the runtime ends, say.
    pub async fn settled(&self) {
        self.background.settled().await;
    }
}
