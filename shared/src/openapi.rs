//! The OpenAPI document of the runner's API, made from the types that travel.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::api::{
    CheckScenario, CheckedScenario, ErrorBody, Labels, RunSummary, SaveScenario, SavedScenario, ScenarioDocument,
    ScenarioSummary, StartRun, Status, TargetReport, TargetSettings, Trial, TryScenario,
};
use crate::compare::Comparison;
use crate::run::{Change, Command, LiveMessage, RunInfo, RunResult};

/// Makes the schema of a type and gives a reference to it.
type SchemaOf = fn(&mut SchemaGenerator) -> Value;

/// One request that the API takes.
struct Route {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    /// Name, whether it is needed, what it is.
    query: &'static [(&'static str, bool, &'static str)],
    body: Option<SchemaOf>,
    status: u16,
    /// What is answered, and as which media type; nothing for an empty answer.
    answer: Option<(&'static str, SchemaOf)>,
    /// Errors with a status of their own, each with what it means.
    errors: &'static [(u16, &'static str)],
}

const JSON: &str = "application/json";

/// A request that answers with JSON and takes nothing.
const GET: Route =
    Route { method: "get", path: "", summary: "", query: &[], body: None, status: 200, answer: None, errors: &[] };

const MISSING_RUN: (u16, &str) = (404, "There is no such run.");
const MISSING_SCENARIO: (u16, &str) = (404, "There is no such scenario.");
const MISSING_TARGET: (u16, &str) = (404, "This server has no practice target.");
const MALFORMED: [(u16, &str); 3] =
    [(400, "The body is no JSON."), (413, "The body is too long."), (415, "The body is not declared as JSON.")];

/// Every request, in the order in which a person meets them.
fn routes() -> Vec<Route> {
    vec![
        Route {
            path: "/api/status",
            summary: "What the server is and does right now",
            answer: Some((JSON, schema::<Status>)),
            ..GET
        },
        Route { path: "/api/openapi.json", summary: "This document", answer: Some((JSON, anything)), ..GET },
        Route {
            path: "/api/scenarios",
            summary: "Built-in scenarios and people's own",
            answer: Some((JSON, schema::<Vec<ScenarioSummary>>)),
            ..GET
        },
        Route {
            path: "/api/scenarios/{name}",
            summary: "A scenario's text",
            answer: Some((JSON, schema::<ScenarioDocument>)),
            errors: &[MISSING_SCENARIO],
            ..GET
        },
        Route {
            method: "put",
            path: "/api/scenarios/{name}",
            summary: "Stores a scenario's text, valid or not, and says what is wrong with it",
            body: Some(schema::<SaveScenario>),
            answer: Some((JSON, schema::<SavedScenario>)),
            errors: &[
                (403, "It is a built-in."),
                (409, "The name is taken, or the stored text is another than expected."),
                (422, "The name cannot be one, or the body is not what is expected."),
            ],
            ..GET
        },
        Route {
            method: "delete",
            path: "/api/scenarios/{name}",
            summary: "Deletes a scenario",
            status: 204,
            errors: &[MISSING_SCENARIO, (403, "It is a built-in.")],
            ..GET
        },
        Route {
            method: "post",
            path: "/api/validate",
            summary: "Says what is wrong with a scenario; stores and runs nothing",
            body: Some(schema::<CheckScenario>),
            answer: Some((JSON, schema::<CheckedScenario>)),
            errors: &[(422, "The body is not what is expected.")],
            ..GET
        },
        Route {
            method: "post",
            path: "/api/try",
            summary: "Tries a scenario out: asks its targets for a connection, and sends one event of each kind if told to",
            body: Some(schema::<TryScenario>),
            answer: Some((JSON, schema::<Trial>)),
            errors: &[
                MISSING_SCENARIO,
                (409, "This server has no practice target."),
                (422, "The scenario cannot run; its problems say why."),
                (502, "A target that fills a pool cannot be reached."),
            ],
            ..GET
        },
        Route {
            path: "/api/runs",
            summary: "The history, newest first",
            query: &[
                ("scenario", false, "Only runs of this scenario."),
                ("tag", false, "Only runs with this tag."),
                ("limit", false, "Only so many of the newest."),
            ],
            answer: Some((JSON, schema::<Vec<RunSummary>>)),
            errors: &[(400, "The query is not what is expected.")],
            ..GET
        },
        Route {
            method: "post",
            path: "/api/runs",
            summary: "Starts a run",
            body: Some(schema::<StartRun>),
            status: 201,
            answer: Some((JSON, schema::<RunInfo>)),
            errors: &[
                MISSING_SCENARIO,
                (409, "A run is going on, or this server has no practice target."),
                (422, "The scenario cannot run; its problems say why."),
                (502, "A target cannot be reached."),
            ],
            ..GET
        },
        Route {
            path: "/api/runs/{id}",
            summary: "One run",
            answer: Some((JSON, schema::<RunSummary>)),
            errors: &[MISSING_RUN],
            ..GET
        },
        Route {
            method: "delete",
            path: "/api/runs/{id}",
            summary: "Deletes a run that is over",
            status: 204,
            errors: &[MISSING_RUN, (409, "The run is going on.")],
            ..GET
        },
        Route {
            path: "/api/runs/{id}/result",
            summary: "A run's result, as a download",
            answer: Some((JSON, schema::<RunResult>)),
            errors: &[MISSING_RUN, (409, "The run is going on.")],
            ..GET
        },
        Route {
            path: "/api/runs/{id}/export",
            summary: "A run's result in a format, as a download",
            query: &[("format", false, "json (when left out), testbench, html, csv or hdr.")],
            answer: Some(("*/*", anything)),
            errors: &[
                MISSING_RUN,
                (400, "There is no such format."),
                (409, "The run is going on, or has nothing that this format could hold."),
            ],
            ..GET
        },
        Route {
            method: "put",
            path: "/api/runs/{id}/labels",
            summary: "Keeps tags, a note and the mark of a baseline with a run",
            body: Some(schema::<Labels>),
            answer: Some((JSON, schema::<RunSummary>)),
            errors: &[MISSING_RUN, (422, "The body is not what is expected.")],
            ..GET
        },
        Route {
            method: "post",
            path: "/api/runs/{id}/commands",
            summary: "Gives a command to a run that is going on",
            body: Some(schema::<Command>),
            answer: Some((JSON, schema::<Change>)),
            errors: &[
                MISSING_RUN,
                (409, "The run is over, or the command makes no sense in its state."),
                (422, "The command is not one, or a value of it is out of range."),
                (503, "The run is too busy to take another command."),
            ],
            ..GET
        },
        Route {
            path: "/api/compare",
            summary: "Whether two runs really differ",
            query: &[
                ("candidate", true, "The run that is judged."),
                ("baseline", false, "The run that it is compared with; the scenario's baseline when left out."),
                ("confidence", false, "How often an interval holds the truth (0 to 1); 0.99 when left out."),
                ("tolerance", false, "Changes up to this share are called none; 0 when left out."),
            ],
            answer: Some((JSON, schema::<Comparison>)),
            errors: &[MISSING_RUN, (400, "The query is not what is expected."), (409, "A run is going on.")],
            ..GET
        },
        Route {
            path: "/api/live/{id}",
            summary: "A run as it happens, over a WebSocket: first a hello with the history, then ticks",
            status: 101,
            answer: Some((JSON, schema::<LiveMessage>)),
            errors: &[MISSING_RUN, (400, "It does not ask for a WebSocket."), (426, "It does not ask for an upgrade.")],
            ..GET
        },
        Route {
            path: "/api/target",
            summary: "The practice target: how it answers, what it received",
            answer: Some((JSON, schema::<TargetReport>)),
            errors: &[MISSING_TARGET],
            ..GET
        },
        Route {
            method: "put",
            path: "/api/target/settings",
            summary: "Changes how the practice target answers",
            body: Some(schema::<TargetSettings>),
            answer: Some((JSON, schema::<TargetReport>)),
            errors: &[MISSING_TARGET, (422, "A setting is out of range.")],
            ..GET
        },
        Route {
            method: "post",
            path: "/api/target/reset",
            summary: "Forgets what the practice target received",
            answer: Some((JSON, schema::<TargetReport>)),
            errors: &[MISSING_TARGET],
            ..GET
        },
        Route {
            path: "/metrics",
            summary: "The newest run's figures in Prometheus's text format",
            answer: Some(("text/plain", anything)),
            ..GET
        },
    ]
}

fn schema<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

fn anything(_generator: &mut SchemaGenerator) -> Value {
    json!({})
}

/// Every request as (method, path), in lower case and with parameters in braces.
pub fn described() -> Vec<(&'static str, &'static str)> {
    routes().iter().map(|route| (route.method, route.path)).collect()
}

/// The document, OpenAPI 3.1.
pub fn document(version: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let error = schema::<ErrorBody>(&mut generator);
    let mut paths: Map<String, Value> = Map::new();
    for route in routes() {
        let operation = operation(&route, &error, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(path) = path {
            path.insert(route.method.to_owned(), operation);
        }
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Throng",
            "version": version,
            "description": "Start, watch, steer and compare runs. A server that other machines can reach wants its \
                            token: `Authorization: Bearer TOKEN`.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    })
}

fn operation(route: &Route, error: &Value, generator: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.extend(route.query.iter().map(|(name, required, description)| {
        json!({"name": name, "in": "query", "required": required, "description": description,
            "schema": {"type": "string"}})
    }));
    let mut responses = Map::new();
    let success = match route.answer {
        Some((media, of)) => json!({"description": route.summary, "content": {media: {"schema": of(generator)}}}),
        None => json!({"description": "Done."}),
    };
    responses.insert(route.status.to_string(), success);
    let of_body: &[(u16, &str)] = if route.body.is_some() { &MALFORMED } else { &[] };
    let common = [(401, "The token is missing or wrong."), (403, "The request comes from another site or host.")];
    for (status, meaning) in of_body.iter().chain(&common).chain(route.errors) {
        let described = responses.get(&status.to_string()).and_then(|known| known["description"].as_str());
        let meaning = described.map_or_else(|| (*meaning).to_owned(), |known| format!("{known} {meaning}"));
        responses.insert(status.to_string(), json!({"description": meaning, "content": {JSON: {"schema": error}}}));
    }
    let mut operation = json!({
        "summary": route.summary,
        "operationId": operation_id(route),
        "parameters": parameters,
        "responses": responses,
    });
    if let (Some(body), Value::Object(fields)) = (route.body, &mut operation) {
        let schema = body(generator);
        fields.insert("requestBody".to_owned(), json!({"required": true, "content": {JSON: {"schema": schema}}}));
    }
    operation
}

/// A name for generated clients: `get_runs_id_result`.
fn operation_id(route: &Route) -> String {
    let words = route.path.trim_start_matches("/api").split(['/', '.']).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.map(|word| word.trim_matches(['{', '}'])).collect();
    format!("{}_{}", route.method, words.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    found.insert(reference.clone());
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document("1.2.3");
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 30, "{found:?}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_says_how_it_fails() {
        let document = document("1.2.3");
        let mut names = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
                let failures = operation["responses"].as_object().unwrap();
                assert!(failures.keys().any(|status| status.starts_with('4')), "{method} {path}");
            }
        }
        assert_eq!(names.len(), described().len());
    }

    #[test]
    fn what_is_sent_and_answered_meets_its_schema() {
        let document = document("1.2.3");
        let start: StartRun = serde_json::from_value(json!({"scenario": {"named": "commerce-events"}})).unwrap();
        for (name, value) in [
            ("StartRun", json!({"scenario": {"named": "commerce-events"}})),
            ("StartRun", serde_json::to_value(&start).unwrap()),
            ("Command", json!({"set_rate_multiplier": {"multiplier": 2.0}})),
            ("Command", json!("pause")),
            ("Labels", json!({"tags": ["nightly"]})),
        ] {
            let schema = json!({"$ref": format!("#/components/schemas/{name}"), "components": document["components"]});
            let validator = jsonschema::validator_for(&schema).unwrap();
            assert!(validator.is_valid(&value), "{name}: {value}");
            assert!(!validator.is_valid(&json!({"surprise": 1})), "{name} takes anything");
        }
    }
}
