//! Events as rows of comma-separated values (RFC 4180): nested fields become dotted columns, lists stay JSON. An event
//! that is a list of maps, such as triples, has a row for each of them.

use std::collections::BTreeSet;

use shared::tree::{Node, Value};

/// Columns in the order in which they first appeared.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    names: Vec<String>,
    known: BTreeSet<String>,
}

impl Columns {
    pub(super) fn add(&mut self, name: &str) {
        if self.known.insert(name.to_owned()) {
            self.names.push(name.to_owned());
        }
    }

    /// The first line.
    pub(super) fn header(&self) -> Vec<u8> {
        let mut line = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 {
                line.push(b',');
            }
            cell(name, &mut line);
        }
        line.push(b'\n');
        line
    }
}

/// Turns events into rows.
#[derive(Debug, Default)]
pub(super) struct Row {
    seen: BTreeSet<String>,
    /// The fields of each row of the event at hand.
    rows: Vec<Vec<(String, String)>>,
}

impl Row {
    /// The names in an event that no event before had.
    pub(super) fn fresh_names(&mut self, event: &[u8]) -> Vec<String> {
        self.read(event);
        let mut fresh = Vec::new();
        for (name, _) in self.rows.iter().flatten() {
            if self.seen.insert(name.clone()) {
                fresh.push(name.clone());
            }
        }
        fresh
    }

    /// Writes an event as a row, or several.
    pub(super) fn write(&mut self, event: &[u8], columns: &Columns, out: &mut Vec<u8>) {
        self.read(event);
        for fields in &self.rows {
            for (index, name) in columns.names.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if let Some((_, text)) = fields.iter().find(|(field, _)| field == name) {
                    cell(text, out);
                }
            }
            out.push(b'\n');
        }
    }

    fn read(&mut self, event: &[u8]) {
        self.rows.clear();
        match serde_json::from_slice::<Node>(event) {
            Ok(node) => match node.as_list() {
                Some(items) if !items.is_empty() && items.iter().all(|item| item.as_map().is_some()) => {
                    self.rows.extend(items.iter().map(fields));
                }
                _ => self.rows.push(fields(&node)),
            },
            // An event that is no JSON is one field of text.
            Err(_) => self.rows.push(vec![("value".to_owned(), String::from_utf8_lossy(event).into_owned())]),
        }
    }
}

fn fields(node: &Node) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    flatten(node, &mut String::new(), &mut fields);
    fields
}

fn flatten(node: &Node, path: &mut String, fields: &mut Vec<(String, String)>) {
    if let Some(entries) = node.as_map().filter(|entries| !entries.is_empty()) {
        for entry in entries {
            let length = path.len();
            if length > 0 {
                path.push('.');
            }
            path.push_str(&entry.key);
            flatten(&entry.node, path, fields);
            path.truncate(length);
        }
        return;
    }
    let text = match &node.value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => {
            // What was read from JSON can be written as JSON.
            serde_json::to_string(node).unwrap_or_default()
        }
    };
    fields.push((if path.is_empty() { "value".to_owned() } else { path.clone() }, text));
}

fn cell(text: &str, out: &mut Vec<u8>) {
    if !text.contains(['"', ',', '\n', '\r']) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_fields_become_columns_and_texts_are_quoted() {
        let events = [
            br#"{"a": {"b": 1, "c": "x,\"y\""}, "d": [1, 2]}"#.as_slice(),
            br#"{"d": null, "e": true, "a": {}}"#.as_slice(),
        ];
        let mut columns = Columns::default();
        let mut row = Row::default();
        for event in events {
            row.fresh_names(event).iter().for_each(|name| columns.add(name));
        }
        let mut out = columns.header();
        events.iter().for_each(|event| row.write(event, &columns, &mut out));
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "a.b,a.c,d,e,a\n1,\"x,\"\"y\"\"\",\"[1,2]\",,\n,,,true,{}\n");
    }

    #[test]
    fn an_event_of_triples_has_a_row_for_each() {
        let event =
            br#"[{"subject_id": "order:1", "object_value": "NEW"}, {"subject_id": "line:1", "object_value": "2"}]"#;
        let (mut columns, mut row, mut out) = (Columns::default(), Row::default(), Vec::new());
        row.fresh_names(event).iter().for_each(|name| columns.add(name));
        row.write(event, &columns, &mut out);
        row.write(b"[1, 2]", &columns, &mut out);
        assert_eq!(columns.header(), b"subject_id,object_value\n");
        assert_eq!(String::from_utf8(out).unwrap(), "order:1,NEW\nline:1,2\n,\n");
        assert_eq!(row.fresh_names(b"[1, 2]"), ["value"]);
    }
}
