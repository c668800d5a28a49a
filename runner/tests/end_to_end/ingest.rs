//! Files of events, sent in bulk.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::Value;

use super::process::{Home, assert_reconciles};
use super::trial::Trial;

fn file(home: &Home, name: &str, count: u32) -> (String, Vec<Value>) {
    let events: Vec<Value> =
        (0..count).map(|n| serde_json::json!({"event_id": format!("evt_{n}"), "text": "a, b", "n": n})).collect();
    let text = if name.ends_with("jsonl") {
        events.iter().map(|event| format!("{event}\n")).collect()
    } else {
        Value::from(events.clone()).to_string()
    };
    (home.write(name, &text), events)
}

/// A store that takes each event once.
fn store() -> Trial {
    let known = Mutex::new(BTreeSet::new());
    Trial::start(move |asked| {
        let event: Value = serde_json::from_slice(&asked.body).unwrap();
        let id = event["event_id"].as_str().unwrap().to_owned();
        if event["n"].as_u64().unwrap() % 10 == 7 {
            return (422, "{\"detail\": \"no\"}".to_owned());
        }
        (if known.lock().unwrap().insert(id) { 201 } else { 409 }, String::new())
    })
}

#[test]
fn every_event_of_a_file_is_sent_once_and_accounted_for() {
    for name in ["events.jsonl", "one_line.json"] {
        let home = Home::new();
        let store = store();
        let (path, events) = file(&home, name, 300);
        let url = store.url();
        let arguments = ["ingest", &path, "--url", &url, "--concurrency", "8", "-o", "result.json"];
        let ended = home.ended(&arguments);
        assert_eq!(ended.code, Some(1), "some were refused: {ended:?}");
        assert!(ended.stdout.contains("total 300 events: 270 accepted (90 %), 30 failed (10 %)"), "{ended:?}");
        assert!(ended.stdout.contains("201 270x, 422 30x"), "{ended:?}");
        let result = home.result("result.json");
        assert_reconciles(&result);
        let sent = store.asked("POST /api/v1/ingestion/events");
        let mut sent: Vec<Value> = sent.iter().map(|asked| serde_json::from_slice(&asked.body).unwrap()).collect();
        sent.sort_by_key(|event| event["n"].as_u64());
        assert_eq!(sent, events);
        // The same once more: all of them are known.
        let ended = home.ended(&arguments);
        assert!(ended.stdout.contains("270 duplicates of them"), "{ended:?}");
    }
}

#[test]
fn one_after_the_other_keeps_the_order_and_a_limit_ends_it() {
    let home = Home::new();
    let store = store();
    let (path, _) = file(&home, "events.jsonl", 100);
    let url = format!("{}/own/path", store.url());
    let ended = home.ended(&["ingest", &path, "--url", &url, "--mode", "sequential", "--delay", "1", "--limit", "7"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let sent = store.asked("POST /own/path");
    let numbers: Vec<u64> =
        sent.iter().map(|asked| serde_json::from_slice::<Value>(&asked.body).unwrap()["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn what_cannot_be_sent_is_told_before_anything_is() {
    let home = Home::new();
    let store = store();
    let url = store.url();
    for (name, text, told) in [
        ("empty.jsonl", "", "it has no events"),
        ("empty.json", "[]", "it has no events"),
        ("bad.jsonl", "{\"a\": 1}\n{\"a\": \n", "event 2: not JSON"),
        ("bad.json", "[{\"a\": 1}, {\"a\": 2}", "element 2: the list is never closed"),
    ] {
        let path = home.write(name, text);
        let ended = home.ended(&["ingest", &path, "--url", &url]);
        assert_eq!(ended.code, Some(2), "{name}: {ended:?}");
        assert!(ended.stderr.contains(told), "{name}: {ended:?}");
    }
    let ended = home.ended(&["ingest", "missing.jsonl", "--url", &url]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("missing.jsonl"), "{ended:?}");
    assert!(store.asked("").is_empty());
}
