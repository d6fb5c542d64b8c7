//! `/`: the operators' page comes from the program itself, and loads nothing else.

use super::watch::asked;
use crate::support::{ONE_SLOT, Server};

/// Where its files are.
const FILES: [(&str, &str); 7] = [
    ("/", "text/html; charset=utf-8"),
    ("/page.css", "text/css; charset=utf-8"),
    ("/page.js", "text/javascript; charset=utf-8"),
    ("/page/history.js", "text/javascript; charset=utf-8"),
    ("/page/admin.js", "text/javascript; charset=utf-8"),
    ("/page/pool.js", "text/javascript; charset=utf-8"),
    ("/page/words.js", "text/javascript; charset=utf-8"),
];

/// What the page may do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[test]
fn every_file_is_served_with_its_type_and_with_what_it_may_do() {
    let server = Server::start(ONE_SLOT);
    let mut client = server.connect();
    for (path, kind) in FILES {
        client.send(path);
        let (head, body) = client.whole_answer();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && !body.is_empty(), "{path}: {head}");
        for line in [
            &format!("content-type: {kind}"),
            &format!("content-security-policy: {POLICY}"),
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-cache",
        ] {
            assert!(head.contains(&format!("\r\n{line}\r\n")), "{path}: {line} is not in {head}");
        }
    }
}

#[test]
fn head_is_answered_and_nothing_can_be_written_there() {
    let server = Server::start(ONE_SLOT);
    for (path, kind) in FILES {
        let head = asked(&server, "HEAD", path);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{path}: {head}");
        assert!(head.contains(&format!("content-type: {kind}\r\n")), "{path}: {head}");
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let refused = asked(&server, method, path);
            assert!(refused.starts_with("HTTP/1.1 405 "), "{path}: {refused}");
            assert!(refused.contains("\r\nallow: GET, HEAD\r\n"), "{path}: {refused}");
        }
    }
}

#[test]
fn every_file_that_a_file_names_is_served_and_none_is_from_elsewhere() {
    let server = Server::start(ONE_SLOT);
    for (path, _) in FILES {
        let (_, text) = server.get(path);
        let links = text.split(['"', '\'', '(', ')', ' ', '\n', '`']);
        for word in links.filter(|word| word.contains("//") && word.contains(':')) {
            let is_text = word.starts_with("http://THIS-SERVER/"); // for people, never loaded
            assert!(is_text, "{path}: {word}");
        }
        for inside in ["<script>", " style=", " onclick=", "javascript:", ".innerHTML", "@import", "eval("] {
            assert!(!text.contains(inside), "{path}: {inside}");
        }
        let files = text.split(['"', '\'']).filter(|word| word.ends_with(".js") || word.ends_with(".css"));
        for file in files {
            let name = file.rsplit('/').next().unwrap();
            assert!(FILES.iter().any(|(known, _)| known.rsplit('/').next() == Some(name)), "{path}: {file}");
        }
    }
}

#[test]
fn paths_that_are_almost_one_of_these_are_as_they_were() {
    let server = Server::start(ONE_SLOT);
    for path in [
        "//",
        "///",
        "/page",
        "/page/",
        "/page.css/",
        "/page/page.js",
        "/index.html",
        "/page/../page.js",
        "/.",
    ] {
        assert_eq!(server.get(path), (404, "INVALID".to_owned()), "{path}");
    }
    for path in ["/get/", "//get//", "/get"] {
        assert_eq!(server.word(&format!("{path}?host=ann&pool=pool1")), "YES", "{path}");
    }
    assert_eq!(server.get("/?host=ann&pool=pool1").0, 200); // the page
}
