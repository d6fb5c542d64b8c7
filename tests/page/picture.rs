//! The picture of the page in the documents.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::json;

use super::browser::Browser;
use crate::support::Server;

/// Where the picture is.
const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/images/page.png");

#[test]
#[ignore = "writes docs/images/page.png: cargo test --test distributex -- --ignored picture"]
fn the_picture_is_made_from_the_real_page() {
    let pools =
        "pools: [{name: deploy, expire: 300}, {name: puppet, maxlocks: 3}, {name: reboot}, {name: backup}]
admin_keys: [{name: olga, sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b}]";
    let server = Server::start(pools);
    let acquire = |pool: &str, host: &str, note: &str| {
        let mut client = server.connect();
        let body = json!({"host": host, "owner": "o", "ttl": 300, "command": note}).to_string();
        client.post(&format!("/v1/pools/{pool}/acquire"), &body);
        client.answer()
    };
    for (host, status) in [("web1", 0), ("web2", 0), ("web3", 1)] {
        acquire("deploy", host, "release 41");
        let mut client = server.connect();
        let body = json!({"host": host, "owner": "o", "exit_status": status}).to_string();
        client.post("/v1/pools/deploy/release", &body);
        assert_eq!(client.answer().0, 204);
    }
    for (pool, host, note) in [
        ("deploy", "web4", "release 42"),
        ("puppet", "db1", "puppet agent"),
        ("puppet", "db2", "puppet agent"),
        ("backup", "nas1", "nightly"),
    ] {
        assert_eq!(acquire(pool, host, note).0, 201);
    }
    let _waiters = ["web5", "web6", "web7"].map(|host| server.waiting(host, "deploy"));
    let mut olga = server.connect();
    let body = json!({"reason": "kernel update"}).to_string();
    olga.send_raw(&format!(
        "POST /v1/admin/pools/reboot/pause HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer secret\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(olga.answer().0, 200);
    let browser = Browser::open(1100, 820);

    browser.go(&format!("http://{}/#pool=deploy", server.addr));
    browser.until("document.querySelectorAll('#queue .waiter').length === 3");
    browser.until("document.querySelectorAll('#runs-body tr').length === 3");
    let picture = browser.screenshot();

    let mut decoder = Command::new("base64");
    let decoder = decoder.arg("-d").stdin(Stdio::piped()).stdout(std::fs::File::create(PICTURE).unwrap());
    let mut decoder = decoder.spawn().unwrap();
    decoder.stdin.take().unwrap().write_all(picture.as_bytes()).unwrap();
    assert!(decoder.wait().unwrap().success());
}
