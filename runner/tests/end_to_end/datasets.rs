//! Commands that plan without sending: datasets, previews, curl commands, explanations, imports, examples.

use super::process::Home;

const START: &str = "2026-01-05T00:00:00Z";

fn generate(home: &Home, output: &str, more: &[&str]) -> Vec<u8> {
    let path = home.path(output);
    let mut arguments = vec!["generate", "commerce-events", "--seed", "3", "--start", START];
    arguments.extend(["--count", "3000", "--hours", "24", "-o", path.to_str().unwrap()]);
    arguments.extend(more);
    let ended = home.ended(&arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    std::fs::read(path).unwrap()
}

#[test]
fn a_dataset_has_exactly_the_events_asked_for_and_the_same_bytes_for_any_number_of_workers() {
    let home = Home::new();
    let alone = generate(&home, "one.jsonl", &["--workers", "1"]);
    assert!(alone == generate(&home, "five.jsonl", &["--workers", "5", "--realism"]));
    let lines: Vec<serde_json::Value> =
        String::from_utf8(alone).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3_000);
    let list = generate(&home, "list.json", &["--format", "json"]);
    assert_eq!(serde_json::from_slice::<Vec<serde_json::Value>>(&list).unwrap(), lines);
    let table = String::from_utf8(generate(&home, "table.csv", &["--format", "csv"])).unwrap();
    assert!(table.starts_with("topic,event_type,data.event_id,data.user_id,"), "{}", table.lines().next().unwrap());
    assert_eq!(table.lines().count(), 3_001);
}

/// Most memory that a command had while it wrote, in bytes, and what it wrote.
#[cfg(target_os = "linux")]
fn peak_memory(home: &Home, arguments: &[&str]) -> (u64, u64) {
    use std::io::Read as _;
    use std::process::Stdio;
    let mut child = home.throng(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut stdout = child.stdout.take().unwrap();
    let mut buffer = vec![0; 1 << 16];
    let (mut peak, mut bytes) = (0, 0);
    loop {
        // It waits for whoever reads: while there is something to read, it is there to be looked at.
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0) << 10);
        match stdout.read(&mut buffer).unwrap() {
            0 => break,
            count => bytes += count as u64,
        }
    }
    assert!(child.wait().unwrap().success());
    (peak, bytes)
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_times_the_events_need_no_more_memory() {
    let home = Home::new();
    for format in ["jsonl", "json"] {
        let generate = |count: &str| {
            let event = ["generate", "commerce-events", "--hours", "24", "--workers", "2"];
            peak_memory(&home, &[&event[..], &["--count", count, "--format", format]].concat())
        };
        let (few, _) = generate("2000");
        let (many, bytes) = generate("200000");
        assert!(few > 0 && bytes > 50_000_000, "{few}, {bytes}");
        // The buffers of the workers fill up once, whatever comes after; all of it would be three times as much.
        assert!(many < few + 16_000_000, "{format}: {few} bytes for 2,000 events, {many} for 200,000");
    }
}

#[test]
fn a_report_ends_a_dataset_on_request() {
    let home = Home::new();
    let ended = home.ended(&["generate", "commerce-events", "--count", "5000", "--hours", "24", "--realism"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 5_000);
    for part in ["event mix of shop", "hour of day of shop", "declared distributions fit"] {
        assert!(ended.stderr.contains(part), "{part}\n{}", ended.stderr);
    }
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_rendered() {
    let home = Home::new();
    let ended = home.ended(&["generate", "commerce-events", "--count", "10", "-o", "no/such/place.jsonl"]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    for wrong in [["--hours", "0"], ["--hours", "-3"], ["--start", "yesterday"], ["--workers", "0"]] {
        let ended = home.ended(&[["generate", "commerce-events"].as_slice(), &wrong].concat());
        assert_eq!(ended.code, Some(2), "{wrong:?}: {}", ended.stderr);
    }
}

#[test]
fn an_event_is_explained_by_its_id() {
    let home = Home::new();
    let event = ["generate", "commerce-events", "--start", START, "--set", "workloads.shop.load.duration=5s"];
    let dataset = home.ended(&event).stdout;
    let line = dataset.lines().nth(40).unwrap();
    let id = serde_json::from_str::<serde_json::Value>(line).unwrap()["data"]["event_id"].as_str().unwrap().to_owned();
    let ended = home.ended(&["explain", &id, "commerce-events", "--start", START]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains(line), "{}\n{line}", ended.stdout);
    let foreign = home.ended(&["explain", &id, "commerce-events", "--seed", "7"]);
    assert_eq!(foreign.code, Some(2));
    assert!(foreign.stderr.contains("seed 7"), "{}", foreign.stderr);
    assert_eq!(home.ended(&["explain", "nonsense", "commerce-events"]).code, Some(2));
}

#[test]
fn an_event_of_a_counted_dataset_is_explained_or_it_is_said_what_is_missing() {
    let home = Home::new();
    for (name, place) in [("commerce-events", "/data/event_id"), ("api-monitoring", "/event_id")] {
        let dataset = home.ended(&["generate", name, "--count", "3000", "--hours", "10", "--start", START]).stdout;
        let line = dataset.lines().nth(1_234).unwrap();
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = event.pointer(place).and_then(serde_json::Value::as_str).unwrap().to_owned();
        let told = home.ended(&["explain", &id, name, "--count", "3000", "--hours", "10", "--start", START]);
        assert_eq!(told.code, Some(0), "{id}: {}", told.stderr);
        assert!(told.stdout.contains(line), "{}\n{line}", told.stdout);
        if let Some(moment) = event["timestamp"].as_str() {
            assert!(told.stdout.contains(&format!("at        {moment}")), "{}\n{line}", told.stdout);
        }
        // With another load it would have been due at another moment: that is said, not told wrong.
        for other in [&["--count", "3001"][..], &[], &["--count", "3000", "--hours", "9"]] {
            let told = home.ended(&[&["explain", &id, name, "--start", START], other].concat());
            assert_eq!(told.code, Some(2), "{id} {other:?}: {}", told.stdout);
            assert!(told.stderr.contains("another load") && told.stderr.contains("--count"), "{}", told.stderr);
        }
        let foreign = home.ended(&["explain", &id, name, "--count", "3000", "--hours", "10", "--seed", "99"]);
        assert_ne!(foreign.code, Some(0), "{}", foreign.stdout);
    }
}

#[test]
fn groceries_are_realistic_and_fetched_from_where_they_are() {
    let home = Home::new();
    let generate = ["generate", "freshmart", "--count", "20000", "--hours", "6", "-o", "orders.csv", "--format", "csv"];
    let ended = home.ended(&[&generate[..], &["--practice-target", "--realism"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for rule in ["no order is touched before it begins", "totals are the sums of their lines"] {
        assert!(ended.stderr.contains(rule), "{}", ended.stderr);
    }
    let rows = std::fs::read_to_string(home.path("orders.csv")).unwrap();
    assert!(rows.starts_with("subject_id,predicate,object_value,object_type\n"), "{}", &rows[..200]);
    // An address where nobody is.
    let nobody = home.ended(&["generate", "freshmart", "--count", "10", "-e", "http://127.0.0.1:9"]);
    assert_eq!(nobody.code, Some(3), "{}", nobody.stderr);
    assert!(nobody.stderr.contains("127.0.0.1:9"), "{}", nobody.stderr);
}

#[test]
fn requests_are_printed_as_curl_commands_and_imported_again() {
    let home = Home::new();
    let all = home.ended(&["curl", "commerce-events"]).stdout;
    assert_eq!(all.matches("curl -X POST").count(), 12, "{all}");
    let cart =
        home.ended(&["curl", "commerce-events", "-t", "cart", "-n", "2", "--user-id", "it's me", "-k", "proj_a_b"]);
    assert_eq!(cart.stdout.matches("\"cart.").count(), 8, "{}", cart.stdout);
    assert!(cart.stdout.contains("X-API-Key: proj_a_b"), "{}", cart.stdout);
    assert!(cart.stdout.contains(r"it'\''s me"), "{}", cart.stdout);
    let batch = home.ended(&["curl", "commerce-events", "-t", "batch", "-n", "5"]).stdout;
    assert_eq!(batch.matches("\"topic\"").count(), 5, "{batch}");
    assert_eq!(home.ended(&["curl", "commerce-events", "-t", "nothing"]).code, Some(2));
    assert_eq!(home.ended(&["curl", "commerce-events", "-t", "batch", "-n", "0"]).code, Some(2));
    let stream = home.ended(&["curl", "stream-testbench"]).stdout;
    assert!(stream.contains("| websocat -n1 'ws://localhost:8000/ws/mobile/sync/?device_id=throng'"), "{stream}");

    let file = home.write("requests.sh", &cart.stdout);
    let scenario = home.path("imported.yaml");
    let ended = home.ended(&["import", &file, "-o", scenario.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!std::fs::read_to_string(&scenario).unwrap().contains("proj_a_b"), "a key is never written down");
    let checked = home.ended(&["preview", scenario.to_str().unwrap(), "-n", "1"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(checked.stdout.contains("\"cart."), "{}", checked.stdout);
}

#[test]
fn examples_are_written_once_and_can_be_looked_at() {
    let home = Home::new();
    let ended = home.ended(&["init", "examples", "--type", "http"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(home.ended(&["preview", "examples/shop.yaml"]).code, Some(0));
    let stream = home.ended(&["init", "streams", "--type", "websocket"]).stderr;
    assert!(stream.contains("throng preview streams/websocket.yaml"), "{stream}");
    let again = home.ended(&["init", "examples"]);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    assert_eq!(home.ended(&["init", "examples", "--force"]).stdout.lines().count(), 4);
}

#[test]
fn every_built_in_gives_as_many_events_as_are_asked_for_or_says_why_not() {
    let home = Home::new();
    for name in ["commerce-events", "web-analytics", "api-monitoring", "demo", "stream-testbench"] {
        let ended = home.ended(&["generate", name, "--count", "400", "--seed", "1"]);
        assert_eq!(ended.code, Some(0), "{name}: {}", ended.stderr);
        let lines = ended.stdout.lines().count();
        let explained = ended.stderr.contains("all that the scenario has in its time");
        assert!(lines == 400 || (lines > 100 && explained), "{name}: {lines} events\n{}", ended.stderr);
    }
}
