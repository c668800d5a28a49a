//! Dotted paths into a document (`workloads.shop.load.shape[0]`). Names may have dots themselves (`events.cart.add`),
//! so that a path means something only beside a tree: the longest key that exists wins.

use crate::tree::{Mark, Node, Value};

/// Maps whose keys are free names: what follows is one key, dots and all, unless a shorter one exists.
const FREE: [&str; 7] = ["weights", "mix", "shares", "headers", "query", "classify", "set"];

/// Where a path leads in a tree.
pub(crate) struct Place<'t> {
    /// The deepest node on the way.
    pub(crate) node: &'t Node,
    /// Where its key stands, or itself in a list.
    pub(crate) key_mark: Mark,
    /// Whether the whole path was found.
    pub(crate) complete: bool,
}

/// One step of a path before it is known which keys exist.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Piece<'p> {
    Word(&'p str),
    Index(usize),
}

/// Follows a path as far as it goes.
pub(crate) fn find<'t>(root: &'t Node, path: &str) -> Place<'t> {
    let mut place = Place { node: root, key_mark: root.mark, complete: true };
    let pieces = pieces(path);
    let mut rest = pieces.as_slice();
    while let Some(first) = rest.first() {
        let step = match (first, &place.node.value) {
            (Piece::Index(index), Value::List(items)) => items.get(*index).map(|item| (item, item.mark, 1)),
            (Piece::Word(_), Value::Map(entries)) => candidates(rest).into_iter().find_map(|(key, taken)| {
                let entry = entries.iter().find(|entry| entry.key == key)?;
                Some((&entry.node, entry.key_mark, taken))
            }),
            (Piece::Index(_) | Piece::Word(_), _) => None,
        };
        let Some((node, key_mark, taken)) = step else {
            return Place { complete: false, ..place };
        };
        place = Place { node, key_mark, complete: true };
        rest = rest.get(taken..).unwrap_or_default();
    }
    place
}

/// A path as the keys and indices of this tree, as far as they exist; what does not exist follows word by word, or as
/// one key in a map of free names.
pub(crate) fn resolve(root: &Node, path: &str) -> Vec<Step> {
    let pieces = pieces(path);
    let mut rest = pieces.as_slice();
    let mut steps: Vec<Step> = Vec::new();
    let mut node = Some(root);
    while let Some(first) = rest.first() {
        let (step, taken) = match first {
            Piece::Index(index) => (Step::Index(*index), 1),
            Piece::Word(_) => {
                let words = candidates(rest);
                let known = words.iter().find(|(key, _)| node.is_some_and(|node| node.get(key).is_some()));
                let chosen = match known {
                    Some(known) => Some(known),
                    None if in_free_map(&steps) => words.first(),
                    None => words.last(),
                };
                match chosen {
                    Some((key, taken)) => (Step::Key(key.clone()), *taken),
                    None => break,
                }
            }
        };
        node = node.and_then(|node| match &step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.as_list().and_then(|items| items.get(*index)),
        });
        steps.push(step);
        rest = rest.get(taken..).unwrap_or_default();
    }
    steps
}

/// One step of a path in a tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// Whether the keys at this place are free names that may have dots.
pub(crate) fn in_free_map(steps: &[Step]) -> bool {
    match steps {
        // `behaviors.x.mix` is a behavior, `checks[0].mix` a map of names.
        [.., Step::Key(_), Step::Key(last)] if last == "mix" => false,
        [.., Step::Key(last)] => FREE.contains(&last.as_str()),
        [] | [.., Step::Index(_)] => false,
    }
}

/// The keys that the next words could be, the longest first, with how many words each takes.
fn candidates(rest: &[Piece<'_>]) -> Vec<(String, usize)> {
    let mut keys = Vec::new();
    let mut key = String::new();
    for piece in rest {
        match piece {
            Piece::Word(word) => {
                if !key.is_empty() {
                    key.push('.');
                }
                key.push_str(word);
                keys.push((key.clone(), keys.len() + 1));
            }
            Piece::Index(_) => break,
        }
    }
    keys.reverse();
    keys
}

fn pieces(path: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let (word, indices) = match part.find('[') {
            Some(at) => part.split_at(at),
            None => (part, ""),
        };
        if !word.is_empty() {
            pieces.push(Piece::Word(word));
        }
        for index in indices.split(['[', ']']).filter(|index| !index.is_empty()) {
            match index.parse() {
                Ok(index) => pieces.push(Piece::Index(index)),
                Err(_) => pieces.push(Piece::Word(index)),
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse::parse;

    fn tree() -> Node {
        parse("events: {cart.add: {body: {a: [1, {b: 2}]}}, cart: {add: 3}}\nweights: {x.y: 1}\n", 0).root
    }

    #[test]
    fn names_with_dots_are_found() {
        let root = tree();
        assert_eq!(find(&root, "events.cart.add.body.a[1].b").node.value, Value::Int(2));
        let place = find(&root, "events.cart.add.body.c.d");
        assert!(!place.complete);
        assert_eq!(place.key_mark.column, 21);
    }

    #[test]
    fn what_does_not_exist_is_taken_word_by_word_except_for_free_names() {
        let root = tree();
        let keys = |path: &str| -> Vec<String> {
            resolve(&root, path)
                .into_iter()
                .map(|step| match step {
                    Step::Key(key) => key,
                    Step::Index(index) => format!("[{index}]"),
                })
                .collect()
        };
        assert_eq!(keys("events.cart.add.topic"), ["events", "cart.add", "topic"]);
        assert_eq!(keys("load.rate"), ["load", "rate"]);
        assert_eq!(keys("weights.new.name"), ["weights", "new.name"]);
        assert_eq!(keys("events.cart.add.body.a[1].c"), ["events", "cart.add", "body", "a", "[1]", "c"]);
    }
}
