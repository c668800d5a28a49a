//! `cargo xtask bench`: lasting benchmarks against other tools.

mod mqtt;

use anyhow::Result;

use crate::screen;
use crate::workspace::{Workspace, found_on_path, run};

/// The tools that the HTTP benchmark compares with, and where they come from.
const PEERS: [(&str, &str); 3] =
    [("wrk", "apt-get install wrk"), ("h2load", "apt-get install nghttp2-client"), ("oha", "cargo install oha")];

/// Cost and pace of HTTP; see docs/benchmarks.md.
pub(crate) fn http(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    for (tool, install) in PEERS {
        if found_on_path(tool).is_none() {
            screen::line(format!("without {tool}, which is not installed ({install})"));
        }
    }
    let program = example(workspace, "http_bench")?;
    if arguments.is_empty() {
        for part in ["cost", "pace"] {
            run(std::process::Command::new(&program).arg(part))?;
        }
        return Ok(());
    }
    run(std::process::Command::new(&program).args(arguments))
}

/// What a message over MQTT costs; see docs/benchmarks.md.
pub(crate) fn mqtt(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    run(&mut workspace.cargo(["build", "--release", "--package", "runner", "--bin", "throng"]))?;
    mqtt::measure(workspace, arguments)
}

/// What a message over a WebSocket costs; see docs/benchmarks.md.
pub(crate) fn websocket(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    run(std::process::Command::new(example(workspace, "ws_bench")?).args(arguments))
}

/// Builds a benchmark that is an example of the runner.
fn example(workspace: &Workspace, name: &str) -> Result<std::path::PathBuf> {
    run(&mut workspace.cargo(["build", "--release", "--package", "runner", "--example", name]))?;
    Ok(workspace.target().join("release/examples").join(name))
}
