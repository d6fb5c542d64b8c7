//! A table in Markdown that reads well on a terminal too.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
};

use super::{
    Result, failed_to,
    machine::{Machine, commit, today},
};

/// What a bench found.
#[derive(Debug)]
pub(crate) struct Report {
    /// What was measured.
    title: &'static str,
    /// The head and the rows under it.
    rows: Vec<Vec<String>>,
    /// Sentences below the table.
    notes: Vec<String>,
}

impl Report {
    /// An empty table.
    pub(crate) fn new(title: &'static str, columns: &[&str]) -> Self {
        let head = columns.iter().map(|&column| column.to_owned()).collect();
        Self { title, rows: vec![head], notes: Vec::new() }
    }

    /// Adds a row, and shows on stderr that the bench is alive.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        eprintln!("  {}", cells.join("  "));
        self.rows.push(cells.into());
    }

    /// Adds a sentence.
    pub(crate) fn note(&mut self, sentence: String) {
        self.notes.push(sentence);
    }

    /// Shows it.
    pub(crate) fn print(&self) {
        print!("{}", self.render());
    }

    /// Appends it to the results of this day and class of machine.
    pub(crate) fn save(&self) -> Result<()> {
        let machine = Machine::here()?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/results");
        let path = folder.join(format!("{}-{}.md", today(), machine.class()));
        self.append(&path, &machine).map_err(failed_to(format_args!("write {}", path.display())))?;
        println!("appended to {}", path.display());
        Ok(())
    }

    /// Writes the head of the file if it is new, then the table.
    fn append(&self, path: &Path, machine: &Machine) -> Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        if file.metadata()?.len() == 0 {
            writeln!(file, "# {}\n\n{}", today(), machine.description())?;
        }
        write!(file, "{}\nMeasured at {}.\n", self.render(), commit())?;
        Ok(())
    }

    /// The title, the table and the notes under it.
    fn render(&self) -> String {
        let widths = self.widths();
        let rule: Vec<String> = widths.iter().map(|width| format!("{}:", "-".repeat(width - 1))).collect();
        let mut lines: Vec<String> = self.rows.iter().map(|row| line(row, &widths)).collect();
        lines.insert(1, line(&rule, &widths));
        let notes: String = self.notes.iter().map(|note| format!("\n{note}\n")).collect();
        format!("\n## {}\n\n{}\n{notes}", self.title, lines.join("\n"))
    }

    /// The width of every column: that of its longest cell.
    fn widths(&self) -> Vec<usize> {
        let columns = 0..self.rows[0].len();
        columns
            .map(|column| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect()
    }
}

/// One row, its cells at the right of their columns.
fn line(cells: &[String], widths: &[usize]) -> String {
    let cells: String = cells.iter().zip(widths).map(|(cell, &width)| format!(" {cell:>width$} |")).collect();
    format!("|{cells}")
}
