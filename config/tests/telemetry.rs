//! Settings of history, events and metrics.
use distributex_config::{MAX_EVENT_BUFFER, MAX_HISTORY_RUNS, TelemetrySettings};

use crate::{error_text, parse_valid};

fn watch(line: &str) -> TelemetrySettings {
    parse_valid(&format!("{line}\npools: [{{name: a}}]")).telemetry
}

#[test]
fn history_events_and_metrics_are_enabled_by_default() {
    assert_eq!(watch(""), TelemetrySettings { history_runs: 100, event_buffer: 1_000, metrics: true });
}

#[test]
fn history_and_events_can_have_their_limits() {
    for history in [0, 1, MAX_HISTORY_RUNS] {
        assert_eq!(
            watch(&format!("history_runs: {history}")),
            TelemetrySettings { history_runs: history, ..TelemetrySettings::default() }
        );
    }
    for events in [0, 1, MAX_EVENT_BUFFER] {
        assert_eq!(
            watch(&format!("event_buffer: {events}")),
            TelemetrySettings { event_buffer: events, ..TelemetrySettings::default() }
        );
    }
}

#[test]
fn metrics_can_be_disabled() {
    assert_eq!(watch("metrics: false"), TelemetrySettings { metrics: false, ..TelemetrySettings::default() });
    assert!(watch("metrics: true").metrics);
}

#[test]
fn invalid_telemetry_settings_are_reported() {
    for (key, written, way_out) in [
        ("history_runs", "-1", "must be a whole number from 0 to 10000"),
        ("history_runs", "10001", "must be a whole number from 0 to 10000"),
        ("history_runs", "true", "must be a whole number from 0 to 10000"),
        ("history_runs", "\"100\"", "must be a whole number from 0 to 10000"),
        ("event_buffer", "1000001", "must be a whole number from 0 to 1000000"),
        ("event_buffer", "0.5", "must be a whole number from 0 to 1000000"),
        ("metrics", "1", "must be true or false"),
        ("metrics", "\"yes\"", "must be true or false"),
        ("metrics", "\"true\"", "must be true or false"),
    ] {
        let error_text = error_text(&format!("{key}: {written}\npools: [{{name: a}}]"));
        assert_eq!(error_text, format!("f:1: {key} is {written}; {way_out}"));
    }
}
