//! Requests that are sent without waiting for the response to the one before: each is answered as if it came alone.

use crate::support::{ONE_SLOT, Server, post};

const GET: &str = "GET /get?host=ann&pool=pool1 HTTP/1.1\r\nHost: test\r\n\r\n";
const HEAD: &str = "HEAD /get?host=ann&pool=pool1 HTTP/1.1\r\nHost: test\r\n\r\n";
const LAST: &str = "GET /get?host=bob&pool=pool1 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/// What is read of all responses to these requests, the last of which closes the connection.
fn all(requests: &[&str]) -> Vec<String> {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();
    client.send_raw(&requests.concat());
    let read = client.rest();
    let responses = read.split("HTTP/1.").skip(1).map(|rest| format!("HTTP/1.{rest}"));
    responses.collect()
}

#[test]
fn a_response_to_head_has_no_body_whatever_stands_behind_it() {
    for (requests, bodies) in [([HEAD, GET, LAST], ["", "YES", "NO"]), ([GET, HEAD, LAST], ["YES", "", "NO"])]
    {
        let responses = all(&requests);

        let read: Vec<_> =
            responses.iter().map(|response| response.split_once("\r\n\r\n").unwrap().1).collect();
        assert_eq!(read, bodies);
        assert!(responses.iter().take(2).all(|response| response.contains("\r\ncontent-length: 3\r\n")));
    }
}

#[test]
fn only_the_request_that_closes_the_connection_is_told_so() {
    let old = "GET /get?host=bob&pool=pool1 HTTP/1.0\r\n\r\n";
    for (last, version) in [(LAST, "HTTP/1.1 200"), (old, "HTTP/1.0 200")] {
        let responses = all(&[GET, last]);

        assert!(responses[0].starts_with("HTTP/1.1 200") && !responses[0].contains("connection: close"));
        assert!(responses[1].starts_with(version) && responses[1].ends_with("\r\n\r\nNO"), "{responses:?}");
    }
    assert_eq!(all(&[LAST, GET]).len(), 1, "nothing is read behind the end");
}

#[test]
fn what_stands_behind_a_parked_wait_does_not_change_its_response() {
    let server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let mut bob = server.waiting("bob", "pool1");
    bob.send_raw(&HEAD.replace("ann", "cid"));
    bob.send_raw(&LAST.replace("HTTP/1.1", "HTTP/1.0"));
    server.round_trip();

    server.word("/release?host=ann&pool=pool1");

    let rest = bob.rest();
    let (first, others) = rest.split_once("\r\n\r\nYES").unwrap_or_else(|| panic!("{rest:?}"));
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n") && !first.contains("close"), "{rest:?}");
    assert!(others.ends_with("\r\n\r\nYES") && others.matches("YES").count() == 1, "{rest:?}");
}

#[test]
fn a_body_that_comes_late_does_not_end_the_connection() {
    let server = Server::start(ONE_SLOT);
    let renew = post("/v1/pools/pool1/renew", r#"{"lease": "x"}"#);
    let chunked = "POST /v1/pools/pool1/renew HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n\
                   5\r\n{\"lea\r\n8\r\nse\": \"x\"\r\n1\r\n}\r\n0\r\n\r\n";
    for request in [renew.as_str(), chunked] {
        let mut client = server.connect();
        for cut in 1..request.len() {
            client.send_raw(&format!("GET /v1/pools HTTP/1.1\r\nHost: test\r\n\r\n{}", &request[..cut]));
            assert_eq!(client.answer().0, 200);

            client.send_raw(&format!("{}GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n", &request[cut..]));

            assert_eq!(client.answer().0, 410, "cut at {cut}");
            assert_eq!(client.answer().1, "ok");
        }
    }
}
