//! What people read in a terminal: problems, progress, the summary of a run. Figures are worded by
//! [`shared::wording`], the same in the panel.

pub mod problems;
pub mod progress;
pub mod summary;
pub mod table;

use shared::wording;

/// A number with its word: `1 event`, `2,000 events`.
pub fn counted(number: u64, word: &str) -> String {
    format!("{} {word}{}", wording::count(number), if number == 1 { "" } else { "s" })
}

/// A span given in seconds: `9.98 s`, `250 ms`.
pub fn seconds(seconds: f64) -> String {
    wording::latency(seconds * 1e6)
}
