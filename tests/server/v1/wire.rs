//! How requests travel: in pieces, in chunks, behind each other, and too large.

use serde_json::json;

use super::{answer, call, call_on, read};
use crate::support::{ONE_SLOT, Server, post};

const ACQUIRE: &str = "/v1/pools/pool1/acquire";

/// The head of an acquire.
fn head(fields: &str) -> String {
    format!("POST {ACQUIRE} HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\n")
}

#[test]
fn a_body_comes_in_one_packet_or_in_many() {
    let server = Server::start("pools: [{name: pool1, maxlocks: 9}]");
    let mut client = server.connect();
    for (n, parts) in [
        vec![head("Content-Length: 14") + r#"{"host":"ann"}"#],
        vec![head("Content-Length: 14"), r#"{"host":"ann"}"#.to_owned()],
        vec![head("Content-Length: 14") + r#"{"ho"#, r#"st":"#.to_owned(), r#""ann"}"#.to_owned()],
        vec![head("Transfer-Encoding: chunked") + "7\r\n{\"host\"\r\n7\r\n:\"ann\"}\r\n0\r\n\r\n"],
        vec![
            head("Transfer-Encoding: chunked") + "7\r\n{\"ho",
            "st\"\r\n7\r\n:\"ann\"}\r\n".to_owned(),
            "0\r\n\r\n".to_owned(),
        ],
    ]
    .into_iter()
    .enumerate()
    {
        for part in parts {
            client.send_raw(&part);
            server.round_trip(); // it has been read now
        }
        assert_eq!(answer(&mut client).status, 201, "{n}");
    }
}

#[test]
fn who_asks_first_whether_to_send_its_body_is_told_to() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();
    client.send_raw(&head("Content-Length: 14\r\nExpect: 100-continue"));
    let (go_on, _) = client.whole_answer();
    assert_eq!(go_on, "HTTP/1.1 100 Continue\r\n\r\n");

    client.send_raw(r#"{"host":"ann"}"#);

    answer(&mut client).granted();
}

#[test]
fn requests_in_one_packet_are_answered_in_their_order() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();
    let ann = r#"{"host":"ann","owner":"o"}"#;
    let acquire = post(ACQUIRE, ann);
    let release = post("/v1/pools/pool1/release", ann);
    let get = "GET /get?host=bob&pool=pool1 HTTP/1.1\r\nHost: test\r\n\r\n";

    client.send_raw(&format!("{acquire}{acquire}{get}{release}{get}"));

    assert_eq!([answer(&mut client).status, answer(&mut client).status], [201, 200]);
    assert_eq!(client.answer().1, "NO");
    assert_eq!(read(&mut client, "POST", "/v1/pools/pool1/release").status, 204);
    assert_eq!(client.answer().1, "YES");
}

#[test]
fn after_an_error_the_connection_goes_on() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();
    for (name, status) in [("none/acquire", 404), ("pool1/renew", 400), ("pool1/release", 400)] {
        assert_eq!(call_on(&mut client, name, &json!({})).status, status);
    }
    call_on(&mut client, "pool1/acquire", &json!({"host": "ann"})).granted();
}

#[test]
fn a_body_that_is_too_large_is_refused_as_soon_as_that_is_known() {
    let server = Server::start(ONE_SLOT);
    let most = format!(r#"{{"host":"ann","owner":"o","x":"{}"}}"#, "x".repeat(16 * 1024 - 33));
    assert_eq!(most.len(), 16 * 1024);
    let mut client = server.connect();
    client.post(ACQUIRE, &most);
    answer(&mut client).granted();

    let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
    for request in [
        head("Content-Length: 16385"),
        head("Content-Length: 18446744073709551615"),
        head("Transfer-Encoding: chunked") + &chunk.repeat(4) + "1\r\nx\r\n",
    ] {
        let mut client = server.connect();
        client.send_raw(&request);
        let answer = answer(&mut client);
        assert_eq!(answer.refusal(), (413, "too_large"));
        assert!(answer.head.contains("\r\nconnection: close\r\n"), "{answer:?}");
        assert_eq!(client.rest(), "");
    }
    assert_eq!(call(&server, "pool1/acquire", &json!({"host": "ann", "owner": "o"})).status, 200);
}

#[test]
fn a_body_that_nobody_reads_ends_the_connection_with_the_answer() {
    let server = Server::start(ONE_SLOT);
    for body in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut client = server.connect();
        client.send_raw(&format!("PUT {ACQUIRE} HTTP/1.1\r\nHost: test\r\n{body}\r\n\r\n"));
        assert_eq!(read(&mut client, "PUT", ACQUIRE).status, 405);
        assert_eq!(client.rest(), "");
    }
}

#[test]
fn head_is_a_get_without_a_body() {
    let server = Server::start(ONE_SLOT);
    for path in ["/v1/pools", "/v1/pools/pool1", "/openapi.json"] {
        let mut client = server.connect();
        client.send_raw(&format!("HEAD {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));

        let answer = client.rest();

        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(!answer.contains("content-length: 0\r\n"), "{answer}");
    }
}

#[test]
fn a_slash_at_the_end_does_not_count() {
    let server = Server::start(ONE_SLOT);

    call(&server, "pool1/acquire/", &json!({"host": "ann"})).granted();

    assert_eq!(super::look(&server, "/v1/pools/").status, 200);
}

#[test]
fn the_content_type_does_not_matter() {
    let server = Server::start("pools: [{name: pool1, maxlocks: 9}]");
    for kind in ["application/x-www-form-urlencoded", "text/plain; charset=latin1", "nonsense"] {
        let mut client = server.connect();
        client
            .send_raw(&(head(&format!("Content-Length: 14\r\nContent-Type: {kind}")) + r#"{"host":"ann"}"#));
        answer(&mut client).granted();
    }
}
