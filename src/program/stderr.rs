//! Standard error, written by a thread of its own: a program whose lines nobody reads goes on with its work.

use std::{
    io::{self, Write as _},
    sync::{
        Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// The number of lines that can wait for a reader. More are dropped.
const MAX_LINES: usize = 256;
/// How long the program waits for a line to be written: long enough that as a rule it is out before the next thing
/// happens, short enough that nothing is late.
const WRITE_TIMEOUT: Duration = Duration::from_millis(100);
/// How long the program waits at its end for what is not written yet.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
/// The thread does very little.
const STACK_SIZE: usize = 64 << 10;

/// The number of lines that were handed to the thread and are not written.
static UNWRITTEN: Mutex<usize> = Mutex::new(0);
/// Notified when that number falls.
static WRITTEN: Condvar = Condvar::new();
/// The way to the thread, once there is one. `None` if there cannot be one.
static LINES: OnceLock<Option<SyncSender<String>>> = OnceLock::new();

/// Writes a line in one piece. Returns when it is written, or at once if an earlier one is stuck.
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

/// Waits until all lines are written, but not for ever.
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

/// Never fails, as nobody is left to be told.
fn write_now(line: &str) {
    let _ = io::stderr().write_all(line.as_bytes());
}

fn wait(limit: Duration) {
    let _ = WRITTEN.wait_timeout_while(unwritten(), limit, |unwritten| *unwritten > 0);
}

fn unwritten() -> MutexGuard<'static, usize> {
    UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}
