//! A person's way through the API: start, watch, pause, resume, change the rate, stop, download.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use shared::api::{ErrorBody, RunSummary, Status, TargetAccount, TargetReport};
use shared::run::{Change, Hello, LiveMessage, RunInfo, RunResult, RunState, Tick};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::process::{Home, assert_reconciles};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

pub(crate) fn client() -> Client {
    let tls = runner::transport::tls::TlsConfig::public_roots().unwrap().to_config();
    Client::builder().tls_backend_preconfigured(tls).timeout(Duration::from_secs(20)).build().unwrap()
}

/// Starts the built-in scenario at 50/s against the server's practice target; returns the run's id.
pub(crate) async fn start_a_run(address: &str, duration: &str) -> String {
    let body = json!({
        "scenario": {"named": "commerce-events"}, "profile": "quick_test", "practice_target": true,
        "set": {"workloads.shop.load.duration": duration, "workloads.shop.load.rate": "50/s"},
    });
    let answer = client().post(format!("{address}/api/runs")).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    answer.json::<RunInfo>().await.unwrap().id.0
}

/// What a practice target of its own process has accepted so far.
pub(crate) async fn accepted(url: &str) -> u64 {
    get::<TargetAccount>(url, "/account").await.accepted
}

async fn watch(address: &str, id: &str) -> Socket {
    let url = format!("{}/api/live/{id}", address.replace("http", "ws"));
    connect_async(url).await.unwrap().0
}

/// The next message; none when the stream is closed.
async fn next(socket: &mut Socket) -> Option<LiveMessage> {
    let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await.unwrap();
    match message {
        Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
        Some(Ok(Message::Close(_))) | None => None,
        other => panic!("unexpected {other:?}"),
    }
}

async fn hello(socket: &mut Socket) -> Hello {
    match next(socket).await {
        Some(LiveMessage::Hello(hello)) => *hello,
        other => panic!("not a hello: {other:?}"),
    }
}

/// Reads ticks until one fits.
async fn tick_with(socket: &mut Socket, fits: impl Fn(&Tick) -> bool) -> Tick {
    loop {
        match next(socket).await {
            Some(LiveMessage::Tick(tick)) if fits(&tick) => return *tick,
            Some(LiveMessage::Tick(_)) => {}
            other => panic!("no fitting tick, but {other:?}"),
        }
    }
}

async fn command(address: &str, id: &str, command: Value) -> Change {
    let url = format!("{address}/api/runs/{id}/commands");
    let answer = client().post(url).json(&command).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

async fn get<T: serde::de::DeserializeOwned>(address: &str, path: &str) -> T {
    client().get(format!("{address}{path}")).send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_run_is_started_watched_steered_stopped_and_downloaded() {
    let home = Home::new();
    let (_server, address) = home.serve(&[]);
    let status: Status = get(&address, "/api/status").await;
    assert!(status.practice_target.is_some() && status.active_run.is_none());

    let id = start_a_run(&address, "1h").await;
    let mut socket = watch(&address, &id).await;
    let first = hello(&mut socket).await;
    assert_eq!((first.run.id.0.as_str(), first.snapshot.rate_multiplier), (id.as_str(), 1.0));
    tick_with(&mut socket, |tick| tick.snapshot.events.succeeded > 20).await;

    command(&address, &id, json!("pause")).await;
    let paused = tick_with(&mut socket, |tick| tick.snapshot.state == RunState::Paused).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    command(&address, &id, json!("resume")).await;
    let resumed = tick_with(&mut socket, |tick| tick.snapshot.state == RunState::Running).await;
    assert!(resumed.snapshot.schedule_seconds < paused.snapshot.schedule_seconds + 1.0, "a pause holds the schedule");

    let change = command(&address, &id, json!({"set_rate_multiplier": {"multiplier": 4.0}})).await;
    assert_eq!(change.origin, "api");
    let faster = tick_with(&mut socket, |tick| tick.snapshot.target_rate > 100.0).await;
    assert!((faster.snapshot.target_rate - 200.0).abs() < 1.0, "{}", faster.snapshot.target_rate);
    assert_eq!(faster.snapshot.rate_multiplier, 4.0);

    // Somebody who comes later sees the whole history.
    let later = hello(&mut watch(&address, &id).await).await;
    assert_eq!(later.changes.len(), 3);
    assert!(later.timeline.iter().map(|row| row.events.succeeded).sum::<u64>() > 20);

    let status: Status = get(&address, "/api/status").await;
    assert_eq!(status.active_run.map(|run| run.0), Some(id.clone()));
    command(&address, &id, json!("stop")).await;
    tick_with(&mut socket, |tick| tick.snapshot.state == RunState::Stopped).await;
    while next(&mut socket).await.is_some() {}

    let result: RunResult = finished(&address, &id).await;
    assert_reconciles(&result);
    let target: TargetReport = get(&address, "/api/target").await;
    assert_eq!(target.account.accepted, result.totals.events.succeeded);

    // A run that is over is drawn from the store.
    let mut old = watch(&address, &id).await;
    assert_eq!(hello(&mut old).await.snapshot.state, RunState::Stopped);
    assert!(next(&mut old).await.is_none());
}

/// The result, once it is on disk.
async fn finished(address: &str, id: &str) -> RunResult {
    for _ in 0..200 {
        let summary: RunSummary = get(address, &format!("/api/runs/{id}")).await;
        if summary.info.state.is_over() {
            return get(address, &format!("/api/runs/{id}/result")).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the run does not end");
}

#[tokio::test]
async fn there_is_one_run_at_a_time() {
    let home = Home::new();
    let (_server, address) = home.serve(&[]);
    let id = start_a_run(&address, "1h").await;
    let body = json!({"scenario": {"named": "commerce-events"}, "practice_target": true});
    let second = client().post(format!("{address}/api/runs")).json(&body).send().await.unwrap();
    assert_eq!(second.status(), StatusCode::CONFLICT);
    assert_eq!(second.json::<ErrorBody>().await.unwrap().code, "run_active");
    let deleted = client().delete(format!("{address}/api/runs/{id}")).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::CONFLICT);
    command(&address, &id, json!("abort")).await;
    finished(&address, &id).await;
    let deleted = client().delete(format!("{address}/api/runs/{id}")).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    let runs: Vec<RunSummary> = get(&address, "/api/runs").await;
    assert!(runs.is_empty());
}

#[tokio::test]
async fn scenarios_are_stored_checked_and_kept_from_being_overwritten() {
    let home = Home::new();
    let (_server, address) = home.serve(&[]);
    let url = format!("{address}/api/scenarios/mine");
    let text = "extends: commerce-events\nworkloads: {shop: {load: {rate: 5/s}}}\n";
    let saved: Value = client()
        .put(&url)
        .json(&json!({"text": text}))
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(saved["problems"], json!([]));
    let again = client().put(&url).json(&json!({"text": "x: 1"})).send().await.unwrap();
    assert_eq!(again.json::<ErrorBody>().await.unwrap().code, "name_taken");
    let update = json!({"text": "extends: commerce-events\nworkloads: {shop: {load: {rate: 0/s}}}\n",
        "expected_revision": saved["revision"]});
    let updated: Value = client().put(&url).json(&update).send().await.unwrap().json().await.unwrap();
    assert_eq!(updated["problems"][0]["path"], "workloads.shop.load.rate");
    let listed: Value = get(&address, "/api/scenarios").await;
    // The built-ins come first, people's own after them.
    let listed = listed.as_array().unwrap();
    let (mine, built_in) = listed.split_last().unwrap();
    assert!(built_in.iter().all(|scenario| scenario["built_in"] == json!(true)));
    assert_eq!((&mine["built_in"], &mine["name"]), (&json!(false), &json!("mine")));
    let body = json!({"scenario": {"named": "mine"}, "practice_target": true});
    let refused = client().post(format!("{address}/api/runs")).json(&body).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.json::<ErrorBody>().await.unwrap().problems.is_empty());
    let built_in = format!("{address}/api/scenarios/commerce-events");
    assert_eq!(client().delete(built_in).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(client().delete(&url).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(client().get(&url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}
