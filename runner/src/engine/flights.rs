//! Messages of one stream that are under way, and which of them an answer belongs to.

use std::collections::{BTreeMap, HashMap, VecDeque};

use shared::units::Nanos;

use crate::engine::job::Job;

/// Numbers by which messages are acknowledged: 1 to this, again and again.
pub(crate) const NUMBERS: u64 = 65_000;

/// A message that is under way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) job: Job,
    pub(crate) sent: Nanos,
    pub(crate) deadline: Nanos,
    /// What its answer repeats.
    pub(crate) key: Option<Box<[u8]>>,
    /// Whether the target has it and was told to hand it on.
    pub(crate) released: bool,
}

/// Messages that wait for their answers, or to be handed to the network, in the order in which they were sent.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    flying: BTreeMap<u64, Flight>,
    /// Their numbers by what an answer repeats.
    keys: HashMap<Box<[u8]>, VecDeque<u64>>,
    /// The number of the next.
    next: u64,
}

impl Flights {
    pub(crate) fn is_empty(&self) -> bool {
        self.flying.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.flying.len()
    }

    /// Whether another message can have a number that no other has.
    pub(crate) fn has_number(&self) -> bool {
        self.flying.first_key_value().is_none_or(|(oldest, _)| self.next - oldest < NUMBERS)
    }

    /// The number by which the next message is acknowledged.
    pub(crate) fn next_id(&self) -> u16 {
        id_of(self.next)
    }

    pub(crate) fn add(&mut self, flight: Flight) {
        if let Some(key) = &flight.key {
            self.keys.entry(Box::clone(key)).or_default().push_back(self.next);
        }
        self.flying.insert(self.next, flight);
        self.next += 1;
    }

    /// When the first of them has waited for too long, as far as they all wait equally long.
    pub(crate) fn deadline(&self) -> Option<Nanos> {
        self.flying.first_key_value().map(|(_, flight)| flight.deadline)
    }

    /// Takes out the one that was sent first.
    pub(crate) fn oldest(&mut self) -> Option<Flight> {
        let number = self.flying.first_key_value().map(|(number, _)| *number)?;
        self.remove(number)
    }

    /// Takes out the one that was sent first, if it has waited for too long.
    pub(crate) fn late(&mut self, now: Nanos) -> Option<Flight> {
        if self.deadline().is_some_and(|deadline| now >= deadline) { self.oldest() } else { None }
    }

    /// Takes out the first one whose answer repeats this.
    pub(crate) fn by_key(&mut self, key: &[u8]) -> Option<Flight> {
        let number = self.keys.get(key)?.front().copied()?;
        self.remove(number)
    }

    /// The one that is acknowledged by a number.
    pub(crate) fn by_id(&mut self, id: u16) -> Option<&mut Flight> {
        let number = self.number_of(id)?;
        self.flying.get_mut(&number)
    }

    /// Takes it out.
    pub(crate) fn take(&mut self, id: u16) -> Option<Flight> {
        self.number_of(id).and_then(|number| self.remove(number))
    }

    /// All of them with the numbers by which they are acknowledged.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = (u16, &mut Flight)> {
        self.flying.iter_mut().map(|(number, flight)| (id_of(*number), flight))
    }

    /// The latest number that is acknowledged so.
    fn number_of(&self, id: u16) -> Option<u64> {
        let last = self.next.checked_sub(1)?;
        if id == 0 || u64::from(id) > NUMBERS {
            return None;
        }
        let back = (last % NUMBERS + NUMBERS - (u64::from(id) - 1)) % NUMBERS;
        last.checked_sub(back)
    }

    fn remove(&mut self, number: u64) -> Option<Flight> {
        let flight = self.flying.remove(&number)?;
        if let Some(key) = &flight.key
            && let Some(numbers) = self.keys.get_mut(key)
        {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.keys.remove(key);
            }
        }
        Some(flight)
    }
}

fn id_of(number: u64) -> u16 {
    (number % NUMBERS) as u16 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(key: Option<&[u8]>) -> Flight {
        let (sent, deadline) = (Nanos::ZERO, Nanos::from_secs(1));
        Flight { job: Job::default(), sent, deadline, key: key.map(Box::from), released: false }
    }

    #[test]
    fn a_number_leads_to_its_message_however_often_numbers_began_anew() {
        let mut flights = Flights::default();
        assert!(flights.take(1).is_none());
        for number in 0..3 * NUMBERS + 7 {
            let id = flights.next_id();
            assert!(id >= 1 && u64::from(id) <= NUMBERS);
            flights.add(Flight { sent: Nanos(number), ..flight(None) });
            if number >= 3 {
                let earlier = id_of(number - 3);
                assert_eq!(flights.by_id(earlier).unwrap().sent, Nanos(number - 3));
                assert_eq!(flights.take(earlier).unwrap().sent, Nanos(number - 3));
                assert!(flights.take(earlier).is_none(), "acknowledged once");
            }
        }
        assert_eq!(flights.len(), 3);
        assert!(flights.take(0).is_none() && flights.take(u16::MAX).is_none());
    }

    #[test]
    fn no_message_is_sent_that_shares_its_number_with_one_under_way() {
        let mut flights = Flights::default();
        for _ in 0..NUMBERS {
            assert!(flights.has_number());
            flights.add(flight(None));
        }
        assert!(!flights.has_number());
        flights.oldest();
        assert!(flights.has_number());
    }

    #[test]
    fn messages_of_the_same_key_are_answered_in_their_order() {
        let mut flights = Flights::default();
        for sent in 0..3 {
            flights.add(Flight { sent: Nanos(sent), ..flight(Some(b"k")) });
        }
        assert_eq!(flights.by_key(b"k").unwrap().sent, Nanos(0));
        assert_eq!(flights.oldest().unwrap().sent, Nanos(1));
        assert_eq!(flights.by_key(b"k").unwrap().sent, Nanos(2));
        assert!(flights.by_key(b"k").is_none() && flights.is_empty());
    }
}
