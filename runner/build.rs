//! Rebuilds the runner when the panel that it embeds has changed.

use std::fs;

/// Where `cargo xtask build` leaves the panel, seen from this crate.
const PANEL: &str = "../target/panel";

fn main() {
    // The folder must exist to be watched; without it every build would start over.
    if let Err(error) = fs::create_dir_all(PANEL) {
        println!("cargo::warning=cannot make {PANEL}: {error}; the panel will be missing");
    }
    println!("cargo::rerun-if-changed={PANEL}");
}
