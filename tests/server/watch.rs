//! `/healthz` and `/readyz`: whether the server lives, and whether it is of use.

use rustix::process::Signal;

use crate::support::{ONE_SLOT, Server};

/// What is answered to this method: the whole of it.
pub(super) fn asked(server: &Server, method: &str, path: &str) -> String {
    let mut client = server.connect();
    client.send_raw(&format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"));
    client.rest()
}

#[test]
fn a_server_that_serves_is_healthy_and_ready() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();

    for (path, word) in [("/healthz", "ok"), ("/readyz", "ready"), ("/readyz?verbose=1", "ready")] {
        client.send(path);
        let (head, body) = client.whole_answer();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("\r\ncontent-type: text/plain; charset=utf-8\r\n"), "{head}");
        assert_eq!(body, word);
    }
}

#[test]
fn a_server_that_stops_is_healthy_but_not_ready() {
    let mut server = Server::start(ONE_SLOT);
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    let mut bob = server.waiting("bob", "pool1");
    let (mut one, mut two) = (server.connect(), server.connect());
    one.ask("/nothing");
    two.ask("/nothing");

    server.signal(Signal::TERM);
    assert_eq!(bob.answer().0, 503);
    one.send("/readyz");
    two.send("/healthz");

    assert_eq!(one.answer(), (503, "stopping".to_owned()));
    assert_eq!(two.answer(), (200, "ok".to_owned()));
    assert_eq!(one.rest(), "");
    assert_eq!(server.end().code(), Some(0));
}

#[test]
fn they_are_only_read_and_only_under_their_names() {
    let server = Server::start(ONE_SLOT);
    for path in ["/healthz", "/readyz", "/metrics"] {
        let head = asked(&server, "HEAD", path);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
            let refused = asked(&server, method, path);
            assert!(refused.starts_with("HTTP/1.1 405 "), "{refused}");
            assert!(refused.contains("\r\nallow: GET, HEAD\r\n"), "{refused}");
        }
        for other in [format!("{path}/"), format!("/{path}"), path.to_uppercase(), format!("{path}%20")] {
            assert_eq!(server.get(&other), (404, "INVALID".to_owned()), "{other}");
        }
    }
}
