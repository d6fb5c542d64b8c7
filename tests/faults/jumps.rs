//! Wall clocks that jump by a day, as when somebody sets them: leases live as long as before.

use std::{process::Command, time::Duration};

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{LEASE, ONE_SLOT, TTL, clock::Clock, pair::Pair, pass};
use crate::support::{Client, Server};

/// A command of a wrapper whose clock is wrong need not be misled itself.
const RIGHTLY: &str = "unset LD_PRELOAD; ";

/// Says something about pool `p`, and does not wait for an answer.
fn tell(server: &Server, call: &str, body: &Value) -> Client {
    let mut client = server.connect();
    client.post(&format!("/v1/pools/p/{call}"), &body.to_string());
    client
}

/// The answer, which is a lease.
fn lease(client: &mut Client) -> Value {
    let (status, body) = client.answer();
    assert!(status == 200 || status == 201, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Checks that a lease of two seconds, which just began, has its time; and tells how wrong its server's clock is.
fn error_of_clock(lease: &Value) -> f64 {
    let left = lease["expires_in"].as_f64().unwrap();
    assert!(left > 1.0 && left <= 2.0, "{lease}");
    let end: jiff::Timestamp = lease["expires_at"].as_str().unwrap().parse().unwrap();
    end.duration_since(jiff::Timestamp::now()).as_secs_f64() - left
}

#[test]
fn the_leases_of_a_server_live_as_long_as_before() {
    const DAY: f64 = 86_400.0;
    let clock = Clock::new();
    let server = &clock.server(ONE_SLOT).0;
    let ann = lease(&mut tell(server, "acquire", &json!({"host": "ann", "ttl": 60})));
    let mut bob = tell(server, "acquire", &json!({"host": "bob", "wait": 60, "ttl": 60}));
    let mut renewed = Instant::now();

    for (jump, days) in [("+1d", 1.0), ("-1d", -1.0), ("+1d", 1.0)] {
        clock.is_wrong_by(jump);
        renewed = Instant::now();
        let ann = lease(&mut tell(server, "renew", &json!({"lease": ann["lease"], "ttl": 2})));
        assert!((error_of_clock(&ann) - days * DAY).abs() < 60.0, "{ann}");
    }
    clock.is_wrong_by("-1d");

    let bob = lease(&mut bob);
    assert!(renewed.elapsed() >= Duration::from_secs(2), "not early");
    assert!(bob["token"].as_u64() > ann["token"].as_u64());
}

#[test]
fn tokens_rise_over_a_restart_if_the_clock_was_set_back_by_less_than_that_took() {
    let clock = Clock::new();
    let token = || {
        let server = clock.server(ONE_SLOT);
        lease(&mut tell(&server.0, "acquire", &json!({"host": "ann"})))["token"].as_u64()
    };
    let before = token();

    pass(Duration::from_secs(1));
    clock.is_wrong_by("-0.9");

    assert!(token() > before);
}

#[test]
fn a_wrapper_keeps_its_slot() {
    let clock = Clock::new();
    let misled = |command: &mut Command| {
        clock.given_to(command).env(TTL.0, "6");
    };
    let mut pair = Pair::start_with(&format!("{RIGHTLY}sleep 7"), misled);

    for jump in ["+1d", "-1d", "+1d"] {
        clock.is_wrong_by(jump);
        pass(Duration::from_millis(2200)); // a renewal comes every two seconds
    }

    assert_eq!(pair.ann.end(), (0, String::new()));
    pair.bob_is_next();
}

#[test]
fn a_wrapper_stops_its_command_in_time() {
    for jump in ["+1d", "-1d"] {
        let clock = Clock::new();
        let misled = |command: &mut Command| {
            clock.given_to(command);
        };
        let mut pair = Pair::start_with(&format!("{RIGHTLY}trap '' TERM; sleep 60 & wait; wait"), misled);

        pair.server.freeze();
        clock.is_wrong_by(jump);
        pass(LEASE);
        pair.server.signal(Signal::CONT);

        pair.bob_is_next();
        assert_eq!(pair.ann.end().0, 79);
    }
}
