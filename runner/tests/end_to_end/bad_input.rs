//! What people get wrong: each gets a clear sentence and its exit code, and nothing is sent.

use std::net::TcpListener;

use shared::run::{FailureKind, VerdictStatus};

use crate::process::{Home, KEY, assert_reconciles};

/// An address that was free a moment ago, so that nobody listens there.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn a_bad_scenario_gets_all_its_problems_with_their_places() {
    let home = Home::new();
    let file = home.write(
        "bad.yaml",
        "extends: commerce-events\nworkloads:\n  shop:\n    load: {rate: 0/s, duration: fast}\n    popluation: {count: 3}\n",
    );
    for arguments in [vec!["validate", &file], vec!["run", &file, "--practice-target"]] {
        let ended = home.ended(&arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        for (place, hint) in
            [("bad.yaml:4:18", "help: write 10/s"), ("bad.yaml:4:33", "help: "), ("bad.yaml:5:5", "`population`")]
        {
            assert!(ended.stderr.contains(place) && ended.stderr.contains(hint), "{place} in {}", ended.stderr);
        }
        assert!(ended.stderr.contains("3 errors"), "{}", ended.stderr);
    }
    assert!(!home.path(".local").exists(), "nothing was kept of what never began");
}

#[test]
fn what_cannot_be_read_is_told_with_its_place_and_what_to_do() {
    let home = Home::new();
    let deep = format!("extends: commerce-events\nname: {}", "[".repeat(100));
    let long = format!(
        "extends: commerce-events\nevents: {{page.search: {{body: {{n: \"${{{}}}\"}}}}}}\n",
        "(".repeat(10_000)
    );
    let shop = |inner: &str| format!("extends: commerce-events\nworkloads: {{shop: {{{inner}}}}}\n");
    let cases: [(&str, String, &[&str]); 9] = [
        ("tab", "extends: commerce-events\nworkloads:\n\tshop: {}\n".to_owned(), &[":3:", "spaces"]),
        ("nan", shop("load: {rate: .nan}"), &[":2:", "write a number"]),
        ("deep", deep, &[":2:", "64 levels", "bracket"]),
        ("long", long, &[":2:", "(((…(((", "write it like `${user.id}`"]),
        ("float", shop("population: {count: 9e15}"), &[":2:", "9000000000000000", "without a point or an exponent"]),
        ("users", shop("population: {count: 4294967295}"), &[":2:", "100000000 users", "write less"]),
        ("zero", shop("load: {duration: 0s}"), &[":2:", "write forever"]),
        ("open", "extends: commerce-events\nworkloads: {shop: {\n".to_owned(), &[":3:", "bracket"]),
        (
            "pool",
            "extends: commerce-events\npools: {products: {generate: {count: 4000000000}}}\n".to_owned(),
            &[":2:", "1000000 items", "write less"],
        ),
    ];
    for (name, text, wanted) in cases {
        let file = home.write(&format!("{name}.yaml"), &text);
        let ended = home.ended(&["validate", &file]);
        assert_eq!(ended.code, Some(2), "{name}: {ended:?}");
        for part in wanted {
            assert!(ended.stderr.contains(part), "{name}: no {part} in {}", ended.stderr);
        }
        assert!(ended.stderr.contains("help: "), "{name}: {}", ended.stderr);
        assert!(ended.stderr.len() < 2_000, "{name}: {} bytes are said", ended.stderr.len());
    }
    std::fs::write(home.path("bytes.yaml"), b"extends: demo\nname: \xff\xfe\n").unwrap();
    let bytes = home.ended(&["validate", "bytes.yaml"]);
    assert!(bytes.stderr.contains("byte 21 in line 2") && bytes.stderr.contains("UTF-8"), "{bytes:?}");
    std::fs::write(home.path("large.yaml"), vec![b'#'; 5 << 20]).unwrap();
    let large = home.ended(&["validate", "large.yaml"]);
    assert!(large.stderr.contains("help: move large lists to files"), "{large:?}");
    for (arguments, wanted) in [
        (["run", "commerce-events", "-u", "4294967295", "--dry-run"], "100000000 users"),
        (["run", "commerce-events", "-d", "0s", "--dry-run"], "write forever"),
        (["generate", "commerce-events", "--hours", "1e300", "--count"], "1e300 hours are no window"),
    ] {
        let mut arguments = arguments.to_vec();
        if arguments.ends_with(&["--count"]) {
            arguments.push("5");
        }
        let ended = home.ended(&arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(wanted), "{ended:?}");
    }
    let file = home.write("rate.yaml", &shop("load: {rate: 1e300/s}"));
    let counted = home.ended(&["generate", &file, "--count", "5"]);
    assert_eq!(
        counted.code,
        Some(2),
        "a rate that nothing can send is refused though the count replaces it: {counted:?}"
    );
    let base =
        home.write("base.yaml", "extends: commerce-events\nbehaviors: {shopper: {mix: {weights: {cart.ad: 1}}}}\n");
    let hints = home.ended(&["validate", &base]).stderr;
    assert!(hints.contains("`cart.add`") && !hints.contains("`_"), "{hints}");
}

#[test]
fn an_unknown_scenario_profile_or_path_is_named() {
    let home = Home::new();
    let unknown = home.ended(&["run", "comerce", "--practice-target"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("`comerce`") && unknown.stderr.contains("throng scenarios"), "{unknown:?}");
    let profile = home.ended(&["run", "commerce-events", "--profile", "quick", "--practice-target"]);
    assert_eq!(profile.code, Some(2));
    assert!(profile.stderr.contains("quick"), "{profile:?}");
    let path = home.ended(&["run", "commerce-events", "--set", "workloads.shop.load.rat=1/s", "--practice-target"]);
    assert_eq!(path.code, Some(2));
    assert!(path.stderr.contains("rat"), "{path:?}");
}

#[test]
fn a_flag_that_could_mean_several_things_says_so() {
    let home = Home::new();
    let file = home.write(
        "two.yaml",
        "extends: commerce-events\nworkloads:\n  more: {target: api, behavior: shopper, load: {rate: 1/s, duration: 1s}}\n",
    );
    let ended = home.ended(&["run", &file, "-r", "5/s", "--practice-target"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--set workloads.shop.load.rate"), "{ended:?}");
}

#[test]
fn a_target_that_is_not_there_is_exit_3() {
    let home = Home::new();
    let ended = home.ended(&["run", "commerce-events", "-d", "1s", "-e", &nobody(), "-k", KEY, "-o", "r.json"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{ended:?}");
    assert!(!home.path("r.json").exists());
}

#[test]
fn a_placeholder_or_missing_key_is_refused_before_anything_is_sent() {
    let home = Home::new();
    let (target, url) = home.target(&[]);
    for key in [&["-k", "proj_YOUR_PROJECT_ID_YOUR_SECRET"][..], &[]] {
        let mut arguments = vec!["run", "commerce-events", "-d", "1s", "-e", &url];
        arguments.extend(key);
        let ended = home.ended(&arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("auth.api_key.value"), "{ended:?}");
    }
    target.signal(rustix::process::Signal::TERM);
    assert!(target.ended().stdout.contains("\"requests\": 0"));
}

#[test]
fn an_output_that_cannot_be_written_is_known_before_the_run() {
    let home = Home::new();
    let ended = home.ended(&["run", "commerce-events", "-d", "1s", "--practice-target", "-o", "no/such/place.json"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("cannot write no/such/place.json"), "{ended:?}");
    assert!(ended.stdout.is_empty(), "{ended:?}");
}

#[test]
fn a_busy_port_is_one_sentence() {
    let home = Home::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = home.ended(&["serve", "--bind", &address, "--no-practice-target"]);
    assert_eq!(served.code, Some(1), "{served:?}");
    assert!(served.stderr.contains(&format!("port {}", listener.local_addr().unwrap().port())), "{served:?}");
    assert_eq!(served.stderr.matches("error: ").count(), 1, "{served:?}");
    let target = home.ended(&["target", "--bind", &address]);
    assert_eq!(target.code, Some(1), "{target:?}");
}

#[test]
fn an_address_that_others_can_reach_needs_a_token() {
    let home = Home::new();
    let ended = home.ended(&["serve", "--bind", "0.0.0.0:0", "--no-practice-target"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--token"), "{ended:?}");
}

#[test]
fn a_data_directory_that_cannot_be_used_is_named() {
    let home = Home::new();
    let file = home.write("file", "not a directory");
    let ended = home.ended(&["runs", "--data-dir", &file, "list"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(&file), "{ended:?}");
}

#[test]
fn a_circle_of_scenarios_is_told_as_one_however_it_is_written() {
    let home = Home::new();
    let first = home.write("a.yaml", "extends: ./b.yaml\n");
    home.write("b.yaml", "extends: ././a.yaml\n");
    let ended = home.ended(&["validate", &first]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("extends itself: "), "{}", ended.stderr);
}

#[test]
fn what_a_text_that_ends_early_does_not_say_is_no_mistake_of_its_own() {
    let home = Home::new();
    let file = home.write("tabs.yaml", "name: tabs\nworkloads:\n\tw: {}\n");
    let ended = home.ended(&["validate", &file]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("tabs.yaml:3:"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("no workload"), "{}", ended.stderr);
}

#[test]
fn file_handles_that_run_out_are_counted_by_name_and_the_run_goes_on() {
    let home = Home::new();
    let (_target, url) = home.target(&["--latency-p50", "300"]);
    let command = home.throng(&[
        "run",
        "commerce-events",
        "-e",
        &url,
        "-k",
        KEY,
        "-b",
        "1",
        "-r",
        "400/s",
        "-d",
        "2s",
        "-c",
        "500",
        "--set",
        "targets.api.retry.attempts=1",
        "-o",
        "r.json",
    ]);
    // The limit of the process that starts it is its own, and cannot be raised again.
    let program = command.get_program().to_str().unwrap().to_owned();
    let words: Vec<String> = command.get_args().map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let script = format!("ulimit -n 60; exec '{program}' {}", words.join(" "));
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .env_clear()
        .env("HOME", home.path(""))
        .current_dir(home.path(""))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let result = home.result("r.json");
    assert_reconciles(&result);
    let exhausted = result.failures.iter().find(|failure| failure.kind == FailureKind::ResourcesExhausted);
    assert!(exhausted.is_some_and(|failure| failure.count > 0), "{:?}", result.failures);
    assert!(result.totals.events.succeeded > 0);
    // The generator's own limit was the bottleneck, and the verdict says so.
    assert_ne!(result.verdict.status, VerdictStatus::Valid, "{:?}", result.verdict);
}
