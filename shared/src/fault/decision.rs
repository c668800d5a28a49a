//! What was decided for one event: carried with it however often it is sent.

use crate::event_id::EventId;
use crate::run::fault::FaultSet;
use crate::units::Nanos;

/// What happens to one event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The event.
    pub(super) id: EventId,
    /// The faults that hit it.
    pub hits: FaultSet,
    /// How long it is held back.
    pub delay: Nanos,
    /// How long it may wait for later events to overtake it.
    pub reorder: Nanos,
    /// How far its event time lies back.
    pub late_by: Nanos,
    /// Copies beside it.
    pub copies: u32,
    /// Time between copies.
    pub gap: Nanos,
    /// Whether it is not sent at all.
    pub dropped: bool,
    /// Whether the connection is closed instead.
    pub drops_connection: bool,
    /// Whether it goes with credentials that are not valid any more.
    pub expired: bool,
    /// How fast it goes over the wire, where that is slow.
    pub bytes_per_second: Option<u64>,
    /// The faults that change its bytes, by their place in the plan.
    pub(super) changes: Vec<u16>,
}

impl Decision {
    /// Whether nothing of it is sent.
    pub fn withheld(&self) -> bool {
        self.dropped || self.drops_connection
    }

    /// How long it is held back in all.
    pub fn held(&self) -> Nanos {
        self.delay.saturating_add(self.reorder)
    }
}
