//! The status file: the result of a run for programs, as exit statuses may be the command's own.

use std::{io, path::Path, time::Duration};

use serde::Serialize;

use super::{WrapperOptions, WrapperOutcome, loss::SlotLoss, slot::Slot};
use crate::program::console::Console;
use crate::program::replace_file::replace_file;
use distributex_client::EndedLease;

/// Contents of the status file. Times are in seconds.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// The outcome as a word.
    result: &'static str,
    /// The exit status.
    status: u8,
    /// The last message, if any.
    message: Option<String>,
    /// The pool.
    pool: String,
    /// Name of this host, once known.
    pub(super) host: Option<String>,
    /// The server that granted the slot; `None` without a slot.
    server: Option<String>,
    /// The fencing token.
    token: Option<u64>,
    /// Time it took to acquire the slot.
    waited: Option<f64>,
    /// Time it was held.
    held: Option<f64>,
    /// Whether it was lost, or revoked, before the command ended.
    lost: bool,
    /// The end of the lease, if a server reported it.
    ended: Option<EndedLease>,
}

impl Report {
    /// The report before anything happened.
    pub(super) fn new(options: &WrapperOptions) -> Self {
        let (pool, host) = (options.pool.clone(), options.host.clone());
        let (result, status) = ("", 0);
        Self {
            result,
            status,
            message: None,
            pool,
            host,
            server: None,
            token: None,
            waited: None,
            held: None,
            lost: false,
            ended: None,
        }
    }

    /// Records the slot, after the command and before the release.
    pub(super) fn had(&mut self, slot: &Slot) {
        self.server = Some(slot.server().to_string());
        self.token = slot.token();
        self.waited = Some(rounded(slot.waited));
        self.held = Some(rounded(slot.held()));
    }

    /// Records a loss or revocation.
    pub(super) fn lost(&mut self, loss: Option<SlotLoss>) {
        self.lost = loss.is_some();
        self.ended = loss.and_then(SlotLoss::into_ended);
    }

    /// Writes the file atomically. An error is reported, and changes nothing else.
    pub(super) fn write(mut self, file: &Path, ending: WrapperOutcome, console: Console) {
        (self.result, self.status, self.message) = (ending.word(), ending.code(), console.last_said());
        if let Err(error) = self.replace(file) {
            console.error(format_args!(
                "cannot write {}: {error} (--status-file sets another file)",
                file.display()
            ));
        }
    }

    fn replace(&self, file: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        replace_file(file, &text)
    }
}

/// Rounds to milliseconds.
fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
