//! The delivery audit: what a sink holds against what the ledger says was acknowledged, event by event.
//!
//! Both sides are spilled to files by key, so that memory does not grow with the run: about 60 MB at a time and 120
//! bytes of disk for each event, for ten million events as for ten thousand. Only a single entity with millions of
//! events of its own takes more: its order is judged as a whole.

mod join;
mod order;
mod sink;
mod spill;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use shared::event_id::EventId;
use shared::run::audit::{AuditResult, Finding, LedgerSide, SinkSide};

use crate::ledger::{Ending, Header, LedgerError, Outcome, Reader};
use join::Joined;
pub use sink::{Look, Search, Sink, SinkError};
use spill::{LedgerRow, Spill};

/// Rows of one side that are in memory at a time.
const ROWS_AT_ONCE: u64 = 400_000;
/// Most files on each side.
const MOST_PARTS: u64 = 256;

/// Why an audit cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The ledger cannot be read.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// The sink cannot be read.
    #[error("{0}")]
    Sink(#[from] SinkError),
    /// There is no room for the spilled rows.
    #[error("cannot spill events to {}: {source}", path.display())]
    Spill {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What may differ without the audit failing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tolerance {
    /// Most acknowledged events that may be missing.
    pub lost: u64,
    /// Most events that may be there more than once.
    pub duplicate: u64,
    /// Most events that nobody sent.
    pub phantom: u64,
    /// Most events with another content.
    pub corrupted: u64,
    /// Most events in the wrong order.
    pub reordered: u64,
}

/// How an audit is made.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// What may differ.
    pub tolerance: Tolerance,
    /// Examples of each finding.
    pub examples: usize,
    /// Where rows are spilled; none for the usual place of temporary files.
    pub directory: Option<PathBuf>,
    /// Hosts beyond this network that may be asked; none for any host.
    pub allowed: Option<Vec<String>>,
}

impl Default for AuditOptions {
    fn default() -> Self {
        Self { tolerance: Tolerance::default(), examples: 5, directory: None, allowed: None }
    }
}

/// Compares what a sink holds with a ledger.
///
/// # Errors
///
/// One of the sides cannot be read, or there is no room to spill them.
pub async fn audit(ledger: &Path, sink: Sink, options: &AuditOptions) -> Result<AuditResult, AuditError> {
    let directory = options.directory.clone().unwrap_or_else(std::env::temp_dir);
    let failed = |source| AuditError::Spill { path: directory.clone(), source };
    let mut reader = Reader::open(ledger)?;
    let header = reader.header().clone();
    let length = std::fs::metadata(ledger).map_or(0, |metadata| metadata.len());
    // An entry has at least 15 bytes and mostly 20 or more.
    let parts = (length / 20 / ROWS_AT_ONCE + 1).min(MOST_PARTS);
    let mut spill = Spill::new(&directory, parts).map_err(failed)?;
    let (side, ending) = spill_ledger(&mut reader, ledger, &mut spill).map_err(|error| match error {
        SpillError::Ledger(error) => AuditError::Ledger(error),
        SpillError::Spill(source) => failed(source),
    })?;
    let mut names = BTreeMap::new();
    let sink_side = sink.read(&header, &mut spill, &mut names, options.allowed.as_deref()).await?;
    let joined = join::join(spill, &header, ending.complete, options.examples, &names).map_err(failed)?;
    Ok(result(&header, side, ending, sink_side, joined, &options.tolerance))
}

/// Why a ledger could not be spilled.
enum SpillError {
    Ledger(LedgerError),
    Spill(std::io::Error),
}

fn spill_ledger(reader: &mut Reader, file: &Path, spill: &mut Spill) -> Result<(LedgerSide, Ending), SpillError> {
    let mut side = LedgerSide { file: file.display().to_string(), ..LedgerSide::default() };
    let mut request = 0;
    while let Some(entry) = reader.next_entry().map_err(SpillError::Ledger)? {
        if !entry.continues {
            request = side.events;
        }
        match entry.outcome {
            Outcome::Acknowledged | Outcome::Known => side.acknowledged += 1,
            Outcome::Refused => side.refused += 1,
            Outcome::InDoubt | Outcome::Partly => side.in_doubt += 1,
        }
        spill.ledger(&LedgerRow::new(&entry, side.events, request)).map_err(SpillError::Spill)?;
        side.events += 1;
    }
    let ending = reader.ending();
    side.complete = ending.complete;
    side.missing = ending.missing;
    Ok((side, ending))
}

fn result(
    header: &Header,
    ledger: LedgerSide,
    ending: Ending,
    sink: SinkSide,
    joined: Joined,
    tolerance: &Tolerance,
) -> AuditResult {
    let mut notes = Vec::new();
    let mut judged = true;
    if !ending.complete {
        notes.push(format!(
            "the ledger was not closed: the runner was killed; {} events at the sink that it planned were under way then \
             and count as in doubt",
            joined.under_way
        ));
    }
    if ending.missing > 0 {
        judged = false;
        notes.push(format!(
            "the disk was behind: {} events are missing in the ledger and look like phantoms",
            ending.missing
        ));
    }
    if sink.let_go > 0 {
        judged = false;
        notes.push(format!(
            "the target no longer holds its {} oldest events, which look lost; start it with a larger --keep-events",
            sink.let_go
        ));
    }
    if joined.incomparable {
        judged = false;
        notes.push(
            "no content is what was sent, so that none was judged: name the part that is with --body-field, \
             and what the sink adds with --ignore-field"
                .to_owned(),
        );
    }
    if joined.indistinguishable > 0 {
        notes.push(format!(
            "{} events have the same content or id as another: how many are missing is certain, which of them is not",
            joined.indistinguishable
        ));
    }
    if joined.by_content > 0 {
        notes.push(format!(
            "{} events carry no id and were matched by content: a corrupted one shows as one lost and one phantom",
            joined.by_content
        ));
    }
    let findings = joined.findings;
    let count = |finding| findings.get(&finding).copied().unwrap_or_default();
    let within = [
        (Finding::Lost, tolerance.lost),
        (Finding::Duplicate, tolerance.duplicate),
        (Finding::Phantom, tolerance.phantom),
        (Finding::Corrupted, tolerance.corrupted),
        (Finding::Reordered, tolerance.reordered),
        (Finding::RefusedYetHeld, tolerance.phantom),
    ]
    .into_iter()
    .all(|(finding, most)| count(finding) <= most);
    AuditResult {
        run: header.run.clone(),
        scenario: header.scenario.clone(),
        seed: header.seed,
        passed: judged && within && sink.unreadable == 0,
        ledger,
        sink,
        sound: joined.sound,
        findings,
        duplicates_after_lost_answers: joined.duplicates_after_lost_answers,
        duplicates_sent_on_purpose: joined.duplicates_sent_on_purpose,
        indistinguishable: joined.indistinguishable,
        notes,
        examples: joined.examples,
    }
}

/// The id of an event of ours, as people read it.
fn shown(id: EventId) -> String {
    id.to_string()
}

#[cfg(test)]
mod tests;
