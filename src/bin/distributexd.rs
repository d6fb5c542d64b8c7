//! The server: hands out slots of named pools over HTTP.

use std::process::ExitCode;

/// Keeps large buffers on pages of their own, of which those never written to cost nothing: a parked wait
/// takes 8 KiB with it, and 13 with glibc's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    distributex::server::run::run(std::env::args_os())
}
