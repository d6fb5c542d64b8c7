//! The log: lines of env_logger, written by a separate thread.
//!
//! A line for each grant and release must cost the pools next to nothing, and a slow reader (a disk, a pipe
//! that is not read) must not stop them. So lines are collected and written many at once; when too many are
//! waiting, further ones are counted and dropped.

use std::{
    env,
    io::{self, Write as _},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use log::{Level, Log, Metadata, Record};

use super::log_format::LogFormat;

/// Default of RUST_LOG.
const DEFAULT_FILTER: &str = "info";

/// Limits for targets that RUST_LOG does not name: actix-http would log every mistake of a client as an error.
const LIBRARY_FILTER: &str = "actix_http=off,actix_server=warn";

/// Time during which lines are collected.
const BATCH_WINDOW: Duration = Duration::from_millis(20);

/// Maximum number of bytes that wait to be written.
const MAX_BUFFERED_BYTES: usize = 4 * 1024 * 1024;

/// Time limit for the last lines at the end of the process.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// Starts the log on standard error, filtered by RUST_LOG.
///
/// # Errors
/// When its thread cannot be started.
pub fn start(format: LogFormat) -> io::Result<()> {
    let lines = Arc::new(LogBuffer::default());
    let writer = Arc::clone(&lines);
    thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_forever(format))?;
    let wanted = env::var("RUST_LOG").unwrap_or_else(|_| DEFAULT_FILTER.to_owned());
    let logger = env_logger::Builder::new()
        .parse_filters(&format!("{LIBRARY_FILTER},{wanted}"))
        .format(move |line, record| format.write(line, record))
        .target(env_logger::Target::Pipe(Box::new(BufferWriter(Arc::clone(&lines)))))
        .build();
    let level = logger.filter();
    log::set_boxed_logger(Box::new(AsyncLogger { logger, lines })).map_err(io::Error::other)?;
    log::set_max_level(level);
    Ok(())
}

/// The logger: env_logger, whose lines are collected.
#[derive(Debug)]
struct AsyncLogger {
    logger: env_logger::Logger,
    lines: Arc<LogBuffer>,
}

impl Log for AsyncLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.logger.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        self.logger.log(record);
    }

    /// Flushes the log at the end of the process; returns when all is written, or after a time limit.
    fn flush(&self) {
        self.lines.flush_blocking();
    }
}

/// Lines that wait to be written.
#[derive(Debug, Default)]
struct LogBuffer {
    waiting: Mutex<BufferedLines>,
    /// Notified when there are lines, or when a flush is wanted.
    some: Condvar,
    /// Notified when all is written.
    none: Condvar,
}

#[derive(Debug, Default)]
struct BufferedLines {
    bytes: Vec<u8>,
    /// Number of lines dropped since the last write.
    left_out: usize,
    /// Whether lines are being written now.
    writing: bool,
    /// Whether a flush is wanted.
    urgent: bool,
}

impl LogBuffer {
    fn lock(&self) -> MutexGuard<'_, BufferedLines> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.bytes.len() + line.len() > MAX_BUFFERED_BYTES {
            waiting.left_out += 1;
            return;
        }
        if waiting.bytes.is_empty() {
            self.some.notify_one();
        }
        waiting.bytes.extend_from_slice(line);
    }

    fn flush_blocking(&self) {
        let mut waiting = self.lock();
        waiting.urgent = true;
        self.some.notify_one();
        let unwritten = |waiting: &mut BufferedLines| waiting.writing || !waiting.bytes.is_empty();
        drop(self.none.wait_timeout_while(waiting, FLUSH_TIMEOUT, unwritten));
    }

    fn write_forever(&self, format: LogFormat) {
        loop {
            let (bytes, left_out) = self.take();
            write(&bytes, left_out, format);
            self.lock().writing = false;
            self.none.notify_all();
        }
    }

    /// Waits for a line, and a little longer for more.
    fn take(&self) -> (Vec<u8>, usize) {
        let waiting = self.some.wait_while(self.lock(), |waiting| waiting.bytes.is_empty());
        let waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let more = self.some.wait_timeout_while(waiting, BATCH_WINDOW, |waiting| !waiting.urgent);
        let (mut waiting, _) = more.unwrap_or_else(PoisonError::into_inner);
        waiting.writing = true;
        (mem::take(&mut waiting.bytes), mem::take(&mut waiting.left_out))
    }
}

/// Writes lines, and the number of dropped ones. Errors are ignored: they could be reported nowhere.
fn write(bytes: &[u8], left_out: usize, format: LogFormat) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(bytes);
    if left_out > 0 {
        let pairs = [("lines", left_out)];
        let args = format_args!("log_lines_dropped");
        let record = Record::builder().level(Level::Warn).args(args).key_values(&pairs).build();
        let _ = format.write(&mut stderr, &record);
    }
}

/// The writer for env_logger; receives one line at a time.
#[derive(Debug)]
struct BufferWriter(Arc<LogBuffer>);

impl io::Write for BufferWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
