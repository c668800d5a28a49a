//! Targets that are files or nothing, and files of what was sent.

use std::collections::BTreeSet;

use serde_json::Value;

use super::process::{Home, assert_reconciles};
use super::trial::Trial;

fn scenario(target: &str, more: &str) -> String {
    format!(
        "name: sinks\nseed: 5\nclock: {{mode: backfill, start: \"2026-03-01T00:00:00Z\", end: \"2026-03-02T00:00:00Z\"}}\n\
         targets: {{t: {target}}}\nevents: {{seen: {{body: {{id: \"${{event.id}}\", at: {{$now: rfc3339}}}}}}}}\n\
         behaviors: {{b: {{emit: {{event: seen}}}}}}\nworkloads: {{w: {{load: {{count: 2000}}}}}}\n{more}"
    )
}

fn lines(text: &str) -> BTreeSet<&str> {
    text.lines().collect()
}

#[test]
fn a_run_fills_a_file_with_the_events_of_a_dataset() {
    let home = Home::new();
    std::fs::create_dir(home.path("deep")).unwrap();
    let file = home.write("deep/file.yaml", &scenario("{protocol: file, url: events.jsonl}", ""));
    let ended = home.ended(&["run", &file, "-o", "result.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let result = home.result("result.json");
    assert_reconciles(&result);
    assert_eq!((result.totals.events.succeeded, result.status_codes.len()), (2_000, 0));
    let path = home.path("deep/events.jsonl");
    let written = std::fs::read_to_string(&path).unwrap();
    let generated = home.ended(&["generate", &file]).stdout;
    assert_eq!(lines(&written).len(), 2_000);
    assert!(lines(&written) == lines(&generated), "a file beside the scenario holds what a dataset holds");
    assert_eq!(result.totals.bytes.sent, written.len() as u64);
    let ended = home.ended(&["run", &file]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 4_000, "it is appended to");
    let lost = home.write("lost.yaml", &scenario("{protocol: file, url: no/such/place.jsonl}", ""));
    let ended = home.ended(&["run", &lost]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("no/such/place.jsonl: No such file"), "{ended:?}");
}

#[test]
fn what_is_discarded_is_counted() {
    let home = Home::new();
    let file = home.write("nowhere.yaml", &scenario("{protocol: discard}", ""));
    let ended = home.ended(&["run", &file, "-o", "result.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let result = home.result("result.json");
    assert_reconciles(&result);
    assert_eq!(result.totals.events.succeeded, 2_000);
    let odd =
        home.write("odd.yaml", &scenario("{protocol: discard, headers: {A: b}, auth: {bearer: {token: x1y2z3}}}", ""));
    let ended = home.ended(&["validate", &odd]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.stderr.matches("has no effect on a target of protocol discard").count(), 2, "{ended:?}");
}

#[test]
fn every_event_that_was_sent_is_saved_whatever_became_of_it() {
    let home = Home::new();
    let refused = std::sync::atomic::AtomicU32::new(0);
    let trial = Trial::start(move |_| {
        let number = refused.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        (if number.is_multiple_of(3) { 400 } else { 200 }, String::new())
    });
    let target = format!(
        "{{url: \"{}\", batch: {{size: 7, linger: 10ms, path: /batch, wrap: {{events: \"${{batch}}\"}}}}}}",
        trial.url()
    );
    let file = home.write("saved.yaml", &scenario(&target, ""));
    let ended = home.ended(&["run", &file, "--save-events", "kept.jsonl", "-o", "result.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let result = home.result("result.json");
    assert!(result.totals.events.failed > 0);
    let kept = std::fs::read_to_string(home.path("kept.jsonl")).unwrap();
    let mut received = BTreeSet::new();
    for asked in trial.asked("POST /batch") {
        let body: Value = serde_json::from_slice(&asked.body).unwrap();
        received.extend(body["events"].as_array().unwrap().iter().map(Value::to_string));
    }
    let kept: BTreeSet<String> =
        kept.lines().map(|line| serde_json::from_str::<Value>(line).unwrap().to_string()).collect();
    assert_eq!(kept.len() as u64, result.totals.events.sent);
    assert!(kept == received);
    // In the scenario itself it works as well, and a run begins the file anew.
    let file = home.write("own.yaml", &scenario(&target, "outputs: {events: {jsonl: kept.jsonl}}\n"));
    let ended = home.ended(&["run", &file]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("kept.jsonl"), "{}", ended.stdout);
    assert_eq!(std::fs::read_to_string(home.path("kept.jsonl")).unwrap().lines().count(), 2_000);
    // As one list, or as rows: then nothing of the lines is left.
    for name in ["kept.json", "kept.csv"] {
        let ended = home.ended(&["run", &file, "--save-events", name]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!home.path(&format!("{name}.lines")).exists());
    }
    let list: Vec<Value> = serde_json::from_slice(&std::fs::read(home.path("kept.json")).unwrap()).unwrap();
    assert_eq!(list.len(), 2_000);
    assert_eq!(std::fs::read_to_string(home.path("kept.csv")).unwrap().lines().count(), 2_001);
}

#[tokio::test]
async fn a_scenario_from_the_network_writes_only_into_the_data_directory() {
    let home = Home::new();
    let data = home.path("data");
    std::fs::create_dir_all(data.join("files")).unwrap();
    let (_server, address) = home.serve(&["--data-dir", data.to_str().unwrap()]);
    let tls = runner::transport::tls::TlsConfig::public_roots().unwrap().to_config();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
    let outside = home.path("evil.jsonl");
    let outside = outside.to_str().unwrap();
    for text in [
        scenario("{protocol: file, url: ../evil.jsonl}", ""),
        scenario(&format!("{{protocol: file, url: {outside}}}"), ""),
        scenario("{protocol: discard}", "outputs: {events: {jsonl: ../../evil.jsonl}}\n"),
    ] {
        let body = serde_json::json!({ "scenario": { "text": text } });
        let answer = client.post(format!("{address}/api/runs")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 422, "{text}");
        let told = answer.text().await.unwrap();
        assert!(told.contains("only files in"), "{told}");
    }
    assert!(!home.path("evil.jsonl").exists() && !data.join("evil.jsonl").exists());
}
