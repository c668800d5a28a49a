//! The practice target over a real socket.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

const EVENT: &str = r#"{"topic":"page_events","event_type":"page.view","data":{"user_id":"u-1"}}"#;

fn start(settings: TargetSettings) -> PracticeTarget {
    PracticeTarget::start(([127, 0, 0, 1], 0).into(), settings).unwrap()
}

fn ingest(extra: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST /api/v1/events/ingest HTTP/1.1\r\nHost: t\r\nX-API-Key: proj_0123456789_s\r\n{extra}Content-Length: {length}\r\n\r\n{body}"
    )
}

/// Sends bytes, reads until `answers` answers are complete or the connection ends.
async fn send(stream: &mut TcpStream, request: &str, answers: usize) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        // Every answer of the target is one JSON object.
        if text.matches("\r\n\r\n{").count() == answers && text.ends_with('}') {
            return text;
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await.unwrap() {
            0 => return text,
            length => seen.extend_from_slice(&chunk[..length]),
        }
    }
}

#[tokio::test]
async fn one_connection_carries_many_requests_pipelined_chunked_and_announced() {
    let target = start(TargetSettings::default());
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    let answer = send(&mut stream, &ingest("", EVENT), 1).await;
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");

    let two = format!("{}{}", ingest("", EVENT), ingest("", EVENT));
    let answer = send(&mut stream, &two, 2).await;
    assert_eq!(answer.matches("202 Accepted").count(), 2);

    let (left, right) = EVENT.split_at(20);
    let chunked = format!(
        "POST /api/v1/events/ingest HTTP/1.1\r\nX-API-Key: proj_0123456789_s\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{left}\r\n{:x}\r\n{right}\r\n0\r\n\r\n",
        left.len(),
        right.len()
    );
    let answer = send(&mut stream, &chunked, 1).await;
    assert!(answer.contains("202 Accepted"), "{answer}");

    let answer = send(&mut stream, &ingest("Expect: 100-continue\r\nConnection: close\r\n", EVENT), 1).await;
    assert!(answer.starts_with("HTTP/1.1 100 Continue") && answer.contains("connection: close"), "{answer}");

    let account = target.report().await.unwrap().account;
    assert_eq!((account.requests, account.accepted, account.event_types["page.view"]), (5, 5, 5));
}

#[tokio::test]
async fn injected_faults_are_answered_and_accounted_for() {
    let target = start(TargetSettings { error_rate: 1.0, ..TargetSettings::default() });
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    assert!(send(&mut stream, &ingest("", EVENT), 1).await.contains("500 Internal"));

    target.set(TargetSettings { rate_limit: Some(0.5), ..TargetSettings::default() }).await.unwrap();
    assert!(send(&mut stream, &ingest("", EVENT), 1).await.contains("202 Accepted"));
    let refused = send(&mut stream, &ingest("", EVENT), 1).await;
    assert!(refused.contains("429 Too Many Requests") && refused.contains("retry-after: 2"), "{refused}");

    target.set(TargetSettings { drop_rate: 1.0, ..TargetSettings::default() }).await.unwrap();
    stream.write_all(ingest("", EVENT).as_bytes()).await.unwrap();
    let error = stream.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);

    let account = target.report().await.unwrap().account;
    assert_eq!((account.accepted, account.failed, account.throttled, account.dropped), (1, 1, 1, 1));
    target.reset().await.unwrap();
    assert_eq!(target.report().await.unwrap().account, TargetAccount::default());
}

#[tokio::test]
async fn a_frozen_target_answers_what_waited_once_it_thaws() {
    let target = start(TargetSettings { frozen: true, ..TargetSettings::default() });
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    let request = ingest("", EVENT);
    let mut answer = Box::pin(send(&mut stream, &request, 1));
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut answer).await.is_err());

    let mut switches = TcpStream::connect(target.address()).await.unwrap();
    let thaw = "PUT /settings HTTP/1.1\r\nContent-Length: 17\r\n\r\n{\"frozen\": false}";
    assert!(send(&mut switches, thaw, 1).await.contains("200 OK"));
    assert!(answer.await.contains("202 Accepted"));
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_the_target_lives_on() {
    let target = start(TargetSettings::default());
    for garbage in ["\x16\x03\x01 hello", "GET\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n"] {
        let mut stream = TcpStream::connect(target.address()).await.unwrap();
        assert!(send(&mut stream, garbage, 1).await.contains("400 Bad Request"), "{garbage:?}");
    }
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    let huge = "POST /api/v1/events/ingest HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n";
    assert!(send(&mut stream, huge, 1).await.contains("413 Content Too Large"));
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    assert!(send(&mut stream, "GET /health HTTP/1.1\r\n\r\n", 1).await.contains("healthy"));
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let target = start(TargetSettings::default());
    let error = PracticeTarget::start(target.address(), TargetSettings::default()).unwrap_err();
    assert!(error.to_string().contains(&target.address().to_string()), "{error}");
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nX-API-Key: key\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn put(path: &str, body: &str) -> String {
    post(path, body).replacen("POST", "PUT", 1)
}

#[tokio::test]
async fn every_contract_takes_its_events_over_one_connection() {
    let target = start(TargetSettings::default());
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    let visit = r#"{"event_type":"page_visited","user_id":"u","session_id":"s","props":{}}"#;
    let answer = send(&mut stream, &post("/api/events", visit), 1).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains(r#""status":"queued""#), "{answer}");

    let call = r#"{"event_id":"evt_1","event_type":"api_call","title":"t","source":{"service":"s","endpoint":"/","method":"GET"}}"#;
    let answer = send(&mut stream, &post("/api/v1/ingestion/events", call), 1).await;
    assert!(answer.contains("200 OK") && answer.contains(r#""event_id":"evt_1""#), "{answer}");
    let found = send(&mut stream, "GET /api/v1/ingestion/events/search?service=s&limit=5 HTTP/1.1\r\n\r\n", 1).await;
    assert!(found.contains(r#""filtered_count":1"#) && found.contains("evt_1"), "{found}");
    let limit = send(&mut stream, "GET /api/v1/ingestion/rate-limit HTTP/1.1\r\n\r\n", 1).await;
    assert!(limit.contains(r#""limit":null"#) && limit.contains(r#""exceeded":false"#), "{limit}");

    let order =
        r#"[{"subject_id":"order:FM-1","predicate":"order_status","object_value":"CREATED","object_type":"string"}]"#;
    stream.write_all(post("/triples/batch?validate=true", order).as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "}]").await;
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    stream.write_all(put("/triples/batch", order).as_bytes()).await.unwrap();
    assert!(read_until(&mut stream, "}]").await.starts_with("HTTP/1.1 200 OK"));

    let own = send(&mut stream, &post("/my/own/path", r#"{"events":[{"type":"a"},{"type":"b"}]}"#), 1).await;
    assert!(own.contains("202 Accepted") && own.contains(r#""successful":2"#), "{own}");
    assert!(send(&mut stream, "GET /my/own/path HTTP/1.1\r\n\r\n", 1).await.contains("404 Not Found"));
    assert!(send(&mut stream, &post("/my/own/path", "<xml/>"), 1).await.contains("422"));

    let account = target.report().await.unwrap().account;
    assert_eq!((account.accepted, account.unreadable, account.held), (6, 1, 6));
    for (name, count) in [("page_visited", 1), ("api_call", 1), ("POST order", 1), ("PUT order", 1), ("a", 1), ("b", 1)]
    {
        assert_eq!(account.event_types.get(name), Some(&count), "{name}");
    }
    assert_eq!(account.answered, account.requests);
}

/// Reads until the text so far ends in something.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "{}", String::from_utf8_lossy(&seen));
    }
    String::from_utf8(seen).unwrap()
}

#[tokio::test]
async fn an_answer_that_is_lost_is_told_apart_from_one_that_was_given() {
    let target = start(TargetSettings { lost_answer_rate: 1.0, ..TargetSettings::default() });
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    stream.write_all(ingest("", EVENT).as_bytes()).await.unwrap();
    let error = stream.read(&mut [0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    target.set(TargetSettings { close_rate: 1.0, ..TargetSettings::default() }).await.unwrap();
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    let answer = send(&mut stream, &ingest("", EVENT), 1).await;
    assert!(answer.contains("202 Accepted") && answer.contains("connection: close"), "{answer}");
    assert_eq!(stream.read(&mut [0; 64]).await.unwrap(), 0);
    // A client that goes away during a freeze gets no answer either, although its event is accepted.
    target.set(TargetSettings { frozen: true, ..TargetSettings::default() }).await.unwrap();
    let mut gone = TcpStream::connect(target.address()).await.unwrap();
    gone.write_all(ingest("", EVENT).as_bytes()).await.unwrap();
    while target.report().await.unwrap().account.requests < 3 {
        tokio::task::yield_now().await;
    }
    drop(gone);
    tokio::time::sleep(Duration::from_millis(50)).await;
    target.set(TargetSettings::default()).await.unwrap();
    let account = loop {
        let account = target.report().await.unwrap().account;
        if account.answered + account.unanswered == 3 {
            break account;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((account.accepted, account.answered, account.unanswered, account.answer_lost), (3, 1, 2, 2));
}

#[tokio::test]
async fn duplicates_are_kept_or_known_or_a_conflict() {
    let event = EVENT.replace("\"user_id\"", "\"event_id\":\"e-1\",\"user_id\"");
    for (duplicates, status, held) in [
        (shared::api::DuplicateAnswer::Accept, "202 Accepted", 2),
        (shared::api::DuplicateAnswer::Known, "202 Accepted", 1),
        (shared::api::DuplicateAnswer::Conflict, "409 Conflict", 1),
    ] {
        let target = start(TargetSettings { duplicates, ..TargetSettings::default() });
        let mut stream = TcpStream::connect(target.address()).await.unwrap();
        send(&mut stream, &ingest("", &event), 1).await;
        let again = send(&mut stream, &ingest("", &event), 1).await;
        assert!(again.contains(status), "{again}");
        let account = target.report().await.unwrap().account;
        assert_eq!((account.duplicates, account.held), (1, held), "{duplicates:?}");
    }
}

#[tokio::test]
async fn the_limit_of_the_ingestion_service_is_a_400_with_its_sentence() {
    let settings = TargetSettings {
        rate_limit: Some(0.5),
        rate_limit_answer: shared::api::RateLimitAnswer::BadRequest,
        ..TargetSettings::default()
    };
    let target = start(settings);
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    let call = post("/api/v1/ingestion/events", "{}");
    send(&mut stream, &call, 1).await;
    let refused = send(&mut stream, &call, 1).await;
    assert!(refused.starts_with("HTTP/1.1 400") && !refused.contains("retry-after"), "{refused}");
    assert!(refused.contains("Rate limit exceeded. Limit: 30 events per 60 seconds"), "{refused}");
}

#[tokio::test]
async fn a_freeze_of_some_seconds_ends_by_itself() {
    let target = start(TargetSettings { frozen: true, freeze_seconds: Some(0.2), ..TargetSettings::default() });
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    let begun = std::time::Instant::now();
    assert!(send(&mut stream, &ingest("", EVENT), 1).await.contains("202 Accepted"));
    assert!(begun.elapsed() >= Duration::from_millis(150));
    assert!(!target.report().await.unwrap().settings.frozen);
}

#[tokio::test]
async fn slow_reading_and_slow_answering_take_their_time() {
    let slow = [
        TargetSettings { read_bytes_per_second: Some(500.0), ..TargetSettings::default() },
        TargetSettings { answer_bytes_per_second: Some(1_000.0), ..TargetSettings::default() },
    ];
    for settings in slow {
        let target = start(settings.clone());
        let mut stream = TcpStream::connect(target.address()).await.unwrap();
        let begun = std::time::Instant::now();
        assert!(send(&mut stream, &ingest("", EVENT), 1).await.contains("202 Accepted"));
        // 75 bytes of body at 500, about 230 bytes of answer at 1000 a second.
        assert!(begun.elapsed() >= Duration::from_millis(120), "{settings:?}");
    }
}

#[tokio::test]
async fn what_it_holds_can_be_asked_for_page_by_page_and_settings_changed_one_by_one() {
    let target = start(TargetSettings { batch_failure_rate: 0.0, ..TargetSettings::default() });
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    let patch = r#"{"error_rate": 0.0, "id_field": "data.n"}"#;
    let answer = send(&mut stream, &post("/settings", patch).replacen("POST", "PATCH", 1), 1).await;
    assert!(answer.contains("200 OK") && answer.contains(r#""id_field":"data.n""#), "{answer}");
    let wrong = send(&mut stream, &post("/settings", r#"{"eror_rate": 1}"#).replacen("POST", "PATCH", 1), 1).await;
    assert!(wrong.contains("422") && wrong.contains("eror_rate"), "{wrong}");
    for number in 0..3 {
        let event = EVENT.replace("\"user_id\"", &format!("\"n\":{number},\"user_id\""));
        send(&mut stream, &ingest("", &event), 1).await;
    }
    let held = send(&mut stream, "GET /held?from=1&limit=1 HTTP/1.1\r\n\r\n", 1).await;
    let held: shared::api::HeldEvents = serde_json::from_str(&held[held.find('{').unwrap()..]).unwrap();
    assert_eq!((held.from, held.end, held.events.len()), (1, 3, 1));
    let key = crate::fingerprint::Key::of_id("1");
    assert!(held.events[0].starts_with(&format!("{:032x}:", key.0)));
}

#[tokio::test]
async fn encoded_bodies_are_refused_by_name() {
    let target = start(TargetSettings::default());
    let mut stream = TcpStream::connect(target.address()).await.unwrap();
    let answer = send(&mut stream, &ingest("Content-Encoding: gzip\r\n", EVENT), 1).await;
    assert!(answer.contains("415 Unsupported Media Type"), "{answer}");
}
