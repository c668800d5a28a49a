//! What goes wrong around a run: disks, pipes, databases, pauses.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use shared::run::RunResult;

use super::process::{Ended, Home, Running, assert_reconciles};

const RUN: [&str; 7] = ["run", "commerce-events", "-r", "50/s", "-d", "1s", "--practice-target"];

/// A home whose database has one run.
fn lived_in() -> (Home, std::path::PathBuf) {
    let home = Home::new();
    let ended = in_data(&home, &RUN);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let database = home.path("data/throng.db");
    (home, database)
}

fn in_data(home: &Home, arguments: &[&str]) -> Ended {
    let output = home.throng(arguments).env("THRONG_DATA_DIR", home.path("data")).output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_database_of_garbage_is_named_and_left_as_it_is() {
    let (home, database) = lived_in();
    let garbage = b"this was a database once, and then something else happened to it".repeat(200);
    std::fs::write(&database, &garbage).unwrap();
    // With them, SQLite would put the pages that they have over it.
    for beside in ["data/throng.db-wal", "data/throng.db-shm"] {
        std::fs::remove_file(home.path(beside)).unwrap();
    }
    let ended = in_data(&home, &["runs", "list"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(database.to_str().unwrap()), "{ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    assert_eq!(std::fs::read(&database).unwrap(), garbage, "whoever can mend it still has it");
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let (home, database) = lived_in();
    rusqlite::Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap();
    for arguments in [&["runs", "list"][..], &RUN] {
        let ended = in_data(&home, arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("newer version") && ended.stderr.contains("--data-dir"), "{ended:?}");
    }
}

#[test]
fn a_database_that_somebody_else_holds_is_named_before_anything_is_sent() {
    let (home, database) = lived_in();
    let holder = rusqlite::Connection::open(&database).unwrap();
    holder.execute_batch("pragma locking_mode = exclusive; begin exclusive; create table held (it)").unwrap();
    let ended = in_data(&home, &RUN);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("locked") && ended.stderr.contains("throng.db"), "{ended:?}");
    assert!(!ended.stdout.contains("accepted"), "{ended:?}");
    drop(holder);
    let ended = in_data(&home, &["runs", "list"]);
    assert!(ended.code == Some(0) && ended.stdout.contains("commerce-events"), "its runs are still there: {ended:?}");
}

#[test]
fn a_file_that_reaches_its_limit_fails_the_write_and_not_the_run() {
    let home = Home::new();
    let throng = home.throng(&[]).get_program().to_owned();
    // 40 kB for each file, in blocks of 512 bytes: less than the results need.
    let script =
        "ulimit -f 80; exec \"$0\" run commerce-events -r 50/s -d 1s --practice-target --save-events e.jsonl -o r.json";
    let mut command = std::process::Command::new("dash");
    command.args(["-c", script]).arg(throng).current_dir(home.path("")).env("THRONG_DATA_DIR", home.path("data"));
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stdout.contains(": agrees"), "the summary is printed: {stdout}");
    assert!(stderr.contains("r.json") && stderr.contains("too large"), "{stderr}");
    assert!(!home.path("r.json").exists(), "no half of a result is left behind");
}

#[test]
fn a_full_disk_of_results_is_told_and_the_summary_is_still_printed() {
    let home = Home::new();
    let mut arguments = RUN.to_vec();
    arguments.extend(["-o", "/dev/full"]);
    let ended = home.ended(&arguments);
    assert_ne!(ended.code, Some(0), "{ended:?}");
    assert!(ended.code.is_some() && ended.stderr.contains("/dev/full"), "{ended:?}");
    assert!(ended.stdout.contains(": agrees"), "{ended:?}");
}

#[test]
fn a_reader_that_leaves_early_makes_nothing_panic() {
    let home = Home::new();
    for arguments in [&RUN[..], &["generate", "commerce-events", "--count", "20000"], &["completions", "bash"]] {
        let mut child = home.throng(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!told.contains("panicked"), "{arguments:?}: {told}");
        assert!(output.status.code().is_some_and(|code| code != 101), "{arguments:?}: {:?}", output.status);
    }
}

#[test]
fn a_run_goes_on_after_its_process_was_stopped_for_a_while() {
    let home = Home::new();
    let running =
        home.start(&["run", "commerce-events", "-r", "50/s", "-d", "3s", "--practice-target", "-o", "r.json"]);
    std::thread::sleep(Duration::from_millis(1_200));
    running.signal(Signal::STOP);
    std::thread::sleep(Duration::from_millis(1_500));
    running.signal(Signal::CONT);
    let ended = running.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(": agrees"), "{ended:?}");
    let result: RunResult = home.result("r.json");
    assert_reconciles(&result);
    assert!(result.totals.events.succeeded > 0);
}

#[test]
fn a_database_that_goes_away_in_a_run_is_told_and_the_results_are_written() {
    for emptied in [false, true] {
        let (home, database) = lived_in();
        let mut command = home.throng(&["run", "commerce-events", "-r", "50/s", "-d", "2s", "--practice-target"]);
        command.args(["-o", "r.json"]).env("THRONG_DATA_DIR", home.path("data"));
        let running = Running::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
        std::thread::sleep(Duration::from_millis(1_000));
        if emptied {
            std::fs::write(&database, "").unwrap();
        } else {
            std::fs::remove_dir_all(home.path("data")).unwrap();
        }
        let ended = running.ended();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("throng.db") && ended.stderr.contains("deleted"), "{ended:?}");
        assert!(ended.stdout.contains(": agrees") && !ended.stdout.contains("kept as run"), "{ended:?}");
        assert_reconciles(&home.result("r.json"));
    }
}

#[test]
fn a_database_that_is_locked_in_a_run_has_the_run_afterwards() {
    let (home, database) = lived_in();
    let mut command = home.throng(&["run", "commerce-events", "-r", "50/s", "-d", "3s", "--practice-target"]);
    command.env("THRONG_DATA_DIR", home.path("data"));
    let running = Running::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    std::thread::sleep(Duration::from_millis(1_000));
    let holder = rusqlite::Connection::open(&database).unwrap();
    holder.busy_timeout(Duration::from_secs(5)).unwrap();
    holder.execute_batch("begin immediate").unwrap();
    // Past the end of the schedule.
    std::thread::sleep(Duration::from_millis(2_500));
    holder.execute_batch("rollback").unwrap();
    let ended = running.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let listed = in_data(&home, &["runs", "list"]);
    assert_eq!(listed.stdout.matches("commerce-events").count(), 2, "{listed:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_file_system_is_named_before_anything_is_sent() {
    let (home, _database) = lived_in();
    // In a name space of its own, which not everybody may make; root may, and is who a file's mode does not stop.
    let mount = "mount --bind data data && mount -o remount,ro,bind data";
    let in_space = |script: &str| {
        let mut command = std::process::Command::new("unshare");
        command.args(["-m", "sh", "-c", script]).current_dir(home.path("")).env("THRONG_DATA_DIR", home.path("data"));
        command.output()
    };
    if !in_space(mount).is_ok_and(|output| output.status.success()) {
        return;
    }
    let throng = home.throng(&[]).get_program().to_owned().into_string().unwrap();
    for arguments in [&RUN.join(" "), "runs list", "serve --bind 127.0.0.1:0"] {
        let output = in_space(&format!("{mount} && exec {throng} {arguments}")).unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {told}");
        assert!(told.contains("Read-only") && told.contains("--data-dir"), "{arguments}: {told}");
    }
}

/// A library that is loaded before the system's: its wall clock jumps one second after the process began.
#[cfg(target_os = "linux")]
const JUMPING_CLOCK: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static long began;
    struct timespec steady;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &steady);
    if (began == 0) began = steady.tv_sec * 1000 + steady.tv_nsec / 1000000;
    int answer = syscall(SYS_clock_gettime, clock, now);
    long since = steady.tv_sec * 1000 + steady.tv_nsec / 1000000 - began;
    if (clock == CLOCK_REALTIME && since > 1000) now->tv_sec += atol(getenv("JUMP"));
    return answer;
}
"#;

#[cfg(target_os = "linux")]
#[test]
fn a_clock_that_jumps_in_a_run_moves_nothing_in_it() {
    let home = Home::new();
    let (source, library) = (home.write("jump.c", JUMPING_CLOCK), home.path("jump.so"));
    let mut compiler = std::process::Command::new("cc");
    let built = compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source);
    assert!(built.status().unwrap().success());
    for (jump, profile) in [("3600", "forth"), ("-3600", "back")] {
        let result = format!("{profile}.json");
        let mut command =
            home.throng(&["run", "commerce-events", "-r", "50/s", "-d", "3s", "--practice-target", "-o", &result]);
        command.env("LD_PRELOAD", &library).env("JUMP", jump);
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{told} {}", String::from_utf8_lossy(&output.stderr));
        assert!(told.contains(": agrees"), "{told}");
        let result = home.result(&result);
        assert_reconciles(&result);
        assert!((2.5..20.0).contains(&result.totals.elapsed_seconds), "{}", result.totals.elapsed_seconds);
        assert!(result.latency.response_time.percentiles.max_us < 20_000_000);
        assert!(result.timeline.len() < 20 && result.timeline.is_sorted_by_key(|row| row.second));
    }
}
