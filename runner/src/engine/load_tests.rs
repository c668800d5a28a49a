//! Runs with every kind of load: what the target sees is what the load says, whoever shares the work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::run::{Change, Command, LoadKind, RunState};

use crate::engine::journal::NoJournal;
use crate::engine::start::start;
use crate::engine::tests::{begin, ended, ready, run, scenario};
use crate::transport::trial_server::{Reply, TrialServer};

/// What a target received: each body in the order of arrival.
type Received = Arc<Mutex<Vec<String>>>;

/// A target that takes so long for each request and keeps what it received.
fn witness(takes: Duration) -> (TrialServer, Received) {
    let received = Received::default();
    let kept = Arc::clone(&received);
    let server = TrialServer::start(move |_, _, body| {
        kept.lock().unwrap().push(String::from_utf8_lossy(body).into_owned());
        std::thread::sleep(takes);
        Reply::status(200)
    });
    (server, received)
}

/// The value of a field of a flat JSON object.
fn field<'b>(body: &'b str, name: &str) -> &'b str {
    let key = format!("\"{name}\":");
    let rest = &body[body.find(&key).unwrap_or_else(|| panic!("no {name} in {body}")) + key.len()..];
    rest[..rest.find([',', '}']).unwrap()].trim_matches('"')
}

/// The intended moment of each event by its id, in microseconds.
fn intended(received: &Received) -> BTreeMap<String, i64> {
    let bodies = received.lock().unwrap();
    bodies.iter().map(|body| (field(body, "id").to_owned(), field(body, "at").parse().unwrap())).collect()
}

/// How many events have a value of a field.
fn counted(received: &Received, name: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for body in received.lock().unwrap().iter() {
        *counts.entry(field(body, name).to_owned()).or_default() += 1;
    }
    counts
}

/// Events that say when they were intended, and a workload of them.
fn dated(url: &str, behavior: &str, workload: &str) -> String {
    let event = |name: &str| {
        let body = "id: '${event.id}', user: '${user.id}', at: {$now: epoch_us}";
        let used = behavior.contains(name);
        if used { format!("{name}: {{body: {{kind: {name}, {body}}}}}, ") } else { String::new() }
    };
    format!(
        "{{name: trial, seed: 7,
          targets: {{api: {{url: '{url}', connections: 64}}}},
          events: {{{}{}}},
          behaviors: {{main: {behavior}}},
          workloads: {{main: {workload}}}}}",
        event("ping"),
        event("pong")
    )
}

const PINGS: &str = "{emit: {event: ping}}";
const MIX: &str = "{mix: {weights: {ping: 3, pong: 1}}}";

#[tokio::test]
async fn workloads_add_up_to_the_whole_even_where_a_worker_has_a_part_of_one_alone() {
    let (server, _) = witness(Duration::ZERO);
    let text = format!(
        "{{name: trial, seed: 7, targets: {{api: {{url: '{}'}}}}, events: {{ping: {{body: {{id: '${{event.id}}'}}}}}},
          behaviors: {{pings: {{emit: {{event: ping}}}}}},
          workloads: {{one: {{load: {{concurrency: 1, delay: 20ms, duration: 1s}}}},
            many: {{load: {{rate: 100/s, arrival: uniform, duration: 1s}}}}}}}}",
        server.url()
    );
    let result = run(&text, 2).await;
    let sent: Vec<u64> = result.workloads.iter().map(|row| row.sent).collect();
    assert!(sent[0] > 5 && sent[1] == 100, "{sent:?}");
    assert_eq!(result.workloads[1].response_time.count, 100);
}

#[tokio::test]
async fn bulk_keeps_so_many_requests_at_once_and_sends_exactly_the_count() {
    for (workers, at_once) in [(1, 8), (2, 8), (2, 3), (2, 1)] {
        let (now, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (open, peak) = (Arc::clone(&now), Arc::clone(&most));
        let server = TrialServer::start(move |_, _, _| {
            let open_now = open.fetch_add(1, Ordering::SeqCst) + 1;
            peak.fetch_max(open_now, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            open.fetch_sub(1, Ordering::SeqCst);
            Reply::status(202)
        });
        let text = scenario(&server.url(), "", &format!("concurrency: {at_once}, count: 200"));
        let result = run(&text, workers).await;
        let events = result.totals.events;
        assert_eq!((events.offered, events.succeeded, events.dropped), (200, 200, 0), "{at_once} by {workers}");
        assert_eq!(server.requests.load(Ordering::SeqCst), 200);
        assert_eq!(most.load(Ordering::SeqCst), at_once, "by {workers} workers");
        let row = &result.workloads[0];
        assert_eq!((row.load, row.at_once), (LoadKind::Concurrency, Some(at_once)));
        // Due when a place is free: what is left between the two is the way through the worker.
        let (response, service) = (result.latency.response_time.percentiles, result.latency.service_time.percentiles);
        assert!(response.p50_us < service.p50_us + 5_000, "{response:?} {service:?}");
        assert_eq!(result.run.info.state, RunState::Finished);
    }
}

#[tokio::test]
async fn one_at_a_time_with_a_pause_is_sequential() {
    let server = TrialServer::start(|_, _, _| Reply::status(200));
    let text = scenario(&server.url(), "", "concurrency: 1, delay: 50ms, count: 12");
    let result = run(&text, 1).await;
    assert_eq!(result.totals.events.succeeded, 12);
    assert_eq!(result.connections.opened, 1, "{:?}", result.connections);
    assert!((0.55..2.0).contains(&result.totals.elapsed_seconds), "{}", result.totals.elapsed_seconds);
}

#[tokio::test]
async fn bulk_for_a_while_ends_then_and_batches_are_full() {
    let server = TrialServer::start(|_, _, _| Reply::Later(Duration::from_millis(5), Box::new(Reply::status(200))));
    let text = scenario(&server.url(), "batch: {size: 10, linger: 1s}", "concurrency: 4, duration: 500ms");
    let result = run(&text, 2).await;
    let requests = result.totals.requests;
    assert_eq!(result.totals.events.succeeded, 10 * requests.succeeded);
    assert!(requests.succeeded >= 20 && result.totals.events.dropped == 0, "{requests:?}");
    assert!((0.5..1.5).contains(&result.totals.elapsed_seconds), "{}", result.totals.elapsed_seconds);
    // What is left of a batch goes at the end.
    let text = scenario(&server.url(), "batch: {size: 10, linger: 1s}", "concurrency: 2, count: 37");
    let result = run(&text, 1).await;
    assert_eq!((result.totals.events.succeeded, result.totals.requests.sent), (37, 4));
}

#[tokio::test]
async fn bulk_pauses_stops_and_outlives_a_target_that_fails() {
    let server = TrialServer::start(|number, _, _| match number % 4 {
        0 => Reply::status(500),
        1 => Reply::Reset,
        2 => Reply::Nothing,
        _ => Reply::Later(Duration::from_millis(5), Box::new(Reply::status(200))),
    });
    let text = scenario(&server.url(), "timeout: 50ms", "concurrency: 6, duration: forever");
    let handle = begin(&text, 2);
    tokio::time::sleep(Duration::from_millis(300)).await;
    handle.command(Command::Pause, "test").await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = server.requests.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.requests.load(Ordering::SeqCst), before, "a paused run sends nothing");
    handle.command(Command::Resume, "test").await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    handle.command(Command::Stop, "test").await.unwrap();
    let result = ended(&handle).await;
    assert!(server.requests.load(Ordering::SeqCst) > before);
    assert_eq!(result.totals.events.sent, server.requests.load(Ordering::SeqCst));
    assert_eq!(result.totals.events.dropped, 0);
}

#[tokio::test]
async fn users_wait_for_their_answers_and_pause() {
    for (behavior, workers) in [(PINGS, 1), (PINGS, 2), (MIX, 2)] {
        let (server, received) = witness(Duration::from_millis(30));
        let load = "{load: {users: 5, delay: 20ms, duration: 2s}}";
        let result = run(&dated(&server.url(), behavior, load), workers).await;
        let users = counted(&received, "user");
        assert_eq!(users.len(), 5, "{users:?}");
        // Each turn takes 50 ms at the least, and little more on an idle machine.
        assert!(users.values().all(|count| (5..=41).contains(count)), "{users:?}");
        assert!(result.totals.events.offered > 60, "{:?}", result.totals.events);
        assert_eq!((result.workloads[0].load, result.workloads[0].at_once), (LoadKind::Users, Some(5)));
        // Nobody has two events at a time: the next is intended after the answer and the pause.
        let mut moments: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for body in received.lock().unwrap().iter() {
            moments.entry(field(body, "user").to_owned()).or_default().push(field(body, "at").parse().unwrap());
        }
        for moments in moments.values() {
            assert!(moments.windows(2).all(|pair| pair[1] - pair[0] >= 50_000), "{moments:?}");
        }
        assert_eq!(result.run.info.state, RunState::Finished);
    }
}

#[tokio::test]
async fn users_come_one_by_one_and_leave_from_the_last_to_the_first() {
    let (server, received) = witness(Duration::ZERO);
    let load = "{load: {users: 10, delay: 10ms, ramp: {up: 1s, down: 1s}, duration: 3s}}";
    run(&dated(&server.url(), PINGS, load), 2).await;
    let mut seen: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for body in received.lock().unwrap().iter() {
        let at = field(body, "at").parse().unwrap();
        let (first, last) = seen.entry(field(body, "user").to_owned()).or_insert((at, at));
        (*first, *last) = ((*first).min(at), (*last).max(at));
    }
    assert_eq!(seen.len(), 10);
    let zero = seen["user_1"].0;
    for (user, (first, last)) in &seen {
        let number: i64 = user.trim_start_matches("user_").parse::<i64>().unwrap() - 1;
        assert_eq!(first - zero, number * 100_000, "{user} joins in its turn");
        assert!(last - zero < 3_000_000 - number * 100_000, "{user} leaves in its turn");
    }
}

#[tokio::test]
async fn people_with_sessions_wait_for_slow_answers() {
    let (server, received) = witness(Duration::from_millis(150));
    let session = "{session: {graph: {$start: {home: 1}, home: {home: 0.99, $end: 0.01}}, step: {enter: ping, dwell: 20ms}, limits: {steps: 1000}}}";
    let load = "{load: {users: 3, duration: 2s}}";
    let result = run(&dated(&server.url(), session, load), 1).await;
    let users = counted(&received, "user");
    assert_eq!(users.len(), 3, "{users:?}");
    // Every 20 ms by their own will, every 150 ms by the target's.
    assert!(users.values().all(|count| (3..=14).contains(count)), "{users:?}");
    assert_eq!(result.totals.events.dropped, 0);
    let (server, received) = witness(Duration::ZERO);
    run(&dated(&server.url(), session, load), 1).await;
    let fast = counted(&received, "user");
    assert!(fast.values().sum::<u64>() > 2 * users.values().sum::<u64>(), "{fast:?}");
}

#[tokio::test]
async fn no_more_requests_are_on_their_way_than_may_and_the_rest_is_late() {
    let (now, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (open, peak) = (Arc::clone(&now), Arc::clone(&most));
    let server = TrialServer::start(move |_, _, _| {
        peak.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(50));
        open.fetch_sub(1, Ordering::SeqCst);
        Reply::status(200)
    });
    let load = "rate: 100/s, arrival: uniform, duration: 1s, max_in_flight: 3, late_after: 100ms, drain: 30s";
    let result = run(&scenario(&server.url(), "", load), 2).await;
    let events = result.totals.events;
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!((events.offered, events.succeeded, events.dropped), (100, 100, 0));
    assert!(events.late > 40, "{events:?}");
    // The wait is part of the response time, and no fault of the generator.
    assert!(result.latency.response_time.percentiles.p99_us > 400_000, "{:?}", result.latency.response_time);
    let load = format!("{load}, drop_after: 200ms");
    let result = run(&scenario(&server.url(), "", &load), 1).await;
    assert!(result.totals.events.dropped > 10, "{:?}", result.totals.events);
}

#[tokio::test]
async fn what_happens_to_one_thing_arrives_in_its_order_one_at_a_time() {
    let busy: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
    let seen: Arc<Mutex<BTreeMap<String, Vec<String>>>> = Arc::default();
    let (own, order) = (Arc::clone(&busy), Arc::clone(&seen));
    let server = TrialServer::start(move |number, _, body| {
        let body = String::from_utf8_lossy(body).into_owned();
        let thing = field(&body, "thing").to_owned();
        *own.lock().unwrap().entry(thing.clone()).or_default() += 1;
        let together = own.lock().unwrap()[&thing];
        order.lock().unwrap().entry(thing.clone()).or_default().push(field(&body, "state").to_owned());
        std::thread::sleep(Duration::from_millis(5 + number % 7 * 10));
        *own.lock().unwrap().get_mut(&thing).unwrap() -= 1;
        // Two at a time would lose one of them.
        Reply::status(if together > 1 { 500 } else { 200 })
    });
    let text = format!(
        "{{name: trial, seed: 7,
          targets: {{api: {{url: '{}', connections: 32}}}},
          events: {{step: {{body: {{thing: '${{entity.id}}', state: '${{state.name}}'}}}}}},
          behaviors: {{main: {{lifecycle: {{initial: made,
            states: {{made: {{enter: step, next: [{{to: sent, p: 1, after: 3ms}}]}},
                     sent: {{enter: step, next: [{{to: seen, p: 1, after: 3ms}}]}},
                     seen: {{enter: step, next: [{{to: gone, p: 1, after: 3ms}}]}},
                     gone: {{enter: step}}}}}}}}}},
          workloads: {{main: {{load: {{rate: 20/s, arrival: uniform, duration: 2s, drain: 30s}}}}}}}}",
        server.url()
    );
    let result = run(&text, 2).await;
    assert_eq!(result.totals.events.failed, 0, "two updates of one thing at a time");
    let seen = seen.lock().unwrap();
    assert!(seen.len() >= 35, "{}", seen.len());
    assert!(seen.values().all(|states| *states == ["made", "sent", "seen", "gone"]), "{seen:?}");
}

#[tokio::test]
async fn the_target_sees_the_curve_of_the_load() {
    for (load, parts) in [
        ("rate: 50/s, ramp: {up: 1s, down: 1s}, duration: 3s", [25.0, 50.0, 25.0]),
        ("rate: 30/s, burst: {factor: 3, every: 1500ms, lasts: 500ms}, duration: 3s", [30.0, 60.0, 60.0]),
        ("rate: 20/s, shape: [{spike: {at: 1s, factor: 5, lasts: 1s}}], duration: 3s", [20.0, 100.0, 20.0]),
        ("rate: 20/s, shape: [{points: [[0s, 1], [3s, 4]]}], duration: 3s", [30.0, 50.0, 70.0]),
        ("per_connection: 1/s, stagger: 50ms, duration: 3s", [10.5, 30.5, 50.5]),
        ("count: 90, shape: [{points: [[0s, 1], [3s, 1]]}], duration: 3s", [30.0, 30.0, 30.0]),
    ] {
        let exact = load.starts_with("count");
        let (server, received) = witness(Duration::ZERO);
        let arrival = if exact { "" } else { ", arrival: uniform" };
        let result = run(&dated(&server.url(), PINGS, &format!("{{load: {{{load}{arrival}}}}}")), 2).await;
        let started = shared::generate::clock::parse_rfc3339(&result.run.info.started_at).unwrap().0;
        let mut seen = [0.0; 3];
        for moment in intended(&received).values() {
            seen[((moment - started) / 1_000_000).clamp(0, 2) as usize] += 1.0;
        }
        let total: f64 = seen.iter().sum();
        assert_eq!(total as u64, result.totals.events.offered);
        let tolerance = if exact { 25.0 } else { 1.5 };
        for (seen, planned) in seen.iter().zip(parts) {
            assert!((seen - planned).abs() <= tolerance, "{load}: {seen} instead of {planned}");
        }
        if exact {
            assert_eq!(total, 90.0);
        }
        let drawn: f64 = result.timeline.iter().map(|row| row.target_rate * row.covered_seconds).sum();
        assert!((drawn - parts.iter().sum::<f64>()).abs() < 1.0, "{load}: {drawn}");
    }
}

#[tokio::test]
async fn workloads_run_side_by_side_in_their_ratio() {
    let (server, received) = witness(Duration::ZERO);
    let both = format!("{PINGS}, other: {{emit: {{event: pong}}}}");
    let text = dated(&server.url(), &both, "{behavior: main, load: {rate: 80/s, arrival: uniform, duration: 2s}}")
        .replace("workloads: {", "workloads: {rest: {behavior: other, load: {ratio_of: main, ratio: 0.25, arrival: uniform}}, bulk: {behavior: other, load: {concurrency: 2, count: 30}}, ");
    let result = run(&text, 2).await;
    let kinds = counted(&received, "kind");
    assert_eq!((kinds["ping"], kinds["pong"]), (160, 40 + 30));
    assert_eq!(result.workloads.len(), 3);
}

#[tokio::test]
async fn changes_made_again_send_the_same_events_at_the_same_moments() {
    let load = "{population: {count: 40}, load: {rate: 120/s, duration: forever}}";
    let (server, first) = witness(Duration::ZERO);
    let handle = begin(&dated(&server.url(), MIX, load), 2);
    let wait = |millis| tokio::time::sleep(Duration::from_millis(millis));
    wait(300).await;
    let weights = BTreeMap::from([("ping".to_owned(), 0.0)]);
    handle.command(Command::SetWeights { workload: None, weights }, "panel").await.unwrap();
    wait(400).await;
    handle.command(Command::SetRateMultiplier { multiplier: 2.5 }, "api").await.unwrap();
    wait(300).await;
    handle.command(Command::Pause, "terminal").await.unwrap();
    wait(250).await;
    let weights = BTreeMap::from([("ping".to_owned(), 1.0), ("pong".to_owned(), 1.0)]);
    handle.command(Command::SetWeights { workload: Some("main".to_owned()), weights }, "terminal").await.unwrap();
    handle.command(Command::Resume, "terminal").await.unwrap();
    wait(500).await;
    handle.command(Command::Stop, "panel").await.unwrap();
    let recorded = ended(&handle).await;
    let origins: Vec<&str> = recorded.changes.iter().map(|change| change.origin.as_str()).collect();
    assert_eq!(origins, ["panel", "api", "terminal", "terminal", "terminal", "panel"]);
    // Through the file that people have.
    let file = serde_json::to_vec(&recorded.changes).unwrap();
    let changes: Vec<Change> = serde_json::from_slice(&file).unwrap();
    for workers in [1, 3] {
        let (server, again) = witness(Duration::ZERO);
        let prepared = ready(&dated(&server.url(), MIX, load), workers).with_changes(changes.clone());
        let repeated = ended(&start(prepared, Box::new(NoJournal))).await;
        let commands = |result: &shared::run::RunResult| -> Vec<(f64, Command)> {
            result.changes.iter().map(|change| (change.elapsed_seconds, change.command.clone())).collect()
        };
        assert_eq!(commands(&repeated), commands(&recorded));
        assert!(repeated.changes.iter().all(|change| change.origin == "replay"));
        let (one, other) = (intended(&first), intended(&again));
        assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>(), "by {workers} workers");
        // The runs began at different moments: all events are apart by that, and by nothing else.
        let apart: Vec<i64> = one.values().zip(other.values()).map(|(one, other)| other - one).collect();
        let (least, most) = (apart.iter().min().unwrap(), apart.iter().max().unwrap());
        assert!(most - least <= 1, "{least} to {most} µs by {workers} workers");
        assert_eq!(counted(&first, "kind"), counted(&again, "kind"));
    }
}

#[tokio::test]
async fn weights_and_users_change_what_is_sent_from_then_on() {
    let (server, received) = witness(Duration::ZERO);
    let load = "{population: {count: 10}, load: {rate: 200/s, arrival: uniform, duration: 2s}}";
    let handle = begin(&dated(&server.url(), MIX, load), 2);
    tokio::time::sleep(Duration::from_millis(900)).await;
    let weights = BTreeMap::from([("pong".to_owned(), 0.0)]);
    let change = handle.command(Command::SetWeights { workload: None, weights }, "test").await.unwrap();
    let wrong = BTreeMap::from([("pang".to_owned(), 1.0)]);
    let refused = handle.command(Command::SetWeights { workload: None, weights: wrong }, "test").await;
    assert!(refused.unwrap_err().to_string().contains("no event `pang`"));
    let refused = handle.command(Command::SetUsers { workload: None, users: 3 }, "test").await;
    assert!(refused.unwrap_err().to_string().contains("no workload with users"));
    let result = ended(&handle).await;
    let started = shared::generate::clock::parse_rfc3339(&result.run.info.started_at).unwrap().0;
    let at = started + (change.elapsed_seconds * 1e6) as i64;
    let pongs = |after: bool| {
        let bodies = received.lock().unwrap();
        let of = |body: &&String| (field(body, "at").parse::<i64>().unwrap() > at + 1_000) == after;
        bodies.iter().filter(of).filter(|body| field(body, "kind") == "pong").count()
    };
    assert!(pongs(false) > 20, "{}", pongs(false));
    assert_eq!(pongs(true), 0);

    let (server, received) = witness(Duration::ZERO);
    let load = "{load: {users: 2, delay: 20ms, duration: 3s}}";
    let handle = begin(&dated(&server.url(), PINGS, load), 2);
    tokio::time::sleep(Duration::from_millis(800)).await;
    let more = handle.command(Command::SetUsers { workload: None, users: 6 }, "test").await.unwrap();
    tokio::time::sleep(Duration::from_millis(800)).await;
    let fewer = handle.command(Command::SetUsers { workload: None, users: 1 }, "test").await.unwrap();
    let result = ended(&handle).await;
    let started = shared::generate::clock::parse_rfc3339(&result.run.info.started_at).unwrap().0;
    let seconds = |at: i64| (at - started) as f64 / 1e6;
    for body in received.lock().unwrap().iter() {
        let (user, at) = (field(body, "user"), seconds(field(body, "at").parse().unwrap()));
        let here = match user {
            "user_1" => true,
            "user_2" => at < fewer.elapsed_seconds + 0.002,
            _ => (more.elapsed_seconds - 0.002..fewer.elapsed_seconds + 0.002).contains(&at),
        };
        assert!(here, "{user} at {at}");
    }
    assert_eq!(counted(&received, "user").len(), 6);
}
