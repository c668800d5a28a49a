//! Outputs: what a run leaves behind.

use schemars::JsonSchema;
use serde::Serialize;

use crate::tree::read::Readable;

use crate::units::Nanos;

/// What `throng run` leaves behind, beside its place in the history. Paths are relative to where it was started; what
/// the panel starts is downloaded from there.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outputs {
    /// Progress on the terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<Console>,
    /// File for the result, in the format of its ending: `json`, `html`, `csv` or `hlog`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<String>,
    /// File for every event that is sent, written anew by each run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<EventsFile>,
    /// File for the run's log: what happened when, and figures as often as on the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// File for what was sent and answered, event by event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Ledger>,
    /// Address on which figures are offered to Prometheus under `/metrics` while it runs: `127.0.0.1:9464`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<String>,
}

/// A file that says what became of every event, for an audit.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// The file; a place of its own in the data directory when left out, and always under `throng serve`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where an event carries its id, as `data.event_id`; the usual places when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_field: Option<String>,
    /// The part of an event that the sink keeps, as `data`; the whole event when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_field: Option<String>,
}

/// Progress on the terminal.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// How often a line is printed where the terminal is no terminal.
    pub every: Nanos,
    /// Whether more is said.
    pub verbose: bool,
}

impl Default for Console {
    fn default() -> Self {
        Self { every: Nanos::from_secs(10), verbose: false }
    }
}

/// A file of events.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EventsFile {
    /// One JSON value per line.
    Jsonl(String),
    /// One JSON list.
    Json(String),
    /// Comma-separated values with a header.
    Csv(String),
}
