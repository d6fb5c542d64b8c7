//! Runs of the wrapper, and how to wait for what they do.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    os::fd::AsFd,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, kill_process, kill_process_group},
};

/// A wrapper for pool `p` of this server, as host `web1`; a command and more options can be added.
pub(crate) fn wrapper(addr: SocketAddr) -> Command {
    wrapper_as(addr, "web1")
}

/// A wrapper for pool `p` of this server, as this host.
pub(crate) fn wrapper_as(addr: SocketAddr, host: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_distributex"));
    command.args(["-H", &addr.to_string(), "-r", "p", "--host", host]);
    command
}

/// A wrapper that was started. Killed if the test ends before it does.
#[derive(Debug)]
pub(crate) struct Run {
    /// The process.
    pub(crate) child: Child,
    /// What the command writes.
    stdout: BufReader<ChildStdout>,
    /// What the wrapper says.
    stderr: BufReader<ChildStderr>,
}

impl Run {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    /// The next line the command writes.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        wait_for(&self.stdout);
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits until the wrapper says something with these words.
    pub(crate) fn says(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            wait_for(&self.stderr);
            let length = self.stderr.read_line(&mut line).unwrap();
            assert!(length > 0, "the wrapper ended without saying {words:?}");
        }
    }

    /// Sends the wrapper a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end: the exit status, and what the wrapper said since.
    pub(crate) fn end(&mut self) -> (i32, String) {
        let mut said = Vec::new();
        loop {
            wait_for(&self.stderr);
            match self.stderr.fill_buf().unwrap().len() {
                0 => break,
                length => self.stderr.by_ref().take(length as u64).read_to_end(&mut said).unwrap(),
            };
        }
        let said = String::from_utf8(said).unwrap();
        let status = self.child.wait().unwrap();
        (status.code().unwrap_or_else(|| panic!("killed by {:?}: {said}", status.signal())), said)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        kill_with_children(&mut self.child);
    }
}

/// Kills a wrapper, its command and its guard, if they are still there.
pub(crate) fn kill_with_children(wrapper: &mut Child) {
    if !matches!(wrapper.try_wait(), Ok(None)) {
        return; // its number may be another's by now
    }
    let id = wrapper.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    for child in children.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)) {
        let _ = kill_process_group(child, Signal::KILL);
    }
    let _ = wrapper.kill();
    let _ = wrapper.wait();
}

/// Waits until there is something to read, or the end of it.
fn wait_for<R: AsFd>(reader: &BufReader<R>) {
    let patience = Timespec { tv_sec: 30, tv_nsec: 0 };
    let mut ready = [PollFd::new(reader.get_ref(), PollFlags::IN)];
    let waits = reader.buffer().is_empty();
    assert!(!waits || poll(&mut ready, Some(&patience)).unwrap() == 1, "nothing came from the wrapper");
}

/// Runs the wrapper to its end: exit status, output, and what it said.
pub(crate) fn ended(command: &mut Command) -> (i32, String, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Waits until this is so; fails after thirty seconds.
#[expect(clippy::disallowed_methods, reason = "a process's end or a file's content sends a test no event")]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("{what}: not within thirty seconds");
}

/// A new, empty folder.
pub(crate) fn folder() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("wrapper-{}-{number}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}
