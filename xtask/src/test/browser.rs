//! The panel in a real headless Chromium against a real runner: `e2e/`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};

use super::{Passed, tallied};
use crate::workspace::{Workspace, run};
use crate::{install, screen};

/// Installs what is missing, then runs every journey.
pub(crate) fn run_journeys(workspace: &Workspace) -> Result<Passed> {
    let throng = workspace.throng();
    if !throng.is_file() {
        bail!("there is no {}; call `cargo xtask build` first", throng.display());
    }
    let node = install::node()?;
    let chromium = install::chromium()?;
    let folder = workspace.root().join("e2e");
    packages(&folder)?;
    let mut command = Command::new(node);
    command
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .args(journeys(&folder)?)
        .current_dir(&folder)
        .env("THRONG", &throng)
        .env("CHROMIUM", &chromium);
    let passed = tallied(&mut command, passed_tests)?;
    screen::detail(format_args!("screenshots are in {}", folder.join("output").display()));
    Ok(Passed(passed))
}

/// The number in node's summary line `ℹ pass 14`.
fn passed_tests(line: &str) -> Option<&str> {
    line.strip_prefix("ℹ pass ")
}

/// The journeys, each in a file of its own.
fn journeys(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder.join("journeys")).context("cannot read the folder e2e/journeys")?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".test.mjs"))
        .map(|name| format!("journeys/{name}"))
        .collect();
    names.sort();
    Ok(names)
}

/// Installs the packages that the lock file names, unless it was done since the file changed.
fn packages(folder: &Path) -> Result<()> {
    let changed = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    if changed(&folder.join("node_modules/.package-lock.json")) >= changed(&folder.join("package-lock.json")) {
        return Ok(());
    }
    screen::detail("installing the journeys' packages with npm");
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder);
    run(&mut npm).context("the journeys need the packages of e2e/package-lock.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_summary_is_read() {
        assert_eq!(passed_tests("ℹ pass 14"), Some("14"));
        assert_eq!(passed_tests("ℹ tests 14"), None);
    }
}
