//! `distributexctl`: shows who holds and who waits, and holds slots for scripts.

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use distributex::ctl::{self, Ending, Options};

fn main() -> ExitCode {
    let line: Vec<_> = env::args_os().collect();
    match Options::read(&line, &|name| env::var_os(name)) {
        Ok(options) => run(options).into(),
        Err(error) if error.use_stderr() => {
            let _ = writeln!(io::stderr(), "{}", error.message);
            Ending::Usage.into()
        }
        Err(help) => {
            let _ = writeln!(io::stdout(), "{}", help.message);
            ExitCode::SUCCESS
        }
    }
}

/// One thread is enough: it mostly waits.
fn run(options: Options) -> Ending {
    match actix_rt::Runtime::new() {
        Ok(runtime) => runtime.block_on(ctl::run(options)),
        Err(error) => {
            let _ = writeln!(io::stderr(), "distributexctl: cannot set up a runtime: {error}");
            Ending::System
        }
    }
}
