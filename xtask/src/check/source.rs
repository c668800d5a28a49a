//! The source files of a crate, each with the module that it is and the paths that it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::imports::{self, Imports};

/// A crate of the workspace.
pub(crate) struct Crate {
    /// Its name.
    pub(crate) name: String,
    /// Every `.rs` file under `src`, in the order of their paths.
    pub(crate) files: Vec<File>,
}

/// A source file.
pub(crate) struct File {
    /// Its path from the workspace's root, with `/`.
    pub(crate) path: String,
    /// The module that it is, empty for `lib.rs` and `main.rs`.
    pub(crate) module: Vec<String>,
    /// Its text.
    pub(crate) text: String,
    /// What it names.
    pub(crate) imports: Imports,
}

impl File {
    /// Reads a file's text; `path` is from the workspace's root.
    pub(crate) fn read(path: &str, text: &str) -> Self {
        let module = module_of(path);
        let imports = imports::read(text, &module);
        Self { path: path.to_owned(), module, text: text.to_owned(), imports }
    }
}

impl Crate {
    /// Puts a crate together from its files' paths and texts; used for fixtures as well.
    pub(crate) fn from_texts<'a>(name: &str, texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = texts.into_iter().map(|(path, text)| File::read(path, text)).collect();
        Self { name: name.to_owned(), files }
    }

    /// Reads a crate's folder.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn open(root: &Path, name: &str) -> Result<Self> {
        let mut texts = Vec::new();
        collect(&root.join(name).join("src"), &format!("{name}/src"), &mut texts)?;
        Ok(Self::from_texts(name, texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))))
    }

    /// Its modules, without those that exist for tests only.
    pub(crate) fn modules(&self) -> BTreeSet<&[String]> {
        self.production().map(|file| file.module.as_slice()).filter(|module| !module.is_empty()).collect()
    }

    /// Its files, without those that exist for tests only.
    pub(crate) fn production(&self) -> impl Iterator<Item = &File> {
        let for_tests: Vec<Vec<String>> = self
            .files
            .iter()
            .flat_map(|file| {
                file.imports.test_modules.iter().map(|child| [&file.module[..], std::slice::from_ref(child)].concat())
            })
            .collect();
        self.files.iter().filter(move |file| !for_tests.iter().any(|module| file.module.starts_with(module)))
    }
}

/// The module that a path is: `runner/src/engine/worker.rs` is `engine::worker`.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("src/").map_or(path, |(_, inside)| inside);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if module.len() == 1 && (module[0] == "lib" || module[0] == "main") {
        module.clear();
    }
    module
}

/// Gathers the `.rs` files of a folder and of those in it, sorted.
fn collect(folder: &Path, shown: &str, texts: &mut Vec<(String, String)>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read the folder {shown}"))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let shown = format!("{shown}/{name}");
        if path.is_dir() {
            collect(&path, &shown, texts)?;
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
            texts.push((shown, text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_module() {
        for (path, module) in [
            ("runner/src/main.rs", ""),
            ("shared/src/lib.rs", ""),
            ("shared/src/plan.rs", "plan"),
            ("runner/src/engine/worker/timer.rs", "engine::worker::timer"),
            ("frontend/src/pages/main.rs", "pages::main"),
        ] {
            assert_eq!(module_of(path).join("::"), module, "{path}");
        }
    }

    #[test]
    fn files_for_tests_only_are_left_aside() {
        let krate = Crate::from_texts(
            "shared",
            [
                ("shared/src/lib.rs", "mod plan;"),
                ("shared/src/plan.rs", "#[cfg(test)] mod golden;"),
                ("shared/src/plan/golden.rs", "mod deep;"),
                ("shared/src/plan/golden/deep.rs", ""),
            ],
        );
        let left: Vec<_> = krate.production().map(|file| file.path.as_str()).collect();
        assert_eq!(left, ["shared/src/lib.rs", "shared/src/plan.rs"]);
        assert_eq!(krate.modules().len(), 1);
    }
}
