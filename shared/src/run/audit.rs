//! What came of a delivery audit: what a sink holds against what was acknowledged.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tree::read::Readable;

/// An audit that a scenario asks for.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuditRecord {
    /// The check's place in the scenario's `checks`, from 0.
    pub check: u32,
    /// Whether the run fails where sink and ledger differ.
    pub required: bool,
    /// Why it could not be made; then there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// What came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AuditResult>,
}

impl AuditRecord {
    /// Whether it was made and the sink agrees.
    pub fn passed(&self) -> bool {
        self.result.as_ref().is_some_and(|result| result.passed)
    }
}

/// A way in which sink and ledger can differ.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Acknowledged and not there.
    Lost,
    /// There more often than it was sent.
    Duplicate,
    /// There, and never sent.
    Phantom,
    /// There with another content.
    Corrupted,
    /// There before an event of its entity that had been acknowledged before it was even sent.
    Reordered,
    /// There, although the target had said no.
    RefusedYetHeld,
    /// Sent without an answer, and there.
    InDoubtHeld,
    /// Sent without an answer, and not there.
    InDoubtMissing,
}

impl Finding {
    /// Its name in a table.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Duplicate => "duplicate",
            Self::Phantom => "phantom",
            Self::Corrupted => "corrupted",
            Self::Reordered => "reordered",
            Self::RefusedYetHeld => "refused, yet there",
            Self::InDoubtHeld => "in doubt, there",
            Self::InDoubtMissing => "in doubt, not there",
        }
    }
}

/// An event that shows what was found.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Its id: `throng explain` says where it came from. Of a phantom the sink's own, or a hash of it.
    pub event_id: String,
    /// When it was first sent, in seconds since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_seconds: Option<f64>,
    /// Status of its last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What there is to say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What the ledger says.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerSide {
    /// The file.
    pub file: String,
    /// Its events.
    pub events: u64,
    /// Events that the target said it has.
    pub acknowledged: u64,
    /// Events that the target refused, or that never reached it.
    pub refused: u64,
    /// Events whose answer was lost.
    pub in_doubt: u64,
    /// Whether it was closed; if not, the runner was killed.
    pub complete: bool,
    /// Entries that are missing since the disk was behind.
    pub missing: u64,
}

/// What the sink holds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SinkSide {
    /// What it is.
    pub what: String,
    /// Its events.
    pub events: u64,
    /// Entries that are no JSON, or have no id where one was asked for.
    pub unreadable: u64,
    /// Oldest events that it no longer holds.
    pub let_go: u64,
}

/// What came of an audit.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuditResult {
    /// The run.
    pub run: String,
    /// Its scenario.
    pub scenario: String,
    /// Its seed.
    pub seed: u64,
    /// The one side.
    pub ledger: LedgerSide,
    /// The other side.
    pub sink: SinkSide,
    /// Acknowledged events that are there as they were sent.
    pub sound: u64,
    /// How many there are of each finding.
    pub findings: BTreeMap<Finding, u64>,
    /// Duplicates of events that were sent again after an answer was lost; contained in the duplicates.
    pub duplicates_after_lost_answers: u64,
    /// Duplicates of events that the run sent more than once on purpose, as a fault of the scenario.
    pub duplicates_sent_on_purpose: u64,
    /// Events that have the content or id of others, so that it cannot be said which of them are meant.
    pub indistinguishable: u64,
    /// What has to be known to read the figures.
    pub notes: Vec<String>,
    /// Events that show each finding.
    pub examples: BTreeMap<Finding, Vec<Example>>,
    /// Whether everything was judged and nothing was beyond what is tolerated.
    pub passed: bool,
}

impl AuditResult {
    /// How many there are of a finding.
    pub fn count(&self, finding: Finding) -> u64 {
        self.findings.get(&finding).copied().unwrap_or_default()
    }
}
