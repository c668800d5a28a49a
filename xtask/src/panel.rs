//! Builds the panel: frontend to WebAssembly, wasm-bindgen as a library, files named by content and compressed.
//!
//! Trunk reads the same `index.html` for people who work on the panel; nobody else needs Trunk.

pub(crate) mod pack;
pub(crate) mod page;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use wasm_bindgen_cli_support::Bindgen;

use crate::install::{self, WASM_TARGET};
use crate::screen;
use crate::workspace::{Workspace, run};
use pack::{Packing, Written, fingerprint};
use page::{Asset, Names, Page};

/// Where a build leaves what it was made from and what it wrote.
const RECORD: &str = "built-from";

/// How the panel is built.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flavour {
    /// As it is embedded: optimised for size, compressed.
    Small,
    /// As fast as it builds: not optimised, with names in stack traces.
    Development,
}

impl Flavour {
    /// Cargo's profile.
    fn profile(self) -> &'static str {
        match self {
            Self::Small => "size",
            Self::Development => "dev",
        }
    }

    /// The folder that cargo gives this profile.
    fn folder(self) -> &'static str {
        match self {
            Self::Small => "size",
            Self::Development => "debug",
        }
    }

    fn packing(self) -> Packing {
        match self {
            Self::Small => Packing::Small,
            Self::Development => Packing::Plain,
        }
    }
}

/// Builds the panel into the workspace's `target/panel`; does little when nothing has changed.
///
/// # Errors
/// A missing target that cannot be installed, a frontend that does not compile, an `index.html` that names what is
/// not there.
pub(crate) fn build(workspace: &Workspace, flavour: Flavour) -> Result<()> {
    install::wasm_target()?;
    screen::announce(match flavour {
        Flavour::Small => "building the panel for WebAssembly, optimised for size",
        Flavour::Development => "building the panel for WebAssembly, as fast as it builds",
    });
    let started = Instant::now();
    let mut cargo =
        workspace.cargo(["build", "--package", "frontend", "--bin", "frontend", "--target", WASM_TARGET, "--profile"]);
    cargo.arg(flavour.profile());
    if flavour == Flavour::Small {
        cargo.args(workspace.placeless()?);
    }
    run(&mut cargo)?;
    let program = workspace.target().join(WASM_TARGET).join(flavour.folder()).join("frontend.wasm");
    let source = Source::read(workspace.root(), &program)?;

    let built_from = source.fingerprint(flavour);
    let folder = workspace.panel();
    if let Some(written) = recorded(&folder, &built_from) {
        report(&written);
        screen::detail(format_args!("up to date after {}", screen::spoken(started.elapsed())));
        return Ok(());
    }

    // Written aside and moved, so that an interrupted build leaves the old panel and never half of a new one.
    let aside = folder.with_extension("new");
    if aside.exists() {
        fs::remove_dir_all(&aside).with_context(|| format!("cannot empty {}", aside.display()))?;
    }
    fs::create_dir_all(&aside).with_context(|| format!("cannot create {}", aside.display()))?;
    let written = source.write(&aside, flavour)?;
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot replace {}", folder.display()))?;
    }
    fs::rename(&aside, &folder).with_context(|| format!("cannot move the panel to {}", folder.display()))?;
    record(&folder, &built_from, &written)?;
    report(&written);
    screen::detail(format_args!("built in {}", screen::spoken(started.elapsed())));
    Ok(())
}

/// Everything that the panel's files are made from.
struct Source {
    page: Page,
    html: String,
    program: Vec<u8>,
    /// Style sheets and icons in the order of the page's links; empty for the program.
    files: Vec<Vec<u8>>,
}

impl Source {
    fn read(root: &Path, program: &Path) -> Result<Self> {
        let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        let path = root.join("index.html");
        let html = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let page = Page::parse(&html).context("cannot use index.html")?;
        let files = page
            .assets
            .iter()
            .map(|asset| match asset {
                Asset::Program => Ok(Vec::new()),
                Asset::Style(path) | Asset::Icon(path, _) => read(&root.join(path)),
            })
            .collect::<Result<_>>()?;
        Ok(Self { page, html, program: read(program)?, files })
    }

    fn fingerprint(&self, flavour: Flavour) -> String {
        // This file and its children are part of what the output depends on.
        let tools = [include_str!("panel.rs"), include_str!("panel/page.rs"), include_str!("panel/pack.rs")];
        let parts = tools.iter().map(|text| text.as_bytes());
        let parts = parts.chain([flavour.profile().as_bytes(), self.html.as_bytes(), &self.program]);
        fingerprint(parts.chain(self.files.iter().map(Vec::as_slice)))
    }

    /// Writes the panel's files into an empty folder.
    fn write(&self, folder: &Path, flavour: Flavour) -> Result<Vec<Written>> {
        let packing = flavour.packing();
        let bound = folder.join("bound");
        bind(&self.program, &bound, flavour)?;
        let read = |name: &str| {
            let path = bound.join(name);
            fs::read(&path).with_context(|| format!("wasm-bindgen did not write {}", path.display()))
        };
        let mut written = Vec::new();
        let mut put = |stem: &str, ending: &str, bytes: &[u8]| -> Result<String> {
            let name = format!("{stem}-{}{ending}", fingerprint([bytes]));
            written.push(pack::write(folder, &name, bytes, packing)?);
            Ok(name)
        };

        let program = put("panel", "_bg.wasm", &read("panel_bg.wasm")?)?;
        let script = put("panel", ".js", &read("panel.js")?)?;
        let start = put("start", ".js", page::start_script(&script, &program).as_bytes())?;
        let (mut style, mut icons) = (Vec::new(), Vec::new());
        for (asset, bytes) in self.page.assets.iter().zip(&self.files) {
            match asset {
                Asset::Program => {}
                Asset::Style(_) => style.extend_from_slice(bytes),
                Asset::Icon(path, _) => {
                    let path = Path::new(path);
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                    let ending = path.extension().unwrap_or_default().to_string_lossy();
                    icons.push(put(&stem, &format!(".{ending}"), bytes)?);
                }
            }
        }
        let style = put("style", ".css", &style)?;
        let names = Names { style: &style, start: &start, script: &script, program: &program, icons: &icons };
        let html = self.page.write(&names);
        written.push(pack::write(folder, "index.html", html.as_bytes(), packing)?);

        // JavaScript that crates bring along; the script imports it by these names.
        if bound.join("snippets").exists() {
            fs::rename(bound.join("snippets"), folder.join("snippets")).context("cannot move the snippets")?;
        }
        fs::remove_dir_all(&bound).context("cannot remove what wasm-bindgen wrote")?;
        Ok(written)
    }
}

/// Runs wasm-bindgen.
fn bind(program: &[u8], folder: &Path, flavour: Flavour) -> Result<()> {
    let small = flavour == Flavour::Small;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_bytes("panel", program.to_vec())
        .typescript(false)
        .remove_name_section(small)
        .remove_producers_section(small)
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder))
        .context("wasm-bindgen failed on the panel")
}

/// What the last build wrote, if it was made from the same source and its files are still there.
fn recorded(folder: &Path, built_from: &str) -> Option<Vec<Written>> {
    let text = fs::read_to_string(record_path(folder)).ok()?;
    let mut lines = text.lines();
    if lines.next()? != built_from {
        return None;
    }
    let written = lines.map(written_from_line).collect::<Option<Vec<_>>>()?;
    written.iter().all(|file| folder.join(&file.name).is_file()).then_some(written)
}

/// Leaves a record beside the folder, not in it: all that is in it is embedded.
fn record(folder: &Path, built_from: &str, written: &[Written]) -> Result<()> {
    let mut text = format!("{built_from}\n");
    for file in written {
        text.push_str(&line_of(file));
    }
    let path = record_path(folder);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn record_path(folder: &Path) -> std::path::PathBuf {
    folder.with_extension(RECORD)
}

fn line_of(file: &Written) -> String {
    let brotli = file.brotli.map_or_else(|| "-".to_owned(), |size| size.to_string());
    format!("{} {} {brotli}\n", file.name, file.raw)
}

fn written_from_line(line: &str) -> Option<Written> {
    let mut words = line.split(' ');
    let (name, raw, brotli) = (words.next()?, words.next()?, words.next()?);
    let brotli = if brotli == "-" { None } else { Some(brotli.parse().ok()?) };
    Some(Written { name: name.to_owned(), raw: raw.parse().ok()?, brotli })
}

/// Says what there is to load.
fn report(written: &[Written]) {
    let (mut raw, mut brotli) = (0, 0);
    for file in written {
        raw += file.raw;
        brotli += file.brotli.unwrap_or(file.raw);
        match file.brotli {
            Some(small) => screen::detail(format_args!(
                "{:<36} {:>9}, brotli {:>9}",
                file.name,
                screen::sized(file.raw),
                screen::sized(small)
            )),
            None => screen::detail(format_args!("{:<36} {:>9}", file.name, screen::sized(file.raw))),
        }
    }
    screen::detail(format_args!("{:<36} {:>9}, brotli {:>9}", "in all", screen::sized(raw), screen::sized(brotli)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_a_build_reads_back() {
        for file in [
            Written { name: "panel-1_bg.wasm".to_owned(), raw: 123_456, brotli: Some(4_567) },
            Written { name: "index.html".to_owned(), raw: 1, brotli: None },
        ] {
            assert_eq!(written_from_line(line_of(&file).trim_end()), Some(file));
        }
        assert_eq!(written_from_line("panel"), None);
    }
}
