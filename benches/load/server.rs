//! The servers that are measured, each a process of its own, and what they use of the machine.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, poll};

use super::{Result, bare, cores, failed_to, poller::RESPONSE_TIMEOUT};

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// Killed with this value.
    process: Process,
    /// Kept open, so that the server never writes into a closed pipe.
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    /// Starts `distributexd`, or the program that `BENCH_SERVER` names, with this configuration.
    pub(crate) fn real(yaml: &str) -> Result<Self> {
        Self::real_in(&[], yaml)
    }

    /// The same, with this in its environment.
    pub(crate) fn real_in(environment: &[(&str, String)], yaml: &str) -> Result<Self> {
        let program =
            env::var_os("BENCH_SERVER").unwrap_or_else(|| env!("CARGO_BIN_EXE_distributexd").into());
        let file = configuration(yaml)?;
        let mut command = Command::new(program);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        Self::start(command.arg("-c").arg(file).args(["--listen", "127.0.0.1:0"]))
    }

    /// Starts this binary again, as the bare server.
    pub(crate) fn bare() -> Result<Self> {
        Self::start(Command::new(env::current_exe()?).arg(bare::ARGUMENT))
    }

    /// Starts a server that says in its first line where it listens.
    fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()); // a busy log is long
        let mut process = Process::start(command)?;
        let stdout = process.0.stdout.take().ok_or("the server has no stdout")?;
        let mut stdout = BufReader::new(stdout);
        let addr =
            address(&mut stdout).map_err(failed_to(format_args!("learn where {command:?} listens")))?;
        Ok(Self { addr, process, _stdout: stdout })
    }

    /// Processor time of all its threads since it started.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        self.process.cpu()
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> Result<u64> {
        let path = format!("/proc/{}/smaps_rollup", self.process.0.id());
        let text = fs::read_to_string(&path).map_err(failed_to(format_args!("read {path}")))?;
        let line = text.lines().find_map(|line| line.strip_prefix("Rss:")).ok_or("no Rss in smaps_rollup")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

/// Processor time of all threads of a process, `self` being this one; to the nanosecond, see
/// <https://docs.kernel.org/scheduler/sched-stats.html>.
pub(crate) fn cpu(process: &str) -> Result<Duration> {
    let path = format!("/proc/{process}/task");
    let threads = fs::read_dir(&path).map_err(failed_to(format_args!("read {path}")))?;
    let mut total = Duration::ZERO;
    for thread in threads {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let on_a_core = text.split(' ').next().ok_or("schedstat is empty")?;
        total += Duration::from_nanos(on_a_core.parse()?);
    }
    Ok(total)
}

/// A process that ends with the value.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts it on the servers' cores.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = cores::for_a_server(|| command.spawn())?;
        Ok(Self(child.map_err(failed_to(format_args!("start {command:?}")))?))
    }

    /// Processor time of all its threads since it started.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu(&self.0.id().to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended by itself
        let _ = self.0.wait();
    }
}

/// Writes the configuration into the build's scratch folder.
fn configuration(yaml: &str) -> Result<PathBuf> {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}.yaml", std::process::id()));
    fs::write(&path, yaml).map_err(failed_to(format_args!("write {}", path.display())))?;
    Ok(path)
}

/// Reads `… http://ADDRESS:PORT` from the server's first line.
fn address(stdout: &mut BufReader<ChildStdout>) -> Result<SocketAddr> {
    let mut files = [PollFd::new(stdout.get_ref(), PollFlags::IN)];
    if poll(&mut files, Some(&RESPONSE_TIMEOUT.try_into()?))? == 0 {
        return Err(format!("it said nothing within {RESPONSE_TIMEOUT:?}").into());
    }
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    let (_, addr) = line.split_once("http://").ok_or_else(|| format!("its first line is {line:?}"))?;
    Ok(addr.trim().parse()?)
}
