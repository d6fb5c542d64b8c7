//! Disks that have trouble on demand: one in memory that is full, and one behind a library that fails or waits.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::kept_in;
use crate::{member::Member, wrapper::run::folder};

/// A file system in memory; unmounted with this value.
#[derive(Debug)]
pub(super) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// One with so many KiB, if this process may mount one.
    pub(super) fn mount(kib: u32) -> Option<Self> {
        let path = folder();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "tmpfs"]).arg(&path);
        let is_mounted = command.output().is_ok_and(|output| output.status.success());
        is_mounted.then_some(Self(path))
    }

    /// Where a server keeps its leases.
    pub(super) fn directory(&self) -> PathBuf {
        self.0.join("state")
    }

    /// Leaves no byte free.
    pub(super) fn fill(&self) {
        let mut size = 1 << 20;
        let (path, mut all) = (self.filling(), Vec::new());
        while size > 0 {
            let before = all.len();
            all.resize(before + size, 7);
            if fs::write(&path, &all).is_err() {
                all.truncate(before);
                size /= 2;
            }
        }
        let _ = fs::write(&path, [all, vec![7; 4096]].concat()); // as much as fits
    }

    /// Has room again.
    pub(super) fn empty(&self) {
        fs::remove_file(self.filling()).unwrap();
    }

    fn filling(&self) -> PathBuf {
        self.0.join("filling")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

/// A disk that does what a file says.
#[derive(Debug)]
pub(super) struct MoodyDisk {
    mood: PathBuf,
    directory: PathBuf,
}

impl MoodyDisk {
    /// One that works.
    pub(super) fn new() -> Self {
        let folder = folder();
        Self { mood: folder.join("mood"), directory: folder.join("state") }
    }

    /// A server that keeps its leases there.
    pub(super) fn server(&self, lines: &str) -> Member {
        Member::start_in(self.environment(), &kept_in(&self.directory, lines))
    }

    /// The same; when it is killed, its disk has forgotten what was not flushed, and of what was just being flushed
    /// it has some pages and not others.
    pub(super) fn server_without_power(&self, lines: &str) -> Member {
        let environment = self.environment().into_iter().chain([("DISK_FORGETS", "1".into())]);
        Member::start_in(environment.collect(), &kept_in(&self.directory, lines))
    }

    /// The database.
    pub(super) fn file(&self) -> PathBuf {
        self.directory.join("leases.redb")
    }

    fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![("LD_PRELOAD", library().into()), ("DISK_MOOD", self.mood.clone().into_os_string())]
    }

    /// From now on it fails with `eio` or `enospc`, or is `slow`; without power it may also be `clean`: see disk.c.
    pub(super) fn becomes(&self, mood: &str) {
        let new = self.mood.with_extension("new");
        fs::write(&new, mood).unwrap();
        fs::rename(new, &self.mood).unwrap();
    }

    /// From now on it works.
    pub(super) fn recovers(&self) {
        fs::remove_file(&self.mood).unwrap();
    }
}

/// The library, built once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let library = folder().join("disk.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/state/disk.c");
        let mut command = Command::new("cc");
        command
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .arg(&library)
            .arg(source)
            .arg("-ldl");
        let output = command.output().expect("a C compiler is installed: build-essential");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        library
    })
}
