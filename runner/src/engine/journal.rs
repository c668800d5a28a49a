//! What a run tells whoever keeps it: the store, a file, a test.

use std::sync::Arc;

use shared::run::{Change, RunInfo, RunResult, RunState, Snapshot, TimelineRow};

/// Keeps what a run tells. The conductor calls it between two ticks, so that it must not block.
pub trait Journal: Send {
    /// Takes one entry, in the order in which things happened.
    fn record(&mut self, entry: JournalEntry);
}

/// One thing that happened in a run.
#[expect(clippy::large_enum_variant, reason = "one entry a second moves once: a box would only add an allocation")]
#[derive(Clone, Debug)]
pub enum JournalEntry {
    /// The run began.
    Started {
        /// What it is.
        info: RunInfo,
        /// The scenario, resolved, secrets replaced.
        scenario: serde_json::Value,
        /// The plan's fingerprint.
        fingerprint: String,
    },
    /// A second is over and will not change any more.
    Second {
        /// The second.
        row: TimelineRow,
        /// The run at that moment.
        snapshot: Arc<Snapshot>,
    },
    /// A command took effect.
    Changed(Change),
    /// The run is in another state now.
    State(RunState),
    /// The run is over.
    Ended(Arc<RunResult>),
}

/// Keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn record(&mut self, _entry: JournalEntry) {}
}
