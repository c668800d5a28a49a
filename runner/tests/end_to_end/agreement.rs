//! What the practice target says of itself and what the result says are the same, to the event, whatever was injected.

use std::time::{Duration, Instant};

use shared::api::TargetAccount;
use shared::run::{FailureKind, RunResult};

use super::delivery::{account, ask, audit, found};
use super::process::{Home, KEY, assert_reconciles};

/// Everything at once: errors that mean different things, resets before and after events are taken, slow answers.
const FAULTS: [&str; 14] = [
    "--error-rate",
    "0.15",
    "--error-status",
    "429:2",
    "--error-status",
    "409:1",
    "--error-status",
    "500:2",
    "--drop-rate",
    "0.05",
    "--lost-answer-rate",
    "0.05",
    "--close-rate",
    "0.05",
];

fn failed(result: &RunResult, kind: FailureKind) -> u64 {
    result.failures.iter().find(|failure| failure.kind == kind).map_or(0, |failure| failure.count)
}

fn status(result: &RunResult, status: u16) -> u64 {
    result.status_codes.get(&status).copied().unwrap_or_default()
}

/// Runs against a target with all those faults that is frozen for a second in the middle; gives both accounts.
fn run(home: &Home, url: &str, more: &[&str]) -> (RunResult, TargetAccount) {
    let mut arguments = vec!["run", "commerce-events", "-d", "4s", "-e", url, "-k", KEY, "-o", "r.json", "--seed", "3"];
    arguments.extend(["--ledger", "run.ledger", "--set", "targets.api.classify={409: duplicate, 429: throttled}"]);
    arguments.extend(more);
    let running = home.start(&arguments);
    let deadline = Instant::now() + Duration::from_secs(20);
    while account(url).requests < 20 {
        assert!(Instant::now() < deadline, "nothing is sent");
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_secs(1));
    let (answered, _) = ask(url, "PATCH", "/settings", r#"{"frozen": true, "freeze_seconds": 1.0}"#);
    assert_eq!(answered, 200);
    let ended = running.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("r.json");
    assert_reconciles(&result);
    (result, account(url))
}

#[test]
fn one_event_per_request_agrees_by_every_kind_of_failure() {
    let home = Home::new();
    let (_target, url) = home.target(&FAULTS);
    let (result, account) = run(&home, &url, &["-b", "1", "-r", "150/s", "--set", "targets.api.retry.attempts=1"]);
    let events = result.totals.events;
    let (duplicates, throttled, errors) = (status(&result, 409), status(&result, 429), status(&result, 500));
    assert!(duplicates > 0 && throttled > 0 && errors > 0 && account.dropped > 0 && account.answer_lost > 0);
    assert_eq!(account.requests, events.sent, "every request was read to its end");
    assert_eq!(account.accepted - account.answer_lost, status(&result, 202));
    assert_eq!(events.succeeded, status(&result, 202) + duplicates);
    assert_eq!((events.duplicate, events.throttled), (duplicates, throttled));
    assert_eq!(account.failed, duplicates + throttled + errors);
    assert_eq!(failed(&result, FailureKind::Throttled), throttled);
    assert_eq!(failed(&result, FailureKind::ServerError), errors);
    assert_eq!(events.failed, throttled + errors + account.dropped + account.answer_lost);
    // Those that fell into the freeze waited for its end, and are told so.
    let slowest = result.latency.response_time.percentiles.max_us;
    assert!(slowest > 700_000, "{slowest}");
    let (code, audited) = audit(&home, "run.ledger", &url);
    // The target said of some that it had them already, which it had not: only those are missing.
    assert_eq!(code, Some(i32::from(duplicates > 0)), "{audited}");
    assert_eq!(found(&audited, "lost"), duplicates, "{audited}");
    assert_eq!(audited["sound"].as_u64(), Some(status(&result, 202)), "{audited}");
    assert_eq!(found(&audited, "in_doubt_held"), account.answer_lost);
    assert_eq!(found(&audited, "in_doubt_missing"), account.dropped);
    assert_eq!(found(&audited, "phantom") + found(&audited, "corrupted") + found(&audited, "duplicate"), 0);
}

#[test]
fn batches_that_are_retried_agree_attempt_by_attempt() {
    let home = Home::new();
    let faults = [&FAULTS[..4], &FAULTS[6..], &["--batch-failure-rate", "0.03"]].concat();
    let (_target, url) = home.target(&faults);
    let retry =
        "targets.api.retry={attempts: 8, backoff: {exponential: {base: 1ms, max: 8ms}}, when: [network, 429, 5xx]}";
    let (result, account) =
        run(&home, &url, &["-b", "10", "-r", "600/s", "--set", retry, "--set", "targets.api.batch.linger=50ms"]);
    let (events, requests) = (result.totals.events, result.totals.requests);
    assert!(requests.retried > 0 && account.failed > 0 && account.dropped > 0);
    assert_eq!(account.requests, requests.sent + requests.retried, "every attempt reached the target");
    let attempts = events.sent + events.retried;
    assert_eq!(account.accepted + account.rejected + account.failed + account.dropped, attempts);
    // What ended as failed: refused inside of a batch, or not mended by any attempt.
    let refused = failed(&result, FailureKind::EventRejected);
    assert_eq!(events.succeeded + events.failed, events.sent);
    assert!(refused <= account.failed && refused > 0);
    let (_, audited) = audit(&home, "run.ledger", &url);
    assert_eq!(found(&audited, "lost") + found(&audited, "phantom") + found(&audited, "corrupted"), 0, "{audited}");
    // Everything that the target holds is one of ours: once, or twice where an answer was lost on the way.
    let duplicates = found(&audited, "duplicate");
    assert_eq!(audited["duplicates_after_lost_answers"].as_u64(), Some(duplicates), "{audited}");
    assert_eq!(audited["ledger"]["acknowledged"].as_u64(), Some(events.succeeded), "{audited}");
}

#[test]
fn copies_sent_on_purpose_are_told_apart_from_those_that_the_target_made() {
    let home = Home::new();
    let (_target, url) = home.target(&[]);
    let scenario = home.write(
        "shop.yaml",
        "extends: commerce-events\nname: shop\nfaults: {twice: [{duplicate: {p: 0.2}}]}\n\
         workloads: {shop: {faults: twice}}\n",
    );
    let ended = home.ended(&["run", &scenario, "-r", "200/s", "-d", "2s", "-e", &url, "-k", KEY, "--ledger", "l"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let account = account(&url);
    assert!(account.duplicates > 0, "{account:?}");
    let (code, audited) = audit(&home, "l", &url);
    assert_eq!(code, Some(1), "the target should have known them: {audited}");
    assert_eq!(found(&audited, "duplicate"), account.duplicates);
    assert_eq!(audited["duplicates_sent_on_purpose"].as_u64(), Some(account.duplicates));
    assert_eq!(found(&audited, "lost") + found(&audited, "phantom"), 0, "{audited}");
}
