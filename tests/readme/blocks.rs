//! What stands in README.md.

use std::fs;

/// A line `$ command → answer`.
#[derive(Debug)]
pub(super) struct Step<'a> {
    /// The command.
    pub(super) command: &'a str,
    /// What it prints, in the README's words.
    pub(super) answer: &'a str,
    /// The lines that follow: what it prints, as an example.
    pub(super) output: Vec<&'a str>,
}

/// The blocks between fences, in their order.
pub(super) fn blocks() -> Vec<String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    text.split("```\n").skip(1).step_by(2).map(str::to_owned).collect()
}

/// The block that begins with this.
pub(super) fn block(beginning: &str) -> String {
    blocks().into_iter().find(|block| block.starts_with(beginning)).unwrap()
}

/// The commands of a session, each with what it prints.
pub(super) fn steps(block: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in block.lines() {
        match line.strip_prefix("$ ") {
            Some(line) => {
                let (command, answer) = line.split_once('→').unwrap_or((line, ""));
                let (command, answer) = (command.trim(), answer.trim());
                steps.push(Step { command, answer, output: Vec::new() });
            }
            None => steps.last_mut().expect("a session begins with a command").output.push(line),
        }
    }
    steps
}
