//! Waiting through outages: servers that come late, go away, or talk nonsense for a while.

use super::{
    ONE_SLOT,
    run::{Run, wrapper},
};
use crate::{
    fake::{Fake, Port},
    support::Server,
};

#[test]
fn a_server_that_comes_later_is_found() {
    let port = Port::take();
    let mut run = Run::start(wrapper(port.addr()).args(["-v", "echo ran"]));
    run.says("retrying");

    let server = Fake::start_at(port.addr());
    server.asked_to("wait").answer("YES");

    assert_eq!(run.line(), "ran");
    server.asked_to("release").answer("OK");
    assert_eq!(run.end().0, 0);
}

#[test]
fn a_server_that_was_killed_is_asked_again_when_it_is_back() {
    let port = Port::take();
    let mut server = Server::start_at(ONE_SLOT, port.addr());
    server.get("/get?host=other&pool=p");
    let mut run = Run::start(wrapper(server.addr).args(["-v", "echo ran"]));
    run.says("requesting");

    server.child.kill().unwrap();
    server.child.wait().unwrap();
    run.says("retrying");
    let server = Server::start_at(ONE_SLOT, port.addr());

    assert_eq!((run.line(), run.end().0), ("ran".to_owned(), 0));
    assert_eq!(server.get("/get?host=other&pool=p").1, "YES");
}

#[test]
fn what_helps_nobody_is_asked_again() {
    for (status, word) in
        [("503 Service Unavailable", "NO"), ("502 Bad Gateway", "<html>"), ("200 OK", "maybe")]
    {
        let server = Fake::start();
        let mut run = Run::start(wrapper(server.addr()).arg("echo ran"));

        server.asked_to("wait").answer_status(status, word);
        drop(server.asked_to("wait"));
        server.asked_to("wait").answer("YES");

        assert_eq!(run.line(), "ran");
        server.asked_to("release").answer("OK");
        assert_eq!(run.end().0, 0);
    }
}
