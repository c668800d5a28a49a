//! Builds the whole: the panel, then the runner with the panel inside.

use std::fs;
use std::time::Instant;

use anyhow::Result;

use crate::panel::{self, Flavour};
use crate::screen;
use crate::workspace::{Workspace, run};

/// Builds both; leaves `throng` in the target directory's `release`.
///
/// # Errors
/// When one of them does not build.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    panel::build(workspace, Flavour::Small)?;
    screen::announce("building the runner, optimised for speed");
    let started = Instant::now();
    run(&mut workspace.cargo(["build", "--release", "--package", "runner", "--bin", "throng"]))?;
    let throng = workspace.throng();
    let size = fs::metadata(&throng).map_or(0, |file| file.len());
    screen::detail(format_args!("{} ({})", throng.display(), screen::sized(size)));
    screen::detail(format_args!("built in {}", screen::spoken(started.elapsed())));
    Ok(())
}
