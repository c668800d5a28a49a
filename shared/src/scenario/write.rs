//! Documents as YAML for people: maps in blocks, small things on one line, quotes only where they are needed.

use crate::scenario::parse::parse;
use crate::tree::{Entry, Node, Value};

/// Longest line that a list or map is written on.
const LINE: usize = 100;
/// Maps above this depth are always written in blocks.
const OPEN_DEPTH: usize = 2;
/// Words that some readers of YAML take for something else than text.
const AMBIGUOUS: [&str; 6] = ["yes", "no", "on", "off", "y", "n"];

/// A document as YAML that reads back as the same values.
pub fn to_yaml(node: &Node) -> String {
    let mut text = String::new();
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => write_map(entries, 0, &mut text),
        Value::List(items) if !items.is_empty() => write_list(items, 0, &mut text),
        _ => {
            text.push_str(&on_one_line(node, false));
            text.push('\n');
        }
    }
    text
}

/// A text as a YAML value that reads back as that text: in quotes if it could be taken for something else.
pub fn quote(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// A value on one line, as YAML's flow style or as JSON.
pub(crate) fn on_one_line(node: &Node, json: bool) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        // Debug writes the shortest digits that read back, always with a point or an exponent.
        Value::Float(number) => format!("{number:?}"),
        Value::String(text) if json => quoted(text),
        Value::String(text) => quote(text),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| on_one_line(item, json)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|Entry { key, node, .. }| format!("{}: {}", key_text(key, json), on_one_line(node, json)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A key, in quotes where it needs them.
pub(crate) fn key_text(key: &str, json: bool) -> String {
    // Keys are text whatever they look like, so that numbers need no quotes.
    let number = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
    if json || !(number || is_plain(key)) { quoted(key) } else { key.to_owned() }
}

fn write_map(entries: &[Entry], depth: usize, text: &mut String) {
    for Entry { key, node, .. } in entries {
        text.push_str(&"  ".repeat(depth));
        text.push_str(&key_text(key, false));
        text.push(':');
        write_below(node, depth, text);
    }
}

fn write_list(items: &[Node], depth: usize, text: &mut String) {
    for item in items {
        text.push_str(&"  ".repeat(depth));
        text.push('-');
        match &item.value {
            // The first key shares the line of the dash.
            Value::Map(entries) if !entries.is_empty() && !fits(item, depth) => {
                let mut block = String::new();
                write_map(entries, depth + 1, &mut block);
                text.push(' ');
                text.push_str(block.trim_start());
            }
            Value::List(_) if !fits(item, depth) => write_below(item, depth, text),
            _ => {
                text.push(' ');
                text.push_str(&on_one_line(item, false));
                text.push('\n');
            }
        }
    }
}

/// What follows `key:` or `-`, to the end of its lines.
fn write_below(node: &Node, depth: usize, text: &mut String) {
    match &node.value {
        Value::Map(entries) if !entries.is_empty() && (depth < OPEN_DEPTH || !fits(node, depth)) => {
            text.push('\n');
            write_map(entries, depth + 1, text);
        }
        Value::List(items) if !items.is_empty() && (opens(items, depth) || !fits(node, depth)) => {
            text.push('\n');
            write_list(items, depth + 1, text);
        }
        _ => {
            text.push(' ');
            text.push_str(&on_one_line(node, false));
            text.push('\n');
        }
    }
}

/// Whether a list has things of its own, a line for each.
fn opens(items: &[Node], depth: usize) -> bool {
    depth < OPEN_DEPTH && items.iter().any(|item| matches!(item.value, Value::Map(_)))
}

fn fits(node: &Node, depth: usize) -> bool {
    on_one_line(node, false).chars().count() + 2 * depth <= LINE
}

fn quoted(text: &str) -> String {
    // JSON's escapes are YAML's; what JSON leaves alone and YAML does not is escaped here.
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{2028}' | '\u{2029}' | '\u{feff}' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            other if other.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(other))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a text reads back as itself without quotes, inside brackets too.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let harmless = |c: char| !c.is_control() && !",[]{}#&*!|>'\"%@`\\".contains(c) && c != '\u{feff}';
    !"-?:= ".contains(first)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && text.chars().all(|c| harmless(c) && (!c.is_whitespace() || c == ' '))
        && !AMBIGUOUS.contains(&text.to_ascii_lowercase().as_str())
        && parse(text, 0).root.as_str() == Some(text)
        && parse(&format!("[{text}]"), 0).root.as_list().and_then(|items| items.first()?.as_str()) == Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_read_back_as_they_are_and_stay_readable() {
        let text = "\
name: shop
targets:
  api:
    url: http://localhost:8010
    headers: {X-Name: \"a, b\"}
events:
  cart.add:
    body: {a: \"${x}\", b: [1, 2.5, null], c: {$int: [1, 3]}, empty: \"\"}
checks:
  - {metric: error_rate, max: 0.1}
profiles:
  p:
    \"on\": {x: 1}
";
        let root = parse(text, 0).root;
        assert_eq!(to_yaml(&root), text);
    }

    #[test]
    fn texts_are_quoted_only_where_they_must_be() {
        for (text, written) in [
            ("plain words", "plain words"),
            ("10/s", "10/s"),
            ("5", "\"5\""),
            ("true", "\"true\""),
            ("yes", "\"yes\""),
            ("${env.KEY}", "\"${env.KEY}\""),
            ("a: b", "\"a: b\""),
            ("", "\"\""),
            ("tab\t", "\"tab\\t\""),
            ("http://x:1/y", "http://x:1/y"),
        ] {
            assert_eq!(quote(text), written);
            assert_eq!(parse(written, 0).root.as_str(), Some(text));
        }
    }
}
