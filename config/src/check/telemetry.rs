//! Validation of `history_runs`, `event_buffer` and `metrics`.
use crate::check::section::Section;
use crate::check::value::{InvalidValue, integer};
use crate::settings::{MAX_EVENT_BUFFER, MAX_HISTORY_RUNS, TelemetrySettings};
use crate::yaml::node::Value;

/// Takes `history_runs`, `event_buffer` and `metrics`.
pub(super) fn take(file: &mut Section) -> TelemetrySettings {
    let mut count = |key, max: usize| file.take(key, |value| integer(value, 0..=max as i128));
    let (history, events) =
        (count("history_runs", MAX_HISTORY_RUNS), count("event_buffer", MAX_EVENT_BUFFER));
    let metrics = file.take("metrics", boolean);
    let defaults = TelemetrySettings::default();
    TelemetrySettings {
        history_runs: history.unwrap_or(defaults.history_runs),
        event_buffer: events.unwrap_or(defaults.event_buffer),
        metrics: metrics.unwrap_or(defaults.metrics),
    }
}

fn boolean(value: &Value) -> Result<bool, InvalidValue> {
    if let Value::Bool(boolean) = value {
        Ok(*boolean)
    } else {
        Err(InvalidValue::new(value, "must be true or false"))
    }
}
