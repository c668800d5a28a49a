//! The one thread that writes the database.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{io, thread};

use rusqlite::{Connection, ErrorCode, Transaction, params};
use serde::Serialize;
use shared::api::{Labels, RunSummary};
use shared::run::{Change, RunId, RunRecord, RunResult, RunState, TimelineRow};

use super::StoreError;
use super::rebuild::summary_of_result;

/// Entries that may wait for the disk: at two or three a second and run, minutes of a disk that hangs.
const WAITING: usize = 1_024;
/// Entries written in one transaction at most.
const TOGETHER: usize = 256;
/// How often a database that somebody else holds is tried again; each time waits as long as the connection does.
const TRIES: u32 = 8;

/// What the thread is asked to write.
pub(super) enum Write {
    /// A run begins.
    Begin(Arc<RunRecord>),
    /// It went on: seconds that are over, and the result so far with those that are open.
    Progress { closed: Vec<TimelineRow>, so_far: Arc<RunResult> },
    /// Something was changed in it.
    Change { run: RunId, number: u32, change: Change },
    /// It went from one state to another.
    State { run: RunId, state: RunState },
    /// It is over.
    Finish(Arc<RunResult>, Option<Answer<()>>),
    /// Nothing: says that everything before is on disk.
    Flush(Answer<()>),
    /// It is to be forgotten.
    Delete(RunId, Answer<bool>),
    /// It is to be kept with these words.
    Label(RunId, Labels, Answer<bool>),
}

/// Where the thread says that something is on disk, or why not.
pub(super) type Answer<T> = SyncSender<Result<T, String>>;

/// The handle of the writing thread; the thread ends with the last handle.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    writes: SyncSender<Write>,
}

/// Why one entry cannot be written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Writer {
    /// Starts the thread on its own connection.
    pub(super) fn start(connection: Connection, owner: String) -> io::Result<Self> {
        let (writes, inbox) = sync_channel(WAITING);
        thread::Builder::new().name("store".into()).spawn(move || write_all(connection, &owner, &inbox))?;
        Ok(Self { writes })
    }

    /// Hands over an entry without waiting; whether there was room.
    pub(super) fn offer(&self, write: Write) -> bool {
        self.writes.try_send(write).is_ok()
    }

    /// Writes a result and waits for the disk.
    pub(super) fn finish(&self, result: &RunResult) -> Result<(), StoreError> {
        self.ask(|done| Write::Finish(Arc::new(result.clone()), Some(done)))
    }

    /// Waits until everything handed over so far is on disk.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.ask(Write::Flush)
    }

    /// Deletes a run and waits for the disk; whether there was one.
    pub(super) fn delete(&self, id: &RunId) -> Result<bool, StoreError> {
        self.ask(|done| Write::Delete(id.clone(), done))
    }

    /// Keeps words with a run and waits for the disk; whether there was one.
    pub(super) fn label(&self, id: &RunId, labels: &Labels) -> Result<bool, StoreError> {
        self.ask(|done| Write::Label(id.clone(), labels.clone(), done))
    }

    fn ask<T>(&self, write: impl FnOnce(Answer<T>) -> Write) -> Result<T, StoreError> {
        let gone = || StoreError::Writing("the store has stopped".into());
        let (answer, wait) = sync_channel(1);
        self.writes.send(write(answer)).map_err(|_closed| gone())?;
        wait.recv().map_err(|_closed| gone())?.map_err(StoreError::Writing)
    }
}

/// The thread: takes what waits, writes it in one transaction, then tells those who wait.
fn write_all(mut connection: Connection, owner: &str, inbox: &Receiver<Write>) {
    while let Ok(first) = inbox.recv() {
        let mut writes = vec![first];
        while writes.len() < TOGETHER
            && let Ok(next) = inbox.try_recv()
        {
            writes.push(next);
        }
        let outcomes = match write_together(&mut connection, owner, &writes) {
            Ok(rows) => rows.into_iter().map(Ok).collect(),
            // Whoever holds it lets go of it at some time: tried one by one, all of them would wait in turn.
            Err(error) if is_held(&error) => match wait_for(&mut connection, owner, &writes) {
                Ok(rows) => rows.into_iter().map(Ok).collect(),
                Err(error) => writes.iter().map(|_write| Err(error.to_string())).collect(),
            },
            // One that cannot be written must not take the others with it.
            Err(_error) => writes.iter().map(|write| write_alone(&mut connection, owner, write)).collect::<Vec<_>>(),
        };
        for (write, outcome) in writes.into_iter().zip(outcomes) {
            tell(write, outcome);
        }
    }
}

fn is_held(error: &WriteError) -> bool {
    matches!(error, WriteError::Database(error) if matches!(
        error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    ))
}

fn wait_for(connection: &mut Connection, owner: &str, writes: &[Write]) -> Result<Vec<usize>, WriteError> {
    let mut tried = 1;
    loop {
        match write_together(connection, owner, writes) {
            Err(error) if is_held(&error) && tried < TRIES => {
                tried += 1;
                tracing::warn!(tried, "somebody else holds the database: what is to be stored waits");
            }
            outcome => return outcome,
        }
    }
}

/// Tells whoever waits for an entry what became of it; failures that nobody waits for go to the log.
fn tell(write: Write, outcome: Result<usize, String>) {
    // Those who asked may have given up waiting; that is not an error.
    match write {
        Write::Finish(_, Some(done)) | Write::Flush(done) => {
            let _waiting = done.send(outcome.map(|_rows| ()));
        }
        Write::Delete(_, done) | Write::Label(_, _, done) => {
            let _waiting = done.send(outcome.map(|rows| rows > 0));
        }
        Write::Begin(_)
        | Write::Progress { .. }
        | Write::Change { .. }
        | Write::State { .. }
        | Write::Finish(_, None) => {
            if let Err(reason) = outcome {
                tracing::error!(%reason, "the store could not write");
            }
        }
    }
}

fn write_together(connection: &mut Connection, owner: &str, writes: &[Write]) -> Result<Vec<usize>, WriteError> {
    let transaction = connection.transaction()?;
    let rows = writes.iter().map(|write| write_one(&transaction, owner, write)).collect::<Result<_, _>>()?;
    transaction.commit()?;
    Ok(rows)
}

fn write_alone(connection: &mut Connection, owner: &str, write: &Write) -> Result<usize, String> {
    write_together(connection, owner, std::slice::from_ref(write))
        .map(|rows| rows.into_iter().sum())
        .map_err(|error| error.to_string())
}

/// Writes one entry; tells how many runs it touched.
fn write_one(transaction: &Transaction<'_>, owner: &str, write: &Write) -> Result<usize, WriteError> {
    match write {
        Write::Begin(record) => begin(transaction, owner, record),
        Write::Progress { closed, so_far } => {
            let run = &so_far.run.info.id;
            for row in closed {
                write_row(transaction, run, row)?;
            }
            // With its result a run is over: what was written before that and comes here late is worth nothing.
            Ok(transaction
                .prepare_cached("UPDATE runs SET summary = ?2, so_far = ?3 WHERE id = ?1 AND result IS NULL")?
                .execute(params![run.0, json(&summary_of_result(so_far))?, json(so_far.as_ref())?])?)
        }
        Write::Change { run, number, change } => write_change(transaction, run, *number, change),
        Write::State { run, state } => Ok(transaction
            .prepare_cached(
                "UPDATE runs SET state = ?2, summary = json_set(summary, '$.info.state', ?2) WHERE id = ?1",
            )?
            .execute(params![run.0, state.name()])?),
        Write::Finish(result, _) => finish(transaction, owner, result),
        Write::Flush(_) => Ok(0),
        Write::Label(run, labels, _) => label(transaction, run, labels),
        Write::Delete(run, _) => Ok(transaction.execute("DELETE FROM runs WHERE id = ?", [&run.0])?),
    }
}

fn begin(transaction: &Transaction<'_>, owner: &str, record: &RunRecord) -> Result<usize, WriteError> {
    let summary = RunSummary {
        info: record.info.clone(),
        verdict: Default::default(),
        totals: Default::default(),
        response_time: Default::default(),
        labels: Labels::default(),
        spark: Vec::new(),
    };
    Ok(transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO runs (id, state, owner, started_at, summary, record) VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            record.info.id.0,
            record.info.state.name(),
            owner,
            record.info.started_at,
            json(&summary)?,
            json(record)?
        ])?)
}

/// The result is the last word: its seconds and changes replace those that were written on the way.
fn finish(transaction: &Transaction<'_>, owner: &str, result: &RunResult) -> Result<usize, WriteError> {
    begin(transaction, owner, &result.run)?;
    let run = &result.run.info.id;
    transaction.execute("DELETE FROM seconds WHERE run = ?", [&run.0])?;
    transaction.execute("DELETE FROM changes WHERE run = ?", [&run.0])?;
    for row in &result.timeline {
        write_row(transaction, run, row)?;
    }
    for (number, change) in (1..).zip(&result.changes) {
        write_change(transaction, run, number, change)?;
    }
    // The timeline is in its own table; a day of it twice would be a hundred megabytes.
    let short = RunResult { timeline: Vec::new(), ..result.clone() };
    Ok(transaction
        .prepare_cached("UPDATE runs SET state = ?2, summary = ?3, result = ?4, so_far = NULL WHERE id = ?1")?
        .execute(params![run.0, result.run.info.state.name(), json(&summary_of_result(result))?, json(&short)?])?)
}

/// There is one baseline for each scenario: the newest takes the place of the one before.
fn label(transaction: &Transaction<'_>, run: &RunId, labels: &Labels) -> Result<usize, WriteError> {
    if labels.baseline {
        transaction.execute(
            "UPDATE runs SET baseline = 0 WHERE json_extract(summary, '$.info.scenario') =
             (SELECT json_extract(summary, '$.info.scenario') FROM runs WHERE id = ?)",
            [&run.0],
        )?;
    }
    Ok(transaction
        .prepare_cached("UPDATE runs SET tags = ?2, note = ?3, baseline = ?4 WHERE id = ?1")?
        .execute(params![run.0, json(&labels.tags)?, labels.note, labels.baseline])?)
}

fn write_row(transaction: &Transaction<'_>, run: &RunId, row: &TimelineRow) -> Result<usize, WriteError> {
    Ok(transaction
        .prepare_cached("INSERT OR REPLACE INTO seconds (run, second, row) VALUES (?, ?, ?)")?
        .execute(params![run.0, row.second, json(row)?])?)
}

fn write_change(transaction: &Transaction<'_>, run: &RunId, number: u32, change: &Change) -> Result<usize, WriteError> {
    Ok(transaction
        .prepare_cached("INSERT OR REPLACE INTO changes (run, number, change) VALUES (?, ?, ?)")?
        .execute(params![run.0, number, json(change)?])?)
}

fn json<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(value)
}
