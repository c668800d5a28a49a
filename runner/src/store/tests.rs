//! A store that is opened, written, killed and opened again.

use std::sync::Arc;

use shared::metrics::Histogram;
use shared::run::{Counts, RunInfo, RunRecord, RunState, Snapshot, TimelineRow, VerdictStatus};

use super::rebuild::{blank, result_of_rows, spark};
use super::writer::Write;
use super::*;

fn record(id: &str) -> RunRecord {
    RunRecord {
        info: RunInfo {
            id: RunId(id.to_owned()),
            scenario: "commerce-events".to_owned(),
            profile: Some("quick_test".to_owned()),
            seed: 42,
            state: RunState::Running,
            started_at: format!("2026-11-20T10:00:0{}Z", id.len() % 10),
            ended_at: None,
            planned_seconds: Some(60.0),
            targets: vec!["http://127.0.0.1:1".to_owned()],
            warnings: Vec::new(),
        },
        scenario: serde_json::json!({"name": "commerce-events"}),
        plan_fingerprint: "f".to_owned(),
        environment: Default::default(),
        supplies: Vec::new(),
    }
}

fn begin(store: &Store, id: &str) -> Arc<RunRecord> {
    let record = record(id);
    let record = Arc::new(record);
    assert!(store.writer.offer(Write::Begin(Arc::clone(&record))));
    record
}

/// What a run of ten events a second knows after some seconds and a half: its last second is open.
fn so_far(record: &RunRecord, seconds: u32) -> RunResult {
    let events = Counts { offered: 10, sent: 10, succeeded: 10, ..Counts::default() };
    let half = Counts { offered: 5, sent: 5, succeeded: 5, ..Counts::default() };
    let mut times = Histogram::new();
    times.record_n(1_500, u64::from(seconds) * 10 + 5);
    let open = TimelineRow { second: seconds, covered_seconds: 0.5, events: half, ..TimelineRow::default() };
    let mut result = result_of_rows(record.clone(), None, vec![open], Vec::new());
    (0..seconds).for_each(|_| result.totals.events.add(&events));
    result.totals.events.add(&half);
    result.totals.elapsed_seconds = f64::from(seconds) + 0.5;
    result.latency.response_time = times.latency();
    result
}

fn second(store: &Store, record: &Arc<RunRecord>, second: u32) {
    let events = Counts { offered: 10, sent: 10, succeeded: 10, ..Counts::default() };
    let row = TimelineRow { second, covered_seconds: 1.0, events, ..TimelineRow::default() };
    let so_far = Arc::new(so_far(record, second + 1));
    assert!(store.writer.offer(Write::Progress { closed: vec![row], so_far }));
}

#[test]
fn a_run_left_by_a_dead_process_is_interrupted_and_readable() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let record = begin(&store, "r1");
    for number in 0..3 {
        second(&store, &record, number);
    }
    store.flush().unwrap();
    drop(store);

    let store = Store::open(directory.path()).unwrap();
    let summary = store.get(&record.info.id).unwrap().unwrap();
    assert_eq!(summary.info.state, RunState::Interrupted);
    assert_eq!(summary.totals.events.succeeded, 35);
    assert_eq!(summary.spark.len(), 3, "what it has to show is drawn in the list");
    let result = store.result(&record.info.id).unwrap().unwrap();
    assert_eq!(result.run.info.state, RunState::Interrupted);
    assert_eq!(result.timeline.len(), 4);
    assert_eq!(result.totals.events.sent, result.timeline.iter().map(|row| row.events.sent).sum::<u64>());
    let times = Histogram::from_base64(&result.latency.response_time.hdr).unwrap();
    assert_eq!((times.count(), result.verdict.status), (35, VerdictStatus::Degraded));
    assert_eq!(store.hello(&record.info.id).unwrap().unwrap().timeline.len(), 4);
}

#[test]
fn a_database_of_the_first_version_is_brought_up_to_date_with_its_runs() {
    let directory = tempfile::tempdir().unwrap();
    let connection = schema::connect(&directory.path().join(DATABASE)).unwrap();
    schema::at_version(&connection, 1);
    let record = record("old");
    let events = Counts { offered: 10, sent: 10, succeeded: 10, ..Counts::default() };
    let snapshot = Snapshot { schedule_seconds: 1.0, events, ..blank(RunState::Running) };
    let row = TimelineRow { second: 0, covered_seconds: 1.0, events, ..TimelineRow::default() };
    let summary = serde_json::json!({"info": record.info, "verdict": {"status": "valid", "reasons": []},
        "totals": {"events": events}, "response_time": {}});
    connection
        .execute(
            "INSERT INTO runs (id, state, owner, started_at, summary, record, snapshot) VALUES (?, ?, ?, ?, ?, ?, ?)",
            rusqlite::params![
                "old",
                "running",
                "1-1",
                record.info.started_at,
                summary.to_string(),
                serde_json::to_string(&record).unwrap(),
                serde_json::to_string(&snapshot).unwrap()
            ],
        )
        .unwrap();
    connection.execute("INSERT INTO seconds VALUES ('old', 0, ?)", [serde_json::to_string(&row).unwrap()]).unwrap();
    drop(connection);

    let store = Store::open(directory.path()).unwrap();
    let version: i64 = store.reader().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 2);
    let result = store.result(&record.info.id).unwrap().unwrap();
    assert_eq!((result.run.info.state, result.totals.events.sent), (RunState::Interrupted, 10));
    assert_eq!(result.timeline, [row]);
    assert_eq!(store.list().unwrap()[0].labels, Labels::default());
}

#[test]
fn words_are_kept_with_a_run_and_a_scenario_has_one_baseline() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let (old, new) = (begin(&store, "a"), begin(&store, "bb"));
    let words = Labels { tags: vec!["nightly".to_owned()], note: "before the cache".to_owned(), baseline: true };
    assert!(store.label(&old.info.id, &words).unwrap());
    assert_eq!(store.get(&old.info.id).unwrap().unwrap().labels, words);
    assert_eq!(store.baseline("commerce-events").unwrap(), Some(old.info.id.clone()));
    // What a run writes on its way leaves its words alone.
    second(&store, &old, 0);
    store.flush().unwrap();
    assert_eq!(store.get(&old.info.id).unwrap().unwrap().labels, words);
    assert!(store.label(&new.info.id, &Labels { baseline: true, ..Labels::default() }).unwrap());
    assert_eq!(store.baseline("commerce-events").unwrap(), Some(new.info.id.clone()));
    assert!(!store.get(&old.info.id).unwrap().unwrap().labels.baseline);
    assert_eq!(store.baseline("another").unwrap(), None);
    assert!(!store.label(&RunId("none".to_owned()), &words).unwrap());
}

#[test]
fn a_sparkline_is_short_however_long_the_run() {
    let row = |second: u32| TimelineRow {
        second,
        covered_seconds: 1.0,
        events: Counts { succeeded: if second < 4_320 { 10 } else { 20 }, ..Counts::default() },
        ..TimelineRow::default()
    };
    let day: Vec<TimelineRow> = (0..8_640).map(row).collect();
    let points = spark(&day);
    assert_eq!(points.len(), 40);
    assert_eq!((points[0], points[39]), (10.0, 20.0));
    assert_eq!(spark(&day[..3]), [10.0, 10.0, 10.0]);
    let brief = [row(0), TimelineRow { covered_seconds: 0.01, ..row(1) }];
    assert_eq!(spark(&brief), [10.0], "a moment is no stretch");
    assert_eq!(spark(&[]), [] as [f64; 0]);
}

#[test]
fn a_run_of_a_living_process_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mine = Store::open(directory.path()).unwrap();
    let record = begin(&mine, "r1");
    second(&mine, &record, 0);
    mine.flush().unwrap();
    let other = Store::open(directory.path()).unwrap();
    assert_eq!(other.get(&record.info.id).unwrap().unwrap().info.state, RunState::Running);
    second(&mine, &record, 1);
    mine.flush().unwrap();
    assert_eq!(other.get(&record.info.id).unwrap().unwrap().totals.events.succeeded, 25);
}

#[test]
fn a_result_is_the_last_word() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let record = begin(&store, "r1");
    second(&store, &record, 0);
    second(&store, &record, 7);
    let mut finished = RunRecord::clone(&record);
    finished.info.state = RunState::Finished;
    let rows =
        vec![TimelineRow { second: 0, ..TimelineRow::default() }, TimelineRow { second: 1, ..TimelineRow::default() }];
    let result = result_of_rows(finished, None, rows, Vec::new());
    store.finish(&result).unwrap();
    assert_eq!(store.result(&record.info.id).unwrap().unwrap(), result);
    drop(store);
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.get(&record.info.id).unwrap().unwrap().info.state, RunState::Finished);
}

#[test]
fn runs_are_listed_newest_first_and_deleted_whole() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let (old, new) = (begin(&store, "a"), begin(&store, "bb"));
    second(&store, &old, 0);
    store.flush().unwrap();
    let ids: Vec<RunId> = store.list().unwrap().into_iter().map(|summary| summary.info.id).collect();
    assert_eq!(ids, [new.info.id.clone(), old.info.id.clone()]);
    assert_eq!(store.latest().unwrap(), Some(new.info.id.clone()));
    assert!(store.delete(&old.info.id).unwrap());
    assert!(store.get(&old.info.id).unwrap().is_none());
    assert!(store.result(&old.info.id).unwrap().is_none());
    let rows: i64 = store.reader().query_row("SELECT count(*) FROM seconds", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
}

#[test]
fn a_database_of_a_later_version_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::open(directory.path()).unwrap());
    let connection = Connection::open(directory.path().join(DATABASE)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Store::open(directory.path()), Err(StoreError::Newer { found: 99, .. })));
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(DATABASE), "this is not a database, only a long enough text").unwrap();
    let error = Store::open(directory.path()).unwrap_err().to_string();
    assert!(error.contains(DATABASE), "{error}");
}

#[test]
fn what_is_to_be_stored_outlasts_whoever_holds_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let path = directory.path().join(DATABASE);
    let connection = schema::connect(&path).unwrap();
    let patience = std::time::Duration::from_millis(40);
    connection.busy_timeout(patience).unwrap();
    let writer = Writer::start(connection, "another".to_owned()).unwrap();
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("begin immediate").unwrap();
    let record = record("held");
    assert!(writer.offer(Write::Begin(Arc::new(record.clone()))));
    let finishing = std::thread::spawn(move || writer.finish(&so_far(&record, 3)));
    // Longer than a connection waits in one go.
    std::thread::sleep(patience * 3);
    holder.execute_batch("rollback").unwrap();
    finishing.join().unwrap().unwrap();
    assert!(store.result(&RunId("held".to_owned())).unwrap().is_some());
}
