//! What a file says about that which can be watched.
use distributex_config::{MAX_EVENT_BUFFER, MAX_HISTORY_RUNS, TelemetrySettings};

use crate::{good, told};

fn watch(line: &str) -> TelemetrySettings {
    good(&format!("{line}\npools: [{{name: a}}]")).telemetry
}

#[test]
fn runs_events_and_metrics_can_be_had_without_asking() {
    assert_eq!(watch(""), TelemetrySettings { history_runs: 100, event_buffer: 1_000, metrics: true });
}

#[test]
fn numbers_reach_their_limits() {
    for history in [0, 1, MAX_HISTORY_RUNS] {
        assert_eq!(
            watch(&format!("history: {history}")),
            TelemetrySettings { history_runs: history, ..TelemetrySettings::default() }
        );
    }
    for events in [0, 1, MAX_EVENT_BUFFER] {
        assert_eq!(
            watch(&format!("events: {events}")),
            TelemetrySettings { event_buffer: events, ..TelemetrySettings::default() }
        );
    }
}

#[test]
fn metrics_can_be_switched_off() {
    assert_eq!(watch("metrics: false"), TelemetrySettings { metrics: false, ..TelemetrySettings::default() });
    assert!(watch("metrics: true").metrics);
}

#[test]
fn what_does_not_fit_is_told() {
    for (key, written, way_out) in [
        ("history", "-1", "give a whole number from 0 to 10000"),
        ("history", "10001", "give a whole number from 0 to 10000"),
        ("history", "true", "give a whole number from 0 to 10000"),
        ("history", "\"100\"", "give a whole number from 0 to 10000"),
        ("events", "1000001", "give a whole number from 0 to 1000000"),
        ("events", "0.5", "give a whole number from 0 to 1000000"),
        ("metrics", "1", "give true or false"),
        ("metrics", "\"yes\"", "give true or false"),
        ("metrics", "\"true\"", "give true or false"),
    ] {
        let told = told(&format!("{key}: {written}\npools: [{{name: a}}]"));
        assert_eq!(told, format!("f:1: {key} is {written}; {way_out}"));
    }
}
