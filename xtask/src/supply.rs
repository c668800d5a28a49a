//! What others wrote and we build with: which crates those are, whether `deny.toml` allows them, what of them ships.

pub(crate) mod notices;
pub(crate) mod policy;
pub(crate) mod sbom;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::screen;
use crate::workspace::{Workspace, said};
use policy::Policy;

/// What the panel is compiled for.
const WASM_TARGET: &str = crate::install::WASM_TARGET;

/// A crate by name and version.
pub(crate) type Name = (String, String);

/// What cargo knows of a crate.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    /// Name and version.
    pub(crate) name: Name,
    /// Its licence as an SPDX expression, as its author wrote it.
    pub(crate) licence: Option<String>,
    /// Who wrote it.
    pub(crate) authors: Vec<String>,
    /// What it is, in a sentence.
    pub(crate) description: Option<String>,
    /// Where it is developed.
    pub(crate) repository: Option<String>,
    /// The registry that it comes from; none for our own.
    pub(crate) source: Option<String>,
    /// Where its files lie.
    pub(crate) folder: PathBuf,
    /// Its requirements, each with name, version and whether it is a path.
    pub(crate) requirements: Vec<Requirement>,
    /// The SHA-256 of what was downloaded.
    pub(crate) checksum: Option<String>,
    /// Which crates it is compiled with, whatever for.
    pub(crate) uses: BTreeSet<Name>,
}

/// A line of a manifest's dependencies.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Requirement {
    /// The crate.
    pub(crate) name: String,
    /// The versions that will do.
    pub(crate) req: String,
    /// Where it lies, when it is one of ours.
    pub(crate) path: Option<String>,
}

/// Every crate of `Cargo.lock`.
#[derive(Debug)]
pub(crate) struct Crates {
    /// By name and version.
    pub(crate) all: BTreeMap<Name, Crate>,
    /// Those that are compiled for some platform, for building and testing, too.
    pub(crate) used: BTreeSet<Name>,
}

/// What is inside of what people install.
#[derive(Debug)]
pub(crate) struct Shipped {
    /// The crates of the program.
    pub(crate) program: BTreeSet<Name>,
    /// The crates of the panel inside of it.
    pub(crate) panel: BTreeSet<Name>,
}

impl Shipped {
    /// All of them.
    pub(crate) fn all(&self) -> BTreeSet<&Name> {
        self.program.union(&self.panel).collect()
    }
}

/// The part of `cargo metadata` that is read.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    authors: Vec<String>,
    description: Option<String>,
    repository: Option<String>,
    source: Option<String>,
    manifest_path: PathBuf,
    dependencies: Vec<Requirement>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

/// `Cargo.lock`.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl Crates {
    /// Asks cargo, which fails when `Cargo.lock` is not what the manifests need.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let text = said(&mut workspace.cargo(["metadata", "--locked", "--format-version", "1"]))
            .context("`cargo update --workspace` brings Cargo.lock up to date")?;
        let metadata: Metadata = serde_json::from_str(&text).context("cannot read what cargo says of its packages")?;
        let lock = workspace.root().join("Cargo.lock");
        let lock = fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
        let lock: Lock = toml::from_str(&lock).context("cannot read Cargo.lock")?;
        let used = tree(workspace, &["--workspace", "--target", "all", "--edges", "normal,build,dev"])?;
        Ok(Self { all: joined(metadata, lock)?, used })
    }

    /// The crate of that name.
    pub(crate) fn get(&self, name: &Name) -> Result<&Crate> {
        self.all.get(name).with_context(|| format!("cargo knows no {} {}", name.0, name.1))
    }
}

/// Puts together what cargo says and what its lock says.
fn joined(metadata: Metadata, lock: Lock) -> Result<BTreeMap<Name, Crate>> {
    let checksums: BTreeMap<Name, Option<String>> =
        lock.package.into_iter().map(|locked| ((locked.name, locked.version), locked.checksum)).collect();
    let names: BTreeMap<String, Name> = (metadata.packages.iter())
        .map(|package| (package.id.clone(), (package.name.clone(), package.version.clone())))
        .collect();
    let name_of = |id: &String| names.get(id).cloned().with_context(|| format!("cargo did not describe {id}"));
    let mut uses = BTreeMap::new();
    for node in &metadata.resolve.nodes {
        uses.insert(name_of(&node.id)?, node.dependencies.iter().map(name_of).collect::<Result<BTreeSet<_>>>()?);
    }
    let crates = metadata.packages.into_iter().map(|package| {
        let name = (package.name, package.version);
        let checksum = checksums.get(&name).cloned().flatten();
        let found = Crate {
            licence: package.license,
            authors: package.authors,
            description: package.description,
            repository: package.repository,
            source: package.source,
            folder: package.manifest_path.parent().unwrap_or(Path::new("")).to_owned(),
            requirements: package.dependencies,
            checksum,
            uses: uses.remove(&name).unwrap_or_default(),
            name: name.clone(),
        };
        (name, found)
    });
    Ok(crates.collect())
}

/// What is compiled into the program for this machine, and into its panel: no macro, no build script, no test.
pub(crate) fn shipped(workspace: &Workspace) -> Result<Shipped> {
    let host = host()?;
    let parts = |package, target| {
        tree(workspace, &["--package", package, "--target", target, "--edges", "normal,no-proc-macro"])
    };
    Ok(Shipped { program: parts("runner", &host)?, panel: parts("frontend", WASM_TARGET)? })
}

/// The platform that the compiler builds for when nobody says otherwise.
pub(crate) fn host() -> Result<String> {
    let text = said(std::process::Command::new("rustc").arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say what it builds for")?.to_owned())
}

/// The crates of a tree of cargo's, features and platforms resolved.
fn tree(workspace: &Workspace, which: &[&str]) -> Result<BTreeSet<Name>> {
    let mut cargo = workspace.cargo(["tree", "--locked", "--prefix", "none", "--format", "{p}"]);
    let names: BTreeSet<Name> = said(cargo.args(which))?.lines().filter_map(name_in).collect();
    if names.is_empty() {
        bail!("cargo's tree of {} is empty", which.join(" "));
    }
    Ok(names)
}

/// Name and version in a line such as `serde v1.0.229 (proc-macro) (*)`.
fn name_in(line: &str) -> Option<Name> {
    let mut words = line.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    Some((name.to_owned(), version.to_owned()))
}

/// The SHA-256 of some bytes, in hexadecimal digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Holds everything that the workspace builds with against `deny.toml`.
///
/// # Errors
/// When anything is not allowed; names all of it.
pub(crate) fn check(workspace: &Workspace) -> Result<u64> {
    let policy = Policy::read(workspace.root())?;
    let crates = Crates::read(workspace)?;
    let mut wrong = policy.violations(&crates)?;
    wrong.extend(policy::unlocked(&crates));
    wrong.extend(policy::lints(workspace.root())?);
    wrong.extend(policy::packages_of_npm(workspace.root())?);
    if wrong.is_empty() {
        let ours = crates.all.values().filter(|found| found.source.is_none()).count();
        screen::detail(format_args!("{} crates of others, {ours} of ours", crates.used.len() - ours));
        return Ok(crates.used.len() as u64);
    }
    bail!("what others wrote is not as deny.toml wants it:\n  {}", wrong.join("\n  "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_a_tree() {
        let name = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(name_in("serde v1.0.229 (*)"), name("serde", "1.0.229"));
        assert_eq!(name_in("shared v0.1.0 (/a b/shared)"), name("shared", "0.1.0"));
        assert_eq!(name_in("toml v1.2.1+spec-1.1.0"), name("toml", "1.2.1+spec-1.1.0"));
        assert_eq!(name_in(""), None);
    }

    #[test]
    fn what_ships_has_no_macro_and_no_test_in_it() {
        let workspace = Workspace::find().unwrap();
        let shipped = shipped(&workspace).unwrap();
        let has = |part: &BTreeSet<Name>, name: &str| part.iter().any(|(known, _)| known == name);
        assert!(has(&shipped.program, "tokio") && has(&shipped.program, "shared") && !has(&shipped.program, "leptos"));
        assert!(has(&shipped.panel, "leptos") && !has(&shipped.panel, "tokio"));
        for absent in ["clap_derive", "proptest", "jsonschema", "cc", "wasm-bindgen-cli-support"] {
            assert!(!has(&shipped.program, absent) && !has(&shipped.panel, absent), "{absent}");
        }
    }
}
