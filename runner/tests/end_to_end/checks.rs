//! What must hold: thresholds and checks, live and in the end, and the exit code that says so.

use std::time::{Duration, Instant};

use shared::limit::{LimitResult, StepKind, StepOutcome};
use shared::metrics::Histogram;
use shared::run::{Counts, RunId, RunResult, RunState, TimelineRow, Verdict};

use crate::process::{Home, KEY, assert_reconciles};

/// The built-in scenario at 100/s for a second and a half, each event alone, with more.
fn run<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments =
        vec!["run", "commerce-events", "-r", "100/s", "-d", "1500ms", "-b", "1", "--practice-target", "-o", "r.json"];
    arguments.extend(more);
    arguments
}

#[test]
fn thresholds_decide_the_exit_code() {
    let home = Home::new();
    let sound = ["--threshold", "error_rate<1%", "--threshold", "max<1h", "--threshold", "sent>10"];
    let ended = home.ended_undisturbed(&run(&sound));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("r.json");
    assert_eq!(result.thresholds.len(), 3);
    assert!(result.thresholds.iter().all(|threshold| threshold.passed && threshold.required), "{result:?}");

    let ended = home.ended_undisturbed(&run(&["--threshold", "p(50)<1us", "--threshold", "max<1h"]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let result = home.result("r.json");
    let passed: Vec<bool> = result.thresholds.iter().map(|threshold| threshold.passed).collect();
    assert_eq!(passed, [false, true]);
    assert!(ended.stdout.contains("p(50)<1us"), "{}", ended.stdout);
    // The scenario that is kept says all that was asked for.
    assert_eq!(result.run.scenario["checks"][0]["threshold"], "p(50)<1us");
}

#[test]
fn a_check_that_only_warns_fails_nothing() {
    let home = Home::new();
    let set = "checks=[{threshold: 'p(50)<1us', severity: warn}]";
    let ended = home.ended(&run(&["--set", set]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("r.json");
    assert!(!result.thresholds[0].passed && !result.thresholds[0].required);
}

#[test]
fn a_breach_that_aborts_ends_the_run_and_says_why() {
    let home = Home::new();
    let (_target, url) = home.target(&["--error-rate", "1"]);
    let set = "checks=[{threshold: 'error_rate<50% over 1s', severity: abort}]";
    let started = Instant::now();
    let ended = home.ended(&[
        "run",
        "commerce-events",
        "-r",
        "50/s",
        "-d",
        "1h",
        "-e",
        &url,
        "-k",
        KEY,
        "-o",
        "r.json",
        "--set",
        set,
        "--set",
        "targets.api.retry.attempts=1",
    ]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(started.elapsed() < Duration::from_secs(30));
    let result = home.result("r.json");
    assert_reconciles(&result);
    assert_eq!(result.run.info.state, RunState::Stopped);
    assert_eq!(result.changes.len(), 1);
    assert!(result.changes[0].origin.contains("error_rate<0.5 over 1s"), "{:?}", result.changes);
}

#[test]
fn the_mix_and_the_values_of_a_field_are_held_against_what_was_sent() {
    let home = Home::new();
    let sound = "checks=[{mix: {page.view: 0.4, page.click: 0.15, cart.add: 0.15, page.search: 0.07, cart.remove: 0.05, \
                 cart.update: 0.05, cart.checkout: 0.03, order.created: 0.03, order.updated: 0.02, order.fulfilled: 0.02, \
                 user.login: 0.02, user.signup: 0.01}, tolerance: 0.1}, \
                 {distribution: {field: currency, shares: {USD: 1}}}]";
    let ended = home.ended_undisturbed(&run(&["--set", sound]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("r.json");
    assert_eq!(result.thresholds.len(), 2);
    assert_eq!(result.thresholds[1].observed, Some(0.0), "{:?}", result.thresholds);

    let wrong = "checks=[{mix: {page.view: 0.9, cart.add: 0.1}, tolerance: 0.05}, \
                 {distribution: {field: currency, shares: {USD: 0.4, EUR: 0.6}}}]";
    let ended = home.ended_undisturbed(&run(&["--set", wrong]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let reason = |result: &RunResult, number: usize| result.thresholds[number].reason.clone().unwrap();
    let result = home.result("r.json");
    assert!(["not 90 %", "anything else is"].iter().any(|said| reason(&result, 0).contains(said)), "{result:?}");
    assert!(reason(&result, 1).contains("is 100 %, not 40 %") || reason(&result, 1).contains("EUR is 0 %"));
}

#[test]
fn what_cannot_be_checked_is_refused_before_anything_is_sent() {
    let home = Home::new();
    let ended = home.ended(&run(&["--threshold", "p(95)<fast"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("at column 7"), "{}", ended.stderr);
    let file = home.write("peak.yaml", "extends: commerce-events\nchecks:\n  - threshold: p(95)<300ms in peak\n");
    let ended = home.ended(&["validate", &file]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("peak.yaml:3:") && said.contains("no stage named `peak`"), "{said}");
}

#[test]
fn a_gate_on_the_testbench_format_finds_its_error_rate() {
    let home = Home::new();
    let (_target, url) = home.target(&["--error-rate", "0.5"]);
    let ended = home.ended(&[
        "run",
        "commerce-events",
        "-r",
        "100/s",
        "-d",
        "1500ms",
        "-b",
        "1",
        "-e",
        &url,
        "-k",
        KEY,
        "-o",
        "r.json",
        "--results-format",
        "testbench",
        "--set",
        "targets.api.retry.attempts=1",
        "--threshold",
        "error_rate<=0.1",
    ]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(home.path("r.json")).unwrap()).unwrap();
    let rate = value["errorRate"].as_f64().unwrap();
    assert!((0.2..0.8).contains(&rate), "{value}");
    assert_eq!(
        value["totalMessages"],
        value["successfulMessages"].as_u64().unwrap() + value["failedMessages"].as_u64().unwrap()
    );
}

#[test]
fn one_run_is_written_in_every_format_and_merges_with_another() {
    let home = Home::new();
    let ended = home.ended(&run(&["-o", "r.html", "-o", "r.csv", "-o", "r.hlog"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let read = |name: &str| std::fs::read_to_string(home.path(name)).unwrap();
    assert!(read("r.html").starts_with("<!doctype html>"));
    assert!(read("r.csv").starts_with("second,"));
    assert!(read("r.hlog").contains("Tag=response_time,"));
    for (format, file) in [("html", "r.html"), ("csv", "r.csv"), ("hdr", "r.hlog"), ("throng", "r.json")] {
        let exported = home.ended(&["runs", "export", "latest", "--format", format]);
        assert_eq!(exported.code, Some(0), "{exported:?}");
        let (written, read) = (exported.stdout.lines().count(), read(file).lines().count());
        assert_eq!(written, read, "the export has other lines than {file}");
    }
    let first = home.result("r.json");
    std::fs::rename(home.path("r.json"), home.path("first.json")).unwrap();
    assert_eq!(home.ended(&run(&["--seed", "7"])).code, Some(0));
    let second = home.result("r.json");
    let merged = home.ended(&["merge", "first.json", "r.json", "-o", "whole.json"]);
    assert_eq!(merged.code, Some(0), "{merged:?}");
    let whole = home.result("whole.json");
    assert_eq!(whole.totals.events.sent, first.totals.events.sent + second.totals.events.sent);
    let count = |result: &RunResult| result.latency.response_time.percentiles.count;
    assert_eq!(count(&whole), count(&first) + count(&second));
    assert_eq!(home.ended(&["merge", "first.json", "first.json"]).code, Some(2), "the same part twice");

    let compared = home.ended(&["runs", "compare", "first.json", "latest"]);
    assert_eq!(compared.code, Some(0), "{compared:?}");
    assert!(compared.stdout.contains("p95 response time"), "{}", compared.stdout);
    let json = home.ended(&["runs", "compare", "first.json", "--json"]);
    let value: shared::compare::Comparison = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(value.candidate, second.run.info.id);
    assert_eq!(home.ended(&["runs", "compare", "first.json", "no-such-run"]).code, Some(2));
}

/// A valid result of a minute at 100/s with response times around a median.
fn recorded(of: &RunResult, id: &str, median_us: u64) -> String {
    let mut result = of.clone();
    let mut whole = Histogram::new();
    let events = Counts { offered: 100, sent: 100, succeeded: 100, ..Counts::default() };
    result.timeline.clear();
    for second in 0..60 {
        let mut times = Histogram::new();
        // Spread evenly around the median, a little differently each second.
        (0..100).for_each(|number| times.record(median_us / 2 + (number + u64::from(second) % 3) * median_us / 100));
        whole.merge(&times);
        let row = TimelineRow {
            second,
            covered_seconds: 1.0,
            target_rate: 100.0,
            events,
            requests: events,
            response_time: times.percentiles(),
            service_time: times.percentiles(),
            heat: times.heat(),
            ..TimelineRow::default()
        };
        result.timeline.push(row);
    }
    result.run.info.id = RunId(id.to_owned());
    result.verdict = Verdict::default();
    let all = Counts { offered: 6_000, sent: 6_000, succeeded: 6_000, ..Counts::default() };
    (result.totals.events, result.totals.requests) = (all, all);
    (result.totals.elapsed_seconds, result.totals.events_per_second) = (60.0, 100.0);
    (result.latency.response_time, result.latency.service_time) = (whole.latency(), whole.latency());
    serde_json::to_string(&result).unwrap()
}

#[test]
fn a_regression_that_is_real_fails_the_gate() {
    let home = Home::new();
    assert_eq!(home.ended(&run(&[])).code, Some(0));
    let result = home.result("r.json");
    for (name, median_us) in [("fast", 2_000), ("same", 2_001), ("slow", 3_000)] {
        home.write(&format!("{name}.json"), &recorded(&result, name, median_us));
    }
    let gate = |one: &str, other: &str| home.ended(&["runs", "compare", one, other, "--fail-on-regression"]);
    let worse = gate("fast.json", "slow.json");
    assert_eq!(worse.code, Some(1), "{worse:?}");
    assert!(worse.stdout.contains("WORSE") && worse.stdout.contains("rose from"), "{}", worse.stdout);
    assert_eq!(gate("slow.json", "fast.json").code, Some(0));
    let same = gate("fast.json", "same.json");
    assert_eq!(same.code, Some(0), "{same:?}");
    assert!(same.stdout.contains("no real difference"), "{}", same.stdout);
    let tolerant = ["runs", "compare", "fast.json", "slow.json", "--fail-on-regression", "--tolerance", "60%"];
    assert_eq!(home.ended(&tolerant).code, Some(0), "half more is tolerated");
}

#[test]
fn runs_are_labelled_found_by_their_tag_and_compared_with_the_baseline() {
    let home = Home::new();
    assert_eq!(home.ended(&["runs", "compare"]).code, Some(2), "there is nothing to compare");
    assert_eq!(home.ended(&run(&[])).code, Some(0));
    let first = home.result("r.json").run.info.id.0;
    let labelled = home.ended(&["runs", "label", "latest", "--tag", "nightly", "--note", "before", "--baseline"]);
    assert_eq!(labelled.code, Some(0), "{labelled:?}");
    assert_eq!(home.ended(&run(&["--seed", "7"])).code, Some(0));
    let tagged = home.ended(&["runs", "list", "--tag", "nightly"]).stdout;
    assert!(tagged.contains(&first) && tagged.lines().count() == 2 && tagged.contains("baseline, nightly"), "{tagged}");
    let compared = home.ended(&["runs", "compare"]);
    assert_eq!(compared.code, Some(0), "{compared:?}");
    assert!(compared.stdout.contains(&format!("against {first}")), "{}", compared.stdout);
    assert_eq!(home.ended(&["runs", "label", "latest", "--tag", " "]).code, Some(2));
}

#[test]
fn the_limit_of_a_target_is_found_and_its_bursts_are_seen_through() {
    let home = Home::new();
    let (_target, url) = home.target(&["--rate-limit", "60"]);
    let search = |more: &[&str]| {
        let mut arguments = vec![
            "find-limit",
            "commerce-events",
            "-e",
            &url,
            "-k",
            KEY,
            "-b",
            "1",
            "-r",
            "100/s",
            "--max-rate",
            "200/s",
            "--step-duration",
            "1s",
            "--warm-up",
            "0s",
            "--rest",
            "0s",
            "--precision",
            "60%",
            "--seed",
            "7",
            "--set",
            "targets.api.retry.attempts=1",
            "-o",
            "limit.json",
        ];
        arguments.extend(more);
        let ended = home.ended(&arguments);
        let found: LimitResult = serde_json::from_slice(&std::fs::read(home.path("limit.json")).unwrap()).unwrap();
        (ended, found)
    };
    let (ended, found) = search(&["--threshold", "error_rate<5%", "--confirm-duration", "4s"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let limit = found.limit.unwrap();
    // With one in twenty refused, a bucket that is full of one second's requests lets 126/s through for a second, and
    // 79/s for four; how full it is depends on how long the machine took between the steps.
    assert!((20.0..=79.0).contains(&limit), "{limit}: {ended:?}");
    assert!(found.steps[0].kind != StepKind::Confirm && found.steps[0].outcome == StepOutcome::Held, "{found:?}");
    let confirmation = found.steps.iter().rfind(|step| step.kind == StepKind::Confirm).unwrap();
    assert_eq!((confirmation.seconds, confirmation.outcome), (4.0, StepOutcome::Held));

    // What answers have to be like decides as well, and without it nothing would fail.
    let (ended, found) = search(&["--set", "checks=[{expect: {status: [204]}}]", "--max-steps", "2"]);
    assert_eq!((ended.code, found.limit), (Some(1), None), "{ended:?}");
    assert!(found.steps.iter().all(|step| step.reasons[0].contains("204")), "{found:?}");
    let ended = home.ended(&[
        "find-limit",
        "commerce-events",
        "-e",
        &url,
        "-k",
        KEY,
        "--threshold",
        "error_rate<5%",
        "--step-duration",
        "5s",
        "--confirm-duration",
        "2s",
    ]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
}
