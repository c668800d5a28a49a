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
