//! Reading runs back, and what becomes of those that a dead process left behind.

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::de::DeserializeOwned;
use shared::api::RunSummary;
use shared::run::{Change, Counts, Hello, RunId, RunRecord, RunResult, RunState, Snapshot, TimelineRow};

use super::owner::Owner;
use super::rebuild::{hello_of, result_of_rows, result_so_far, spark};
use super::{Store, StoreError};

/// Id and summary, with what people keep with the run.
const SUMMARIES: &str = "SELECT id, json_set(summary, '$.labels', json_object('tags', json(tags), 'note', note,
     'baseline', json(iif(baseline, 'true', 'false')))) FROM runs";

impl Store {
    /// Runs, newest first.
    ///
    /// # Errors
    ///
    /// The database refuses.
    pub fn list(&self) -> Result<Vec<RunSummary>, StoreError> {
        let texts = self.query(&format!("{SUMMARIES} ORDER BY started_at DESC, id DESC"), [])?;
        texts.into_iter().map(|(id, text)| parse(&id, &text)).collect()
    }

    /// The newest run.
    ///
    /// # Errors
    ///
    /// The database refuses.
    pub fn latest(&self) -> Result<Option<RunId>, StoreError> {
        let rows = self.query("SELECT id, id FROM runs ORDER BY started_at DESC, id DESC LIMIT 1", [])?;
        Ok(rows.into_iter().next().map(|(id, _)| RunId(id)))
    }

    /// The run that runs of a scenario are compared with.
    ///
    /// # Errors
    ///
    /// The database refuses.
    pub fn baseline(&self, scenario: &str) -> Result<Option<RunId>, StoreError> {
        let rows = self.query(
            "SELECT id, id FROM runs WHERE baseline AND json_extract(summary, '$.info.scenario') = ?",
            [scenario],
        )?;
        Ok(rows.into_iter().next().map(|(id, _)| RunId(id)))
    }

    /// One run's summary.
    ///
    /// # Errors
    ///
    /// The database refuses.
    pub fn get(&self, id: &RunId) -> Result<Option<RunSummary>, StoreError> {
        let rows = self.query(&format!("{SUMMARIES} WHERE id = ?"), [&id.0])?;
        rows.into_iter().next().map(|(id, text)| parse(&id, &text)).transpose()
    }

    /// One run's result; for a run without one (interrupted, or still going on), what its seconds tell.
    ///
    /// # Errors
    ///
    /// The database refuses.
    pub fn result(&self, id: &RunId) -> Result<Option<RunResult>, StoreError> {
        let found = self
            .reader()
            .query_row("SELECT result, record, summary, snapshot, so_far FROM runs WHERE id = ?", [&id.0], |row| {
                Ok((
                    row.get::<_, Option<String>>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                    row.get::<_, Option<String>>(3)?,
                    row.get::<_, Option<String>>(4)?,
                ))
            })
            .optional()
            .map_err(|error| self.database_error(error))?;
        let Some((result, record, summary, snapshot, so_far)) = found else { return Ok(None) };
        let rows = self.query("SELECT run, row FROM seconds WHERE run = ? ORDER BY second", [&id.0])?;
        let timeline: Vec<TimelineRow> = rows.iter().map(|(_, text)| parse(&id.0, text)).collect::<Result<_, _>>()?;
        if let Some(text) = result {
            let result: RunResult = parse(&id.0, &text)?;
            return Ok(Some(RunResult { timeline, ..result }));
        }
        let info = parse::<RunSummary>(&id.0, &summary)?.info;
        let rows = self.query("SELECT run, change FROM changes WHERE run = ? ORDER BY number", [&id.0])?;
        let changes: Vec<Change> = rows.iter().map(|(_, text)| parse(&id.0, text)).collect::<Result<_, _>>()?;
        if let Some(text) = so_far {
            return Ok(Some(result_so_far(parse(&id.0, &text)?, info, timeline, changes)));
        }
        let record = RunRecord { info, ..parse(&id.0, &record)? };
        let snapshot: Option<Snapshot> = snapshot.map(|text| parse(&id.0, &text)).transpose()?;
        Ok(Some(result_of_rows(record, snapshot, timeline, changes)))
    }

    /// What a watcher of a run that is over needs to draw it.
    ///
    /// # Errors
    ///
    /// The database refuses.
    pub fn hello(&self, id: &RunId) -> Result<Option<Hello>, StoreError> {
        Ok(self.result(id)?.map(hello_of))
    }

    fn query(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<(String, String)>, StoreError> {
        let reader = self.reader();
        let pairs = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let mut statement = reader.prepare_cached(sql).map_err(|error| self.database_error(error))?;
        let rows = statement.query_map(values, pairs).and_then(Iterator::collect);
        rows.map_err(|error| self.database_error(error))
    }
}

/// Marks the runs whose process is dead.
pub(super) fn mark_interrupted(connection: &mut Connection, owner: &Owner) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let unfinished: Vec<(String, String, String)> = transaction
        .prepare("SELECT id, owner, state FROM runs WHERE result IS NULL")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, token, state) in unfinished {
        if state != RunState::Interrupted.name() && !owner.is_alive(&token) {
            let points = spark(&throughput(&transaction, &id)?);
            let points: Vec<String> = points.iter().map(f64::to_string).collect();
            transaction.execute(
                "UPDATE runs SET state = ?2,
                     summary = json_set(summary, '$.info.state', ?2, '$.spark', json(?3)) WHERE id = ?1",
                [id.as_str(), RunState::Interrupted.name(), &format!("[{}]", points.join(","))],
            )?;
        }
    }
    transaction.commit()
}

/// The seconds of a run with nothing but what succeeded in them.
fn throughput(connection: &Connection, id: &str) -> rusqlite::Result<Vec<TimelineRow>> {
    connection
        .prepare(
            "SELECT second, json_extract(row, '$.covered_seconds'), json_extract(row, '$.events.succeeded')
             FROM seconds WHERE run = ? ORDER BY second",
        )?
        .query_map([id], |row| {
            let events = Counts { succeeded: row.get::<_, Option<i64>>(2)?.unwrap_or(0) as u64, ..Counts::default() };
            let covered_seconds = row.get::<_, Option<f64>>(1)?.unwrap_or(0.0);
            Ok(TimelineRow { second: row.get(0)?, covered_seconds, events, ..TimelineRow::default() })
        })?
        .collect()
}

fn parse<T: DeserializeOwned>(id: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Unreadable { run: RunId(id.to_owned()), reason: error.to_string() })
}
