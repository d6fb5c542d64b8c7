//! What can be watched.
use crate::node::Said;
use crate::operator::{MAX_EVENT_BUFFER, MAX_HISTORY_RUNS, TelemetrySettings};
use crate::section::Section;
use crate::value::{Unfit, whole};

/// Takes `history_runs`, `event_buffer` and `metrics`.
pub(super) fn take(file: &mut Section) -> TelemetrySettings {
    let mut up_to = |key, most: usize| file.take(key, |said| whole(said, 0..=most as i128));
    let (history, events) =
        (up_to("history_runs", MAX_HISTORY_RUNS), up_to("event_buffer", MAX_EVENT_BUFFER));
    let metrics = file.take("metrics", truth);
    let usual = TelemetrySettings::default();
    TelemetrySettings {
        history_runs: history.unwrap_or(usual.history_runs),
        event_buffer: events.unwrap_or(usual.event_buffer),
        metrics: metrics.unwrap_or(usual.metrics),
    }
}

fn truth(said: &Said) -> Result<bool, Unfit> {
    if let Said::Truth(truth) = said { Ok(*truth) } else { Err(Unfit::new(said, "must be true or false")) }
}
