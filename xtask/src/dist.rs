//! Makes what people install: one archive with the program, its manual, completions, licences, service unit and list of
//! parts. The same commit gives the same bytes in whatever folder it is made.

mod archive;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::build::{self, Edition};
use crate::screen;
use crate::supply::{self, Crates, notices, sbom};
use crate::workspace::{Workspace, said};
use archive::File;

/// Files and folders of the checkout that go along as they are.
const ALONG: [&str; 6] = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "docs", "packaging"];
/// Completions: the shell's name for the command, and the file's name.
const COMPLETIONS: [(&str, &str); 4] = [
    ("bash", "completions/throng.bash"),
    ("zsh", "completions/_throng"),
    ("fish", "completions/throng.fish"),
    ("elvish", "completions/throng.elv"),
];
/// The list of parts.
const SBOM: &str = "sbom.cdx.json";
/// Licences of what is inside.
const NOTICES: &str = "THIRD-PARTY.txt";

/// An archive before it is written.
struct Archive {
    /// Its name without an ending, which is its folder, too.
    name: String,
    files: BTreeMap<String, File>,
    /// When everything in it was changed, in seconds since 1970.
    seconds: u64,
}

/// Builds everything and writes the archive with its digest beside it.
///
/// # Errors
/// When something does not build, or a part of the archive is not there.
pub(crate) fn make(workspace: &Workspace) -> Result<()> {
    build::all(workspace)?;
    screen::announce("packing what people install");
    let started = Instant::now();
    let archive = Archive::gathered(workspace)?;
    let bytes = archive.packed()?;
    let folder = workspace.target().join("dist");
    let name = format!("{}.tar.gz", archive.name);
    let digest = supply::digest(&bytes);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    write(&folder.join(&name), &bytes)?;
    write(&folder.join(format!("{name}.sha256")), format!("{digest}  {name}\n").as_bytes())?;
    screen::detail(format_args!("{} ({} files)", folder.join(&name).display(), archive.files.len()));
    screen::detail(format_args!("{}, SHA-256 {digest}", screen::sized(bytes.len() as u64)));
    screen::detail(format_args!("packed in {}", screen::spoken(started.elapsed())));
    Ok(())
}

/// Packs what was built already, twice, and uses what comes out as somebody would who has just downloaded it.
///
/// # Errors
/// When the two differ, something is missing, or the program in it does not do what it should.
pub(crate) fn try_out(workspace: &Workspace) -> Result<()> {
    if !workspace.throng().is_file() {
        bail!("there is no {}; call `cargo xtask build` first", workspace.throng().display());
    }
    let archive = Archive::gathered(workspace)?;
    let bytes = archive.packed()?;
    if bytes != Archive::gathered(workspace)?.packed()? {
        bail!("the archive is another one when it is packed again");
    }
    // A folder that is called what all of them become is nothing to be found.
    for (place, _) in workspace.places()?.into_iter().filter(|(place, name)| !place.starts_with(name)) {
        let place = place.display().to_string();
        let named = archive.files.iter().find(|(_, file)| contains(&file.bytes, place.as_bytes()));
        if let Some((path, _)) = named {
            bail!("{path} names the folder {place} in which it was made");
        }
    }
    let folder = workspace.target().join("dist-tried");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    write(&folder.join("throng.tar.gz"), &bytes)?;
    said(Command::new("tar").args(["-xzf", "throng.tar.gz"]).current_dir(&folder))?;
    let inside = folder.join(&archive.name);
    let version = said(Command::new(inside.join("throng")).arg("--version"))?;
    let begins = format!("throng {}", env!("CARGO_PKG_VERSION"));
    if !version.starts_with(&begins) {
        bail!("the program in the archive says it is `{}` and not `{begins}`", version.trim());
    }
    let scenarios = said(Command::new(inside.join("throng")).arg("scenarios").env("THRONG_DATA_DIR", &folder))?;
    if !scenarios.contains("commerce-events") {
        bail!("the program in the archive has no built-in scenarios");
    }
    changelog(workspace.root())?;
    screen::detail(format_args!("{}: {} files, {}", archive.name, archive.files.len(), version.trim()));
    Ok(())
}

impl Archive {
    /// Puts everything together.
    fn gathered(workspace: &Workspace) -> Result<Self> {
        let edition = Edition::of(workspace);
        let host = supply::host()?;
        let seconds = match env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => text.parse().context("SOURCE_DATE_EPOCH is not a number of seconds")?,
            Err(_) => edition.commit.as_ref().map_or(0, |commit| commit.seconds),
        };
        let mut files = BTreeMap::new();
        for path in ALONG {
            gather(workspace.root(), Path::new(path), &mut files)?;
        }
        let throng = workspace.throng();
        let program = fs::read(&throng).with_context(|| format!("cannot read {}", throng.display()))?;
        files.insert("throng".to_owned(), File { bytes: program, is_program: true });
        let mut put = |path: String, text: String| {
            files.insert(path, File { bytes: text.into_bytes(), is_program: false });
        };
        for (shell, path) in COMPLETIONS {
            put(path.to_owned(), said(Command::new(&throng).args(["completions", shell]))?);
        }
        for (name, page) in manual(workspace, &throng)? {
            put(format!("man/man1/{name}"), page);
        }
        let (crates, shipped) = (Crates::read(workspace)?, supply::shipped(workspace)?);
        let build = sbom::Build {
            version: edition.version,
            commit: edition.commit.as_ref().map(|commit| commit.id.as_str()),
            made_at: &moment(seconds),
            rustc: &rustc()?,
            platform: &host,
        };
        let list = sbom::document(&crates, &shipped, &build)?;
        put(SBOM.to_owned(), format!("{}\n", serde_json::to_string_pretty(&list)?));
        put(NOTICES.to_owned(), notices::notices(&crates, &shipped)?);
        Ok(Self { name: format!("throng-{}-{host}", edition.version), files, seconds })
    }

    fn packed(&self) -> Result<Vec<u8>> {
        archive::packed(&self.name, &self.files, self.seconds)
    }
}

/// The pages of the manual, by name.
fn manual(workspace: &Workspace, throng: &Path) -> Result<Vec<(String, String)>> {
    let folder = workspace.target().join("dist-manual");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    said(Command::new(throng).arg("man").arg(&folder))?;
    let mut pages = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        pages.push((name, fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?));
    }
    Ok(pages)
}

/// Reads a file or everything below a folder.
fn gather(root: &Path, path: &Path, files: &mut BTreeMap<String, File>) -> Result<()> {
    let place = root.join(path);
    if place.is_dir() {
        for entry in fs::read_dir(&place).with_context(|| format!("cannot read {}", place.display()))? {
            gather(root, &path.join(entry?.file_name()), files)?;
        }
        return Ok(());
    }
    let bytes = fs::read(&place).with_context(|| format!("cannot read {}", place.display()))?;
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    files.insert(parts.join("/"), File { bytes, is_program: false });
    Ok(())
}

/// Holds that the changelog tells of the version of `Cargo.toml`, with its day.
///
/// # Errors
/// When it does not.
fn changelog(root: &Path) -> Result<()> {
    let text = fs::read_to_string(root.join("CHANGELOG.md")).context("cannot read CHANGELOG.md")?;
    let version = env!("CARGO_PKG_VERSION");
    if !tells_of(&text, version) {
        bail!("CHANGELOG.md has no heading `## {version} - YYYY-MM-DD` with something below it");
    }
    Ok(())
}

fn tells_of(changelog: &str, version: &str) -> bool {
    let mut lines = changelog.lines().skip_while(|line| !line.starts_with(&format!("## {version} - ")));
    let day = lines.next().and_then(|line| line.rsplit_once(" - ")).map_or("", |(_, day)| day);
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = day.split('-').collect();
    let dated = matches!(parts[..], [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2));
    dated && lines.take_while(|line| !line.starts_with("## ")).any(|line| line.starts_with("- "))
}

/// The compiler's version.
fn rustc() -> Result<String> {
    let text = said(Command::new("rustc").arg("--version"))?;
    Ok(text.split(' ').nth(1).context("rustc does not say its version")?.to_owned())
}

/// A moment as `2026-11-26T08:00:00Z`.
fn moment(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (mut year, mut left) = (1970, days);
    let length = |year: u64| {
        if (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400) { 366 } else { 365 }
    };
    while left >= length(year) {
        left -= length(year);
        year += 1;
    }
    let mut months = [31, length(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().zip(1..);
    let month = months.find_map(|(days, month)| {
        if left < days {
            return Some(month);
        }
        left -= days;
        None
    });
    let month: u64 = month.unwrap_or(12);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", left + 1)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

fn write(path: &PathBuf, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_as_days_and_hours() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (1_795_680_000, "2026-11-26T08:00:00Z"),
        ] {
            assert_eq!(moment(seconds), expected);
        }
    }

    #[test]
    fn the_changelog_tells_of_the_version_that_cargo_builds() {
        let workspace = Workspace::find().unwrap();
        changelog(workspace.root()).unwrap();
        assert!(tells_of("## 1.2.3 - 2026-11-26\n\n- new\n", "1.2.3"));
        for (text, version) in [
            ("## 1.2.3 - 2026-11-26\n\n- new\n", "1.2.4"),
            ("## 1.2.3 - soon\n\n- new\n", "1.2.3"),
            ("## 1.2.3 - 2026-11-26\n\n## 1.2.2 - 2026-11-25\n\n- old\n", "1.2.3"),
            ("- 1.2.3", "1.2.3"),
        ] {
            assert!(!tells_of(text, version), "{text}");
        }
    }
}
