//! Rows under headings.

use std::fmt;

use super::text::clean;

/// A table for people: columns as wide as what stands in them.
#[derive(Debug)]
pub(super) struct Table {
    /// The headings, then the rows.
    rows: Vec<Vec<String>>,
    /// The columns of numbers, which end at the same place.
    numbers: &'static [usize],
}

impl Table {
    /// An empty one.
    pub(super) fn new(headings: &[&str], numbers: &'static [usize]) -> Self {
        Self { rows: vec![headings.iter().map(ToString::to_string).collect()], numbers }
    }

    /// Adds a row. What stands in it may come from strangers.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| clean(&cell)).collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<_> = (0..self.rows[0].len()).map(|column| self.width(column)).collect();
        for row in &self.rows {
            let padded = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
                if self.numbers.contains(&column) {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_headings() {
        let mut table = Table::new(&["POOL", "HELD", "HOST"], &[1]);
        table.row(["deploy", "12", "é\n"].map(str::to_owned));
        table.row(["p", "0", ""].map(str::to_owned));

        assert_eq!(table.to_string(), "POOL    HELD  HOST\ndeploy    12  é\u{fffd}\np          0\n");
    }
}
