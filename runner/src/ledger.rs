//! The ledger of a run: every event that was sent, with what became of it, in about 30 bytes.
//!
//! A file begins with a line of JSON that says what it is; frames follow, each with its length and a check figure, so
//! that a runner that is killed leaves everything but the last frame readable. Memory does not grow with the run.

mod read;
mod record;
mod write;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::event_id::EventId;

use crate::fingerprint::{Fingerprint, Lens};

pub use read::{Ending, Reader};
pub use write::{Closing, Ledger, Page};

/// Version of the format.
const VERSION: u32 = 2;

/// What a ledger says about itself.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Header {
    /// Version of the format.
    pub throng_ledger: u32,
    /// The run.
    pub run: String,
    /// Its scenario.
    pub scenario: String,
    /// Its profile.
    pub profile: Option<String>,
    /// Its seed.
    pub seed: u64,
    /// When it started.
    pub started_at: String,
    /// Where an event's id was looked for; none for the usual places.
    pub id_field: Option<String>,
    /// The part of an event whose content counts; none for the whole event.
    pub body_field: Option<String>,
}

impl Header {
    /// What the events of this ledger were looked at with.
    pub fn lens(&self) -> Lens {
        Lens::for_event(self.id_field.as_deref(), self.body_field.as_deref(), &[])
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The target said that it has it.
    Acknowledged,
    /// The target said that it had it already.
    Known,
    /// The target said no, or was never reached.
    Refused,
    /// It was sent and no answer came.
    InDoubt,
    /// It was in a batch of which the target took a part, and did not say which.
    Partly,
}

impl Outcome {
    /// Whether the target must have it.
    pub fn is_acknowledged(self) -> bool {
        matches!(self, Self::Acknowledged | Self::Known)
    }

    /// Whether the target may have it.
    pub fn is_in_doubt(self) -> bool {
        matches!(self, Self::InDoubt | Self::Partly)
    }
}

/// One event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Where it came from.
    pub id: EventId,
    /// Whom it was about, inside its workload.
    pub entity: u64,
    /// What the target can know it by.
    pub fingerprint: Fingerprint,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether an attempt to send it had no answer: the target may have it from then.
    pub retried_blindly: bool,
    /// Whether it was in the same request as the entry before.
    pub continues: bool,
    /// When it was first sent, in microseconds since the start.
    pub sent_us: u64,
    /// When its fate was known.
    pub done_us: u64,
    /// Status of the last answer; 0 when there was none.
    pub status: u16,
}

/// Why a ledger cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be used.
    #[error("cannot use the ledger {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("{} is not a ledger: {why}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The writing thread is gone.
    #[error("the ledger was not written to its end")]
    Gone,
}

#[cfg(test)]
mod tests;
