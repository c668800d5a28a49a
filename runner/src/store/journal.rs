//! The journal that feeds the store while a run goes on.

use std::sync::Arc;

use shared::run::{Environment, RunRecord};

use super::writer::{Write, Writer};
use crate::engine::journal::{Journal, JournalEntry};

/// Writes one run as it happens. It never waits: when the disk cannot follow, entries are left out and counted, and
/// the result, which holds them all, replaces what was written on the way.
#[derive(Debug)]
pub struct StoreJournal {
    writer: Writer,
    record: Option<Arc<RunRecord>>,
    changes: u32,
    lost: u64,
}

impl StoreJournal {
    /// A journal for one run.
    pub(super) fn new(writer: Writer) -> Self {
        Self { writer, record: None, changes: 0, lost: 0 }
    }

    fn offer(&mut self, write: Write) {
        if !self.writer.offer(write) {
            self.lost += 1;
            tracing::warn!(lost = self.lost, "the disk cannot follow: an entry of the run was not stored");
        }
    }
}

impl Journal for StoreJournal {
    fn record(&mut self, entry: JournalEntry) {
        if let JournalEntry::Started { info, scenario, fingerprint } = entry {
            let environment = Environment { version: env!("CARGO_PKG_VERSION").to_owned(), ..Environment::default() };
            let record = Arc::new(RunRecord {
                info,
                scenario,
                plan_fingerprint: fingerprint,
                environment,
                supplies: Vec::new(),
            });
            self.record = Some(Arc::clone(&record));
            self.offer(Write::Begin(record));
            return;
        }
        // What comes before the beginning belongs to no run.
        let Some(run) = self.record.as_ref().map(|record| record.info.id.clone()) else { return };
        match entry {
            JournalEntry::Started { .. } => {}
            JournalEntry::Progress { closed, so_far } => self.offer(Write::Progress { closed, so_far }),
            JournalEntry::Changed(change) => {
                self.changes += 1;
                self.offer(Write::Change { run, number: self.changes, change });
            }
            // The end is written with the result.
            JournalEntry::State(state) if state.is_over() => {}
            JournalEntry::State(state) => self.offer(Write::State { run, state }),
            JournalEntry::Ended(result) => self.offer(Write::Finish(result, None)),
        }
    }
}
