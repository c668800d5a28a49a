//! Runs `shared/tests/portable.rs` as WebAssembly: what it asserts natively must hold there too, bit for bit.
//!
//! The standard test harness compiles for `wasm32-unknown-unknown`; it has nowhere to print, so that a failed
//! assertion shows as a trap with the test's name in its stack.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::Passed;
use crate::install::{self, WASM_TARGET};
use crate::workspace::{Workspace, built_program, run, said};

/// The test natively: selected from the whole workspace, whose crates the step `unit` has built with the same features.
const NATIVE: [&str; 4] = ["test", "--workspace", "--test", "portable"];

/// The test in WebAssembly, for which not every crate of the workspace builds.
const PORTED: [&str; 5] = ["test", "--package", "shared", "--test", "portable"];

/// The tests' own dependencies ask for randomness, which no test here draws: without a source they compile.
const NO_RANDOMNESS: (&str, &str) =
    ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "--cfg getrandom_backend=\"unsupported\"");

/// Runs the same assertions in WebAssembly; the step `unit` has run them natively.
pub(crate) fn compare(workspace: &Workspace) -> Result<Passed> {
    install::wasm_target()?;
    let node = install::node()?;
    let list = said(workspace.cargo(NATIVE).args(["--quiet", "--", "--list"]))?;
    let count = list.lines().filter(|line| line.ends_with(": test")).count() as u64;
    if count == 0 {
        bail!("shared/tests/portable.rs has no test");
    }
    let built = said(
        workspace
            .cargo(PORTED)
            .args(["--no-run", "--target", WASM_TARGET, "--message-format", "json-render-diagnostics"])
            .env(NO_RANDOMNESS.0, NO_RANDOMNESS.1),
    )?;
    let program = built_program(&built)?;
    run(Command::new(node).arg("portable.mjs").arg(&program).current_dir(workspace.root().join("e2e")))
        .context("the same tests pass natively and fail as WebAssembly; the trap above names the test")?;
    Ok(Passed(count))
}
