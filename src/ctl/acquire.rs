//! Taking a slot, and handing its lease to the script that asked for it.

use std::{
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use tokio::{select, time::Instant};

use super::{
    Acquire, Ending, Options, failed,
    holding::unusable,
    lease_file::LeaseFile,
    output::{print, was_missing},
    renew::document,
};
use crate::{
    client::{Ask, AskError, Client, Kind, Lease, LeaseRecord, Progress},
    program::{
        host,
        place::{Place, held},
        stop::unless_stopped,
        trouble::Outage,
        voice::{Seconds, Voice},
    },
};

/// One acquire.
#[derive(Debug)]
pub(super) struct Acquiring<'a> {
    /// Who is asked.
    pub(super) options: &'a Options,
    /// For what.
    pub(super) acquire: &'a Acquire,
    /// Tells what is going on.
    pub(super) voice: Voice,
}

impl Acquiring<'_> {
    /// Takes a slot and hands it over. On every way out without that, the place in line or the slot is given
    /// back.
    pub(super) async fn run(&self) -> Result<(), Ending> {
        let mut signals = super::signals(self.voice)?;
        let client = Client::new(self.options.servers().to_vec());
        let ending = match unless_stopped(self.lease(&client), None, &mut signals).await {
            Ok(Ok(lease)) => match signals.ended_meanwhile().await {
                None => return self.hand_over(&client, lease).await,
                Some(signal) => Ending::Signalled(signal.as_raw()),
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
    async fn lease(&self, client: &Client) -> Result<Lease, Ending> {
        match &self.acquire.lease_file {
            Some(path) => self.look_at_file(path).await?,
            None if was_missing() => {
                self.voice.say(format_args!(
                    "there is no standard output to write the lease to; open it, or use --lease-file"
                ));
                return Err(Ending::System);
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
    async fn look_at_file(&self, path: &Path) -> Result<(), Ending> {
        let old = LeaseFile::try_out(path).map_err(|error| unusable("use", path, &error, self.voice))?;
        let Some(old) = old else { return Ok(()) };
        let LeaseRecord { pool, token, .. } = &old.lease;
        match old.client(None).pool(pool).await {
            Ok(seen) if seen.state.holders.iter().any(|holder| holder.token == *token) => {
                self.voice.say(format_args!(
                    "the lease of {pool:?} in {0} is still held; release it first: \
                     distributexctl release --lease-file {0}",
                    path.display()
                ));
                Err(Ending::NoSlot)
            }
            Ok(_) | Err(AskError::OtherStore { .. }) => Ok(()),
            Err(error) if error.refusal().is_some_and(|refusal| refusal.kind == Kind::NoSuchPool) => Ok(()),
            Err(error) => {
                let ending = failed(&error, self.voice);
                let path = path.display();
                self.voice.say(format_args!("it is not known whether the lease in {path} is still held"));
                Err(ending)
            }
        }
    }

    async fn ask(&self, client: &Client, host: &str) -> Result<Lease, AskError> {
        let Acquire { pool, ttl, command_note, .. } = self.acquire;
        self.voice.note(format_args!("asking for a slot of {pool:?} as {host:?}"));
        let mut ask = Ask::new(pool, host);
        if let Some(ttl) = ttl {
            ask = ask.ttl(*ttl);
        }
        if let Some(note) = command_note {
            ask = ask.note(note);
        }
        let (mut place, mut outage) = (Place::default(), Outage::new());
        let tell = |progress: Progress<'_>| match progress {
            Progress::Waiting(line) => {
                outage = Outage::new();
                place.show(pool, line, self.voice);
            }
            Progress::Trouble { error, pause } => outage.tell(&error.to_string(), pause, self.voice),
        };
        match self.acquire.limit() {
            Some(Duration::ZERO) => client.try_acquire(&ask).await,
            Some(limit) => client.acquire_telling(&ask.within(limit), tell).await,
            None => client.acquire_telling(&ask, tell).await,
        }
    }

    /// Hands the lease over. One that nobody got would keep the slot from others, so it goes back.
    async fn hand_over(&self, client: &Client, lease: Lease) -> Result<(), Ending> {
        let lease = lease.detach();
        let handed = match &self.acquire.lease_file {
            Some(path) => LeaseFile::new(lease.clone(), self.options.servers())
                .write(path)
                .map_err(|error| unusable("write", path, &error, self.voice)),
            None => self.print(&lease).map_err(|error| {
                self.voice.say(format_args!("cannot write the lease to the standard output: {error}"));
                Ending::System
            }),
        };
        match &handed {
            Ok(()) => self.tell_end(&lease),
            Err(_) => {
                if let Err(error) = client.release(&lease.pool, &lease.id).await {
                    failed(&error, self.voice);
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
                let left = Seconds(Duration::from_secs(left.as_secs()));
                self.voice
                    .progress(format_args!("the slot of {pool:?} is held for {left} s unless it is renewed"));
            }
            None => self.voice.progress(format_args!("the slot of {pool:?} is held until it is released")),
        }
    }

    /// Ends without a slot because of this.
    fn without(&self, error: &AskError, host: &str, started: Instant) -> Ending {
        let ending = Ending::without_slot(error);
        let advice = match (self.acquire.limit(), ending) {
            (Some(Duration::ZERO), Ending::NoSlot) => " (wait for one with -w SECONDS)".to_owned(),
            (None | Some(Duration::ZERO), _) | (Some(_), Ending::Refused) => String::new(),
            (Some(_), _) => format!("; gave up after {} s (wait longer with -w)", Seconds::since(started)),
        };
        let refusal = error.refusal();
        match refusal.map(|refusal| (refusal.kind, &refusal.line)) {
            Some((Kind::PoolFull | Kind::WaitOver, Some(line))) => {
                let held = held(line, SystemTime::now());
                self.voice.say(format_args!("every slot of {:?} is held{held}{advice}", self.acquire.pool));
            }
            Some((Kind::HostNotAllowed, _)) => {
                self.voice.say(format_args!("{error} (this host is called {host:?}; --host changes that)"));
            }
            Some(_) | None => self.voice.say(format_args!("{error}{advice}")),
        }
        ending
    }
}
