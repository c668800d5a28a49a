//! From a [`Node`] tree to types, with every error in the tree gathered, not only the first.
//!
//! Serde stops at the first error. So the reader notes the error, cuts the node that caused it out of a copy of the tree
//! and reads again, until nothing is wrong any more: what is left after that is read for semantic checks.

mod deserializer;

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::de::{self, DeserializeOwned};

use crate::problem::Problem;
use crate::scenario::document::{Mark, Node, Value};
use crate::scenario::nearest;

use deserializer::NodeDeserializer;

/// Most structural errors that are told at once.
const MAX_PROBLEMS: usize = 100;
/// The source of a node that was cut out; no document has so many sources.
const CUT: u16 = u16::MAX;

/// A value read from a tree, and what was wrong with the tree.
pub(crate) struct Reading<T> {
    /// The value without what was wrong; none when too little was left.
    pub(crate) value: Option<T>,
    /// What was wrong and where.
    pub(crate) problems: Vec<(Mark, Problem)>,
}

/// Reads a value.
pub(crate) fn read<T: DeserializeOwned>(root: &Node) -> Reading<T> {
    let mut problems = Vec::new();
    let mut tree = root.clone();
    loop {
        let error = match T::deserialize(NodeDeserializer::new(&tree)) {
            Ok(value) => return Reading { value: Some(value), problems },
            Err(error) => error,
        };
        let keep = error.path.len().saturating_sub(error.cut);
        let cut: Vec<Segment> = error.path.iter().take(keep).cloned().collect();
        if !error.echo {
            problems.push(error.into_problem());
        }
        if problems.len() >= MAX_PROBLEMS || !cut_out(&mut tree, &cut) {
            return Reading { value: None, problems };
        }
    }
}

/// One step into a tree.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Segment {
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// Writes a path as problems have it: `workloads.shop.load.shape[0]`.
pub(crate) fn write_path(path: &[Segment]) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Segment::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// Marks a node as not there. False when it is the root, or already cut.
fn cut_out(root: &mut Node, path: &[Segment]) -> bool {
    let mut node = root;
    if path.is_empty() {
        return false;
    }
    for segment in path {
        let next = match (&mut node.value, segment) {
            (Value::Map(entries), Segment::Key(key)) => {
                entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.node)
            }
            (Value::List(items), Segment::Index(index)) => items.get_mut(*index),
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => return false,
        }
    }
    if is_cut(node) {
        return false;
    }
    node.value = Value::Null;
    node.mark.source = CUT;
    true
}

fn is_cut(node: &Node) -> bool {
    node.mark.source == CUT
}

/// Why a tree cannot be read; behind a pointer, since it travels up through every result.
#[derive(Debug)]
struct ReadError(Box<Cause>);

#[derive(Debug, Default)]
struct Cause {
    /// Innermost step first while it travels up, outermost first once it has arrived.
    path: Vec<Segment>,
    mark: Option<Mark>,
    message: String,
    hint: Option<String>,
    /// How many of the innermost steps to leave out when cutting: an unknown variant costs the whole enum.
    cut: usize,
    /// Field whose absence is the error.
    missing: Option<&'static str>,
    /// Whether it only follows from an error that was told before.
    echo: bool,
}

impl Deref for ReadError {
    type Target = Cause;

    fn deref(&self) -> &Cause {
        &self.0
    }
}

impl DerefMut for ReadError {
    fn deref_mut(&mut self) -> &mut Cause {
        &mut self.0
    }
}

impl ReadError {
    fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Cause { message: message.into(), ..Cause::default() }))
    }

    fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// Adds the place, unless one nearer to the cause is known.
    fn at(mut self, mark: Mark) -> Self {
        self.mark.get_or_insert(mark);
        self
    }

    fn inside(mut self, segment: Segment) -> Self {
        self.path.push(segment);
        self
    }

    fn arrived(mut self) -> Self {
        self.path.reverse();
        self
    }

    fn into_problem(self) -> (Mark, Problem) {
        let mut problem = Problem::error(write_path(&self.path), self.0.message);
        problem.hint = self.0.hint;
        (self.0.mark.unwrap_or_default(), problem)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        // Notations say `what is wrong; what to write`.
        let message = message.to_string();
        match message.split_once("; ") {
            Some((what, hint)) => Self::new(what).with_hint(Some(hint.to_owned())),
            None => Self::new(message),
        }
    }

    fn invalid_type(_unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("must be {}", in_words(&expected.to_string())))
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        match unexpected {
            de::Unexpected::Signed(number) if number < 0 => Self::new(format!("{number} must not be negative")),
            de::Unexpected::Signed(number) => Self::new(format!("{number} is too large")),
            de::Unexpected::Unsigned(number) => Self::new(format!("{number} is too large")),
            _ => Self::new(format!("must be {}", in_words(&expected.to_string()))),
        }
    }

    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        Self::new(format!("has {length} items, must be {}", in_words(&expected.to_string())))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("`{variant}` is not known here")).with_hint(nearest::hint(variant, expected.iter().copied()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("`{field}` is not known here")).with_hint(nearest::hint(field, expected.iter().copied()))
    }

    fn missing_field(field: &'static str) -> Self {
        let mut error = Self::new(format!("`{field}` is missing"));
        error.missing = Some(field);
        error
    }
}

/// What serde expects, for people.
fn in_words(expected: &str) -> String {
    match expected {
        "f32" | "f64" => "a number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a string" | "string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a tuple of size 2" => "a list of two".to_owned(),
        "a tuple of size 3" => "a list of three".to_owned(),
        other if other.starts_with("struct ") => "a map".to_owned(),
        other if other.starts_with("enum ") => "a name, or a map with one key".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Scenario;
    use crate::scenario::parse::parse;

    fn problems(text: &str) -> Vec<String> {
        let parsed = parse(text, 0);
        assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
        let mut reading = read::<Scenario>(&parsed.root);
        reading.problems.sort_by_key(|(mark, _)| (mark.line, mark.column));
        reading
            .problems
            .into_iter()
            .map(|(mark, problem)| problem.with_place(None, mark.line, mark.column).to_string())
            .collect()
    }

    #[test]
    fn all_errors_are_gathered_with_place_path_and_hint() {
        let text = "\
name: 7
targts: {}
targets:
  api:
    url: [no]
    timeout: soon
    auth: {api_kye: {value: x}}
    retry: {attempts: -1, when: [network, 500]}
    send: {method: post}
behaviors:
  shopper: {mix: {weights: {a: lots, b: 2}}}
workloads:
  shop:
    load: {rate: fast, shape: [{hours: [[7, 9]]}, {weekend: 0.6}, {spik: {}}]}
    enabled: yes
";
        assert_eq!(
            problems(text),
            [
                "2:1: targts: `targts` is not known here (did you mean `targets`?)",
                "5:10: targets.api.url: must be text, not a list",
                "6:14: targets.api.timeout: `soon` is not a span of time (write 500ms, 10s, 5m or 1h30m)",
                "7:12: targets.api.auth.api_kye: `api_kye` is not known here (did you mean `api_key`?)",
                "8:23: targets.api.retry.attempts: -1 must not be negative",
                "8:43: targets.api.retry.when[1]: `500` is not known here (write `network`, `timeout`, `429` or `5xx`)",
                "9:20: targets.api.send.method: `post` is not known here (did you mean `POST`?)",
                "11:32: behaviors.shopper.mix.weights.a: must be a number, not text",
                "14:18: workloads.shop.load.rate: `fast` is not a rate (write 10/s, 20/min or 600/h)",
                "14:41: workloads.shop.load.shape[0].hours[0]: has 2 items, must be a list of three",
                "14:68: workloads.shop.load.shape[2].spik: `spik` is not known here (did you mean `spike`?)",
                "15:14: workloads.shop.enabled: must be true or false, not text",
            ]
        );
    }

    #[test]
    fn what_follows_from_an_error_is_not_told_again() {
        let text = "faults: {flaky: [{delay: {p: often, by: 5ms}}]}\n";
        assert_eq!(problems(text), ["1:30: faults.flaky[0].delay.p: must be a number, not text"]);
    }

    #[test]
    fn templates_keep_their_marks() {
        let parsed = parse("events:\n  a:\n    body:\n      x: [1, {$int: [1, 2]}]\n", 0);
        let scenario = read::<Scenario>(&parsed.root).value.unwrap();
        let body = scenario.events["a"].body.as_ref().unwrap();
        assert_eq!(Some(body), parsed.root.get("events").and_then(|n| n.get("a")).and_then(|n| n.get("body")));
        let x = body.entry("x").unwrap();
        assert_eq!((x.key_mark.line, x.key_mark.column, x.node.mark.column), (4, 7, 10));
    }
}
