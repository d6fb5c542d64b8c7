//! `distributex`: runs a command only while this host holds a slot of a pool.

use std::process::ExitCode;

fn main() -> ExitCode {
    distributex::wrapper::main()
}
