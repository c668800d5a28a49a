//! Event ids that say where an event came from: 128 bits of workload, entity, step and a check figure.

use std::fmt;
use std::str::FromStr;

use crate::random::{Domain, Stream};

/// Bits of the parts, from the top: workload, entity, step, check.
const WORKLOAD_BITS: u32 = 12;
const ENTITY_BITS: u32 = 44;
const STEP_BITS: u32 = 32;
const CHECK_BITS: u32 = 40;

/// Crockford's base 32 in lower case: no i, l, o, u.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of an id's text.
const LENGTH: usize = 26;

/// Where an event came from, in a form that fits into the event: 26 characters.
///
/// ```
/// use shared::event_id::{EventId, Origin};
/// let id = EventId::new(Origin { workload: 0, entity: 17, step: 3 }, 42);
/// let back: EventId = id.to_string().parse().unwrap();
/// assert_eq!(back.origin(), Origin { workload: 0, entity: 17, step: 3 });
/// assert!(back.belongs_to(42));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EventId(pub u128);

/// The place of an event in a plan.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Origin {
    /// Index of the workload in its plan.
    pub workload: u16,
    /// What the event is planned with: a group of users, a session, a life, an arrival.
    pub entity: u64,
    /// Its number within the entity.
    pub step: u32,
}

impl EventId {
    /// The id of the event of a place, under a seed.
    pub fn new(origin: Origin, seed: u64) -> Self {
        Stamp::new(origin.workload, seed).id(origin.entity, origin.step)
    }

    /// The place that it names.
    pub fn origin(self) -> Origin {
        let place = self.0 >> CHECK_BITS;
        Origin {
            workload: (place >> (STEP_BITS + ENTITY_BITS)) as u16,
            entity: (place >> STEP_BITS) as u64 & ((1 << ENTITY_BITS) - 1),
            step: place as u32,
        }
    }

    /// Whether an event of this id was planned under a seed.
    pub fn belongs_to(self, seed: u64) -> bool {
        self == Self::new(self.origin(), seed)
    }

    /// Writes the id's text.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text());
    }

    fn text(self) -> [u8; LENGTH] {
        let mut text = [0; LENGTH];
        for (place, digit) in text.iter_mut().enumerate() {
            let shift = 5 * (LENGTH - 1 - place) as u32;
            *digit = DIGITS[(self.0 >> shift) as usize & 31];
        }
        text
    }
}

/// Makes the ids of one workload's events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    workload: u16,
    checks: Stream,
}

impl Stamp {
    /// The stamp of a workload under a seed.
    pub(crate) fn new(workload: u16, seed: u64) -> Self {
        Self { workload, checks: Stream::root(seed).domain(Domain::EventId).child(u64::from(workload)) }
    }

    /// The id of the event of a place.
    pub(crate) fn id(self, entity: u64, step: u32) -> EventId {
        let workload = u128::from(self.workload) & ((1 << WORKLOAD_BITS) - 1);
        // The part that makes a guessed or foreign id stand out.
        let check = self.checks.child(entity).child(u64::from(step)).key() >> (64 - CHECK_BITS);
        let entity = u128::from(entity) & ((1 << ENTITY_BITS) - 1);
        let place = (((workload << ENTITY_BITS) | entity) << STEP_BITS) | u128::from(step);
        EventId((place << CHECK_BITS) | u128::from(check))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().iter().try_for_each(|digit| fmt::Write::write_char(f, char::from(*digit)))
    }
}

impl FromStr for EventId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an event id: {LENGTH} digits and letters without i, l, o, u");
        if text.len() != LENGTH {
            return Err(wrong());
        }
        let mut value = 0_u128;
        for (place, byte) in text.bytes().enumerate() {
            let digit = DIGITS.iter().position(|d| *d == byte.to_ascii_lowercase()).ok_or_else(wrong)? as u128;
            if place == 0 && digit > 7 {
                return Err(wrong());
            }
            value = (value << 5) | digit;
        }
        Ok(Self(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_place_survives_its_text(workload in 0_u16..4_096, entity in 0_u64..(1 << 44), step: u32, seed: u64) {
            let origin = Origin { workload, entity, step };
            let id = EventId::new(origin, seed);
            let back: EventId = id.to_string().parse().unwrap();
            prop_assert_eq!(back, id);
            prop_assert_eq!(back.origin(), origin);
            prop_assert!(back.belongs_to(seed));
            prop_assert!(!back.belongs_to(seed ^ 1));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _parsed = text.parse::<EventId>();
        }
    }
}
