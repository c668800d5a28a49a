//! The log: on standard error, quiet unless asked for.

use std::io::IsTerminal as _;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Starts the log; `RUST_LOG` wins over the number of `-v`.
pub fn start(verbosity: u8) {
    let level = match verbosity {
        0 => "warn",
        1 => "info",
        _ => "runner=debug,info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(level));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .with_target(false)
        .with_filter(filter_fn(keeps_secrets));
    let started = tracing_subscriber::registry().with(filter).with(lines).try_init();
    // A log that somebody else started first, as a test may, is as good.
    drop(started);
}

/// Whether a line may be in the log at all. What is on the wire holds credentials, and libraries that are asked for
/// their details write it out as it is.
fn keeps_secrets(line: &Metadata<'_>) -> bool {
    let ours = line.target().split("::").next().is_some_and(|name| matches!(name, "runner" | "throng"));
    ours || *line.level() <= Level::INFO
}
