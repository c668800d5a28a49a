//! The database's tables, and how an older database becomes the current one.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use shared::run::RunId;

/// How long one process waits for another that is writing.
const BUSY: Duration = Duration::from_secs(5);

/// Each step leads from the schema version of its place to the next one.
const STEPS: [&str; 2] = [
    // JSON in text columns: the types of `shared::run` are the schema, and SQLite's own functions can look inside.
    "CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        state TEXT NOT NULL,
        owner TEXT NOT NULL,
        started_at TEXT NOT NULL,
        summary TEXT NOT NULL,
        record TEXT NOT NULL,
        snapshot TEXT,
        result TEXT
     ) STRICT;
     CREATE INDEX runs_by_start ON runs (started_at DESC, id DESC);
     CREATE TABLE seconds (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        second INTEGER NOT NULL,
        row TEXT NOT NULL,
        PRIMARY KEY (run, second)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE changes (
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        change TEXT NOT NULL,
        PRIMARY KEY (run, number)
     ) STRICT, WITHOUT ROWID;",
    // The result as far as a run went, with its histograms (until then a snapshot without them), and what people keep
    // with a run.
    "ALTER TABLE runs ADD COLUMN so_far TEXT;
     ALTER TABLE runs ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
     ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT '';
     ALTER TABLE runs ADD COLUMN baseline INTEGER NOT NULL DEFAULT 0;",
];

/// Opens a connection that waits for others and keeps references whole.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // In WAL mode NORMAL loses nothing when the process dies; only a power cut can take the last moments.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// Whether a process that comes now finds a run.
pub(super) fn holds(path: &Path, id: &RunId) -> rusqlite::Result<bool> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY)?;
    connection.prepare("select 1 from runs where id = ?")?.exists([&id.0])
}

/// The schema as it was at a version, for tests of the way from there.
#[cfg(test)]
pub(super) fn at_version(connection: &Connection, version: usize) {
    for step in STEPS.iter().take(version) {
        connection.execute_batch(step).unwrap();
    }
    connection.pragma_update(None, "user_version", version as i64).unwrap();
}

/// Brings a database up to date; `Some((found, known))` when it is from a later version and was left alone.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<Option<(i64, i64)>> {
    let known = STEPS.len() as i64;
    // Immediate: of two processes that open a new database at once, one waits and then finds the work done.
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Ok(Some((found, known)));
    }
    for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(None)
}
