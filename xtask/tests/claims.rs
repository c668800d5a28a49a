//! The pages claim nothing that is not there: each test that `docs/features.md` and `docs/hardening.md` name exists, and
//! the table of features has every row.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// How many rows each section has.
const ROWS: [u32; 5] = [22, 31, 28, 26, 24];

#[test]
fn the_table_of_features_names_only_tests_that_exist() {
    let page = fs::read_to_string(root().join("docs/features.md")).unwrap();
    assert_eq!(unknown(&page, &sources()), Vec::<String>::new(), "tests that docs/features.md names and nobody wrote");
}

#[test]
fn what_is_told_of_hardening_names_only_tests_that_exist() {
    let (page, sources) = (fs::read_to_string(root().join("docs/hardening.md")).unwrap(), sources());
    let mut names = 0;
    for line in page.lines().filter(|line| line.starts_with("| ") && line.ends_with(" |")) {
        let cell = line.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for name in quoted(cell).into_iter().filter(|name| !name.contains([' ', '/', '='])) {
            let (module, function) = (name.strip_suffix("::"), name.rsplit("::").next().unwrap());
            let wanted = module.map_or(format!("fn {function}("), |module| format!("mod {module};"));
            assert!(sources.contains(&wanted), "docs/hardening.md names `{name}`");
            names += 1;
        }
    }
    assert!(names > 30, "{names} tests are named");
}

#[test]
fn a_test_that_nobody_wrote_is_found() {
    let page = "| 0.1 | `anything` | `there`, `gone` (half) |\n| 0.2 | text | values only |\n";
    assert_eq!(unknown(page, "#[test]\nfn there() {}\nfn gone_too() {}"), ["gone"]);
}

#[test]
fn every_row_stands_in_the_table_once_and_says_what_holds_it() {
    let page = fs::read_to_string(root().join("docs/features.md")).unwrap();
    let numbers: Vec<String> = rows(&page).map(|cells| cells[0].to_owned()).collect();
    let wanted: Vec<String> =
        (0..).zip(ROWS).flat_map(|(section, count)| (1..=count).map(move |row| format!("{section}.{row}"))).collect();
    assert_eq!(numbers, wanted);
    for cells in rows(&page) {
        let [number, holds, test] = cells[..] else { panic!("{cells:?} has not three cells") };
        assert!(!holds.is_empty(), "{number}");
        let told = ["values only", "none"].iter().any(|word| test.starts_with(word));
        assert!(told || !quoted(test).is_empty(), "{number}: {test}");
        assert!(test != "none" || holds.contains("later") || holds.contains("not yet"), "{number}: {holds}");
    }
}

fn sources() -> String {
    let mut sources = String::new();
    for folder in ["shared", "runner", "xtask"] {
        for part in ["src", "tests"] {
            gather(&root().join(folder).join(part), &mut sources);
        }
    }
    sources
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The cells of each row that has a number.
fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    page.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells[0].starts_with(|first: char| first.is_ascii_digit()))
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn unknown(page: &str, sources: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    for cells in rows(page) {
        for name in quoted(cells[cells.len() - 1]) {
            if !sources.contains(&format!("fn {name}(")) {
                unknown.push(name.to_owned());
            }
        }
    }
    unknown
}

fn gather(folder: &Path, sources: &mut String) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
