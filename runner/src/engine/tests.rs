//! Runs against a server that behaves as each test says: what is counted, how commands act, what the verdict is.

mod bad_targets;
mod http;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shared::compile::compile;
use shared::run::{Carried, Command, Counts, FailureKind, RunResult, RunState, VerdictStatus, WorkloadRow};
use shared::scenario::LoadOptions;

use crate::engine::handle::RunHandle;
use crate::engine::journal::NoJournal;
use crate::engine::orders::CommandError;
use crate::engine::prepare::{PrepareError, PrepareOptions, Prepared, prepare};
use crate::engine::start::start;
use crate::transport::trial_server::{Reply, TrialServer};

/// A scenario of one event type at a target; `target` and `load` go into the maps of those names.
pub(super) fn scenario(url: &str, target: &str, load: &str) -> String {
    format!(
        "{{name: trial, seed: 7,
          targets: {{api: {{url: '{url}', {target}}}}},
          events: {{ping: {{body: {{id: '${{event.id}}'}}}}}},
          behaviors: {{pings: {{emit: {{event: ping}}}}}},
          workloads: {{main: {{load: {{{load}}}}}}}}}"
    )
}

pub(super) fn ready(text: &str, workers: usize) -> Prepared {
    try_ready(text, PrepareOptions { workers: Some(workers), ..PrepareOptions::default() }).unwrap()
}

fn try_ready(text: &str, options: PrepareOptions) -> Result<Prepared, PrepareError> {
    let compiled = compile(text, &LoadOptions::new("trial"), 7);
    assert!(compiled.scenario.is_some(), "{:?}", compiled.problems);
    prepare(compiled.scenario.unwrap(), &options)
}

pub(super) fn begin(text: &str, workers: usize) -> RunHandle {
    start(ready(text, workers), Box::new(NoJournal))
}

pub(super) async fn run(text: &str, workers: usize) -> Arc<RunResult> {
    ended(&begin(text, workers)).await
}

pub(super) async fn ended(handle: &RunHandle) -> Arc<RunResult> {
    let result = tokio::time::timeout(Duration::from_secs(60), handle.wait()).await.expect("the run ends").unwrap();
    reconcile(&result);
    result
}

/// What holds for every result, whatever happened.
pub(super) fn reconcile(result: &RunResult) {
    for counts in [result.totals.events, result.totals.requests] {
        assert_eq!(counts.offered, counts.sent + counts.dropped + counts.withheld, "{counts:?}");
        assert_eq!(counts.sent, counts.succeeded + counts.failed, "{counts:?}");
    }
    let events = result.totals.events;
    let of_types =
        |figure: fn(&shared::run::Counts) -> u64| result.event_types.iter().map(|row| figure(&row.events)).sum::<u64>();
    assert_eq!(of_types(|c| c.offered), events.offered);
    assert_eq!(of_types(|c| c.succeeded), events.succeeded);
    assert_eq!(of_types(|c| c.failed), events.failed);
    assert_eq!(of_types(|c| c.dropped), events.dropped);
    assert_eq!(of_types(|c| c.withheld), events.withheld);
    assert_eq!(result.failures.iter().map(|failure| failure.count).sum::<u64>(), events.failed);
    assert!(result.failures.iter().all(|failure| failure.sample.is_some()));
    let of_rows =
        |figure: fn(&shared::run::Counts) -> u64| result.timeline.iter().map(|row| figure(&row.events)).sum::<u64>();
    assert_eq!(of_rows(|c| c.offered), events.offered);
    assert_eq!(of_rows(|c| c.succeeded), events.succeeded);
    assert_eq!(of_rows(|c| c.failed), events.failed);
    assert!(result.run.info.state.is_over());
    let Counts { sent, succeeded, failed, .. } = result.totals.events;
    let all = Carried { sent, succeeded, failed };
    let summed = |rows: &mut dyn Iterator<Item = Carried>| {
        let mut sum = Carried::default();
        rows.for_each(|row| sum.add(&row));
        sum
    };
    let by_workload = |row: &WorkloadRow| Carried { sent: row.sent, succeeded: row.succeeded, failed: row.failed };
    assert_eq!(summed(&mut result.workloads.iter().map(by_workload)), all, "by workload: {:?}", result.workloads);
    assert_eq!(summed(&mut result.protocols.iter().map(|row| row.events)), all, "by protocol: {:?}", result.protocols);
}

pub(super) fn count_of(result: &RunResult, kind: FailureKind) -> u64 {
    result.failures.iter().find(|failure| failure.kind == kind).map_or(0, |failure| failure.count)
}

#[tokio::test]
async fn every_event_of_the_plan_is_sent_once_by_any_number_of_workers() {
    for workers in [1, 3] {
        let server = TrialServer::start(|_, _, _| Reply::status(202));
        let text = scenario(&server.url(), "", "rate: 300/s, arrival: uniform, duration: 1s");
        let result = run(&text, workers).await;
        assert_eq!(result.run.info.state, RunState::Finished);
        assert_eq!(result.totals.events.offered, 300);
        assert_eq!(result.totals.events.succeeded, 300);
        assert_eq!(server.requests.load(Ordering::SeqCst), 300);
        assert_eq!(result.status_codes.get(&202), Some(&300));
        assert_eq!(result.latency.response_time.percentiles.count, 300);
        assert!((result.totals.elapsed_seconds - 1.0).abs() < 0.3, "{}", result.totals.elapsed_seconds);
        assert!(result.timeline.iter().map(|row| row.target_rate * row.covered_seconds).sum::<f64>() - 300.0 < 1.0);
    }
}

#[tokio::test]
async fn counts_reconcile_whatever_the_target_does() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec();
    let accepted = Arc::new(AtomicU64::new(0));
    let accepting = Arc::clone(&accepted);
    let server = TrialServer::start(move |number, _, _| match number % 10 {
        0 => Reply::status(429),
        1 => Reply::status(500),
        2 => Reply::Raw(b"garbage\r\n\r\n".to_vec()),
        3 => Reply::Raw(half.clone()),
        4 => Reply::Reset,
        5 => Reply::status(401),
        6 if number % 100 == 6 => Reply::Nothing,
        _ => {
            accepting.fetch_add(1, Ordering::SeqCst);
            let ok = Box::new(Reply::status(202));
            if number % 10 == 7 { Reply::Later(Duration::from_millis(20), ok) } else { *ok }
        }
    });
    let text = scenario(&server.url(), "timeout: 300ms", "rate: 400/s, arrival: uniform, duration: 2s");
    let result = run(&text, 2).await;
    assert_eq!(result.totals.events.offered, 800);
    assert_eq!(result.totals.events.succeeded, accepted.load(Ordering::SeqCst));
    assert_eq!(result.totals.events.sent, server.requests.load(Ordering::SeqCst));
    for (kind, count) in [
        (FailureKind::Throttled, 80),
        (FailureKind::ServerError, 80),
        (FailureKind::Protocol, 80),
        (FailureKind::AnswerCut, 80),
        (FailureKind::ConnectionReset, 80),
        (FailureKind::Unauthorized, 80),
        (FailureKind::Timeout, 8),
    ] {
        assert_eq!(count_of(&result, kind), count, "{kind:?}");
    }
    assert_eq!(result.totals.events.throttled, 80);
    assert!(result.connections.reopened >= 100, "{:?}", result.connections);
}

#[tokio::test]
async fn a_target_that_is_not_there_is_data_during_a_run_and_an_error_before_it() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = scenario(&format!("http://{free}"), "", "rate: 200/s, arrival: uniform, duration: 500ms");
    let mut prepared = ready(&text, 1);
    let error = prepared.preflight().await.unwrap_err();
    assert!(matches!(&error, PrepareError::Unreachable { target, .. } if target == "api"), "{error}");
    let result = ended(&start(prepared, Box::new(NoJournal))).await;
    assert_eq!(count_of(&result, FailureKind::ConnectionRefused), 100);
    assert!(result.connections.opened == 0 && result.connections.failed > 0);
}

#[tokio::test]
async fn a_connection_that_the_target_closes_while_idle_costs_nothing() {
    let server = TrialServer::start(|_, _, _| Reply::ThenClose(Box::new(Reply::status(200))));
    let text = scenario(&server.url(), "connections: 1", "rate: 20/s, arrival: uniform, duration: 1s");
    let result = run(&text, 1).await;
    assert_eq!(result.totals.events.succeeded, 20, "{:?}", result.failures);
    assert!(result.connections.opened >= 20);
}

#[tokio::test]
async fn retries_turn_failures_into_successes_and_are_counted() {
    let server = TrialServer::start(|number, _, _| match number % 3 {
        0 => Reply::Answer(429, "Retry-After: 0\r\n", String::new()),
        1 => Reply::Reset,
        _ => Reply::status(200),
    });
    let retry = "connections: 1, retry: {attempts: 60, backoff: {constant: {wait: 5ms}}, when: ['429', network]}";
    let result = run(&scenario(&server.url(), retry, "rate: 50/s, arrival: uniform, duration: 1s"), 1).await;
    let events = result.totals.events;
    assert_eq!((events.sent, events.succeeded, events.failed), (50, 50, 0));
    assert_eq!(events.sent + events.retried, server.requests.load(Ordering::SeqCst));
    assert!(events.retried >= 90 && events.throttled > 0, "{events:?}");
}

#[tokio::test]
async fn batches_fill_linger_and_are_accepted_in_part() {
    let events = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&events);
    let server = TrialServer::start(move |_, head, body| {
        let items = String::from_utf8_lossy(body).matches("\"id\"").count() as u64;
        counted.fetch_add(items, Ordering::SeqCst);
        assert!(head.starts_with("POST /batch "), "{head}");
        Reply::Answer(202, "", format!("{{\"ok\":{},\"bad\":1}}", items - 1))
    });
    let batch = "batch: {size: 20, linger: 100ms, path: /batch, wrap: {events: '${batch}'}, ok_count: $.ok}";
    let result = run(&scenario(&server.url(), batch, "rate: 400/s, arrival: uniform, duration: 1s"), 1).await;
    assert_eq!(events.load(Ordering::SeqCst), 400);
    assert_eq!(result.totals.requests.sent, 20);
    assert_eq!(count_of(&result, FailureKind::EventRejected), 20);
    assert_eq!(result.totals.events.succeeded, 380);
    // At 20/s the linger sends a batch of two or three.
    let result = run(&scenario(&server.url(), batch, "rate: 20/s, arrival: uniform, duration: 1s"), 1).await;
    assert!((5..=10).contains(&result.totals.requests.sent), "{:?}", result.totals.requests);
}

#[tokio::test]
async fn commands_take_effect_and_are_kept() {
    let server = TrialServer::start(|_, _, _| Reply::status(200));
    let text = scenario(&server.url(), "", "rate: 200/s, arrival: uniform, duration: forever");
    let handle = begin(&text, 2);
    let (hello, mut ticks) = handle.subscribe().await.unwrap();
    assert_eq!(hello.run.state, RunState::Running);
    tokio::time::sleep(Duration::from_millis(550)).await;
    let paused = handle.command(Command::Pause, "test").await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let before = server.requests.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(server.requests.load(Ordering::SeqCst), before, "a paused run sends nothing");
    assert_eq!(handle.snapshot().state, RunState::Paused);
    let again = handle.command(Command::Pause, "test").await.unwrap_err();
    assert_eq!(again, CommandError::NotNow { command: "pause", state: RunState::Paused });
    let resumed = handle.command(Command::Resume, "test").await.unwrap();
    handle.command(Command::SetRateMultiplier { multiplier: 3.0 }, "test").await.unwrap();
    let wrong = handle.command(Command::SetRateMultiplier { multiplier: 0.0 }, "test").await;
    assert_eq!(wrong.unwrap_err(), CommandError::Multiplier);
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let stopped = handle.command(Command::Stop, "test").await.unwrap();
    let result = ended(&handle).await;
    assert_eq!(result.run.info.state, RunState::Stopped);
    assert_eq!(result.changes.len(), 4);
    let at_first_rate = paused.elapsed_seconds;
    let at_thrice = stopped.elapsed_seconds - resumed.elapsed_seconds;
    let want = 200.0 * (at_first_rate + 3.0 * at_thrice);
    let got = result.totals.events.offered as f64;
    assert!((got - want).abs() <= 12.0, "{got} offered, {want} planned");
    assert_eq!(result.totals.events.failed, 0);
    assert_eq!(server.requests.load(Ordering::SeqCst), result.totals.events.sent);
    let mut seen = 0;
    let mut last = None;
    while let Ok(tick) = ticks.try_recv() {
        seen += 1;
        last = Some(tick);
    }
    assert!(seen >= 15, "{seen} ticks");
    assert_eq!(last.unwrap().snapshot.state, RunState::Stopped);
    let late = handle.command(Command::Stop, "test").await.unwrap_err();
    assert_eq!(late, CommandError::NotNow { command: "stop", state: RunState::Stopped });
    let (hello, _) = handle.subscribe().await.unwrap();
    assert_eq!(hello.changes.len(), 4);
}

#[tokio::test]
async fn a_stop_waits_for_answers_and_an_abort_does_not() {
    for (command, kind) in [(Command::Stop, None), (Command::Abort, Some(FailureKind::Aborted))] {
        let slow = Duration::from_millis(700);
        let server = TrialServer::start(move |_, _, _| Reply::Later(slow, Box::new(Reply::status(200))));
        let text = scenario(&server.url(), "connections: 8", "rate: 50/s, arrival: uniform, duration: forever");
        let handle = begin(&text, 1);
        tokio::time::sleep(Duration::from_millis(400)).await;
        let asked = Instant::now();
        handle.command(command, "test").await.unwrap();
        let result = ended(&handle).await;
        let took = asked.elapsed();
        assert_eq!(result.run.info.state, RunState::Stopped);
        assert!(result.totals.events.dropped > 0, "those that waited for a connection are dropped");
        match kind {
            None => {
                assert_eq!(result.totals.events.failed, 0);
                assert!(took > Duration::from_millis(100), "{took:?}");
            }
            Some(kind) => {
                assert_eq!(count_of(&result, kind), 8);
                assert!(took < Duration::from_millis(400), "{took:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_target_frozen_for_two_seconds_shows_in_the_response_time_and_nowhere_else() {
    let began = Instant::now();
    let frozen = Arc::new(AtomicBool::new(false));
    let server = TrialServer::start(move |_, _, _| {
        let age = began.elapsed().as_secs_f64();
        if (2.0..4.0).contains(&age) {
            frozen.store(true, Ordering::SeqCst);
            return Reply::Later(Duration::from_secs_f64(4.0 - age), Box::new(Reply::status(200)));
        }
        Reply::status(200)
    });
    let text = scenario(&server.url(), "", "rate: 200/s, arrival: uniform, duration: 10s");
    let result = run(&text, 1).await;
    assert_eq!(result.totals.events.succeeded, 2_000);
    let response = result.latency.response_time.percentiles;
    // 400 of 2,000 requests fell into the freeze, evenly spread over its two seconds: 1 in 100 waited 1.9 s.
    assert!((1_750_000..=2_050_000).contains(&response.p99_us), "{response:?}");
    assert!(response.p50_us < 50_000, "{response:?}");
    assert_eq!(result.verdict.status, VerdictStatus::Valid, "{:?}", result.verdict);
}

/// Not a test of its own: the generator that the next test stops, in a process of its own.
#[tokio::test]
async fn generator_in_its_own_process() {
    let (Ok(url), Ok(output)) = (std::env::var("TRIAL_URL"), std::env::var("TRIAL_OUTPUT")) else { return };
    let result = run(&scenario(&url, "", "rate: 200/s, arrival: uniform, duration: 6s"), 1).await;
    std::fs::write(output, serde_json::to_vec(&*result).unwrap()).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_generator_stopped_for_two_seconds_accuses_itself_and_not_the_target() {
    use rustix::process::{Pid, Signal, kill_process};
    let server = TrialServer::start(|_, _, _| Reply::status(200));
    let output = tempfile::NamedTempFile::new().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "engine::tests::generator_in_its_own_process"])
        .env("TRIAL_URL", server.url())
        .env("TRIAL_OUTPUT", output.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&child);
    while server.requests.load(Ordering::SeqCst) < 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    kill_process(pid, Signal::STOP).unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    kill_process(pid, Signal::CONT).unwrap();
    let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert!(status.success());
    let result: RunResult = serde_json::from_slice(&std::fs::read(output.path()).unwrap()).unwrap();
    reconcile(&result);
    let (service, lag) = (result.latency.service_time.percentiles, result.latency.send_lag.percentiles);
    assert!(service.p95_us < 100_000, "{service:?}");
    assert!(lag.p99_us > 1_500_000, "{lag:?}");
    assert_eq!(result.verdict.status, VerdictStatus::Invalid, "{:?}", result.verdict);
    assert_eq!(result.totals.events.succeeded, 1_200);
}

#[tokio::test]
async fn requests_leave_on_time() {
    let server = TrialServer::start(|_, _, _| Reply::status(200));
    let text = scenario(&server.url(), "", "rate: 1000/s, arrival: poisson, duration: 2s");
    let result = run(&text, 1).await;
    let lag = result.latency.send_lag.percentiles;
    // Generous: the tests' machine is busy. On an idle core it is some tens of microseconds.
    assert!(lag.p50_us < 5_000, "{lag:?}");
    assert!(result.totals.events.late < 200, "{:?}", result.totals.events);
}

#[test]
fn secrets_are_resolved_and_missing_ones_are_named() {
    let auth = "auth: {api_key: {header: X-Key, value: '${env.TRIAL_KEY}'}}";
    let text = scenario("http://localhost:1", auth, "rate: 1/s, duration: 1s");
    let none = PrepareOptions { environment: Box::new(|_| None), ..PrepareOptions::default() };
    let error = try_ready(&text, none).unwrap_err();
    assert!(matches!(&error, PrepareError::Secret { variable: Some(name), .. } if name == "TRIAL_KEY"), "{error}");
    assert!(error.hint().unwrap().contains("TRIAL_KEY"));
    let some = PrepareOptions { environment: Box::new(|_| Some("s3cret".to_owned())), ..PrepareOptions::default() };
    let prepared = try_ready(&text, some).unwrap();
    assert!(!format!("{prepared:?}").contains("s3cret"), "a secret shows itself");
    let practice = PrepareOptions {
        environment: Box::new(|_| None),
        practice_target: Some("http://127.0.0.1:7979".parse().unwrap()),
        ..PrepareOptions::default()
    };
    let prepared = try_ready(&text, practice).unwrap();
    assert_eq!(prepared.info.targets, ["http://127.0.0.1:7979"]);
}

#[tokio::test]
async fn hosts_outside_this_network_need_leave() {
    let text = scenario("http://192.0.2.1:9", "connect_timeout: 200ms", "rate: 1/s, duration: 1s");
    let error = ready(&text, 1).preflight().await.unwrap_err();
    assert!(error.to_string().contains("was not allowed"), "{error}");
    let allowed = PrepareOptions { allowed_hosts: vec!["192.0.2.1".to_owned()], ..PrepareOptions::default() };
    let error = try_ready(&text, allowed).unwrap().preflight().await.unwrap_err();
    assert!(!error.to_string().contains("was not allowed"), "{error}");
}
