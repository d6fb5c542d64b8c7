//! Settings of history, events and metrics.
/// Default of `history_runs`.
pub const DEFAULT_HISTORY_RUNS: usize = 100;
/// Largest `history_runs`.
pub const MAX_HISTORY_RUNS: usize = 10_000;
/// Default of `event_buffer`.
pub const DEFAULT_EVENT_BUFFER: usize = 1_000;
/// Largest `event_buffer`.
pub const MAX_EVENT_BUFFER: usize = 1_000_000;

/// Settings of history, events and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// Ended runs kept per pool; 0: none.
    pub history_runs: usize,
    /// Latest events of all pools kept for readers that reconnect; 0: no event stream.
    pub event_buffer: usize,
    /// Whether `/metrics` is served.
    pub metrics: bool,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self { history_runs: DEFAULT_HISTORY_RUNS, event_buffer: DEFAULT_EVENT_BUFFER, metrics: true }
    }
}
