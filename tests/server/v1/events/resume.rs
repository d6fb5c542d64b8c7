//! Which events are read: of which pools, and from where on.

use serde_json::json;

use super::{
    super::{look, read},
    Stream, Told,
};
use crate::{
    support::{ONE_SLOT, Server},
    wrapper::run::folder,
};

/// So many leases of `pool1` come and go: two events each.
fn cycles(server: &Server, count: usize) {
    let mut client = server.connect();
    for n in 0..count {
        assert_eq!(client.ask(&format!("/get?host=h{n}&pool=pool1")).1, "YES");
        assert_eq!(client.ask(&format!("/release?host=h{n}&pool=pool1")).1, "OK");
    }
}

fn many(events: &mut Stream, count: usize) -> Vec<Told> {
    (0..count).map(|_| events.next().unwrap()).collect()
}

#[test]
fn who_comes_back_gets_exactly_what_it_missed_in_order() {
    let server = Server::start(ONE_SLOT);
    let mut first = Stream::of(&server, "");
    cycles(&server, 3);
    let told = many(&mut first, 6);

    for (seen, event) in told.iter().enumerate() {
        let mut again = Stream::after(&server, &event.id);
        assert_eq!(many(&mut again, 5 - seen), told[seen + 1..]);
        assert!(again.is_silent());
    }

    // As a parameter, too; and the header counts, which is later than what the page's address says.
    let query = format!("?last_event_id={}", told[0].id);
    assert_eq!(many(&mut Stream::of(&server, &query), 5), told[1..]);
    let both = Stream::with(&server, &query, &format!("Last-Event-ID: {}\r\n", told[5].id));
    assert!(both.is_silent());
    cycles(&server, 1);
    let mut again = Stream::after(&server, &told[5].id);
    assert_eq!(again.words(2), ["granted h0", "released h0"]);
}

#[test]
fn who_names_an_event_that_is_not_known_is_told_so_first_and_goes_on_from_there() {
    let server = Server::start(&format!("event_buffer: 4\n{ONE_SLOT}"));
    let mut old = Stream::of(&server, "");
    cycles(&server, 1);
    let told = many(&mut old, 2);
    let (name, _) = told[0].id.split_once('-').unwrap();
    cycles(&server, 2); // of six events, the last four are kept: the second is the last id that lacks nothing

    for id in [
        told[0].id.clone(),
        "garbage".to_owned(),
        "-".to_owned(),
        format!("{name}-"),
        format!("{name}--1"),
        format!("{name}-7"), // has not happened yet
        format!("{name}-18446744073709551615"),
        format!("{name}-99999999999999999999999"),
        "0000000000000000-3".to_owned(), // of another server
        "\u{e9}\u{e9}".to_owned(),
        "x".repeat(4000),
    ] {
        let mut events = Stream::after(&server, &id);
        let missed = events.next().unwrap();
        assert_eq!(missed.event, "missed", "{id}");
        assert!(Stream::after(&server, &missed.id).is_silent(), "{id}");
        assert!(events.is_silent(), "{id}");
    }
    assert_eq!(Stream::of(&server, "?last_event_id=%ff").next().unwrap().event, "missed");
    assert_eq!(Stream::after(&server, &told[1].id).next().unwrap().event, "granted");

    let mut events = Stream::after(&server, "garbage");
    let missed = events.next().unwrap();
    cycles(&server, 1);
    assert_eq!(events.words(2), ["granted h0", "released h0"]);
    assert_eq!(Stream::after(&server, &missed.id).words(2), ["granted h0", "released h0"]);
}

#[test]
fn an_empty_id_is_none() {
    let server = Server::start(ONE_SLOT);
    cycles(&server, 1);

    for (query, head) in [("", "Last-Event-ID:\r\n"), ("?last_event_id=", ""), ("?last_event_id", "")] {
        let mut events = Stream::with(&server, query, head);
        assert!(events.is_silent());
        cycles(&server, 1);
        assert_eq!(events.words(2), ["granted h0", "released h0"]);
    }
}

#[test]
fn only_events_of_the_pools_that_were_asked_for_are_told() {
    let server = Server::start("pools: [{name: pool1}, {name: 'a/b c'}, {name: ä}]");
    let asked = |query: &str| Stream::of(&server, query);
    let (mut one, mut two, mut all) =
        (asked("?pool=pool1"), asked("?pool=a%2fb+c&pool=%C3%A4&x=y&pool=%c3%a4"), asked("?x=pool1"));

    for pool in ["%C3%A4", "pool1", "a/b%20c"] {
        assert_eq!(server.word(&format!("/get?host=ann&pool={pool}")), "YES");
    }

    let pools = |events: &mut Stream, count: usize| -> Vec<String> {
        let told = many(events, count);
        assert!(events.is_silent());
        told.iter().map(|told| told.data["pool"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(pools(&mut all, 3), ["ä", "pool1", "a/b c"]);
    assert_eq!(pools(&mut one, 1), ["pool1"]);
    assert_eq!(pools(&mut two, 2), ["ä", "a/b c"]);
}

#[test]
fn a_pool_that_nobody_knows_is_refused_whoever_else_is_asked_for() {
    let server = Server::start(ONE_SLOT);
    let long = format!("?pool={}", "x".repeat(5000));
    for query in ["?pool=none", "?pool=pool1&pool=none", "?pool=", "?pool=%ff", "?pool=a%00b", &long] {
        let refused = look(&server, &format!("/v1/events{query}"));
        assert_eq!(refused.refusal(), (404, "no_such_pool"), "{query}");
    }
}

#[test]
fn without_events_there_is_no_stream_and_nothing_else_is_missing() {
    let server = Server::start(&format!("event_buffer: 0\n{ONE_SLOT}"));
    for path in ["/v1/events", "/v1/events?pool=pool1", "/v1/events?pool=none"] {
        assert_eq!(look(&server, path).refusal(), (404, "not_found"), "{path}");
    }
    cycles(&server, 1);
    assert_eq!(look(&server, "/v1/pools/pool1/history").body["runs"].as_array().unwrap().len(), 1);
    assert!(server.get("/metrics").1.contains("distributex_grants_total{pool=\"pool1\"} 1\n"));
}

#[test]
fn other_methods_are_refused_and_head_tells_what_a_get_would() {
    let server = Server::start(ONE_SLOT);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let mut client = server.connect();
        client.send_raw(&format!("{method} /v1/events HTTP/1.1\r\nHost: test\r\n\r\n"));
        let refused = read(&mut client, method, "/v1/events");
        assert_eq!(refused.refusal(), (405, "method_not_allowed"), "{method}");
    }
    let head = |path: &str| {
        let mut client = server.connect();
        client.send_raw(&format!("HEAD {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
        client.rest()
    };
    for path in ["/v1/events", "/v1/events/", "/v1/events?pool=pool1&last_event_id=x"] {
        let answer = head(path);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(answer.contains("content-type: text/event-stream\r\n"), "{answer}");
        assert!(!answer.contains("content-length"), "{answer}");
    }
    assert!(head("/v1/events?pool=none").starts_with("HTTP/1.1 404 "));
    assert!(server.get("/metrics").1.contains("distributex_event_readers 0\n"));
}

#[test]
fn an_id_of_before_a_restart_is_not_known_even_if_leases_are() {
    let state = format!("state_dir: {}\n{ONE_SLOT}", folder().join("state").display());
    let mut server = Server::start(&state);
    let mut events = Stream::of(&server, "");
    cycles(&server, 1);
    let told = events.next().unwrap();
    server.signal(rustix::process::Signal::TERM);
    server.end();

    let server = Server::start(&state);

    assert_eq!(
        Stream::after(&server, &told.id).tells("missed")["message"].as_str().map(str::is_empty),
        Some(false)
    );
    assert_eq!(look(&server, "/v1/pools/pool1/history").body["runs"], json!([]));
}

#[test]
fn a_pool_that_is_asked_for_a_thousand_times_is_told_of_once() {
    let server = Server::start(ONE_SLOT);
    let mut events = Stream::of(&server, &format!("?{}", "pool=pool1&".repeat(1000)));

    cycles(&server, 1);

    assert_eq!(events.words(2), ["granted h0", "released h0"]);
    assert!(events.is_silent());
}
