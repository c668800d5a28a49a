//! What people and programs read of a run: problems, progress and the summary in a terminal, the HTML report, and the
//! formats of other tools. Figures are worded by [`shared::wording`], the same in the panel.

pub mod audit;
pub mod comparison;
pub mod csv;
#[cfg(test)]
mod example;
pub mod format;
pub mod hdr;
pub mod html;
pub mod limit;
pub mod problems;
pub mod progress;
pub mod prometheus;
pub mod sessions;
pub mod summary;
pub mod table;
pub mod terminal;
pub mod testbench;

use shared::wording;

/// A number with its word: `1 event`, `2,000 events`.
pub fn counted(number: u64, word: &str) -> String {
    format!("{} {word}{}", wording::count(number), if number == 1 { "" } else { "s" })
}

/// What others say, without what would move a terminal's cursor.
pub fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// A span given in seconds: `9.98 s`, `250 ms`.
pub fn seconds(seconds: f64) -> String {
    wording::latency(seconds * 1e6)
}
