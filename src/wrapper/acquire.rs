//! Acquiring a slot: by a lease, or by the classic protocol from a server that knows no other.

use std::time::SystemTime;

use tokio::{select, time::Instant};

use super::{WrapperOptions, WrapperOutcome, classic::ClassicAcquire, slot::Slot};
use crate::program::{
    console::{Console, DisplaySeconds},
    interruption::{Interrupted, unless_stopped},
    outage::OutageReporter,
    queue_progress::{QueueProgress, held},
    signals::Signals,
};
use distributex_client::{
    AcquireOptions, ClassicClient, Client, ClientError, ErrorKind, Lease, Progress, Refusal, Server,
};

/// Minimum time to live of a lease that leaves time to stop the command, in seconds.
pub(super) const MIN_TTL_SECONDS: u64 = 2;

/// An acquire for one run.
#[derive(Debug)]
pub(super) struct SlotRequest<'a> {
    /// Servers, pool, time limits.
    pub(super) options: &'a WrapperOptions,
    /// Name of this host.
    pub(super) host: &'a str,
    /// Standard error.
    pub(super) console: Console,
    /// Start of the acquire.
    pub(super) started: Instant,
}

impl SlotRequest<'_> {
    /// Acquires a slot; otherwise returns how the run ends.
    pub(super) async fn run(&self, signals: &mut Signals) -> Result<Slot, WrapperOutcome> {
        let WrapperOptions { servers, pool, .. } = self.options;
        let (console, host) = (self.console, self.host);
        console.verbose(format_args!("requesting a slot of {pool:?} as {host:?} from {}", listed(servers)));
        let slot = match self.lease(signals).await? {
            Ok(lease) => Slot::of_lease(lease, pool, host),
            Err(server) => self.classic(server, signals).await?,
        };
        console.verbose(format_args!("got a slot of {pool:?} after {} s", DisplaySeconds(slot.waited)));
        Ok(slot)
    }

    /// Acquires a lease. The inner error is a server that has no leases.
    async fn lease(&self, signals: &mut Signals) -> Result<Result<Lease, Server>, WrapperOutcome> {
        let client = Client::new(self.options.servers.clone());
        let outcome = unless_stopped(self.request_lease(&client), None, signals).await;
        let ending = match outcome {
            Ok(Ok(lease)) if is_too_short(&lease) => self.too_short(lease).await,
            Ok(Ok(lease)) => return Ok(Ok(lease)),
            Ok(Err(ClientError::NoV1 { server })) => return Ok(Err(server)),
            Ok(Err(error)) => self.without(&error),
            Err(Interrupted::Signal(signal)) => WrapperOutcome::Signalled(signal.as_raw()),
            Err(Interrupted::Over) => WrapperOutcome::NoSlot(self.options.conflict_status),
        };
        select! {
            () = client.settled() => {} // releases the queue entry, or a slot that was on its way
            _ = signals.next_end() => {} // a second signal ends the program at once
        }
        Err(ending)
    }

    async fn request_lease(&self, client: &Client) -> Result<Lease, ClientError> {
        let WrapperOptions { pool, ttl, wait, note, .. } = self.options;
        let mut request = AcquireOptions::new(pool, self.host).ttl(*ttl);
        if let Some(note) = note {
            request = request.note(note);
        }
        let (mut place, mut outage) = (QueueProgress::default(), OutageReporter::new());
        let report = |progress: Progress<'_>| match progress {
            Progress::Waiting(line) => {
                outage = OutageReporter::new();
                place.show(pool, line, self.console);
            }
            Progress::Retrying { error, pause } => outage.report(&error.to_string(), pause, self.console),
        };
        match wait {
            Some(limit) if limit.is_zero() => client.try_acquire(&request).await,
            Some(limit) => client.acquire_with_progress(&request.within(*limit), report).await,
            None => client.acquire_with_progress(&request, report).await,
        }
    }

    async fn classic(&self, server: Server, signals: &mut Signals) -> Result<Slot, WrapperOutcome> {
        self.console
            .verbose(format_args!("{server} supports only the classic protocol: the slot cannot be renewed"));
        let client = ClassicClient { server, host: self.host.to_owned(), pool: self.options.pool.clone() };
        let acquire = ClassicAcquire {
            client: &client,
            options: self.options,
            console: self.console,
            started: self.started,
        };
        let waited = acquire.run(signals).await?;
        Ok(Slot::of_host(client, waited))
    }

    /// Releases a lease that would expire before the command could be stopped.
    async fn too_short(&self, lease: Lease) -> WrapperOutcome {
        self.console.error(format_args!(
            "leases of {1:?} at {0} expire in less than {MIN_TTL_SECONDS} s, too soon to stop a command in time; \
             raise the pool's expire",
            lease.server(),
            self.options.pool
        ));
        drop(lease);
        WrapperOutcome::Refused
    }

    /// Reports the error and returns the outcome.
    fn without(&self, error: &ClientError) -> WrapperOutcome {
        let ending = WrapperOutcome::without(error, self.options.conflict_status);
        let advice = match (self.options.wait, ending) {
            (_, WrapperOutcome::Refused) | (None, _) => String::new(),
            (Some(limit), WrapperOutcome::NoSlot(_)) if limit.is_zero() => {
                " (use -w to wait for one)".to_owned()
            }
            (Some(limit), _) if limit.is_zero() => String::new(),
            (Some(_), _) => {
                format!("; gave up after {} s (wait longer with -w)", DisplaySeconds::since(self.started))
            }
        };
        let (pool, host) = (&self.options.pool, self.host);
        match error.refusal() {
            Some(Refusal {
                kind: ErrorKind::PoolFull | ErrorKind::WaitTimeout, queue: Some(line), ..
            }) => {
                let held = held(line, SystemTime::now());
                self.console.error(format_args!("every slot of {pool:?} is held{held}{advice}"));
            }
            Some(Refusal { kind: ErrorKind::HostNotAllowed, .. }) => {
                self.console
                    .error(format_args!("{error} (the name of this host is {host:?}; --host changes it)"));
            }
            Some(_) | None => self.console.error(format_args!("{error}{advice}")),
        }
        ending
    }
}

fn is_too_short(lease: &Lease) -> bool {
    lease.ttl().is_some_and(|ttl| ttl.as_secs() < MIN_TTL_SECONDS)
}

fn listed(servers: &[Server]) -> String {
    servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
