//! From YAML or JSON text to a [`Node`] tree: the YAML 1.2 core schema under limits of size, depth and number.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::problem::Problem;
use crate::tree::{Entry, Mark, Node, Value};

/// Longest text that is read, in bytes.
pub(crate) const MAX_BYTES: usize = 4 << 20;
/// Most levels of lists and maps inside each other.
const MAX_DEPTH: usize = 64;
/// Most values in a document, those behind aliases counted each time.
const MAX_NODES: usize = 200_000;

/// A tree and what is wrong with its text.
pub(crate) struct Parsed {
    /// The tree, as far as it could be read.
    pub(crate) root: Node,
    /// Errors of syntax and duplicate keys; their paths are empty, since a place says more.
    pub(crate) problems: Vec<(Mark, Problem)>,
}

/// Reads a text. `source` is what marks will say about where it came from.
pub(crate) fn parse(text: &str, source: u16) -> Parsed {
    if text.len() > MAX_BYTES {
        let problem = Problem::error("", format!("the document is longer than {} MiB", MAX_BYTES >> 20))
            .with_hint("move large lists to files and name them in a pool");
        let beginning = Mark { source, line: 1, column: 1, ..Mark::default() };
        return Parsed { root: Node::default(), problems: vec![(beginning, problem)] };
    }
    let mut builder = Builder::new(text, source);
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let mark = builder.place(Span::empty(*error.marker()));
                let problem = Problem::error("", format!("cannot be read as YAML or JSON: {}", error.info()));
                Err(Box::new((mark, problem.with_hint(remedy(error.info())))))
            }
        };
        if let Err(problem) = step {
            builder.problems.push(*problem);
            break;
        }
    }
    builder.finish()
}

/// Reads one value, as it stands after `--set path=`.
pub(crate) fn parse_value(text: &str, source: u16) -> Result<Node, Problem> {
    let parsed = parse(text, source);
    match parsed.problems.into_iter().next() {
        None => Ok(parsed.root),
        Some((_, problem)) => Err(problem),
    }
}

/// What is being read at one level.
enum Level {
    List { items: Vec<Node>, mark: Mark, anchor: usize },
    Map { entries: Vec<Entry>, key: Option<(String, Mark)>, mark: Mark, anchor: usize },
}

/// Builds a tree from a parser's events.
struct Builder {
    source: u16,
    offsets: Offsets,
    levels: Vec<Level>,
    root: Option<Node>,
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
    documents: usize,
    problems: Vec<(Mark, Problem)>,
}

type Step = Result<(), Box<(Mark, Problem)>>;

impl Builder {
    fn new(text: &str, source: u16) -> Self {
        Self {
            source,
            offsets: Offsets::new(text),
            levels: Vec::new(),
            root: None,
            anchors: BTreeMap::new(),
            nodes: 0,
            documents: 0,
            problems: Vec::new(),
        }
    }

    fn place(&self, span: Span) -> Mark {
        Mark {
            source: self.source,
            line: u32::try_from(span.start.line()).unwrap_or(u32::MAX).max(1),
            column: u32::try_from(span.start.col()).unwrap_or(u32::MAX).saturating_add(1),
            start: self.offsets.byte(span.start.index()),
            end: self.offsets.byte(span.end.index()),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Step {
        let mark = self.place(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let problem = Problem::error("", "a second document begins here");
                    return Err(Box::new((mark, problem.with_hint("write one scenario per file, without `---`"))));
                }
                Ok(())
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(Box::new((
                        mark,
                        Problem::error("", "this alias refers to nothing that stands before it"),
                    )));
                };
                self.count(size, mark)?;
                if self.wants_key() {
                    return match &node.value {
                        Value::String(text) => self.key(text.clone(), mark),
                        _ => Err(Box::new((mark, Problem::error("", "a key must be text")))),
                    };
                }
                self.value(node, 0, size)
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, mark)?;
                if self.wants_key() {
                    return self.key(text.into_owned(), mark);
                }
                let value = scalar(&text, style, tag.as_deref()).map_err(|problem| Box::new((mark, problem)))?;
                self.value(Node { value, mark }, anchor, 1)
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(tag.as_deref(), mark)?;
                self.levels.push(Level::List { items: Vec::new(), mark, anchor });
                Ok(())
            }
            Event::MappingStart(anchor, tag) => {
                self.open(tag.as_deref(), mark)?;
                self.levels.push(Level::Map { entries: Vec::new(), key: None, mark, anchor });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(mark),
        }
    }

    fn open(&mut self, tag: Option<&Tag>, mark: Mark) -> Step {
        self.count(1, mark)?;
        if let Some(tag) = tag
            && !(tag.is_yaml_core_schema() && matches!(tag.suffix.as_str(), "map" | "seq"))
        {
            return Err(Box::new((mark, unknown_tag(tag))));
        }
        if self.wants_key() {
            return Err(Box::new((mark, Problem::error("", "a key must be text, not a list or a map"))));
        }
        if self.levels.len() >= MAX_DEPTH {
            let problem = Problem::error("", format!("nested deeper than {MAX_DEPTH} levels"));
            return Err(Box::new((mark, problem.with_hint("nothing in a scenario is: is a bracket missing above?"))));
        }
        Ok(())
    }

    fn close(&mut self, end: Mark) -> Step {
        let (value, mark, anchor) = match self.levels.pop() {
            Some(Level::List { items, mark, anchor }) => (Value::List(items), mark, anchor),
            Some(Level::Map { entries, mark, anchor, .. }) => (Value::Map(entries), mark, anchor),
            None => return Ok(()),
        };
        let node = Node { value, mark: Mark { end: end.end.max(mark.end), ..mark } };
        let size = if anchor > 0 { count_nodes(&node) } else { 0 };
        self.value(node, anchor, size)
    }

    /// Counts values against the limit; aliases make the few lines of a bomb count what they stand for.
    fn count(&mut self, nodes: usize, mark: Mark) -> Step {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            let problem = Problem::error("", format!("the document has more than {MAX_NODES} values"));
            return Err(Box::new((mark, problem.with_hint("move large lists to files and name them in a pool"))));
        }
        Ok(())
    }

    fn wants_key(&self) -> bool {
        matches!(self.levels.last(), Some(Level::Map { key: None, .. }))
    }

    fn key(&mut self, text: String, mark: Mark) -> Step {
        if let Some(Level::Map { entries, key, .. }) = self.levels.last_mut() {
            if let Some(first) = entries.iter().find(|entry| entry.key == text) {
                let problem = Problem::error(
                    "",
                    format!("the key `{text}` stands here a second time; the first is in line {}", first.key_mark.line),
                );
                self.problems.push((mark, problem.with_hint("remove one of the two")));
            }
            *key = Some((text, mark));
        }
        Ok(())
    }

    fn value(&mut self, node: Node, anchor: usize, size: usize) -> Step {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.levels.last_mut() {
            None => self.root = Some(node),
            Some(Level::List { items, .. }) => items.push(node),
            Some(Level::Map { entries, key, .. }) => {
                if let Some((key, key_mark)) = key.take()
                    && !entries.iter().any(|entry| entry.key == key)
                {
                    entries.push(Entry { key, key_mark, node });
                }
            }
        }
        Ok(())
    }

    /// Closes whatever an error left open, so that the rest of the tree can still be looked over.
    fn finish(mut self) -> Parsed {
        while !self.levels.is_empty() {
            let _closed = self.close(Mark::default());
        }
        Parsed { root: self.root.unwrap_or_default(), problems: self.problems }
    }
}

fn count_nodes(node: &Node) -> usize {
    match &node.value {
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => 1,
        Value::List(items) => 1 + items.iter().map(count_nodes).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|entry| 1 + count_nodes(&entry.node)).sum::<usize>(),
    }
}

fn unknown_tag(tag: &Tag) -> Problem {
    Problem::error("", format!("the tag `{tag}` means nothing here")).with_hint("remove it")
}

/// A scalar's value: quoted and block scalars are text, plain ones what the core schema says.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, Problem> {
    match tag {
        None => match style {
            ScalarStyle::Plain => plain(text),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Literal | ScalarStyle::Folded => {
                Ok(Value::String(text.to_owned()))
            }
        },
        Some(tag) if tag.is_yaml_core_schema() => {
            let value = plain(text)?;
            match (tag.suffix.as_str(), value) {
                ("str", _) => Ok(Value::String(text.to_owned())),
                ("float", Value::Int(number)) => Ok(Value::Float(number as f64)),
                ("int", value @ Value::Int(_))
                | ("float", value @ Value::Float(_))
                | ("bool", value @ Value::Bool(_))
                | ("null", value @ Value::Null) => Ok(value),
                (name, _) => Err(Problem::error("", format!("`{text}` is not what the tag `!!{name}` says"))),
            }
        }
        Some(tag) => Err(unknown_tag(tag)),
    }
}

/// The core schema of YAML 1.2 (section 10.3.2), which has JSON's.
fn plain(text: &str) -> Result<Value, Problem> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return Err(infinite(text)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(digits) = text.strip_prefix("0x").filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())) {
        return integer(text, i64::from_str_radix(digits, 16).ok());
    }
    if let Some(digits) = text.strip_prefix("0o").filter(|digits| digits.bytes().all(|b| matches!(b, b'0'..=b'7'))) {
        return integer(text, i64::from_str_radix(digits, 8).ok());
    }
    if !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return integer(text, text.parse().ok());
    }
    if is_float(unsigned)
        && let Ok(number) = text.parse::<f64>()
    {
        if number.is_finite() {
            return Ok(Value::Float(number));
        }
        return Err(infinite(text));
    }
    Ok(Value::String(text.to_owned()))
}

fn infinite(text: &str) -> Problem {
    let text: String = text.chars().take(40).collect();
    Problem::error("", format!("`{text}` is not a finite number")).with_hint("write a number, or leave the key out")
}

/// What to do about an error of syntax, by what the parser says of it.
fn remedy(error: &str) -> &'static str {
    match error {
        error if error.contains("tab") => "indent with spaces",
        error if error.contains("quoted scalar") => "is the quote closed in the same line?",
        error if error.contains("flow") || error.contains("node content") => "is each bracket closed?",
        error if error.contains("control character") || error.contains("character") => {
            "write plain text; a text with special characters needs quotes"
        }
        error if error.contains("expected key") || error.contains("indentation") || error.contains("mapping") => {
            "is this line indented as its neighbours are, with a colon and a space behind its key?"
        }
        _ => "look at this line and the one before it: indentation, quotes, brackets, colons",
    }
}

fn integer(text: &str, number: Option<i64>) -> Result<Value, Problem> {
    number.map(Value::Int).ok_or_else(|| {
        Problem::error("", format!("`{text}` is too large for a whole number"))
            .with_hint("write it in quotes if it is text")
    })
}

/// Digits with a point or an exponent: `[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?` with a digit somewhere before the exponent.
fn is_float(text: &str) -> bool {
    let (number, exponent) = match text.find(['e', 'E']) {
        None => (text, None),
        Some(at) => (&text[..at], Some(&text[at + 1..])),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    digits(whole)
        && digits(part)
        && !(whole.is_empty() && part.is_empty())
        && exponent.is_none_or(|text| !text.is_empty() && digits(text))
}

/// From the parser's counting in characters to bytes.
struct Offsets {
    /// Byte of each character; empty where characters are bytes.
    starts: Vec<u32>,
    /// Bytes before the first character that the parser sees: those of a byte order mark.
    skipped: usize,
    length: usize,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let starts = if text.is_ascii() {
            Vec::new()
        } else {
            text[skipped..].char_indices().map(|(at, _)| u32::try_from(at + skipped).unwrap_or(u32::MAX)).collect()
        };
        Self { starts, skipped, length: text.len() }
    }

    fn byte(&self, character: usize) -> u32 {
        if let Some(start) = self.starts.get(character) {
            return *start;
        }
        let at = if self.starts.is_empty() { character + self.skipped } else { self.length };
        u32::try_from(at.min(self.length)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Node {
        let parsed = parse(text, 0);
        assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
        parsed.root
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for (text, value) in [
            ("12", Value::Int(12)),
            ("-3", Value::Int(-3)),
            ("0x1F", Value::Int(31)),
            ("0o17", Value::Int(15)),
            ("1.5", Value::Float(1.5)),
            (".5", Value::Float(0.5)),
            ("1e3", Value::Float(1000.0)),
            ("true", Value::Bool(true)),
            ("~", Value::Null),
            ("yes", Value::String("yes".to_owned())),
            ("'12'", Value::String("12".to_owned())),
            ("10/s", Value::String("10/s".to_owned())),
            ("5xx", Value::String("5xx".to_owned())),
            ("1e", Value::String("1e".to_owned())),
            ("1.2.3", Value::String("1.2.3".to_owned())),
        ] {
            assert_eq!(tree(text).value, value, "{text}");
        }
    }

    #[test]
    fn json_is_the_same_tree_as_yaml() {
        let json = "{\n\t\"a\": [1, 2.5, \"x\\u00e9\", null, true],\n\t\"b\": {\"c\": \"\\n\"}\n}";
        let yaml = "a: [1, 2.5, xé, null, true]\nb:\n  c: \"\\n\"\n";
        assert_eq!(tree(json), tree(yaml));
    }

    #[test]
    fn marks_point_at_lines_columns_and_bytes() {
        let text = "ä: 1\nb:\n  c: töst\n";
        let root = tree(text);
        let c = root.get("b").and_then(|b| b.entry("c")).unwrap();
        assert_eq!((c.key_mark.line, c.key_mark.column), (3, 3));
        assert_eq!((c.node.mark.line, c.node.mark.column), (3, 6));
        assert_eq!(&text[c.node.mark.start as usize..c.node.mark.end as usize], "töst");
    }

    #[test]
    fn a_second_key_of_the_same_name_is_a_problem() {
        let parsed = parse("a: 1\nb: 2\na: 3\n", 0);
        assert_eq!(parsed.problems.len(), 1);
        assert_eq!(parsed.problems[0].0.line, 3);
        assert_eq!(parsed.root.get("a").map(|node| &node.value), Some(&Value::Int(1)));
    }

    #[test]
    fn bombs_and_towers_are_refused() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let inner = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
        }
        assert!(parse(&bomb, 0).problems[0].1.message.contains("more than"));
        let tower = "[".repeat(200);
        assert!(parse(&tower, 0).problems[0].1.message.contains("nested"));
    }
}
