//! One client cannot take the service from the others.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::Path,
    process::Command,
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    support::{ONE_SLOT, Server, connect_local, eventually, file_with},
    wrapper::run::folder,
};

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

/// The address of a client that is not the one all others have.
const OTHER: &str = "127.0.0.2";

/// Two pools.
const POOLS: &str = "pools: [{name: one}, {name: two}]";

/// A server that may open 200 files: 168 connections, of which 160 can have a parked request.
fn with_few_files() -> Server {
    with_few_files_and(&file_with(POOLS))
}

/// The same with this configuration file.
fn with_few_files_and(config: &Path) -> Server {
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
fn when_one_address_parks_all_that_it_can_others_still_wait() {
    let server = with_few_files();
    assert_eq!(server.word("/get?host=ann&pool=one"), "YES");
    let mut waiters: Vec<_> = (0..200).map(|n| server.waiting(&format!("host{n}"), "one")).collect();
    assert!(waiters.pop().unwrap().rest().starts_with("HTTP/1.1 503 "));

    let mut other = server.wait_on(server.connect_from(OTHER), "bob", "one");

    assert!(other.is_parked(&server));
    waiters.clear();
    server.word("/release?host=ann&pool=one");
    assert_eq!(other.answer().1, "YES");
}

#[test]
fn a_share_that_a_reload_raises_counts_at_once() {
    let config = file_with(POOLS);
    let server = with_few_files_and(&config);
    assert_eq!(server.word("/get?host=ann&pool=one"), "YES");
    let _waiters: Vec<_> = (0..144).map(|n| server.waiting(&format!("host{n}"), "one")).collect();
    assert_eq!(server.get("/wait?host=bob&pool=one"), (503, "NO".to_owned()));

    fs::write(&config, format!("limits: {{waiters_per_address: 150}}\n{POOLS}")).unwrap();
    server.signal(Signal::HUP);

    eventually(|| server.waiting("bob", "one").is_parked(&server));
}

#[test]
fn the_local_socket_answers_when_tcp_has_all_connections() {
    let socket = folder().join("s");
    let server = with_few_files_and(&file_with(&format!("admin_socket: {}\n{POOLS}", socket.display())));
    let mut silent: Vec<_> = (0..300).map(|_| server.connect()).collect();

    let mut local = connect_local(&socket);

    assert_eq!(local.ask("/get?host=ann&pool=one").1, "YES");
    assert_eq!(silent[0].rest(), "", "it was closed for others, before its time was over");
}

#[test]
fn of_more_connections_than_there_can_be_the_longest_idle_ones_are_closed() {
    let server = with_few_files();
    let other = server.connect_from(OTHER);
    let mut idle: Vec<_> = (0..400)
        .map(|n| {
            let mut client = server.connect();
            assert_eq!(client.ask(&format!("/get?host=host{n}&pool=none")).1, "INVALID");
            client
        })
        .collect();

    assert_eq!(idle[0].rest(), "");
    assert_eq!(idle[399].ask("/healthz").0, 200);
    assert!(other.is_silent(), "its address has few");
}

#[test]
fn clients_that_never_finish_a_request_make_room_for_others() {
    let server = with_few_files();
    let mut held: Vec<_> = (0..400)
        .map(|n| {
            let mut client = server.connect();
            client.send_raw(match n % 3 {
                0 => "",
                1 => "GET /get?host=ann&pool=one HTTP/1.1\r\nHo",
                _ => "POST /v1/pools/one/acquire HTTP/1.1\r\nHost: test\r\nContent-Length: 99\r\n\r\n{",
            });
            client
        })
        .collect();

    assert_eq!(server.word("/get?host=bob&pool=one"), "YES");

    assert!(held[..10].iter_mut().all(|client| client.rest().is_empty()));
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

#[test]
fn a_head_of_more_than_16_kib_is_refused_in_the_dialect_of_its_path() {
    let server = Server::start(ONE_SLOT);
    let long = format!("X: {}\r\n", "x".repeat(16 * 1024));
    let many = "X: x\r\n".repeat(97);
    for (method, path, headers) in [
        ("GET", "/get?host=ann&pool=pool1", &long),
        ("GET", &*format!("/get?host={}", "x".repeat(16 * 1024)), &many),
        ("GET", "/get?host=ann&pool=pool1", &many),
        ("HEAD", "/get?host=ann&pool=pool1", &long),
        ("POST", "/v1/pools/pool1/acquire", &long),
        ("GET", "/v1/pools", &many),
    ] {
        let mut client = server.connect();
        assert_eq!(client.ask("/get?host=ann&pool=none").1, "INVALID");
        client.send_raw(&format!("{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\nmore"));

        let rest = client.rest();

        let (head, body) = rest.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 ") && head.contains("\r\nconnection: close\r\n"), "{head}");
        match (method, path.starts_with("/v1/")) {
            ("HEAD", _) => assert_eq!(body, ""),
            (_, false) => assert_eq!(body, "INVALID"),
            (_, true) => assert!(body.starts_with(r#"{"kind":"too_large","message":""#), "{body}"),
        }
    }
    assert_eq!(server.word("/get?host=bob&pool=pool1"), "YES", "nothing was done");
}

#[test]
fn a_head_of_16_kib_is_read_however_it_arrives() {
    let server = Server::start(ONE_SLOT);
    let start = "GET /get?host=ann&pool=pool1 HTTP/1.1\r\nHost: test\r\nX: ";
    let head = format!("{start}{}\r\n\r\n", "x".repeat(16 * 1024 - start.len() - 4));
    for cut in [1, 8 * 1024, 16 * 1024 - 1, 16 * 1024] {
        let mut client = server.connect();
        client.send_raw(&head[..cut]);
        server.round_trip();
        client.send_raw(&head[cut..]);
        assert_eq!(client.answer().1, "YES");
        assert_eq!(client.ask("/get?host=bob&pool=pool1").1, "NO");
    }
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
