//! Event time that is not the time of the run: windows of the past, and days that pass in seconds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::process::{Home, assert_reconciles};
use super::trial::Trial;

fn scenario(url: &str, clock: &str, load: &str) -> String {
    format!(
        "name: clocks\nseed: 11\nclock: {clock}\ntargets: {{t: {{url: {url}}}}}\n\
         events: {{seen: {{body: {{id: \"${{event.id}}\", at: {{$now: rfc3339}}, n: {{$int: [1, 1000]}}}}}}}}\n\
         behaviors: {{b: {{emit: {{event: seen}}}}}}\nworkloads: {{w: {{load: {load}}}}}\n"
    )
}

/// Runs a scenario and generates it; both must say the same. Gives the moments in their order.
fn moments(clock: &str, load: &str) -> (Vec<String>, shared::run::RunResult) {
    let home = Home::new();
    let trial = Trial::start(|_| (200, String::new()));
    let file = home.write("clocks.yaml", &scenario(&trial.url(), clock, load));
    let ended = home.ended(&["run", &file, "-o", "result.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let result = home.result("result.json");
    assert_reconciles(&result);
    let asked = trial.asked("POST");
    let sent: BTreeSet<String> = asked.iter().map(|asked| String::from_utf8(asked.body.clone()).unwrap()).collect();
    assert_eq!(sent.len() as u64, result.totals.events.sent);
    let generated = home.ended(&["generate", &file]);
    assert_eq!(generated.code, Some(0), "{}", generated.stderr);
    let lines: BTreeSet<String> = generated.stdout.lines().map(str::to_owned).collect();
    assert!(sent == lines, "a run and a dataset hold the same events: {} and {}", sent.len(), lines.len());
    let moment = |text: &String| serde_json::from_str::<Value>(text).unwrap()["at"].as_str().unwrap().to_owned();
    let mut moments: Vec<String> = sent.iter().map(moment).collect();
    moments.sort();
    (moments, result)
}

#[test]
fn a_backfill_fills_its_window_as_fast_as_the_target_takes_it() {
    let clock = "{mode: backfill, start: \"2026-03-01T00:00:00Z\", end: \"2026-03-08T00:00:00Z\"}";
    let (moments, result) = moments(clock, "{count: 700, shape: [{weekend: 0}]}");
    assert_eq!(moments.len(), 700);
    // 1 and 7 March are a Sunday and a Saturday.
    assert!(moments[0].as_str() >= "2026-03-02" && moments[699].as_str() < "2026-03-07", "{moments:?}");
    assert!(moments[0].starts_with("2026-03-02") && moments[699].starts_with("2026-03-06"), "{moments:?}");
    assert!(result.totals.elapsed_seconds < 60.0, "a week took {} s", result.totals.elapsed_seconds);
    assert_eq!(result.run.info.planned_seconds, None);
}

#[test]
fn a_simulated_day_passes_faster_than_the_run() {
    let clock = "{mode: simulate, start: \"2026-03-02T08:00:00Z\", speed: 1800}";
    let load = "{rate: 60/h, arrival: uniform, duration: 2h, shape: [{hours: [[9, 10, 2]]}]}";
    let (moments, result) = moments(clock, load);
    let eight = moments.iter().filter(|at| at.starts_with("2026-03-02T08")).count();
    assert!((59..=61).contains(&eight) && (178..=182).contains(&moments.len()), "{eight} of {}", moments.len());
    // Two hours in four seconds.
    assert_eq!(result.run.info.planned_seconds, Some(4.0));
    assert!(result.totals.elapsed_seconds >= 3.5, "{}", result.totals.elapsed_seconds);
    let rate = result.totals.events_per_second;
    assert!((30.0..=50.0).contains(&rate), "{rate} per second of the run");
}

#[test]
fn clocks_that_cannot_be_are_told() {
    let home = Home::new();
    for (clock, load, told) in [
        ("{mode: backfill, start: now, end: -1h}", "{count: 5}", "a start before its end"),
        ("{mode: backfill, start: -1h}", "{concurrency: 5}", "has to know when its events happened"),
        ("{mode: simulate, speed: 0}", "{rate: 1/s, duration: 1m}", "a speed must be above zero"),
        ("{mode: backfill, start: yesterday}", "{count: 5}", "`yesterday` is no moment"),
        ("{timezone: Mars/Olympus}", "{rate: 1/s, duration: 1m}", "no time zone `Mars/Olympus`"),
    ] {
        let file = home.write("wrong.yaml", &scenario("http://localhost:1", clock, load));
        let ended = home.ended(&["validate", &file]);
        assert_eq!(ended.code, Some(2), "{clock} {load}: {ended:?}");
        assert!(ended.stderr.contains(told), "{clock} {load}: {}", ended.stderr);
    }
}

#[test]
fn a_backfill_lasts_as_long_as_the_target_needs_however_short_its_window() {
    let home = Home::new();
    let trial = Trial::start(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        (200, String::new())
    });
    let clock = "{mode: backfill, start: \"2026-03-01T00:00:00Z\", end: \"2026-03-01T00:00:01Z\"}";
    let load = "{rate: 60/s, arrival: uniform, max_in_flight: 1}";
    let file = home.write("clocks.yaml", &scenario(&trial.url(), clock, load));
    let ended = home.ended(&["run", &file, "-o", "result.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let result = home.result("result.json");
    assert_reconciles(&result);
    assert_eq!(result.totals.events.succeeded, 60, "{:?}", result.totals);
    assert!(result.totals.elapsed_seconds >= 1.2, "one at a time, 20 ms each: {} s", result.totals.elapsed_seconds);
}

#[test]
fn sessions_of_the_past_keep_their_pauses_and_are_sent_at_once() {
    let home = Home::new();
    let trial = Trial::start(|_| (200, String::new()));
    let text = format!(
        "name: visits\nseed: 3\nclock: {{mode: backfill, start: \"2026-03-01T00:00:00Z\", end: \"2026-03-01T01:00:00Z\"}}\n\
         targets: {{t: {{url: {}}}}}\n\
         events: {{seen: {{body: {{at: {{$now: rfc3339}}}}}}}}\n\
         behaviors: {{b: {{session: {{between: 30s, limits: {{steps: 3}}, step: {{enter: seen, dwell: 60s}}, \
         journeys: [{{name: all, weight: 1, path: [/a, /b, /c]}}]}}}}}}\n\
         workloads: {{w: {{load: {{users: 2, duration: 1h}}}}}}\n",
        trial.url()
    );
    let file = home.write("visits.yaml", &text);
    let ended = home.ended(&["run", &file, "-o", "result.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let result = home.result("result.json");
    assert_reconciles(&result);
    let last = trial.asked("POST").into_iter().map(|asked| String::from_utf8(asked.body).unwrap()).max().unwrap();
    assert!(result.totals.events.sent > 50, "{:?}", result.totals.events);
    assert!(last.contains("2026-03-01T00:5"), "{last}");
    assert!(result.totals.elapsed_seconds < 30.0, "an hour took {} s", result.totals.elapsed_seconds);
}
