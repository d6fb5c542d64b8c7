//! A memcached that stood still: its own clock did, too, and goes on a moment later than its answers.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{memcached::Memcached, pass};
use crate::member::{Member, json_of};
use crate::{support::Client, wrapper::run::eventually};

/// How often it is tried, all at once: in each of them it happens or not.
const TRIALS: usize = 4;
/// How long the lease lives.
const TTL: Duration = Duration::from_secs(1);
/// So long that an entry written with the time of the begin is over at the end.
const PAUSE: Duration = Duration::from_millis(3500);
/// For so long a question waits for the end of the pause: less than a server waits for the answer.
const QUESTION: Duration = Duration::from_millis(300);

/// A memcached and two servers that know it already.
struct Trial {
    memcached: Memcached,
    one: Member,
    other: Member,
    /// Held by `ann`.
    lease: Value,
}

impl Trial {
    fn start() -> Self {
        let memcached = Memcached::start();
        let start =
            || Member::start(memcached.addr(), "memcache: {timeout: 5}\npools: [{name: p, expire: 300}]");
        let (one, other) = (start(), start());
        let lease = one.gives("ann", "o");
        assert_eq!(other.renew(&lease).0, 200);
        assert_eq!(one.renew(&lease).0, 200);
        Self { memcached, one, other, lease }
    }

    /// Sends this, and does not wait for the answer.
    fn say(&self, call: &str, body: &Value) -> Client {
        let mut client = self.one.server().connect();
        client.post(&format!("/v1/pools/p/{call}"), &body.to_string());
        client
    }

    /// When the other server gives the slot to somebody.
    fn given_on(&self) -> Instant {
        let bob = json!({"host": "bob"});
        eventually("the slot is given on", || self.other.call("acquire", &bob).0 == 201);
        Instant::now()
    }
}

/// Stops all of them for a while, towards the end of which `question` is asked; nobody else gets what it brought
/// before its time is over.
fn paused(trials: &[Trial], question: impl Fn(&Trial) -> Client) {
    trials.iter().for_each(|trial| trial.memcached.freeze());
    pass(PAUSE);
    let asked = Instant::now();
    let clients: Vec<_> = trials.iter().map(question).collect();
    pass(QUESTION);
    trials.iter().for_each(|trial| trial.memcached.thaw());

    for (trial, mut client) in trials.iter().zip(clients) {
        let (status, answer) = json_of(client.answer());
        if status == 503 {
            continue; // nothing is promised
        }
        assert!(status == 200 || status == 201, "{answer}");
        let given_on = trial.given_on();
        assert!(given_on >= asked + TTL, "given on {:?} after it was asked for", given_on - asked);
    }
}

#[test]
fn a_lease_that_is_given_when_it_goes_on_has_its_time() {
    let trials = [(); TRIALS].map(|()| Trial::start());
    for trial in &trials {
        assert_eq!(trial.one.release(&trial.lease).0, 204);
    }

    paused(&trials, |trial| trial.say("acquire", &json!({"host": "ann", "ttl": TTL.as_secs()})));
}

#[test]
fn a_lease_that_is_renewed_when_it_goes_on_has_its_time() {
    let trials = [(); TRIALS].map(|()| Trial::start());

    paused(&trials, |trial| {
        trial.say("renew", &json!({"lease": trial.lease["lease"], "ttl": TTL.as_secs()}))
    });
}
