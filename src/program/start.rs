//! The beginning and the end of a program: the command line, the runtime, the exit status.

use std::{
    env,
    ffi::OsString,
    future::Future,
    io::{self, Write as _},
    process::ExitCode,
};

use structopt::clap::Error;

/// The exit status for wrong usage: `EX_USAGE`.
const USAGE: u8 = 64;
/// The exit status if the system refuses something: `EX_OSERR`.
const SYSTEM: u8 = 71;

/// Reads the command line of `program` and the environment, and does what they say. Help goes to the
/// standard output, what is wrong to the standard error.
pub(crate) fn start<T, F: Future<Output: Into<ExitCode>>>(
    program: &str,
    read: impl FnOnce(&[OsString], &dyn Fn(&str) -> Option<OsString>) -> Result<T, Error>,
    run: impl FnOnce(T) -> F,
) -> ExitCode {
    let line: Vec<_> = env::args_os().collect();
    let options = match read(&line, &|name| env::var_os(name)) {
        Ok(options) => options,
        Err(error) if error.use_stderr() => {
            let _ = writeln!(io::stderr(), "{}", error.message);
            return USAGE.into();
        }
        Err(help) => {
            let _ = writeln!(io::stdout(), "{}", help.message);
            return ExitCode::SUCCESS;
        }
    };
    match actix_rt::Runtime::new() {
        Ok(runtime) => runtime.block_on(run(options)).into(), // one thread is enough: it mostly waits
        Err(error) => {
            let _ = writeln!(io::stderr(), "{program}: cannot set up a runtime: {error}");
            SYSTEM.into()
        }
    }
}
