//! A slot that this run holds: by a lease, or by the name of its host as the classic protocol has it.

use std::time::Duration;

use tokio::{
    select,
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    console::{Console, DisplaySeconds},
    loss::SlotLoss,
    release::{self, give_up_after_signal},
    signals::Signals,
};
use distributex_client::{ClassicClient, ClientError, ErrorKind, Lease, LeaseStatus, Refusal, Server};

/// How long to try to give a slot back that is lost.
const RELEASE_LOST_TIMEOUT: Duration = Duration::from_secs(1);

/// A slot that is held.
#[derive(Debug)]
pub(super) struct Slot {
    /// What makes it ours.
    hold: SlotHold,
    /// The pool it is of.
    pool: String,
    /// What the server calls this host.
    host: String,
    /// How long it took to get.
    pub(super) waited: Duration,
    /// When it came.
    since: Instant,
}

/// What makes a slot ours.
#[derive(Debug)]
enum SlotHold {
    /// A lease of our own, which renews itself.
    Lease(Box<Lease>),
    /// The name of the host.
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

    pub(super) fn of_host(asker: ClassicClient, waited: Duration) -> Self {
        let (pool, host) = (asker.pool.clone(), asker.host.clone());
        Self { hold: SlotHold::Host(Box::new(asker)), pool, host, waited, since: Instant::now() }
    }

    /// The server that gave it.
    pub(super) fn server(&self) -> &Server {
        match &self.hold {
            SlotHold::Lease(lease) => lease.server(),
            SlotHold::Host(asker) => &asker.server,
        }
    }

    /// Its fencing number, if it has one.
    pub(super) fn token(&self) -> Option<u64> {
        match &self.hold {
            SlotHold::Lease(lease) => Some(lease.token()),
            SlotHold::Host(_) => None,
        }
    }

    /// How its lease stands, now and from now on. A classic slot has no lease of its own: it is never renewed,
    /// and nobody tells that it is lost.
    pub(super) fn status(&self) -> Option<watch::Receiver<LeaseStatus>> {
        match &self.hold {
            SlotHold::Lease(lease) => Some(lease.status()),
            SlotHold::Host(_) => None,
        }
    }

    /// What is known of it if it was lost or revoked.
    pub(super) fn loss(&self) -> Option<SlotLoss> {
        SlotLoss::of(self.status()?.borrow().clone())
    }

    /// How long it has been held.
    pub(super) fn held(&self) -> Duration {
        self.since.elapsed()
    }

    /// What the command is told. An empty token is none: one of an outer run would be wrong.
    pub(super) fn variables(&self) -> [(&'static str, String); 5] {
        [
            ("DX_POOL", self.pool.clone()),
            ("DX_HOST", self.host.clone()),
            ("DX_TOKEN", self.token().map(|token| token.to_string()).unwrap_or_default()),
            ("DX_SERVER", self.server().to_string()),
            ("DX_WAITED", DisplaySeconds(self.waited).to_string()),
        ]
    }

    /// Gives a slot back that is lost, in case that its server does not know yet: the command is dead, so the
    /// next one need not wait. That nobody answers is no news.
    pub(super) async fn give_up(self) {
        match self.hold {
            SlotHold::Lease(lease) => drop(timeout(RELEASE_LOST_TIMEOUT, lease.release()).await),
            SlotHold::Host(_) => {} // it is never told to be lost
        }
    }

    /// Gives it back, or says that it could not be. Reports the exit status of the command, if there is one;
    /// the classic protocol has no words for it. Finds out that the slot was lost before the command ended: with
    /// a warning if the command ran, as another run may have had the slot at the same time.
    pub(super) async fn give_back(
        self,
        exit_status: Option<u8>,
        signals: &mut Signals,
        console: Console,
    ) -> Option<SlotLoss> {
        let server = self.server().clone();
        let lease = match self.hold {
            SlotHold::Lease(lease) => lease,
            SlotHold::Host(asker) => {
                release::give_back(&asker, signals, console).await;
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
                release::not_taken(pool, &server, "it does not answer", console);
                return None;
            }
        };
        match released {
            Ok(()) => console.verbose(format_args!("gave the slot of {pool:?} back")),
            Err(ClientError::Refused { refusal, .. }) if refusal.kind == ErrorKind::LeaseLost => {
                let Refusal { message: why, ended, .. } = refusal;
                let loss = SlotLoss::Over { why, ended: ended.map(|ended| *ended) };
                let sentence = loss.sentence(pool);
                if exit_status.is_some() {
                    console.error(format_args!("{sentence}; found out when the command had ended"));
                } else {
                    console.verbose(format_args!("{sentence}"));
                }
                return Some(loss);
            }
            Err(error) => release::not_taken(pool, &server, &error.to_string(), console),
        }
        None
    }
}
