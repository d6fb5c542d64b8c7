//! `distributexctl`: inspects and administers pools.

use std::process::ExitCode;

fn main() -> ExitCode {
    distributex::ctl::main()
}
