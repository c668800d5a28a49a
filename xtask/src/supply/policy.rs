//! Reads `deny.toml`, the list that cargo-deny reads, too, and holds crates against it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{Crate, Crates, Name};

/// What `cargo metadata` calls crates.io.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// Where packages of the journeys come from.
const NPM: &str = "https://registry.npmjs.org/";

/// `deny.toml`: every key that it has; one that is not here is refused, so that nothing of it is passed over.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    advisories: Advisories,
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advisories {
    ignore: Vec<Ignored>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ignored {
    id: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    multiple_versions: Deny,
    wildcards: Deny,
    /// Our own crates are found by their path, without a version.
    allow_wildcard_paths: bool,
    deny: Vec<Named>,
    skip: Vec<Named>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    unknown_registry: Deny,
    unknown_git: Deny,
    allow_registry: Vec<String>,
}

/// The one strictness that this list has.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Deny {
    Deny,
}

impl Policy {
    /// Reads the list of a checkout.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join("deny.toml")).context("cannot read deny.toml")?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).context("cannot read deny.toml")
    }

    /// Everything that is not as the list wants it, and everything in the list that nothing needs.
    pub(crate) fn violations(&self, crates: &Crates) -> Result<Vec<String>> {
        // `Deny` has one value, so that these keys cannot be turned off without this code being told.
        let Bans { multiple_versions: Deny::Deny, wildcards: Deny::Deny, .. } = self.bans;
        let Sources { unknown_registry: Deny::Deny, unknown_git: Deny::Deny, .. } = self.sources;
        let used: Vec<&Crate> = crates.used.iter().map(|name| crates.get(name)).collect::<Result<_>>()?;
        let mut wrong = self.licences(&used);
        wrong.extend(self.banned(&used));
        wrong.extend(self.twice(&used));
        wrong.extend(self.wildcards(&used));
        wrong.extend(self.sources(&used));
        let entries = self.bans.deny.iter().chain(&self.bans.skip).map(|entry| (&entry.name, &entry.reason));
        let ignored = self.advisories.ignore.iter().map(|entry| (&entry.id, &entry.reason));
        let bare = entries.chain(ignored).filter(|(_, reason)| reason.trim().is_empty());
        wrong.extend(bare.map(|(name, _)| format!("deny.toml: {name} has no reason")));
        Ok(wrong)
    }

    fn licences(&self, used: &[&Crate]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut needed = BTreeSet::new();
        for found in used {
            let (name, version) = &found.name;
            let Some(text) = &found.licence else {
                wrong.push(format!("{name} {version} names no licence"));
                continue;
            };
            match spdx::Expression::parse_mode(text, spdx::ParseMode::LAX) {
                Err(_) => wrong.push(format!("{name} {version} has a licence that cannot be read: {text}")),
                Ok(expression) => {
                    let allowed = |requirement: &spdx::LicenseReq| {
                        self.licenses.allow.iter().any(|allowed| requirement.to_string() == *allowed)
                    };
                    if !expression.evaluate(allowed) {
                        wrong.push(format!("{name} {version} is {text}, which [licenses] does not allow"));
                    }
                    needed.extend(expression.requirements().map(|term| term.req.to_string()));
                }
            }
        }
        let idle = self.licenses.allow.iter().filter(|allowed| !needed.contains(*allowed));
        wrong.extend(idle.map(|allowed| format!("deny.toml allows {allowed}, which no crate has")));
        wrong
    }

    fn banned(&self, used: &[&Crate]) -> Vec<String> {
        let is = |found: &&&Crate, entry: &Named| found.name.0 == entry.name;
        let entries = self.bans.deny.iter();
        entries
            .flat_map(|entry| used.iter().filter(move |found| is(found, entry)).map(move |found| (found, entry)))
            .map(|(found, entry)| format!("{} {} is banned: {}", found.name.0, found.name.1, entry.reason))
            .collect()
    }

    fn twice(&self, used: &[&Crate]) -> Vec<String> {
        let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for found in used {
            versions.entry(&found.name.0).or_default().insert(&found.name.1);
        }
        let mut wrong = Vec::new();
        for entry in &self.bans.skip {
            let (name, version) = entry.name.split_once('@').unwrap_or((&entry.name, ""));
            let is_needed = versions.get_mut(name).is_some_and(|known| known.len() > 1 && known.remove(version));
            if !is_needed {
                wrong.push(format!("deny.toml skips {}, which is not there beside another version", entry.name));
            }
        }
        let left = versions.iter().filter(|(_, known)| known.len() > 1);
        wrong.extend(left.map(|(name, known)| {
            let known: Vec<&str> = known.iter().copied().collect();
            format!("{name} comes in {}; bring them together or name one in [bans] skip", known.join(" and "))
        }));
        wrong
    }

    fn wildcards(&self, used: &[&Crate]) -> Vec<String> {
        let mut wrong = Vec::new();
        for found in used.iter().filter(|found| found.source.is_none()) {
            for requirement in &found.requirements {
                let excused = requirement.path.is_some() && self.bans.allow_wildcard_paths;
                if requirement.req == "*" && !excused {
                    wrong.push(format!("{} takes any version of {}", found.name.0, requirement.name));
                }
            }
        }
        wrong
    }

    fn sources(&self, used: &[&Crate]) -> Vec<String> {
        let allowed = |source: &str| {
            let url = source.strip_prefix("registry+").unwrap_or(source);
            self.sources.allow_registry.iter().any(|known| known == url)
        };
        let foreign = used.iter().filter_map(|found| {
            let source = found.source.as_deref().filter(|source| !allowed(source))?;
            Some(format!("{} {} comes from {source}", found.name.0, found.name.1))
        });
        foreign.collect()
    }
}

/// Crates of the registry whose content `Cargo.lock` does not pin.
pub(crate) fn unlocked(crates: &Crates) -> Vec<String> {
    let loose = |found: &&Crate| found.source.as_deref() == Some(CRATES_IO) && found.checksum.is_none();
    let names = crates.all.values().filter(loose).map(|found| &found.name);
    names.map(|(name, version): &Name| format!("{name} {version} has no checksum in Cargo.lock")).collect()
}

/// Crates of ours in which unsafe code would compile.
pub(crate) fn lints(root: &Path) -> Result<Vec<String>> {
    let read = |path: &Path| -> Result<toml::Table> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
    };
    let whole = read(&root.join("Cargo.toml"))?;
    let at =
        |path: &[&str]| path.iter().try_fold(&toml::Value::Table(whole.clone()), |value, key| value.get(*key)).cloned();
    let mut wrong = Vec::new();
    if at(&["workspace", "lints", "rust", "unsafe_code"]).as_ref().and_then(toml::Value::as_str) != Some("forbid") {
        wrong.push("Cargo.toml: [workspace.lints.rust] does not forbid unsafe_code".to_owned());
    }
    let members = at(&["workspace", "members"]).context("Cargo.toml names no members")?;
    for member in members.as_array().into_iter().flatten().filter_map(toml::Value::as_str) {
        let manifest = read(&root.join(member).join("Cargo.toml"))?;
        let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        if inherits != Some(true) {
            wrong.push(format!("{member}/Cargo.toml does not say `[lints] workspace = true`"));
        }
    }
    Ok(wrong)
}

/// Packages of the journeys that are not pinned, or do not come from npm's registry.
pub(crate) fn packages_of_npm(root: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(root.join("e2e/package-lock.json")).context("cannot read e2e/package-lock.json")?;
    let lock: serde_json::Value = serde_json::from_str(&text).context("cannot read e2e/package-lock.json")?;
    let packages = lock["packages"].as_object().context("e2e/package-lock.json has no packages")?;
    let mut wrong = Vec::new();
    for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
        // Where the lock does not say it, npm asks the registry that it is set up for, and the digest must fit.
        if package["resolved"].as_str().is_some_and(|from| !from.starts_with(NPM)) {
            wrong.push(format!("e2e: {name} does not come from {NPM}"));
        }
        if !package["integrity"].as_str().is_some_and(|digest| digest.starts_with("sha512-")) {
            wrong.push(format!("e2e: {name} is not pinned by its SHA-512"));
        }
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::super::Requirement;
    use super::*;

    const LIST: &str = r#"
        [advisories]
        ignore = []
        [licenses]
        allow = ["MIT", "Apache-2.0"]
        [bans]
        multiple-versions = "deny"
        wildcards = "deny"
        allow-wildcard-paths = true
        deny = [{ crate = "openssl", reason = "rustls" }]
        skip = [{ crate = "syn@2.0.0", reason = "macros" }]
        [sources]
        unknown-registry = "deny"
        unknown-git = "deny"
        allow-registry = ["https://github.com/rust-lang/crates.io-index"]
    "#;

    fn of(name: &str, version: &str, licence: &str) -> Crate {
        Crate {
            name: (name.to_owned(), version.to_owned()),
            licence: Some(licence.to_owned()),
            authors: Vec::new(),
            description: None,
            repository: None,
            source: Some(CRATES_IO.to_owned()),
            folder: Path::new("").to_owned(),
            requirements: Vec::new(),
            checksum: Some("00".to_owned()),
            uses: BTreeSet::new(),
        }
    }

    /// Two that are as the list wants them, and one more.
    fn told(list: &str, more: Crate) -> Vec<String> {
        let usual = [of("syn", "2.0.0", "MIT OR Apache-2.0"), of("syn", "3.0.0", "MIT/Apache-2.0"), more];
        let all: BTreeMap<Name, Crate> = usual.map(|found| (found.name.clone(), found)).into();
        let used = all.keys().cloned().collect();
        let crates = Crates { all, used };
        let mut told = Policy::parse(list).unwrap().violations(&crates).unwrap();
        told.extend(unlocked(&crates));
        told
    }

    #[test]
    fn each_thing_that_is_not_allowed_is_told() {
        let fine = || of("serde", "1.0.0", "MIT OR (Apache-2.0 AND GPL-3.0-only)");
        assert_eq!(told(LIST, fine()), Vec::<String>::new());
        let git = "git+https://example.org/serde".to_owned();
        let any = |path: Option<&str>| Requirement {
            name: "shared".to_owned(),
            req: "*".to_owned(),
            path: path.map(str::to_owned),
        };
        for (more, part) in [
            (of("serde", "1.0.0", "GPL-3.0-only"), "is GPL-3.0-only"),
            (of("serde", "1.0.0", "MIT AND ISC"), "is MIT AND ISC"),
            (of("serde", "1.0.0", "my own"), "cannot be read"),
            (Crate { licence: None, ..fine() }, "names no licence"),
            (of("openssl", "1.0.0", "MIT"), "is banned: rustls"),
            (of("syn", "3.1.0", "MIT"), "comes in 3.0.0 and 3.1.0"),
            (Crate { source: Some(git), ..fine() }, "comes from git+https://example.org/serde"),
            (Crate { source: None, requirements: vec![any(None)], ..fine() }, "takes any version of shared"),
            (Crate { checksum: None, ..fine() }, "has no checksum"),
        ] {
            let told = told(LIST, more);
            assert!(told.len() == 1 && told[0].contains(part), "{part}: {told:?}");
        }
        let ours = Crate { source: None, requirements: vec![any(Some("/shared"))], ..fine() };
        assert_eq!(told(LIST, ours), Vec::<String>::new());
    }

    #[test]
    fn the_list_keeps_nothing_that_is_not_needed_and_no_key_that_is_not_read() {
        let fine = || of("serde", "1.0.0", "MIT");
        for (old, new, part) in [
            (r#""MIT", "Apache-2.0""#, r#""MIT", "Apache-2.0", "ISC""#, "allows ISC, which no crate has"),
            ("syn@2.0.0", "syn@1.0.0", "skips syn@1.0.0"),
            (r#"reason = "macros""#, r#"reason = " ""#, "syn@2.0.0 has no reason"),
        ] {
            let told = told(&LIST.replace(old, new), fine());
            assert!(told.iter().any(|told| told.contains(part)), "{part}: {told:?}");
        }
        for (old, new) in [("wildcards = \"deny\"", "wildcards = \"warn\""), ("[bans]", "[bans]\nhighlight = \"all\"")]
        {
            assert!(Policy::parse(&LIST.replace(old, new)).is_err(), "{new}");
        }
    }
}
