//! Servers that are not ours: the old one, and things that are no lock server at all.

use super::run::{Run, wrapper};
use crate::fake::Fake;

/// How the old server begins its answers.
const OLD: &str =
    "Server: TwistedWeb/13.2.0\r\nDate: Mon, 01 Jul 2014 10:00:00 GMT\r\nContent-Type: text/html\r\n";

#[test]
fn the_old_server_is_understood() {
    for (yes, ok) in [
        (
            format!("HTTP/1.1 200 OK\r\n{OLD}Content-Length: 3\r\n\r\nYES"),
            format!("HTTP/1.1 200 OK\r\n{OLD}Content-Length: 2\r\n\r\nOK"),
        ),
        (
            format!("HTTP/1.1 200 OK\r\n{OLD}Transfer-Encoding: chunked\r\n\r\n3\r\nYES\r\n0\r\n\r\n"),
            format!("HTTP/1.1 200 OK\r\n{OLD}Transfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n"),
        ),
        (format!("HTTP/1.0 200 OK\r\n{OLD}\r\nYES"), format!("HTTP/1.0 200 OK\r\n{OLD}\r\nOK")),
    ] {
        let server = Fake::start();
        let mut run = Run::start(wrapper(server.addr()).arg("echo ran"));

        let asked = server.asked();
        assert_eq!(asked.path, "/wait?host=web1&pool=p");
        asked.answer_bytes(&yes);

        assert_eq!(run.line(), "ran");
        let asked = server.asked();
        assert_eq!(asked.path, "/release?host=web1&pool=p");
        asked.answer_bytes(&ok);
        assert_eq!(run.end(), (0, String::new()));
    }
}

#[test]
fn a_refusal_of_the_old_server_is_one() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("echo ran"));

    server.asked().answer_bytes(&format!("HTTP/1.1 200 OK\r\n{OLD}Content-Length: 7\r\n\r\nINVALID"));

    assert_eq!(run.end().0, 77);
}

#[test]
fn something_else_that_answers_is_no_server_of_ours() {
    for (bytes, shown) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html>YES\n</h", "not from Distributex (status 200"),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nINVALID", "not from Distributex (status 404"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nYES", "without a response"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "without a response"),
        ("", "without a response"),
    ] {
        let server = Fake::start();
        let mut run = Run::start(wrapper(server.addr()).args(["-n", "echo ran"]));

        server.asked().answer_bytes(bytes);

        let (code, said) = run.end();
        assert_eq!((code, run.line()), (69, String::new()), "{bytes}");
        assert!(said.contains(shown), "{said}");
    }
}

#[test]
fn an_answer_without_an_end_is_not_read_to_its_end() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).args(["-n", "echo ran"]));

    let flood = format!("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n{}", "YES".repeat(5000));
    server.asked().answer_bytes(&flood);

    assert_eq!(run.end().0, 69);
}

#[test]
fn a_proxy_in_the_environment_is_not_used() {
    let (server, proxy) = (Fake::start(), Fake::start());
    let proxy_url = format!("http://{}", proxy.addr());
    let mut run = Run::start(wrapper(server.addr()).args(["-n", "true"]).env("http_proxy", &proxy_url));

    server.asked_to("get").answer("NO");

    assert_eq!(run.end().0, 75);
    assert!(proxy.is_left_alone());
}

#[test]
fn a_release_that_fails_does_not_change_the_status() {
    let server = Fake::start();
    let mut run = Run::start(wrapper(server.addr()).arg("exit 6"));
    server.asked_to("wait").answer("YES");

    drop(server.asked_to("release"));
    server.asked_to("release").answer_status("503 Service Unavailable", "NO");
    server.asked_to("release").answer("INVALID");

    let (code, said) = run.end();
    assert_eq!(code, 6);
    assert!(said.contains("stays held until it expires") && said.lines().count() == 1, "{said}");
}
