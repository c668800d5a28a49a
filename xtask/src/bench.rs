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
    run(&mut workspace.cargo(["build", "--release", "--package", "runner", "--example", "http_bench"]))?;
    let program = workspace.target().join("release/examples/http_bench");
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
