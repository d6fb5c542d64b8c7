//! What an operator does, and what the server is sent for it.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixListener,
    thread,
    time::Duration,
};

use distributex_client::{Client, ErrorKind, Key, RunEnd, Server};
use serde_json::json;

use super::client;
use crate::{fake::Fake, wrapper::run::folder};

#[actix::test]
async fn a_lever_is_sent_with_its_key_its_author_and_its_reason() {
    let fake = Fake::start();
    let operator =
        client(&[fake.addr()]).operator(Some(Key::read("5f0c\n").unwrap()), Some("ann".to_owned()));
    let server = thread::spawn(move || {
        let asked = fake.looked_at("/v1/admin/pools/a%2Fb/force-release");
        assert_eq!(asked.header("authorization"), Some("Bearer 5f0c"));
        assert_eq!(asked.body, json!({"token": 7, "reason": "hangs", "author": "ann"}));
        let forced = json!({"pool": "a/b", "host": "web7", "token": 7, "held": 65.5, "may_run_for": 22,
            "store": "s"});
        asked.answer_json("200 OK", &forced);
        let asked = fake.looked_at("/v1/admin/pools/p/promote");
        assert_eq!(asked.body, json!({"ticket": 3, "reason": "now", "author": "ann"}));
        asked.answer_json(
            "200 OK",
            &json!({"pool": "p", "host": "web9", "ticket": 3, "position": 1, "store": "s"}),
        );
        let asked = fake.looked_at("/v1/admin/reload");
        assert_eq!(asked.body, json!({"author": "ann"}));
        asked.answer_json("200 OK", &json!({"pools": 4, "need_restart": ["state_dir"]}));
        let asked = fake.looked_at("/v1/admin/pools/p/pause");
        asked.refuse("401 Unauthorized", "unauthorized", "s");
    });

    let forced = operator.force_release("a/b", 7, "hangs").await.unwrap().value;
    let moved = operator.promote("p", 3, "now").await.unwrap().value;
    let reloaded = operator.reload(None).await.unwrap().value;
    let error = operator.pause("p", "x").await.unwrap_err();

    assert_eq!((forced.host.as_str(), forced.may_run_for), ("web7", Some(Duration::from_secs(22))));
    assert_eq!((moved.host.as_str(), moved.position), ("web9", Some(1)));
    assert_eq!((reloaded.pools, reloaded.need_restart), (4, vec!["state_dir".to_owned()]));
    assert_eq!(error.refusal().unwrap().kind, ErrorKind::Unauthorized);
    assert!(!format!("{operator:?}").contains("5f0c"), "the key is a secret");
    server.join().unwrap();
}

#[actix::test]
async fn a_unix_socket_is_a_server_like_any_other() {
    let path = folder().join("admin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let client = Client::new(vec![Server::socket(&path)]);
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for _ in 0..2 {
            let (mut request, mut bytes) = (String::new(), [0; 4096]);
            while !request.ends_with("\r\n\r\n") {
                let length = stream.read(&mut bytes).unwrap();
                request.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
            }
            assert!(request.starts_with("GET /v1/pools HTTP/1.1\r\n"), "{request}");
            assert!(request.to_lowercase().contains("\r\nhost: localhost\r\n"), "{request}");
            let body = json!({"pools": [], "store": "s"}).to_string();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });

    let seen = client.pools().await.unwrap();
    client.pools().await.unwrap(); // by the same connection

    assert_eq!(seen.server.to_string(), path.display().to_string());
    server.join().unwrap();
    let error = Client::new(vec![Server::socket("/nonexistent/sock")]).pools().await.unwrap_err();
    assert!(error.to_string().starts_with("cannot reach /nonexistent/sock: "), "{error}");
}

#[actix::test]
async fn runs_are_told_the_newest_first() {
    let fake = Fake::start();
    let client = client(&[fake.addr()]);
    let server = thread::spawn(move || {
        let run = |how: &str, status: Option<u8>| {
            json!({"host": "web1", "token": 7, "command": null, "waited": 1.5, "held": 60, "how": how,
                "since": "2026-11-23T11:58:00Z", "ended_at": "2026-11-23T11:59:00Z", "exit_status": status,
                "author": null, "reason": null})
        };
        let runs = [run("released", Some(1)), run("force_released", None), run("eaten", None)];
        let told = json!({"pool": "p", "runs": runs, "store": "s"});
        fake.looked_at("/v1/pools/p/history").answer_json("200 OK", &told);
    });

    let runs = client.history("p").await.unwrap().value;

    let how: Vec<_> = runs.iter().map(|run| (run.end(), run.exit_status)).collect();
    assert_eq!(how, [(RunEnd::Released, Some(1)), (RunEnd::ForceReleased, None), (RunEnd::Other, None)]);
    assert_eq!(runs[0].held, Some(Duration::from_secs(60)));
    server.join().unwrap();
}
