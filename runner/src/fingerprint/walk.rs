//! The pass over an event's JSON.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Lens, Role, Scalar, Seen, fold, hash, mix};

/// What tells kinds of values apart.
const NULL: u64 = 0x6e75_6c6c_0000_0001;
const TRUE: u64 = 0x7472_7565_0000_0003;
const FALSE: u64 = 0x6661_6c73_0000_0005;
const TEXT: u64 = 0x7465_7874_0000_0007;
const INT: u64 = 0x696e_7400_0000_000b;
const FLOAT: u64 = 0x666c_6f61_0000_000d;
const LIST: u64 = 0x6c69_7374_0000_0011;
const OBJECT: u64 = 0x6f62_6a65_0000_0013;
const MEMBER: u64 = 0x6d65_6d62_0000_0017;
/// Whole numbers up to here are the same as a float and as an integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads one event; gives what a lens sees in it.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'l> {
    lens: &'l Lens,
}

impl<'l> Walk<'l> {
    pub(super) fn new(lens: &'l Lens) -> Self {
        Self { lens }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Seen<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Seen<'de>, D::Error> {
        let mut seen = Seen { id: None, fields: Default::default(), body: None, digest: 0 };
        let live = u32::MAX.checked_shr(32 - self.lens.places.len() as u32).unwrap_or(0);
        let value = Value { lens: self.lens, seen: &mut seen, live, depth: 0 };
        let digest = value.deserialize(deserializer)?.digest;
        Ok(self.lens.finish(seen, digest))
    }
}

/// A value inside an event: places that may lie in it as bits, and how deep it lies itself.
struct Value<'l, 's, 'de> {
    lens: &'l Lens,
    seen: &'s mut Seen<'de>,
    live: u32,
    depth: usize,
}

/// What a value comes to.
struct Found<'de> {
    digest: u64,
    scalar: Scalar<'de>,
}

impl<'de> Value<'_, '_, 'de> {
    /// Notes a value for the places in `here` that it is at; gives the digest that it adds to its object.
    fn note(&mut self, here: u32, found: Found<'de>) -> Option<u64> {
        let mut digest = (!matches!(found.scalar, Scalar::Null)).then_some(found.digest);
        let mut left = here;
        while left != 0 {
            let place = left.trailing_zeros() as usize;
            left &= left - 1;
            let slot = match self.lens.places.get(place).map(|(_, role)| *role) {
                Some(Role::Id) => &mut self.seen.id,
                Some(Role::Field(number)) => match self.seen.fields.get_mut(usize::from(number)) {
                    Some(slot) => slot,
                    None => continue,
                },
                Some(Role::Body) => {
                    self.seen.body = Some(found.digest);
                    continue;
                }
                Some(Role::Ignored) => {
                    digest = None;
                    continue;
                }
                None => continue,
            };
            if slot.as_ref().is_none_or(|(earlier, _)| place < *earlier) {
                *slot = Some((place, found.scalar.clone()));
            }
        }
        digest
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_, 'de> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn found(digest: u64, scalar: Scalar<'_>) -> Found<'_> {
    Found { digest, scalar }
}

impl<'de> Visitor<'de> for Value<'_, '_, 'de> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Found<'de>, E> {
        Ok(found(NULL, Scalar::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Found<'de>, E> {
        Ok(found(if value { TRUE } else { FALSE }, Scalar::Bool(value)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Found<'de>, E> {
        Ok(found(fold(INT, mix(number as u64 ^ INT)), Scalar::Int(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Found<'de>, E> {
        let scalar = i64::try_from(number).map_or(Scalar::Float(number as f64), Scalar::Int);
        Ok(found(fold(INT, mix(number ^ INT)), scalar))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Found<'de>, E> {
        if number.trunc() == number && number.abs() < EXACT {
            let whole = number as i64;
            return Ok(found(fold(INT, mix(whole as u64 ^ INT)), Scalar::Int(whole)));
        }
        Ok(found(fold(FLOAT, mix(number.to_bits())), Scalar::Float(number)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Found<'de>, E> {
        Ok(found(hash(TEXT, text.as_bytes()), Scalar::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Found<'de>, E> {
        // Copied only where somebody asked for something below here: most texts with escapes are of no interest.
        let kept = if self.live == 0 { Cow::Borrowed("") } else { Cow::Owned(text.to_owned()) };
        Ok(found(hash(TEXT, text.as_bytes()), Scalar::Text(kept)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found<'de>, A::Error> {
        let (mut digest, mut any) = (LIST, false);
        while let Some(item) =
            list.next_element_seed(Value { lens: self.lens, seen: &mut *self.seen, live: 0, depth: self.depth })?
        {
            digest = fold(digest ^ item.digest, 0xa076_1d64_78bd_642f);
            any = true;
        }
        Ok(found(fold(digest, LIST), Scalar::List(any)))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Found<'de>, A::Error> {
        let (mut digest, mut any) = (0_u64, false);
        while let Some(name) = map.next_key_seed(Name)? {
            any = true;
            let (mut live, mut here) = (0_u32, 0_u32);
            let mut left = self.live;
            while left != 0 {
                let place = left.trailing_zeros() as usize;
                left &= left - 1;
                let Some((segments, _)) = self.lens.places.get(place) else { continue };
                if segments.get(self.depth).is_some_and(|segment| *segment == name) {
                    let bit = 1 << place;
                    if segments.len() == self.depth + 1 { here |= bit } else { live |= bit }
                }
            }
            let below = Value { lens: self.lens, seen: &mut *self.seen, live: live | here, depth: self.depth + 1 };
            let value = map.next_value_seed(below)?;
            let member = hash(MEMBER, name.as_bytes());
            if let Some(value) = self.note(here, value) {
                // A sum, so that the order of members does not matter.
                digest = digest.wrapping_add(fold(member, mix(value)));
            }
        }
        Ok(found(fold(OBJECT, mix(digest)), Scalar::Object(any)))
    }
}

/// A member's name, borrowed where the text allows it.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
