//! What is answered to messages that carry GraphQL: a service behind the broker acknowledges each mutation on one topic
//! and tells on another what became of its tasks.

use std::sync::LazyLock;

use serde_json::{Value, json};
use shared::encode::Pointer;

use super::broker::Broker;

const MUTATION: &str = "graphql/mutation";
const STATUS: &str = "graphql/mutation/status";
const ACKNOWLEDGEMENT: &str = "response/acknowledgement";
const STATUS_ANSWER: &str = "response/status";

/// Answers a message, where it is one for the service. Unlike the one that it is modelled on, a message that is no JSON
/// does not end it.
pub(super) fn answer(broker: &Broker, topic: &str, payload: &[u8]) {
    match topic {
        MUTATION => {
            if let Some(answer) = acknowledge(broker.number(), payload) {
                broker.publish(ACKNOWLEDGEMENT, answer.as_bytes(), 0, false, None);
            }
        }
        STATUS => {
            if let Some(answer) = tell(payload) {
                broker.publish(STATUS_ANSWER, answer.as_bytes(), 0, false, None);
            }
        }
        _ => {}
    }
}

/// What a mutation repeats in its acknowledgement.
fn acknowledge(task: u64, payload: &[u8]) -> Option<String> {
    static FIELDS: LazyLock<[Pointer; 3]> = LazyLock::new(|| ["uuids", "serviceName", "variables"].map(Pointer::field));
    if serde_json::from_slice::<serde::de::IgnoredAny>(payload).is_err() || !payload.trim_ascii().starts_with(b"{") {
        return None;
    }
    let raw = |field: &Pointer| field.find(payload).map_or("null".into(), String::from_utf8_lossy);
    let [uuids, service, variables] = &*FIELDS;
    Some(format!(
        r#"{{"task_id":"task-{task}","status":"PENDING","uuids":{},"serviceName":{},"payload":{}}}"#,
        raw(uuids),
        raw(service),
        raw(variables)
    ))
}

/// What became of tasks: everything is done at once here.
fn tell(payload: &[u8]) -> Option<String> {
    let asked: Value = serde_json::from_slice(payload).ok()?;
    let tasks = asked.get("taskIds")?.as_array()?;
    let told: Vec<Value> = tasks
        .iter()
        .filter_map(|task| task.get("taskId"))
        .map(|id| json!({"taskId": id, "status": "SUCCESS"}))
        .collect();
    Some(Value::from(told).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutation_is_acknowledged_with_what_it_said() {
        let payload = br#"{"serviceName":"s","uuids":["u-1"],"query":"q","variables":{"input":{"a":1}}}"#;
        let answer: Value = serde_json::from_str(&acknowledge(7, payload).unwrap()).unwrap();
        let expected = json!({"task_id": "task-7", "status": "PENDING", "uuids": ["u-1"], "serviceName": "s",
            "payload": {"input": {"a": 1}}});
        assert_eq!(answer, expected);
        for wrong in [&b"no json"[..], b"[1]", b"", b"{", b"\xff"] {
            assert_eq!(acknowledge(1, wrong), None);
        }
    }

    #[test]
    fn the_state_of_each_task_is_told() {
        let answer = tell(br#"{"taskIds":[{"taskId":"a"},{"taskId":7},{}]}"#).unwrap();
        assert_eq!(answer, r#"[{"status":"SUCCESS","taskId":"a"},{"status":"SUCCESS","taskId":7}]"#);
        assert!(tell(b"{}").is_none() && tell(b"x").is_none());
    }
}
