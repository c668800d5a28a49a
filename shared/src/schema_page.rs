//! A JSON Schema as a page for people: what can be written where, what it means, and what it looks like in use.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::scenario::built_in;
use crate::scenario::read_tree;

/// The order in which people need the parts of a scenario; what is not here comes after.
const SCENARIO: [&str; 19] = [
    "version",
    "name",
    "description",
    "extends",
    "profile",
    "seed",
    "target",
    "behavior",
    "load",
    "targets",
    "pools",
    "events",
    "behaviors",
    "workloads",
    "clock",
    "faults",
    "checks",
    "outputs",
    "profiles",
];
/// The order in which people need the parts of a result.
const RESULTS: [&str; 5] = ["schema_version", "run", "verdict", "totals", "latency"];
/// Longest example that stands in a table.
const LONGEST_EXAMPLE: usize = 64;

/// Values of each field in the built-in scenarios, by definition and field.
type Examples = BTreeMap<(String, String), String>;

/// The reference of scenarios, as Markdown.
pub fn scenario_page(schema: &Value) -> String {
    let mut examples = Examples::new();
    for built_in in built_in::all() {
        let tree = read_tree(built_in.text, built_in.name).ok().and_then(|tree| serde_json::to_value(tree).ok());
        if let Some(tree) = tree {
            gather(schema, "", schema, &tree, &mut examples);
        }
    }
    let head = "# Scenario reference\n\nEvery key of a scenario, made from the types that read it (`throng schema \
        scenario --markdown`). A scenario is YAML or JSON; what is not here is refused, with its place. Examples are \
        taken from the built-in scenarios, which `throng show NAME` prints. Give [scenario.schema.json]\
        (scenario.schema.json) to your editor, and it completes all of this. [templates.md](templates.md) has what can \
        stand in a template.\n\n## The document\n";
    Page { schema, examples, order: &SCENARIO, out: head.to_owned(), told: BTreeSet::new(), simple: BTreeSet::new() }
        .whole()
}

/// The reference of results, as Markdown.
pub fn results_page(schema: &Value) -> String {
    let head = "# Results reference\n\nEvery key of `results.json`, made from the types that write it (`throng schema \
        results --markdown`; [results.schema.json](results.schema.json) is the same for programs). Names carry their \
        units: `_us` are microseconds, `_seconds` seconds. A key that has nothing to say may be absent.\n\n## The document\n";
    let examples = Examples::new();
    Page { schema, examples, order: &RESULTS, out: head.to_owned(), told: BTreeSet::new(), simple: BTreeSet::new() }
        .whole()
}

/// A page that is being written.
struct Page<'a> {
    schema: &'a Value,
    examples: Examples,
    order: &'a [&'a str],
    out: String,
    /// Definitions that have their section.
    told: BTreeSet<String>,
    /// Definitions of single values, which come last.
    simple: BTreeSet<String>,
}

impl Page<'_> {
    fn whole(mut self) -> String {
        let schema = self.schema;
        self.table("", schema);
        for (_, property) in self.ordered(schema) {
            for name in references(property) {
                self.section(&name, 2);
            }
        }
        if !self.simple.is_empty() {
            self.out.push_str("\n## Values\n");
            for name in std::mem::take(&mut self.simple) {
                let definition = &schema["$defs"][&name];
                let _infallible = write!(self.out, "\n### {name}\n\n{}\n", prose(definition));
                if definition["properties"].is_object() {
                    self.out.push_str("\nIts calls and functions are in [templates.md](templates.md).\n");
                }
            }
        }
        self.out
    }

    /// The properties of an object: the root's in the order of reading, what must be there first elsewhere.
    fn ordered<'s>(&self, object: &'s Value) -> Vec<(&'s String, &'s Value)> {
        let Some(properties) = object["properties"].as_object() else { return Vec::new() };
        let mut list: Vec<_> = properties.iter().collect();
        if std::ptr::eq(object, self.schema) {
            let place = |name: &str| self.order.iter().position(|known| *known == name).unwrap_or(usize::MAX);
            list.sort_by_key(|(name, _)| place(name));
        } else {
            list.sort_by_key(|(name, _)| !is_required(object, name));
        }
        list
    }

    /// A definition, then those that it is made of.
    fn section(&mut self, name: &str, depth: usize) {
        let definition = &self.schema["$defs"][name];
        if is_simple(definition) || name == "Template" {
            self.simple.insert(name.to_owned());
            return;
        }
        if !self.told.insert(name.to_owned()) {
            return;
        }
        let _infallible = write!(self.out, "\n{} {name}\n\n{}\n", "#".repeat(depth), prose(definition));
        if definition["oneOf"].is_array() {
            self.choices(name, definition);
        } else {
            self.table(name, definition);
        }
        for inner in references(definition) {
            self.section(&inner, 3);
        }
    }

    /// The keys of an object.
    fn table(&mut self, name: &str, object: &Value) {
        let with_examples = self.examples.keys().any(|(of, _)| of == name);
        self.out.push_str(if with_examples {
            "\n| key | value | meaning | as in |\n| --- | --- | --- | --- |\n"
        } else {
            "\n| key | value | meaning |\n| --- | --- | --- |\n"
        });
        for (key, property) in self.ordered(object) {
            self.row(
                name,
                key,
                property,
                is_required(object, key) && object["properties"][key]["default"].is_null(),
                with_examples,
            );
        }
    }

    fn row(&mut self, of: &str, key: &str, property: &Value, required: bool, with_example: bool) {
        let mut meaning = prose(property);
        if required && !of.is_empty() && self.order.first() == SCENARIO.first() {
            meaning.push_str(" Must be there.");
        }
        if let Some(default) = default(property) {
            let _infallible = write!(meaning, " Default: `{}`.", escaped(&default));
        }
        let _infallible = write!(self.out, "| `{key}` | {} | {} |", kind(property), meaning.trim());
        if with_example {
            let field = key.rsplit('.').next().unwrap_or(key).to_owned();
            match self.examples.get(&(of.to_owned(), field)) {
                Some(example) => {
                    let _infallible = write!(self.out, " `{}` |", escaped(example));
                }
                None => self.out.push_str(" |"),
            }
        }
        self.out.push('\n');
    }

    /// The forms of which exactly one is written.
    fn choices(&mut self, name: &str, definition: &Value) {
        self.out.push_str("\n| one of | value | meaning |\n| --- | --- | --- |\n");
        for choice in definition["oneOf"].as_array().into_iter().flatten() {
            if let Some(words) = choice["enum"].as_array() {
                let words: Vec<String> = words.iter().map(|word| format!("`{}`", plain(word))).collect();
                let _infallible = writeln!(self.out, "| {} | | {} |", words.join(", "), prose(choice));
            } else if !choice["const"].is_null() {
                let _infallible = writeln!(self.out, "| `{}` | | {} |", plain(&choice["const"]), prose(choice));
            } else if let Some(properties) = choice["properties"].as_object() {
                for (key, inner) in properties {
                    let meaning = [prose(choice), prose(inner)].join(" ");
                    let _infallible = writeln!(self.out, "| `{key}:` | {} | {} |", kind(inner), meaning.trim());
                    for (part, property) in self.ordered(inner) {
                        self.row(name, &format!("{key}.{part}"), property, is_required(inner, part), false);
                    }
                }
            } else {
                let _infallible = writeln!(self.out, "| | {} | {} |", kind(choice), prose(choice));
            }
        }
    }
}

/// Follows a value along its schema and keeps short values of fields, the first of each.
fn gather(root: &Value, name: &str, schema: &Value, value: &Value, examples: &mut Examples) {
    if let Some(to) = reference(schema) {
        return gather(root, to, &root["$defs"][to], value, examples);
    }
    for choice in ["anyOf", "oneOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten() {
        let fits = choice["properties"]
            .as_object()
            .is_none_or(|known| value.as_object().is_some_and(|given| given.keys().all(|key| known.contains_key(key))));
        if fits {
            gather(root, name, choice, value, examples);
        }
    }
    match value {
        Value::Object(given) => {
            for (key, inner) in given {
                if let Some(property) = schema["properties"].get(key).filter(|_| name != "Template") {
                    let text = flow(inner);
                    if text.len() <= LONGEST_EXAMPLE {
                        examples.entry((name.to_owned(), key.clone())).or_insert(text);
                    }
                    gather(root, name, property, inner, examples);
                } else if schema["additionalProperties"].is_object() {
                    gather(root, name, &schema["additionalProperties"], inner, examples);
                }
            }
        }
        Value::Array(items) if schema["items"].is_object() => {
            items.iter().for_each(|item| gather(root, name, &schema["items"], item, examples));
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The definition that a schema is, if it is one by name.
fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// The definitions that a schema names, in order.
fn references(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match schema {
        Value::Object(map) => {
            found.extend(reference(schema).map(str::to_owned));
            map.iter().filter(|(key, _)| *key != "default").for_each(|(_, inner)| found.extend(references(inner)));
        }
        Value::Array(items) => items.iter().for_each(|item| found.extend(references(item))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

/// Whether a definition is a single value, whose description says how it is written.
fn is_simple(definition: &Value) -> bool {
    definition["oneOf"].is_null() && definition["properties"].is_null()
}

fn is_required(object: &Value, name: &str) -> bool {
    object["required"].as_array().is_some_and(|required| required.iter().any(|known| known == name))
}

/// What may stand there, in words.
fn kind(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let kinds: Vec<String> = choices.iter().filter(|choice| choice["type"] != "null").map(kind).collect();
        return kinds.join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| format!("`{}`", plain(word))).collect::<Vec<_>>().join(", ");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => return "anything".to_owned(),
    };
    types.into_iter().map(|kind_of| typed(kind_of, schema)).collect::<Vec<_>>().join(" or ")
}

fn typed(kind_of: &str, schema: &Value) -> String {
    let bounds = match (schema["minimum"].as_f64().filter(|minimum| *minimum > 0.0), schema["maximum"].as_f64()) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(" from {least}"),
        (None, Some(most)) => format!(" up to {most}"),
        (None, None) => String::new(),
    };
    match kind_of {
        "string" => "text".to_owned(),
        "integer" => format!("whole number{bounds}"),
        "number" => format!("number{bounds}"),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => match schema["prefixItems"].as_array() {
            Some(parts) => format!("[{}]", parts.iter().map(kind).collect::<Vec<_>>().join(", ")),
            None => format!("list of {}", kind(&schema["items"])),
        },
        "object" if schema["additionalProperties"].is_object() => {
            format!("map of {}", kind(&schema["additionalProperties"]))
        }
        _ => "map".to_owned(),
    }
}

/// What is there when nobody says otherwise, where that is something.
fn default(property: &Value) -> Option<String> {
    match property.get("default")? {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Object(map) if map.is_empty() => None,
        value => Some(flow(value)).filter(|text| text.len() <= LONGEST_EXAMPLE),
    }
}

/// A description in one line that can stand in a table.
fn prose(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    escaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value in one line of YAML.
fn flow(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => {
            let bare = !text.is_empty() && !text.contains([',', ':', '#', '{', '}', '[', ']', '"', '\'', '\n', '`']);
            if bare { text.clone() } else { format!("{text:?}").replace('`', "'") }
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => format!("{{{}}}", members(map)),
    }
}

fn members(map: &Map<String, Value>) -> String {
    map.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results_schema::results_schema;
    use crate::scenario_schema;

    /// The published pages; `throng schema scenario --markdown > docs/scenario.md` writes one anew.
    const SCENARIO_PAGE: &str = include_str!("../../docs/scenario.md");
    const RESULTS_PAGE: &str = include_str!("../../docs/results.md");

    #[test]
    fn the_published_references_are_those_of_the_types() {
        let again = "write it anew: throng schema WHAT --markdown > docs/WHAT.md";
        assert!(scenario_page(&scenario_schema::schema()) == SCENARIO_PAGE, "docs/scenario.md: {again}");
        assert!(results_page(&results_schema()) == RESULTS_PAGE, "docs/results.md: {again}");
    }

    #[test]
    fn every_definition_has_a_section_and_every_key_a_meaning() {
        for (schema, page) in [(scenario_schema::schema(), SCENARIO_PAGE), (results_schema(), RESULTS_PAGE)] {
            for name in schema["$defs"].as_object().unwrap().keys() {
                let headings = page.lines().filter(|line| line.trim_start_matches('#').trim() == name).count();
                assert_eq!(headings, 1, "{name}");
            }
            for line in page.lines().filter(|line| line.starts_with("| `")) {
                let line = line.replace("\\|", "/");
                let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                assert!(!cells[3].is_empty(), "no meaning: {line}");
            }
        }
    }

    #[test]
    fn keys_have_examples_from_the_built_ins() {
        for part in ["| `rate` | [Rate](#rate)", "`{delay: 1s}`", "Default: `http`."] {
            assert!(SCENARIO_PAGE.contains(part), "{part}");
        }
        let rows = |page: &str| page.lines().filter(|line| line.ends_with("` |")).count();
        assert!(rows(SCENARIO_PAGE) > 60, "{}", rows(SCENARIO_PAGE));
    }
}
