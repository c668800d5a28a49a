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
    /// Places that go when their request is over.
    surplus: u32,
    /// Places in use.
    used: u32,
}

impl Slots {
    /// So many places, all free from the start.
    pub(crate) fn new(count: u32, delay: Nanos) -> Self {
        Self { free: (0..count).map(|_| Reverse(Nanos::ZERO)).collect(), delay, surplus: 0, used: 0 }
    }

    /// When the first free place may be used, in the scenario's own time; none when all are in use.
    pub(crate) fn first_free(&self) -> Option<Nanos> {
        self.free.peek().map(|Reverse(at)| *at)
    }

    /// Uses the first free place.
    pub(crate) fn take(&mut self) -> bool {
        let taken = self.free.pop().is_some();
        self.used += u32::from(taken);
        taken
    }

    /// A request is over at a moment of the scenario's own time.
    pub(crate) fn give_back(&mut self, at: Nanos) {
        self.used = self.used.saturating_sub(1);
        if self.surplus > 0 {
            self.surplus -= 1;
            return;
        }
        self.free.push(Reverse(at.saturating_add(self.delay)));
    }

    /// From a moment of the scenario's own time on there are so many places.
    pub(crate) fn set_count(&mut self, count: u32, at: Nanos) {
        while self.free.len() as u32 + self.used - self.surplus < count {
            if self.surplus > 0 { self.surplus -= 1 } else { self.free.push(Reverse(at)) }
        }
        while self.free.len() as u32 + self.used - self.surplus > count {
            if self.free.pop().is_none() {
                self.surplus += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_and_go_without_touching_what_is_on_its_way() {
        let mut slots = Slots::new(3, Nanos(10));
        assert!(slots.take() && slots.take() && slots.take() && !slots.take());
        slots.set_count(1, Nanos(5));
        slots.give_back(Nanos(6));
        slots.give_back(Nanos(7));
        assert_eq!(slots.first_free(), None);
        slots.give_back(Nanos(8));
        assert_eq!(slots.first_free(), Some(Nanos(18)), "after the pause");
        slots.set_count(2, Nanos(20));
        assert!(slots.take() && slots.take() && !slots.take());
        slots.set_count(1, Nanos(30));
        slots.set_count(2, Nanos(40));
        slots.give_back(Nanos(41));
        slots.give_back(Nanos(42));
        assert!(slots.take() && slots.take() && !slots.take());
    }
}
