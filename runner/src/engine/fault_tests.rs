//! Faults in whole runs: what the target received is what the faults left of the plan, to the event.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use std::time::Duration;

use shared::run::fault::{FaultKind, FaultRow};
use shared::run::{Command, FailureKind, RunResult};

use crate::engine::orders::CommandError;
use crate::engine::tests::{begin, ended, run};
use crate::transport::trial_server::{Reply, TrialServer};

/// What a target received: how often each body came, in what order, over how many connections.
#[derive(Default)]
struct Received {
    bodies: Vec<Vec<u8>>,
}

impl Received {
    fn counted(&self) -> BTreeMap<&[u8], usize> {
        let mut counts = BTreeMap::new();
        self.bodies.iter().for_each(|body| *counts.entry(body.as_slice()).or_default() += 1);
        counts
    }
}

/// Runs 400 events over two seconds with some faults; gives the result and what arrived.
async fn suffer(faults: &str, workers: usize) -> (Arc<RunResult>, Received) {
    let received = Arc::new(Mutex::new(Received::default()));
    let kept = Arc::clone(&received);
    let server = TrialServer::start(move |_, _, body| {
        kept.lock().unwrap().bodies.push(body.to_vec());
        Reply::status(if body.ends_with(b"}") { 202 } else { 400 })
    });
    let text = format!(
        "{{name: trial, seed: 7, targets: {{api: {{url: '{}'}}}},
          events: {{ping: {{body: {{id: '${{event.id}}', n: '${{seq}}', at: {{$now: epoch_ms}}}}}}}},
          behaviors: {{pings: {{emit: {{event: ping}}}}}}, faults: {{flaky: [{faults}]}},
          workloads: {{main: {{faults: flaky, load: {{rate: 200/s, arrival: uniform, duration: 2s}}}}}}}}",
        server.url()
    );
    let result = run(&text, workers).await;
    drop(server);
    let received = std::mem::take(&mut *received.lock().unwrap());
    assert_eq!(received.bodies.len() as u64, result.totals.events.sent, "sent and received");
    let rows: u64 = result.timeline.iter().flat_map(|row| row.faults.values()).sum();
    assert_eq!(rows, result.faults.iter().map(|row| row.applied).sum::<u64>(), "the timeline has every fault");
    (result, received)
}

fn row(result: &RunResult, kind: FaultKind) -> FaultRow {
    *result.faults.iter().find(|row| row.kind == kind).unwrap()
}

#[tokio::test]
async fn what_is_dropped_on_purpose_is_withheld_and_not_failed() {
    let mut arrived = Vec::new();
    for workers in [1, 3] {
        let (result, received) = suffer("{drop: {p: 0.2}}, {drop_connection: {p: 0.1}}", workers).await;
        let (dropped, cut) = (row(&result, FaultKind::Drop), row(&result, FaultKind::DropConnection));
        let events = result.totals.events;
        assert_eq!((events.offered, events.failed, events.dropped), (400, 0, 0));
        assert!(dropped.applied > 40 && cut.applied > 15, "{dropped:?} {cut:?}");
        assert_eq!(events.withheld, dropped.applied + cut.applied);
        assert_eq!(dropped.planned, dropped.applied);
        assert!(result.connections.reopened > 0, "{:?}", result.connections);
        let mut bodies: Vec<String> = received
            .bodies
            .iter()
            .map(|body| String::from_utf8_lossy(body).split(",\"at\"").next().unwrap().to_owned())
            .collect();
        bodies.sort();
        arrived.push(bodies);
    }
    assert_eq!(arrived[0], arrived[1], "the same events are withheld whoever sends them");
}

#[tokio::test]
async fn a_copy_is_the_same_bytes_and_counts_as_an_event_of_its_own() {
    let (result, received) =
        suffer("{duplicate: {p: 0.3, times: {$int: [1, 3]}, gap: {$uniform: [5ms, 50ms]}}}", 2).await;
    let copies = row(&result, FaultKind::Duplicate);
    assert_eq!(copies.planned, copies.applied);
    assert_eq!(result.totals.events.offered, 400 + copies.applied);
    assert_eq!(result.totals.events.succeeded, 400 + copies.applied);
    let counted = received.counted();
    assert_eq!(counted.len(), 400, "each event has the same bytes however often it came");
    assert_eq!(counted.values().map(|times| times - 1).sum::<usize>() as u64, copies.applied);
    assert!(counted.values().all(|times| *times <= 4) && counted.values().any(|times| *times == 4));
}

#[tokio::test]
async fn broken_bytes_are_refused_by_the_target_and_counted_by_both() {
    let (result, received) =
        suffer("{truncate: {p: 0.25, keep: 0.5}}, {drift: {p: 0.5, mutations: [{rename_field: {path: n, to: m}}]}}", 2)
            .await;
    let (cut, drifted) = (row(&result, FaultKind::Truncate), row(&result, FaultKind::Drift));
    assert_eq!(result.totals.events.failed, cut.applied);
    assert_eq!(result.totals.events.sent, 400);
    let renamed = received.bodies.iter().filter(|body| String::from_utf8_lossy(body).contains("\"m\":")).count() as u64;
    // What was cut in half first had no such field any more.
    assert_eq!(renamed, drifted.applied);
    assert!(drifted.applied < drifted.planned);
}

#[tokio::test]
async fn what_is_held_back_arrives_later_and_does_not_look_slow() {
    let (result, received) = suffer("{delay: {p: 0.5, by: 300ms}}, {reorder: {p: 0.2, window: 100ms}}", 1).await;
    let (delayed, reordered) = (row(&result, FaultKind::Delay), row(&result, FaultKind::Reorder));
    assert_eq!((delayed.planned, result.totals.events.succeeded), (delayed.applied, 400));
    // The last ones have nobody behind them who could overtake.
    assert!(reordered.applied <= reordered.planned && reordered.applied + 5 >= reordered.planned, "{reordered:?}");
    let numbers: Vec<u32> = received
        .bodies
        .iter()
        .map(|body| {
            serde_json::from_slice::<serde_json::Value>(body).unwrap()["n"]
                .to_string()
                .trim_matches('"')
                .parse()
                .unwrap()
        })
        .collect();
    let overtaken =
        numbers.iter().enumerate().filter(|(place, number)| numbers[place + 1..].iter().any(|later| later < number));
    assert!(overtaken.count() > 100, "events overtake those that are held back");
    // 300 ms of our own doing are no response time; a loaded machine may add some of its own.
    assert!(result.latency.response_time.percentiles.p50_us < 200_000);
    assert!(result.totals.elapsed_seconds > 2.1, "the run waits for what it held back");
}

#[tokio::test]
async fn late_events_bear_a_date_that_lies_back() {
    let (result, received) = suffer("{late: {p: 0.5, by: 1h}}", 1).await;
    let moments: Vec<i64> = received
        .bodies
        .iter()
        .map(|body| serde_json::from_slice::<serde_json::Value>(body).unwrap()["at"].as_i64().unwrap())
        .collect();
    let newest = moments.iter().max().unwrap();
    let late = moments.iter().filter(|moment| newest - *moment > 3_500_000).count() as u64;
    assert_eq!(late, row(&result, FaultKind::Late).applied);
    // Half of them bear an old date; a loaded machine may send some late, but not those.
    assert!(result.totals.events.late < 50, "they were sent on time: {}", result.totals.events.late);
}

#[tokio::test]
async fn slow_requests_take_as_long_as_their_speed_says() {
    let (result, _) = suffer("{slow_send: {p: 0.02, bytes_per_second: 2000}}", 1).await;
    let slow = row(&result, FaultKind::SlowSend);
    assert!(slow.applied > 0 && slow.applied == slow.planned, "{slow:?}");
    assert_eq!(result.totals.events.succeeded, 400);
    // Head and body are some 150 bytes or more.
    assert!(result.latency.service_time.percentiles.max_us > 60_000);
}

#[tokio::test]
async fn credentials_that_expired_go_with_those_requests_alone() {
    let stale = Arc::new(Mutex::new(0_u64));
    let seen = Arc::clone(&stale);
    let server = TrialServer::start(move |_, head, _| {
        let fresh = head.contains("Bearer still-good");
        assert!(fresh != head.contains("Bearer expired"), "{head}");
        *seen.lock().unwrap() += u64::from(!fresh);
        Reply::status(if fresh { 202 } else { 401 })
    });
    let text = format!(
        "{{name: trial, seed: 7, targets: {{api: {{url: '{}', auth: {{bearer: {{token: still-good}}}},
            batch: {{size: 5, linger: 10ms, path: /batch, wrap: {{events: '${{batch}}'}}}}}}}},
          events: {{ping: {{body: {{id: '${{event.id}}'}}}}}}, behaviors: {{pings: {{emit: {{event: ping}}}}}},
          faults: {{flaky: [{{auth_expire: {{p: 0.1}}}}]}},
          workloads: {{main: {{faults: flaky, load: {{rate: 200/s, arrival: uniform, duration: 2s}}}}}}}}",
        server.url()
    );
    let result = run(&text, 2).await;
    let row = row(&result, FaultKind::AuthExpire);
    assert!(row.applied > 20 && row.applied == row.planned, "{row:?}");
    assert_eq!((*stale.lock().unwrap(), result.totals.events.failed), (row.applied, row.applied));
    let unauthorized = result.failures.iter().find(|failure| failure.kind == FailureKind::Unauthorized).unwrap();
    assert_eq!(unauthorized.count, row.applied);
}

#[tokio::test]
async fn faults_are_switched_and_dosed_while_the_run_goes_on() {
    let server = TrialServer::start(|_, _, _| Reply::status(202));
    let text = format!(
        "{{name: trial, seed: 7, targets: {{api: {{url: '{}'}}}}, events: {{ping: {{body: {{id: '${{event.id}}'}}}}}},
          behaviors: {{pings: {{emit: {{event: ping}}}}}}, faults: {{flaky: [{{drop: {{p: 1}}}}]}},
          workloads: {{main: {{faults: flaky, load: {{rate: 200/s, arrival: uniform, duration: 3s}}}}}}}}",
        server.url()
    );
    let handle = begin(&text, 2);
    let set = |fault: &str, factor| {
        let command = Command::SetFault { fault: fault.to_owned(), factor };
        let handle = handle.clone();
        async move { handle.command(command, "test").await }
    };
    assert!(matches!(set("flakey", 0.0).await, Err(CommandError::Unfit(_))));
    assert!(matches!(set("flaky", -1.0).await, Err(CommandError::Unfit(_))));
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let off = set("flaky.drop", 0.0).await.unwrap();
    let result = ended(&handle).await;
    let before = (off.elapsed_seconds * 200.0).round() as i64;
    let withheld = result.totals.events.withheld as i64;
    assert!((withheld - before).abs() <= 2, "{withheld} withheld, switched off after {before}");
    assert_eq!(result.totals.events.sent + result.totals.events.withheld, 600);
    assert_eq!(result.changes.len(), 1);
}
