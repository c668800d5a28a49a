//! Changes one value in a scenario's text and leaves the rest as its author wrote it: comments, order, layout.
//!
//! The panel's form edits text this way. Every change is checked by reading the new text: either it says exactly what
//! was wanted and nothing else differs, or the change is refused.

use crate::problem::Problem;
use crate::scenario::options::LoadOptions;
use crate::scenario::parse::{parse, parse_value};
use crate::scenario::path::{Step, resolve};
use crate::scenario::source::{compose, long_form};
use crate::scenario::write::{key_text, on_one_line};
use crate::tree::{Entry, Node, Value};

/// Longest line that a list is written on.
const LINE: usize = 100;

/// Sets the value at a dotted path (`workloads.shop.load.rate`), written as YAML (`20/s`, `[1, 2]`; see
/// [`super::quote`] for texts). What is missing on the way is made.
///
/// # Errors
///
/// The text or the value cannot be read, or the path leads through a list or an alias that cannot be changed in place.
pub fn set(text: &str, path: &str, value: &str) -> Result<String, Problem> {
    let value = parse_value(value, 0).map_err(|problem| Problem { path: path.to_owned(), ..problem })?;
    let document = Document::read(text)?;
    let steps = document.steps(path);
    if steps.is_empty() {
        return Err(Problem::error(path, "there is nothing to set at this path"));
    }
    document.set(&steps, value, path)
}

/// As [`set`], for one key below a path, whatever letters the key has.
pub(crate) fn set_key(text: &str, path: &str, key: &str, value: Node) -> Result<String, Problem> {
    let document = Document::read(text)?;
    let mut steps = document.steps(path);
    steps.push(Step::Key(key.to_owned()));
    document.set(&steps, value, path)
}

/// As [`unset`], for one key below a path, whatever letters the key has.
pub(crate) fn unset_key(text: &str, path: &str, key: &str) -> Result<String, Problem> {
    let document = Document::read(text)?;
    let mut steps = document.steps(path);
    steps.push(Step::Key(key.to_owned()));
    document.unset(steps, path)
}

/// Removes what stands at a dotted path; maps that are left empty go with it. Without effect when nothing is there.
///
/// # Errors
///
/// The text cannot be read, or cannot be changed in place.
pub fn unset(text: &str, path: &str) -> Result<String, Problem> {
    let document = Document::read(text)?;
    let steps = document.steps(path);
    document.unset(steps, path)
}

struct Document<'t> {
    text: &'t str,
    root: Node,
    json: bool,
}

impl<'t> Document<'t> {
    fn read(text: &'t str) -> Result<Self, Problem> {
        let parsed = parse(text, 0);
        if let Some((mark, problem)) = parsed.problems.into_iter().next() {
            return Err(problem.with_place(None, mark.line, mark.column));
        }
        let mut root = parsed.root;
        if root.value == Value::Null {
            root.value = Value::Map(Vec::new());
        }
        let json = text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        Ok(Self { text, root, json })
    }

    /// The steps of a path in this text: names with dots are known from what the scenario extends, and a shorthand that
    /// the text uses is kept.
    fn steps(&self, path: &str) -> Vec<Step> {
        let merged = compose(self.text, &LoadOptions::new("")).document;
        let path = long_form(&merged, path);
        let steps = resolve(&merged, &path);
        let shortened = match steps.as_slice() {
            [Step::Key(section), Step::Key(name), rest @ ..] if only(&merged, section) == Some(name) => {
                match (section.as_str(), rest) {
                    ("targets", rest) => Some(("target", rest)),
                    ("behaviors", rest) => Some(("behavior", rest)),
                    ("workloads", [Step::Key(load), rest @ ..]) if load == "load" => Some(("load", rest)),
                    _ => None,
                }
            }
            _ => None,
        };
        match shortened {
            Some((short, rest)) if self.root.get(short).is_some() => {
                let mut short = vec![Step::Key(short.to_owned())];
                short.extend(rest.iter().cloned());
                short
            }
            _ => steps,
        }
    }

    fn set(&self, steps: &[Step], value: Node, path: &str) -> Result<String, Problem> {
        let mut wanted = self.root.clone();
        if put(&mut wanted, steps, value.clone()) {
            return self.checked(self.with(steps, &value), &wanted, path);
        }
        // An item of a list that is only inherited: the list as a whole becomes the text's own, with the change in it.
        let inherited = steps.iter().position(|step| matches!(step, Step::Index(_))).and_then(|at| {
            let (list, below) = steps.split_at(at);
            let merged = compose(self.text, &LoadOptions::new("")).document;
            let mut node = list.iter().try_fold(&merged, |node, step| child(node, step))?.clone();
            put(&mut node, below, value).then_some((list, node))
        });
        match inherited {
            Some((list, node)) if self.find(list).is_none() => self.set(list, node, path),
            _ => Err(Problem::error(path, "the path asks for an item of a list that is not there")),
        }
    }

    fn unset(&self, mut steps: Vec<Step>, path: &str) -> Result<String, Problem> {
        if self.find(&steps).is_none() {
            return Ok(self.text.to_owned());
        }
        // The only entry of a map takes the map with it: a key with nothing below it would be another mistake.
        while let Some((_, above)) = steps.split_last()
            && !above.is_empty()
            && self.find(above).and_then(Node::as_map).is_some_and(|entries| entries.len() == 1)
        {
            steps.truncate(steps.len() - 1);
        }
        let mut wanted = self.root.clone();
        take(&mut wanted, &steps);
        self.checked(self.without(&steps), &wanted, path)
    }

    fn find(&self, steps: &[Step]) -> Option<&Node> {
        steps.iter().try_fold(&self.root, |node, step| child(node, step))
    }

    /// The new text, if it says what was wanted.
    fn checked(&self, text: Option<String>, wanted: &Node, path: &str) -> Result<String, Problem> {
        let is_right = |text: &String| {
            let parsed = parse(text, 0);
            let empty = parsed.root.value == Value::Null && wanted.as_map().is_some_and(<[Entry]>::is_empty);
            parsed.problems.is_empty() && (parsed.root == *wanted || empty)
        };
        text.filter(is_right).ok_or_else(|| {
            Problem::error(path, "cannot be changed in place").with_hint("change it in the text of the scenario")
        })
    }

    fn with(&self, steps: &[Step], value: &Node) -> Option<String> {
        let mut node = &self.root;
        let mut entry: Option<&Entry> = None;
        let mut depth = 0;
        while let Some(step) = steps.get(depth)
            && let Some(next) = child(node, step)
        {
            entry = match step {
                Step::Key(key) => node.entry(key),
                Step::Index(_) => None,
            };
            node = next;
            depth += 1;
        }
        let missing = steps.get(depth..)?;
        let (start, end) = (self.at(node.mark.start), self.end(node));
        if missing.is_empty() || !matches!(node.value, Value::Map(_)) {
            // Something stands here that is replaced as a whole, on one line.
            let written = missing.iter().rev().fold(on_one_line(value, self.json), |inner, step| match step {
                Step::Key(key) => format!("{{{}: {inner}}}", key_text(key, self.json)),
                Step::Index(_) => inner,
            });
            if start == end || node.value == Value::Null {
                let after = self.colon(entry?)?;
                let end = if node.value == Value::Null && start >= after { end.max(after) } else { after };
                let rest = if self.text.get(after..end)?.trim().is_empty() {
                    self.text.get(after..)?
                } else {
                    self.text.get(end..)?
                };
                return Some(format!("{} {written}{rest}", self.text.get(..after)?));
            }
            return Some(format!("{}{written}{}", self.text.get(..start)?, self.text.get(end..)?));
        }
        let entries = node.as_map()?;
        if self.is_flow(node) {
            let written = self.flow_entry(missing, value);
            let (at, written) = match entries.last() {
                Some(last) => (self.end_of_entry(last), format!(", {written}")),
                None => (start + 1, written),
            };
            return Some(format!("{}{written}{}", self.text.get(..at)?, self.text.get(at..)?));
        }
        let indent = entries.first().map_or(0, |first| first.key_mark.column.saturating_sub(1) as usize);
        let mut lines = String::new();
        for (level, step) in missing.iter().enumerate() {
            let Step::Key(key) = step else {
                return None;
            };
            lines.push_str(&" ".repeat(indent + 2 * level));
            lines.push_str(&key_text(key, self.json));
            lines.push(':');
            lines.push_str(&if level + 1 == missing.len() {
                self.below_key(value, indent + 2 * level)
            } else {
                "\n".to_owned()
            });
        }
        let at = match entries.last() {
            Some(last) => self.end_of_line(self.end_of_entry(last)),
            None => self.text.len(),
        };
        let (before, after) = (self.text.get(..at)?, self.text.get(at..)?);
        let newline = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        Some(format!("{before}{newline}{lines}{after}"))
    }

    fn without(&self, steps: &[Step]) -> Option<String> {
        let (last, above) = steps.split_last()?;
        let parent = self.find(above)?;
        let (places, index): (Vec<(usize, usize)>, usize) = match (&parent.value, last) {
            (Value::Map(entries), Step::Key(key)) => (
                entries.iter().map(|entry| (self.at(entry.key_mark.start), self.end_of_entry(entry))).collect(),
                entries.iter().position(|entry| entry.key == *key)?,
            ),
            (Value::List(items), Step::Index(index)) => {
                (items.iter().map(|item| (self.at(item.mark.start), self.end(item))).collect(), *index)
            }
            _ => return None,
        };
        let (start, end) = *places.get(index)?;
        let line = self.text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
        let lead = self.text.get(line..start)?;
        let (from, to) = if self.is_flow(parent) {
            match (index.checked_sub(1).and_then(|before| places.get(before)), places.get(index + 1)) {
                (_, Some((next, _))) => (start, *next),
                (Some((_, before)), None) => (*before, end),
                (None, None) => (start, end),
            }
        } else if lead.trim().is_empty() || (matches!(last, Step::Index(_)) && lead.trim() == "-") {
            (line, self.end_of_line(end))
        } else {
            // The first key of a map that shares its line with a dash: the next key takes its place.
            (start, places.get(index + 1)?.0)
        };
        Some(format!("{}{}", self.text.get(..from)?, self.text.get(to..)?))
    }

    /// What follows `key:` in a block, to the end of its lines: a long list has a line for each item.
    fn below_key(&self, value: &Node, indent: usize) -> String {
        let line = on_one_line(value, self.json);
        match value.as_list() {
            Some(items) if !items.is_empty() && !self.json && indent + line.len() > LINE => {
                let lead = " ".repeat(indent + 2);
                let items = items.iter().map(|item| format!("{lead}- {}\n", on_one_line(item, false)));
                format!("\n{}", items.collect::<String>())
            }
            _ => format!(" {line}\n"),
        }
    }

    fn flow_entry(&self, steps: &[Step], value: &Node) -> String {
        let mut written = on_one_line(value, self.json);
        for (level, step) in steps.iter().enumerate().rev() {
            if let Step::Key(key) = step {
                written = format!("{}: {written}", key_text(key, self.json));
                if level > 0 {
                    written = format!("{{{written}}}");
                }
            }
        }
        written
    }

    fn at(&self, byte: u32) -> usize {
        (byte as usize).min(self.text.len())
    }

    fn is_flow(&self, node: &Node) -> bool {
        self.text.get(self.at(node.mark.start)..).is_some_and(|rest| rest.starts_with(['{', '[']))
    }

    /// Where a value's own text ends: a mark goes on to the next token, over comments.
    fn end(&self, node: &Node) -> usize {
        let end = match &node.value {
            Value::Map(entries) if self.is_flow(node) => {
                self.closing(entries.last().map_or(self.at(node.mark.start) + 1, |entry| self.end_of_entry(entry)), '}')
            }
            Value::List(items) if self.is_flow(node) => {
                self.closing(items.last().map_or(self.at(node.mark.start) + 1, |item| self.end(item)), ']')
            }
            Value::Map(entries) if !self.is_flow(node) => entries.last().map(|entry| self.end_of_entry(entry)),
            Value::List(items) if !self.is_flow(node) => items.last().map(|item| self.end(item)),
            _ => None,
        };
        let end = end.unwrap_or_else(|| self.at(node.mark.end));
        let start = self.at(node.mark.start).min(end);
        self.text.get(start..end).map_or(end, |text| start + text.trim_end().len())
    }

    /// The byte after the next closing bracket; a text in which something else stands before it is not changed, since
    /// every change is read back.
    fn closing(&self, from: usize, bracket: char) -> Option<usize> {
        Some(from + self.text.get(from..)?.find(bracket)? + 1)
    }

    fn end_of_entry(&self, entry: &Entry) -> usize {
        let key = self.at(entry.key_mark.end);
        if entry.node.value == Value::Null && entry.node.mark.start == entry.node.mark.end {
            return self.colon(entry).unwrap_or(key);
        }
        self.end(&entry.node).max(key)
    }

    /// The byte after the colon of an entry.
    fn colon(&self, entry: &Entry) -> Option<usize> {
        let key = self.at(entry.key_mark.end);
        Some(key + self.text.get(key..)?.find(':')? + 1)
    }

    fn end_of_line(&self, at: usize) -> usize {
        self.text.get(at..).and_then(|rest| rest.find('\n')).map_or(self.text.len(), |length| at + length + 1)
    }
}

fn only<'n>(document: &'n Node, section: &str) -> Option<&'n String> {
    match document.get(section).and_then(Node::as_map) {
        Some([entry]) => Some(&entry.key),
        _ => None,
    }
}

fn child<'n>(node: &'n Node, step: &Step) -> Option<&'n Node> {
    match step {
        Step::Key(key) => node.get(key),
        Step::Index(index) => node.as_list()?.get(*index),
    }
}

/// Puts a value into a tree.
fn put(node: &mut Node, steps: &[Step], value: Node) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        *node = value;
        return true;
    };
    match (step, &mut node.value) {
        (Step::Index(index), Value::List(items)) => items.get_mut(*index).is_some_and(|item| put(item, rest, value)),
        (Step::Index(_), _) => false,
        (Step::Key(key), Value::Map(entries)) => match entries.iter_mut().find(|entry| entry.key == *key) {
            Some(entry) => put(&mut entry.node, rest, value),
            None => {
                let mut inner = Node::default();
                let done = put(&mut inner, rest, value);
                entries.push(Entry { key: key.clone(), key_mark: node.mark, node: inner });
                done
            }
        },
        (Step::Key(_), _) => {
            node.value = Value::Map(Vec::new());
            put(node, steps, value)
        }
    }
}

fn take(node: &mut Node, steps: &[Step]) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    match (step, &mut node.value) {
        (Step::Key(key), Value::Map(entries)) if rest.is_empty() => entries.retain(|entry| entry.key != *key),
        (Step::Key(key), Value::Map(entries)) => {
            if let Some(entry) = entries.iter_mut().find(|entry| entry.key == *key) {
                take(&mut entry.node, rest);
            }
        }
        (Step::Index(index), Value::List(items)) if rest.is_empty() && *index < items.len() => {
            items.remove(*index);
        }
        (Step::Index(index), Value::List(items)) => {
            if let Some(item) = items.get_mut(*index) {
                take(item, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "\
# my shop
extends: commerce-events
workloads:
  shop:              # the only one
    load: {rate: 10/s, duration: 1m} # a minute

# the end
";

    #[test]
    fn a_value_changes_and_nothing_else_does() {
        assert_eq!(set(SHOP, "workloads.shop.load.rate", "25/s").unwrap(), SHOP.replace("10/s", "25/s"));
        assert_eq!(set(SHOP, "extends", "demo").unwrap(), SHOP.replace("commerce-events", "demo"));
    }

    #[test]
    fn what_is_missing_is_made_where_it_belongs() {
        assert_eq!(
            set(SHOP, "workloads.shop.load.ramp.up", "5s").unwrap(),
            SHOP.replace("duration: 1m}", "duration: 1m, ramp: {up: 5s}}")
        );
        assert_eq!(
            set(SHOP, "workloads.shop.population.count", "7").unwrap(),
            SHOP.replace("# a minute\n", "# a minute\n    population:\n      count: 7\n")
        );
        assert_eq!(
            set(SHOP, "behaviors.shopper.mix.weights.cart.add", "20").unwrap(),
            SHOP.replace(
                "\n# the end",
                "behaviors:\n  shopper:\n    mix:\n      weights:\n        cart.add: 20\n\n# the end"
            )
        );
        assert_eq!(set("", "name", "x").unwrap(), "name: x\n");
        assert_eq!(set("name:\nseed: 1\n", "name", "x").unwrap(), "name: x\nseed: 1\n");
        assert_eq!(set("a: none # why\n", "a.b.c", "1").unwrap(), "a: {b: {c: 1}} # why\n");
    }

    #[test]
    fn json_stays_json() {
        let text = "{\"extends\": \"commerce-events\", \"targets\": {\"api\": {}}}";
        let changed = set(text, "targets.api.url", "http://x:1").unwrap();
        assert_eq!(changed, "{\"extends\": \"commerce-events\", \"targets\": {\"api\": {\"url\": \"http://x:1\"}}}");
    }

    #[test]
    fn shorthands_are_kept() {
        let text = "extends: commerce-events\nload: {rate: 1/s}\n";
        assert_eq!(set(text, "workloads.shop.load.rate", "2/s").unwrap(), text.replace("1/s", "2/s"));
        assert_eq!(
            set(text, "workloads.shop.load.duration", "5s").unwrap(),
            text.replace("1/s}", "1/s, duration: 5s}")
        );
    }

    #[test]
    fn removing_takes_lines_and_empty_maps_along() {
        assert_eq!(unset(SHOP, "workloads.shop.load.rate").unwrap(), SHOP.replace("rate: 10/s, ", ""));
        assert_eq!(unset(SHOP, "workloads.shop.load.duration").unwrap(), SHOP.replace(", duration: 1m", ""));
        assert_eq!(unset(SHOP, "workloads.shop.load").unwrap(), "# my shop\nextends: commerce-events\n\n# the end\n");
        assert_eq!(unset(SHOP, "workloads.shop.population").unwrap(), SHOP);
        let list = "checks:\n  - name: a\n    max: 1\n  - {name: b}\n";
        assert_eq!(unset(list, "checks[0].name").unwrap(), "checks:\n  - max: 1\n  - {name: b}\n");
        assert_eq!(unset(list, "checks[0]").unwrap(), "checks:\n  - {name: b}\n");
    }

    #[test]
    fn a_change_inside_an_inherited_list_makes_the_list_the_texts_own() {
        let text = "extends: web-analytics\n";
        let path = "behaviors.visitor.session.journeys[0].weight";
        let merged = |text: &str| compose(text, &LoadOptions::new("")).document;
        let weights = |text: &str| -> Vec<Option<f64>> {
            let behaviors = merged(text).get("behaviors").cloned().unwrap();
            let journeys = behaviors.as_map().unwrap()[0].node.get("session").unwrap().get("journeys").unwrap().clone();
            journeys.as_list().unwrap().iter().map(|journey| journey.get("weight").and_then(Node::as_f64)).collect()
        };
        let name = merged(text).get("behaviors").and_then(Node::as_map).unwrap()[0].key.clone();
        let before = weights(text);
        let changed = set(text, &path.replace("visitor", &name), "77").unwrap();
        assert!(changed.starts_with(text) && changed.lines().count() > before.len(), "{changed}");
        let after = weights(&changed);
        assert_eq!(after[0], Some(77.0));
        assert_eq!(after[1..], before[1..]);
    }

    #[test]
    fn what_cannot_be_done_in_place_is_refused() {
        let text = "a: &x {b: 1}\nc: *x\n";
        assert_eq!(set(text, "c.b", "2").unwrap_err().message, "cannot be changed in place");
        assert!(set("a: [1]\n", "a[3]", "2").is_err());
        assert!(set("a: [1\n", "a", "2").is_err());
    }
}
