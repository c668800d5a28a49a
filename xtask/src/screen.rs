//! What the project's commands say to the person at the terminal; nothing else here prints.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

/// Announces a piece of work before it starts.
pub(crate) fn announce(what: impl Display) {
    line(format_args!("==> {what}"));
}

/// Says one line of detail.
pub(crate) fn detail(what: impl Display) {
    line(format_args!("    {what}"));
}

/// Writes one line as it is. A closed pipe (`| head`) is no reason to fail.
pub(crate) fn line(what: impl Display) {
    let mut out = std::io::stdout().lock();
    let _closed = writeln!(out, "{what}").and_then(|()| out.flush());
}

/// Says what went wrong and why, on the error stream.
pub(crate) fn failure(error: &anyhow::Error) {
    let mut out = std::io::stderr().lock();
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("\n  because: {cause}"));
    }
    let _closed = writeln!(out, "{text}");
}

/// A span of time as people say it: `0.4 s`, `12 s`, `3 min 05 s`.
pub(crate) fn spoken(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 9.95 {
        format!("{seconds:.1} s")
    } else if seconds < 59.5 {
        format!("{seconds:.0} s")
    } else {
        let whole = seconds.round() as u64;
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// A size as people say it: `812 B`, `43.1 kB`, `1.24 MB`.
pub(crate) fn sized(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes < 1_000.0 {
        format!("{bytes:.0} B")
    } else if bytes < 1_000_000.0 {
        format!("{:.1} kB", bytes / 1_000.0)
    } else {
        format!("{:.2} MB", bytes / 1_000_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_sizes_are_said_in_the_unit_that_fits() {
        for (millis, text) in [(400, "0.4 s"), (9_960, "10 s"), (59_700, "1 min 00 s"), (185_000, "3 min 05 s")] {
            assert_eq!(spoken(Duration::from_millis(millis)), text);
        }
        for (bytes, text) in [(812, "812 B"), (43_060, "43.1 kB"), (1_240_000, "1.24 MB")] {
            assert_eq!(sized(bytes), text);
        }
    }
}
