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

    /// The same table without the columns that a terminal of so many columns has no room for: first those that hold
    /// nothing but zeros, from the right, then the last ones.
    pub fn fitting(mut self, columns: usize) -> Self {
        while self.width() > columns {
            let count = self.rows.iter().map(Vec::len).max().unwrap_or(0);
            if count <= 2 {
                break;
            }
            let idle = |column: &usize| {
                self.rows.iter().skip(1).all(|row| row.get(*column).is_none_or(|cell| cell.is_empty() || cell == "0"))
            };
            let doomed = (1..count).rev().find(idle).unwrap_or(count - 1);
            for row in &mut self.rows {
                if doomed < row.len() {
                    row.remove(doomed);
                }
            }
        }
        self
    }

    /// Columns of the longest line.
    fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        (0..columns)
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0))
            .collect()
    }

    /// The lines, each ending in a line break; `styled` dresses the head.
    pub fn write(&self, out: &mut String, head: anstyle::Style) {
        let widths = self.widths();
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
    fn a_narrow_terminal_loses_idle_columns_first() {
        let table = || {
            let mut table = Table::new(&["", "sent", "late", "failed", "dropped"]);
            table.row(["events", "1,234", "0", "12", "0"].map(str::to_owned));
            table
        };
        let heads = |columns| {
            let mut out = String::new();
            table().fitting(columns).write(&mut out, anstyle::Style::new());
            assert!(out.lines().all(|line| line.chars().count() <= columns), "{out}");
            out.lines().next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(heads(80), "sent late failed dropped");
        assert_eq!(heads(30), "sent late failed");
        assert_eq!(heads(22), "sent failed");
        assert_eq!(heads(14), "sent");
    }

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
