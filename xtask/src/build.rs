//! Builds the whole: the panel, then the runner with the panel inside; the same bytes in whatever folder it is done.

use std::env;
use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::panel::{self, Flavour};
use crate::screen;
use crate::workspace::{Workspace, found_on_path, run};

/// What a build is called.
pub(crate) struct Edition {
    /// The version of `Cargo.toml`.
    pub(crate) version: &'static str,
    /// The commit of the checkout and the day of it, if there are any.
    pub(crate) commit: Option<Commit>,
}

/// What git says of the checkout.
pub(crate) struct Commit {
    /// The beginning of its digest; with `-changed` when files are otherwise.
    pub(crate) id: String,
    /// When it was made, in seconds since 1970.
    pub(crate) seconds: u64,
    /// The same as `2026-11-26`.
    pub(crate) day: String,
}

impl Edition {
    /// Asks git, where there is one.
    pub(crate) fn of(workspace: &Workspace) -> Self {
        Self { version: env!("CARGO_PKG_VERSION"), commit: Commit::of(workspace) }
    }

    /// What `throng --version` says after its name.
    fn shown(&self) -> String {
        match &self.commit {
            Some(commit) => format!("{} ({} {})", self.version, commit.id, commit.day),
            None => self.version.to_owned(),
        }
    }
}

impl Commit {
    fn of(workspace: &Workspace) -> Option<Self> {
        found_on_path("git")?;
        if !workspace.root().join(".git").exists() {
            return None;
        }
        let git = |arguments: &[&str]| -> Option<String> {
            let mut git = Command::new("git");
            git.args(arguments).current_dir(workspace.root()).env("TZ", "UTC");
            let output = git.output().ok().filter(|output| output.status.success())?;
            Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let told = git(&["log", "-1", "--abbrev=9", "--date=format-local:%Y-%m-%d", "--format=%h %ct %cd"])?;
        let [id, seconds, day] = told.split(' ').collect::<Vec<_>>()[..] else { return None };
        let changed = if git(&["status", "--porcelain"])?.is_empty() { "" } else { "-changed" };
        Some(Self { id: format!("{id}{changed}"), seconds: seconds.parse().ok()?, day: day.to_owned() })
    }
}

/// Builds both; leaves `throng` in the target directory's `release`.
///
/// # Errors
/// When one of them does not build.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    panel::build(workspace, Flavour::Small)?;
    screen::announce("building the runner, optimised for speed");
    let started = Instant::now();
    let mut cargo = workspace.cargo(["build", "--locked", "--release", "--package", "runner", "--bin", "throng"]);
    cargo.args(workspace.placeless()?).env("THRONG_VERSION", Edition::of(workspace).shown());
    // The C code inside of crates, too, says neither where nor when it was compiled.
    let mut flags = env::var("CFLAGS").unwrap_or_default();
    for (place, name) in workspace.places()? {
        flags.push_str(&format!(" -ffile-prefix-map={}={name}", place.display()));
    }
    run(cargo.env("CFLAGS", flags.trim()).env("SOURCE_DATE_EPOCH", "0"))?;
    let throng = workspace.throng();
    let size = fs::metadata(&throng).map_or(0, |file| file.len());
    screen::detail(format_args!("{} ({})", throng.display(), screen::sized(size)));
    screen::detail(format_args!("built in {}", screen::spoken(started.elapsed())));
    Ok(())
}
