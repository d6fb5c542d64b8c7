//! Taking a slot, and handing its lease to the script that asked for it.

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

/// One acquire.
#[derive(Debug)]
pub(super) struct ScriptAcquire<'a> {
    /// Who is asked.
    pub(super) options: &'a CtlOptions,
    /// For what.
    pub(super) acquire: &'a AcquireCommand,
    /// Tells what is going on.
    pub(super) console: Console,
}

impl ScriptAcquire<'_> {
    /// Takes a slot and hands it over. On every way out without that, the place in line or the slot is given
    /// back.
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
            _ = signals.next_end() => {} // told twice: at once
        }
        Err(ending)
    }

    /// Waits for a lease, if there is a place to write it to.
    async fn lease(&self, client: &Client) -> Result<Lease, CtlOutcome> {
        match &self.acquire.lease_file {
            Some(path) => self.look_at_file(path).await?,
            None if was_missing() => {
                self.console.error(format_args!(
                    "there is no standard output to write the lease to; open it, or use --lease-file"
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
        self.ask(client, &host).await.map_err(|error| self.without(&error, &host, started))
    }

    /// A lease that is still held is not written over: nobody could release it then.
    async fn look_at_file(&self, path: &Path) -> Result<(), CtlOutcome> {
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
                self.console.error(format_args!("it is not known whether the lease in {path} is still held"));
                Err(ending)
            }
        }
    }

    async fn ask(&self, client: &Client, host: &str) -> Result<Lease, ClientError> {
        let AcquireCommand { pool, ttl, command_note, .. } = self.acquire;
        self.console.verbose(format_args!("asking for a slot of {pool:?} as {host:?}"));
        let mut ask = AcquireOptions::new(pool, host);
        if let Some(ttl) = ttl {
            ask = ask.ttl(*ttl);
        }
        if let Some(note) = command_note {
            ask = ask.note(note);
        }
        let (mut place, mut outage) = (QueueProgress::default(), OutageReporter::new());
        let tell = |progress: Progress<'_>| match progress {
            Progress::Waiting(line) => {
                outage = OutageReporter::new();
                place.show(pool, line, self.console);
            }
            Progress::Retrying { error, pause } => outage.report(&error.to_string(), pause, self.console),
        };
        match self.acquire.limit() {
            Some(Duration::ZERO) => client.try_acquire(&ask).await,
            Some(limit) => client.acquire_with_progress(&ask.within(limit), tell).await,
            None => client.acquire_with_progress(&ask, tell).await,
        }
    }

    /// Hands the lease over. One that nobody got would keep the slot from others, so it goes back.
    async fn hand_over(&self, client: &Client, lease: Lease) -> Result<(), CtlOutcome> {
        let lease = lease.detach();
        let handed = match &self.acquire.lease_file {
            Some(path) => LeaseFile::new(lease.clone(), self.options.servers())
                .write(path)
                .map_err(|error| unusable("write", path, &error, self.console)),
            None => self.print(&lease).map_err(|error| {
                self.console.error(format_args!("cannot write the lease to the standard output: {error}"));
                CtlOutcome::System
            }),
        };
        match &handed {
            Ok(()) => self.tell_end(&lease),
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

    /// Somebody who watches may not know that the lease has an end.
    fn tell_end(&self, lease: &LeaseRecord) {
        let pool = &self.acquire.pool;
        match lease.expires_in {
            Some(left) => {
                let left = DisplaySeconds(Duration::from_secs(left.as_secs()));
                self.console
                    .progress(format_args!("the slot of {pool:?} is held for {left} s unless it is renewed"));
            }
            None => self.console.progress(format_args!("the slot of {pool:?} is held until it is released")),
        }
    }

    /// Ends without a slot because of this.
    fn without(&self, error: &ClientError, host: &str, started: Instant) -> CtlOutcome {
        let ending = CtlOutcome::without_slot(error);
        let advice = match (self.acquire.limit(), ending) {
            (Some(Duration::ZERO), CtlOutcome::NoSlot) => " (wait for one with -w SECONDS)".to_owned(),
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
                    .error(format_args!("{error} (this host is called {host:?}; --host changes that)"));
            }
            Some(_) | None => self.console.error(format_args!("{error}{advice}")),
        }
        ending
    }
}
