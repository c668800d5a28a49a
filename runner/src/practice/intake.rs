//! Events as they come in, whatever the contract: what was seen of each, what speaks against it, what became of it.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::json;
use std::fmt;

use crate::fingerprint::{Lens, Seen};

/// Fields that every contract looks at, by the number that lenses know them by.
pub(super) const EVENT_TYPE: u8 = 0;
pub(super) const USER: u8 = 1;

/// The events of one request.
#[derive(Debug, Default)]
pub(super) struct Intake<'a> {
    pub(super) events: Vec<Arrival<'a>>,
    /// Whether the request could carry several.
    pub(super) batch: bool,
    /// Why nothing of it is taken, with the status that says so and how many events that concerns.
    pub(super) refusal: Option<Refusal>,
}

/// Why a request is refused as a whole.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) body: serde_json::Value,
    pub(super) events: u64,
    /// Whether it was no JSON at all.
    pub(super) unreadable: bool,
}

/// One event.
#[derive(Debug)]
pub(super) struct Arrival<'a> {
    pub(super) seen: Seen<'a>,
    /// Its bytes, where the contract keeps them.
    pub(super) raw: Option<&'a [u8]>,
    /// Why the contract does not take it.
    pub(super) objection: Option<String>,
}

/// What became of an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// It was taken; events taken are numbered.
    Taken(u64),
    /// It had come before, and is acknowledged.
    Known,
    /// It had come before, and is refused for that.
    Conflict,
    /// It is refused.
    Refused(String),
}

impl Refusal {
    /// A refusal in the words of the web framework that most of the services are built on.
    pub(super) fn detail(status: u16, detail: serde_json::Value, events: u64) -> Self {
        Self { status, body: json!({ "detail": detail }), events, unreadable: false }
    }

    /// The body is not the JSON that it should be.
    pub(super) fn unreadable(error: &serde_json::Error) -> Self {
        let unreadable = error.is_syntax() || error.is_eof();
        let detail = json!([{"type": "json_invalid", "loc": ["body", error.column()], "msg": "JSON decode error", "ctx": {"error": error.to_string()}}]);
        Self { unreadable, ..Self::detail(422, detail, 1) }
    }
}

impl<'a> Intake<'a> {
    /// One event.
    pub(super) fn single(seen: Seen<'a>) -> Self {
        Self { events: vec![Arrival { seen, raw: None, objection: None }], batch: false, refusal: None }
    }

    /// Several events.
    pub(super) fn batch(events: Vec<Seen<'a>>) -> Self {
        let events = events.into_iter().map(|seen| Arrival { seen, raw: None, objection: None }).collect();
        Self { events, batch: true, refusal: None }
    }

    /// Nothing of it is taken.
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), ..Self::default() }
    }

    /// How many events it stands for; what cannot be read counts as one.
    pub(super) fn count(&self) -> u64 {
        self.refusal.as_ref().map_or(self.events.len() as u64, |refusal| refusal.events)
    }
}

/// Reads `{"events": [...]}`; none when there are no such events.
///
/// # Errors
///
/// It is not JSON, or not an object.
pub(super) fn read_events<'a>(lens: &Lens, body: &'a [u8]) -> Result<Option<Vec<Seen<'a>>>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let events = Batch { lens }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(events)
}

/// An object with events in it.
struct Batch<'l> {
    lens: &'l Lens,
}

impl<'de> DeserializeSeed<'de> for Batch<'_> {
    type Value = Option<Vec<Seen<'de>>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Batch<'_> {
    type Value = Option<Vec<Seen<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with events")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut events = None;
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if name == "events" {
                events = Some(map.next_value_seed(List { lens: self.lens })?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(events)
    }
}

/// A list of events.
pub(super) struct List<'l> {
    pub(super) lens: &'l Lens,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<Seen<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Vec<Seen<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut events = Vec::with_capacity(list.size_hint().unwrap_or(16));
        while let Some(seen) = list.next_element_seed(self.lens.event())? {
            events.push(seen);
        }
        Ok(events)
    }
}
