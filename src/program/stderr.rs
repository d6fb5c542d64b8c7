//! Standard error, written by a separate thread: a program continues even if its messages are not read.

use std::{
    io::{self, Write as _},
    sync::{
        Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// Maximum number of lines that wait for a reader. More are dropped.
const MAX_LINES: usize = 256;
/// Time the program waits for a line to be written: long enough that it usually is before the next step,
/// short enough that nothing is late.
const WRITE_TIMEOUT: Duration = Duration::from_millis(100);
/// Time the program waits at its end for lines not written yet.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// Stack size; the thread does very little.
const STACK_SIZE: usize = 64 << 10;

/// Number of lines passed to the thread and not written yet.
static UNWRITTEN: Mutex<usize> = Mutex::new(0);
/// Notified when that number falls.
static WRITTEN: Condvar = Condvar::new();
/// Channel to the thread, once started; `None` if it cannot be started.
static LINES: OnceLock<Option<SyncSender<String>>> = OnceLock::new();

/// Writes a line at once. Returns when it is written, or immediately if an earlier one is stuck.
pub(crate) fn write(line: String) {
    let Some(lines) = LINES.get_or_init(start) else { return write_now(&line) };
    let was_stuck = {
        let mut unwritten = unwritten();
        *unwritten += 1;
        *unwritten > 1
    };
    if lines.try_send(line).is_err() {
        *unwritten() -= 1;
    } else if !was_stuck {
        wait(WRITE_TIMEOUT);
    }
}

/// Waits until all lines are written, for a limited time.
pub(crate) fn flush() {
    wait(FLUSH_TIMEOUT);
}

fn start() -> Option<SyncSender<String>> {
    let (send, lines) = sync_channel(MAX_LINES);
    let thread = thread::Builder::new().name("stderr".to_owned()).stack_size(STACK_SIZE);
    thread.spawn(move || work(&lines)).ok().map(|_| send)
}

fn work(lines: &Receiver<String>) {
    for line in lines {
        write_now(&line);
        *unwritten() -= 1;
        WRITTEN.notify_all();
    }
}

/// Writes; errors are ignored, as they could be reported nowhere.
fn write_now(line: &str) {
    let _ = io::stderr().write_all(line.as_bytes());
}

fn wait(limit: Duration) {
    let _ = WRITTEN.wait_timeout_while(unwritten(), limit, |unwritten| *unwritten > 0);
}

fn unwritten() -> MutexGuard<'static, usize> {
    UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}
