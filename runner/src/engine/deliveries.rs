//! Messages that are expected to come back on a topic that is listened to: how long the way from end to end takes.

use std::collections::{HashMap, VecDeque};

use shared::encode::Pointer;
use shared::units::Nanos;

/// Messages of one stream that are waited for. Beyond, the oldest are given up.
const MOST_AWAITED: usize = 4_096;

/// What one stream waits for.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    awaited: HashMap<Box<[u8]>, Awaited>,
    /// Their keys in the order in which they were sent, and until when they are waited for.
    order: VecDeque<(Nanos, Box<[u8]>)>,
    /// How many did not come.
    missed: u64,
}

/// A message that is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    /// When it was due.
    pub(crate) due: Nanos,
    /// What kind of event it is.
    pub(crate) event_type: u16,
    /// How many of the same there are.
    copies: u32,
}

impl Deliveries {
    pub(crate) fn is_empty(&self) -> bool {
        self.awaited.is_empty()
    }

    /// Waits for a message until a moment, if it has what it will be known by.
    pub(crate) fn expect(&mut self, field: &Pointer, message: &[u8], due: Nanos, event_type: u16, until: Nanos) {
        let Some(key) = field.find(message) else { return };
        if let Some(awaited) = self.awaited.get_mut(key) {
            awaited.copies += 1;
            return;
        }
        if self.order.len() >= MOST_AWAITED {
            self.give_up_oldest();
        }
        self.awaited.insert(key.into(), Awaited { due, event_type, copies: 1 });
        self.order.push_back((until, key.into()));
    }

    /// The message that came back.
    pub(crate) fn came(&mut self, field: &Pointer, message: &[u8]) -> Option<Awaited> {
        let key = field.find(message)?;
        let awaited = self.awaited.get_mut(key)?;
        awaited.copies -= 1;
        let came = *awaited;
        if came.copies == 0 {
            self.awaited.remove(key);
            // What came in order is let go of at once, the rest when its time is over.
            while self.order.front().is_some_and(|(_, key)| !self.awaited.contains_key(key)) {
                self.order.pop_front();
            }
        }
        Some(came)
    }

    /// Gives up what has been waited for long enough.
    pub(crate) fn expire(&mut self, now: Nanos) {
        while self.order.front().is_some_and(|(until, _)| now >= *until) {
            self.give_up_oldest();
        }
    }

    /// Gives up everything.
    pub(crate) fn give_up(&mut self) {
        self.expire(Nanos(u64::MAX));
    }

    /// How many did not come since this was asked last.
    pub(crate) fn missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    fn give_up_oldest(&mut self) {
        let Some((_, key)) = self.order.pop_front() else { return };
        if let Some(awaited) = self.awaited.remove(&key) {
            self.missed += u64::from(awaited.copies);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(id: usize) -> Vec<u8> {
        format!(r#"{{"id":"{id}"}}"#).into_bytes()
    }

    #[test]
    fn what_comes_back_is_found_and_what_does_not_is_counted() {
        let field: Pointer = "id".parse().unwrap();
        let mut deliveries = Deliveries::default();
        for id in 0..10 {
            deliveries.expect(&field, &body(id), Nanos(id as u64), 0, Nanos(100 + id as u64));
        }
        // The same once more: a duplicate comes back twice.
        deliveries.expect(&field, &body(3), Nanos(50), 0, Nanos(150));
        assert_eq!(deliveries.came(&field, &body(3)).unwrap().due, Nanos(3));
        assert_eq!(deliveries.came(&field, &body(3)).unwrap().due, Nanos(3));
        assert!(deliveries.came(&field, &body(3)).is_none(), "a third was never sent");
        assert!(deliveries.came(&field, b"no json").is_none());
        deliveries.expire(Nanos(104));
        assert_eq!(deliveries.missed(), 4, "0, 1, 2 and 4");
        deliveries.give_up();
        assert_eq!((deliveries.missed(), deliveries.is_empty()), (5, true));
    }

    #[test]
    fn memory_stays_bounded_where_nothing_comes_back() {
        let field: Pointer = "id".parse().unwrap();
        let mut deliveries = Deliveries::default();
        for id in 0..3 * MOST_AWAITED {
            deliveries.expect(&field, &body(id), Nanos::ZERO, 0, Nanos(u64::MAX));
        }
        assert_eq!(deliveries.awaited.len(), MOST_AWAITED);
        assert_eq!(deliveries.missed(), 2 * MOST_AWAITED as u64);
    }
}
