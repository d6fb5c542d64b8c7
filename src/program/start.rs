//! Start and end of a program: command line, runtime, exit status.

use std::{
    env,
    ffi::OsString,
    future::Future,
    io::{self, Write as _},
    process::ExitCode,
};

use structopt::clap::Error;

use super::{exit_status, stderr};

/// Number of pipes, each with two descriptors, that must be free at the start: without them the runtime panics when it
/// sets up signals.
const SPARE_PIPES: usize = 4;

/// Reads the command line of `program` and the environment, and runs it. Help goes to standard output, errors
/// to standard error.
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
            return exit_status::USAGE.into();
        }
        Err(help) => {
            let _ = writeln!(io::stdout(), "{}", help.message);
            return ExitCode::SUCCESS;
        }
    };
    match spare_descriptors().and_then(|()| actix_rt::Runtime::new()) {
        Ok(runtime) => {
            let status = runtime.block_on(run(options)).into(); // one thread is enough: it mostly waits
            stderr::flush();
            status
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "{program}: cannot start: {error} (is ulimit -n very low?)");
            exit_status::SYSTEM.into()
        }
    }
}

fn spare_descriptors() -> io::Result<()> {
    let pipes: io::Result<Vec<_>> = (0..SPARE_PIPES).map(|_| io::pipe()).collect();
    pipes.map(drop)
}
