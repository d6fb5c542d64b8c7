//! What happened, for programs: exit statuses may be the command's own.

use std::{io, path::Path, time::Duration};

use serde::Serialize;

use super::{WrapperOptions, WrapperOutcome, console::Console, loss::SlotLoss, slot::Slot};
use crate::program::replace_file::replace_file;
use distributex_client::EndedLease;

/// The contents of the status file. Times are in seconds.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// How it ended, in a word.
    result: &'static str,
    /// The exit status.
    status: u8,
    /// What was said last, if anything.
    message: Option<String>,
    /// The pool.
    pool: String,
    /// What this host is called, if that is known.
    pub(super) host: Option<String>,
    /// The server that gave the slot; with none, the slot did not come.
    server: Option<String>,
    /// Its fencing number.
    token: Option<u64>,
    /// How long it took to get.
    waited: Option<f64>,
    /// How long it was held.
    held: Option<f64>,
    /// Whether it was lost, or revoked, before the command ended.
    lost: bool,
    /// How it was lost, if a server told.
    ended: Option<EndedLease>,
}

impl Report {
    /// Nothing happened yet.
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

    /// The command is over, and the slot is about to be given back.
    pub(super) fn had(&mut self, slot: &Slot) {
        self.server = Some(slot.server().to_string());
        self.token = slot.token();
        self.waited = Some(rounded(slot.waited));
        self.held = Some(rounded(slot.held()));
    }

    /// This became of the slot, if it was lost or revoked.
    pub(super) fn lost(&mut self, loss: Option<SlotLoss>) {
        self.lost = loss.is_some();
        self.ended = loss.and_then(SlotLoss::into_ended);
    }

    /// Writes it, a regular file as a whole or not at all. What goes wrong is told, and changes nothing else.
    pub(super) fn write(mut self, file: &Path, ending: WrapperOutcome, console: Console) {
        (self.result, self.status, self.message) = (ending.word(), ending.code(), console.last_said());
        if let Err(error) = self.replace(file) {
            console.error(format_args!(
                "cannot write {}: {error} (--status-file names another file)",
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

/// To the millisecond.
fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
