//! The disk that a state directory is on: a directory for each server, and how fast the disk flushes.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a bench waits in real time")]

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::{Command, id},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{Result, failed_to};

/// What is written before each flush: a page.
const PAGE: [u8; 4096] = [7; 4096];

/// The file stays so long at most, and is then written from its start again.
const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

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
        configuration
            .replace("backend: inmemory", &format!("backend: inmemory\nstate_dir: {}", state.display()))
    }

    /// A file that is flushed again and again, on a disk that takes so much longer.
    pub(crate) fn flusher(&self, slower: Duration) -> Result<Flusher> {
        Flusher::create(&self.0.join("flushed"), slower)
    }

    /// What a server's environment has to be, so that its flushes take so much longer: a library between it and the C
    /// library, built here.
    pub(crate) fn slower(&self, slower: Duration) -> Result<Vec<(&'static str, String)>> {
        if slower.is_zero() {
            return Ok(Vec::new());
        }
        let library = self.0.join("disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/state/disk.c");
        let mut command = Command::new("cc");
        command.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(source).arg("-ldl");
        let built = command.status().map_err(failed_to("run cc (Debian: build-essential)"))?;
        let delay = slower.as_micros().to_string();
        let preload = library.display().to_string();
        if built.success() {
            Ok(vec![("LD_PRELOAD", preload), ("DISK_DELAY", delay)])
        } else {
            Err("cc failed".into())
        }
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
    /// How much longer each flush takes than the disk needs.
    slower: Duration,
}

impl Flusher {
    fn create(path: &Path, slower: Duration) -> Result<Self> {
        let file = File::create(path).map_err(failed_to(format_args!("make {}", path.display())))?;
        Ok(Self { file, written: 0, slower })
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
        if self.written >= MAX_FILE_BYTES {
            self.file.set_len(0)?;
            self.file.seek(SeekFrom::Start(0))?;
            self.written = 0;
        }
        let start = Instant::now();
        self.file.write_all(&PAGE)?;
        if !self.slower.is_zero() {
            thread::sleep(self.slower);
        }
        self.file.sync_data()?;
        self.written += PAGE.len();
        Ok(start.elapsed())
    }
}

/// How many flushes every disk of the machine has done; see the sixteenth field in
/// <https://docs.kernel.org/admin-guide/iostats.html>.
#[derive(Debug)]
pub(crate) struct Flushes(HashMap<String, u64>);

impl Flushes {
    /// Until now.
    pub(crate) fn read() -> Result<Self> {
        let text = fs::read_to_string("/proc/diskstats").map_err(failed_to("read /proc/diskstats"))?;
        let count = |line: &str| {
            let fields: Vec<_> = line.split_ascii_whitespace().collect();
            Some(((*fields.get(2)?).to_owned(), fields.get(18)?.parse().ok()?))
        };
        Ok(Self(text.lines().filter_map(count).collect()))
    }

    /// How many the disk that did most has done since then.
    pub(crate) fn since(&self, then: &Self) -> u64 {
        let done = self.0.iter().map(|(disk, count)| count - then.0.get(disk).unwrap_or(count));
        done.max().unwrap_or(0)
    }
}
