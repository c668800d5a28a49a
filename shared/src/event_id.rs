//! Event ids that say where an event came from: 128 bits of workload, entity, step, a check figure and the load under
//! which it was planned. Events with ids of another shape carry a mark in them, which says it in 48 bits.

use std::fmt;
use std::str::FromStr;

use crate::random::{Domain, Stream};

/// Bits of the parts, from the top: workload, entity, step, check, load.
const WORKLOAD_BITS: u32 = 12;
const ENTITY_BITS: u32 = 44;
const STEP_BITS: u32 = 32;
const CHECK_BITS: u32 = 24;
const LOAD_BITS: u32 = 16;

/// Bits of a mark, and of its parts from the top: number of the arrival, check, load.
const MARK_BITS: u32 = 48;
const MARK_CHECK_BITS: u32 = 6;
const MARK_LOAD_BITS: u32 = 12;
const MARK_NUMBER_BITS: u32 = MARK_BITS - MARK_CHECK_BITS - MARK_LOAD_BITS;
const MARK_MASK: u64 = (1 << MARK_BITS) - 1;
/// Digits of a mark's text.
pub const MARK_LENGTH: usize = 12;
/// Odd factors that scatter the bits of a mark, and those that gather them again (their inverses modulo 2^48).
const SCATTER: [(u64, u64); 2] =
    [(0x9e37_79b9_7f4b, inverse(0x9e37_79b9_7f4b)), (0xc2b2_ae3d_27d5, inverse(0xc2b2_ae3d_27d5))];

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
    /// The id of the event of a place, under a seed and no load in particular.
    pub fn new(origin: Origin, seed: u64) -> Self {
        Stamp::new(origin.workload, seed, 0).id(origin.entity, origin.step)
    }

    /// The place that it names.
    pub fn origin(self) -> Origin {
        let place = self.0 >> (CHECK_BITS + LOAD_BITS);
        Origin {
            workload: (place >> (STEP_BITS + ENTITY_BITS)) as u16,
            entity: (place >> STEP_BITS) as u64 & ((1 << ENTITY_BITS) - 1),
            step: place as u32,
        }
    }

    /// Whether an event of this id was planned under a seed, whatever the load.
    pub fn belongs_to(self, seed: u64) -> bool {
        self.without_load() == Self::new(self.origin(), seed)
    }

    /// The number that stands for the load under which it was planned.
    pub fn load(self) -> u16 {
        self.0 as u16
    }

    /// The id of the same event under a load.
    pub fn under_load(self, load: u16) -> Self {
        Self(self.without_load().0 | u128::from(load))
    }

    /// The same event under any load: what happens to it may depend on this.
    pub(crate) fn without_load(self) -> Self {
        Self(self.0 >> LOAD_BITS << LOAD_BITS)
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

/// Twelve hexadecimal digits that say which arrival an event came from, for ids of a scenario's own shape. They look
/// like any others.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EventMark(pub u64);

impl EventMark {
    /// The number of the arrival, from 1, modulo 2^30.
    pub fn number(self) -> u64 {
        self.bits() >> (MARK_CHECK_BITS + MARK_LOAD_BITS)
    }

    /// Whether two marks are of the same arrival, whatever the load.
    pub fn is_of_the_arrival_of(self, other: Self) -> bool {
        self.bits() >> MARK_LOAD_BITS == other.bits() >> MARK_LOAD_BITS
    }

    fn bits(self) -> u64 {
        let mut bits = self.0;
        for (_, gather) in SCATTER.iter().rev() {
            bits ^= bits >> (MARK_BITS / 2);
            bits = bits.wrapping_mul(*gather) & MARK_MASK;
        }
        bits ^ (bits >> (MARK_BITS / 2))
    }

    fn of(bits: u64) -> Self {
        let mut bits = bits ^ (bits >> (MARK_BITS / 2));
        for (scatter, _) in SCATTER {
            bits = bits.wrapping_mul(scatter) & MARK_MASK;
            bits ^= bits >> (MARK_BITS / 2);
        }
        Self(bits)
    }
}

/// The inverse of an odd number modulo 2^64, and so modulo any smaller power of two.
const fn inverse(odd: u64) -> u64 {
    // Each step of Newton's doubles the number of right bits, of which three are right from the start.
    let (mut found, mut step) = (odd, 0);
    while step < 5 {
        found = found.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(found)));
        step += 1;
    }
    found
}

/// Makes the ids of one workload's events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    workload: u16,
    load: u16,
    checks: Stream,
}

impl Stamp {
    /// The stamp of a workload under a seed and a load, which is any number that stands for it.
    pub(crate) fn new(workload: u16, seed: u64, load: u16) -> Self {
        Self { workload, load, checks: Stream::root(seed).domain(Domain::EventId).child(u64::from(workload)) }
    }

    /// The mark of an arrival, by its number from 1.
    pub(crate) fn mark(self, number: u64) -> EventMark {
        let number = number & ((1 << MARK_NUMBER_BITS) - 1);
        let check = self.checks.named("mark").child(number).key() >> (64 - MARK_CHECK_BITS);
        let load = u64::from(self.load) & ((1 << MARK_LOAD_BITS) - 1);
        EventMark::of((((number << MARK_CHECK_BITS) | check) << MARK_LOAD_BITS) | load)
    }

    /// The id of the event of a place.
    pub(crate) fn id(self, entity: u64, step: u32) -> EventId {
        let workload = u128::from(self.workload) & ((1 << WORKLOAD_BITS) - 1);
        // The part that makes a guessed or foreign id stand out.
        let check = self.checks.child(entity).child(u64::from(step)).key() >> (64 - CHECK_BITS);
        let entity = u128::from(entity) & ((1 << ENTITY_BITS) - 1);
        let place = (((workload << ENTITY_BITS) | entity) << STEP_BITS) | u128::from(step);
        EventId((((place << CHECK_BITS) | u128::from(check)) << LOAD_BITS) | u128::from(self.load))
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

impl fmt::Display for EventMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}", self.0)
    }
}

impl FromStr for EventMark {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fine = text.len() == MARK_LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let wrong = || format!("`{text}` is not an event mark: {MARK_LENGTH} hexadecimal digits");
        fine.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(Self).ok_or_else(wrong)
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
        fn a_load_is_told_from_another_and_changes_nothing_else(seed: u64, entity in 0_u64..(1 << 44), step: u32, load: u16) {
            let id = Stamp::new(3, seed, load).id(entity, step);
            prop_assert_eq!(id.origin(), Origin { workload: 3, entity, step });
            prop_assert!(id.belongs_to(seed));
            prop_assert_ne!(id, Stamp::new(3, seed, load ^ 1).id(entity, step));
            prop_assert_eq!(id.without_load(), Stamp::new(3, seed, load ^ 1).id(entity, step).without_load());
        }

        #[test]
        fn a_mark_says_its_arrival(seed: u64, number in 1_u64..(1 << 30), workload in 0_u16..4_096, load: u16) {
            let mark = Stamp::new(workload, seed, load).mark(number);
            let back: EventMark = mark.to_string().parse().unwrap();
            prop_assert_eq!(back, mark);
            prop_assert_eq!(back.number(), number);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _parsed = (text.parse::<EventId>(), text.parse::<EventMark>());
        }
    }

    #[test]
    fn marks_of_neighbours_look_unlike() {
        let stamp = Stamp::new(0, 7, 99);
        let differing: u32 = (1..1_000).map(|n| (stamp.mark(n).0 ^ stamp.mark(n + 1).0).count_ones()).sum();
        let mean = f64::from(differing) / 999.0;
        assert!((20.0..28.0).contains(&mean), "{mean} of 48 bits differ");
    }
}
