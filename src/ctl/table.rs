//! Tables for terminals.

use std::fmt;

use super::{format::clean, style::Style};

/// A table whose columns are as wide as their contents.
#[derive(Debug)]
pub(super) struct Table {
    /// The headings, then the rows.
    rows: Vec<Vec<TableCell>>,
    /// Indexes of columns with numbers, which are aligned to the right.
    numbers: &'static [usize],
    /// Whether to use colors.
    colored: bool,
}

/// A cell of a table.
#[derive(Debug)]
pub(super) struct TableCell {
    /// The text, safe for a terminal.
    text: String,
    /// Its style.
    paint: Style,
}

impl TableCell {
    /// A cell with text, possibly untrusted, in this style.
    pub(super) fn new(text: &str, paint: Style) -> Self {
        Self { text: clean(text), paint }
    }

    fn padded(&self, width: usize, is_number: bool, is_last: bool, colored: bool) -> String {
        let text = self.paint.on(&self.text, colored);
        let space = " ".repeat(width - self.text.chars().count());
        match (is_number, is_last) {
            (true, _) => space + &text,
            (false, true) => text,
            (false, false) => text + &space,
        }
    }
}

impl From<String> for TableCell {
    fn from(text: String) -> Self {
        Self::new(&text, Style::Plain)
    }
}

impl Table {
    /// An empty table.
    pub(super) fn new(headings: &[&str], numbers: &'static [usize], colored: bool) -> Self {
        let headings = headings.iter().map(|heading| TableCell::new(heading, Style::Bold)).collect();
        Self { rows: vec![headings], numbers, colored }
    }

    /// Adds a row. Its texts may be untrusted.
    pub(super) fn row<C: Into<TableCell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.text.chars().count()).max().unwrap_or_default()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<_> = (0..self.rows[0].len()).map(|column| self.width(column)).collect();
        for row in &self.rows {
            let last = row.iter().rposition(|cell| !cell.text.is_empty()).unwrap_or_default();
            let cells = row.iter().zip(&widths).enumerate().take(last + 1);
            let padded = cells.map(|(column, (cell, width))| {
                cell.padded(*width, self.numbers.contains(&column), column == last, self.colored)
            });
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_headings() {
        let mut table = Table::new(&["POOL", "HELD", "HOST"], &[1], false);
        table.row(["deploy", "12", "é\n"].map(str::to_owned));
        table.row(["p", "0", ""].map(str::to_owned));

        assert_eq!(table.to_string(), "POOL    HELD  HOST\ndeploy    12  é\u{fffd}\np          0\n");
    }

    #[test]
    fn colours_change_no_width() {
        let mut table = Table::new(&["HOW", "HOST"], &[], true);
        table.row([TableCell::new("lost", Style::Red), "web1".to_owned().into()]);

        assert_eq!(table.to_string(), "\x1b[1mHOW\x1b[0m   \x1b[1mHOST\x1b[0m\n\x1b[31mlost\x1b[0m  web1\n");
    }
}
