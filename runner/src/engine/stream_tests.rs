//! Streams in whole runs against the practice target: what both sides count, and what breaks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::api::{TargetAccount, TargetSettings};
use shared::run::{FailureKind, RunResult};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::engine::tests::{begin, count_of, ended, run};
use crate::practice::PracticeTarget;
use crate::transport::trial_tls::{TrialAuthority, TrialTls};

/// A scenario of heartbeats; `ws` and `target` go into the maps of those names.
fn scenario(url: &str, ws: &str, target: &str, load: &str) -> String {
    format!(
        "{{name: trial, seed: 7,
          targets: {{stream: {{protocol: ws, url: '{url}', ws: {{{ws}}}, {target}}}}},
          events: {{heartbeat: {{body: {{type: heartbeat, client_time: '${{event.id}}', correlation_id: '${{event.id}}'}}}}}},
          behaviors: {{beats: {{emit: {{event: heartbeat}}}}}},
          workloads: {{main: {{load: {{{load}}}}}}}}}"
    )
}

fn practice(settings: TargetSettings) -> (PracticeTarget, String) {
    let target = PracticeTarget::start("127.0.0.1:0".parse().unwrap(), settings).unwrap();
    let url = format!("ws://{}/ws/mobile/sync/?device_id=d-1", target.address());
    (target, url)
}

async fn against(
    settings: TargetSettings,
    ws: &str,
    target: &str,
    load: &str,
    workers: usize,
) -> (Arc<RunResult>, TargetAccount) {
    let (practice, url) = practice(settings);
    let result = run(&scenario(&url, ws, target, load), workers).await;
    let account = practice.report().await.unwrap().account;
    (result, account)
}

#[tokio::test]
async fn every_message_has_its_answer_whichever_way_they_are_paired() {
    for ws in ["replies: order", "correlate: client_time", "correlate: client_time, binary: true, subprotocol: v1"] {
        let load = "per_connection: 50/s, arrival: uniform, duration: 1s";
        let (result, account) = against(TargetSettings::default(), ws, "connections: 8", load, 2).await;
        let events = result.totals.events;
        assert_eq!((events.offered, events.succeeded, events.failed), (400, 400, 0), "{ws}: {:?}", result.failures);
        assert_eq!(account.accepted, 400);
        assert_eq!(account.event_types["heartbeat"], 400);
        assert_eq!(result.latency.response_time.percentiles.count, 400);
        // The greeting of each connection is no answer.
        assert_eq!((result.streams.matched, result.streams.ignored), (400, 8));
        assert_eq!((result.connections.opened, result.connections.reopened), (8, 0));
        assert!(result.totals.bytes.received > 400 * 40);
    }
}

#[tokio::test]
async fn many_messages_are_in_flight_on_one_connection_and_each_is_measured() {
    let settings = TargetSettings { latency_p50_ms: 200.0, latency_p99_ms: 200.0, ..TargetSettings::default() };
    let load = "rate: 100/s, arrival: uniform, duration: 1s";
    let (result, account) = against(settings, "correlate: client_time", "connections: 1", load, 1).await;
    assert_eq!((result.totals.events.succeeded, account.accepted), (100, 100));
    let times = result.latency.response_time.percentiles;
    assert!(times.p50_us >= 195_000, "{times:?}");
    // One after the other they would have taken twenty seconds.
    assert!(result.totals.elapsed_seconds < 10.0);
}

#[tokio::test]
async fn a_full_window_holds_messages_back_and_loses_none() {
    let settings = TargetSettings { latency_p50_ms: 20.0, latency_p99_ms: 20.0, ..TargetSettings::default() };
    let load = "rate: 200/s, arrival: uniform, duration: 1s";
    let (result, account) =
        against(settings, "replies: order, window: 2", "connections: 1, timeout: 20s", load, 1).await;
    assert_eq!((result.totals.events.succeeded, account.accepted), (200, 200));
    let (response, service) = (result.latency.response_time.percentiles, result.latency.service_time.percentiles);
    assert!(response.max_us > 2 * service.p50_us, "those that waited for room waited: {response:?} {service:?}");
}

#[tokio::test]
async fn without_answers_a_message_that_was_written_has_succeeded() {
    let load = "rate: 200/s, arrival: uniform, duration: 1s";
    let (result, account) = against(TargetSettings::default(), "", "connections: 2", load, 1).await;
    assert_eq!(result.totals.events.succeeded, 200);
    assert_eq!(account.accepted, 200);
    assert_eq!(result.streams.matched, 0);
    assert!(result.streams.received >= 2);
}

#[tokio::test]
async fn refusals_for_the_rate_and_close_codes_are_counted_by_name() {
    let settings = TargetSettings { rate_limit: Some(20.0), ..TargetSettings::default() };
    let load = "rate: 200/s, arrival: uniform, duration: 2s";
    let (result, account) =
        against(settings, "correlate: client_time", "connections: 1, reconnect: {delay: 10ms}", load, 1).await;
    let events = result.totals.events;
    assert_eq!(events.succeeded, account.accepted);
    assert!(events.throttled > 0 && count_of(&result, FailureKind::Throttled) > 0);
    let closes = result.streams.closes[&4429];
    assert!(closes >= 2, "{:?}", result.streams);
    assert!(result.streams.errors["RATE_LIMIT_EXCEEDED"] >= 2 * closes, "{:?}", result.streams);
    assert!(result.connections.reopened >= closes - 1, "{:?}", result.connections);
}

#[tokio::test]
async fn a_refused_handshake_is_no_broken_connection() {
    let (practice, _) = practice(TargetSettings::default());
    let url = format!("ws://{}/ws/mobile/system/", practice.address());
    let text =
        scenario(&url, "replies: order", "reconnect: {delay: 50ms}", "rate: 50/s, arrival: uniform, duration: 500ms");
    let result = run(&text, 1).await;
    assert_eq!(result.totals.events.succeeded, 0);
    assert_eq!(count_of(&result, FailureKind::HandshakeRefused), result.totals.events.failed);
    assert!(result.streams.refused[&403] >= 1, "{:?}", result.streams);
    assert_eq!((result.streams.broken, result.connections.opened), (0, 0));
    assert_eq!(practice.report().await.unwrap().account.accepted, 0);
}

#[tokio::test]
async fn dropped_connections_are_opened_again_and_lose_only_what_was_under_way() {
    let settings = TargetSettings { drop_rate: 0.05, ..TargetSettings::default() };
    let load = "rate: 200/s, arrival: uniform, duration: 2s";
    let (result, account) =
        against(settings, "correlate: client_time", "connections: 4, reconnect: {delay: 5ms}", load, 2).await;
    let events = result.totals.events;
    assert_eq!(events.sent, 400);
    assert!(result.streams.broken > 5, "{:?}", result.streams);
    assert_eq!(count_of(&result, FailureKind::ConnectionReset), events.failed);
    // Those whose answer was lost with the connection may have been accepted.
    assert!(account.accepted >= events.succeeded && account.accepted + account.dropped <= events.sent);
    assert!(result.connections.reopened > 3);
}

#[tokio::test]
async fn faults_reach_streams_and_both_sides_count_them() {
    let (practice, url) =
        practice(TargetSettings { id_field: Some("correlation_id".to_owned()), ..TargetSettings::default() });
    let text = scenario(&url, "correlate: correlation_id", "connections: 4, reconnect: {delay: 5ms}", "rate: 200/s, arrival: uniform, duration: 2s")
        .replace("workloads: {main: {", "faults: {flaky: [{drop: {p: 0.1}}, {duplicate: {p: 0.1, times: 2}}, {drop_connection: {p: 0.02}}, {drift: {p: 0.1, mutations: [{change_type: {path: type, to: list}}]}}]}, workloads: {main: {faults: flaky, ");
    let result = run(&text, 2).await;
    let account = practice.report().await.unwrap().account;
    let events = result.totals.events;
    let row = |name: &str| *result.faults.iter().find(|row| row.kind.name() == name).unwrap();
    assert_eq!(events.offered, 400 + row("duplicate").applied);
    assert_eq!(events.withheld, row("drop").applied + row("drop_connection").applied);
    assert!(row("drop_connection").applied > 0 && row("drop").applied > 10);
    assert_eq!(account.accepted, events.succeeded);
    assert_eq!(account.rejected, events.failed, "what drifted is refused: {:?}", result.failures);
    assert_eq!(result.streams.errors["UNKNOWN_MESSAGE_TYPE"], events.failed);
    assert!(account.duplicates > 0 && account.duplicates <= row("duplicate").applied);
    assert!(result.connections.reopened > 0);
}

#[tokio::test]
async fn messages_travel_encrypted_and_say_who_they_are_in_each_of_the_ways() {
    let (practice, url) = practice(TargetSettings::default());
    let address = practice.address();
    let authority = TrialAuthority::new();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    let port = authority
        .serve(TrialTls { name: "localhost", ..TrialTls::default() }, move |mut stream| {
            let ears = Arc::clone(&ears);
            async move {
                let mut onward = tokio::net::TcpStream::connect(address).await.unwrap();
                let mut first = vec![0; 4096];
                let length = stream.read(&mut first).await.unwrap();
                ears.lock().unwrap().push(String::from_utf8_lossy(&first[..length]).into_owned());
                onward.write_all(&first[..length]).await.unwrap();
                let _gone = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
            }
        })
        .await;
    let secure = url.replace("ws://", "wss://").replace(&address.to_string(), &format!("localhost:{port}"));
    let mut before = 0;
    for (auth, said) in [
        ("{bearer: {token: s3cret-t0ken}}", "authorization: bearer s3cret-t0ken"),
        ("{bearer: {token: s3cret-t0ken, via: query}}", "&token=s3cret-t0ken"),
        ("{basic: {username: ann, password: s3cret-w0rd}}", "authorization: basic "),
        ("{api_key: {header: X-Key, value: s3cret-k3y}}", "x-key: s3cret-k3y"),
        ("{bearer: {token: s3cret-t0ken, via: message}}", ""),
    ] {
        let target = format!("tls: {{insecure: true}}, headers: {{Cookie: 'sessionid=abc'}}, auth: {auth}");
        let text =
            scenario(&secure, "correlate: client_time", &target, "rate: 50/s, arrival: uniform, duration: 400ms");
        let result = run(&text, 1).await;
        let events = result.totals.events;
        assert_eq!((events.succeeded, events.failed), (20, 0), "{auth}: {:?}", result.failures);
        assert!(result.latency.tls.percentiles.count >= 1);
        let handshake = heard.lock().unwrap().pop().unwrap().to_lowercase();
        assert!(handshake.contains("cookie: sessionid=abc") && handshake.contains(said), "{auth}: {handshake}");
        assert!(!serde_json::to_string(&*result).unwrap().contains("s3cret"), "no secret is shown");
        let requests = practice.report().await.unwrap().account.requests;
        let first = u64::from(auth.contains("via: message"));
        assert_eq!(requests - before, 20 + first, "the token travels in a message of its own: {auth}");
        before = requests;
    }
}

#[tokio::test]
async fn the_answer_to_who_we_are_is_no_messages_answer() {
    let settings = TargetSettings { latency_p50_ms: 60.0, latency_p99_ms: 60.0, ..TargetSettings::default() };
    let target = "auth: {bearer: {token: s3cret-t0ken, via: message}}";
    let load = "rate: 50/s, arrival: uniform, duration: 1s";
    let (result, account) = against(settings, "replies: order", target, load, 1).await;
    assert_eq!((result.totals.events.succeeded, account.accepted), (50, 50));
    // The greeting is ignored; what answers the token is received, and matches nothing.
    let counts = &result.streams;
    assert_eq!((counts.received, counts.matched, counts.ignored), (52, 50, 1), "{counts:?}");
    // Off by one, each message would have had the answer of the one before it.
    let times = result.latency.response_time.percentiles;
    assert!(times.min_us >= 55_000, "{times:?}");
}

/// A server that does to each connection what a test says, after a handshake that is sound.
async fn hostile(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                        return;
                    }
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).to_lowercase();
                let original = head.lines().find(|line| line.starts_with("sec-websocket-key")).is_some();
                assert!(original);
                let _ = stream.write_all(answer).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_target_that_does_not_speak_the_protocol_is_named_so() {
    for answer in [
        &b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n"
            [..],
        b"\x00\x01\x02\r\n\r\n",
    ] {
        let url = hostile(answer).await;
        let text = scenario(
            &url,
            "replies: order",
            "reconnect: {delay: 50ms}, connect_timeout: 2s",
            "rate: 20/s, arrival: uniform, duration: 500ms",
        );
        let result = run(&text, 1).await;
        assert_eq!(count_of(&result, FailureKind::Protocol), result.totals.events.failed, "{:?}", result.failures);
        assert!(result.totals.events.failed > 0);
    }
}

#[tokio::test]
async fn a_silent_target_times_out_and_the_run_ends() {
    let (practice, url) = practice(TargetSettings { frozen: true, ..TargetSettings::default() });
    let text =
        scenario(&url, "correlate: client_time", "timeout: 300ms", "rate: 50/s, arrival: uniform, duration: 500ms");
    let handle = begin(&text, 1);
    let result = ended(&handle).await;
    assert_eq!(count_of(&result, FailureKind::Timeout), result.totals.events.sent);
    drop(practice);
}
