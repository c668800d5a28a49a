//! Holds what must be absent: the world in `shared`, `anyhow` below the runner's commands, the network in most of the
//! panel.

use super::source::{Crate, File};

/// Paths that `shared` never names, and why.
const NOT_IN_SHARED: [(&[&str], &str); 10] = [
    (&["std", "time"], "nothing in shared knows what time it is"),
    (&["std", "fs"], "shared touches no file"),
    (&["std", "io"], "shared does no input or output"),
    (&["std", "net"], "shared touches no network"),
    (&["std", "thread"], "shared starts no thread"),
    (&["std", "env"], "shared never reads the environment"),
    (&["std", "process"], "shared starts and ends no process"),
    (&["std", "sync", "atomic"], "shared holds no state that changes under a reader"),
    (&["std", "sync", "Mutex"], "shared holds no state that changes under a reader"),
    (&["std", "sync", "RwLock"], "shared holds no state that changes under a reader"),
];

/// Names that `shared` never uses, and why.
const NOT_NAMED_IN_SHARED: [(&str, &str); 6] = [
    ("HashMap", "its order differs from run to run; take IndexMap or BTreeMap"),
    ("HashSet", "its order differs from run to run; take IndexSet or BTreeSet"),
    ("thread_local", "shared has no globals"),
    ("SmallRng", "it differs between platforms; take shared::random"),
    ("StdRng", "it differs between versions; take shared::random"),
    ("println", "shared does no input or output"),
];

/// The panel's files that may touch the network.
const NETWORK_IN_FRONTEND: [&str; 2] = ["api", "live"];

/// Everything that is where it must not be.
pub(crate) fn problems(crates: &[Crate]) -> Vec<String> {
    let mut problems = Vec::new();
    for krate in crates {
        for file in krate.production() {
            match krate.name.as_str() {
                "shared" => in_shared(file, &mut problems),
                "runner" => in_runner(file, &mut problems),
                "frontend" => in_frontend(file, &mut problems),
                _ => {}
            }
        }
    }
    problems
}

fn in_shared(file: &File, problems: &mut Vec<String>) {
    for (path, reason) in NOT_IN_SHARED {
        forbid_path(file, path, reason, problems);
    }
    forbid_path(file, &["anyhow"], "libraries return their own errors", problems);
    for (name, reason) in NOT_NAMED_IN_SHARED {
        for (_, line) in file.imports.names.iter().filter(|(found, _)| found == name) {
            problems.push(format!("{}:{line}: names `{name}`: {reason}", file.path));
        }
    }
}

fn in_runner(file: &File, problems: &mut Vec<String>) {
    let is_command = file.module.first().is_some_and(|top| top == "commands");
    let is_main = file.path.ends_with("/main.rs") && file.module.is_empty();
    if !is_command && !is_main {
        forbid_path(file, &["anyhow"], "only main.rs and commands/ use it; others have their own errors", problems);
    }
}

fn in_frontend(file: &File, problems: &mut Vec<String>) {
    let may = file.module.first().is_some_and(|top| NETWORK_IN_FRONTEND.contains(&top.as_str()));
    if !may {
        forbid_path(file, &["gloo_net"], "only api.rs and live.rs touch the network", problems);
    }
    forbid_path(file, &["anyhow"], "the panel shows errors, it does not gather them", problems);
}

fn forbid_path(file: &File, path: &[&str], reason: &str, problems: &mut Vec<String>) {
    let mut last = 0;
    for reference in &file.imports.references {
        let is_it = reference.path.len() >= path.len() && reference.path.iter().zip(path).all(|(a, b)| a == b);
        if is_it && reference.line != last {
            last = reference.line;
            problems.push(format!("{}:{}: names `{}`: {reason}", file.path, reference.line, path.join("::")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found_in(path: &str, text: &str) -> Vec<String> {
        let name = path.split('/').next().unwrap();
        problems(&[Crate::from_texts(name, [(path, text)])])
    }

    #[test]
    fn the_world_is_found_in_shared() {
        for text in [
            "use std::time::Instant;",
            "use std::{fmt, fs::File};",
            "fn f() { std::thread::spawn(g) }",
            "fn f() -> std::collections::HashMap<u8, u8> { todo() }",
            "use anyhow::Result;",
            "thread_local! { static A: u8 = 0 }",
        ] {
            assert_eq!(found_in("shared/src/plan.rs", text).len(), 1, "{text}");
        }
        assert!(
            found_in("shared/src/plan.rs", "// std::fs\nuse std::fmt;\n#[cfg(test)] mod t { use std::fs; }").is_empty()
        );
    }

    #[test]
    fn anyhow_stays_in_the_commands() {
        let text = "use anyhow::Result;";
        assert_eq!(found_in("runner/src/engine/worker.rs", text).len(), 1);
        assert_eq!(found_in("runner/src/lib.rs", text).len(), 1);
        assert!(found_in("runner/src/commands/run.rs", text).is_empty());
        assert!(found_in("runner/src/commands.rs", text).is_empty());
        assert!(found_in("runner/src/main.rs", text).is_empty());
    }

    #[test]
    fn the_network_stays_in_two_files_of_the_panel() {
        let text = "use gloo_net::http::Request;";
        assert_eq!(found_in("frontend/src/pages/run.rs", text).len(), 1);
        assert!(found_in("frontend/src/api.rs", text).is_empty());
        assert!(found_in("frontend/src/live.rs", text).is_empty());
    }
}
