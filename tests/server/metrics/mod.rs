//! `/metrics`: numbers for Prometheus.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{
    support::{ONE_SLOT, Server},
    wrapper::run::folder,
};

mod counts;

/// All numbers at one moment.
#[derive(Debug)]
pub(crate) struct Numbers(BTreeMap<String, f64>);

impl Numbers {
    /// Those of a server; what Prometheus would not take is a mistake.
    pub(crate) fn of(server: &Server) -> Self {
        let (status, text) = server.get("/metrics");
        assert_eq!(status, 200);
        let numbers = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        });
        Self(numbers.collect())
    }

    /// The number with this name, without `distributex_`.
    pub(crate) fn get(&self, name: &str) -> f64 {
        let name = format!("distributex_{name}");
        *self.0.get(&name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// The same for `pool1`.
    fn pool1(&self, name: &str) -> f64 {
        self.get(&format!("{name}{{pool=\"pool1\"}}"))
    }

    /// How `pool1` changed it to what it is now.
    fn ends(&self) -> [f64; 5] {
        ["released", "expired", "force_released", "vanished", "undelivered"]
            .map(|how| self.get(&format!("leases_ended_total{{pool=\"pool1\",reason=\"{how}\"}}")))
    }

    /// A kind that there was none of has no number.
    fn refusals(&self, reason: &str) -> Option<f64> {
        self.0
            .get(&format!("distributex_acquire_refused_total{{pool=\"pool1\",reason=\"{reason}\"}}"))
            .copied()
    }

    fn requests(&self, call: &str, status: u16) -> f64 {
        self.get(&format!("requests_total{{call=\"{call}\",status=\"{status}\"}}"))
    }

    fn has(&self, word: &str) -> bool {
        self.0.keys().any(|name| name.contains(word))
    }
}

/// Panics if Prometheus finds something to say of this text.
fn prometheus_takes(text: &str) {
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = command.spawn().expect("promtool, of Debian's package prometheus");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said =
        [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn prometheus_takes_all_of_them_and_none_is_missing() {
    let state = format!("state_dir: {}\n{ONE_SLOT}", folder().join("state").display());
    let server = Server::start(&state);
    assert_eq!(
        (server.word("/get?host=ann&pool=pool1"), server.word("/get?host=bob&pool=pool1")),
        ("YES".into(), "NO".into())
    );

    let mut client = server.connect();
    client.send("/metrics");
    let (head, text) = client.whole_answer();

    assert!(head.contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{head}");
    prometheus_takes(&text);
    for (name, kind) in [
        ("pool_slots", "gauge"),
        ("pool_held", "gauge"),
        ("pool_waiting", "gauge"),
        ("pool_oldest_wait_seconds", "gauge"),
        ("pool_oldest_hold_seconds", "gauge"),
        ("pool_paused", "gauge"),
        ("pool_store_up", "gauge"),
        ("grants_total", "counter"),
        ("leases_ended_total", "counter"),
        ("acquire_refused_total", "counter"),
        ("renewals_total", "counter"),
        ("renewals_refused_total", "counter"),
        ("undelivered_total", "counter"),
        ("requests_total", "counter"),
        ("backend_calls_total", "counter"),
        ("backend_errors_total", "counter"),
        ("events_total", "counter"),
        ("event_readers_disconnected_total", "counter"),
        ("event_readers", "gauge"),
        ("build_info", "gauge"),
        ("wait_seconds", "histogram"),
        ("hold_seconds", "histogram"),
        ("handover_seconds", "histogram"),
    ] {
        assert!(text.contains(&format!("# TYPE distributex_{name} {kind}\n")), "{name}");
    }
    let build = format!("distributex_build_info{{version=\"{}\"}} 1\n", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&build), "{text}");
}

#[test]
fn what_is_counted_of_a_pool_stands_at_0_from_the_first_look_on() {
    let server = Server::start("pools: [{name: pool1, maxlocks: 3}]");

    let numbers = Numbers::of(&server);

    assert_eq!(numbers.pool1("pool_slots"), 3.0);
    assert_eq!(numbers.pool1("pool_store_up"), 1.0);
    for name in [
        "pool_held",
        "pool_waiting",
        "pool_oldest_wait_seconds",
        "pool_oldest_hold_seconds",
        "pool_paused",
        "grants_total",
        "renewals_total",
        "renewals_refused_total",
        "undelivered_total",
        "wait_seconds_count",
        "hold_seconds_count",
    ] {
        assert_eq!(numbers.pool1(name), 0.0, "{name}");
    }
    assert_eq!(numbers.ends(), [0.0; 5]);
}

#[test]
fn names_that_would_end_a_label_do_not() {
    let names = ["a\"} 1", "b\\", "c{x=\"y\"}", "d\u{2028}ä", "#e"];
    let pools: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
    let server = Server::start(&serde_json::to_string(&json!({"pools": pools})).unwrap());

    let (_, text) = server.get("/metrics");

    prometheus_takes(&text);
    assert!(text.contains("distributex_grants_total{pool=\"a\\\"} 1\"} 0\n"), "{text}");
    assert_eq!(text.matches("distributex_grants_total{").count(), names.len());
}

#[test]
fn they_can_be_switched_off_and_nothing_else_is_then() {
    let server = Server::start(&format!("metrics: false\n{ONE_SLOT}"));
    let (status, said) = server.get("/metrics");
    assert_eq!(status, 404);
    assert!(said.contains("\"metrics\""), "{said}");
    assert_eq!(server.word("/get?host=ann&pool=pool1"), "YES");
    assert_eq!(server.word("/release?host=ann&pool=pool1"), "OK");
    assert!(server.get("/v1/pools/pool1/history").1.contains("\"ann\""));
    assert_eq!(server.get("/readyz").0, 200);
}

#[test]
fn all_of_many_pools_are_there_at_the_first_look() {
    let pools: Vec<_> = (0..500).map(|n| json!({"name": format!("pool{n}")})).collect();
    let server = Server::start(&serde_json::to_string(&json!({"pools": pools})).unwrap());

    let (_, text) = server.get("/metrics");

    assert_eq!(text.matches("distributex_grants_total{").count(), 500);
}
