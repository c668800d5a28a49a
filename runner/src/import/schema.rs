//! From a JSON Schema to a template that draws values which it allows.

use shared::tree::{Node, Value};

use super::Notes;
use super::build::{Map, literal_text};

/// References and parts are followed this deep.
const MAX_DEPTH: u32 = 12;
/// Fields of one template at most.
const MAX_FIELDS: u32 = 300;

/// Finds what `$ref` refers to inside a document.
pub(super) struct References<'a> {
    root: &'a Node,
}

impl<'a> References<'a> {
    pub(super) fn new(root: &'a Node) -> Self {
        Self { root }
    }

    /// What a node stands for; the node itself when it refers to nothing that is there.
    pub(super) fn resolve(&self, node: &'a Node) -> &'a Node {
        let mut node = node;
        for _ in 0..MAX_DEPTH {
            let Some(reference) = node.get("$ref").and_then(Node::as_str) else { return node };
            let Some(path) = reference.strip_prefix("#/") else { return node };
            let mut target = Some(self.root);
            for step in path.split('/') {
                let step = step.replace("~1", "/").replace("~0", "~");
                target = target.and_then(|node| node.get(&step));
            }
            match target {
                Some(found) => node = found,
                None => return node,
            }
        }
        node
    }
}

/// A template of what a schema allows.
pub(super) fn template<'a>(schema: &'a Node, references: &References<'a>, place: &str, notes: &mut Notes) -> Node {
    let mut fields = 0;
    Maker { references, place, fields: &mut fields, notes }.node(schema, 0)
}

struct Maker<'m, 'a> {
    references: &'m References<'a>,
    place: &'m str,
    fields: &'m mut u32,
    notes: &'m mut Notes,
}

impl<'a> Maker<'_, 'a> {
    fn node(&mut self, schema: &'a Node, depth: u32) -> Node {
        let schema = self.references.resolve(schema);
        *self.fields += 1;
        if depth > MAX_DEPTH || *self.fields > MAX_FIELDS {
            self.notes.add(self.place, "its schema is deeper or larger than can be carried over; null stands in");
            return Node::default();
        }
        for constant in ["example", "const"] {
            if let Some(value) = schema.get(constant) {
                return super::request::template(value, self.place, self.notes);
            }
        }
        if let Some(values) = schema.get("enum").and_then(Node::as_list).filter(|values| !values.is_empty()) {
            let literal = |node: &Node| match &node.value {
                Value::String(text) => Value::String(literal_text(text)).into(),
                other => other.clone().into(),
            };
            let values: Vec<Node> = values.iter().map(literal).collect();
            return Map::new().with("$pick", values).node();
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(first) = schema.get(choice).and_then(Node::as_list).and_then(<[Node]>::first) {
                self.notes.add(self.place, format!("of {choice} the first is used"));
                return self.node(first, depth + 1);
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Node::as_list) {
            let mut whole = Map::new();
            for part in parts {
                let made = self.node(part, depth + 1);
                for entry in made.as_map().unwrap_or_default() {
                    whole.put(&entry.key, entry.node.clone());
                }
            }
            return whole.node();
        }
        match type_of(schema) {
            "string" => self.text(schema),
            "integer" => {
                let (low, high) = range(schema, 1.0, 1_000.0);
                Map::new().with("$int", vec![low.ceil() as i64, high.floor() as i64]).node()
            }
            "number" => {
                let (low, high) = range(schema, 0.0, 1_000.0);
                Map::new().with("$uniform", vec![low, high]).with("round", 2_i64).node()
            }
            "boolean" => Map::new().with("$bool", 0.5).node(),
            "array" => {
                let items = schema.get("items").map(|items| self.node(items, depth + 1)).unwrap_or_default();
                Value::List(vec![items]).into()
            }
            "null" => Node::default(),
            _ => self.object(schema, depth),
        }
    }

    fn object(&mut self, schema: &'a Node, depth: u32) -> Node {
        let mut map = Map::new();
        for property in schema.get("properties").and_then(Node::as_map).unwrap_or_default() {
            let read_only = self.references.resolve(&property.node).get("readOnly");
            if read_only.is_some_and(|node| node.value == Value::Bool(true)) {
                continue;
            }
            if property.key.starts_with('$') {
                self.notes.add(self.place, format!("the key `{}` starts with $; left out", property.key));
                continue;
            }
            let node = self.node(&property.node, depth + 1);
            map.put(&property.key, node);
        }
        map.node()
    }

    fn text(&mut self, schema: &Node) -> Node {
        let format = schema.get("format").and_then(Node::as_str).unwrap_or_default();
        if schema.get("pattern").is_some() {
            self.notes.add(self.place, "a pattern of its schema is not looked at; check the texts that are drawn");
        }
        match format {
            "uuid" => Map::new().with("$uuid", Map::new().with("v", 4_i64)).node(),
            "date-time" => Map::new().with("$now", "rfc3339").node(),
            "email" => Value::String("${user.id}@example.com".to_owned()).into(),
            "ipv4" | "ip" => Value::String("192.0.2.1".to_owned()).into(),
            "uri" | "url" => Value::String("https://example.com/${hex(8)}".to_owned()).into(),
            "date" => Value::String("2026-01-01".to_owned()).into(),
            _ => {
                let length = |name: &str| schema.get(name).and_then(Node::as_f64).unwrap_or(8.0);
                let digits = length("minLength").max(8.0).min(length("maxLength").max(1.0)).clamp(1.0, 16.0);
                Value::String(format!("${{hex({})}}", digits as i64)).into()
            }
        }
    }
}

/// A schema's type; the first one that is not `null` where there are several.
fn type_of(schema: &Node) -> &str {
    let written = match schema.get("type") {
        Some(node) => match node.as_list() {
            Some(types) => types.iter().filter_map(Node::as_str).find(|name| *name != "null"),
            None => node.as_str(),
        },
        None => None,
    };
    written.unwrap_or(if schema.get("items").is_some() { "array" } else { "object" })
}

/// Smallest and largest value, the usual ones where none is said; never upside down.
fn range(schema: &Node, low: f64, high: f64) -> (f64, f64) {
    let bound = |names: [&str; 2]| names.iter().find_map(|name| schema.get(name).and_then(Node::as_f64));
    let low = bound(["minimum", "exclusiveMinimum"]).unwrap_or(low).clamp(-9e15, 9e15);
    let high = bound(["maximum", "exclusiveMaximum"]).unwrap_or(high.max(low + 1_000.0)).clamp(-9e15, 9e15);
    if high >= low { (low, high) } else { (low, low) }
}
