//! Overlays: one document merged over another. Maps merge, lists and scalars replace, `$unset` deletes.
//!
//! Two things go beyond JSON's merge patch: where only one of several keys can stand (a behavior's kind, a load's kind),
//! the one in the overlay puts out the one below, with what has no effect beside it; and a map that is a template call
//! (`{$int: [1, 6]}`) is replaced whole.

use crate::order;
use crate::problem::Problem;
use crate::scenario::model::load::EFFECTS;
use crate::scenario::path::{Step, in_free_map, resolve};
use crate::tree::{Entry, Mark, Node, Value};

/// Deletes what is below it.
const UNSET: &str = "$unset";

/// The section whose parts are overlays themselves.
const PROFILES: &str = "profiles";

/// Keys of which only one can stand in a map, by the map's place (`*` is any name).
const ALTERNATIVES: [(&[&str], &[&str]); 8] = [
    (&["targets", "*", "auth"], &["none", "basic", "bearer", "api_key"]),
    (&["targets", "*", "retry", "backoff"], &["constant", "linear", "exponential"]),
    (&["pools", "*"], &["inline", "generate", "file", "fetch", "builtin"]),
    (&["pools", "*", "pick"], &["uniform", "zipf", "weighted", "by", "recent", "hot"]),
    (&["behaviors", "*"], &["mix", "session", "lifecycle", "emit", "replay"]),
    (&["behaviors", "*", "session"], &["journeys", "graph"]),
    (&["workloads", "*", "load"], &["rate", "users", "per_connection", "count", "concurrency", "ratio_of"]),
    (&["outputs", "events"], &["jsonl", "json", "csv"]),
];

/// Merges a document over another.
pub(crate) fn merge(base: &mut Node, over: Node) {
    merge_at(base, over, &mut Vec::new());
}

/// Puts one value at a dotted path, as `--set` does; its new keys are taken to stand where `mark` says. False when the
/// path asks for an item of a list that is not there.
pub(crate) fn set(base: &mut Node, path: &str, value: Node, mark: Mark) -> bool {
    let steps = resolve(base, path);
    // Items of lists are reached directly: over a list, a map would replace it.
    let last = steps.iter().rposition(|step| matches!(step, Step::Index(_))).map_or(0, |at| at + 1);
    let (direct, nested) = steps.split_at(last);
    let mut node = base;
    let mut place = Vec::new();
    for step in direct {
        let next = match (&mut node.value, step) {
            (Value::Map(entries), Step::Key(key)) => {
                place.push(key.clone());
                entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.node)
            }
            (Value::List(items), Step::Index(index)) => {
                place.push("[]".to_owned());
                items.get_mut(*index)
            }
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => return false,
        }
    }
    merge_at(node, nest(nested, value, mark), &mut place);
    true
}

/// Turns the dotted keys of an overlay (`{population.count: 10}`) into nested maps, beside the document that it is for.
pub(crate) fn expand(base: &Node, over: Node) -> Node {
    expand_at(Some(base), over, &mut Vec::new())
}

/// Expands `target:`, `behavior:` and `load:` at the top of a document to the one target, behavior and workload that
/// they mean: the only one that takes part, or `main`.
pub(crate) fn expand_shorthand(base: &Node, over: &mut Node, problems: &mut Vec<(Mark, Problem)>) {
    for (short, section, inner) in
        [("target", "targets", None), ("behavior", "behaviors", None), ("load", "workloads", Some("load"))]
    {
        let Value::Map(entries) = &mut over.value else {
            return;
        };
        let Some(at) = entries.iter().position(|entry| entry.key == short) else {
            continue;
        };
        let Entry { key_mark, node, .. } = entries.remove(at);
        let mut names: Vec<String> = Vec::new();
        for document in [base, &*over] {
            for entry in document.get(section).and_then(Node::as_map).unwrap_or_default() {
                if !names.contains(&entry.key) {
                    names.push(entry.key.clone());
                }
            }
        }
        if names.len() > 1 {
            let mut meant = taking_part(base, over, section);
            meant.retain(|name| names.contains(name));
            if meant.len() == 1 {
                names = meant;
            }
        }
        let name = match names.as_slice() {
            [] => "main".to_owned(),
            [name] => name.clone(),
            _ => {
                let problem = Problem::error(
                    short,
                    format!("`{short}` means the only one of `{section}`, there are {}", names.len()),
                );
                problems.push((
                    key_mark,
                    problem.with_hint(format!("write `{section}.NAME` with one of {}", names.join(", "))),
                ));
                continue;
            }
        };
        let mut steps = vec![Step::Key(section.to_owned()), Step::Key(name)];
        steps.extend(inner.map(|key| Step::Key(key.to_owned())));
        let nested = nest(&steps, node, key_mark);
        merge(over, nested);
    }
    // A behavior or a target without any workload still means one.
    let has = |document: &Node, key: &str| document.get(key).and_then(Node::as_map).is_some_and(|map| !map.is_empty());
    let main = |document: &Node, key: &str| document.get(key).is_some_and(|node| node.get("main").is_some());
    if !has(base, "workloads") && !has(over, "workloads") && main(over, "behaviors") {
        let mark = over.mark;
        let workload = Node { value: Value::Map(Vec::new()), mark };
        merge(over, nest(&[Step::Key("workloads".to_owned()), Step::Key("main".to_owned())], workload, mark));
    }
}

/// The workloads that are not switched off, or what these name in another section.
fn taking_part(base: &Node, over: &Node, section: &str) -> Vec<String> {
    let of = |workload: &str, key: &str| -> Option<Value> {
        let in_document = |document: &Node| Some(document.get("workloads")?.get(workload)?.get(key)?.value.clone());
        in_document(over).or_else(|| in_document(base))
    };
    let mut names: Vec<String> = Vec::new();
    for document in [base, over] {
        for entry in document.get("workloads").and_then(Node::as_map).unwrap_or_default() {
            if of(&entry.key, "enabled") != Some(Value::Bool(false)) && !names.contains(&entry.key) {
                names.push(entry.key.clone());
            }
        }
    }
    let key = match section {
        "targets" => "target",
        "behaviors" => "behavior",
        _ => return names,
    };
    let named = |workload: &String| match of(workload, key) {
        Some(Value::String(name)) => Some(name),
        _ => None,
    };
    let mut found: Vec<String> = names.iter().filter_map(named).collect();
    order::sort(&mut found);
    found.dedup();
    found
}

fn merge_at(base: &mut Node, over: Node, place: &mut Vec<String>) {
    let (Value::Map(below), Value::Map(above)) = (&mut base.value, &over.value) else {
        *base = cleaned_at(over, place);
        return;
    };
    if is_call(below) || is_call(above) {
        *base = cleaned_at(over, place);
        return;
    }
    // Profiles are overlays themselves: what they delete, they delete when they are applied.
    if let [section, _, ..] = place.as_slice()
        && section == PROFILES
    {
        add(base, over);
        return;
    }
    if let Some((_, keys)) = ALTERNATIVES.iter().find(|(pattern, _)| matches_place(pattern, place)) {
        put_out(below, above, keys);
    }
    let Value::Map(above) = over.value else {
        return;
    };
    for entry in above {
        if is_unset(&entry.node) {
            below.retain(|known| known.key != entry.key);
            continue;
        }
        match below.iter_mut().find(|known| known.key == entry.key) {
            Some(known) => {
                place.push(entry.key.clone());
                merge_at(&mut known.node, entry.node, place);
                place.pop();
                known.key_mark = entry.key_mark;
            }
            None => {
                place.push(entry.key.clone());
                below.push(Entry { node: cleaned_at(entry.node, place), ..entry });
                place.pop();
            }
        }
    }
    // Keep pointing at the document that declared the map: that is where its absence of something is mended.
}

/// Removes the alternatives that an overlay does not name, if it names any, and what has no effect on those it names.
/// What is said together goes together (`count` with `concurrency`).
fn put_out(below: &mut Vec<Entry>, above: &[Entry], alternatives: &[&str]) {
    let names = |key: &str| above.iter().any(|entry| entry.key == key);
    let is_alternative = |entry: &&Entry| alternatives.contains(&entry.key.as_str());
    let chosen: Vec<&str> = above
        .iter()
        .filter(is_alternative)
        .filter(|entry| !is_unset(&entry.node))
        .map(|entry| entry.key.as_str())
        .collect();
    let puts_out = below.iter().filter(is_alternative).any(|entry| !names(&entry.key));
    let Some(kind) = chosen.iter().find(|kind| **kind == "concurrency").or(chosen.first()).filter(|_| puts_out) else {
        return;
    };
    below.retain(|known| {
        let idle = EFFECTS.iter().any(|(setting, kinds)| *setting == known.key && !kinds.contains(kind));
        names(&known.key) || !(is_alternative(&known) || idle && alternatives.contains(&"rate"))
    });
}

/// A subtree with nothing below it: its `$unset`s have nothing to delete, except those of profiles, which wait.
fn cleaned_at(node: Node, place: &[String]) -> Node {
    match (place, node.value) {
        ([section, _, ..], value) if section == PROFILES => Node { value, mark: node.mark },
        ([section], Value::Map(mut entries)) if section == PROFILES => {
            entries.retain(|entry| !is_unset(&entry.node));
            Node { value: Value::Map(entries), mark: node.mark }
        }
        (_, value) => cleaned(Node { value, mark: node.mark }),
    }
}

fn cleaned(mut node: Node) -> Node {
    match &mut node.value {
        Value::Map(entries) => {
            entries.retain(|entry| !is_unset(&entry.node));
            for entry in entries {
                entry.node = cleaned(std::mem::take(&mut entry.node));
            }
        }
        Value::List(items) => {
            for item in items {
                *item = cleaned(std::mem::take(item));
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
    node
}

fn is_unset(node: &Node) -> bool {
    node.as_str() == Some(UNSET)
}

fn is_call(entries: &[Entry]) -> bool {
    // `$start` and `$end` are pages of a session's graph, no calls.
    entries.iter().any(|entry| entry.key.starts_with('$') && entry.key != "$start" && entry.key != "$end")
}

fn matches_place(pattern: &[&str], place: &[String]) -> bool {
    pattern.len() == place.len() && pattern.iter().zip(place).all(|(want, is)| *want == "*" || want == is)
}

fn expand_at(base: Option<&Node>, over: Node, steps: &mut Vec<Step>) -> Node {
    let mark = over.mark;
    let Value::Map(entries) = over.value else {
        return over;
    };
    if is_call(&entries) {
        return Node { value: Value::Map(entries), mark };
    }
    let mut expanded = Node { value: Value::Map(Vec::new()), mark };
    for entry in entries {
        let path = match base {
            _ if in_free_map(steps) => vec![Step::Key(entry.key.clone())],
            Some(base) => resolve(base, &entry.key),
            None => vec![Step::Key(entry.key.clone())],
        };
        let mut below = base;
        for step in &path {
            below = below.and_then(|node| match step {
                Step::Key(key) => node.get(key),
                Step::Index(_) => None,
            });
        }
        let depth = steps.len();
        steps.extend(path.iter().cloned());
        let value = expand_at(below, entry.node, steps);
        steps.truncate(depth);
        add(&mut expanded, nest(&path, value, entry.key_mark));
    }
    expanded
}

/// Joins what dotted keys of one overlay say about the same map, without giving meaning to `$unset` yet.
fn add(map: &mut Node, more: Node) {
    match (&mut map.value, more.value) {
        (Value::Map(known), Value::Map(entries)) => {
            for entry in entries {
                match known.iter_mut().find(|old| old.key == entry.key) {
                    Some(old) => add(&mut old.node, entry.node),
                    None => known.push(entry),
                }
            }
        }
        (value, other) => {
            *value = other;
            map.mark = more.mark;
        }
    }
}

/// A value inside the maps that lead to it.
fn nest(steps: &[Step], value: Node, mark: Mark) -> Node {
    steps.iter().rev().fold(value, |node, step| {
        let key = match step {
            Step::Key(key) => key.clone(),
            Step::Index(index) => index.to_string(),
        };
        Node { value: Value::Map(vec![Entry { key, key_mark: mark, node }]), mark }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse::parse;

    fn merged(base: &str, over: &str) -> Node {
        let mut base = parse(base, 0).root;
        let over = expand(&base, parse(over, 1).root);
        merge(&mut base, over);
        base
    }

    fn tree(text: &str) -> Node {
        parse(text, 0).root
    }

    #[test]
    fn maps_merge_lists_and_scalars_replace() {
        assert_eq!(
            merged("{a: {b: 1, c: [1, 2]}, d: 3}", "{a: {c: [4], e: 5}}"),
            tree("{a: {b: 1, c: [4], e: 5}, d: 3}")
        );
    }

    #[test]
    fn unset_deletes_at_every_depth() {
        assert_eq!(merged("{a: {b: 1, c: 2}}", "{a: {b: $unset}}"), tree("{a: {c: 2}}"));
        assert_eq!(merged("{a: 1}", "{b: {c: $unset, d: 1}}"), tree("{a: 1, b: {d: 1}}"));
    }

    #[test]
    fn dotted_keys_reach_into_names_with_dots() {
        let base = "{events: {cart.add: {topic: x}}, workloads: {shop: {population: {count: 1}, load: {rate: 1/s}}}}";
        assert_eq!(
            merged(base, "{events.cart.add.topic: y, workloads.shop: {population.count: 10, load.rate: 2/s}}"),
            tree("{events: {cart.add: {topic: y}}, workloads: {shop: {population: {count: 10}, load: {rate: 2/s}}}}"),
        );
    }

    #[test]
    fn one_kind_puts_out_the_other() {
        let base = "{workloads: {w: {load: {rate: 1/s, duration: 1m}}}, behaviors: {b: {emit: {event: e}}}}";
        assert_eq!(
            merged(base, "{workloads.w.load.users: 5, behaviors: {b: {mix: {weights: {e: 1}}}}}"),
            tree("{workloads: {w: {load: {duration: 1m, users: 5}}}, behaviors: {b: {mix: {weights: {e: 1}}}}}"),
        );
    }

    #[test]
    fn another_kind_of_load_takes_along_what_had_an_effect_on_the_old_one_only() {
        let base = "{workloads: {w: {load: {rate: 1/s, arrival: poisson, burst: {}, duration: 1m}}}}";
        assert_eq!(
            merged(base, "{workloads.w.load: {concurrency: 5, count: 9}}"),
            tree("{workloads: {w: {load: {duration: 1m, concurrency: 5, count: 9}}}}"),
        );
        assert_eq!(merged(base, "{workloads.w.load.rate: 1/s}"), tree(base));
    }

    #[test]
    fn what_profiles_delete_waits_until_they_are_applied() {
        let base = "{a: {b: 1}, profiles: {p: {a: {b: $unset}}, q: {x: 1}}}";
        let text = "{profiles: {p: {c: $unset}, q: $unset}}";
        let mut document = tree("{}");
        merge(&mut document, tree(base));
        merge(&mut document, tree(text));
        assert_eq!(document, tree("{a: {b: 1}, profiles: {p: {a: {b: $unset}, c: $unset}}}"));
        let profile = document.get("profiles").and_then(|profiles| profiles.get("p")).cloned().unwrap();
        let profile = expand(&document, profile);
        merge(&mut document, profile);
        assert_eq!(document.get("a"), Some(&tree("{}")));
    }

    #[test]
    fn calls_are_replaced_whole() {
        assert_eq!(merged("{x: {$int: [1, 2]}}", "{x: {$pick: [a], round: 1}}"), tree("{x: {$pick: [a], round: 1}}"));
    }

    #[test]
    fn set_makes_what_is_missing() {
        let mut base = tree("{workloads: {shop: {load: {rate: 1/s}}}, weights: {cart.add: 1}, checks: [{max: 1}]}");
        let mut put = |path: &str, value: Value| set(&mut base, path, value.into(), Mark::default());
        assert!(put("workloads.shop.load.ramp.up", Value::String("5s".to_owned())));
        assert!(put("weights.cart.add", Value::Int(7)));
        assert!(put("checks[0].max", Value::Int(2)));
        assert!(!put("checks[1].max", Value::Int(2)));
        assert_eq!(
            base,
            tree(
                "{workloads: {shop: {load: {rate: 1/s, ramp: {up: 5s}}}}, weights: {cart.add: 7}, checks: [{max: 2}]}"
            ),
        );
    }

    #[test]
    fn shorthand_means_the_only_one_or_main() {
        let mut problems = Vec::new();
        let base = tree("{targets: {api: {}}}");
        let mut over = tree("{target: {url: x}, behavior: {emit: {event: e}}, load: {rate: 1/s}}");
        expand_shorthand(&base, &mut over, &mut problems);
        assert_eq!(
            over,
            tree(
                "{targets: {api: {url: x}}, behaviors: {main: {emit: {event: e}}}, workloads: {main: {load: {rate: 1/s}}}}"
            ),
        );
        assert!(problems.is_empty());
        // What is switched off is not meant.
        let base = tree("{targets: {a: {}, b: {}}, workloads: {x: {target: a}, y: {target: b, enabled: false}}}");
        let mut over = tree("{target: {url: x}, load: {rate: 1/s}}");
        expand_shorthand(&base, &mut over, &mut problems);
        assert_eq!(over, tree("{targets: {a: {url: x}}, workloads: {x: {load: {rate: 1/s}}}}"));
        assert!(problems.is_empty());
        let mut over = tree("{target: {url: x}}");
        expand_shorthand(&tree("{targets: {a: {}, b: {}}}"), &mut over, &mut problems);
        assert_eq!(problems.len(), 1);
    }
}
