//! Ctrl-C and worse, at several moments.

use std::time::Duration;

use rustix::process::Signal;
use shared::run::RunState;

use crate::process::{Home, assert_reconciles};

const RUN: [&str; 8] = ["run", "commerce-events", "-r", "100/s", "-d", "1h", "--practice-target", "-o"];

fn arguments() -> Vec<&'static str> {
    let mut arguments = RUN.to_vec();
    arguments.push("r.json");
    arguments
}

/// Waits until the run is in the store, so that a signal cannot come before it.
fn wait_until_it_runs(home: &Home) {
    for _ in 0..500 {
        if home.ended(&["runs", "list"]).stdout.contains("running") {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the run does not begin");
}

#[test]
fn ctrl_c_ends_with_a_summary_and_a_saved_result() {
    for (signal, wait) in [(Signal::INT, 0), (Signal::INT, 700), (Signal::TERM, 1_300)] {
        let home = Home::new();
        let running = home.start(&arguments());
        wait_until_it_runs(&home);
        std::thread::sleep(Duration::from_millis(wait));
        running.signal(signal);
        let ended = running.ended();
        assert_eq!(ended.code, Some(130), "{ended:?}");
        assert!(ended.stdout.contains("stopped after") && ended.stdout.contains(": agrees"), "{ended:?}");
        let result = home.result("r.json");
        assert_eq!(result.run.info.state, RunState::Stopped);
        assert_reconciles(&result);
        assert_eq!(result.changes.len(), 1, "the stop is on record");
        assert!(home.ended(&["runs", "show", "latest"]).stdout.contains("stopped after"));
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_answers() {
    let home = Home::new();
    let (_target, url) = home.target(&["--frozen"]);
    let running = home.start(&[
        "run",
        "commerce-events",
        "-r",
        "100/s",
        "-d",
        "1h",
        "-e",
        &url,
        "-k",
        crate::process::KEY,
        "-o",
        "r.json",
    ]);
    wait_until_it_runs(&home);
    std::thread::sleep(Duration::from_millis(800));
    running.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(300));
    running.signal(Signal::INT);
    let ended = running.ended();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let result = home.result("r.json");
    assert_reconciles(&result);
    assert_eq!(result.totals.events.succeeded, 0);
    assert!(result.totals.events.failed > 0, "{:?}", result.totals);
}

#[test]
fn kill_9_leaves_a_run_that_is_interrupted_and_readable() {
    let home = Home::new();
    let running = home.start(&arguments());
    wait_until_it_runs(&home);
    std::thread::sleep(Duration::from_millis(2_500));
    running.signal(Signal::KILL);
    running.ended();
    let listed = home.ended(&["runs", "list"]);
    assert!(listed.stdout.contains("interrupted"), "{listed:?}");
    assert_eq!(home.ended(&["runs", "export", "latest", "-o", "left.json"]).code, Some(0));
    let left = home.result("left.json");
    assert_eq!(left.run.info.state, RunState::Interrupted);
    assert!(left.timeline.len() >= 2, "{} seconds are known", left.timeline.len());
    assert!(left.totals.events.sent > 100, "{:?}", left.totals);
}

#[test]
fn ctrl_c_stops_the_server_and_keeps_the_run() {
    let home = Home::new();
    let (server, address) = home.serve(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let id = runtime.block_on(crate::journey::start_a_run(&address, "1h"));
    std::thread::sleep(Duration::from_millis(500));
    server.signal(Signal::INT);
    assert_eq!(server.ended().code, Some(0));
    let shown = home.ended(&["runs", "show", &id]);
    assert!(shown.stdout.contains("stopped after"), "{shown:?}");
}

/// How often the process is killed, at moments spread over its first seconds.
const KILLS: u32 = 25;

#[test]
fn kill_9_at_any_moment_leaves_a_run_that_lacks_at_most_its_last_second() {
    let home = Home::new();
    let (_target, url) = home.target(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut readable, mut most_lost, mut accepted_before) = (0, 0, 0);
    for round in 0..KILLS {
        let running = home.start(&[
            "run",
            "commerce-events",
            "-r",
            "200/s",
            "-d",
            "1h",
            "-b",
            "1",
            "-e",
            &url,
            "-k",
            crate::process::KEY,
        ]);
        wait_for_run(&home, round as usize + 1);
        // Moments of a fixed but uneven sequence, from none to a little over two seconds after the run is known.
        std::thread::sleep(Duration::from_millis(u64::from(round * 677 % 2_300)));
        running.signal(Signal::KILL);
        let ended = running.ended();
        assert_eq!(ended.code, None, "it was to be killed, not to end: {ended:?}");
        let accepted = runtime.block_on(crate::journey::accepted(&url));
        let sent = accepted - accepted_before;
        accepted_before = accepted;

        let exported = home.ended(&["runs", "export", "latest", "-o", "left.json"]);
        assert_eq!(exported.code, Some(0), "round {round}: {exported:?}");
        let left = home.result("left.json");
        assert_eq!(left.run.info.state, RunState::Interrupted, "round {round}");
        let known = left.totals.events.succeeded;
        assert!(known <= sent, "round {round}: {known} known of {sent}");
        // A second's worth, and room for a machine that has other things to do: the rate is Poisson's, too.
        let lost = sent - known;
        assert!(lost <= 300, "round {round}: {lost} of {sent} events are not known");
        let by_second: u64 = left.timeline.iter().map(|row| row.events.succeeded).sum();
        assert_eq!(by_second, known, "round {round}: seconds and totals");
        let times = &left.latency.response_time;
        let histogram = if times.percentiles.count == 0 {
            shared::metrics::Histogram::new()
        } else {
            shared::metrics::Histogram::from_base64(&times.hdr).unwrap()
        };
        assert_eq!(histogram.count(), left.totals.requests.succeeded, "round {round}: the histogram has every answer");
        readable += 1;
        most_lost = most_lost.max(lost);
    }
    println!(
        "{readable} of {KILLS} killed runs are readable and interrupted; at most {most_lost} events of 200/s lost"
    );
    assert_eq!(home.ended(&["runs", "export", "latest", "--format", "hdr"]).code, Some(0));
    let listed = home.ended(&["runs", "list"]).stdout;
    assert_eq!(listed.matches("interrupted").count(), KILLS as usize, "{listed}");
}

/// Waits until so many runs are in the store.
fn wait_for_run(home: &Home, count: usize) {
    for _ in 0..1_000 {
        let listed = home.ended(&["runs", "list"]).stdout;
        if listed.lines().count() == count + 1 {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the run does not begin");
}
