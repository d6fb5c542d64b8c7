//! JSON out: what pulling a lever did.

use serde::Serialize;

use super::super::time::{JsonSeconds, JsonTimestamp};

/// A lease was ended by force.
#[derive(Serialize)]
pub(super) struct ForceReleasedBody<'a> {
    pub(super) pool: &'a str,
    pub(super) host: &'a str,
    pub(super) token: u64,
    pub(super) held: JsonSeconds,
    /// So long at most its holder may go on before it has to notice; `None`: for ever.
    pub(super) may_run_for: Option<JsonSeconds>,
    pub(super) store: Option<&'a str>,
}

/// A holder is asked to stop.
#[derive(Serialize)]
pub(super) struct RevokeAnswerBody<'a> {
    pub(super) pool: &'a str,
    pub(super) host: &'a str,
    pub(super) token: u64,
    /// When the slot is free at the latest; `None`: not before its holder gives it back.
    pub(super) until: Option<JsonTimestamp>,
    /// Whether the holder is told when it renews.
    pub(super) notified: bool,
    pub(super) store: Option<&'a str>,
}

/// Somebody's place in the line changed, or there is none any more.
#[derive(Serialize)]
pub(super) struct QueueChangeBody<'a> {
    pub(super) pool: &'a str,
    pub(super) host: &'a str,
    pub(super) ticket: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<usize>,
    pub(super) store: Option<&'a str>,
}

/// The configuration was read again.
#[derive(Serialize)]
pub(super) struct ReloadedBody<'a> {
    pub(super) pools: usize,
    pub(super) need_restart: &'a [&'static str],
}

/// Who asks.
#[derive(Serialize)]
pub(super) struct WhoAmIBody<'a> {
    /// As who this requester is shown as the author of what it does, if it gives no other name.
    pub(super) author: &'a str,
}
