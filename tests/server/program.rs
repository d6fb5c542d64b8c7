//! The program: its options, its start, its end and its log.

use std::{
    io::BufRead as _,
    net::TcpListener,
    process::{Command, Output, Stdio},
};

use rustix::process::Signal;

use crate::support::{ONE_SLOT, Server, file_with, has_ipv6};

fn distributexd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_distributexd")).args(args).output().unwrap()
}

/// The exit status and what was said on standard error.
fn fails(args: &[&str]) -> (Option<i32>, String) {
    let output = distributexd(args);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn it_says_where_it_listens_and_which_pools_it_has() {
    let pools = "pools: [{name: pool1, expire: 300}, {name: 'a b', maxlocks: 3, expire: 0, servers: x}]";
    let mut server = Server::start_with(pools, |command| command.stderr(Stdio::piped()));

    server.signal(Signal::TERM);
    let log = server.log_to_end();

    let listening = format!("INFO  listening address={}", server.addr);
    let wanted = [
        listening.as_str(),
        "INFO  pool pool=pool1 slots=1 expire=300 max_waiters=100000",
        "INFO  pool pool=\"a b\" slots=3 expire=0 max_waiters=100000 hosts=1",
    ];
    for line in wanted {
        assert!(log.lines().any(|logged| logged.ends_with(line)), "{line:?} is not in {log}");
    }
}

#[test]
fn it_listens_on_every_address_it_is_told_and_both_families() {
    if !has_ipv6() {
        return;
    }
    let file = file_with("listen: 127.0.0.1:1\npools: [{name: pool1}]");
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
    command.arg("-c").arg(file).args(["--listen", "127.0.0.1:0", "--listen", "[::1]", "-p", "0"]);
    let mut server = Server::spawn(&mut command);

    let mut second = String::new();
    server.stdout.read_line(&mut second).unwrap();
    let (_, addr) = second.trim_end().split_once("http://").unwrap();

    assert!(addr.starts_with("[::1]:"), "{addr}");
    assert_eq!(server.word("/get?host=me&pool=pool1"), "YES");
    server.addr = addr.parse().unwrap();
    assert_eq!(server.word("/get?host=me&pool=pool1"), "YES");
}

#[test]
fn by_default_it_listens_on_every_address() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributexd"));
    let mut server = Server::spawn(command.arg("-c").arg(file_with(ONE_SLOT)).args(["-p", "0"]));
    assert!(server.addr.ip().is_unspecified());

    for ip in ["127.0.0.1", "::1"].iter().take(if has_ipv6() { 2 } else { 1 }) {
        server.addr.set_ip(ip.parse().unwrap());
        assert_eq!(server.word("/get?host=me&pool=pool1"), "YES");
    }
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let file = file_with(ONE_SLOT);

    let (status, said) = fails(&["-c", file.to_str().unwrap(), "--listen", &addr]);

    assert_eq!(status, Some(71));
    assert!(said.contains(&addr) && said.contains("another server") && !said.contains("panicked"), "{said}");
}

#[test]
fn a_wrong_file_is_refused_with_all_its_mistakes() {
    let file = file_with(
        "backend: inmemory\npools:\n  - name: pool1\n    maxlocks: -1\n  - name: pool1\n    expires: 3\n",
    );
    let file = file.to_str().unwrap();

    for args in [&["-c", file][..], &["--check", "-c", file]] {
        let (status, said) = fails(args);

        assert_eq!(status, Some(78));
        for mistake in [":4: ", ":5: ", ":6: "] {
            assert!(said.contains(&format!("{file}{mistake}")), "{said}");
        }
    }
    let (status, said) = fails(&["-c", "/no/such/file"]);
    assert_eq!(status, Some(78));
    assert!(said.contains("/no/such/file"), "{said}");
}

#[cfg(not(feature = "memcache"))]
#[test]
fn a_backend_that_is_not_there_is_said_so() {
    let file = file_with("backend: memcache\npools: [{name: pool1}]");

    let (status, said) = fails(&["--check", "-c", file.to_str().unwrap()]);

    assert_eq!(status, Some(78));
    assert!(said.contains("build it with the feature memcache"), "{said}");
}

#[test]
fn a_right_file_passes_the_check_and_the_samples_are_such() {
    let samples = [
        concat!(env!("CARGO_MANIFEST_DIR"), "/config/distributex.yaml"),
        #[cfg(feature = "memcache")]
        concat!(env!("CARGO_MANIFEST_DIR"), "/config/memcache.yaml"),
    ];
    for sample in samples {
        let output = distributexd(&["--check", "-c", sample]);

        assert_eq!(output.status.code(), Some(0), "{sample}");
        assert!(output.stderr.is_empty(), "{sample}");
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(sample));
    }
}

#[test]
fn wrong_usage_is_64_and_help_is_help() {
    for args in [&[][..], &["--nonsense"], &["-c", "x", "-p", "99999"], &["-c", "x", "--workers", "0"]] {
        let (status, said) = fails(args);
        assert_eq!(status, Some(64), "{args:?}");
        assert!(said.contains("USAGE") || said.contains("error:"), "{said}");
    }
    for args in [["--help"], ["-V"]] {
        let output = distributexd(&args);
        assert_eq!(output.status.code(), Some(0));
        assert!(!output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[test]
fn a_signal_answers_who_waits_and_ends_the_server() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(ONE_SLOT);
        assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
        let mut waiters =
            [server.waiting("bob", "pool1"), server.waiting("bob", "pool1"), server.waiting("cid", "pool1")];

        server.signal(signal);

        for waiter in &mut waiters {
            assert_eq!(waiter.answer(), (503, "NO".to_owned()));
            assert_eq!(waiter.rest(), "");
        }
        assert_eq!(server.end().code(), Some(0));
    }
}

#[test]
fn while_it_stops_nothing_is_granted_and_a_second_signal_ends_it_at_once() {
    let mut server = Server::start("pools: [{name: pool1}, {name: pool2}]");
    let mut ann = server.connect();
    assert_eq!(ann.ask("/get?host=ann&pool=pool1").1, "YES");
    let mut bob = server.waiting("bob", "pool1");
    let mut idle = server.connect();
    idle.ask("/nothing");

    server.signal(Signal::TERM);
    assert_eq!(bob.answer(), (503, "NO".to_owned()));
    // Both at once: it would end by itself a second after the first signal, or sooner without a connection.
    let asks = ["release?host=ann&pool=pool1", "get?host=ann&pool=pool2"];
    ann.send_raw(&asks.map(|ask| format!("GET /{ask} HTTP/1.1\r\nHost: test\r\n\r\n")).concat());
    assert_eq!(ann.answer().1, "OK");
    assert_eq!(ann.answer(), (503, "NO".to_owned()));
    server.signal(Signal::INT);

    assert_eq!(server.end().code(), Some(130));
}

/// May come before the server's end, or not.
const CIDS_END: &str = "INFO  expired pool=pool1 host=cid";

#[test]
fn the_log_has_a_line_for_every_grant_release_and_expiry() {
    // What is to be released must not expire before that.
    let pools = "pools: [{name: pool1, expire: 0.2}, {name: long}]";
    let mut server = Server::start_with(pools, |command| command.stderr(Stdio::piped()));
    assert_eq!(server.word("/get?host=ann&pool=long"), "YES");
    server.word("/release?host=ann&pool=long");
    assert_eq!(server.word("/get?host=b%20%22b&pool=pool1"), "YES");
    let mut cid = server.waiting("cid", "pool1");
    assert_eq!(cid.answer().1, "YES");

    server.signal(Signal::TERM);
    let log = server.log_to_end();

    let said: Vec<_> = log
        .lines()
        .skip_while(|line| !line.contains(" granted "))
        .map(without_figures)
        .filter(|line| !line.starts_with(CIDS_END))
        .collect();
    assert_eq!(
        said,
        [
            "INFO  granted pool=long host=ann token waited",
            "INFO  released pool=long host=ann token held",
            "INFO  granted pool=pool1 host=\"b \\\"b\" token waited",
            "INFO  expired pool=pool1 host=\"b \\\"b\" token held",
            "INFO  granted pool=pool1 host=cid token waited",
            "INFO  stopping signal=15",
            "INFO  stopped",
        ]
    );
}

#[test]
fn the_log_says_why_a_call_is_invalid_once_a_second_at_most() {
    let mut server = Server::start_with(ONE_SLOT, |command| command.stderr(Stdio::piped()));

    for _ in 0..100 {
        assert_eq!(server.word("/get?host=ann&pool=pol1"), "INVALID");
    }
    server.signal(Signal::TERM);
    assert_eq!(server.end().code(), Some(0));

    let log = server.log_to_end();
    let lines = log
        .lines()
        .filter(|line| line.contains("INFO  invalid_request reason=") && line.contains("pol1"))
        .count();
    assert!((1..100).contains(&lines), "{log}");
}

#[test]
fn mistakes_of_clients_are_not_logged_however_little_is() {
    for level in ["warn", "info", "error,distributex=debug"] {
        let mut server =
            Server::start_with(ONE_SLOT, |command| command.env("RUST_LOG", level).stderr(Stdio::piped()));

        let mut client = server.connect();
        client.send_raw("no request\r\n\r\n");
        assert!(client.rest().starts_with("HTTP/1.1 400 "));
        server.signal(Signal::TERM);
        assert_eq!(server.end().code(), Some(0));

        let log = server.log_to_end();
        assert!(!log.contains("ERROR"), "{level}: {log}");
    }
}

/// A line of the log without its time, and without the values of `token`, `waited` and `held`.
fn without_figures(line: &str) -> String {
    let (_, line) = line.split_once(' ').unwrap();
    let name_only = |word| match str::split_once(word, '=') {
        Some((key @ ("token" | "waited" | "held"), _)) => key,
        _ => word,
    };
    line.split(' ').map(name_only).collect::<Vec<_>>().join(" ")
}
