//! The places of a closed load: each carries one request at a time, and pauses before the next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use shared::units::Nanos;

/// The places of one workload in one worker.
#[derive(Debug)]
pub(crate) struct Slots {
    /// When each place that carries nothing may carry something, in the scenario's own time.
    free: BinaryHeap<Reverse<Nanos>>,
    /// Pause after each answer.
    delay: Nanos,
}

impl Slots {
    /// So many places, all free from the start.
    pub(crate) fn new(count: u32, delay: Nanos) -> Self {
        Self { free: (0..count).map(|_| Reverse(Nanos::ZERO)).collect(), delay }
    }

    /// When the first free place may be used, in the scenario's own time; none when all are in use.
    pub(crate) fn first_free(&self) -> Option<Nanos> {
        self.free.peek().map(|Reverse(at)| *at)
    }

    /// Uses the first free place.
    pub(crate) fn take(&mut self) -> bool {
        self.free.pop().is_some()
    }

    /// A request is over at a moment of the scenario's own time.
    pub(crate) fn give_back(&mut self, at: Nanos) {
        self.free.push(Reverse(at.saturating_add(self.delay)));
    }
}
