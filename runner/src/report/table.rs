//! Columns that line up: the first to the left, numbers to the right.

use std::fmt::Write as _;

/// Rows of text under a head.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    pub fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(|&head| head.to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether it has no row under its head.
    pub fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// The lines, each ending in a line break; `styled` dresses the head.
    pub fn write(&self, out: &mut String, head: anstyle::Style) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0))
            .collect();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let padding = " ".repeat(widths[column].saturating_sub(width(cell)));
                let _written =
                    if column == 0 { write!(line, "{cell}{padding}") } else { write!(line, "  {padding}{cell}") };
            }
            let line = line.trim_end();
            let _written = if number == 0 { writeln!(out, "{head}{line}{head:#}") } else { writeln!(out, "{line}") };
        }
    }
}

/// Columns that a text takes; everything that Throng writes itself is one column per character.
fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_line_up_to_the_right() {
        let mut table = Table::new(&["event type", "count"]);
        table.row(["page.view".to_owned(), "1,234".to_owned()]);
        table.row(["cart".to_owned(), "7".to_owned()]);
        let mut out = String::new();
        table.write(&mut out, anstyle::Style::new());
        assert_eq!(out, "event type  count\npage.view   1,234\ncart            7\n");
    }
}
