//! What an event leaves behind for the ledger before it is sent.

use shared::event_id::EventId;
use shared::plan::Planned;

use crate::fingerprint::{Fingerprint, Key, Lens, hash};

/// What is known of an event before it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    pub(crate) id: EventId,
    pub(crate) entity: u64,
    pub(crate) fingerprint: Fingerprint,
}

impl Note {
    /// The note of an event with these bytes; what is not JSON is known by its bytes.
    pub(crate) fn new(planned: &Planned, lens: &Lens, bytes: &[u8]) -> Self {
        let fingerprint = lens.look(bytes).map_or_else(
            |_error| {
                let digest = hash(0, bytes);
                Fingerprint { key: Key::of_content(digest), digest, by_content: true }
            },
            |seen| seen.fingerprint(),
        );
        Self { id: planned.id, entity: planned.entity, fingerprint }
    }
}
