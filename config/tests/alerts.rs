//! The shipped alerting rules: Prometheus accepts them, and each is tested and says what to do.
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const RULES: &str = "alerts.yaml";
const TESTS: &str = "alerts_test.yaml";

/// Gauges and counters of `/metrics`.
pub(crate) const METRICS: [&str; 20] = [
    "distributex_pool_slots",
    "distributex_pool_held",
    "distributex_pool_waiting",
    "distributex_pool_oldest_wait_seconds",
    "distributex_pool_oldest_hold_seconds",
    "distributex_pool_paused",
    "distributex_pool_store_up",
    "distributex_grants_total",
    "distributex_leases_ended_total",
    "distributex_acquire_refused_total",
    "distributex_renewals_total",
    "distributex_renewals_refused_total",
    "distributex_undelivered_total",
    "distributex_requests_total",
    "distributex_backend_calls_total",
    "distributex_backend_errors_total",
    "distributex_events_total",
    "distributex_event_readers_disconnected_total",
    "distributex_event_readers",
    "distributex_build_info",
];

/// Histograms of `/metrics`.
pub(crate) const HISTOGRAMS: [&str; 3] =
    ["distributex_wait_seconds", "distributex_hold_seconds", "distributex_handover_seconds"];

/// Path of a shipped file.
pub(crate) fn shipped(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

pub(crate) fn text(file: &str) -> String {
    std::fs::read_to_string(shipped(file)).expect("a file that is shipped")
}

/// Output of `promtool VERB rules FILE`, which must succeed.
pub(crate) fn promtool(verb: &str, file: &Path) -> String {
    let output = Command::new("promtool").args([verb, "rules"]).arg(file).output();
    let output = output.expect("promtool, of Debian's package prometheus");
    let shown =
        [output.stdout, output.stderr].map(|shown| String::from_utf8_lossy(&shown).into_owned()).concat();
    assert!(output.status.success(), "{shown}");
    shown
}

/// Names of metrics in the text that `/metrics` does not have.
pub(crate) fn unknown_metrics(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    words.filter(|word| word.starts_with("distributex_") && !is_exported(word)).collect()
}

fn is_exported(name: &str) -> bool {
    let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
    METRICS.contains(&name) || histogram.is_some_and(|name| HISTOGRAMS.contains(&name))
}

fn rules() -> Vec<Value> {
    let file: Value = serde_yaml::from_str(&text(RULES)).expect("YAML");
    let groups = file["groups"].as_array().expect("groups").iter();
    groups.flat_map(|group| group["rules"].as_array().expect("rules").clone()).collect()
}

#[test]
fn prometheus_accepts_the_rules() {
    let shown = promtool("check", &shipped(RULES));

    assert!(shown.contains(&format!("SUCCESS: {} rules found", rules().len())), "{shown}");
}

#[test]
fn alerts_fire_exactly_when_they_should() {
    promtool("test", &shipped(TESTS));
}

#[test]
fn every_alert_is_tested_and_says_what_to_do() {
    let tests = text(TESTS);
    for rule in rules().iter().filter(|rule| rule["record"].is_null()) {
        let alert = rule["alert"].as_str().expect("a name");
        assert!(tests.contains(alert), "{alert} is not tested");
        assert!(["warning", "critical"].map(Value::from).contains(&rule["labels"]["severity"]), "{alert}");
        let annotation = |name: &str| rule["annotations"][name].as_str().unwrap_or_default();
        assert!(!annotation("summary").is_empty(), "{alert} has no summary");
        assert!(annotation("description").contains("\"distributexctl "), "{alert} does not say what to do");
    }
}

#[test]
fn rules_and_tests_use_only_existing_metrics() {
    for file in [RULES, TESTS] {
        assert_eq!(unknown_metrics(&text(file)), [""; 0], "{file}");
    }
    for rule in rules() {
        let expression = rule["expr"].as_str().expect("an expression");
        let recorded = expression.split_whitespace().filter(|word| word.contains(":distributex_"));
        for name in recorded {
            assert!(rules().iter().any(|rule| rule["record"] == name), "{name} is not recorded");
        }
    }
}
