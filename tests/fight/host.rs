//! A host that wants a slot, again and again.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    history::{End, Grant},
    hosts::Fight,
    link::Link,
};
use crate::faults::chance::Chance;

/// How long leases live: the pool's `expire`, which is the classic protocol's.
const TTL: Duration = Duration::from_secs(2);
/// How long leases live that are kept until they are over.
const SHORT_TTL: Duration = Duration::from_millis(600);
/// How long a host waits for a slot.
const WAIT: Duration = Duration::from_secs(1);
/// What a server may take longer than that until its host gives up and asks another one.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the place of an owner is kept at most, which goes on to another server.
const KEEPING: Duration = Duration::from_millis(200);
/// How long a host that got no slot does something else, at most.
const PAUSE: Duration = Duration::from_millis(300);
/// How long a host usually has its slot, at most, if it gives it back.
#[cfg(feature = "memcache")]
pub(super) const WORK: Duration = Duration::from_millis(4);
/// One lease in so many is not given back.
const KEPT: u64 = 150;
/// How many kinds of hosts there are: each asks in another way.
pub(super) const KINDS: usize = 4;
/// How often a host asks again if nobody knows what became of its question.
const TRIALS: usize = 5;

/// What a host asks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `/get`, again and again.
    Get,
    /// `/wait`.
    Wait,
    /// An acquire without an owner.
    Anybody,
    /// One with an owner: it goes on asking until it knows.
    Owner,
}

/// The host.
#[derive(Debug)]
pub(super) struct Host {
    /// Its number.
    number: usize,
    /// How often it asked: with the number that is its name wherever it has to be a new one.
    asked: usize,
    /// The name that it uses with the classic protocol, until nobody knows whether it holds.
    name: String,
    /// How it asks.
    way: Way,
    /// The servers.
    links: Vec<Link>,
    /// Decides.
    chance: Chance,
    /// What it is part of.
    fight: Arc<Fight>,
}

/// A slot that the host has.
#[derive(Debug)]
struct Held {
    /// What the host knows of it.
    grant: Grant,
    /// How it is renewed: v1 only.
    lease: Option<Value>,
    /// What ends it, of v1.
    release: Value,
}

impl Host {
    /// A new one.
    pub(super) fn new(number: usize, fight: Arc<Fight>, chance: Chance) -> Self {
        let way = [Way::Get, Way::Wait, Way::Anybody, Way::Owner][number % KINDS];
        let links = fight.servers.iter().map(|addr| Link::to(*addr, fight.pool_of(number))).collect();
        Self { number, asked: 0, name: format!("web{number}"), way, links, chance, fight }
    }

    /// Wants a slot until the fight is over.
    pub(super) async fn lives(mut self) {
        while !self.fight.is_over() {
            self.asked += 1;
            let held = match self.way {
                Way::Get | Way::Wait => self.gets().await,
                Way::Anybody | Way::Owner => self.acquires().await,
            };
            match held {
                Some(held) => self.holds(held).await,
                None => sleep(self.chance.up_to(PAUSE)).await,
            }
        }
    }

    /// Asks with the classic protocol.
    async fn gets(&mut self) -> Option<Held> {
        let (call, patience) = if self.way == Way::Get { ("get", TIMEOUT) } else { ("wait", WAIT) };
        let (server, asked) = (self.any_server(), Instant::now());
        match self.links[server].ask(call, &self.name, patience).await {
            Some((200, word)) if word == "YES" => Some(self.has(server, None, asked, asked, TTL)),
            Some((200, word)) if word == "NO" => None,
            Some((503, _)) | None => {
                self.name = format!("web{}-{}", self.number, self.asked); // the old one may hold now
                None
            }
            Some(other) => panic!("{other:?}"),
        }
    }

    /// Asks with v1.
    async fn acquires(&mut self) -> Option<Held> {
        let mut ask = json!({"host": format!("web{}", self.number), "patience": 0});
        let is_kept = self.chance.once_in(KEPT);
        ask["ttl"] = if is_kept { SHORT_TTL.as_secs_f64() } else { TTL.as_secs_f64() }.into();
        if !is_kept && self.chance.once_in(2) {
            ask["wait"] = WAIT.as_secs_f64().into();
        }
        if self.way == Way::Owner {
            ask["owner"] = format!("{}-{}", self.number, self.asked).into();
            ask["patience"] = self.chance.up_to(KEEPING).as_secs_f64().into();
        }
        let first = Instant::now();
        for _ in 0..TRIALS {
            let (server, asked) = (self.any_server(), Instant::now());
            match self.links[server].call("acquire", &ask, WAIT + TIMEOUT).await {
                Some((200 | 201, lease)) => {
                    let ttl = Duration::from_secs_f64(lease["expires_in"].as_f64().unwrap());
                    return Some(self.has(server, Some(lease), first, asked, ttl));
                }
                Some((423, _)) if self.way == Way::Owner => {} // its place is kept there
                Some((423 | 409, _)) => return None,
                Some((503, _)) | None if self.way == Way::Owner => sleep(self.chance.up_to(PAUSE)).await,
                Some((503, _)) | None => return None,
                Some(other) => panic!("{other:?}"),
            }
        }
        None
    }

    /// It got a slot.
    fn has(
        &self,
        server: usize,
        lease: Option<Value>,
        asked: Instant,
        counts_from: Instant,
        ttl: Duration,
    ) -> Held {
        let granted = Instant::now();
        self.fight.was_given_by(server);
        let token = lease.as_ref().map(|lease| lease["token"].as_u64().unwrap());
        let who = format!("web{}-{} of {server} by {:?}", self.number, self.asked, self.way);
        let release = match (self.way, &lease) {
            (Way::Owner, Some(lease)) if self.asked.is_multiple_of(2) => {
                json!({"host": lease["host"], "owner": format!("{}-{}", self.number, self.asked)})
            }
            (_, Some(lease)) => json!({"lease": lease["lease"]}),
            (_, None) => Value::Null,
        };
        let lease = lease.map(|lease| json!({"lease": lease["lease"], "ttl": lease["ttl"]}));
        Held { grant: Grant { who, token, asked, granted, counts_from, ttl, end: None }, lease, release }
    }

    /// Does its work, and gives the slot back: or goes away without a word.
    async fn holds(&mut self, mut held: Held) {
        let over = held.grant.counts_from + held.grant.ttl;
        let is_kept = held.grant.ttl <= SHORT_TTL;
        sleep(self.chance.up_to(if is_kept { SHORT_TTL } else { self.fight.work })).await;
        if is_kept || self.chance.once_in(4) {
            self.renews(&mut held).await;
        }
        if is_kept && held.grant.end.is_none() {
            sleep_until(over).await;
        } else if held.grant.end.is_none() {
            held.grant.end = Some(End::Released(Instant::now()));
            self.releases(&held).await;
        }
        self.fight.saw(self.number, held.grant);
    }

    /// Asks any server to let it have the slot for longer.
    async fn renews(&mut self, held: &mut Held) {
        let Some(lease) = &held.lease else { return };
        let (server, asked) = (self.any_server(), Instant::now());
        match self.links[server].call("renew", lease, TIMEOUT).await {
            Some((200, lease)) => {
                held.grant.counts_from = asked;
                held.grant.ttl = Duration::from_secs_f64(lease["expires_in"].as_f64().unwrap());
            }
            Some((410, _)) => held.grant.end = Some(End::Lost(Instant::now())),
            Some((503, _)) | None => {}
            Some(other) => panic!("{other:?}"),
        }
    }

    /// Asks any server to end the lease, until one has done it.
    async fn releases(&mut self, held: &Held) {
        for _ in 0..TRIALS {
            let server = self.any_server();
            let status = if held.lease.is_none() {
                let answer = self.links[server].ask("release", &self.name, TIMEOUT).await;
                answer.map(|(status, _)| status)
            } else {
                let answer = self.links[server].call("release", &held.release, TIMEOUT).await;
                answer.map(|(status, _)| status)
            };
            match status {
                Some(200 | 204 | 410) => return,
                Some(503) | None => sleep(self.chance.up_to(PAUSE)).await,
                Some(other) => panic!("a release was answered {other}"),
            }
        }
        self.name = format!("web{}-{}", self.number, self.asked);
    }

    fn any_server(&mut self) -> usize {
        usize::try_from(self.chance.number() % self.links.len() as u64).unwrap()
    }
}
