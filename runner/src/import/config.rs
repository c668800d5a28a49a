//! Reads a configuration field by field and knows in the end what nobody asked for.

use std::collections::BTreeSet;

use shared::tree::{Node, Value};

use super::Notes;

/// A configuration, some of whose fields have been read.
pub(super) struct Config<'a> {
    root: &'a Node,
    taken: BTreeSet<String>,
    pub(super) notes: &'a mut Notes,
}

impl<'a> Config<'a> {
    pub(super) fn new(root: &'a Node, notes: &'a mut Notes) -> Self {
        Self { root, taken: BTreeSet::new(), notes }
    }

    /// A field of any kind, by its dotted path; `null` counts as left out.
    pub(super) fn get(&mut self, path: &str) -> Option<&'a Node> {
        let mut node = self.root;
        for key in path.split('.') {
            node = node.get(key)?;
        }
        self.taken.insert(path.to_owned());
        (node.value != Value::Null).then_some(node)
    }

    pub(super) fn number(&mut self, path: &str) -> Option<f64> {
        let node = self.get(path)?;
        let number = node.as_f64().or_else(|| node.as_str()?.trim().parse().ok()).filter(|number| number.is_finite());
        if number.is_none() {
            self.notes.add(path, format!("a number was expected, not {}; left out", node.kind()));
        }
        number
    }

    /// A number that must not be negative.
    pub(super) fn amount(&mut self, path: &str) -> Option<f64> {
        let number = self.number(path)?;
        if number < 0.0 {
            self.notes.add(path, format!("{number} is below zero; left out"));
            return None;
        }
        Some(number)
    }

    /// A whole number above zero.
    pub(super) fn count(&mut self, path: &str) -> Option<i64> {
        let number = self.number(path)?;
        if !(1.0..9e15).contains(&number) {
            self.notes.add(path, format!("{number} is not a whole number above zero; left out"));
            return None;
        }
        Some(number as i64)
    }

    /// A text; other scalars as they are written.
    pub(super) fn text(&mut self, path: &str) -> Option<String> {
        let node = self.get(path)?;
        let text = match &node.value {
            Value::String(text) => Some(text.clone()),
            Value::Int(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        };
        if text.is_none() {
            self.notes.add(path, format!("text was expected, not {}; left out", node.kind()));
        }
        text
    }

    pub(super) fn flag(&mut self, path: &str) -> Option<bool> {
        let node = self.get(path)?;
        match &node.value {
            Value::Bool(value) => Some(*value),
            _ => {
                self.notes.add(path, format!("true or false was expected, not {}; left out", node.kind()));
                None
            }
        }
    }

    /// Texts of a list; anything else in it is left out and said.
    pub(super) fn texts(&mut self, path: &str) -> Option<Vec<String>> {
        let node = self.get(path)?;
        let Some(items) = node.as_list() else {
            self.notes.add(path, format!("a list was expected, not {}; left out", node.kind()));
            return None;
        };
        let texts: Vec<String> = items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect();
        if texts.len() < items.len() {
            self.notes.add(path, format!("{} of its items are no texts; left out", items.len() - texts.len()));
        }
        Some(texts)
    }

    /// Says why a field has no place, if it is there.
    pub(super) fn refuse(&mut self, path: &str, why: &str) {
        if self.get(path).is_some() {
            self.notes.add(path, why);
        }
    }

    /// Says what was never asked for.
    pub(super) fn finish(self, why: &str) {
        let mut unknown = Vec::new();
        leftovers(self.root, String::new(), &self.taken, &mut unknown);
        for path in unknown {
            self.notes.add(path, why);
        }
    }
}

/// The outermost fields of which nothing was taken.
fn leftovers(node: &Node, path: String, taken: &BTreeSet<String>, unknown: &mut Vec<String>) {
    for entry in node.as_map().unwrap_or_default() {
        let path = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
        if taken.contains(&path) {
            continue;
        }
        let below = format!("{path}.");
        if taken.range(below.clone()..).next().is_some_and(|next| next.starts_with(&below)) {
            leftovers(&entry.node, path, taken, unknown);
        } else {
            unknown.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for_is_said() {
        let root = shared::scenario::read_tree("{a: {b: 1, c: {d: 2}}, e: x, f: 3}", "").unwrap();
        let mut notes = Notes::default();
        let mut config = Config::new(&root, &mut notes);
        assert_eq!(config.number("a.b"), Some(1.0));
        assert_eq!(config.number("e"), None);
        assert_eq!(config.number("a.nothing"), None);
        config.finish("unknown");
        let said: Vec<String> = notes.finish().iter().map(ToString::to_string).collect();
        assert_eq!(said, ["e: a number was expected, not text; left out", "a.c: unknown", "f: unknown"]);
    }
}
