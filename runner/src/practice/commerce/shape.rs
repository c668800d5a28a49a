//! What is wrong with the shape of a request to the commerce contract, in the service's words. Only asked for when
//! something is.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::intake::Refusal;

/// Everything is optional here, so that what is missing can be named.
#[derive(Deserialize)]
struct Batch {
    events: Option<Vec<Value>>,
}

/// How many events a body has; one if that cannot be told.
pub(super) fn count(body: &[u8]) -> u64 {
    let batch = serde_json::from_slice::<Batch>(body).ok();
    batch.and_then(|batch| batch.events).map_or(1, |events| (events.len() as u64).max(1))
}

/// Says what is wrong.
pub(super) fn complaint(body: &[u8], batch: bool) -> Refusal {
    if !batch {
        return match serde_json::from_slice::<Value>(body) {
            Ok(event) => Refusal::detail(422, faults(&event, "body").unwrap_or_default(), 1),
            Err(error) => Refusal::unreadable(&error),
        };
    }
    let events = match serde_json::from_slice::<Batch>(body) {
        Ok(Batch { events: Some(events) }) => events,
        Ok(Batch { events: None }) => {
            let detail = json!([{"type": "missing", "loc": ["body", "events"], "msg": "Field required"}]);
            return Refusal::detail(422, detail, 1);
        }
        Err(error) => return Refusal::unreadable(&error),
    };
    let detail = events.iter().find_map(|event| faults(event, "events")).unwrap_or_default();
    Refusal::detail(422, detail, events.len() as u64)
}

/// The fields that the contract requires and that are not there or of another kind, as the service lists them.
fn faults(event: &Value, parent: &str) -> Option<Value> {
    let Some(event) = event.as_object() else {
        return Some(json!([{"type": "model_type", "loc": [parent], "msg": "Input should be an object"}]));
    };
    let mut faults = Vec::new();
    for (name, kind) in [("topic", "string"), ("event_type", "string"), ("data", "object")] {
        let fits = |value: &Value| if kind == "string" { value.is_string() } else { value.is_object() };
        match event.get(name) {
            None => faults.push(json!({"type": "missing", "loc": [parent, name], "msg": "Field required"})),
            Some(value) if !fits(value) => {
                let message = format!("Input should be a valid {kind}");
                faults.push(json!({"type": format!("{kind}_type"), "loc": [parent, name], "msg": message}));
            }
            Some(_) => {}
        }
    }
    (!faults.is_empty()).then(|| faults.into())
}
