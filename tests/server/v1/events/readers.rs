//! Readers: how many there may be, and how they come and go.

use std::{io::Write as _, time::Duration};

use rustix::process::Signal;
use serde_json::json;

use super::{
    super::{call, held_by_ann, look, parked, read},
    Stream,
};
use crate::support::{Client, ONE_SLOT, Server, eventually, post};

/// How many read, as the server counts them.
pub(super) fn readers(server: &Server) -> usize {
    let (_, numbers) = server.get("/metrics");
    let line = numbers.lines().find_map(|line| line.strip_prefix("distributex_event_readers "));
    line.unwrap().parse().unwrap()
}

#[test]
fn a_reader_that_hangs_up_is_forgotten_however_it_does() {
    let ends: [fn(&Stream); 3] = [
        |_| {},
        |events| {
            let socket = socket2::SockRef::from(events.client().stream());
            socket.set_linger(Some(Duration::ZERO)).unwrap();
        },
        |events| events.client().half_close(),
    ];
    for end in ends {
        let server = Server::start(ONE_SLOT);
        let (goes, stays) = (Stream::of(&server, ""), Stream::of(&server, ""));
        assert_eq!(readers(&server), 2);

        end(&goes);
        drop(goes);

        eventually(|| readers(&server) == 1);
        assert!(stays.is_silent());
    }
}

#[test]
fn a_stop_ends_all_streams_and_their_connections_and_nobody_reads_from_then_on() {
    let mut server = Server::start(ONE_SLOT);
    held_by_ann(&server);
    let (one, two) = (Stream::of(&server, ""), Stream::of(&server, "?pool=pool1&last_event_id=x"));
    let mut bob = parked(&server, &json!({"host": "bob", "wait": 30}));
    let mut late = server.connect();
    late.ask("/nothing");

    server.signal(Signal::TERM);
    assert_eq!(super::super::answer(&mut bob).refusal(), (503, "draining"));
    late.send("/v1/events");

    assert_eq!(read(&mut late, "GET", "/v1/events").refusal(), (503, "draining"));
    one.end();
    two.end();
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn above_a_thousand_readers_one_more_is_refused_until_one_goes() {
    let server = Server::start(ONE_SLOT);
    let mut all: Vec<_> = (0..1000).map(|_| Stream::of(&server, "")).collect();

    let refused = look(&server, "/v1/events");
    assert_eq!(refused.refusal(), (429, "too_many_readers"));
    assert!(!refused.head.contains("\r\nconnection: close\r\n"));
    assert_eq!(readers(&server), 1000);

    // All are told, and pools are served meanwhile.
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    for events in &mut all {
        assert_eq!(events.words(1), ["granted ann"]);
    }
    all.pop();
    eventually(|| readers(&server) == 999);
    let mut one_more = Stream::of(&server, "");
    assert_eq!(server.word("/release?host=ann&pool=pool1"), "OK");
    assert_eq!(one_more.words(1), ["released ann"]);
}

#[test]
fn what_is_sent_behind_the_request_is_not_answered_and_much_of_it_ends_the_stream() {
    let server = Server::start(ONE_SLOT);
    let mut events = Stream::of(&server, "");
    events.client.send("/get?host=ann&pool=pool1");
    server.round_trip();
    assert!(events.is_silent());
    assert_eq!(server.word("/get?host=bob&pool=pool1"), "YES");
    assert_eq!(events.words(1), ["granted bob"]);

    events.client.send_raw(&"GET /get?host=ann&pool=pool1 HTTP/1.1\r\nHost: test\r\n\r\n".repeat(180));

    eventually(|| readers(&server) == 0);
}

#[test]
fn all_that_a_socket_holds_behind_it_in_one_burst_ends_the_stream() {
    let server = Server::start(ONE_SLOT);
    let get = "GET /get?host=ann&pool=pool1 HTTP/1.1\r\nHost: test\r\n";
    for behind in [format!("{get}\r\n").repeat(40_000), format!("{get}X: {}", "x".repeat(2_000_000))] {
        let mut client = server.connect();
        client.ask("/nothing");

        // All of it is there before the server has seen the request.
        server.freeze();
        client.send("/v1/events");
        client.stream().set_nonblocking(true).unwrap();
        let sent = client.stream().write(behind.as_bytes()).unwrap();
        client.stream().set_nonblocking(false).unwrap();
        server.signal(Signal::CONT);

        assert!(sent > 200_000, "only {sent} bytes: less than the dispatcher's buffer");
        client.rest();
        eventually(|| readers(&server) == 0);
    }
}

#[test]
fn a_body_that_never_ends_behind_it_ends_the_stream() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();
    client.send_raw("GET /v1/events HTTP/1.1\r\nHost: test\r\nContent-Length: 100000000\r\n\r\n");
    let mut stream = client.stream();
    let _ = stream.write_all(&vec![b'x'; 4_000_000]); // fails when the server closes

    client.rest();

    eventually(|| readers(&server) == 0);
}

#[test]
fn a_body_that_nobody_wants_does_no_harm() {
    let server = Server::start(ONE_SLOT);
    let mut client: Client = server.connect();
    client.send_raw("GET /v1/events HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello");
    let mut events = Stream::begun(client);

    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");

    assert_eq!(events.words(1), ["granted ann"]);
}

#[test]
fn a_stream_may_follow_other_requests_on_its_connection() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();
    let acquire = post("/v1/pools/pool1/acquire", r#"{"host": "ann"}"#);
    client.send_raw(&format!("{acquire}GET /v1/events HTTP/1.1\r\nHost: test\r\n\r\n"));
    super::super::answer(&mut client).granted();

    let mut events = Stream::begun(client);

    assert_eq!(call(&server, "pool1/renew", &json!({"lease": "0".repeat(32)})).status, 410);
    assert_eq!(events.words(1), ["renewal_refused"]);
}
