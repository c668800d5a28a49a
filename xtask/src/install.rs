//! What a build or a test needs from the machine: finds it, installs it where that is safe, says how otherwise.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::screen;
use crate::workspace::{found_on_path, run, typed};

/// What the panel is compiled for.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Oldest major version of node that playwright-core runs on.
const OLDEST_NODE: u32 = 20;

/// Makes sure that rustc has the standard library of [`WASM_TARGET`]; asks rustup for it otherwise.
///
/// # Errors
/// When it is missing and cannot be installed; says what to do.
pub(crate) fn wasm_target() -> Result<()> {
    if has_wasm_target()? {
        return Ok(());
    }
    screen::announce(format_args!("the compiler's {WASM_TARGET} target is missing, asking rustup for it"));
    if found_on_path("rustup").is_none() {
        bail!(
            "the panel needs rustc's {WASM_TARGET} target, and there is no rustup to install it with\n\
             install rustup from https://rustup.rs, or the target by your system's packages \
             (Debian: libstd-rust-dev-wasm32), then call this again"
        );
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["target", "add", WASM_TARGET]);
    let added = run(&mut rustup);
    if added.is_err() || !has_wasm_target()? {
        bail!(
            "the panel needs rustc's {WASM_TARGET} target, and rustup could not install it\n\
             look at what rustup said above (is the network there?), make `{}` work, then call this again",
            typed(&rustup)
        );
    }
    Ok(())
}

/// Whether the standard library of [`WASM_TARGET`] is there.
fn has_wasm_target() -> Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", WASM_TARGET])
        .output()
        .context("cannot start `rustc`; install rustup from https://rustup.rs")?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let Ok(files) = folder.read_dir() else { return Ok(false) };
    Ok(files.flatten().any(|file| file.file_name().to_string_lossy().starts_with("libstd-")))
}

/// Finds Chromium: `$CHROMIUM`, else on the path, else from Debian's packages.
///
/// # Errors
/// When there is none and none can be installed; says what to do.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM").map(PathBuf::from) {
        if path.is_file() {
            return Ok(path);
        }
        bail!("CHROMIUM is {}, and there is no such file", path.display());
    }
    let find = || ["chromium", "chromium-browser", "google-chrome", "chrome"].into_iter().find_map(found_on_path);
    if find().is_none() {
        debian_package("chromium", "the browser journey needs Chromium; install it, or set CHROMIUM to its path")?;
    }
    find().context("chromium was installed, yet is not on the path; set CHROMIUM to its path")
}

/// Makes sure that Debian's MQTT broker and its clients are there: the tests have them as witnesses.
///
/// # Errors
/// When they are missing and cannot be installed; says what to do.
pub(crate) fn mosquitto() -> Result<()> {
    let advice = "the tests of MQTT need mosquitto and its clients; see https://mosquitto.org/download";
    // Debian puts the broker where only root's path leads.
    if found_on_path("mosquitto").is_none() && !Path::new("/usr/sbin/mosquitto").is_file() {
        debian_package("mosquitto", advice)?;
    }
    if found_on_path("mosquitto_sub").is_none() {
        debian_package("mosquitto-clients", advice)?;
    }
    Ok(())
}

/// Finds node and npm, new enough for the browser journey.
///
/// # Errors
/// When they are missing or too old; says what to do.
pub(crate) fn node() -> Result<PathBuf> {
    let advice = format!("the browser journey needs node {OLDEST_NODE} or newer, with npm; see https://nodejs.org");
    for (program, package) in [("node", "nodejs"), ("npm", "npm")] {
        if found_on_path(program).is_none() {
            debian_package(package, &advice)?;
        }
    }
    let node = found_on_path("node").with_context(|| format!("there is no node on the path\n{advice}"))?;
    let output = Command::new(&node).arg("--version").output().context("cannot start `node`")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match major(&version) {
        Some(number) if number >= OLDEST_NODE => Ok(node),
        _ => bail!("{} is node {version}\n{advice}", node.display()),
    }
}

/// The first number of `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Installs a package on Debian as root; elsewhere fails with the advice.
fn debian_package(package: &str, advice: &str) -> Result<()> {
    let is_debian = Path::new("/etc/debian_version").is_file() && found_on_path("apt-get").is_some();
    if !is_debian || !is_root() {
        let how = if is_debian { format!(" (here: `apt-get install {package}` as root)") } else { String::new() };
        bail!("{advice}{how}");
    }
    screen::announce(format_args!("{package} is missing, installing Debian's package"));
    // A package list that could not be refreshed may still do.
    let _stale = run(Command::new("apt-get").args(["-q", "update"]));
    let mut install = Command::new("apt-get");
    install.args(["-q", "install", "-y", "--no-install-recommends", package]).env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut install).with_context(|| advice.to_owned())
}

/// Whether this runs as root, who may install packages.
fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_node_is_read() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("v8.0.0"), Some(8));
        assert_eq!(major("20"), None);
    }
}
