//! Starting the binary in a home of its own, and ending it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use shared::run::RunResult;
use tempfile::TempDir;

/// A well-formed key that is worth nothing.
pub(crate) const KEY: &str = "proj_0123456789_secret";
/// How long anything in these tests may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(30);

/// A home directory with its data, gone afterwards.
pub(crate) struct Home {
    directory: TempDir,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A process that goes on; killed when dropped.
pub(crate) struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file and returns its path as text.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The binary with arguments, away from the environment of whoever runs the tests.
    pub(crate) fn throng(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_throng"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.directory.path())
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs to the end.
    pub(crate) fn ended(&self, arguments: &[&str]) -> Ended {
        let output = self.throng(arguments).output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs to the end, again when the machine was too busy: a run that calls itself no measurement passes no threshold,
    /// whatever the target did.
    pub(crate) fn ended_undisturbed(&self, arguments: &[&str]) -> Ended {
        undisturbed(|| self.ended(arguments), |ended| &ended.stdout)
    }

    /// Starts and lets it go on.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::of(self.throng(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Starts `throng serve` at free ports and returns it with its address.
    pub(crate) fn serve(&self, arguments: &[&str]) -> (Running, String) {
        let mut all = vec!["serve", "--bind", "127.0.0.1:0", "--practice-bind", "127.0.0.1:0"];
        all.extend(arguments);
        let mut running = self.start(&all);
        let address = running.line();
        (running, address)
    }

    /// Starts a practice target of its own process at a free port and returns it with its address.
    pub(crate) fn target(&self, switches: &[&str]) -> (Running, String) {
        let mut all = vec!["target", "--bind", "127.0.0.1:0"];
        all.extend(switches);
        let mut running = self.start(&all);
        let address = running.line().strip_prefix("practice target: ").unwrap().to_owned();
        (running, address)
    }

    pub(crate) fn result(&self, name: &str) -> RunResult {
        serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }
}

impl Running {
    /// A child that was started with its standard output piped.
    pub(crate) fn of(mut child: Child) -> Self {
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end and takes what it said.
    pub(crate) fn ended(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the process does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        // Unless it went elsewhere.
        if let Some(mut said) = self.child.stderr.take() {
            said.read_to_string(&mut stderr).unwrap();
        }
        Ended { code: status.code(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Runs something until what it said is not of a run that calls itself invalid; the last of a few times counts.
pub(crate) fn undisturbed<T>(mut run: impl FnMut() -> T, said: impl Fn(&T) -> &str) -> T {
    for _ in 1..5 {
        let ended = run();
        if !said(&ended).contains("verdict: invalid") {
            return ended;
        }
    }
    run()
}

/// How many of something a test takes: as many as usual, or as the environment asks for.
pub(crate) fn asked<N: std::str::FromStr>(variable: &str, usual: N) -> N {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Asserts what must hold in every result.
pub(crate) fn assert_reconciles(result: &RunResult) {
    for counts in [&result.totals.events, &result.totals.requests] {
        assert_eq!(counts.offered, counts.sent + counts.dropped, "offered: {counts:?}");
        assert_eq!(counts.sent, counts.succeeded + counts.failed, "sent: {counts:?}");
    }
    let by_type: u64 = result.event_types.iter().map(|row| row.events.sent).sum();
    assert_eq!(by_type, result.totals.events.sent);
    let by_workload: u64 = result.workloads.iter().map(|row| row.sent).sum();
    assert_eq!(by_workload, result.totals.events.sent);
    let by_second: u64 = result.timeline.iter().map(|row| row.events.succeeded).sum();
    assert_eq!(by_second, result.totals.events.succeeded);
}
