//! Two hosts that want the same slot again and again, each behind a network of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    TTL,
    chance::Chance,
    network::{Network, State},
    witness::Witness,
};
use crate::wrapper::run::{eventually, folder, kill_with_children};

/// A network that fails for so long may cost a slot, or not.
const MAX_FAULT: Duration = Duration::from_millis(2500);
/// What every other command does: it goes on until its slot is lost, and not all of it heeds TERM.
const LONG: &str = "(trap '' TERM; exec sleep 60) & sleep 60; wait";
/// What the others do.
const SHORT: &str = "sleep 0.2";

/// A host that runs its wrapper again and again.
struct Host<N> {
    /// What it is called.
    name: &'static str,
    /// Its way to the server.
    network: N,
    /// The wrapper that runs now.
    wrapper: Child,
    /// What all of them say.
    said: PathBuf,
    /// How many there were before this one. Every second one runs long.
    runs: usize,
    /// How many of them lost their slot.
    lost: usize,
}

/// Both of them.
pub(super) struct Fight<N> {
    /// Who fights.
    hosts: [Host<N>; 2],
    /// Watches them.
    witness: Witness,
    /// Decides.
    chance: Chance,
}

impl<N: Network> Host<N> {
    fn start(name: &'static str, network: N, witness: &Witness) -> Self {
        let said = folder().join("said");
        let wrapper = run(&network, name, 0, &said, witness);
        Self { name, network, wrapper, said, runs: 0, lost: 0 }
    }

    /// Starts the next wrapper if the last one has ended.
    fn go_on(&mut self, witness: &Witness) {
        let Some(status) = self.wrapper.try_wait().unwrap() else { return };
        match status.code() {
            Some(0) => {}
            Some(79) => self.lost += 1,
            Some(_) | None => panic!("{status}: {}", fs::read_to_string(&self.said).unwrap()),
        }
        self.runs += 1;
        self.wrapper = run(&self.network, self.name, self.runs, &self.said, witness);
    }

    /// Whether the wrapper that runs now is this one.
    fn runs(&self, command: &str) -> bool {
        command == command_name(self.name, self.runs)
    }
}

impl<N> Drop for Host<N> {
    fn drop(&mut self) {
        kill_with_children(&mut self.wrapper);
    }
}

/// Starts a wrapper.
fn run(network: &impl Network, host: &str, number: usize, said: &Path, witness: &Witness) -> Child {
    let script = if is_long(number) { LONG } else { SHORT };
    let said = File::options().create(true).append(true).open(said).unwrap();
    let mut command = network.wrapper(host);
    command.env(TTL.0, TTL.1).arg(witness.watches(&command_name(host, number), script));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap()
}

fn is_long(number: usize) -> bool {
    number.is_multiple_of(2)
}

fn command_name(host: &str, number: usize) -> String {
    format!("{host}-{number}")
}

impl<N: Network> Fight<N> {
    /// It begins.
    pub(super) fn start(networks: [N; 2]) -> Self {
        let (witness, [one, other]) = (Witness::new(), networks);
        let hosts = [Host::start("ann", one, &witness), Host::start("bob", other, &witness)];
        Self { hosts, witness, chance: Chance::new() }
    }

    /// One of them runs, and is cut off until its slot is lost and the other one runs. The other one has its
    /// troubles, too.
    pub(super) fn round(&mut self) {
        self.until("somebody runs long", |fight| fight.runs_long().is_some());
        let holder = self.runs_long().unwrap();
        let lost = self.hosts[holder].lost;

        let state = self.chance.one_of([State::Silent, State::Broken]);
        self.hosts[holder].network.becomes(state);
        self.trouble(1 - holder);
        self.until("the slot is lost", |fight| fight.hosts[holder].lost > lost);
        self.until("the other one runs", |fight| fight.last_is_of(1 - holder));
        self.hosts[holder].network.becomes(State::Whole);

        let either = self.chance.one_of([0, 1]);
        self.trouble(either);
    }

    /// Nothing forbidden has happened in so many rounds, though a slot was lost in each.
    pub(super) fn was_fair(self, rounds: usize) {
        self.witness.saw_no_overlap();
        let lost: usize = self.hosts.iter().map(|host| host.lost).sum();
        assert!(lost >= rounds && self.witness.started().len() > rounds, "only {lost} slots were lost");
    }

    /// This host's network fails for a moment, or does not.
    fn trouble(&mut self, host: usize) {
        let state = self.chance.one_of([State::Whole, State::Silent, State::Broken]);
        let over = Instant::now() + self.chance.up_to(MAX_FAULT);
        self.hosts[host].network.becomes(state);
        self.until("the trouble is over", |_| Instant::now() >= over);
        self.hosts[host].network.becomes(State::Whole);
    }

    /// Lets them fight until this is so.
    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        eventually(what, || {
            self.hosts.iter_mut().for_each(|host| host.go_on(&self.witness));
            is_so(self)
        });
    }

    /// Who has a command that ends only with its slot.
    fn runs_long(&self) -> Option<usize> {
        let last = self.witness.started().pop()?.name;
        self.hosts.iter().position(|host| host.runs(&last) && is_long(host.runs))
    }

    /// Whether the last who started was this one.
    fn last_is_of(&self, host: usize) -> bool {
        let last = self.witness.started().pop();
        last.is_some_and(|last| last.name.starts_with(self.hosts[host].name))
    }
}
