//! Lease ids and owners are told to nobody but their holder.

use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;

use super::{answer, call, events::Stream, look, parked};
use crate::support::{ONE_SLOT, Server};

/// All that this project's own crates have to say.
const LOUD: &str = "info,distributex=trace,distributex_actors=trace,distributex_config=trace";

#[test]
fn secrets_are_in_no_log_no_error_no_state_no_event_and_no_answer_to_others() {
    let mut server =
        Server::start_with(ONE_SLOT, |command| command.env("RUST_LOG", LOUD).stderr(Stdio::piped()));
    let mut told = String::new();
    let mut events = Stream::of(&server, "");

    let ann =
        call(&server, "pool1/acquire", &json!({"host": "ann", "owner": "owner-of-ann", "command": "x"}));
    let bob = json!({"host": "bob", "owner": "owner-of-bob", "wait": 30});
    let mut older = parked(&server, &bob);
    let mut newer = parked(&server, &bob);
    told += &answer(&mut older).body.to_string();
    for ask in [
        json!({"host": "cid"}),
        json!({"host": "cid", "owner": "owner-of-cid", "patience": 30}),
        json!({"host": "cid", "owner": ["owner-of-cid"]}),
        json!({"host": "cid", "owner": "owner-of-cid\n"}),
        json!({"host": "cid", "owner": "owner-of-cid".repeat(30)}),
        json!({"host": "", "owner": "owner-of-cid"}),
    ] {
        told += &call(&server, "pool1/acquire", &ask).body.to_string();
    }
    for wrong in [json!({"lease": "owner-of-cid"}), json!({"lease": ["owner-of-cid"]})] {
        told += &call(&server, "pool1/renew", &wrong).body.to_string();
        told += &call(&server, "pool1/release", &wrong).body.to_string();
    }
    for path in ["/v1/pools", "/v1/pools/pool1", &format!("/v1/pools/pool1/holders/{}", ann.body["token"])] {
        told += &look(&server, path).body.to_string();
    }
    call(&server, "pool1/renew", &json!({"lease": ann.granted()}));
    call(&server, "pool1/release", &json!({"lease": ann.granted()}));
    let bob = answer(&mut newer);
    told += &call(&server, "pool1/renew", &json!({"lease": ann.granted()})).body.to_string();
    told += &look(&server, "/v1/pools/pool1/history").body.to_string();
    told += &server.get("/metrics").1;
    while !told.contains("renewal_refused") || !told.contains("queued") {
        told += &format!("{:?}", events.next());
    }
    assert!(told.contains("released"), "{told}");

    server.signal(Signal::TERM);
    let log = server.log_to_end();

    assert!(log.contains("parked pool=pool1") && log.contains("granted pool=pool1"), "{log}");
    for secret in ["owner-of", ann.granted(), bob.granted()] {
        assert!(!log.contains(secret), "{log}");
        assert!(!told.contains(secret), "{told}");
    }
}
