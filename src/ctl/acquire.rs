//! The `acquire` command: acquires a slot and hands its lease to a script.

use std::{
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use tokio::{select, time::Instant};

use super::{
    AcquireCommand, CtlOptions, CtlOutcome, failed,
    lease_file::LeaseFile,
    lease_reference::unusable,
    output::{print, was_missing},
    renew::document,
};
use crate::program::{
    console::{Console, DisplaySeconds},
    host,
    interruption::unless_stopped,
    outage::OutageReporter,
    queue_progress::{QueueProgress, held},
};
use distributex_client::{AcquireOptions, Client, ClientError, ErrorKind, Lease, LeaseRecord, Progress};

/// An acquire on behalf of a script.
#[derive(Debug)]
pub(super) struct ScriptAcquire<'a> {
    /// Servers, host name.
    pub(super) options: &'a CtlOptions,
    /// Arguments of the command.
    pub(super) acquire: &'a AcquireCommand,
    /// Standard error.
    pub(super) console: Console,
}

impl ScriptAcquire<'_> {
    /// Acquires a slot and hands its lease over. If that fails, the queue entry or the lease is released.
    pub(super) async fn run(&self) -> Result<(), CtlOutcome> {
        let mut signals = super::signals(self.console)?;
        let client = Client::new(self.options.servers().to_vec());
        let ending = match unless_stopped(self.lease(&client), None, &mut signals).await {
            Ok(Ok(lease)) => match signals.ended_meanwhile().await {
                None => return self.hand_over(&client, lease).await,
                Some(signal) => CtlOutcome::Signalled(signal.as_raw()),
            },
            Ok(Err(ending)) => ending,
            Err(stop) => super::stopped(stop),
        };
        select! {
            () = client.settled() => {}
            _ = signals.next_end() => {} // a second signal ends the program at once
        }
        Err(ending)
    }

    /// Acquires a lease, once it is certain that it can be written.
    async fn lease(&self, client: &Client) -> Result<Lease, CtlOutcome> {
        match &self.acquire.lease_file {
            Some(path) => self.check_file(path).await?,
            None if was_missing() => {
                self.console.error(format_args!(
                    "standard output is closed, so the lease cannot be printed; open it, or use --lease-file"
                ));
                return Err(CtlOutcome::System);
            }
            None => {}
        }
        let host = match self.acquire.host.as_ref().or(self.options.host.as_ref()) {
            Some(host) => host.clone(),
            None => host::name().await,
        };
        let started = Instant::now();
        self.request(client, &host).await.map_err(|error| self.without(&error, &host, started))
    }

    /// Refuses a lease file whose lease is still held: overwritten, it could not be released.
    async fn check_file(&self, path: &Path) -> Result<(), CtlOutcome> {
        let old = LeaseFile::try_out(path).map_err(|error| unusable("use", path, &error, self.console))?;
        let Some(old) = old else { return Ok(()) };
        let LeaseRecord { pool, token, .. } = &old.lease;
        match old.client(None).pool(pool).await {
            Ok(seen) if seen.value.holders.iter().any(|holder| holder.token == *token) => {
                self.console.error(format_args!(
                    "the lease of {pool:?} in {0} is still held; release it first: \
                     distributexctl release --lease-file {0}",
                    path.display()
                ));
                Err(CtlOutcome::NoSlot)
            }
            Ok(_) | Err(ClientError::OtherStore { .. }) => Ok(()),
            Err(error) if error.refusal().is_some_and(|refusal| refusal.kind == ErrorKind::NoSuchPool) => {
                Ok(())
            }
            Err(error) => {
                let ending = failed(&error, self.console);
                let path = path.display();
                self.console.error(format_args!("cannot tell whether the lease in {path} is still held"));
                Err(ending)
            }
        }
    }

    async fn request(&self, client: &Client, host: &str) -> Result<Lease, ClientError> {
        let AcquireCommand { pool, ttl, command_note, .. } = self.acquire;
        self.console.verbose(format_args!("requesting a slot of {pool:?} as {host:?}"));
        let mut request = AcquireOptions::new(pool, host);
        if let Some(ttl) = ttl {
            request = request.ttl(*ttl);
        }
        if let Some(note) = command_note {
            request = request.note(note);
        }
        let (mut queue, mut outage) = (QueueProgress::default(), OutageReporter::new());
        let report = |progress: Progress<'_>| match progress {
            Progress::Waiting(info) => {
                outage = OutageReporter::new();
                queue.show(pool, info, self.console);
            }
            Progress::Retrying { error, pause } => outage.report(&error.to_string(), pause, self.console),
        };
        match self.acquire.limit() {
            Some(Duration::ZERO) => client.try_acquire(&request).await,
            Some(limit) => client.acquire_with_progress(&request.within(limit), report).await,
            None => client.acquire_with_progress(&request, report).await,
        }
    }

    /// Writes the lease. If that fails, the lease is released, as nobody could release it later.
    async fn hand_over(&self, client: &Client, lease: Lease) -> Result<(), CtlOutcome> {
        let lease = lease.detach();
        let handed = match &self.acquire.lease_file {
            Some(path) => LeaseFile::new(lease.clone(), self.options.servers())
                .write(path)
                .map_err(|error| unusable("write", path, &error, self.console)),
            None => self.print(&lease).map_err(|error| {
                self.console.error(format_args!("cannot write the lease to standard output: {error}"));
                CtlOutcome::System
            }),
        };
        match &handed {
            Ok(()) => self.report_expiry(&lease),
            Err(_) => {
                if let Err(error) = client.release(&lease.pool, &lease.id).await {
                    failed(&error, self.console);
                }
            }
        }
        handed
    }

    fn print(&self, lease: &LeaseRecord) -> io::Result<()> {
        if self.acquire.json { print(&document(lease)) } else { print(&format!("{}\n", lease.id.reveal())) }
    }

    /// Reports when the lease expires, on a terminal.
    fn report_expiry(&self, lease: &LeaseRecord) {
        let pool = &self.acquire.pool;
        match lease.expires_in {
            Some(left) => {
                let left = DisplaySeconds(Duration::from_secs(left.as_secs()));
                self.console
                    .progress(format_args!("the lease of {pool:?} expires in {left} s unless renewed"));
            }
            None => self.console.progress(format_args!("the lease of {pool:?} does not expire")),
        }
    }

    /// Reports the error and returns the outcome.
    fn without(&self, error: &ClientError, host: &str, started: Instant) -> CtlOutcome {
        let ending = CtlOutcome::without_slot(error);
        let advice = match (self.acquire.limit(), ending) {
            (Some(Duration::ZERO), CtlOutcome::NoSlot) => " (use -w to wait for one)".to_owned(),
            (None | Some(Duration::ZERO), _) | (Some(_), CtlOutcome::Refused) => String::new(),
            (Some(_), _) => {
                format!("; gave up after {} s (wait longer with -w)", DisplaySeconds::since(started))
            }
        };
        let refusal = error.refusal();
        match refusal.map(|refusal| (refusal.kind, &refusal.queue)) {
            Some((ErrorKind::PoolFull | ErrorKind::WaitTimeout, Some(line))) => {
                let held = held(line, SystemTime::now());
                self.console
                    .error(format_args!("every slot of {:?} is held{held}{advice}", self.acquire.pool));
            }
            Some((ErrorKind::HostNotAllowed, _)) => {
                self.console
                    .error(format_args!("{error} (the name of this host is {host:?}; --host changes it)"));
            }
            Some(_) | None => self.console.error(format_args!("{error}{advice}")),
        }
        ending
    }
}
