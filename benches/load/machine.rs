//! What a figure depends on besides the code: the machine, the kernel, the compiler.

use std::{fs, process::Command};

use super::Result;

/// The machine this runs on.
#[derive(Debug)]
pub(crate) struct Machine {
    /// All of its cores.
    cores: usize,
    /// Memory, rounded to GiB.
    gibibytes: u64,
}

impl Machine {
    /// Looks at this machine.
    pub(crate) fn here() -> Result<Self> {
        let kibibytes: u64 = value_of("MemTotal", "/proc/meminfo").trim_end_matches(" kB").parse()?;
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        Ok(Self {
            cores: processors.lines().filter(|line| line.starts_with("processor")).count(),
            gibibytes: (kibibytes + (1 << 19)) >> 20,
        })
    }

    /// A word for file names: machines of one class give comparable figures.
    pub(crate) fn class(&self) -> String {
        format!("{}-cores-{}-gib", self.cores, self.gibibytes)
    }

    /// A sentence for the head of a results file.
    pub(crate) fn description(&self) -> String {
        format!(
            "{} cores ({}), {} GiB of memory, Linux {}, {}",
            self.cores,
            value_of("model name", "/proc/cpuinfo"),
            self.gibibytes,
            first_line("uname", &["-r"]),
            first_line("rustc", &["--version"]),
        )
    }
}

/// Today, as 2026-01-31.
pub(crate) fn today() -> String {
    first_line("date", &["+%F"])
}

/// The commit that was measured; `-dirty` if something was not committed.
pub(crate) fn commit() -> String {
    first_line("git", &["describe", "--always", "--dirty"])
}

/// What a program prints first; results are kept on machines that lack it, too.
fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

/// The value of the first line `name: value` of a file of the kernel's.
fn value_of(name: &str, path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
    value.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
}
