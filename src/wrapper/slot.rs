//! A slot held by this run: by a lease, or by the host's name in the classic protocol.

use std::time::Duration;

use tokio::{
    select,
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    loss::SlotLoss,
    release::{self, give_up_after_signal},
};
use crate::program::{
    console::{Console, DisplaySeconds},
    signals::Signals,
};
use distributex_client::{ClassicClient, ClientError, ErrorKind, Lease, LeaseStatus, Refusal, Server};

/// Time limit for releasing a lost slot.
const RELEASE_LOST_TIMEOUT: Duration = Duration::from_secs(1);

/// A slot that is held.
#[derive(Debug)]
pub(super) struct Slot {
    /// The hold.
    hold: SlotHold,
    /// The pool.
    pool: String,
    /// Name of this host.
    host: String,
    /// Time it took to acquire.
    pub(super) waited: Duration,
    /// Time of the grant.
    since: Instant,
}

/// Kind of hold.
#[derive(Debug)]
enum SlotHold {
    /// A lease, renewed automatically.
    Lease(Box<Lease>),
    /// The name of the host, in the classic protocol.
    Host(Box<ClassicClient>),
}

impl Slot {
    pub(super) fn of_lease(lease: Lease, pool: &str, host: &str) -> Self {
        let (waited, since) = (lease.waited(), Instant::now());
        Self {
            hold: SlotHold::Lease(Box::new(lease)),
            pool: pool.to_owned(),
            host: host.to_owned(),
            waited,
            since,
        }
    }

    pub(super) fn of_host(client: ClassicClient, waited: Duration) -> Self {
        let (pool, host) = (client.pool.clone(), client.host.clone());
        Self { hold: SlotHold::Host(Box::new(client)), pool, host, waited, since: Instant::now() }
    }

    /// The server that granted it.
    pub(super) fn server(&self) -> &Server {
        match &self.hold {
            SlotHold::Lease(lease) => lease.server(),
            SlotHold::Host(client) => &client.server,
        }
    }

    /// The fencing token, if it has one.
    pub(super) fn token(&self) -> Option<u64> {
        match &self.hold {
            SlotHold::Lease(lease) => Some(lease.token()),
            SlotHold::Host(_) => None,
        }
    }

    /// The status of its lease and its changes. A classic slot has no lease: it is never renewed, and its loss is not
    /// reported.
    pub(super) fn status(&self) -> Option<watch::Receiver<LeaseStatus>> {
        match &self.hold {
            SlotHold::Lease(lease) => Some(lease.status()),
            SlotHold::Host(_) => None,
        }
    }

    /// The loss or revocation, if known.
    pub(super) fn loss(&self) -> Option<SlotLoss> {
        SlotLoss::of(self.status()?.borrow().clone())
    }

    /// Time since the grant.
    pub(super) fn held(&self) -> Duration {
        self.since.elapsed()
    }

    /// Environment variables for the command. The token is set even if empty: one inherited from an outer run would be
    /// wrong.
    pub(super) fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("DX_POOL", self.pool.clone()),
            ("DX_HOST", self.host.clone()),
            ("DX_TOKEN", self.token().map(|token| token.to_string()).unwrap_or_default()),
            ("DX_SERVER", self.server().to_string()),
            ("DX_WAITED", DisplaySeconds(self.waited).to_string()),
        ]
    }

    /// Releases a lost slot, in case its server does not know of the loss: the command is dead, so the next
    /// waiter need not wait. Errors are ignored.
    pub(super) async fn give_up(self) {
        match self.hold {
            SlotHold::Lease(lease) => drop(timeout(RELEASE_LOST_TIMEOUT, lease.release()).await),
            SlotHold::Host(_) => {} // it is never told to be lost
        }
    }

    /// Releases the slot, or reports that it could not be released. Sends the exit status of the command, if
    /// there is one (the classic protocol cannot). If the slot turns out to have been lost before the command
    /// ended, warns if the command ran: another run may have had the slot at the same time.
    pub(super) async fn release(
        self,
        exit_status: Option<u8>,
        signals: &mut Signals,
        console: Console,
    ) -> Option<SlotLoss> {
        let server = self.server().clone();
        let lease = match self.hold {
            SlotHold::Lease(lease) => lease,
            SlotHold::Host(client) => {
                release::release(&client, signals, console).await;
                return None;
            }
        };
        let pool = &self.pool;
        let release = async {
            match exit_status {
                Some(status) => lease.release_with_status(status).await,
                None => lease.release().await,
            }
        };
        let released = select! {
            released = release => released,
            () = give_up_after_signal(signals) => {
                release::report_failure(pool, &server, "no response", console);
                return None;
            }
        };
        match released {
            Ok(()) => console.verbose(format_args!("released the slot of {pool:?}")),
            Err(ClientError::Refused { refusal, .. }) if refusal.kind == ErrorKind::LeaseLost => {
                let Refusal { message: why, ended, .. } = refusal;
                let loss = SlotLoss::Over { why, ended: ended.map(|ended| *ended) };
                let sentence = loss.sentence(pool);
                if exit_status.is_some() {
                    console
                        .error(format_args!("{sentence}; this was noticed only after the command had ended"));
                } else {
                    console.verbose(format_args!("{sentence}"));
                }
                return Some(loss);
            }
            Err(error) => release::report_failure(pool, &server, &error.to_string(), console),
        }
        None
    }
}
