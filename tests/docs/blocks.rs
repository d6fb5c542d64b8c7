//! Code blocks of the documents.

use std::{fs, path::PathBuf};

/// A block between fences.
#[derive(Debug)]
pub(super) struct Block {
    /// Path of the document in the repository.
    pub(super) document: String,
    pub(super) text: String,
}

/// A step of a session: `$ command → answer`.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) command: &'a str,
    /// The expected output, in words.
    pub(super) answer: &'a str,
    /// The lines that follow: example of the output.
    pub(super) output: Vec<&'a str>,
}

/// The text of a document.
pub(super) fn document(path: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Paths of the documents for users and developers: README.md, docs/, CONTRIBUTING.md and SECURITY.md.
pub(super) fn documents() -> Vec<String> {
    let docs = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
    let docs = docs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut docs: Vec<_> =
        docs.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    docs.sort_unstable();
    let after = ["CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned);
    ["README.md".to_owned()].into_iter().chain(docs).chain(after).collect()
}

/// All blocks of all documents, except drawings (```text).
pub(super) fn all_blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for path in documents() {
        let text = document(&path);
        let mut lines = text.lines();
        while let Some(fence) = lines.by_ref().find(|line| line.starts_with("```")) {
            let block: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            if fence != "```text" {
                blocks.push(Block { document: path.clone(), text: block });
            }
        }
    }
    blocks
}

/// The block of a document with this beginning.
pub(super) fn block(document: &str, beginning: &str) -> String {
    let is_it = |block: &Block| block.document == document && block.text.starts_with(beginning);
    all_blocks().into_iter().find(is_it).unwrap().text
}

/// The steps of a session.
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
