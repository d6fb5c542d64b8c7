//! Getting a slot: by a lease, or the classic way from a server that knows no other.

use std::time::SystemTime;

use tokio::{select, time::Instant};

use super::{
    Ending, Options,
    classic::Acquire,
    place::{Place, held},
    signals::Signals,
    slot::Slot,
    stop::{Stop, unless_stopped},
    trouble::Outage,
    voice::{Seconds, Voice},
};
use crate::client::{Ask, AskError, Classic, Client, Kind, Lease, Progress, Refusal, Server};

/// The shortest life of a lease that leaves time to stop the command before it is over.
pub(super) const SHORTEST_TTL: u64 = 2;

/// Getting a slot for one run.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    /// What is wanted.
    pub(super) options: &'a Options,
    /// What this host is called.
    pub(super) host: &'a str,
    /// Tells what is going on.
    pub(super) voice: Voice,
    /// When it began.
    pub(super) started: Instant,
}

impl Asking<'_> {
    /// Comes back with a slot, or with the way the run ends.
    pub(super) async fn run(&self, signals: &mut Signals) -> Result<Slot, Ending> {
        let Options { servers, pool, .. } = self.options;
        let (voice, host) = (self.voice, self.host);
        voice.note(format_args!("asking {} for a slot of {pool:?} as {host:?}", listed(servers)));
        let slot = match self.lease(signals).await? {
            Ok(lease) => Slot::of_lease(lease, pool, host),
            Err(server) => self.classic(server, signals).await?,
        };
        voice.note(format_args!("got a slot of {pool:?} after {} s", Seconds(slot.waited)));
        Ok(slot)
    }

    /// Asks for a lease; a server that knows none is the inner error.
    async fn lease(&self, signals: &mut Signals) -> Result<Result<Lease, Server>, Ending> {
        let client = Client::new(self.options.servers.clone());
        let came = unless_stopped(self.ask(&client), None, signals).await;
        let ending = match came {
            Ok(Ok(lease)) if is_too_short(&lease) => self.too_short(lease).await,
            Ok(Ok(lease)) => return Ok(Ok(lease)),
            Ok(Err(AskError::NoV1 { server })) => return Ok(Err(server)),
            Ok(Err(error)) => self.without(&error),
            Err(Stop::Signal(signal)) => Ending::Signalled(signal.as_raw()),
            Err(Stop::Over) => Ending::NoSlot(self.options.conflict_status),
        };
        select! {
            () = client.settled() => {} // the place, or a slot that was on its way, is given back
            _ = signals.next_end() => {} // told twice: at once
        }
        Err(ending)
    }

    async fn ask(&self, client: &Client) -> Result<Lease, AskError> {
        let Options { pool, ttl, wait, note, .. } = self.options;
        let mut ask = Ask::new(pool, self.host).ttl(*ttl);
        if let Some(note) = note {
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
        match wait {
            Some(limit) if limit.is_zero() => client.try_acquire(&ask).await,
            Some(limit) => client.acquire_telling(&ask.within(*limit), tell).await,
            None => client.acquire_telling(&ask, tell).await,
        }
    }

    async fn classic(&self, server: Server, signals: &mut Signals) -> Result<Slot, Ending> {
        self.voice
            .note(format_args!("{server} speaks the classic protocol only: the slot cannot be renewed"));
        let asker = Classic { server, host: self.host.to_owned(), pool: self.options.pool.clone() };
        let acquire =
            Acquire { asker: &asker, options: self.options, voice: self.voice, started: self.started };
        let waited = acquire.run(signals).await?;
        Ok(Slot::of_host(asker, waited))
    }

    /// Gives a lease back that would be over before the command could be stopped.
    async fn too_short(&self, lease: Lease) -> Ending {
        self.voice.say(format_args!(
            "{} gives leases of {:?} for less than {SHORTEST_TTL} s, too short to stop a command in time; \
             raise the pool's expire",
            lease.server(),
            self.options.pool
        ));
        drop(lease);
        Ending::Refused
    }

    /// Ends without a slot because of this.
    fn without(&self, error: &AskError) -> Ending {
        let ending = Ending::without(error, self.options.conflict_status);
        let advice = match (self.options.wait, ending) {
            (_, Ending::Refused) | (None, _) => String::new(),
            (Some(limit), Ending::NoSlot(_)) if limit.is_zero() => {
                " (wait for one with -w SECONDS)".to_owned()
            }
            (Some(limit), _) if limit.is_zero() => String::new(),
            (Some(_), _) => {
                format!("; gave up after {} s (wait longer with -w)", Seconds::since(self.started))
            }
        };
        let (pool, host) = (&self.options.pool, self.host);
        match error.refusal() {
            Some(Refusal { kind: Kind::PoolFull | Kind::WaitOver, line: Some(line), .. }) => {
                let held = held(line, SystemTime::now());
                self.voice.say(format_args!("every slot of {pool:?} is held{held}{advice}"));
            }
            Some(Refusal { kind: Kind::HostNotAllowed, .. }) => {
                self.voice.say(format_args!("{error} (this host is called {host:?}; --host changes that)"));
            }
            Some(_) | None => self.voice.say(format_args!("{error}{advice}")),
        }
        ending
    }
}

fn is_too_short(lease: &Lease) -> bool {
    lease.ttl().is_some_and(|ttl| ttl.as_secs() < SHORTEST_TTL)
}

fn listed(servers: &[Server]) -> String {
    servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
