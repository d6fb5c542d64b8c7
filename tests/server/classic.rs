//! The classic protocol, to the byte.

use crate::support::{ONE_SLOT, Server};

const POOLS: &str = "
pools:
  - {name: pool1, expire: 300}
  - {name: some, servers: 'ann, bob'}
  - {name: 'ä b&c', maxlocks: 2}
";

#[test]
fn the_classic_calls_have_their_words() {
    let server = Server::start(ONE_SLOT);

    let session =
        ["get/?host=me", "get/?host=them", "release/?host=me", "get/?host=them", "release/?host=them"]
            .map(|call| server.word(&format!("/{call}&pool=pool1")));

    assert_eq!(session, ["YES", "NO", "OK", "YES", "OK"]);
}

#[test]
fn an_answer_is_one_word_and_nothing_else() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();
    client.send("/get?host=me&pool=pool1");

    let (head, body) = client.whole_answer();

    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: text/plain; charset=utf-8\r\n"), "{head}");
    assert_eq!(body, "YES");
    assert!(client.is_silent());
}

#[test]
fn slashes_do_not_count() {
    let server = Server::start(ONE_SLOT);

    for path in ["/get", "/get/", "//get//", "/get///"] {
        assert_eq!(server.word(&format!("{path}?host=me&pool=pool1")), "YES", "{path}");
    }
    assert_eq!(server.word("//wait/?host=me&pool=pool1"), "YES");
    assert_eq!(server.word("/release//?host=me&pool=pool1"), "OK");
}

#[test]
fn what_is_no_valid_ask_is_invalid_and_changes_nothing() {
    let server = Server::start(POOLS);
    let (longest, too_long) = ("x".repeat(255), "x".repeat(256));
    assert_eq!(server.word(&format!("/get?host={longest}&pool=pool1")), "YES");

    for query in [
        "",
        "?",
        "?host=me",
        "?pool=pool1",
        "?host=&pool=pool1",
        "?host=me&pool=",
        "?host=me&pool=none",
        "?host=me&pool=POOL1",
        "?HOST=me&pool=pool1",
        "?host&pool=pool1",
        "?host=cid&pool=some",
        "?host=a%0Ab&pool=pool1",
        "?host=%00&pool=pool1",
        "?host=%ff&pool=pool1",
        "?host=%C2%85&pool=pool1",
        "?host=&host=me&pool=pool1",
        "?host=me&pool=none&pool=pool1",
        &format!("?host={too_long}&pool=pool1"),
    ] {
        for call in ["get", "wait", "release"] {
            assert_eq!(server.word(&format!("/{call}{query}")), "INVALID", "{call}{query}");
        }
    }
    assert_eq!(server.word("/get?host=me&pool=pool1"), "NO");
}

#[test]
fn parameters_come_in_any_order_encoding_and_company() {
    let server = Server::start(POOLS);

    let odd = [
        "pool=pool1&host=me",
        "host=me&host=them&pool=pool1",
        "x=1&&=&pool=pool1&host=me&y",
        "h%6fst=me&pool=p%6fol1",
        "host=m%65&pool=pool1&expire=1",
        "host=me&pool=pool1&pool=none",
    ];

    for query in odd {
        assert_eq!(server.word(&format!("/get?{query}")), "YES", "{query}");
    }
    assert_eq!(server.word("/get?host=them&pool=pool1"), "NO");
    assert_eq!(server.word("/get?host=w+x%2By&pool=%C3%A4+b%26c"), "YES");
    assert_eq!(server.word("/get?host=w%20x%2by&pool=%c3%a4%20b%26c"), "YES");
    assert_eq!(server.word("/get?host=third&pool=%C3%A4%20b%26c"), "YES");
    assert_eq!(server.word("/get?host=fourth&pool=%C3%A4%20b%26c"), "NO");
}

#[test]
fn head_is_a_get_without_a_body() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();
    client.send_raw("HEAD /get?host=me&pool=pool1 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");

    let answer = client.rest();

    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("content-length: 3\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!(server.word("/get?host=them&pool=pool1"), "NO");
}

#[test]
fn other_methods_and_other_paths_are_refused_and_change_nothing() {
    let server = Server::start(ONE_SLOT);

    for method in ["POST", "PUT", "DELETE", "OPTIONS", "LOCK"] {
        for call in ["get", "wait", "release"] {
            let mut client = server.connect();
            client.send_raw(&format!("{method} /{call}?host=me&pool=pool1 HTTP/1.1\r\nHost: test\r\n\r\n"));
            let (head, _) = client.whole_answer();
            assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
            assert!(head.contains("allow: GET, HEAD\r\n"), "{head}");
        }
    }
    for path in ["//", "/GET", "/gets", "/get/x", "/wai", "/%67et", "/released", "/favicon.ico", "/.."] {
        let answer = server.get(&format!("{path}?host=me&pool=pool1"));
        assert_eq!(answer, (404, "INVALID".to_owned()), "{path}");
    }
    assert_eq!(server.word("/get?host=them&pool=pool1"), "YES");
}

#[test]
fn requests_in_one_packet_are_answered_in_their_order() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();
    let get =
        |call: &str, host: &str| format!("GET /{call}?host={host}&pool=pool1 HTTP/1.1\r\nHost: test\r\n\r\n");

    client.send_raw(
        &[get("get", "ann"), get("get", "bob"), get("release", "ann"), get("wait", "bob")].concat(),
    );

    let words = [(); 4].map(|()| client.answer().1);
    assert_eq!(words, ["YES", "NO", "OK", "YES"]);
}

#[test]
fn a_release_behind_a_parked_wait_has_to_wait_for_it() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let mut bob = server.waiting("bob", "pool1");
    bob.send("/release?host=bob&pool=pool1");
    server.round_trip();
    assert!(bob.is_silent());

    server.word("/release?host=ann&pool=pool1");

    assert_eq!([bob.answer().1, bob.answer().1], ["YES", "OK"]);
}

#[test]
fn old_clients_that_speak_http_1_0_are_answered() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();

    client.send_raw("GET /get?host=me&pool=pool1 HTTP/1.0\r\n\r\n");

    let answer = client.rest();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.ends_with("\r\n\r\nYES"), "{answer}");
}

#[test]
fn nonsense_gets_an_http_error_and_the_server_goes_on() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=me&pool=pool1"), "YES");
    let long_path = format!("GET /get?host={} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    let long_head = format!("GET /get HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1_000_000));
    let tls = "\u{16}\u{3}\u{1}\u{2}";

    for (nonsense, status) in [("hello\r\n\r\n", "400"), (tls, "400"), (&long_path, "4"), (&long_head, "4")] {
        let mut client = server.connect();
        let mut stream = client.stream();
        let _ = std::io::Write::write_all(&mut stream, nonsense.as_bytes()); // it may hang up meanwhile
        client.half_close();
        let answer = client.rest();
        let shown: String = answer.chars().take(60).collect();
        assert!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")), "{shown}");
    }
    assert_eq!(server.word("/get?host=them&pool=pool1"), "NO");
    assert_eq!(server.word("/get?host=me&pool=pool1"), "YES");
}
