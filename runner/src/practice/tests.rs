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
    assert_eq!(send(&mut stream, &ingest("", EVENT), 1).await, "");

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
