//! Sees whether two commands run at once.
//!
//! Every command takes a lock of the kernel, and all that it starts inherits it: it is free when the last of
//! them is dead, however it died. Who starts and finds it taken says so.

use std::{fs, path::PathBuf};

use rustix::process::{Pid, Signal, getpgid, kill_process_group};

use crate::wrapper::run::folder;

/// A folder with the lock, and with what the commands say of themselves.
#[derive(Debug)]
pub(crate) struct Witness {
    /// The folder.
    folder: PathBuf,
}

/// A command that started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Started {
    /// What it is called.
    pub(crate) name: String,
    /// Its fencing number.
    token: u64,
}

impl Witness {
    /// Has seen nothing yet.
    pub(crate) fn new() -> Self {
        let folder = fs::canonicalize(folder()).unwrap();
        fs::write(folder.join("log"), "").unwrap();
        fs::write(folder.join("lock"), "").unwrap();
        Self { folder }
    }

    /// A shell command that does this while it is watched.
    pub(crate) fn watches(&self, name: &str, script: &str) -> String {
        let folder = self.folder.display();
        format!(
            "cd {folder} && exec 9>>lock && {{ flock -n 9 || {{ echo overlap {name} >>log; exit 1; }}; }} && \
             echo start {name} $DX_TOKEN >>log; {script}\necho stop {name} >>log"
        )
    }

    /// Who started until now.
    pub(crate) fn started(&self) -> Vec<Started> {
        let started = |line: &str| {
            let (name, token) = line.strip_prefix("start ")?.split_once(' ')?;
            Some(Started { name: name.to_owned(), token: token.parse().unwrap() })
        };
        self.log().lines().filter_map(started).collect()
    }

    /// Whether this one has started.
    pub(crate) fn has_seen(&self, name: &str) -> bool {
        self.started().iter().any(|started| started.name == name)
    }

    /// Whether nothing is alive of any command. It does not try the lock: a command that starts in the same
    /// moment would find it taken.
    pub(crate) fn sees_nobody(&self) -> bool {
        self.alive().next().is_none()
    }

    /// Checks that never two ran at once: nobody found the lock taken, nobody went on when the next had
    /// started, and the tokens rose.
    pub(crate) fn saw_no_overlap(&self) {
        let log = self.log();
        let mut last = None;
        for line in log.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["start", name, _] => last = Some(name),
                ["stop", name] => assert_eq!(last, Some(name), "{log}"),
                ref other => panic!("{other:?} in {log}"),
            }
        }
        assert!(self.started().is_sorted_by(|one, next| one.token < next.token), "{log}");
    }

    /// Who has the lock's file open.
    fn alive(&self) -> impl Iterator<Item = Pid> {
        let lock = self.folder.join("lock");
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let pids = processes.filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?));
        pids.filter(move |pid| {
            let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            open.into_iter().any(|open| fs::read_link(open.path()).is_ok_and(|file| file == lock))
        })
    }

    /// Every line that the commands wrote as a whole.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap();
        log[..log.rfind('\n').map_or(0, |end| end + 1)].to_owned()
    }
}

/// What is left when a test failed, its wrappers are gone and they had no guard.
impl Drop for Witness {
    fn drop(&mut self) {
        for _ in 0..100 {
            let Some(pid) = self.alive().next() else { return };
            let _ = getpgid(Some(pid)).map(|group| kill_process_group(group, Signal::KILL));
        }
    }
}
