//! End of the process after a panic in a thread that others depend on.

use std::thread;

/// Exit status of the process after a panic: EX_SOFTWARE of sysexits.h.
const EX_SOFTWARE: i32 = 70;

/// Ends the process if the current thread panics; `log` reports what panicked. To be called when a value is dropped.
pub(crate) fn exit_on_panic(log: impl FnOnce()) {
    if thread::panicking() {
        log();
        log::logger().flush();
        std::process::exit(EX_SOFTWARE);
    }
}
