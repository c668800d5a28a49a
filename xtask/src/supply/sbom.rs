//! The list of what is inside, as CycloneDX 1.6 in JSON: the crates of program and panel, the C code among them, and the
//! standard library, each with version, licence, digest and what it uses.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Crate, Crates, Name, Shipped, digest};

/// A library in C inside of a crate: the crate, its own name and licence, and where its version stands.
const BUNDLED: [Bundled; 3] = [
    Bundled {
        of: "libsqlite3-sys",
        name: "sqlite",
        licence: "blessing",
        header: "sqlite3/sqlite3.h",
        version: &["#define SQLITE_VERSION "],
    },
    Bundled {
        of: "zstd-sys",
        name: "zstd",
        licence: "BSD-3-Clause",
        header: "zstd/lib/zstd.h",
        version: &["#define ZSTD_VERSION_MAJOR ", "#define ZSTD_VERSION_MINOR ", "#define ZSTD_VERSION_RELEASE "],
    },
    Bundled {
        of: "libmimalloc-sys",
        name: "mimalloc",
        licence: "MIT",
        header: "c_src/mimalloc/v3/include/mimalloc.h",
        version: &["#define MI_MALLOC_VERSION "],
    },
];

struct Bundled {
    of: &'static str,
    name: &'static str,
    licence: &'static str,
    header: &'static str,
    version: &'static [&'static str],
}

/// What the list says of the build itself.
pub(crate) struct Build<'a> {
    /// The program's version.
    pub(crate) version: &'a str,
    /// The commit that it was built from.
    pub(crate) commit: Option<&'a str>,
    /// When that was made, as `2026-11-26T08:00:00Z`.
    pub(crate) made_at: &'a str,
    /// The compiler's version.
    pub(crate) rustc: &'a str,
    /// The platform that it was built for.
    pub(crate) platform: &'a str,
}

/// The document; the same for the same crates and the same build.
///
/// # Errors
/// When the C code inside of a crate is not where it is looked for.
pub(crate) fn document(crates: &Crates, shipped: &Shipped, build: &Build<'_>) -> Result<Value> {
    let names = shipped.all();
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    let mut root_uses: BTreeSet<String> = BTreeSet::from([std_reference(build)]);
    for name in &names {
        let found = crates.get(name)?;
        // Our own crates are the program; what they use, it uses.
        let uses: BTreeSet<String> = found.uses.iter().filter(|used| names.contains(used)).map(reference).collect();
        if found.source.is_none() {
            let foreign =
                |used: &&Name| names.contains(used) && crates.get(used).is_ok_and(|used| used.source.is_some());
            root_uses.extend(found.uses.iter().filter(foreign).map(reference));
            continue;
        }
        let inside = bundled(found)?;
        let mut uses: Vec<String> = uses.into_iter().collect();
        uses.extend(inside.iter().filter_map(|part| part["bom-ref"].as_str().map(str::to_owned)));
        components.push(component(found, shipped));
        components.extend(inside.iter().cloned());
        dependencies.push(json!({"ref": reference(name), "dependsOn": uses}));
        dependencies.extend(inside.iter().map(|part| json!({"ref": part["bom-ref"], "dependsOn": []})));
    }
    components.push(json!({
        "type": "library", "bom-ref": std_reference(build), "name": "std", "version": build.rustc,
        "description": "Rust's standard library.", "scope": "required",
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "purl": std_reference(build),
    }));
    dependencies.push(json!({"ref": std_reference(build), "dependsOn": []}));
    let root = format!("pkg:generic/throng@{}", build.version);
    dependencies.insert(0, json!({"ref": root, "dependsOn": root_uses}));

    let mut properties = vec![json!({"name": "throng:platform", "value": build.platform})];
    properties.extend(build.commit.map(|commit| json!({"name": "throng:commit", "value": commit})));
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": build.made_at,
            "tools": {"components": [{"type": "application", "name": "cargo xtask dist"}]},
            "component": {
                "type": "application", "bom-ref": root, "name": "throng", "version": build.version,
                "description": "Realistic event traffic, sent at a planned rate, measured honestly.",
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
                "purl": root,
            },
            "properties": properties,
        },
        "components": components,
        "dependencies": dependencies,
    });
    // A name of its own, made of what it says, so that the same list has the same one.
    let digest = digest(document.to_string().as_bytes());
    let (a, b, c, d, e) = (&digest[..8], &digest[8..12], &digest[13..16], &digest[17..20], &digest[20..32]);
    document["serialNumber"] = json!(format!("urn:uuid:{a}-{b}-8{c}-8{d}-{e}"));
    Ok(document)
}

fn component(found: &Crate, shipped: &Shipped) -> Value {
    let (name, version) = &found.name;
    let mut part = json!({
        "type": "library",
        "bom-ref": reference(&found.name),
        "name": name,
        "version": version,
        "scope": "required",
        "purl": reference(&found.name),
    });
    if let Some(description) = &found.description {
        part["description"] = json!(description.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    if let Some(licence) = &found.licence {
        part["licenses"] = json!([{"expression": canonical(licence)}]);
    }
    if let Some(checksum) = &found.checksum {
        part["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    if let Some(repository) = found.repository.as_ref().filter(|url| url.starts_with("http")) {
        part["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    let places = [("program", &shipped.program), ("panel", &shipped.panel)];
    let places = places.iter().filter(|(_, part)| part.contains(&found.name));
    part["properties"] =
        places.map(|(place, _)| json!({"name": "throng:part", "value": place})).collect::<Vec<_>>().into();
    part
}

/// The C code inside of a crate, if we know of some.
fn bundled(found: &Crate) -> Result<Option<Value>> {
    let Some(inside) = BUNDLED.iter().find(|inside| inside.of == found.name.0) else { return Ok(None) };
    let path = found.folder.join(inside.header);
    let text = fs::read_to_string(&path).with_context(|| format!("{} is not in {}", inside.header, inside.of))?;
    let number = |beginning: &&str| -> Result<String> {
        let value = text.lines().find_map(|line| line.trim().strip_prefix(beginning));
        let value =
            value.and_then(|value| value.split_whitespace().next()).map(|value| value.trim_matches('"').to_owned());
        value.with_context(|| format!("{} does not say `{beginning}`", inside.header))
    };
    let version = dotted(&inside.version.iter().map(number).collect::<Result<Vec<_>>>()?.join("."));
    let reference = format!("pkg:generic/{}@{version}", inside.name);
    Ok(Some(json!({
        "type": "library", "bom-ref": reference, "name": inside.name, "version": version, "scope": "required",
        "description": format!("C code that {} compiles in.", inside.of),
        "licenses": [{"license": {"id": inside.licence}}],
        "purl": reference,
        "properties": [{"name": "throng:part", "value": "program"}],
    })))
}

/// A version in one number, as `30302`, with dots.
fn dotted(version: &str) -> String {
    match version.parse::<u32>() {
        Ok(number) if number >= 10_000 => format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100),
        _ => version.to_owned(),
    }
}

/// A licence as SPDX writes it today; some authors still write `MIT/Apache-2.0`.
fn canonical(licence: &str) -> String {
    spdx::Expression::canonicalize(licence).ok().flatten().unwrap_or_else(|| licence.to_owned())
}

fn reference((name, version): &Name) -> String {
    // A plus sign means a space to those who read it as part of an address.
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

fn std_reference(build: &Build<'_>) -> String {
    format!("pkg:generic/rust-std@{}", build.rustc)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supply::shipped;
    use crate::workspace::Workspace;

    const BUILD: Build<'_> = Build {
        version: "1.2.3",
        commit: Some("0123abc"),
        made_at: "2026-01-02T03:04:05Z",
        rustc: "1.95.0",
        platform: "x86_64-unknown-linux-gnu",
    };

    fn made() -> Value {
        let workspace = Workspace::find().unwrap();
        document(&Crates::read(&workspace).unwrap(), &shipped(&workspace).unwrap(), &BUILD).unwrap()
    }

    fn texts<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
        list.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap()).collect()
    }

    #[test]
    fn the_list_is_what_cyclonedx_demands() {
        let bom = made();
        assert_eq!((bom["bomFormat"].as_str(), bom["specVersion"].as_str()), (Some("CycloneDX"), Some("1.6")));
        let uuid: Vec<usize> = bom["serialNumber"].as_str().unwrap().split('-').map(str::len).collect();
        assert_eq!(uuid, ["urn:uuid:".len() + 8, 4, 4, 4, 12]);
        // References are unique, and what depends on something names it by one.
        let mut known = texts(&bom["components"], "bom-ref");
        known.push(bom["metadata"]["component"]["bom-ref"].as_str().unwrap());
        let unique: BTreeSet<&str> = known.iter().copied().collect();
        assert_eq!(unique.len(), known.len());
        let told: BTreeSet<&str> = texts(&bom["dependencies"], "ref").into_iter().collect();
        assert_eq!(told, unique);
        let mut reached = BTreeSet::from([bom["metadata"]["component"]["bom-ref"].as_str().unwrap()]);
        for dependency in bom["dependencies"].as_array().unwrap() {
            for used in dependency["dependsOn"].as_array().unwrap() {
                assert!(unique.contains(used.as_str().unwrap()), "{used}");
                reached.insert(used.as_str().unwrap());
            }
        }
        assert_eq!(reached, unique, "what nothing depends on is not inside");
        for part in bom["components"].as_array().unwrap() {
            for key in ["type", "name", "version", "purl"] {
                assert!(part[key].as_str().is_some_and(|text| !text.is_empty()), "{part}");
            }
            let licence = &part["licenses"][0];
            let known = licence["license"]["id"].as_str().is_some_and(|id| spdx::license_id(id).is_some());
            let read = licence["expression"].as_str().is_some_and(|text| spdx::Expression::parse(text).is_ok());
            assert!(known || read, "{part}");
            if part["purl"].as_str().unwrap().starts_with("pkg:cargo/") {
                assert_eq!(part["hashes"][0]["content"].as_str().unwrap().len(), 64, "{part}");
            }
        }
    }

    #[test]
    fn versions_in_one_number_get_their_dots() {
        assert_eq!((dotted("30302"), dotted("1.5.7"), dotted("7")), ("3.3.2".into(), "1.5.7".into(), "7".into()));
    }

    #[test]
    fn the_list_has_what_is_inside_and_nothing_else_and_is_the_same_twice() {
        let bom = made();
        let names = texts(&bom["components"], "name");
        for inside in ["tokio", "leptos", "rustls", "sqlite", "zstd", "mimalloc", "std"] {
            assert!(names.contains(&inside), "{inside}");
        }
        for outside in ["proptest", "shared", "runner", "clap_derive", "wasm-bindgen-cli-support"] {
            assert!(!names.contains(&outside), "{outside}");
        }
        assert_eq!(bom, made());
    }
}
