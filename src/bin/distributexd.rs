//! The server: grants slots of named pools over HTTP.

use std::process::ExitCode;

/// Keeps large buffers on pages of their own; pages never written to cost nothing. A parked wait takes 8 KiB
/// with it, and 13 KiB with glibc's allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    distributex::server::run::run(std::env::args_os())
}
