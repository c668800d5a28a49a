//! The use cases of the services that the built-in scenarios load, at the practice target that speaks their contracts.

use serde_json::Value;
use shared::run::{FailureKind, RunResult};

use super::delivery::{account, ask, audit, found, get};
use super::process::{Ended, Home, KEY, assert_reconciles};

/// A file with so many events of the api-monitoring scenario.
fn events(home: &Home, count: &str) -> String {
    let ended = home.ended(&["generate", "api-monitoring", "--count", count, "--hours", "1", "-o", "events.jsonl"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    home.path("events.jsonl").to_str().unwrap().to_owned()
}

fn ingest(home: &Home, file: &str, url: &str, more: &[&str]) -> (Ended, RunResult) {
    let ended = home.ended(&[["ingest", file, "--url", url, "-o", "r.json"].as_slice(), more].concat());
    let result = home.result("r.json");
    assert_reconciles(&result);
    (ended, result)
}

fn failed(result: &RunResult, kind: FailureKind) -> u64 {
    result.failures.iter().find(|failure| failure.kind == kind).map_or(0, |failure| failure.count)
}

#[test]
fn one_after_the_other_runs_into_the_limit_and_goes_on_however_the_target_says_so() {
    let home = Home::new();
    let file = events(&home, "2000");
    for (switches, code) in
        [(["--rate-limit", "100"].as_slice(), 429), (&["--rate-limit", "100", "--rate-limit-400"], 400)]
    {
        let (_target, url) = home.target(switches);
        let (ended, result) = ingest(&home, &file, &url, &["--mode", "sequential"]);
        assert_eq!(ended.code, Some(1), "some were refused: {ended:?}");
        let (events, account) = (result.totals.events, account(&url));
        assert_eq!(events.sent, 2_000);
        // Sent at once, far more than a hundred a second: the first hundred pass, then as many as the limit lets.
        assert!(events.throttled > 0 && events.succeeded >= 100, "{events:?}");
        assert_eq!(result.status_codes.get(&code), Some(&account.throttled), "{:?}", result.status_codes);
        assert_eq!((events.throttled, failed(&result, FailureKind::Throttled)), (account.throttled, account.throttled));
        assert_eq!(events.succeeded, account.accepted);
        assert_eq!(account.held, account.accepted);
        assert!(ended.stdout.contains(&format!("{} rate limited", with_commas(account.throttled))), "{ended:?}");
    }
}

fn with_commas(number: u64) -> String {
    shared::wording::count(number)
}

#[test]
fn the_same_file_twice_is_all_duplicates_whether_the_target_says_409_or_200() {
    for (switch, conflict) in [("conflict", true), ("known", false)] {
        let home = Home::new();
        let file = events(&home, "500");
        let (_target, url) = home.target(&["--duplicates", switch]);
        let (ended, first) = ingest(&home, &file, &url, &["--concurrency", "20", "--ledger", "first.ledger"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!((first.totals.events.succeeded, first.totals.events.duplicate), (500, 0));
        let (ended, second) = ingest(&home, &file, &url, &["--concurrency", "20"]);
        assert_eq!(ended.code, Some(0), "duplicates are no failures: {ended:?}");
        assert_eq!((second.totals.events.succeeded, second.totals.events.duplicate), (500, 500));
        assert!(ended.stdout.contains("500 duplicates of them known to the target before"), "{ended:?}");
        let account = account(&url);
        assert_eq!((account.accepted, account.held), (500, 500), "none is kept twice");
        assert_eq!(if conflict { account.conflicts } else { account.known }, 500);
        let (code, audited) = audit(&home, "first.ledger", &url);
        assert_eq!((code, audited["sound"].as_u64()), (Some(0), Some(500)), "{audited}");
        assert_eq!(found(&audited, "duplicate"), 0);
    }
}

#[test]
fn ten_thousand_events_at_a_concurrency_of_a_hundred_are_all_there() {
    let home = Home::new();
    let file = events(&home, "12000");
    let (_target, url) = home.target(&[]);
    let (ended, result) = ingest(&home, &file, &url, &["--concurrency", "100", "--limit", "10000", "--ledger", "l"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(result.totals.events.succeeded, 10_000);
    assert_eq!(account(&url).held, 10_000);
    let (code, audited) = audit(&home, "l", &url);
    assert_eq!((code, audited["sound"].as_u64()), (Some(0), Some(10_000)), "{audited}");
    // A dashboard's questions: by service, by status, by time.
    let search = "/api/v1/ingestion/events/search?limit=1";
    let of_service = get(&url, &format!("{search}&service=auth-service"));
    let kept = of_service["filtered_count"].as_u64().unwrap();
    assert!(kept > 500, "{of_service}");
    assert_eq!(of_service["events"][0]["source"]["service"], "auth-service");
    let (status, answer) = ask(&url, "GET", "/api/v1/ingestion/rate-limit", "");
    assert_eq!((status, &answer["exceeded"]), (200, &Value::Bool(false)));
}

#[test]
fn a_batch_of_which_items_are_refused_counts_item_by_item() {
    let home = Home::new();
    let (_target, url) = home.target(&["--batch-failure-rate", "0.1"]);
    let ended = home.ended(
        &[
            ["run", "commerce-events", "-r", "500/s", "-d", "2s", "-e", &url, "-k", KEY, "-o", "r.json"].as_slice(),
            &["--ledger", "run.ledger"],
        ]
        .concat(),
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (result, account) = (home.result("r.json"), account(&url));
    assert_reconciles(&result);
    assert!(account.failed > 0);
    assert_eq!(failed(&result, FailureKind::EventRejected), account.failed);
    assert_eq!(result.totals.events.succeeded, account.accepted);
    for row in &result.event_types {
        let taken = account.event_types.get(&row.name).copied().unwrap_or_default();
        assert_eq!(row.events.succeeded, taken, "{}: which of a batch were refused is known by name", row.name);
    }
    // The ledger knows which ones: nothing is in doubt.
    let (code, audited) = audit(&home, "run.ledger", &url);
    assert_eq!(code, Some(0), "{audited}");
    assert_eq!(audited["ledger"]["refused"].as_u64(), Some(account.failed));
    assert_eq!(audited["sound"].as_u64(), Some(account.accepted));
}

#[test]
fn the_shop_is_asked_for_what_there_is_and_told_in_triples() {
    let home = Home::new();
    let (_target, url) = home.target(&["--latency-p50", "2"]);
    let grocery = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/scenarios/freshmart.yaml");
    // Without its checks: on a busy machine they say that the run is no measurement.
    let load = ["orders.load.rate=40/s", "orders.load.duration=3s"].map(|set| format!("workloads.{set}"));
    let load = ["--set", &load[0], "--set", &load[1], "--set", "checks=[]"];
    let ended = home.ended(&[["run", grocery, "-e", &url, "-o", "r.json"].as_slice(), &load].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (result, account) = (home.result("r.json"), account(&url));
    assert_reconciles(&result);
    assert!(result.totals.events.succeeded > 50, "{:?}", result.totals.events);
    assert_eq!(result.totals.events.failed, 0, "{:?}", result.failures);
    let ways: Vec<&str> =
        result.event_types.iter().filter(|row| row.events.sent > 0).map(|row| row.name.as_str()).collect();
    assert!(["order_create", "customer_create", "stock_change"].iter().all(|way| ways.contains(way)), "{ways:?}");
    let told = |prefix: &str| account.event_types.keys().any(|name| name.starts_with(prefix));
    assert!(told("POST order") && told("POST customer") && told("PUT inventory"), "{:?}", account.event_types);
    // Orders are placed and changed with ids and places that the shop gave out itself: it took all of them.
    assert_eq!((account.rejected, account.unreadable, account.overlapping), (0, 0, 0), "{account:?}");
    let orders = get(&url, "/freshmart/orders?limit=1000");
    let placed = orders.as_array().unwrap().iter().filter(|order| order["store_name"].is_string()).count();
    assert!(placed > 0, "{orders}");
}

#[test]
fn the_guard_the_quick_look_and_the_look_back() {
    let home = Home::new();
    let (_target, url) = home.target(&[]);
    // A key that is only a placeholder is refused before anything is sent.
    let placeholder = home.ended(&["run", "commerce-events", "-e", &url, "-k", "proj_YOUR_PROJECT_ID_YOUR_SECRET"]);
    assert_eq!(placeholder.code, Some(2), "{placeholder:?}");
    assert_eq!(account(&url).requests, 0);
    // A quick look with a good key: a table by event type, exit 0; with a key that the service refuses, the reason.
    let quick = |key: &str| {
        home.ended(&[
            "run",
            "commerce-events",
            "-r",
            "100/s",
            "-d",
            "1s",
            "-b",
            "1",
            "-e",
            &url,
            "-k",
            key,
            "--ledger",
            "l",
        ])
    };
    let good = quick(KEY);
    assert_eq!(good.code, Some(0), "{good:?}");
    assert!(good.stdout.contains("page.view") && good.stdout.contains("cart.add"), "{good:?}");
    let (code, audited) = audit(&home, "l", &url);
    assert_eq!((code, found(&audited, "lost")), (Some(0), 0), "{audited}");
    let health = home.ended(&["health", &url]);
    assert_eq!(health.code, Some(0), "{health:?}");
}

#[test]
fn answers_that_are_not_as_expected_fail_the_run_unless_the_check_says_otherwise() {
    let home = Home::new();
    let run = |check: &str| {
        let text = format!("extends: api-monitoring\nname: expecting\nchecks: [{check}]\n");
        let scenario = home.write("expecting.yaml", &text);
        let faults = ["--practice-set", "error_rate=0.2", "-r", "200/s", "-d", "1s", "-o", "r.json"];
        home.ended(&[["run", &scenario, "--practice-target"].as_slice(), &faults].concat())
    };
    let expect = "expect: {status: [200], required: [$.event_id], fields: {$.success: true}, max_latency: 30s}";
    let strict = run(&format!("{{name: taken, {expect}}}"));
    assert_eq!(strict.code, Some(1), "{strict:?}");
    assert!(strict.stdout.contains("fails taken"), "{strict:?}");
    let result = home.result("r.json");
    let [taken] = result.expectations.as_slice() else { panic!("{:?}", result.expectations) };
    assert_eq!((taken.answers, taken.failed), (result.totals.requests.sent, result.totals.requests.failed));
    assert!(taken.failed > 0 && !taken.passed && taken.required);
    assert_eq!(taken.reason.as_deref(), Some("status 500"));
    assert_eq!(run(&format!("{{{expect}, tolerance: 0.6}}")).code, Some(0));
    assert_eq!(run(&format!("{{{expect}, severity: warn}}")).code, Some(0));
    let refused = run(&format!("{{{expect}, severity: abort, window: 5s}}"));
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("checks[0].severity") && refused.stderr.contains("checks[0].window"),
        "{refused:?}"
    );
}
