//! Laws that hold for any text and any tree, tried on many.

use proptest::prelude::*;

use super::overlay::merge;
use super::parse::parse;
use super::write::{on_one_line, quote, to_yaml};
use super::{LoadOptions, built_in, edit, load, profiles};
use crate::tree::{Entry, Node, Value};

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1e12..1e12).prop_map(Value::Float),
        any::<String>().prop_map(Value::String),
        "[a-z0-9 :#,{}$./-]{0,12}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let entry = ("[a-z]{1,2}", inner.clone().prop_map(Node::from));
        prop_oneof![
            prop::collection::vec(inner.prop_map(Node::from), 0..4).prop_map(Value::List),
            prop::collection::vec(entry, 0..5).prop_map(|entries| Value::Map(unique(entries))),
        ]
    })
    .prop_map(Node::from)
}

fn map() -> impl Strategy<Value = Node> {
    prop::collection::vec(("[a-z]{1,2}", node()), 0..5).prop_map(|entries| Value::Map(unique(entries)).into())
}

fn unique(entries: Vec<(String, Node)>) -> Vec<Entry> {
    let mut map: Vec<Entry> = Vec::new();
    for (key, node) in entries {
        if map.iter().all(|entry| entry.key != key) {
            map.push(Entry { key, key_mark: crate::tree::Mark::default(), node });
        }
    }
    map
}

/// Every leaf of `over` stands in `merged`.
fn contains(merged: &Node, over: &Node) -> bool {
    match (&merged.value, &over.value) {
        (Value::Map(_), Value::Map(entries)) => {
            entries.iter().all(|entry| merged.get(&entry.key).is_some_and(|node| contains(node, &entry.node)))
        }
        _ => merged == over,
    }
}

/// A valid scenario with a few bytes changed, as typing does it.
fn mutated() -> impl Strategy<Value = String> {
    let text = built_in::find("commerce-events").unwrap().text;
    let edits = prop::collection::vec((0..text.len(), 0_u8..4, "[ -~\n]{0,4}"), 1..6);
    edits.prop_map(move |edits| {
        let mut text = text.to_owned();
        for (at, kind, piece) in edits {
            let at = at.min(text.len());
            let end = (at + piece.len() * usize::from(kind)).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, &piece);
            }
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_a_panic(text in any::<String>()) {
        let _loaded = load(&text, &LoadOptions::new("any"));
        let _edited = edit::set(&text, "a.b[0].c", "1");
        let _removed = edit::unset(&text, "a");
        let _profiles = profiles(&text);
    }

    #[test]
    fn text_that_looks_like_yaml_is_read_without_a_panic(text in "[-a-c:{}\\[\\],&*!|>'\"%@#? \n\t0-2.$]{0,60}") {
        let _loaded = load(&text, &LoadOptions::new("any"));
        let _edited = edit::set(&text, "a.b", "1");
        let _removed = edit::unset(&text, "a");
    }

    #[test]
    fn a_mutated_scenario_is_sound_or_has_problems(text in mutated()) {
        let loaded = load(&text, &LoadOptions::new("mutated"));
        prop_assert_eq!(loaded.scenario.is_some(), !loaded.problems.iter().any(crate::problem::Problem::is_error));
        for problem in &loaded.problems {
            prop_assert!(problem.source.is_some(), "{problem} has no source");
        }
    }

    #[test]
    fn every_tree_reads_back_from_what_is_written(root in node()) {
        for text in [to_yaml(&root), on_one_line(&root, false), on_one_line(&root, true)] {
            let parsed = parse(&text, 0);
            prop_assert!(parsed.problems.is_empty(), "{text}\n{:?}", parsed.problems);
            prop_assert_eq!(&parsed.root, &root, "{}", text);
        }
    }

    #[test]
    fn every_text_reads_back_from_its_quotes(text in any::<String>()) {
        let parsed = parse(&quote(&text), 0);
        prop_assert_eq!(parsed.root.as_str(), Some(text.as_str()));
    }

    #[test]
    fn merging_nothing_or_itself_changes_nothing(root in map()) {
        let mut merged = root.clone();
        merge(&mut merged, Value::Map(Vec::new()).into());
        prop_assert_eq!(&merged, &root);
        merge(&mut merged, root.clone());
        prop_assert_eq!(&merged, &root);
    }

    #[test]
    fn what_is_merged_over_is_there_afterwards(base in map(), over in map()) {
        let mut merged = base.clone();
        merge(&mut merged, over.clone());
        prop_assert!(contains(&merged, &over));
        let again = merged.clone();
        merge(&mut merged, over);
        prop_assert_eq!(merged, again);
    }

    #[test]
    fn what_is_set_in_a_text_is_there_and_can_be_taken_away(
        root in map(), path in "[a-z]{1,2}(\\.[a-z]{1,2}){0,2}", value in node(), flow in any::<bool>(),
    ) {
        let text = if flow { on_one_line(&root, false) } else { to_yaml(&root) };
        let value_text = on_one_line(&value, false);
        match edit::set(&text, &path, &value_text) {
            Ok(changed) => {
                let root = parse(&changed, 0).root;
                let found = super::path::find(&root, &path);
                prop_assert!(found.complete);
                prop_assert_eq!(found.node, &value);
                let removed = edit::unset(&changed, &path).map_err(|problem| TestCaseError::fail(format!("{problem}\n{changed}")))?;
                prop_assert!(!super::path::find(&parse(&removed, 0).root, &path).complete, "{}", removed);
            }
            Err(problem) => prop_assert!(false, "{problem}\n{text}\n{path} = {value_text}"),
        }
    }
}
