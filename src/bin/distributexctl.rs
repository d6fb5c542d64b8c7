//! `distributexctl`: shows who holds and who waits, and gets things moving.

use std::process::ExitCode;

fn main() -> ExitCode {
    distributex::ctl::main()
}
