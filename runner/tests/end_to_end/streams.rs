//! Targets whose connections are held open: WebSockets.

use shared::api::TargetAccount;

use crate::process::{Home, assert_reconciles};

fn websocket(url: &str, target: &str, load: &str) -> String {
    format!(
        "name: phones\nseed: 5\ntargets: {{ws: {{protocol: ws, url: \"{url}\", ws: {{correlate: client_time}}, {target}}}}}\n\
         events: {{heartbeat: {{body: {{type: heartbeat, client_time: \"${{event.id}}\"}}}}}}\n\
         behaviors: {{beats: {{emit: {{event: heartbeat}}}}}}\nworkloads: {{main: {{load: {{{load}}}}}}}\n"
    )
}

#[test]
fn websockets_and_the_practice_target_agree_to_the_message() {
    let home = Home::new();
    let text = websocket("ws://localhost:1/ws/mobile/sync/", "connections: 10", "per_connection: 20/s, duration: 2s");
    let file = home.write("ws.yaml", &text);
    let ended = home.ended(&["run", &file, "--practice-target", "-o", "result.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("result.json");
    assert_reconciles(&result);
    assert!(result.totals.events.succeeded > 200, "{:?}", result.totals.events);
    assert_eq!(result.totals.events.failed, 0, "{:?}", result.failures);
    assert_eq!(result.connections.opened, 10);
    assert!(ended.stdout.contains(": agrees"), "{}", ended.stdout);
    assert!(ended.stdout.contains("10 streams opened"), "{}", ended.stdout);
}

#[test]
fn a_rate_limit_is_told_by_its_names_and_codes() {
    let home = Home::new();
    let mut target = home.start(&["target", "--bind", "127.0.0.1:0", "--rate-limit", "30"]);
    let url = target.line().strip_prefix("practice target: ").unwrap().replace("http://", "ws://");
    let text = websocket(
        &format!("{url}/ws/mobile/sync/"),
        "connections: 2, reconnect: {delay: 100ms}",
        "rate: 200/s, duration: 2s",
    );
    let file = home.write("ws.yaml", &text);
    let ended = home.ended(&["run", &file, "-o", "result.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("result.json");
    assert_reconciles(&result);
    assert!(result.streams.closes[&4429] > 0, "{:?}", result.streams);
    assert!(ended.stdout.contains("closed by the target with 4429: "), "{}", ended.stdout);
    assert!(ended.stdout.contains("error RATE_LIMIT_EXCEEDED: "), "{}", ended.stdout);
    target.signal(rustix::process::Signal::TERM);
    let account: TargetAccount = serde_json::from_str(&target.ended().stdout).unwrap();
    assert_eq!(account.accepted, result.totals.events.succeeded);
}

#[test]
fn a_file_of_the_stream_testbench_runs_as_it_is() {
    let home = Home::new();
    let text = r#"{"name": "Mobile Sync", "protocol": "WEBSOCKET", "endpoint": "localhost:1/ws/mobile/sync/",
        "duration_seconds": 3, "connections": 10,
        "rates": {"messagesPerSecond": 15.0, "burstMultiplier": 2.5, "rampUpSeconds": 1, "rampDownSeconds": 1},
        "payloads": ["VOICE_DATA", "BEHAVIORAL_DATA", "SESSION_DATA", "METRICS"],
        "failureInjection": {"enabled": true,
            "networkDelays": {"enabled": true, "rangeMs": {"start": 5, "endInclusive": 50}, "probability": 0.05},
            "duplicateMessages": {"probability": 0.05, "maxDuplicates": 3}},
        "authentication": {"type": "BEARER_TOKEN", "credentials": {"token": "tok-9f31a7"}},
        "validation": {"maxLatencyMs": 30000, "requiredFields": ["type", "correlation_id"]}}"#;
    let file = home.write("mobile_sync.json", text);
    let ended =
        home.ended(&["run", "-s", &file, "--practice-target", "-o", "results.json", "--results-format", "testbench"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(": agrees"), "{}", ended.stdout);
    assert!(ended.stderr.contains("rates.burstMultiplier: "), "what is read in another way is told: {}", ended.stderr);
    let written = std::fs::read_to_string(home.path("results.json")).unwrap();
    assert!(!format!("{written}{}{}", ended.stdout, ended.stderr).contains("tok-9f31a7"), "no secret is shown");
    let results: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(results["successfulMessages"], results["totalMessages"]);
    assert!(results["totalMessages"].as_u64().unwrap() > 100, "{results}");
    assert_eq!(results["connectionMetrics"]["successfulConnections"], 10);
}

#[test]
fn the_built_in_streams_over_websockets_and_needs_no_broker_for_it() {
    let home = Home::new();
    for profile in ["websocket_load", "every_payload", "heartbeats"] {
        let ended = home.ended(&[
            "run",
            "stream-testbench",
            "--profile",
            profile,
            "--practice-target",
            "-o",
            "result.json",
            "--set",
            "workloads.mobile.load.duration=3s",
            "--set",
            "workloads.mobile.load.ramp=null",
            "--set",
            "targets.mobile.connections=10",
        ]);
        assert_eq!(ended.code, Some(0), "{profile}: {ended:?}");
        let result = home.result("result.json");
        assert_reconciles(&result);
        assert_eq!(result.totals.events.failed, 0, "{profile}: {:?}", result.failures);
        assert!(result.streams.matched >= 10, "{profile}: {:?}", result.streams);
        assert_eq!((result.connections.opened, result.run.info.targets.len()), (10, 1), "{profile}");
        assert!(ended.stdout.contains(": agrees"), "{profile}: {}", ended.stdout);
    }
}
