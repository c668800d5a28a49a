//! Changing a run from the terminal that it was started in, and making the same changes again without one.

#![cfg(unix)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

use super::process::{Home, assert_reconciles};

const SCENARIO: &str = "name: steered\nseed: 5\ntargets: {t: {protocol: discard}}\n\
    events: {a: {body: {id: \"${event.id}\"}}, b: {body: {id: \"${event.id}\"}}}\n\
    behaviors: {m: {mix: {weights: {a: 1, b: 1}}}}\nfaults: {flaky: [{drop: {p: 0.5}}]}\n\
    workloads: {w: {faults: flaky, load: {rate: 100/s, arrival: uniform, duration: 30s}}}\n";

/// Somebody at a terminal.
struct Terminal {
    keys: File,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    fn presses(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn waits_for(&self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !self.shown.lock().unwrap().contains(text) {
            assert!(Instant::now() < deadline, "`{text}` is not shown: {}", self.shown.lock().unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_run_is_steered_from_its_terminal_and_the_same_again_without_one() {
    let home = Home::new();
    let file = home.write("steered.yaml", SCENARIO);
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let side = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
    let throng = home.throng(&[]);
    // A terminal of its own, as a shell would give it.
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(throng.get_program()).args(["run", &file, "-o", "first.json"]);
    command.env("HOME", home.path("")).env("COLUMNS", "120").env("TERM", "xterm").current_dir(home.path(""));
    let mut child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
    drop(command);
    let keys = File::from(master);
    let mut screen = keys.try_clone().unwrap();
    let shown = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&shown);
    // Ends when the last process lets go of the terminal.
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = screen.read(&mut bytes) {
            seen.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
    let mut terminal = Terminal { keys, shown };
    terminal.waits_for("space pause");
    terminal.presses("?");
    terminal.waits_for("a quarter faster");
    terminal.presses(":weights b=0\r");
    terminal.waits_for("weights b 0");
    terminal.presses(":weights c=1\r");
    terminal.waits_for("the mix has no event `c`");
    terminal.presses(":fault flaky off\r");
    terminal.waits_for("faults flaky ×0");
    terminal.presses(" ");
    terminal.waits_for("paused");
    terminal.presses(" ");
    terminal.waits_for("resumed");
    terminal.presses(":rate 4\r");
    terminal.waits_for("rate ×4");
    std::thread::sleep(Duration::from_millis(300));
    terminal.presses("s");
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}: {}", terminal.shown.lock().unwrap());

    let first = home.result("first.json");
    assert_reconciles_with_faults(&first);
    assert_eq!(first.changes.len(), 6, "{:?}", first.changes);
    assert!(first.changes.iter().all(|change| change.origin == "terminal"));

    let again = home.ended(&["run", &file, "--replay-changes", "first.json", "-o", "second.json"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    let second = home.result("second.json");
    assert!(second.changes.iter().all(|change| change.origin == "replay"));
    let moments = |result: &shared::run::RunResult| -> Vec<Value> {
        let told = |change: &shared::run::Change| serde_json::json!([change.elapsed_seconds, change.command]);
        result.changes.iter().map(told).collect()
    };
    assert_eq!(moments(&first), moments(&second));
    assert_eq!(first.totals.events, second.totals.events, "the same events, to the last one");
    let kinds = |result: &shared::run::RunResult| -> Vec<(String, u64)> {
        result.event_types.iter().map(|row| (row.name.clone(), row.events.sent)).collect()
    };
    assert_eq!(kinds(&first), kinds(&second));

    let missing = home.ended(&["run", &file, "--replay-changes", "no-such-run"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("no-such-run"), "{}", missing.stderr);
}

fn assert_reconciles_with_faults(result: &shared::run::RunResult) {
    let events = result.totals.events;
    assert!(events.withheld > 0 && events.offered == events.sent + events.dropped + events.withheld, "{events:?}");
    let mut sent = result.clone();
    sent.totals.events.offered -= events.withheld;
    sent.totals.requests.offered = sent.totals.requests.sent + sent.totals.requests.dropped;
    assert_reconciles(&sent);
}
