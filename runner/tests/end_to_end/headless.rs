//! `throng run` when all goes well.

use std::collections::BTreeSet;

use shared::api::{TargetAccount, Trial};
use shared::run::RunState;

use crate::process::{Home, KEY, assert_reconciles};
use crate::trial::Trial as Server;

#[test]
fn a_run_against_the_practice_target_counts_the_same_everywhere() {
    let home = Home::new();
    let ended = home.ended(&[
        "run",
        "commerce-events",
        "--profile",
        "quick_test",
        "--rate",
        "50/s",
        "--duration",
        "2s",
        "--practice-target",
        "-o",
        "results.json",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("results.json");
    assert_reconciles(&result);
    let sent = result.totals.events.sent;
    assert!((60..=140).contains(&sent), "{sent} events for about 100");
    assert_eq!(result.totals.events.succeeded, sent);
    assert_eq!(result.run.info.state, RunState::Finished);
    assert_eq!(result.run.info.profile.as_deref(), Some("quick_test"));
    assert!(ended.stdout.contains(&format!("practice target: {sent} accepted")), "{}", ended.stdout);
    assert!(ended.stdout.contains(": agrees"), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\u{1b}'), "no colours in a pipe");
    assert!(ended.stderr.is_empty(), "quiet when piped: {}", ended.stderr);
}

#[test]
fn a_run_against_a_target_of_its_own_process_agrees_to_the_event() {
    let home = Home::new();
    let (target, url) = home.target(&[]);
    let ended =
        home.ended(&["run", "commerce-events", "-r", "200/s", "-d", "2s", "-e", &url, "-k", KEY, "-o", "r.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    target.signal(rustix::process::Signal::TERM);
    let account: TargetAccount = serde_json::from_str(&target.ended().stdout).unwrap();
    let result = home.result("r.json");
    assert_reconciles(&result);
    assert_eq!(account.accepted, result.totals.events.succeeded);
    assert_eq!(account.requests, result.totals.requests.sent + result.totals.requests.retried);
    for row in &result.event_types {
        assert_eq!(account.event_types.get(&row.name).copied().unwrap_or(0), row.events.succeeded, "{}", row.name);
    }
}

#[test]
fn injected_errors_are_counted_on_both_sides_to_the_event() {
    let home = Home::new();
    let (target, url) = home.target(&["--error-rate", "0.3"]);
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
        "-o",
        "r.json",
        "--set",
        "targets.api.retry.attempts=1",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    target.signal(rustix::process::Signal::TERM);
    let account: TargetAccount = serde_json::from_str(&target.ended().stdout).unwrap();
    let result = home.result("r.json");
    assert_reconciles(&result);
    assert!(result.totals.events.failed > 0);
    assert_eq!(account.accepted, result.totals.events.succeeded);
    assert_eq!(account.failed, result.totals.events.failed);
    assert!(ended.stdout.contains("server error (5xx)"), "{}", ended.stdout);
}

#[test]
fn the_same_seed_sends_the_same_events() {
    let home = Home::new();
    let plan = |seed: &str| {
        let ended = home.ended(&["run", "commerce-events", "--seed", seed, "--dry-run", "--practice-target"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.stdout.ends_with("nothing was sent\n"));
        ended.stdout.split_whitespace().skip_while(|word| *word != "plan").nth(1).unwrap().to_owned()
    };
    assert_eq!(plan("7"), plan("7"));
    assert_ne!(plan("7"), plan("8"));
}

#[test]
fn the_key_of_the_command_line_is_stored_nowhere() {
    let home = Home::new();
    let (_target, url) = home.target(&[]);
    let key = "proj_0123456789_plantedsecret";
    let ended = home.ended(&["run", "commerce-events", "-d", "1s", "-e", &url, "-k", key, "-o", "r.json", "-vv"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut places =
        vec![("stdout".to_owned(), ended.stdout.into_bytes()), ("stderr".to_owned(), ended.stderr.into_bytes())];
    let mut directories = vec![home.path("")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                places.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    for (place, bytes) in places {
        assert!(!bytes.windows(13).any(|window| window == b"plantedsecret"), "the key is in {place}");
    }
}

#[test]
fn runs_are_listed_shown_exported_and_deleted() {
    let home = Home::new();
    let ended = home.ended(&["run", "commerce-events", "-d", "1s", "--practice-target", "-o", "r.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("r.json");
    let id = result.run.info.id.0.as_str();
    assert!(home.ended(&["runs", "list"]).stdout.contains(id));
    assert!(home.ended(&["runs", "show", "latest"]).stdout.contains("finished after"));
    assert_eq!(home.ended(&["runs", "export", id, "-o", "again.json"]).code, Some(0));
    assert_eq!(home.result("again.json"), result);
    assert_eq!(home.ended(&["runs", "delete", id]).code, Some(0));
    assert!(!home.ended(&["runs", "list"]).stdout.contains(id));
    assert_eq!(home.ended(&["runs", "show", id]).code, Some(2));
}

#[test]
fn health_tells_whether_a_target_is_there() {
    let home = Home::new();
    let (target, url) = home.target(&[]);
    let ended = home.ended(&["health", &url]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("200 OK"), "{ended:?}");
    drop(target);
    assert_eq!(home.ended(&["health", &url]).code, Some(3));
    assert_eq!(home.ended(&["health", "nowhere"]).code, Some(2));
}

#[test]
fn one_event_of_each_kind_is_tried_with_its_answer() {
    let home = Home::new();
    let ended = home.ended(&["try", "commerce-events", "--practice-target", "--user-id", "me", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let trial: Trial = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(trial.targets.len(), 1);
    assert!(trial.targets[0].reachable, "{trial:?}");
    let kinds: BTreeSet<&str> = trial.events.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!((kinds.len(), trial.events.len()), (12, 12));
    for event in &trial.events {
        assert!(event.accepted && event.status == Some(202) && event.body.contains("\"me\""), "{event:?}");
        assert!(event.answer.contains("success") && !event.body.contains(KEY), "{event:?}");
    }
    // One kind, in a table.
    let ended = home.ended(&["try", "commerce-events", "--practice-target", "-t", "cart"]);
    assert!(ended.code == Some(0) && ended.stdout.contains("accepted"), "{ended:?}");
    // A refusal is shown with its status, nobody at home is an exit code of its own.
    let trial = Server::start(|_| (403, "{\"error\":\"who are you\"}".to_owned()));
    let ended = home.ended(&["try", "commerce-events", "-e", &trial.url(), "-k", KEY, "-t", "cart"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("403") && ended.stdout.contains("who are you"), "{}", ended.stdout);
    let ended = home.ended(&["try", "commerce-events", "-e", "http://127.0.0.1:1", "-k", KEY, "--connect-only"]);
    assert!(ended.code == Some(3) && ended.stdout.contains("not there"), "{ended:?}");
    let ended = home.ended(&["try", "commerce-events", "--practice-target", "-t", "nothing"]);
    assert!(ended.code == Some(2) && ended.stderr.contains("cart"), "{ended:?}");
}
