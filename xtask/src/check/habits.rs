//! Holds habits of the tree: every file says what lives in it, nothing is named after nothing, no `mod.rs`.

use super::source::Crate;

/// Names that say nothing about what lives behind them.
const EMPTY_NAMES: [&str; 8] = ["common", "utils", "util", "helpers", "misc", "types", "manager", "prelude"];

/// Everything that is against a habit.
pub(crate) fn problems(crates: &[Crate]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in crates.iter().flat_map(|krate| &krate.files) {
        if !file.text.starts_with("//! ") {
            problems.push(format!("{}:1: does not start with `//!`, one sentence on what lives here", file.path));
        }
        if file.path.ends_with("/mod.rs") {
            problems.push(format!("{}: is a mod.rs; name it after its folder, beside it", file.path));
        }
        for part in file.module.iter().filter(|part| EMPTY_NAMES.contains(&part.as_str())) {
            problems
                .push(format!("{}: `{part}` says nothing about what lives there; it belongs to its caller", file.path));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_habit_is_held() {
        for (path, text, part) in [
            ("shared/src/plan.rs", "use std::fmt;", "does not start with"),
            ("shared/src/plan/mod.rs", "//! Plans.\n", "mod.rs"),
            ("shared/src/utils.rs", "//! Things.\n", "`utils`"),
            ("shared/src/helpers/time.rs", "//! Times.\n", "`helpers`"),
        ] {
            let found = problems(&[Crate::from_texts("shared", [(path, text)])]);
            assert_eq!(found.len(), 1, "{path}: {found:?}");
            assert!(found[0].contains(part), "{found:?}");
        }
        assert!(problems(&[Crate::from_texts("shared", [("shared/src/plan.rs", "//! Plans.\n")])]).is_empty());
    }
}
