//! One client cannot take the service from the others.

use std::{
    io::{ErrorKind, Write as _},
    process::Command,
    time::Duration,
};

use rustix::process::Signal;

use crate::support::{Client, ONE_SLOT, Server, file_with};

#[test]
fn above_max_waiters_a_wait_is_refused_at_once() {
    let server = Server::start("pools: [{name: pool1, max_waiters: 2}]");
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let _bob = server.waiting("bob", "pool1");
    let _cid = server.waiting("cid", "pool1");

    assert_eq!(server.get("/wait?host=dan&pool=pool1"), (503, "NO".to_owned()));
    assert_eq!(server.word("/wait?host=ann&pool=pool1"), "YES");
    assert_eq!(server.word("/get?host=dan&pool=pool1"), "NO");
}

/// The server under `ulimit -n 200`.
fn with_few_files() -> Server {
    let config = file_with("pools: [{name: one}, {name: two}]");
    let script = r#"ulimit -n 200; exec "$0" -c "$1" --listen 127.0.0.1:0"#;
    let program = env!("CARGO_BIN_EXE_distributexd");
    Server::spawn(Command::new("/bin/sh").arg("-c").arg(script).arg(program).arg(config))
}

#[test]
fn when_waits_hold_most_descriptors_a_holder_can_still_connect_and_release() {
    let server = with_few_files();
    for pool in ["one", "two"] {
        assert_eq!(server.word(&format!("/get?host=ann&pool={pool}")), "YES");
    }
    let mut waiters: Vec<_> = (0..300)
        .map(|n| server.waiting(&format!("host{n}"), if n % 2 == 0 { "one" } else { "two" }))
        .collect();

    let refused: Vec<_> = waiters.split_off(200).into_iter().map(|mut client| client.rest()).collect();
    assert_eq!(server.word("/release?host=ann&pool=one"), "OK");

    assert_eq!(waiters[0].answer().1, "YES");
    assert!(refused.iter().all(|rest| rest.starts_with("HTTP/1.1 503 ") && rest.ends_with("NO")));
}

#[test]
fn when_idle_connections_hold_most_descriptors_others_are_still_served() {
    let server = with_few_files();

    let heads: Vec<_> = (0..300)
        .map(|n| {
            let mut client = server.connect();
            client.send(&format!("/get?host=host{n}&pool=one"));
            let (head, _) = client.whole_answer();
            (head, client)
        })
        .collect();

    let is_closed = |(head, _): &(String, Client)| head.contains("connection: close\r\n");
    assert!(!is_closed(&heads[0]) && is_closed(&heads[299]));
}

#[test]
fn megabytes_behind_a_parked_wait_end_the_connection_and_the_wait() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let more = "GET /get?host=bob&pool=pool1 HTTP/1.1\r\nHost: test\r\n\r\n".repeat(40_000);

    let mut bob = server.connect();
    bob.send("/wait?host=bob&pool=pool1");
    let mut stream = bob.stream();
    let _ = stream.write_all(more.as_bytes()); // fails when the server closes

    assert_eq!(bob.rest(), "");
    server.round_trip();
    server.word("/release?host=ann&pool=pool1");
    assert_eq!(server.word("/get?host=cid&pool=pool1"), "YES");
}

#[test]
fn a_little_more_than_a_buffer_behind_a_parked_wait_ends_it_too() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let mut bob = server.waiting("bob", "pool1");

    bob.send_raw(&"GET /get?host=bob&pool=pool1 HTTP/1.1\r\nHost: test\r\n\r\n".repeat(180));

    assert_eq!(bob.rest(), "");
}

#[test]
fn a_wait_and_all_that_a_socket_holds_behind_it_in_one_burst_is_cut_off() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let mut bob = server.connect();
    bob.ask("/nothing");

    // All of it is there before the server has seen the wait.
    server.freeze();
    bob.send("/wait?host=bob&pool=pool1");
    bob.stream().set_nonblocking(true).unwrap();
    let more = "GET /get?host=bob&pool=pool1 HTTP/1.1\r\nHost: test\r\n\r\n".repeat(40_000);
    let sent = bob.stream().write(more.as_bytes()).unwrap();
    bob.stream().set_nonblocking(false).unwrap();
    server.signal(Signal::CONT);

    assert!(sent > 200_000, "only {sent} bytes: less than the dispatcher's buffer");
    assert_eq!(bob.rest(), "");
}

#[test]
fn a_body_that_never_ends_behind_a_parked_wait_ends_it_too() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");

    let mut bob = server.connect();
    bob.send_raw("GET /wait?host=bob&pool=pool1 HTTP/1.1\r\nHost: test\r\nContent-Length: 100000000\r\n\r\n");
    let mut stream = bob.stream();
    let _ = stream.write_all(&vec![b'x'; 4_000_000]);

    assert_eq!(bob.rest(), "");
}

#[test]
fn a_few_requests_behind_a_parked_wait_are_kept() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let mut bob = server.waiting("bob", "pool1");
    for _ in 0..20 {
        bob.send("/get?host=bob&pool=pool1");
    }
    server.round_trip();

    server.word("/release?host=ann&pool=pool1");

    assert!((0..21).all(|_| bob.answer().1 == "YES"));
}

/// These take as long as the limit is: ten seconds.
#[test]
fn a_head_that_does_not_arrive_ends_its_connection_and_no_parked_wait_and_no_idle_one() {
    let server = Server::start("pools: [{name: pool1, expire: 11}]");
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let mut bob = server.waiting("bob", "pool1");
    let mut idle = ["/healthz", "/metrics", "/", "/v1/pools", "/get?host=cid&pool=pool1"].map(|path| {
        let mut client = server.connect();
        assert_eq!(client.ask(path).0, 200);
        (path, client)
    });
    let mut first = server.connect();
    first.send_raw("GET /get?host=cid&pool=pool1 HTTP/1.1\r\nHo");
    let mut second = server.connect();
    assert_eq!(second.ask("/get?host=cid&pool=pool1").1, "NO");
    second.send_raw("GET /get?host=cid&pool=pool1 HTTP/1.1\r\nHo");

    assert!(first.rest().starts_with("HTTP/1.1 408 "));
    assert_eq!(second.rest(), "");
    for (path, client) in &mut idle {
        assert_eq!(client.ask(path).0, 200, "{path}");
    }

    assert_eq!(bob.answer().1, "YES");
}

#[test]
fn a_client_that_reads_no_answer_is_cut_off() {
    let server = Server::start(ONE_SLOT);
    let client = server.connect();
    client.stream().set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    let asks = "GET /openapi.json HTTP/1.1\r\nHost: test\r\n\r\n".repeat(1_000);

    let end = loop {
        if let Err(end) = client.stream().write_all(asks.as_bytes()) {
            break end.kind();
        }
    };

    assert!(matches!(end, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{end}");
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
}
