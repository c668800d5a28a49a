//! The JSON Schema of scenarios, published as `docs/scenario.schema.json`: for editors, and for the panel's form.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::generate::place::BUILT_IN;
use crate::scenario::built_in;
use crate::scenario::model::Scenario;
use crate::template::reference::{ENTRIES, Kind};

/// The schema of what people write, draft 2020-12: the scenario with `extends`, `profile` and the shorthands at its
/// top. An editor knows from it every key, every word that can stand behind one, how spans and rates are written, and
/// the calls of templates. What it cannot say (names that lead nowhere, weights that cannot work) `throng validate` does.
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Scenario>().to_value();
    let names: Vec<&str> = built_in::all().iter().map(|built_in| built_in.name).collect();
    let extra = [
        (
            "extends",
            json!({
                "description": "Built-in scenario or file that this one is merged over.",
                "anyOf": [{"enum": names}, {"type": "string", "pattern": "\\.(ya?ml|json)$"}],
            }),
        ),
        ("profile", json!({"description": "Profile of what it extends to apply.", "type": "string"})),
        ("target", shorthand("The only target, or `main`.", "Target")),
        ("behavior", shorthand("The only behavior, or `main`.", "Behavior")),
        ("load", shorthand("The load of the only workload, or of `main`.", "Load")),
    ];
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!("Scenario of Throng"));
        if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
            properties.extend(extra.map(|(name, property)| (name.to_owned(), property)));
        }
    }
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.insert("Template".to_owned(), template());
        // A status is a number to those who write it.
        if let Some(causes) = definitions.get_mut("RetryCause").and_then(|cause| cause["oneOf"].as_array_mut()) {
            causes.push(json!({"const": 429, "description": "Asked to slow down."}));
        }
        if let Some(status) =
            definitions.get_mut("AnswerRule").and_then(|rule| rule.pointer_mut("/properties/status/type"))
        {
            *status = json!(["string", "integer", "null"]);
        }
        if let Some(builtin) = definitions.get_mut("Pool").and_then(|pool| pool.pointer_mut("/properties/builtin")) {
            *builtin = json!({"description": builtin["description"], "enum": BUILT_IN});
        }
        for definition in definitions.values_mut() {
            forget_formats(definition);
        }
    }
    schema
}

/// Formats such as `uint32` are no part of the standard: editors warn of them. The bounds say the same.
fn forget_formats(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("format").is_some_and(Value::is_string) {
                map.remove("format");
            }
            map.values_mut().for_each(forget_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_formats),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn shorthand(description: &str, definition: &str) -> Value {
    json!({"description": description, "$ref": format!("#/$defs/{definition}")})
}

/// Any value; in a map the calls and modifiers are known with what they give.
fn template() -> Value {
    let mut properties = Map::new();
    for entry in ENTRIES {
        if matches!(entry.kind, Kind::Call | Kind::Modifier) {
            let description = format!("{}: {}", entry.meaning, entry.example);
            properties.insert(entry.name.to_owned(), json!({"description": description}));
        }
    }
    json!({
        "description": "A template: a literal, a list, a map, or a call such as {$int: [1, 6]}; texts may hold ${expressions}.",
        "properties": properties,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read_tree;

    /// The published text; `cargo test -p shared -- published --nocapture` prints what it should be.
    const PUBLISHED: &str = include_str!("../../docs/scenario.schema.json");

    fn tree(text: &str) -> Value {
        serde_json::to_value(read_tree(text, "").unwrap()).unwrap()
    }

    #[test]
    fn the_published_schema_is_the_one_of_the_types() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        if text != PUBLISHED {
            println!("{text}");
        }
        assert!(text == PUBLISHED, "write it anew: throng schema scenario > docs/scenario.schema.json");
    }

    #[test]
    fn every_reference_in_the_schema_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let schema = schema();
        let mut found = Vec::new();
        references(&schema, &mut found);
        assert!(found.len() > 30);
        for reference in found {
            let name = reference.strip_prefix("#/$defs/").unwrap();
            assert!(schema["$defs"].get(name).is_some(), "{reference}");
        }
        assert_eq!(schema["additionalProperties"], json!(false));
        assert!(schema["properties"]["workloads"]["description"].as_str().unwrap().contains("by name"));
    }

    #[test]
    fn every_built_in_meets_the_schema() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for built_in in built_in::all() {
            let value = tree(built_in.text);
            let errors: Vec<String> =
                validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", built_in.name);
        }
    }

    #[test]
    fn what_a_slip_of_the_fingers_makes_does_not() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        assert!(validator.is_valid(&tree("{extends: demo, load: {rate: 20/s, duration: 1h30m}}")));
        for wrong in [
            "{extends: dmeo}",
            "{extends: demo, laod: {rate: 20/s}}",
            "{extends: demo, load: {rate: fast}}",
            "{extends: demo, load: {duration: 5 parsecs}}",
            "{extends: demo, load: {arrival: poison}}",
            "{extends: demo, target: {protocol: htpp}}",
            "{extends: demo, target: {retry: {when: [sometimes]}}}",
            "{pools: {p: {builtin: city}}}",
            "{pools: {p: {inline: [1], pick: {zipf: high}}}}",
            "{behaviors: {b: {lifecycle: {states: {NEW: {next: [{to: 1, p: 0.5}]}}}}}}",
        ] {
            assert!(!validator.is_valid(&tree(wrong)), "{wrong}");
        }
    }
}
