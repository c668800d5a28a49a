//! Targets that go away in the middle of a run and come back at the same place.

#![cfg(unix)]

use std::time::{Duration, Instant};

use rustix::process::Signal;
use shared::api::TargetAccount;
use shared::run::{FailureKind, RunResult};

use crate::delivery::account;
use crate::process::{Ended, Home, Running, assert_reconciles};

/// Events that the first target has accepted when it is killed.
const BEFORE: u64 = 120;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A target that is killed after a while and comes back: what the run says, and what each of the two accepted (of the
/// first what it said last).
fn restarted(scenario: impl Fn(&str) -> String) -> (RunResult, Ended, [u64; 2]) {
    let home = Home::new();
    let (target, url) = home.target(&[]);
    let address = url.strip_prefix("http://").unwrap();
    let file = home.write("restart.yaml", &scenario(address));
    let run = home.start(&["run", &file, "-o", "r.json"]);
    let began = Instant::now();
    let first = loop {
        let accepted = account(&url).accepted;
        if accepted >= BEFORE {
            break accepted;
        }
        assert!(began.elapsed() < PATIENCE, "{accepted} events have come");
        std::thread::sleep(Duration::from_millis(20));
    };
    target.signal(Signal::KILL);
    target.ended();
    std::thread::sleep(Duration::from_millis(700));
    let again = back(&home, address);
    let ended = run.ended();
    again.signal(Signal::TERM);
    let account: TargetAccount = serde_json::from_str(&again.ended().stdout).unwrap();
    (home.result("r.json"), ended, [first, account.accepted])
}

fn back(home: &Home, address: &str) -> Running {
    let mut again = home.start(&["target", "--bind", address]);
    assert!(again.line().contains(address), "it is back at {address}");
    again
}

/// What must hold whatever the protocol.
fn assert_recovered(result: &RunResult, ended: &Ended, [first, second]: [u64; 2]) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_reconciles(result);
    let events = result.totals.events;
    let lost = [
        FailureKind::ConnectionRefused,
        FailureKind::ConnectionReset,
        FailureKind::NoAnswer,
        FailureKind::AnswerCut,
        FailureKind::ConnectionFailed,
    ];
    let kinds: Vec<_> = result.failures.iter().map(|failure| failure.kind).collect();
    assert!(events.failed > 0 && kinds.iter().all(|kind| lost.contains(kind)), "{events:?}: {kinds:?}");
    assert!(result.connections.reopened > 0, "{:?}", result.connections);
    // At its rate again: 100 in each second, but for a machine that has much else to do.
    let whole: Vec<u64> = result.timeline.iter().map(|row| row.events.succeeded).collect();
    assert!(whole.iter().rev().take(3).any(|second| *second >= 60), "{whole:?}");
    assert!(whole.iter().take(2).any(|second| *second >= 30), "{whole:?}");
    // What either accepted was sent; what the first accepted after it was asked, or did not come to answer, is unknown.
    assert!(second > 100 && first + second <= events.sent, "{first} and {second} of {events:?}");
    let unknown = events.succeeded.abs_diff(first + second);
    assert!(unknown <= 50, "{first} and {second} of {events:?}");
}

#[test]
fn an_http_target_that_dies_and_returns_costs_what_was_under_way_and_no_more() {
    let (result, ended, accepted) = restarted(|address| {
        format!(
            "name: restart\nseed: 3\ntargets: {{t: {{url: \"http://{address}\", send: {{method: POST, path: /anything}}}}}}\n\
             events: {{beat: {{body: {{id: \"${{event.id}}\"}}}}}}\nbehaviors: {{beats: {{emit: {{event: beat}}}}}}\n\
             workloads: {{main: {{load: {{rate: 100/s, arrival: uniform, duration: 5s}}}}}}\n"
        )
    });
    assert_recovered(&result, &ended, accepted);
}

#[test]
fn a_websocket_target_that_dies_and_returns_costs_what_was_under_way_and_no_more() {
    let (result, ended, accepted) = restarted(|address| {
        format!(
            "name: restart\nseed: 3\ntargets: {{t: {{protocol: ws, url: \"ws://{address}/ws/mobile/sync/\", connections: 4, \
             reconnect: {{delay: 100ms, max: 200ms}}, ws: {{correlate: client_time}}}}}}\n\
             events: {{beat: {{body: {{type: heartbeat, client_time: \"${{event.id}}\"}}}}}}\n\
             behaviors: {{beats: {{emit: {{event: beat}}}}}}\n\
             workloads: {{main: {{load: {{rate: 100/s, arrival: uniform, duration: 5s}}}}}}\n"
        )
    });
    assert_recovered(&result, &ended, accepted);
    assert_eq!(result.streams.broken, 4, "each connection that was open: {:?}", result.streams);
}
