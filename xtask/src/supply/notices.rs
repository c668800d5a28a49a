//! The licences of everything that ships, with their texts: what those ask for in return for being used.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::{Crate, Crates, Name, Shipped};

/// How the names of files with licences and notices begin, in small letters.
const BEGINNINGS: [&str; 6] = ["license", "licence", "copying", "copyright", "notice", "unlicense"];

/// The text: each licence once, with all whom it is from.
///
/// # Errors
/// A crate without a licence's text whose licence has no known one.
pub(crate) fn notices(crates: &Crates, shipped: &Shipped) -> Result<String> {
    let mut by_text: BTreeMap<String, BTreeSet<&Name>> = BTreeMap::new();
    let mut list = String::new();
    for name in shipped.all() {
        let found = crates.get(name)?;
        if found.source.is_none() {
            continue;
        }
        let licence = found.licence.as_deref().unwrap_or("no licence");
        let _infallible = writeln!(list, "  {} {}: {licence}", name.0, name.1);
        for text in texts(found)? {
            by_text.entry(text).or_default().insert(name);
        }
    }
    let mut out = format!(
        "Throng is made with the work of others. This is what is inside of it, under which licence, and the text of \
         each.\n\n{list}"
    );
    for (text, names) in by_text {
        let names: Vec<String> = names.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let _infallible = write!(out, "\n{}\n{}\n\n{text}\n", "-".repeat(78), names.join(", "));
    }
    Ok(out)
}

/// The texts that a crate brings along, or the usual text of its licence with its authors.
fn texts(found: &Crate) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    gather(&found.folder, 0, &mut paths)
        .with_context(|| format!("cannot look for licences in {}", found.folder.display()))?;
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = tidied(&String::from_utf8_lossy(&text));
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    if texts.is_empty() {
        texts.push(usual(found)?);
    }
    Ok(texts)
}

/// Licences of the crate itself and of the C code inside of it.
fn gather(folder: &Path, depth: u8, found: &mut Vec<std::path::PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < 3 && !matches!(name.as_str(), "tests" | "examples" | "benches") {
            gather(&entry.path(), depth + 1, found)?;
        } else if kind.is_file()
            && BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
            && [".rs", ".toml", ".py", ".html", ".spdx"].iter().all(|ending| !name.ends_with(ending))
        {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// The text of a licence whose crate does not carry it.
fn usual(found: &Crate) -> Result<String> {
    let (name, version) = &found.name;
    let licence = found.licence.as_deref().unwrap_or_default();
    let expression = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX)
        .ok()
        .with_context(|| format!("{name} {version} has a licence that cannot be read: {licence}"))?;
    // The one that asks for the least, where there is a choice.
    let ids: Vec<_> = expression.requirements().filter_map(|term| term.req.license.id()).collect();
    let id = ids.iter().find(|id| id.name == "MIT").or(ids.first());
    let id = id.with_context(|| format!("{name} {version} brings no text of its licence, {licence}"))?;
    let authors = if found.authors.is_empty() { format!("the authors of {name}") } else { found.authors.join(", ") };
    Ok(tidied(&format!("Copyright (c) {authors}\n\n{}", id.text())))
}

/// The same text is the same however it was wrapped up: ends of lines, spaces at them, empty lines around it.
fn tidied(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supply::shipped;
    use crate::workspace::Workspace;

    #[test]
    fn everything_that_ships_has_the_text_of_its_licence() {
        let workspace = Workspace::find().unwrap();
        let (crates, shipped) = (Crates::read(&workspace).unwrap(), shipped(&workspace).unwrap());
        let text = notices(&crates, &shipped).unwrap();
        for name in shipped.all() {
            let found = crates.get(name).unwrap();
            let of = format!("{} {}", name.0, name.1);
            assert_eq!(text.contains(&of), found.source.is_some(), "{of}");
        }
        for part in ["Permission is hereby granted", "Apache License", "Community Data License Agreement"] {
            assert!(text.contains(part), "{part}");
        }
        // It goes into an archive that is the same wherever it was made.
        for place in [
            workspace.root().to_string_lossy(),
            crates.get(shipped.all().first().unwrap()).unwrap().folder.to_string_lossy(),
        ] {
            assert!(!text.contains(&*place), "{place}");
        }
        assert_eq!(text, notices(&crates, &shipped).unwrap());
    }
}
