//! Levers: who may pull them, and what they are told. A key here is `open sesame`, or `abracadabra`.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{Answer, held_by_ann, look, read, state};
use crate::{
    support::{Client, ONE_SLOT, Server, connect_local},
    wrapper::run::folder,
};

/// The hashes of both, as `printf %s "open sesame" | sha256sum` prints them.
pub(super) const KEYS: &str = "admin_keys:
  - {name: ali, sha256: 41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb}
  - {name: baba, sha256: 045babdcd2118960e8c8b8e0ecf65b734686e1b18f58710c9646779f49e942ae}
";

/// Every lever, with a body that is right.
fn levers() -> [(&'static str, Value); 7] {
    [
        ("pools/pool1/force-release", json!({"token": 1, "reason": "a test"})),
        ("pools/pool1/revoke", json!({"token": 1, "reason": "a test"})),
        ("pools/pool1/pause", json!({"reason": "a test"})),
        ("pools/pool1/resume", json!({})),
        ("pools/pool1/promote", json!({"ticket": 1, "reason": "a test"})),
        ("pools/pool1/evict", json!({"ticket": 1, "reason": "a test"})),
        ("reload", json!({})),
    ]
}

/// Pulls a lever, with more lines in the head.
pub(super) fn pull<S: Read + Write>(client: &mut Client<S>, action: &str, head: &str, body: &str) -> Answer {
    let (path, length) = (format!("/v1/admin/{action}"), body.len());
    client.send_raw(&format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\n{head}Content-Length: {length}\r\n\r\n{body}"
    ));
    read(client, "POST", &path)
}

/// Pauses `pool1` over TCP, on a connection of its own.
fn pause(server: &Server, head: &str) -> Answer {
    pull(&mut server.connect(), "pools/pool1/pause", head, r#"{"reason": "a test"}"#)
}

/// Refused, with this in the sentence.
fn is_refused(answer: &Answer, said: &str) {
    assert_eq!(answer.refusal(), (401, "unauthorized"), "{answer:?}");
    assert!(answer.head.contains("\r\nwww-authenticate: Bearer\r\n"), "{answer:?}");
    assert!(answer.text("message").contains(said), "{answer:?}");
}

/// A server with a local socket, and the path of that.
pub(super) fn with_socket(more: &str) -> (Server, PathBuf) {
    let socket = folder().join("s");
    (Server::start(&format!("{more}admin_socket: {}\n{ONE_SLOT}", socket.display())), socket)
}

/// Pulls a lever over the local socket.
pub(super) fn local(socket: &Path, action: &str, body: &str) -> Answer {
    pull(&mut connect_local(socket), action, "", body)
}

#[test]
fn without_keys_nobody_may_over_tcp_not_even_on_the_same_machine() {
    let server = Server::start(ONE_SLOT);
    assert!(server.addr.ip().is_loopback());

    for (action, body) in levers() {
        for head in ["", "Authorization: Bearer open sesame\r\n"] {
            let answer = pull(&mut server.connect(), action, head, &body.to_string());
            is_refused(&answer, "no keys are configured");
        }
    }
}

#[test]
fn over_the_local_socket_who_can_open_it_may() {
    let (_server, socket) = with_socket("");

    for (action, body) in levers() {
        let answer = local(&socket, action, &body.to_string());
        let expected = if action.ends_with("pause") || action.ends_with("resume") || action == "reload" {
            200
        } else {
            404 // nobody has token or ticket 1
        };
        assert_eq!(answer.status, expected, "{action}: {answer:?}");
    }
}

#[test]
fn who_asks_is_told_as_whom_it_is_known() {
    let (server, socket) = with_socket(KEYS);
    let ask = |key: &str| {
        let mut client = server.connect();
        client.send_raw(&format!("GET /v1/admin/whoami HTTP/1.1\r\nHost: test\r\n{key}\r\n"));
        read(&mut client, "GET", "/v1/admin/whoami")
    };

    assert_eq!(ask("Authorization: Bearer open sesame\r\n").body, json!({"author": "ali"}));
    is_refused(&ask("Authorization: Bearer guessed\r\n"), "unknown key");
    is_refused(&ask(""), "admin actions need a key");
    let mut local = connect_local(&socket);
    local.send("/v1/admin/whoami");
    assert!(read(&mut local, "GET", "/v1/admin/whoami").text("author").starts_with("uid "));
}

#[test]
fn over_tcp_a_key_that_is_configured_opens() {
    let server = Server::start(&format!("{KEYS}{ONE_SLOT}"));

    for head in ["Authorization: Bearer open sesame", "authorization: bearer   abracadabra"] {
        assert_eq!(pause(&server, &format!("{head}\r\n")).status, 200, "{head}");
    }
    for (head, said) in [
        ("", "admin actions need a key"),
        ("Authorization: Basic b3BlbiBzZXNhbWU=\r\n", "admin actions need a key"),
        ("Authorization: Bearer\r\n", "admin actions need a key"),
        ("Authorization: Bearer open sesam\r\n", "unknown key"),
        ("Authorization: Bearer Open Sesame\r\n", "unknown key"),
        // The hash is no key.
        (
            "Authorization: Bearer 41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb\r\n",
            "unknown key",
        ),
        (&format!("Authorization: Bearer {}\r\n", "x".repeat(10_000)), "unknown key"),
    ] {
        is_refused(&pause(&server, head), said);
    }
}

#[test]
fn a_page_of_another_site_may_not_whatever_key_it_has() {
    const KEY: &str = "Authorization: Bearer open sesame\r\n";
    let (server, socket) = with_socket(KEYS);

    for (origin, is_own) in [
        ("http://test", true),
        ("https://test", true),
        ("http://evil.example", false),
        ("http://test:80", false),
        ("null", false),
    ] {
        let head = format!("Origin: {origin}\r\n{KEY}");
        let over_tcp = pause(&server, &head);
        let over_socket =
            pull(&mut connect_local(&socket), "pools/pool1/pause", &head, r#"{"reason": "a test"}"#);
        for answer in [over_tcp, over_socket] {
            if is_own {
                assert_eq!(answer.status, 200, "{origin}: {answer:?}");
            } else {
                is_refused(&answer, "another site");
            }
        }
    }
}

#[test]
fn who_has_no_right_learns_nothing_and_its_body_is_not_read() {
    let server = Server::start(&format!("{KEYS}{ONE_SLOT}"));
    let mut answers = Vec::new();
    for (pool, body) in [("pool1", r#"{"reason": "a test"}"#), ("none", ""), ("pool1", "{"), ("%ff", "[]")] {
        let answer = pull(&mut server.connect(), &format!("pools/{pool}/pause"), "", body);
        answers.push((answer.status, answer.body));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");

    // The answer comes though the body never does.
    let mut client = server.connect();
    client.send_raw("POST /v1/admin/reload HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n{");
    is_refused(&read(&mut client, "POST", "/v1/admin/reload"), "admin actions need a key");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_body_that_is_no_lever_is_told_what_is_wrong_with_it() {
    let (server, socket) = with_socket("");
    held_by_ann(&server);
    let long = format!(r#"{{"reason": "{}"}}"#, "x".repeat(256));

    for (action, body, said) in [
        ("pause", "", "the body is empty"),
        ("pause", "reason=x", "JSON object"),
        ("pause", "{}", r#""reason" is required"#),
        ("pause", "{}", r#"{"reason": "kernel update"}"#),
        ("pause", r#"{"reason": null}"#, r#""reason" is required"#),
        ("pause", r#"{"reason": 1}"#, r#""reason" must be a string"#),
        ("pause", r#"{"reason": ""}"#, r#""reason" must be 1 to 255 bytes"#),
        ("pause", &long, r#""reason" must be 1 to 255 bytes"#),
        ("pause", r#"{"reason": "x", "author": ""}"#, r#""author" must be 1 to 255 bytes"#),
        ("resume", r#"{"author": []}"#, r#""author" must be a string"#),
        ("resume", "[]", "JSON object"),
        ("force-release", r#"{"reason": "x"}"#, r#""token" is required"#),
        ("force-release", r#"{"token": 1}"#, r#""reason" is required"#),
        ("force-release", r#"{"token": "1", "reason": "x"}"#, r#""token" must be an integer"#),
        ("force-release", r#"{"token": 1.5, "reason": "x"}"#, r#""token" must be an integer"#),
        ("force-release", r#"{"token": -1, "reason": "x"}"#, r#""token" must be an integer"#),
        ("force-release", r#"{"token": 9007199254740992, "reason": "x"}"#, r#""token" must be an integer"#),
        ("promote", r#"{"token": 1, "reason": "x"}"#, r#""ticket" is required"#),
        ("evict", r#"{"ticket": {}, "reason": "x"}"#, r#""ticket" must be an integer"#),
    ] {
        let answer = local(&socket, &format!("pools/pool1/{action}"), body);
        assert_eq!(answer.refusal(), (400, "bad_request"), "{action} {body}");
        assert!(answer.text("message").contains(said), "{action} {body}: {answer:?}");
    }
    assert_eq!(state(&server)["held"], 1);
}

#[test]
fn what_is_not_there_is_said_so() {
    let (server, socket) = with_socket("");
    let body = json!({"token": 9_007_199_254_740_991_u64, "ticket": 0, "reason": "a\ntest"}).to_string();

    for action in ["force-release", "promote", "evict"] {
        let answer = local(&socket, &format!("pools/pool1/{action}"), &body);
        assert_eq!(answer.refusal(), (404, "not_found"), "{action}");
    }
    for action in ["force-release", "pause", "resume", "promote", "evict"] {
        let answer = local(&socket, &format!("pools/none/{action}"), &body);
        assert_eq!(answer.refusal(), (404, "no_such_pool"), "{action}");
    }
    for path in ["/v1/admin", "/v1/admin/pools/pool1/explode", "/v1/admin/pools/pool1"] {
        assert_eq!(look(&server, path).refusal(), (404, "not_found"), "{path}");
    }
    for path in ["/v1/admin/pools/pool1/pause", "/v1/admin/reload"] {
        let refused = look(&server, path);
        assert_eq!(refused.refusal(), (405, "method_not_allowed"), "{path}");
        assert!(refused.head.contains("\r\nallow: POST\r\n"), "{refused:?}");
    }
}
