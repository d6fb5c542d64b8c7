//! The disk that a state directory is on: a directory for each server, and how fast the disk flushes.

#![expect(clippy::disallowed_types, reason = "the system's clock is what is measured here")]

use std::{
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::id,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use super::{Result, failed_to};

/// What is written before each flush: a page.
const PAGE: [u8; 4096] = [7; 4096];

/// The file stays so long at most, and is then written from its start again.
const LONGEST: usize = 16 * 1024 * 1024;

/// A directory on the disk of the build, removed with this value.
#[derive(Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// A new one.
    pub(crate) fn new() -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}-{number}", id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(failed_to(format_args!("make {}", path.display())))?;
        Ok(Self(path))
    }

    /// A server's configuration, with its leases kept here too.
    pub(crate) fn keeps(&self, configuration: &str) -> String {
        let state = self.0.join("state");
        configuration.replace("backend: inmemory", &format!("backend: inmemory\nstate: {}", state.display()))
    }

    /// A file that is flushed again and again.
    pub(crate) fn flusher(&self) -> Result<Flusher> {
        Flusher::create(&self.0.join("flushed"))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Appends a page and flushes it, as the simplest log would.
#[derive(Debug)]
pub(crate) struct Flusher {
    file: File,
    written: usize,
}

impl Flusher {
    fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(failed_to(format_args!("make {}", path.display())))?;
        Ok(Self { file, written: 0 })
    }

    /// Flushes for so long: how long each took.
    pub(crate) fn flush_for(&mut self, time: Duration) -> Result<Vec<Duration>> {
        let (end, mut took) = (Instant::now() + time, Vec::new());
        while took.is_empty() || Instant::now() < end {
            took.push(self.flush()?);
        }
        Ok(took)
    }

    fn flush(&mut self) -> Result<Duration> {
        if self.written >= LONGEST {
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            self.written = 0;
        }
        let start = Instant::now();
        self.file.write_all(&PAGE)?;
        self.file.sync_data()?;
        self.written += PAGE.len();
        Ok(start.elapsed())
    }
}
