//! The ledger of a run, and the audits that its scenario asks for.

use std::path::Path;
use std::time::Duration;

use shared::scenario::model::check::{Audit, CheckSeverity};

use super::super::{Exit, Refusal, audit};
use crate::audit::{AuditOptions, Look, Search, Sink, Tolerance, audit as compare};
use crate::engine::prepare::Prepared;
use crate::folder::Folder;
use crate::ledger::{Closing, Ledger};

/// Events of a page, and pages per second, of an endpoint that a scenario names.
const PAGE_SIZE: u64 = 500;
const PAGE_RATE: f64 = 5.0;

/// What is noted of a run's events, and looked at in the end.
pub(super) struct Delivery {
    audits: Vec<(Sink, Audit, CheckSeverity)>,
    folder: Folder,
}

impl Delivery {
    /// What a scenario asks for; refuses an audit that has nothing to look at.
    pub(super) fn new(prepared: &Prepared, practice: Option<String>, folder: &Folder) -> Result<Self, Refusal> {
        let mut audits = Vec::new();
        for (index, check) in prepared.scenario.checks.iter().enumerate() {
            if let Some(audit) = &check.audit {
                audits.push((sink(index, audit, practice.as_deref(), folder)?, audit.clone(), check.severity));
            }
        }
        Ok(Self { audits, folder: folder.clone() })
    }

    /// Begins the ledger, where one is asked for or an audit needs it.
    pub(super) fn begin(&self, prepared: Prepared, directory: &Path) -> Result<(Prepared, Option<Closing>), Refusal> {
        let run = &prepared.info.id.0;
        let asked = prepared.scenario.outputs.ledger.as_ref();
        if asked.is_none() && self.audits.is_empty() {
            return Ok((prepared, None));
        }
        let named = asked.and_then(|ledger| ledger.file.as_deref()).map(|file| self.folder.resolve(file)).transpose();
        let named = named.map_err(|why| Refusal::usage(format!("outputs.ledger.file: {why}")))?;
        let path = named.clone().unwrap_or_else(|| audit::usual_place(directory, run));
        let (ledger, closing) = Ledger::create(&path, prepared.ledger_header())
            .map_err(|error| Refusal::usage(error.to_string()).with_hint("choose another place with --ledger"))?;
        if let Some(path) = named {
            audit::note_place(directory, run, &path).map_err(Refusal::failed)?;
        }
        Ok((prepared.with_ledger(ledger), Some(closing)))
    }

    /// Closes the ledger and makes the audits; says whether all that must pass did.
    pub(super) async fn end(self, closing: Option<Closing>) -> Result<bool, Refusal> {
        let Some(closing) = closing else { return Ok(true) };
        let closed = tokio::task::spawn_blocking(move || closing.wait()).await.map_err(Refusal::failed)?;
        let path = closed.map_err(Refusal::failed)?;
        anstream::println!("ledger: {}", path.display());
        let mut passed = true;
        for (sink, check, severity) in self.audits {
            if let Some(settle) = check.settle {
                tokio::time::sleep(Duration::from_nanos(settle.0)).await;
            }
            let tolerance = Tolerance {
                lost: check.lost,
                duplicate: check.duplicate,
                phantom: check.phantom,
                corrupted: check.corrupted,
                reordered: check.reordered,
            };
            let options = AuditOptions { tolerance, ..AuditOptions::default() };
            let result = compare(&path, sink, &options).await.map_err(audit::refuse)?;
            anstream::print!("\n{}", audit::described(&result));
            passed &= result.passed || severity == CheckSeverity::Warn;
        }
        Ok(passed)
    }
}

/// Where an audit looks.
fn sink(index: usize, audit: &Audit, practice: Option<&str>, folder: &Folder) -> Result<Sink, Refusal> {
    let look = Look { id_field: audit.id_field.clone(), body_field: audit.body_field.clone(), ignored: Vec::new() };
    Ok(match (&audit.target, &audit.jsonl, &audit.search, practice) {
        (None, None, None, Some(url)) => Sink::Practice { url: url.to_owned() },
        (Some(url), _, _, _) => Sink::Practice { url: url.clone() },
        (None, Some(path), _, _) => {
            let path = folder.resolve(path);
            let path = path.map_err(|why| Refusal::usage(format!("checks[{index}].audit.jsonl: {why}")))?;
            Sink::Jsonl { path, look }
        }
        (None, None, Some(url), _) => Sink::Search(Search {
            url: url.clone(),
            page_size: PAGE_SIZE,
            items: None,
            headers: audit.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            rate: PAGE_RATE,
            look,
        }),
        (None, None, None, None) => {
            let message = format!("checks[{index}].audit has no sink to look at");
            return Err(Refusal::new(Exit::Usage, message)
                .with_hint("name one with target, jsonl or search, or run with --practice-target"));
        }
    })
}
