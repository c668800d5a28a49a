//! Reads the tables of allowed imports in `ARCHITECTURE.md`.
//!
//! A table counts when its last heading is `may import`. Its first heading is `crate`, or "module of" and a crate's
//! name in backticks. What a row allows are the names in backticks in its last cell.

use std::collections::{BTreeMap, BTreeSet};

/// Who may import what.
pub(crate) type Rows = BTreeMap<String, BTreeSet<String>>;

/// All tables of the page.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Tables {
    /// Between crates.
    pub(crate) crates: Rows,
    /// Between the top-level modules of a crate, by crate.
    pub(crate) modules: BTreeMap<String, Rows>,
}

/// What the rows that follow belong to.
enum Heading {
    Crates,
    Modules(String),
}

impl Tables {
    /// Reads a page.
    pub(crate) fn read(page: &str) -> Self {
        let mut tables = Self::default();
        let mut heading = None;
        for line in page.lines() {
            let Some(cells) = cells(line) else {
                heading = None;
                continue;
            };
            let (Some(first), Some(last)) = (cells.first(), cells.last()) else { continue };
            if *last == "may import" {
                heading = match first.strip_prefix("module of ") {
                    Some(_) => quoted(first).into_iter().next().map(Heading::Modules),
                    None => (*first == "crate").then_some(Heading::Crates),
                };
                continue;
            }
            let rows = match &heading {
                None => continue,
                Some(Heading::Crates) => &mut tables.crates,
                Some(Heading::Modules(name)) => tables.modules.entry(name.clone()).or_default(),
            };
            for name in quoted(first) {
                rows.entry(name).or_default().extend(quoted(last));
            }
        }
        tables
    }
}

/// The cells of a table's row; none when the line is not one.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inside = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inside.split('|').map(str::trim).collect())
}

/// The words in backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_both_kinds_are_read_and_other_tables_are_not() {
        let page = "\
            | crate | is | may import |\n|---|---|---|\n| `runner` | all `I/O` | `shared` |\n| `shared` | pure | nothing |\n\n\
            text | with a bar\n\n\
            | word | means |\n|---|---|\n| `run` | `shared` |\n\n\
            | module of `shared` | may import |\n|---|---|\n| `plan` | `units`, `random` |\n| `units`, `random` | nothing |\n";
        let tables = Tables::read(page);
        let list = |rows: &Rows, name: &str| rows[name].iter().cloned().collect::<Vec<_>>();
        assert_eq!(list(&tables.crates, "runner"), ["shared"]);
        assert!(tables.crates["shared"].is_empty());
        assert_eq!(list(&tables.modules["shared"], "plan"), ["random", "units"]);
        assert!(tables.modules["shared"]["random"].is_empty());
        assert_eq!((tables.crates.len(), tables.modules.len(), tables.modules["shared"].len()), (2, 1, 3));
    }
}
