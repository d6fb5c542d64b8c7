//! The client: who asks the servers of one store.

use std::rc::Rc;

use super::{Ask, AskError, Lease, Progress, Server, acquire::Acquire, asker::Asker, leave::Background};

/// Asks for slots, at one server or at several that share a store.
///
/// It asks the first server that answers and stays with it; the others are asked when that one is away. It
/// stays with the first store it met, too: another one is another truth, whose answers are refused
/// ([`AskError::OtherStore`]), and what it gave goes back. The exception is the very address where the first
/// store was met: that server was restarted without its memory, and there is nobody else to ask.
///
/// It belongs to one thread, that of the actix runtime (or tokio `LocalSet`) it was made in. Clones share
/// their connections and the store.
///
/// ```no_run
/// use distributex::client::{Ask, Client, Server};
/// use std::time::Duration;
///
/// # #[actix::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new(Server::parse_list("locks1.acme.com,locks2.acme.com", 9889)?);
///
/// let lease = client.acquire(&Ask::new("deploy", "web1").ttl(Duration::from_secs(20))).await?;
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
    pub(super) asker: Rc<Asker>,
    /// Gives back what nobody wants any more.
    pub(super) background: Background,
}

impl Client {
    /// A client of these servers. Nothing is asked yet.
    ///
    /// # Panics
    /// Outside of an actix runtime or a tokio `LocalSet`.
    #[must_use]
    pub fn new(servers: Vec<Server>) -> Self {
        let asker = Rc::new(Asker::new(servers));
        Self { background: Background::start(Rc::clone(&asker)), asker }
    }

    /// Waits for a slot: for as long as it takes, or as [`Ask::within`] says. Stands in line, and keeps its
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
    /// # use distributex::client::{Ask, AskError, Client, Kind};
    /// # use std::time::Duration;
    /// # async fn example(client: Client) {
    /// match client.acquire(&Ask::new("deploy", "web1").within(Duration::from_secs(60))).await {
    ///     Ok(lease) => println!("token {} after {:?}", lease.token(), lease.waited()),
    ///     Err(AskError::Refused { refusal, .. }) if refusal.kind == Kind::WaitOver => println!("{refusal}"),
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// # }
    /// ```
    pub async fn acquire(&self, ask: &Ask) -> Result<Lease, AskError> {
        self.acquire_telling(ask, |_| {}).await
    }

    /// As [`Client::acquire`], and tells what happens meanwhile.
    ///
    /// # Errors
    /// As [`Client::acquire`].
    ///
    /// ```no_run
    /// # use distributex::client::{Ask, AskError, Client, Progress};
    /// # async fn example(client: Client) -> Result<(), AskError> {
    /// let ask = Ask::new("deploy", "web1");
    /// let lease = client
    ///     .acquire_telling(&ask, |progress| match progress {
    ///         Progress::Waiting(line) => println!("at place {:?}, behind {:?}", line.place, line.holders),
    ///         Progress::Trouble { error, pause } => println!("{error}; again in {pause:?}"),
    ///     })
    ///     .await?;
    /// # lease.release().await
    /// # }
    /// ```
    pub async fn acquire_telling(
        &self,
        ask: &Ask,
        tell: impl FnMut(Progress<'_>),
    ) -> Result<Lease, AskError> {
        Acquire::new(self, ask, true, tell)?.run().await
    }

    /// Asks once for a slot, and does not stand in line. [`Ask::within`] does not count here: every server
    /// that is away takes five seconds at most to find out, one that is silent ten.
    ///
    /// # Errors
    /// When there is none: [`AskError::Refused`] with a kind that [is no slot](super::Kind::is_no_slot); and
    /// as [`Client::acquire`].
    ///
    /// ```no_run
    /// # use distributex::client::{Ask, Client};
    /// # async fn example(client: Client) {
    /// if let Ok(lease) = client.try_acquire(&Ask::new("deploy", "web1")).await {
    ///     println!("mine until {:?}", lease.standing().borrow());
    /// }
    /// # }
    /// ```
    pub async fn try_acquire(&self, ask: &Ask) -> Result<Lease, AskError> {
        Acquire::new(self, ask, false, |_| {})?.run().await
    }

    /// Waits until everything is given back that was dropped or cancelled until now, or could not be in ten
    /// seconds. Before the runtime ends, say.
    pub async fn settled(&self) {
        self.background.settled().await;
    }
}
