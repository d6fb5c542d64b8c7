//! A folder that acts as a machine on which nothing is installed yet.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::wrapper::run::{ended, folder};

/// Absolute paths in commands that are replaced by folders of the machine.
const FOLDERS: [&str; 6] =
    ["/etc/systemd/system/", "/etc/", "/run/distributexd/", "/run/", "/usr/local/bin/", "/usr/bin/"];

/// Replacement for cargo: links the programs that this test was built with.
const CARGO: &str = r#"#!/bin/sh
[ "$*" = "build --release" ] || { echo "cargo $*?" >&2; exit 1; }
mkdir -p target/release && ln -sf PROGRAMS/distributex PROGRAMS/distributexctl PROGRAMS/distributexd target/release/
"#;

/// The machine. Commands run in its copy of the repository.
#[derive(Debug)]
pub(super) struct Machine {
    root: PathBuf,
}

impl Machine {
    /// A new machine.
    pub(super) fn fresh() -> Self {
        let machine = Self { root: folder() };
        let root = |name: &str| machine.root.join(name);
        for folder in FOLDERS.iter().copied().chain(["/bin/", "/clone/config/", "/var/lib/"]) {
            fs::create_dir_all(root(&folder[1..])).unwrap();
        }
        for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config")).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_file() {
                fs::copy(file.path(), root("clone/config").join(file.file_name())).unwrap();
            }
        }
        let programs = Path::new(env!("CARGO_BIN_EXE_distributexd")).parent().unwrap();
        machine.program("bin/cargo", &CARGO.replace("PROGRAMS", programs.to_str().unwrap()));
        machine.program("bin/sudo", "#!/bin/sh\nexec \"$@\"\n");
        for recorded in ["apt-get", "systemctl"] {
            machine.program(&format!("bin/{recorded}"), "#!/bin/sh\necho \"$0 $*\" >> \"$HOME/called\"\n");
        }
        for printed in ["usr/bin/puppet", "usr/local/bin/report"] {
            machine.program(printed, "#!/bin/sh\necho \"$*\"\n");
        }
        fs::write(root(".curlrc"), "silent\nshow-error\nfail\n").unwrap();
        machine
    }

    /// A path on the machine.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The content of a file on the machine.
    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Replaces absolute paths in the text by those of this machine.
    pub(super) fn here(&self, text: &str) -> String {
        let root = self.root.to_str().unwrap();
        let is_path = |before: &str| before.chars().next_back().is_none_or(|c| " '\"=>@:\n".contains(c));
        let (mut here, mut rest) = (String::new(), text);
        while let Some((at, folder)) = next_folder(rest) {
            let (before, after) = rest.split_at(at);
            here.push_str(before);
            if is_path(before) {
                here.push_str(root);
            }
            here.push_str(folder);
            rest = &after[folder.len()..];
        }
        here + rest
    }

    /// A shell that will run this script here.
    pub(super) fn shell(&self, script: &str) -> Command {
        let path = format!("{0}/bin:{0}/usr/bin:{1}", self.root.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("bash");
        shell.args(["-c", &self.here(script)]).current_dir(self.path("clone"));
        shell.env("PATH", path).env("HOME", &self.root).env("DISTRIBUTEX_LOCK_FILE", self.path("run/lock"));
        shell
    }

    /// Runs a script that must succeed. Returns its output.
    pub(super) fn run(&self, script: &str) -> String {
        let (status, printed, said) = ended(&mut self.shell(script));
        assert_eq!(status, 0, "{script}\n{printed}{said}");
        printed
    }

    /// Writes an executable file.
    fn program(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root); // the programs in it are large
    }
}

/// The first of [`FOLDERS`] in the text, with its offset.
fn next_folder(text: &str) -> Option<(usize, &'static str)> {
    let found = FOLDERS.iter().filter_map(|folder| Some((text.find(folder)?, *folder)));
    found.min_by_key(|(at, folder)| (*at, usize::MAX - folder.len()))
}
