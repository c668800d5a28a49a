//! A store that is opened, written, killed and opened again.

use std::sync::Arc;

use shared::run::{Counts, RunInfo, RunRecord, RunState, Snapshot, TimelineRow};

use super::rebuild::{blank, result_of_rows};
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

fn second(store: &Store, record: &Arc<RunRecord>, second: u32) {
    let events = Counts { offered: 10, sent: 10, succeeded: 10, ..Counts::default() };
    let mut so_far = Counts::default();
    (0..=second).for_each(|_| so_far.add(&events));
    let row = TimelineRow { second, covered_seconds: 1.0, events, ..TimelineRow::default() };
    let snapshot = Snapshot {
        elapsed_seconds: f64::from(second + 1),
        schedule_seconds: f64::from(second + 1),
        events: so_far,
        ..blank(RunState::Running)
    };
    let write = Write::Second { record: Arc::clone(record), row: Box::new(row), snapshot: Arc::new(snapshot) };
    assert!(store.writer.offer(write));
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
    assert_eq!(summary.totals.events.succeeded, 30);
    let result = store.result(&record.info.id).unwrap().unwrap();
    assert_eq!(result.run.info.state, RunState::Interrupted);
    assert_eq!(result.timeline.len(), 3);
    assert_eq!(result.totals.events.sent, 30);
    assert_eq!(store.hello(&record.info.id).unwrap().unwrap().timeline.len(), 3);
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
    assert_eq!(other.get(&record.info.id).unwrap().unwrap().totals.events.succeeded, 20);
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
