//! Holds the tables of `ARCHITECTURE.md`: who imports whom between crates and modules, and that nothing goes round.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Crate;
use super::table::{Rows, Tables};

/// One import from a module to another of the same crate.
struct Edge<'a> {
    from: &'a [String],
    to: &'a [String],
    /// Where it stands: path and line.
    place: String,
}

/// Every import that the tables do not allow, every row that is missing or too many, every cycle.
pub(crate) fn problems(crates: &[Crate], tables: &Tables) -> Vec<String> {
    let mut problems = between_crates(crates, &tables.crates);
    for krate in crates {
        let edges = edges(krate, &mut problems);
        match tables.modules.get(&krate.name) {
            Some(rows) => between_modules(krate, &edges, rows, &mut problems),
            None => problems.push(format!("ARCHITECTURE.md has no table for the modules of `{}`", krate.name)),
        }
        cycles(krate, &edges, &mut problems);
    }
    problems
}

fn between_crates(crates: &[Crate], rows: &Rows) -> Vec<String> {
    let mut problems = Vec::new();
    let names: BTreeSet<&str> = crates.iter().map(|krate| krate.name.as_str()).collect();
    for krate in crates {
        let Some(allowed) = rows.get(&krate.name) else {
            problems.push(format!("ARCHITECTURE.md has no row for the crate `{}`", krate.name));
            continue;
        };
        for file in krate.production() {
            for reference in &file.imports.references {
                let to = reference.path[0].as_str();
                if names.contains(to) && to != krate.name && !allowed.contains(to) {
                    problems.push(format!(
                        "{}:{}: `{}` imports `{to}`, which the table of crates does not allow",
                        file.path, reference.line, krate.name
                    ));
                }
            }
        }
    }
    problems
}

/// The imports inside a crate. What is defined in `lib.rs` or `main.rs` cannot be imported: everything is below them.
fn edges<'a>(krate: &'a Crate, problems: &mut Vec<String>) -> Vec<Edge<'a>> {
    let modules = krate.modules();
    let mut edges = Vec::new();
    for file in krate.production() {
        for reference in &file.imports.references {
            let first = reference.path[0].as_str();
            if first != "crate" && first != krate.name {
                continue;
            }
            let rest = &reference.path[1..];
            let place = format!("{}:{}", file.path, reference.line);
            let target = (1..=rest.len()).rev().find_map(|length| modules.get(&rest[..length]).copied());
            match target {
                Some(to) => edges.push(Edge { from: &file.module, to, place }),
                None if file.module.is_empty() || rest.is_empty() => {}
                None => problems.push(format!(
                    "{place}: imports `{}` from the root of `{}`; import it from the module that defines it",
                    rest.join("::"),
                    krate.name
                )),
            }
        }
    }
    edges
}

fn between_modules(krate: &Crate, edges: &[Edge<'_>], rows: &Rows, problems: &mut Vec<String>) {
    let tops: BTreeSet<&str> = krate.modules().into_iter().map(|module| module[0].as_str()).collect();
    for top in &tops {
        if !rows.contains_key(*top) {
            problems.push(format!("ARCHITECTURE.md has no row for the module `{top}` of `{}`", krate.name));
        }
    }
    for (name, allowed) in rows {
        for gone in std::iter::once(name).chain(allowed).filter(|name| !tops.contains(name.as_str())) {
            problems
                .push(format!("ARCHITECTURE.md names the module `{gone}` of `{}`, which does not exist", krate.name));
        }
    }
    // One finding for each file and module that it imports: the others in that file go with it.
    let mut told = BTreeSet::new();
    for edge in edges {
        let (Some(from), Some(to)) = (edge.from.first(), edge.to.first()) else { continue };
        let Some(allowed) = rows.get(from) else { continue };
        if from != to && !allowed.contains(to) && told.insert((edge.from, to)) {
            problems.push(format!("{}: `{from}` imports `{to}`, which its row does not allow", edge.place));
        }
    }
}

/// Looks for cycles among the children of each module, the crate's root included.
fn cycles(krate: &Crate, edges: &[Edge<'_>], problems: &mut Vec<String>) {
    let modules = krate.modules();
    let parents: BTreeSet<&[String]> = modules.iter().map(|module| &module[..module.len() - 1]).collect();
    for parent in parents {
        let mut graph: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
        for edge in edges {
            let inside = |module: &[String]| module.len() > parent.len() && module.starts_with(parent);
            if inside(edge.from) && inside(edge.to) {
                let (from, to) = (edge.from[parent.len()].as_str(), edge.to[parent.len()].as_str());
                if from != to {
                    graph.entry(from).or_default().entry(to).or_insert(&edge.place);
                }
            }
        }
        if let Some(cycle) = cycle(&graph) {
            let steps = cycle.iter().map(|(from, to, place)| format!("\n    `{from}` imports `{to}` in {place}"));
            let whose = [std::slice::from_ref(&krate.name), parent].concat().join("::");
            problems.push(format!("modules of `{whose}` import each other in a circle:{}", steps.collect::<String>()));
        }
    }
}

/// One cycle of a graph, if it has any, as its edges.
fn cycle<'a>(graph: &BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>) -> Option<Vec<(&'a str, &'a str, &'a str)>> {
    let mut done = BTreeSet::new();
    graph.keys().find_map(|start| walk(graph, start, &mut Vec::new(), &mut done))
}

/// Walks depth first; `path` holds the edges from the start to `node`.
fn walk<'a>(
    graph: &BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>,
    node: &'a str,
    path: &mut Vec<(&'a str, &'a str, &'a str)>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<(&'a str, &'a str, &'a str)>> {
    if let Some(at) = path.iter().position(|(from, ..)| *from == node) {
        return Some(path[at..].to_vec());
    }
    if done.contains(node) {
        return None;
    }
    for (to, place) in graph.get(node).into_iter().flatten() {
        path.push((node, to, place));
        if let Some(found) = walk(graph, to, path, done) {
            return Some(found);
        }
        path.pop();
    }
    done.insert(node);
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
        | crate | may import |\n|---|---|\n| `runner` | `shared` |\n| `shared` | nothing |\n\n\
        | module of `shared` | may import |\n|---|---|\n| `plan` | `units` |\n| `units` | nothing |\n\n\
        | module of `runner` | may import |\n|---|---|\n| `engine` | `transport` |\n| `transport` | nothing |\n";

    /// A workspace that follows the page, with one file replaced or added.
    fn with(path: &str, text: &str) -> Vec<String> {
        let good = [
            ("shared/src/lib.rs", "pub mod plan; pub mod units;"),
            ("shared/src/plan.rs", "use crate::units::Rate;"),
            ("shared/src/units.rs", ""),
            ("runner/src/main.rs", "fn main() { runner::engine::start() }"),
            ("runner/src/engine.rs", "use shared::plan::Plan; mod worker; use crate::transport::Http;"),
            ("runner/src/engine/worker.rs", "use super::Prepared; use crate::transport;"),
            ("runner/src/transport.rs", ""),
        ];
        let mut files: BTreeMap<&str, &str> = good.into_iter().collect();
        files.insert(path, text);
        let of = |name: &str| {
            let own = files.iter().filter(|(path, _)| path.starts_with(name));
            Crate::from_texts(name, own.map(|(path, text)| (*path, *text)))
        };
        problems(&[of("shared"), of("runner")], &Tables::read(PAGE))
    }

    fn the_one_problem(path: &str, text: &str) -> String {
        let mut found = with(path, text);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn a_workspace_that_follows_the_page_has_no_problem() {
        assert_eq!(with("shared/src/units.rs", ""), Vec::<String>::new());
    }

    #[test]
    fn an_import_against_the_table_is_found_wherever_it_is_written() {
        for text in ["use crate::plan::Plan;", "\n\nfn f() { g::<crate::plan::Plan>() }", "x! { super::plan::A }"] {
            let problem = with("shared/src/units.rs", text).remove(0);
            assert!(problem.contains("`units` imports `plan`"), "{problem}");
        }
        let found = with("runner/src/transport.rs", "\n\nuse crate::engine::Prepared;");
        assert!(found[0].starts_with("runner/src/transport.rs:3: `transport` imports `engine`"), "{found:?}");
        assert!(found[1].contains("circle"), "{found:?}");
    }

    #[test]
    fn an_arrow_between_crates_that_the_table_lacks_is_found() {
        let problem = the_one_problem("shared/src/units.rs", "fn f() { runner::engine::start() }");
        assert!(problem.contains("shared/src/units.rs:1: `shared` imports `runner`"), "{problem}");
    }

    #[test]
    fn a_cycle_is_found_at_any_depth_and_shown_as_its_steps() {
        let cyclic = Crate::from_texts(
            "shared",
            [
                ("shared/src/plan.rs", "mod a; mod b; mod c;"),
                ("shared/src/plan/a.rs", "use super::b;"),
                ("shared/src/plan/b.rs", "use super::c::deep::X;"),
                ("shared/src/plan/c.rs", "mod deep;"),
                ("shared/src/plan/c/deep.rs", "use crate::plan::a::Y;"),
            ],
        );
        let mut found = Vec::new();
        let edges = edges(&cyclic, &mut found);
        cycles(&cyclic, &edges, &mut found);
        assert_eq!(found.len(), 1, "{found:?}");
        for part in
            ["`shared::plan`", "`a` imports `b`", "`b` imports `c`", "`c` imports `a` in shared/src/plan/c/deep.rs:1"]
        {
            assert!(found[0].contains(part), "{} lacks {part}", found[0]);
        }
    }

    #[test]
    fn a_module_without_a_row_and_a_row_without_a_module_are_found() {
        let problem = the_one_problem("shared/src/random.rs", "");
        assert!(problem.contains("no row for the module `random`"), "{problem}");
        let page = PAGE.replace("| `units` | nothing |", "| `units`, `gone` | nothing |");
        let krate = Crate::from_texts("shared", [("shared/src/plan.rs", ""), ("shared/src/units.rs", "")]);
        let found = problems(&[krate], &Tables::read(&page));
        assert_eq!(found, ["ARCHITECTURE.md names the module `gone` of `shared`, which does not exist"]);
    }

    #[test]
    fn what_the_root_of_a_crate_defines_is_not_imported_from_below() {
        let problem = the_one_problem("shared/src/units.rs", "use crate::Everything;");
        assert!(problem.contains("from the root of `shared`"), "{problem}");
    }

    #[test]
    fn tests_may_import_what_they_like() {
        assert_eq!(
            with("shared/src/units.rs", "#[cfg(test)] mod tests { use crate::plan::Plan; }"),
            Vec::<String>::new()
        );
    }
}
