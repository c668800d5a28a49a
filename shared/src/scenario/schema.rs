//! The JSON Schema of a scenario, for editors and for the panel's form.

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use crate::scenario::model::Scenario;

/// The schema of what people write: the scenario with `extends`, `profile` and the shorthands at its top.
pub fn schema() -> Value {
    let generator: SchemaGenerator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Scenario>().to_value();
    let extra = [
        (
            "extends",
            json!({"description": "Built-in scenario or file that this one is merged over.", "type": "string"}),
        ),
        ("profile", json!({"description": "Profile of what it extends to apply.", "type": "string"})),
        ("target", shorthand("The only target, or `main`.", "Target")),
        ("behavior", shorthand("The only behavior, or `main`.", "Behavior")),
        ("load", shorthand("The load of the only workload, or of `main`.", "Load")),
    ];
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in extra {
            properties.insert(name.to_owned(), property);
        }
    }
    schema
}

fn shorthand(description: &str, definition: &str) -> Value {
    json!({"description": description, "$ref": format!("#/$defs/{definition}")})
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
