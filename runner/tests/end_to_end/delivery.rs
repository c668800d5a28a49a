//! The ledger, the audit, and the practice target's contracts: what was sent is what is there, to the event.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use shared::api::TargetAccount;
use shared::run::audit::{AuditRecord, Finding};
use shared::run::{RunInfo, RunResult};

use crate::journey::client;
use crate::process::{Home, KEY, assert_reconciles};

/// Sends a request and reads its answer: status and JSON.
pub(crate) fn ask(url: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nX-API-Key: k\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer[9..12].parse().unwrap();
    (status, serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap())
}

pub(crate) fn get(url: &str, path: &str) -> Value {
    let (status, value) = ask(url, "GET", path, "");
    assert_eq!(status, 200, "{path}: {value}");
    value
}

pub(crate) fn account(url: &str) -> TargetAccount {
    serde_json::from_value(get(url, "/account")).unwrap()
}

pub(crate) fn audit(home: &Home, run: &str, url: &str) -> (Option<i32>, Value) {
    let ended = home.ended(&["audit", run, "--target", url, "--json"]);
    let value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    (ended.code, value)
}

pub(crate) fn found(audit: &Value, finding: &str) -> u64 {
    audit["findings"][finding].as_u64().unwrap_or_default()
}

#[test]
fn a_target_that_keeps_everything_agrees_with_the_ledger() {
    let home = Home::new();
    let (_target, url) = home.target(&[]);
    let ended = home.ended(&[
        "run",
        "commerce-events",
        "-r",
        "300/s",
        "-d",
        "2s",
        "-e",
        &url,
        "-k",
        KEY,
        "-o",
        "r.json",
        "--ledger",
        "run.ledger",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let events = home.result("r.json").totals.events;
    let (code, result) = audit(&home, "latest", &url);
    assert_eq!(code, Some(0), "{result}");
    assert_eq!(result["sound"].as_u64(), Some(events.succeeded));
    assert_eq!(result["ledger"]["acknowledged"].as_u64(), Some(events.succeeded));
    let size = std::fs::metadata(home.path("run.ledger")).unwrap().len();
    assert!(size < 40 * events.succeeded + 1_000, "{size} bytes for {} events", events.succeeded);
    let text = home.ended(&["audit", "run.ledger", "--target", &url]);
    assert!(text.stdout.contains("the sink agrees"), "{text:?}");
}

#[test]
fn what_a_bad_sink_does_is_found_to_the_event() {
    let home = Home::new();
    let damage = ["--forget-rate", "0.02", "--keep-twice-rate", "0.02", "--corrupt-rate", "0.02"];
    let more = ["--reorder-rate", "0.02", "--phantom-rate", "0.02"];
    let (_target, url) = home.target(&[damage.as_slice(), &more].concat());
    let ended = home.ended(&[
        "run",
        "commerce-events",
        "-r",
        "1000/s",
        "-d",
        "2s",
        "-u",
        "20",
        "-c",
        "1",
        "-b",
        "10",
        "-e",
        &url,
        "-k",
        KEY,
        "--seed",
        "11",
        "--ledger",
        "run.ledger",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (code, result) = audit(&home, "latest", &url);
    let account = account(&url);
    assert_eq!(code, Some(1));
    let expected = [
        ("lost", account.forgotten),
        ("duplicate", account.kept_twice),
        ("corrupted", account.corrupted),
        ("reordered", account.reordered),
        ("phantom", account.phantoms),
    ];
    for (finding, count) in expected {
        assert!(count > 0, "nothing to find: {finding}");
        assert_eq!(found(&result, finding), count, "{finding}: {result}");
    }
    // An example leads back to the event.
    let lost = result["examples"]["lost"][0]["event_id"].as_str().unwrap();
    let explained =
        home.ended(&["explain", lost, "commerce-events", "--seed", "11", "--set", "workloads.shop.load.rate=1000/s"]);
    assert_eq!(explained.code, Some(0), "{explained:?}");
    assert!(explained.stdout.contains(lost), "{explained:?}");
}

#[test]
fn events_whose_answer_was_lost_are_in_doubt_and_the_accounts_agree() {
    let home = Home::new();
    let (_target, url) = home.target(&["--lost-answer-rate", "0.1", "--drop-rate", "0.1", "--error-rate", "0.1"]);
    let ended = home.ended(&[
        "run",
        "commerce-events",
        "-r",
        "200/s",
        "-d",
        "2s",
        "-b",
        "1",
        "-e",
        &url,
        "-k",
        KEY,
        "-o",
        "r.json",
        "--ledger",
        "run.ledger",
        "--set",
        "targets.api.retry.attempts=1",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (events, account) = (home.result("r.json").totals.events, account(&url));
    assert!(account.answer_lost > 0 && account.dropped > 0 && account.failed > 0, "{account:?}");
    assert_eq!(account.accepted - account.answer_lost, events.succeeded);
    assert_eq!(account.answer_lost + account.dropped + account.failed, events.failed);
    let (code, result) = audit(&home, "latest", &url);
    assert_eq!(code, Some(0), "{result}");
    assert_eq!(found(&result, "in_doubt_held"), account.answer_lost);
    assert_eq!(found(&result, "in_doubt_missing"), account.dropped);
    assert_eq!(result["ledger"]["refused"].as_u64(), Some(account.failed));
}

#[test]
fn retries_after_lost_answers_make_duplicates_that_are_explained() {
    let home = Home::new();
    let (_target, url) = home.target(&["--lost-answer-rate", "0.2"]);
    let ended = home.ended(&[
        "run",
        "commerce-events",
        "-r",
        "100/s",
        "-d",
        "2s",
        "-b",
        "1",
        "-e",
        &url,
        "-k",
        KEY,
        "--ledger",
        "run.ledger",
        "--set",
        "targets.api.retry.backoff={exponential: {base: 1ms, max: 5ms}}",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (_, result) = audit(&home, "latest", &url);
    let duplicates = found(&result, "duplicate");
    assert!(duplicates > 0);
    assert_eq!(result["duplicates_after_lost_answers"].as_u64(), Some(duplicates));
    assert_eq!(account(&url).duplicates, duplicates);
    assert_eq!(found(&result, "lost") + found(&result, "phantom"), 0, "{result}");
}

#[test]
fn a_killed_run_leaves_a_ledger_that_can_be_audited() {
    let home = Home::new();
    let (_target, url) = home.target(&[]);
    let run = home.start(&[
        "run",
        "commerce-events",
        "-r",
        "500/s",
        "-d",
        "60s",
        "-e",
        &url,
        "-k",
        KEY,
        "--ledger",
        "run.ledger",
    ]);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while account(&url).accepted < 1_000 {
        assert!(std::time::Instant::now() < deadline, "nothing is sent");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    run.signal(Signal::KILL);
    drop(run);
    let (code, result) = audit(&home, "run.ledger", &url);
    assert_eq!(code, Some(0), "{result}");
    assert_eq!(result["ledger"]["complete"], false);
    let accepted = account(&url).accepted;
    let sound = result["sound"].as_u64().unwrap();
    // At most what was sent in the last second or so is not in the ledger.
    assert!(sound + 1_500 >= accepted && sound > 100, "{sound} of {accepted}");
    assert_eq!(sound + found(&result, "in_doubt_held"), accepted);
}

#[test]
fn a_scenario_asks_for_its_own_audit() {
    let home = Home::new();
    let scenario = home.write("shop.yaml", "extends: commerce-events\nname: shop\nchecks: [{audit: {}}]\n");
    let run = |more: &[&str]| {
        let mut all = vec!["run", &scenario, "-r", "200/s", "-d", "1s", "--practice-target"];
        all.extend(more);
        home.ended(&all)
    };
    let honest = run(&[]);
    assert_eq!(honest.code, Some(0), "{honest:?}");
    assert!(honest.stdout.contains("the sink agrees"), "{honest:?}");
    let bad = run(&["--practice-set", "forget_rate=0.1", "-o", "r.json"]);
    assert_eq!(bad.code, Some(1), "{bad:?}");
    assert!(bad.stdout.contains("the sink differs"), "{bad:?}");
    // The result says so as well.
    let [audit] = home.result("r.json").audits.try_into().unwrap();
    assert!(audit.required && !audit.passed(), "{audit:?}");
    assert!(audit.result.unwrap().count(Finding::Lost) > 0);
    let nowhere = home.ended(&["run", &scenario, "-e", "http://127.0.0.1:9", "-k", KEY]);
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
    assert!(nowhere.stderr.contains("audit"), "{nowhere:?}");
}

#[test]
fn events_of_any_scenario_can_be_searched_and_audited_by_a_search() {
    let home = Home::new();
    let (_target, url) = home.target(&[]);
    let ended = home.ended(&[
        "run",
        "api-monitoring",
        // As many at any hour: by its rate, it sends more by day than a page of the search holds.
        "--profile",
        "sample_1k",
        "-e",
        &url,
        "-o",
        "r.json",
        "--ledger",
        "run.ledger",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let succeeded = home.result("r.json").totals.events.succeeded;
    let search = format!("{url}/api/v1/ingestion/events/search?limit={{limit}}&offset={{offset}}");
    let audited = home.ended(&[
        "audit",
        "latest",
        "--search",
        &search,
        "--page-size",
        "100",
        "--page-rate",
        "1000",
        "--header",
        "X-API-Key: k",
        "--json",
    ]);
    assert_eq!(audited.code, Some(0), "{audited:?}");
    let result: Value = serde_json::from_str(&audited.stdout).unwrap();
    assert_eq!(result["sound"].as_u64(), Some(succeeded));

    // The checklist of the ingestion service's own guide: everything there, found by its filters, complete and in order.
    let base = "/api/v1/ingestion/events/search?limit=1000";
    let events = get(&url, base)["events"].as_array().unwrap().clone();
    assert_eq!(events.len() as u64, succeeded);
    let services: std::collections::BTreeSet<&str> =
        events.iter().map(|event| event["source"]["service"].as_str().unwrap()).collect();
    assert_eq!(services.len(), 8, "{services:?}");
    assert!(events.iter().all(|event| event["context"]["tags"]["country"].is_string()));
    for service in services {
        let wanted = events.iter().filter(|event| event["source"]["service"] == service).count();
        assert_eq!(get(&url, &format!("{base}&service={service}"))["filtered_count"].as_u64(), Some(wanted as u64));
    }
    let errors = events.iter().filter(|event| event["metrics"]["status_code"] == 404).count();
    assert_eq!(get(&url, &format!("{base}&status_code=404"))["filtered_count"].as_u64(), Some(errors as u64));
    let middle = events[events.len() / 2]["timestamp"].as_str().unwrap();
    let later = events.iter().filter(|event| event["timestamp"].as_str().unwrap()[..19] >= middle[..19]).count();
    assert_eq!(get(&url, &format!("{base}&start_time={middle}"))["filtered_count"].as_u64(), Some(later as u64));
    let id = events[0]["event_id"].as_str().unwrap();
    assert_eq!(get(&url, &format!("/api/v1/ingestion/events/{id}"))["event_id"], id);
}

#[test]
fn the_same_events_again_are_all_duplicates_and_none_is_kept_twice() {
    let home = Home::new();
    let (_target, url) = home.target(&["--duplicates", "conflict"]);
    let run = |output: &str| {
        let ended =
            home.ended(&["run", "api-monitoring", "--seed", "5", "-r", "100/s", "-d", "2s", "-e", &url, "-o", output]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        home.result(output).totals.events
    };
    let (first, second) = (run("first.json"), run("second.json"));
    assert_eq!((first.duplicate, first.succeeded), (0, first.sent));
    assert!(second.sent > 0);
    assert_eq!((second.duplicate, second.succeeded), (second.sent.min(first.sent), second.sent));
    let account = account(&url);
    assert_eq!((account.conflicts, account.held), (second.duplicate, account.accepted));
}

#[test]
fn a_rate_limit_shows_as_throttling_and_the_run_goes_on() {
    let home = Home::new();
    let ended = home.ended(&[
        "run",
        "api-monitoring",
        "-r",
        "100/s",
        "-d",
        "3s",
        "--practice-target",
        "--practice-set",
        "rate_limit=20",
        "-o",
        "r.json",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("r.json");
    assert_reconciles(&result);
    assert!(result.totals.events.throttled > 0 && result.totals.events.succeeded > 20, "{:?}", result.totals.events);
    assert!(result.status_codes.keys().any(|status| status.to_string() == "429"), "{:?}", result.status_codes);
    assert!(ended.stdout.contains(": agrees"), "{}", ended.stdout);
}

#[test]
fn visits_are_taken_and_counted_by_both_sides() {
    let home = Home::new();
    let ended = home.ended(&["run", "web-analytics", "-d", "3s", "--practice-target", "-o", "r.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(home.result("r.json").totals.events.succeeded > 0);
    assert!(ended.stdout.contains(": agrees"), "{}", ended.stdout);
}

#[test]
fn the_shop_can_be_read_and_changed() {
    let home = Home::new();
    let (_target, url) = home.target(&[]);
    assert_eq!(get(&url, "/health")["status"], "healthy");
    for (path, count) in [("customers", 150), ("stores", 5), ("products", 965)] {
        assert_eq!(get(&url, &format!("/freshmart/{path}?limit=1000")).as_array().unwrap().len(), count, "{path}");
    }
    let triple = |predicate: &str, value: &str, kind: &str| {
        format!(
            r#"{{"subject_id":"order:FM-1","predicate":"{predicate}","object_value":"{value}","object_type":"{kind}"}}"#
        )
    };
    let order = [
        triple("order_number", "FM-1", "string"),
        triple("order_status", "CREATED", "string"),
        triple("placed_by", "customer:0001", "entity_ref"),
        triple("order_store", "store:01", "entity_ref"),
    ];
    assert_eq!(ask(&url, "POST", "/triples/batch", &format!("[{}]", order.join(","))).0, 201);
    let picked = format!("[{}]", triple("order_status", "PICKING", "string"));
    assert_eq!(ask(&url, "PUT", "/triples/batch?validate=true", &picked).0, 200);
    assert_eq!(get(&url, "/freshmart/orders?status=PICKING")[0]["order_id"], "order:FM-1");
    assert_eq!(get(&url, "/freshmart/orders/order:FM-1")["customer_name"], "Ada Adams");
    let wrong = format!("[{}]", triple("order_mood", "good", "string"));
    let (status, answer) = ask(&url, "POST", "/triples/batch", &wrong);
    assert_eq!((status, &answer["detail"]["errors"][0]["error_type"]), (400, &Value::from("unknown_predicate")));
    assert!(get(&url, "/stats")["practice"]["total_queries"].as_u64().unwrap() > 5);
}

#[test]
fn a_scenario_of_ones_own_works_at_once() {
    let home = Home::new();
    let scenario = home.write(
        "own.yaml",
        "name: own\ntarget: {url: 'http://localhost:1', send: {path: /plant/readings}}\n\
         events: {reading: {body: {reading_id: '${event.id}', type: reading, value: {$uniform: [0, 1]}}}}\n\
         behavior: {emit: {event: reading}}\nload: {rate: 100/s, duration: 2s}\n\
         outputs: {ledger: {id_field: reading_id}}\nchecks: [{audit: {}}]\n",
    );
    let ended = home.ended(&["run", &scenario, "--practice-target", "-o", "r.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(": agrees") && ended.stdout.contains("the sink agrees"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("matched by content"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_run_of_the_server_is_audited_as_well() {
    let home = Home::new();
    let (_server, address) = home.serve(&[]);
    let text = "extends: commerce-events\nname: shop\nchecks: [{audit: {}}]\n";
    let audit = audited(&address, text).await;
    assert!(audit.passed(), "{audit:?}");
    assert!(audit.result.unwrap().ledger.acknowledged > 50);
}

#[tokio::test]
async fn an_audit_that_the_network_asks_for_reaches_no_further_than_the_operator_allows() {
    let home = Home::new();
    let (_server, address) = home.serve(&[]);
    let text = "extends: commerce-events\nname: shop\n\
                checks: [{audit: {search: \"http://192.0.2.1/events?limit={limit}&offset={offset}\"}}]\n";
    let audit = audited(&address, text).await;
    let trouble = audit.trouble.clone().unwrap_or_default();
    assert!(!audit.passed() && trouble.contains("192.0.2.1") && trouble.contains("not allowed"), "{audit:?}");
}

/// The first audit of a short run of the server's against its practice target.
async fn audited(address: &str, text: &str) -> AuditRecord {
    let body = serde_json::json!({
        "scenario": { "text": text }, "profile": "quick_test", "practice_target": true,
        "set": { "workloads.shop.load.duration": "1s", "workloads.shop.load.rate": "100/s" },
    });
    let answer = client().post(format!("{address}/api/runs")).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    let run = answer.json::<RunInfo>().await.unwrap().id;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = client().get(format!("{address}/api/runs/{run}/result")).send().await.unwrap();
        // Until it is over there is no result, and until it was looked at no audit.
        let result = answer.json::<RunResult>().await.ok();
        if let Some(audit) = result.and_then(|result| result.audits.into_iter().next()) {
            return audit;
        }
        assert!(Instant::now() < deadline, "the audit does not come");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
