//! The ledger of a run, and the audits that its scenario asks for.

use std::path::{Path, PathBuf};
use std::time::Duration;

use shared::run::audit::AuditRecord;
use shared::scenario::model::check::{Audit, CheckSeverity};

use crate::atomic_file::write_whole;
use crate::audit::{AuditOptions, Look, Search, Sink, Tolerance, audit as compare};
use crate::engine::prepare::Prepared;
use crate::folder::Folder;
use crate::ledger::{Closing, Ledger};
use crate::private;

/// Where the ledgers of runs are, below the data directory.
pub const LEDGERS: &str = "ledgers";
/// Ends of names: a ledger, and a note that says where one is.
pub const LEDGER: &str = "ledger";
/// See [`LEDGER`].
pub const ELSEWHERE: &str = "path";

/// Why what a run delivers cannot be noted or looked at.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// An audit has nothing to look at.
    #[error("checks[{check}].audit has no sink to look at")]
    NoSink {
        /// Which check.
        check: usize,
    },
    /// A file lies where none may be.
    #[error("{path}: {why}")]
    Place {
        /// What names it in the scenario.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The ledger cannot be written.
    #[error("{0}")]
    Ledger(String),
}

impl DeliveryError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSink { .. } => Some("name one with target, jsonl or search, or use the practice target"),
            Self::Place { .. } => None,
            Self::Ledger(_) => Some("choose another place with --ledger, or make room"),
        }
    }
}

/// Whose scenario it is.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The operator's: it may name any file and any host.
    Operator,
    /// That of whoever may use the server: its ledger lies in the data directory, and its audits ask this network and
    /// these hosts alone.
    Network(Vec<String>),
}

/// What is noted of a run's events, and looked at in the end.
#[derive(Debug)]
pub struct Delivery {
    audits: Vec<Asked>,
    folder: Folder,
    trust: Trust,
}

/// An audit that a scenario asks for.
#[derive(Debug)]
struct Asked {
    check: usize,
    sink: Sink,
    audit: Audit,
    required: bool,
}

/// A ledger that is being written, and what is to be done with it.
#[derive(Debug)]
pub struct Noting {
    closing: Closing,
    audits: Vec<Asked>,
    trust: Trust,
}

impl Delivery {
    /// What a scenario asks for; `practice` is the address of the practice target that takes part.
    ///
    /// # Errors
    ///
    /// An audit has nothing to look at.
    pub fn new(
        prepared: &Prepared,
        practice: Option<&str>,
        folder: &Folder,
        trust: Trust,
    ) -> Result<Self, DeliveryError> {
        let mut audits = Vec::new();
        for (check, asked) in prepared.scenario().checks.iter().enumerate() {
            if let Some(audit) = &asked.audit {
                audits.push(Asked {
                    check,
                    sink: sink(check, audit, practice, folder)?,
                    audit: audit.clone(),
                    required: asked.severity != CheckSeverity::Warn,
                });
            }
        }
        Ok(Self { audits, folder: folder.clone(), trust })
    }

    /// Begins the ledger, where one is asked for or an audit needs it: in the file that the operator's scenario names,
    /// else in its usual place in the data directory.
    ///
    /// # Errors
    ///
    /// It cannot be written there.
    pub fn begin(self, prepared: Prepared, data: &Path) -> Result<(Prepared, Option<Noting>), DeliveryError> {
        let run = prepared.info.id.0.clone();
        let asked = prepared.scenario().outputs.ledger.as_ref();
        if asked.is_none() && self.audits.is_empty() {
            return Ok((prepared, None));
        }
        let named =
            asked.and_then(|ledger| ledger.file.as_deref()).filter(|_file| matches!(self.trust, Trust::Operator));
        let named = named.map(|file| self.folder.resolve(file)).transpose();
        let named = named.map_err(|why| DeliveryError::Place { path: "outputs.ledger.file".to_owned(), why })?;
        let path = named.clone().unwrap_or_else(|| usual_place(data, &run));
        let failed = |error: &dyn std::fmt::Display| DeliveryError::Ledger(error.to_string());
        private::create_directory(&data.join(LEDGERS)).map_err(|error| failed(&error))?;
        let (ledger, closing) = Ledger::create(&path, prepared.ledger_header()).map_err(|error| failed(&error))?;
        if let Some(path) = named {
            note_place(data, &run, &path).map_err(|error| failed(&error))?;
        }
        Ok((prepared.with_ledger(ledger), Some(Noting { closing, audits: self.audits, trust: self.trust })))
    }
}

impl Noting {
    /// Closes the ledger of a run that is over; gives its file.
    ///
    /// # Errors
    ///
    /// Not all of it could be written.
    pub async fn close(self) -> Result<Noted, DeliveryError> {
        let closing = self.closing;
        let closed = tokio::task::spawn_blocking(move || closing.wait()).await;
        let closed = closed.map_err(|error| DeliveryError::Ledger(error.to_string()))?;
        let path = closed.map_err(|error| DeliveryError::Ledger(error.to_string()))?;
        Ok(Noted { path, audits: self.audits, trust: self.trust })
    }
}

/// The closed ledger of a run.
#[derive(Debug)]
pub struct Noted {
    /// Its file.
    pub path: PathBuf,
    audits: Vec<Asked>,
    trust: Trust,
}

impl Noted {
    /// Makes the audits, one after the other.
    pub async fn audit(self) -> Vec<AuditRecord> {
        let mut records = Vec::new();
        let allowed = match self.trust {
            Trust::Operator => None,
            Trust::Network(allowed) => Some(allowed),
        };
        for Asked { check, sink, audit, required } in self.audits {
            if let Some(settle) = audit.settle {
                tokio::time::sleep(Duration::from_nanos(settle.0)).await;
            }
            let tolerance = Tolerance {
                lost: audit.lost,
                duplicate: audit.duplicate,
                phantom: audit.phantom,
                corrupted: audit.corrupted,
                reordered: audit.reordered,
            };
            let options = AuditOptions { tolerance, allowed: allowed.clone(), ..AuditOptions::default() };
            let made = compare(&self.path, sink, &options).await;
            let (result, trouble) = match made {
                Ok(result) => (Some(result), None),
                Err(error) => (None, Some(error.to_string())),
            };
            records.push(AuditRecord { check: check as u32, required, trouble, result });
        }
        records
    }
}

/// Where the ledger of a run belongs unless its scenario names another place.
pub fn usual_place(data: &Path, run: &str) -> PathBuf {
    data.join(LEDGERS).join(format!("{run}.{LEDGER}"))
}

/// Notes that the ledger of a run is elsewhere, so that the run's id finds it.
fn note_place(data: &Path, run: &str, ledger: &Path) -> std::io::Result<()> {
    let place = std::path::absolute(ledger)?;
    write_whole(&data.join(LEDGERS).join(format!("{run}.{ELSEWHERE}")), place.to_string_lossy().as_bytes())
}

/// Where an audit looks.
fn sink(index: usize, audit: &Audit, practice: Option<&str>, folder: &Folder) -> Result<Sink, DeliveryError> {
    let look = Look { id_field: audit.id_field.clone(), body_field: audit.body_field.clone(), ignored: Vec::new() };
    Ok(match (&audit.target, &audit.jsonl, &audit.search, practice) {
        (None, None, None, Some(url)) => Sink::Practice { url: url.to_owned() },
        (Some(url), _, _, _) => Sink::Practice { url: url.clone() },
        (None, Some(path), _, _) => {
            let path = folder.resolve(path);
            let path =
                path.map_err(|why| DeliveryError::Place { path: format!("checks[{index}].audit.jsonl"), why })?;
            Sink::Jsonl { path, look }
        }
        (None, None, Some(url), _) => {
            let search = Search::new(url, &audit.headers, look);
            Sink::Search(search.map_err(|why| DeliveryError::Place { path: format!("checks[{index}].audit"), why })?)
        }
        (None, None, None, None) => return Err(DeliveryError::NoSink { check: index }),
    })
}
