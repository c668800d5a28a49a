//! Clients of a broker in whole runs against the practice target: what both sides count, and what breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::api::{TargetAccount, TargetSettings};
use shared::run::{FailureKind, RunResult};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::engine::tests::{count_of, run};
use crate::practice::PracticeTarget;

/// A scenario of beats; `mqtt` and `target` go into the maps of those names.
fn scenario(url: &str, mqtt: &str, target: &str, load: &str) -> String {
    format!(
        "{{name: trial, seed: 7,
          targets: {{broker: {{protocol: mqtt, url: '{url}', mqtt: {{topic: beats, {mqtt}}}, {target}}}}},
          events: {{beat: {{body: {{id: '${{event.id}}'}}}}}},
          behaviors: {{beats: {{emit: {{event: beat}}}}}},
          workloads: {{main: {{population: {{count: 5}}, load: {{{load}}}}}}}}}"
    )
}

fn practice(settings: TargetSettings) -> (PracticeTarget, String) {
    let target = PracticeTarget::start("127.0.0.1:0".parse().unwrap(), settings).unwrap();
    let url = format!("mqtt://{}", target.address());
    (target, url)
}

async fn against(settings: TargetSettings, mqtt: &str, target: &str, load: &str) -> (Arc<RunResult>, TargetAccount) {
    let (practice, url) = practice(settings);
    let result = run(&scenario(&url, mqtt, target, load), 1).await;
    let account = practice.report().await.unwrap().account;
    (result, account)
}

#[tokio::test]
async fn every_message_arrives_once_at_each_quality_in_both_versions() {
    for version in ["3.1.1", "5"] {
        for qos in 0..3 {
            let mqtt = format!("version: '{version}', qos: {qos}, subscribe: [beats], correlate: id");
            let load = "per_connection: 50/s, arrival: uniform, duration: 500ms";
            let (practice, url) = practice(TargetSettings::default());
            let result = run(&scenario(&url, &mqtt, "connections: 4", load), 2).await;
            let account = practice.report().await.unwrap().account;
            let (events, streams) = (result.totals.events, &result.streams);
            let what = format!("{version} at quality {qos}");
            assert_eq!(
                (events.offered, events.succeeded, events.failed),
                (100, 100, 0),
                "{what}: {:?}",
                result.failures
            );
            assert_eq!((account.accepted, account.duplicates, account.unanswered), (100, 0, 0), "{what}");
            assert_eq!((account.requests, account.event_types["beats"]), (100, 100), "{what}");
            assert_eq!(streams.acknowledged, if qos > 0 { 100 } else { 0 }, "{what}");
            // Each client hears everybody for as long as it is there, and knows its own.
            assert_eq!((streams.delivered, streams.undelivered), (100, 0), "{what}");
            assert!(streams.received > 200 && streams.received <= 400, "{what}: {streams:?}");
            assert_eq!(result.latency.delivery.percentiles.count, 100, "{what}");
            assert_eq!(result.latency.response_time.percentiles.count, 100, "{what}");
            assert_eq!((result.connections.opened, result.connections.reopened), (4, 0), "{what}");
            assert!(streams.errors.is_empty() && streams.broken == 0, "{what}: {streams:?}");
        }
    }
}

#[tokio::test]
async fn many_messages_are_in_flight_and_each_acknowledgement_is_measured() {
    let settings = TargetSettings { latency_p50_ms: 200.0, latency_p99_ms: 200.0, ..TargetSettings::default() };
    let load = "rate: 100/s, arrival: uniform, duration: 1s";
    for mqtt in ["qos: 1", "qos: 2, version: 5"] {
        let (result, account) = against(settings.clone(), mqtt, "", load).await;
        assert_eq!((result.totals.events.succeeded, account.accepted), (100, 100));
        let times = result.latency.response_time.percentiles;
        assert!(times.p50_us >= 195_000, "{times:?}");
        // One after the other they would have taken twenty seconds.
        assert!(result.totals.elapsed_seconds < 10.0);
    }
}

#[tokio::test]
async fn a_full_window_holds_messages_back_and_loses_none() {
    let settings = TargetSettings { latency_p50_ms: 20.0, latency_p99_ms: 20.0, ..TargetSettings::default() };
    let load = "rate: 200/s, arrival: uniform, duration: 500ms";
    let (result, account) = against(settings, "qos: 1, window: 2", "timeout: 20s", load).await;
    assert_eq!((result.totals.events.succeeded, account.accepted), (100, 100));
    let (response, service) = (result.latency.response_time.percentiles, result.latency.service_time.percentiles);
    assert!(response.max_us > 2 * service.p50_us, "those that waited for room waited: {response:?} {service:?}");
}

#[tokio::test]
async fn topics_and_clients_are_templates() {
    let (practice, url) = practice(TargetSettings::default());
    let text = scenario(
        &url,
        "qos: 1, client_id: 'phone-${index}-${hex(4)}'",
        "connections: 3",
        "rate: 100/s, arrival: uniform, duration: 500ms",
    )
    .replace("topic: beats", "topic: 'devices/${user.id}/${event.topic}'")
    .replace("beat: {body", "beat: {topic: 'up/${seq % 2}', body");
    let result = run(&text, 1).await;
    assert_eq!(result.totals.events.succeeded, 50, "{:?}", result.failures);
    let account = practice.report().await.unwrap().account;
    assert_eq!((account.accepted, account.users), (50, 3), "each client has a name of its own");
    let topics: Vec<&String> = account.event_types.keys().collect();
    assert!(topics.len() > 5 && topics.iter().all(|topic| topic.starts_with("devices/user_")), "{topics:?}");
    assert!(topics.iter().any(|topic| topic.ends_with("/up/0")) && topics.iter().any(|topic| topic.ends_with("/up/1")));
}

#[tokio::test]
async fn a_topic_that_nobody_can_publish_to_fails_its_message_alone() {
    let (practice, url) = practice(TargetSettings::default());
    let text = scenario(&url, "qos: 1", "", "rate: 100/s, arrival: uniform, duration: 500ms")
        .replace("topic: beats", "topic: 'beats/${if(seq % 5 == 0, \"#\", \"x\")}'");
    let result = run(&text, 1).await;
    let events = result.totals.events;
    assert_eq!((events.succeeded, events.failed), (40, 10), "{:?}", result.failures);
    assert_eq!((count_of(&result, FailureKind::ClientError), result.streams.errors["TOPIC_NAME_INVALID"]), (10, 10));
    assert_eq!(practice.report().await.unwrap().account.accepted, 40);
    assert_eq!(result.connections.reopened, 0);
}

#[tokio::test]
async fn version_5_says_by_name_why_it_refuses_a_message() {
    let load = "rate: 200/s, arrival: uniform, duration: 1s";
    for qos in [1, 2] {
        let mqtt = format!("version: 5, qos: {qos}");
        let settings = TargetSettings { rate_limit: Some(20.0), ..TargetSettings::default() };
        let (result, account) = against(settings, &mqtt, "", load).await;
        let events = result.totals.events;
        assert_eq!((events.succeeded, events.failed), (account.accepted, account.throttled));
        assert!(events.throttled > 100 && count_of(&result, FailureKind::Throttled) == events.failed);
        assert_eq!(result.streams.errors["QUOTA_EXCEEDED"], events.failed);
        assert_eq!(result.connections.reopened, 0, "the connection lives on");

        let settings = TargetSettings { error_rate: 0.2, ..TargetSettings::default() };
        let (result, account) = against(settings, &mqtt, "", load).await;
        assert_eq!(result.totals.events.failed, account.failed);
        assert!(account.failed > 10);
        assert_eq!(count_of(&result, FailureKind::ServerError), account.failed);
    }
    let settings = TargetSettings { rate_limit: Some(20.0), ..TargetSettings::default() };
    let classify = "classify: {QUOTA_EXCEEDED: duplicate}";
    let (result, account) = against(settings, "version: 5, qos: 1", classify, load).await;
    assert_eq!((result.totals.events.failed, result.totals.events.duplicate), (0, account.throttled));
}

#[tokio::test]
async fn version_3_can_only_close_and_the_run_goes_on() {
    let settings = TargetSettings { error_rate: 0.1, ..TargetSettings::default() };
    let load = "rate: 200/s, arrival: uniform, duration: 1s";
    let (result, account) = against(settings, "qos: 1, window: 1", "reconnect: {delay: 2ms, max: 4ms}", load).await;
    let events = result.totals.events;
    assert_eq!(events.sent, 200);
    assert_eq!((events.succeeded, events.failed), (account.accepted, account.failed));
    assert_eq!(count_of(&result, FailureKind::ConnectionReset), events.failed);
    assert!(result.streams.broken >= account.failed && result.connections.reopened >= account.failed - 1);
}

#[tokio::test]
async fn dropped_connections_lose_only_what_was_under_way() {
    let settings = TargetSettings { drop_rate: 0.05, ..TargetSettings::default() };
    let load = "rate: 200/s, arrival: uniform, duration: 1s";
    let (result, account) = against(settings, "qos: 1", "connections: 4, reconnect: {delay: 5ms}", load).await;
    let events = result.totals.events;
    assert_eq!(events.sent, 200);
    assert!(result.streams.broken > 2, "{:?}", result.streams);
    assert_eq!(count_of(&result, FailureKind::ConnectionReset), events.failed);
    assert!(account.accepted >= events.succeeded && account.accepted + account.dropped <= events.sent);
}

#[tokio::test]
async fn a_kept_session_goes_on_where_its_connection_broke() {
    for version in ["3.1.1", "5"] {
        for qos in [1, 2] {
            let settings = TargetSettings {
                drop_rate: 0.03,
                lost_answer_rate: 0.05,
                latency_p50_ms: 3.0,
                latency_p99_ms: 9.0,
                id_field: Some("id".to_owned()),
                ..TargetSettings::default()
            };
            let mqtt = format!("version: '{version}', qos: {qos}, clean: false, subscribe: [beats], correlate: id");
            let load = "rate: 200/s, arrival: uniform, duration: 1s";
            let (result, account) = against(settings, &mqtt, "connections: 2, reconnect: {delay: 5ms}", load).await;
            let events = result.totals.events;
            let what = format!("{version} at quality {qos}");
            assert_eq!((events.succeeded, events.failed), (200, 0), "{what}: {:?}", result.failures);
            assert!(result.connections.reopened > 3, "{what}: {:?}", result.connections);
            if qos == 2 {
                // Exactly once, however often it had to be sent.
                assert_eq!((account.accepted, account.duplicates), (200, 0), "{what}");
            } else {
                assert_eq!(account.accepted, 200 + account.duplicates, "{what}");
                assert!(account.duplicates > 0, "{what}: at least once");
            }
        }
    }
}

#[tokio::test]
async fn faults_reach_a_broker_and_both_sides_count_them() {
    let (practice, url) = practice(TargetSettings { id_field: Some("id".to_owned()), ..TargetSettings::default() });
    let load = "rate: 200/s, arrival: uniform, duration: 1s";
    let text = scenario(&url, "qos: 1", "connections: 4, reconnect: {delay: 5ms}", load).replace(
        "workloads: {main: {",
        "faults: {flaky: [{drop: {p: 0.1}}, {duplicate: {p: 0.1, times: 2}}, {drop_connection: {p: 0.05}}, \
         {delay: {p: 0.1, by: 20ms}}]}, workloads: {main: {faults: flaky, ",
    );
    let result = run(&text, 2).await;
    let account = practice.report().await.unwrap().account;
    let events = result.totals.events;
    let row = |name: &str| *result.faults.iter().find(|row| row.kind.name() == name).unwrap();
    assert_eq!(events.offered, 200 + row("duplicate").applied);
    assert_eq!(events.withheld, row("drop").applied + row("drop_connection").applied);
    let applied = ["drop_connection", "drop", "delay"].map(|name| row(name).applied);
    assert!(applied[0] > 0 && applied[1] > 5 && applied[2] > 5, "{applied:?}");
    assert_eq!((account.accepted, events.failed), (events.succeeded, 0));
    assert!(account.duplicates > 0 && account.duplicates <= row("duplicate").applied);
    assert!(result.connections.reopened > 0);
}

#[tokio::test]
async fn slow_messages_take_as_long_as_their_speed_says_on_any_stream() {
    let (practice, url) = practice(TargetSettings::default());
    let load = "rate: 100/s, arrival: uniform, duration: 1s";
    let mqtt = scenario(&url, "qos: 1", "connections: 2", load);
    let ws = "{name: trial, seed: 7, targets: {main: {protocol: ws, url: 'WS/ws/mobile/sync/', connections: 2, ws: {replies: order}}},
        events: {beat: {body: {type: heartbeat, id: '${event.id}'}}}, behaviors: {beats: {emit: {event: beat}}},
        workloads: {main: {load: {rate: 100/s, arrival: uniform, duration: 1s}}}}"
        .replace("WS", &url.replace("mqtt://", "ws://"));
    for text in [mqtt, ws] {
        let text = text.replace(
            "workloads: {main: {",
            "faults: {slow: [{slow_send: {p: 0.05, bytes_per_second: 1000}}]}, workloads: {main: {faults: slow, ",
        );
        let result = run(&text, 1).await;
        let row = result.faults.iter().find(|row| row.kind.name() == "slow_send").unwrap();
        assert!(row.applied > 0 && row.applied == row.planned, "{row:?}");
        assert_eq!((result.totals.events.succeeded, result.totals.events.failed), (100, 0), "{:?}", result.failures);
        // A message has some 50 bytes and more.
        assert!(result.latency.service_time.percentiles.max_us > 40_000, "{:?}", result.latency.service_time);
    }
    drop(practice);
}

#[tokio::test]
async fn a_frozen_broker_times_out_and_the_run_ends() {
    let settings = TargetSettings { frozen: true, ..TargetSettings::default() };
    let load = "rate: 50/s, arrival: uniform, duration: 300ms";
    let (result, _) = against(settings, "qos: 1", "timeout: 300ms", load).await;
    assert_eq!(count_of(&result, FailureKind::Timeout), result.totals.events.sent);
    assert!(result.totals.events.sent > 0);
}

#[tokio::test]
async fn what_a_service_answers_on_a_topic_is_held_against_the_checks() {
    let (practice, url) = practice(TargetSettings::default());
    let text = scenario(&url, "qos: 1, subscribe: [response/acknowledgement], correlate: 'uuids[0]'", "", "rate: 50/s, arrival: uniform, duration: 400ms")
        .replace("topic: beats", "topic: graphql/mutation")
        .replace("{id: '${event.id}'}", "{serviceName: s, uuids: ['${event.id}']}")
        .replace("workloads: {main", "checks: [{expect: {required: [task_id, uuids]}}, {expect: {required: [nothing]}, severity: warn}], workloads: {main");
    let result = run(&text, 1).await;
    assert_eq!((result.totals.events.succeeded, result.streams.delivered), (20, 20), "{:?}", result.failures);
    let [kept, missed] = &result.expectations[..] else { panic!("{:?}", result.expectations) };
    assert_eq!((kept.answers, kept.failed, missed.failed), (20, 0, 20));
    assert_eq!(practice.report().await.unwrap().account.accepted, 20);
}

/// A broker that lets clients in and then says what a test wants it to.
async fn hostile(welcome: &'static [u8], then: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut first = [0; 1024];
                assert!(stream.read(&mut first).await.unwrap_or(0) > 0);
                let _gone = stream.write_all(welcome).await;
                let _gone = stream.write_all(then).await;
                // Messages are read, nothing is ever acknowledged.
                let wait = tokio::time::timeout(Duration::from_millis(400), async {
                    while stream.read(&mut first).await.unwrap_or(0) > 0 {}
                });
                let _over = wait.await;
            });
        }
    });
    url
}

#[tokio::test]
async fn a_broker_that_insists_on_less_silence_is_told_more_often_that_somebody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut space = [0; 1024];
        assert!(stream.read(&mut space).await.unwrap() > 0);
        // A silence of a second at most, where the client offered half a minute or more.
        stream.write_all(b"\x20\x06\x00\x00\x03\x13\x00\x01").await.unwrap();
        while let Ok(read @ 1..) = stream.read(&mut space).await {
            // Nothing else that is sent here has such a byte.
            for _ in space[..read].iter().filter(|byte| **byte == 0xc0) {
                count.fetch_add(1, Ordering::SeqCst);
                stream.write_all(b"\xd0\x00").await.unwrap();
            }
        }
    });
    let load = "rate: 10/s, arrival: uniform, duration: 1300ms";
    let result = run(&scenario(&url, "version: '5', qos: 0", "connections: 1", load), 1).await;
    assert_eq!((result.totals.events.succeeded, result.connections.opened), (13, 1), "{:?}", result.failures);
    assert!(asked.load(Ordering::SeqCst) >= 1, "{asked:?}");
}

#[tokio::test]
async fn what_makes_no_sense_is_counted_by_name_while_the_run_goes_on() {
    const WELCOME: &[u8] = b"\x20\x02\x00\x00";
    for (welcome, then, name) in [
        (WELCOME, &b"\x40\x02\xfe\x01"[..], "UNEXPECTED_ACKNOWLEDGEMENT"),
        (WELCOME, b"\x70\x02\x00\x07", "UNEXPECTED_ACKNOWLEDGEMENT"),
        (WELCOME, b"\x36\x00", "MALFORMED_PACKET"),
        (WELCOME, b"\x30\xff\xff\xff\xff\xff", "MALFORMED_PACKET"),
        (WELCOME, b"\x30\xff\xff\xff\x7f", "PACKET_TOO_LARGE"),
        (WELCOME, b"\xc0\x00", "MALFORMED_PACKET"),
    ] {
        let url = hostile(welcome, then).await;
        let target = "reconnect: {delay: 50ms}, timeout: 600ms";
        let result = run(&scenario(&url, "qos: 1", target, "rate: 20/s, arrival: uniform, duration: 600ms"), 1).await;
        assert!(result.streams.errors[name] >= 1, "{name}: {:?}", result.streams);
        assert_eq!(result.totals.events.succeeded, 0, "{name}");
        assert_eq!(result.totals.events.sent, result.totals.events.failed, "{name}");
    }
}

#[tokio::test]
async fn refusals_and_what_is_no_broker_are_told_apart() {
    for (welcome, kind, code) in [
        (&b"\x20\x02\x00\x05"[..], FailureKind::HandshakeRefused, Some(5)),
        (b"\x20\x02\x00\x04", FailureKind::HandshakeRefused, Some(4)),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", FailureKind::Protocol, None),
        (b"\xd0\x00", FailureKind::Protocol, None),
        (b"", FailureKind::ConnectionReset, None),
    ] {
        let url = hostile(welcome, b"").await;
        let target = "reconnect: {delay: 50ms}, connect_timeout: 2s";
        let result = run(&scenario(&url, "qos: 1", target, "rate: 20/s, arrival: uniform, duration: 500ms"), 1).await;
        let failed = result.totals.events.failed;
        assert_eq!(count_of(&result, kind), failed, "{kind:?}: {:?}", result.failures);
        assert!(failed > 0);
        match code {
            Some(code) => assert!(result.streams.refused[&code] >= 1, "{:?}", result.streams),
            None => assert!(result.streams.refused.is_empty(), "{:?}", result.streams),
        }
        assert_eq!(result.connections.opened, 0);
    }
}

#[tokio::test]
async fn one_run_has_several_protocols_and_one_account() {
    let (practice, url) = practice(TargetSettings { id_field: Some("id".to_owned()), ..TargetSettings::default() });
    let address = practice.address();
    let text = format!(
        "{{name: trial, seed: 7,
          targets: {{
            api: {{protocol: http, url: 'http://{address}', send: {{path: /anything}}}},
            phones: {{protocol: ws, url: 'ws://{address}/ws/mobile/sync/', connections: 2, ws: {{correlate: client_time}}}},
            broker: {{protocol: mqtt, url: '{url}', connections: 2, mqtt: {{topic: beats, qos: 1}}}}}},
          events: {{beat: {{body: {{type: heartbeat, client_time: '${{event.id}}', id: '${{event.id}}'}}}}}},
          behaviors: {{beats: {{emit: {{event: beat}}}}}},
          workloads: {{
            one: {{target: api, load: {{rate: 60/s, arrival: uniform, duration: 500ms}}}},
            two: {{target: phones, load: {{rate: 80/s, arrival: uniform, duration: 500ms}}}},
            three: {{target: broker, load: {{rate: 100/s, arrival: uniform, duration: 500ms}}}}}}}}"
    );
    let result = run(&text, 2).await;
    let account = practice.report().await.unwrap().account;
    let events = result.totals.events;
    assert_eq!((events.succeeded, events.failed), (120, 0), "{:?}", result.failures);
    assert_eq!((account.accepted, account.duplicates), (120, 0));
    let rows: Vec<(&str, u64)> =
        result.protocols.iter().map(|row| (row.protocol.as_str(), row.events.succeeded)).collect();
    assert_eq!(rows, [("http", 30), ("ws", 40), ("mqtt", 50)]);
    let measured: u64 = result.protocols.iter().map(|row| row.response_time.percentiles.count).sum();
    assert_eq!(measured, 120);
}
