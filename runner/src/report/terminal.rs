//! The terminal that is written to.

use std::io::IsTerminal as _;

/// Columns where nothing says how many there are.
const USUAL: usize = 100;

/// How many columns standard output has; the usual number where it is no terminal.
pub fn columns() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    told.or_else(of_terminal).filter(|columns| *columns > 0).unwrap_or(USUAL)
}

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

#[cfg(unix)]
fn of_terminal() -> Option<usize> {
    rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn of_terminal() -> Option<usize> {
    None
}
