//! What a run tells whoever keeps it: the store, a file, a test.

use std::sync::Arc;

use shared::run::{Change, RunInfo, RunResult, RunState, TimelineRow};

/// Keeps what a run tells. The conductor calls it between two ticks, so that it must not block.
pub trait Journal: Send {
    /// Takes one entry, in the order in which things happened.
    fn record(&mut self, entry: JournalEntry);
}

/// One thing that happened in a run.
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
    /// The run as far as it went, at least twice a second.
    Progress {
        /// Seconds that are over and will not change any more, each told once.
        closed: Vec<TimelineRow>,
        /// Everything else that is known, as if the run ended here; its timeline has the seconds that are still open.
        so_far: Arc<RunResult>,
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
