//! What only HTTP has: what answers mean, what checks expect of them, compression, connections, HTTP/2, TLS.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use shared::run::FailureKind;
use shared::run::fault::FaultKind;
use tokio::net::TcpListener;

use super::{count_of, ended, ready, reconcile, run, scenario, try_ready};
use crate::engine::journal::NoJournal;
use crate::engine::prepare::PrepareOptions;
use crate::engine::start::start;
use crate::folder::Folder;
use crate::transport::trial_server::{Reply, TrialServer};
use crate::transport::trial_tls::{TrialAuthority, TrialTls, answer_all};

pub(super) const LOAD: &str = "rate: 200/s, arrival: uniform, duration: 500ms";

#[tokio::test]
async fn what_an_answer_says_decides_what_it_means() {
    let server = TrialServer::start(|number, _, _| match number % 4 {
        0 => Reply::Answer(400, "", r#"{"message":{"errors":["Rate limit exceeded. Limit: 100"]}}"#.to_owned()),
        1 => Reply::Answer(200, "", r#"{"status":"known"}"#.to_owned()),
        2 => Reply::Answer(400, "", r#"{"message":"nonsense"}"#.to_owned()),
        _ => Reply::status(200),
    });
    let target = "answers: [{status: '400', text: Rate limit exceeded, means: throttled},
        {field: $.status, equals: known, means: duplicate}]";
    let result = run(&scenario(&server.url(), target, LOAD), 1).await;
    assert_eq!((count_of(&result, FailureKind::Throttled), count_of(&result, FailureKind::ClientError)), (25, 25));
    let events = result.totals.events;
    assert_eq!((events.succeeded, events.duplicate, events.throttled), (50, 25, 25));
}

#[tokio::test]
async fn a_batch_is_taken_event_by_event_where_its_answer_says_so() {
    let server = TrialServer::start(|_, _, body| {
        let items = String::from_utf8_lossy(body).matches("\"id\"").count();
        let item = |index: usize| match index % 4 {
            0 => r#"{"success":false,"error":"Rate limit exceeded"}"#,
            1 => r#"{"success":true,"message":"already exists"}"#,
            2 => r#"{"success":false,"error":"unknown topic"}"#,
            _ => r#"{"success":true}"#,
        };
        let items: Vec<&str> = (0..items).map(item).collect();
        Reply::Answer(200, "", format!(r#"{{"failed":0,"results":[{}]}}"#, items.join(",")))
    });
    let target = "batch: {size: 20, linger: 2s, results: {path: $.results, ok: success}},
        answers: [{text: Rate limit exceeded, means: throttled}, {text: already exists, means: duplicate}]";
    let result = run(&scenario(&server.url(), target, "rate: 400/s, arrival: uniform, duration: 1s"), 1).await;
    assert_eq!(result.totals.requests.sent, 20);
    assert_eq!((count_of(&result, FailureKind::Throttled), count_of(&result, FailureKind::EventRejected)), (100, 100));
    let events = result.totals.events;
    assert_eq!((events.succeeded, events.duplicate, events.throttled), (200, 100, 100));
}

#[tokio::test]
async fn answers_that_are_not_as_expected_are_counted_by_check_with_one_of_them() {
    let server = TrialServer::start(|number, _, _| match number % 5 {
        0 => Reply::Answer(202, "", "{}".to_owned()),
        1 => Reply::Answer(202, "", r#"{"event_id":"e","success":false}"#.to_owned()),
        2 => Reply::status(500),
        _ => Reply::Answer(202, "", r#"{"event_id":"e","success":true}"#.to_owned()),
    });
    let text = scenario(&server.url(), "", LOAD).replacen(
        "seed: 7,",
        "seed: 7, checks: [{name: acknowledged, expect: {status: [202], required: [$.event_id], fields: {$.success: true}}},
            {expect: {max_latency: 1m}}],",
        1,
    );
    let result = run(&text, 2).await;
    let [acknowledged, quick] = result.expectations.as_slice() else { panic!("{:?}", result.expectations) };
    assert_eq!((acknowledged.name.as_str(), acknowledged.check), ("acknowledged", 0));
    assert_eq!((acknowledged.answers, acknowledged.failed), (100, 60));
    assert!(acknowledged.reason.is_some() && acknowledged.sample.is_some());
    assert_eq!((quick.name.as_str(), quick.answers, quick.failed), ("status 2xx, within 1m", 100, 20));
    assert_eq!(quick.reason.as_deref(), Some("status 500"));
}

#[tokio::test]
async fn compressed_bodies_are_the_events_and_their_bytes_are_counted() {
    for (name, decode) in [
        (
            "gzip",
            (|body: &[u8]| {
                let mut text = String::new();
                flate2::read::GzDecoder::new(body).read_to_string(&mut text).unwrap();
                text
            }) as fn(&[u8]) -> String,
        ),
        ("zstd", |body| String::from_utf8(zstd::decode_all(body).unwrap()).unwrap()),
    ] {
        let received = Arc::new(Mutex::new((0, 0)));
        let noted = Arc::clone(&received);
        let server = TrialServer::start(move |_, head, body| {
            assert!(head.contains(&format!("Content-Encoding: {name}")), "{head}");
            let events: Vec<serde_json::Value> = serde_json::from_str(&decode(body)).unwrap();
            let mut noted = noted.lock().unwrap();
            noted.0 += events.len();
            noted.1 += head.len() + 4 + body.len();
            Reply::status(200)
        });
        let target = format!("batch: {{size: 50, linger: 2s}}, http: {{compress: {name}}}");
        let result = run(&scenario(&server.url(), &target, "rate: 400/s, arrival: uniform, duration: 1s"), 1).await;
        assert_eq!(result.totals.events.succeeded, 400, "{:?}", result.failures);
        let (events, bytes) = *received.lock().unwrap();
        assert_eq!((events as u64, bytes as u64), (400, result.totals.bytes.sent));
        assert_eq!(result.compressed.requests, result.totals.requests.sent);
        assert!(result.compressed.bytes_after * 3 < result.compressed.bytes_before, "{:?}", result.compressed);
    }
}

#[tokio::test]
async fn a_connection_is_closed_after_as_many_requests_as_the_scenario_says() {
    for (most, connections) in [(1, 100), (10, 10)] {
        let server = TrialServer::start(|_, _, _| Reply::status(200));
        let target = format!("connections: 1, http: {{requests_per_connection: {most}}}");
        let result = run(&scenario(&server.url(), &target, LOAD), 1).await;
        assert_eq!(result.totals.events.succeeded, 100, "{:?}", result.failures);
        // One is opened before the first request is due, so that the last may be one that carries nothing.
        let opened = result.connections.opened;
        assert!((connections..=connections + 1).contains(&opened), "{opened}");
        assert_eq!(result.connections.reopened, 0, "the target broke none of them");
    }
}

/// An HTTP/2 server in the clear that answers as `reply` says: a status, or a reset of the stream.
async fn http2_server(reply: fn(u64) -> Option<u16>) -> (String, Arc<AtomicU64>, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (connections, events) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (opened, counted) = (Arc::clone(&connections), Arc::clone(&events));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            opened.fetch_add(1, Ordering::SeqCst);
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let counted = Arc::clone(&counted);
                    tokio::spawn(async move {
                        assert_eq!(request.method(), "POST");
                        let mut body = request.into_body();
                        let mut bytes = Vec::new();
                        while let Some(Ok(data)) = body.data().await {
                            body.flow_control().release_capacity(data.len()).unwrap();
                            bytes.extend_from_slice(&data);
                        }
                        let _event: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                        let number = counted.fetch_add(1, Ordering::SeqCst);
                        // Long enough that the next request comes before the answer.
                        tokio::time::sleep(Duration::from_millis(15)).await;
                        match reply(number) {
                            Some(status) => {
                                let response = http::Response::builder().status(status).body(()).unwrap();
                                let mut send = respond.send_response(response, false).unwrap();
                                send.send_data(Bytes::from_static(b"{\"ok\":true}"), true).unwrap();
                            }
                            None => respond.send_reset(h2::Reason::INTERNAL_ERROR),
                        }
                    });
                }
            });
        }
    });
    (url, connections, events)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_carries_all_requests_at_once_over_few_connections() {
    let (url, connections, events) = http2_server(|_| Some(202)).await;
    let target = "connections: 2, http: {version: http2, streams: 20}";
    let result = run(&scenario(&url, target, "rate: 400/s, arrival: uniform, duration: 1s"), 1).await;
    assert_eq!(result.totals.events.succeeded, 400, "{:?}", result.failures);
    assert_eq!(events.load(Ordering::SeqCst), 400);
    let opened = result.connections.opened;
    assert_eq!(opened, connections.load(Ordering::SeqCst));
    assert!((1..=2).contains(&opened), "{opened} connections");
    assert_eq!(result.status_codes.get(&202), Some(&400));
    let bytes = result.totals.bytes;
    assert!(bytes.sent > 400 * 30 && bytes.received > 400 * 11, "{bytes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_the_sending_reach_http2_as_well() {
    let (url, connections, events) = http2_server(|_| Some(202)).await;
    let text = format!(
        "{{name: trial, seed: 7, targets: {{api: {{url: '{url}', connections: 1, http: {{version: http2}}}}}},
          events: {{ping: {{body: {{id: '${{event.id}}', pad: '{}'}}}}}}, behaviors: {{pings: {{emit: {{event: ping}}}}}},
          faults: {{flaky: [{{drop_connection: {{p: 0.05}}}}, {{slow_send: {{p: 0.1, bytes_per_second: 1000}}}}]}},
          workloads: {{main: {{faults: flaky, load: {{rate: 100/s, arrival: uniform, duration: 2s}}}}}}}}",
        "x".repeat(100)
    );
    let result = run(&text, 1).await;
    let applied = |kind| result.faults.iter().find(|row| row.kind == kind).unwrap().applied;
    let (cut, slow) = (applied(FaultKind::DropConnection), applied(FaultKind::SlowSend));
    assert!(cut > 0 && slow > 0, "{:?}", result.faults);
    let counts = result.totals.events;
    assert_eq!((counts.withheld, counts.sent), (cut, 200 - cut));
    assert_eq!(connections.load(Ordering::SeqCst), cut + 1, "each cut ends the connection");
    // What was under way in a connection that was cut is lost with it, and nothing else is.
    assert!(events.load(Ordering::SeqCst) >= counts.succeeded && counts.succeeded > 100, "{counts:?}");
    // A body of 130 bytes or more.
    assert!(result.latency.service_time.percentiles.max_us > 100_000, "{:?}", result.latency.service_time.percentiles);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_stream_fails_alone() {
    let (url, connections, _) = http2_server(|number| (number % 4 != 0).then_some(200)).await;
    let target = "connections: 1, http: {version: http2}";
    let result = run(&scenario(&url, target, LOAD), 1).await;
    assert_eq!(count_of(&result, FailureKind::StreamReset), 25, "{:?}", result.failures);
    assert_eq!(result.totals.events.succeeded, 75);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_without_http2_is_named_as_such() {
    let server = TrialServer::start(|_, _, _| Reply::status(200));
    let result = run(&scenario(&server.url(), "http: {version: http2}, timeout: 2s", LOAD), 1).await;
    assert_eq!(result.totals.events.succeeded, 0);
    let known = [FailureKind::Protocol, FailureKind::ConnectionReset, FailureKind::NoAnswer, FailureKind::Timeout];
    assert!(result.failures.iter().all(|failure| known.contains(&failure.kind)), "{:?}", result.failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_shows_its_certificate_and_says_when_it_trusts_anybody() {
    let authority = TrialAuthority::new();
    let files = tempfile::tempdir().unwrap();
    let (certificate, key, _) = authority.issue("client", false);
    std::fs::write(files.path().join("ca.pem"), authority.pem()).unwrap();
    std::fs::write(files.path().join("client.pem"), certificate).unwrap();
    std::fs::write(files.path().join("client.key"), key.serialize_pem()).unwrap();
    let tls = TrialTls { name: "api.example.org", asks_for_client: true, ..TrialTls::default() };
    let port = authority.serve(tls, answer_all).await;
    let url = format!("https://127.0.0.1:{port}");
    let options = || PrepareOptions {
        workers: Some(1),
        folder: Folder::Beside(files.path().to_owned()),
        ..PrepareOptions::default()
    };
    let full = "tls: {authority: ca.pem, certificate: client.pem, key: client.key, server_name: api.example.org}";
    let prepared = try_ready(&scenario(&url, full, LOAD), options()).unwrap();
    let result = ended(&start(prepared, Box::new(NoJournal))).await;
    assert_eq!(result.totals.events.succeeded, 100, "{:?}", result.failures);
    assert!(result.run.info.warnings.is_empty());
    let (connect, tls) = (result.latency.connect.percentiles, result.latency.tls.percentiles);
    assert!(connect.count > 0 && tls.count == connect.count, "{connect:?} {tls:?}");

    let nobody = "tls: {insecure: true}";
    let prepared = try_ready(&scenario(&url, nobody, LOAD), options()).unwrap();
    assert!(prepared.info.warnings[0].contains("not checked"), "{:?}", prepared.info.warnings);
    let result = ended(&start(prepared, Box::new(NoJournal))).await;
    assert_eq!(result.totals.events.succeeded, 0, "without its certificate the target refuses us");
    assert!(!result.run.info.warnings.is_empty());

    let error = try_ready(&scenario(&url, full, LOAD), PrepareOptions::default()).unwrap_err();
    assert!(error.to_string().contains("tls.certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_target_chooses_the_version_under_tls() {
    let authority = TrialAuthority::new();
    let old: &[&[u8]] = &[b"http/1.1"];
    for (version, protocols, succeeds) in [("auto", old, true), ("auto", &[], true), ("http2", old, false)] {
        let port = authority.serve(TrialTls { name: "127.0.0.1", protocols, ..TrialTls::default() }, answer_all).await;
        let target = format!("tls: {{insecure: true}}, http: {{version: {version}}}");
        let result = run(&scenario(&format!("https://127.0.0.1:{port}"), &target, LOAD), 1).await;
        assert_eq!(result.totals.events.succeeded == 100, succeeds, "{version}: {:?}", result.failures);
    }
    let new: &[&[u8]] = &[b"h2", b"http/1.1"];
    let tls = TrialTls { name: "127.0.0.1", protocols: new, ..TrialTls::default() };
    let port = authority
        .serve(tls, |stream| async move {
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let response = http::Response::builder().status(200).body(()).unwrap();
                respond.send_response(response, true).unwrap();
            }
        })
        .await;
    let target = "tls: {insecure: true}, http: {version: auto}";
    let result = run(&scenario(&format!("https://127.0.0.1:{port}"), target, LOAD), 1).await;
    assert_eq!(result.totals.events.succeeded, 100, "{:?}", result.failures);
}

#[tokio::test]
async fn a_health_check_that_is_not_required_only_warns() {
    let server = TrialServer::start(|_, head, _| Reply::status(if head.starts_with("GET") { 503 } else { 200 }));
    let text = |required| scenario(&server.url(), &format!("health: {{path: /health, required: {required}}}"), LOAD);
    let mut prepared = ready(&text(false), 1);
    prepared.preflight().await.unwrap();
    assert!(prepared.info.warnings[0].contains("503"), "{:?}", prepared.info.warnings);
    let result = ended(&start(prepared, Box::new(NoJournal))).await;
    assert_eq!(result.totals.events.succeeded, 100);
    assert!(ready(&text(true), 1).preflight().await.unwrap_err().to_string().contains("503"));
    reconcile(&result);
}
