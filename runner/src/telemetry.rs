//! The log: on standard error, quiet unless asked for.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts the log; `RUST_LOG` wins over the number of `-v`.
pub fn start(verbosity: u8) {
    let level = match verbosity {
        0 => "warn",
        1 => "info",
        _ => "runner=debug,info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(level));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false)
        .try_init();
    // A log that somebody else started first, as a test may, is as good.
    drop(started);
}
