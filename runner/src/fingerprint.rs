//! What identifies an event on its way and at its goal: a key and a digest of its JSON, found in one pass without
//! building a tree, and the same however the JSON is written (order of members, spaces, escapes, `1` or `1.0`).

mod walk;

use std::borrow::Cow;

use serde::de::DeserializeSeed as _;
use shared::event_id::EventId;

pub use walk::Walk;

/// Places where an event's id is looked for, in this order, unless told otherwise.
pub const USUAL_IDS: [&str; 4] = ["event_id", "data.event_id", "message_id", "data.message_id"];
/// Marks a key that is a hash: an id of our own never has this bit.
const HASHED: u128 = 1 << 127;
/// Length of an id of our own.
const OWN_ID: usize = 26;

/// What stands for an event's identity: an id of our own as it is, any other id or a content as a hash of 64 bits.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key(pub u128);

impl Key {
    /// The key of an id's text.
    pub fn of_id(text: &str) -> Self {
        if text.len() == OWN_ID
            && let Ok(id) = text.parse::<EventId>()
            && id.0 & HASHED == 0
        {
            return Self(id.0);
        }
        Self(HASHED | u128::from(hash(ID_SEED, text.as_bytes())))
    }

    /// The key of an event that carries no id: its content.
    pub fn of_content(digest: u64) -> Self {
        Self(HASHED | u128::from(digest))
    }

    /// The id of our own that it is, if it is one.
    pub fn event_id(self) -> Option<EventId> {
        (self.0 & HASHED == 0).then_some(EventId(self.0))
    }

    /// Its low bits, well mixed: for tables and partitions.
    pub fn mixed(self) -> u64 {
        mix(self.0 as u64 ^ mix((self.0 >> 64) as u64))
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.event_id() {
            Some(id) => id.fmt(f),
            None => write!(f, "#{:016x}", self.0 as u64),
        }
    }
}

/// An event's identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fingerprint {
    /// What it is recognised by.
    pub key: Key,
    /// What it says.
    pub digest: u64,
    /// Whether the key is its content, since it carries no id.
    pub by_content: bool,
}

/// A value found on the way, as far as anybody asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Nothing.
    Null,
    /// An object, and whether it has members.
    Object(bool),
    /// A list, and whether it has items.
    List(bool),
}

impl Scalar<'_> {
    /// The text that it is.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// What identifies something: a text as it is, a whole number in digits.
    pub fn identity(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            Self::Text(_) | Self::Float(_) | Self::Bool(_) | Self::Null | Self::Object(_) | Self::List(_) => None,
        }
    }

    /// Whether it counts as there: not null, false, zero or empty.
    pub fn is_present(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Bool(value) | Self::Object(value) | Self::List(value) => *value,
            Self::Null => false,
        }
    }
}

/// What a place in an event is looked at for. Several places may have the same role: the first that is there counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// The event's id.
    Id,
    /// The field of this number.
    Field(u8),
    /// The part whose content counts, instead of the whole event.
    Body,
    /// A part whose content does not count.
    Ignored,
}

/// Most fields that are kept beside the id.
pub const FIELDS: usize = 12;
/// Most places that are looked at.
const MOST_PLACES: usize = 32;

/// What to look for in events.
#[derive(Clone, Debug)]
pub struct Lens {
    places: Vec<(Vec<String>, Role)>,
    has_body: bool,
}

/// What was found in an event.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    id: Option<(usize, Scalar<'a>)>,
    fields: [Option<(usize, Scalar<'a>)>; FIELDS],
    body: Option<u64>,
    /// Digest of what counts.
    pub digest: u64,
}

impl<'a> Seen<'a> {
    /// The id, where there is one.
    pub fn id(&self) -> Option<Cow<'_, str>> {
        self.id.as_ref().and_then(|(_, id)| id.identity())
    }

    /// A field by its number.
    pub fn field(&self, number: u8) -> Option<&Scalar<'a>> {
        self.fields.get(usize::from(number))?.as_ref().map(|(_, value)| value)
    }

    /// A field's text by its number.
    pub fn text(&self, number: u8) -> Option<&str> {
        self.field(number)?.text()
    }

    /// The event's identity.
    pub fn fingerprint(&self) -> Fingerprint {
        let id = self.id();
        Fingerprint {
            key: id.as_ref().map_or_else(|| Key::of_content(self.digest), |id| Key::of_id(id)),
            digest: self.digest,
            by_content: id.is_none(),
        }
    }
}

impl Default for Lens {
    fn default() -> Self {
        Self::new(USUAL_IDS.map(|path| (path, Role::Id)))
    }
}

impl Lens {
    /// A lens for places as dotted paths; more than 32 of them are not looked at.
    pub fn new<'p>(places: impl IntoIterator<Item = (&'p str, Role)>) -> Self {
        let segments = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        let places: Vec<_> = places.into_iter().take(MOST_PLACES).map(|(path, role)| (segments(path), role)).collect();
        Self { has_body: places.iter().any(|(_, role)| *role == Role::Body), places }
    }

    /// A lens for the id in one place, or in the usual ones, and the part that counts.
    pub fn for_event(id_field: Option<&str>, body_field: Option<&str>, ignored: &[String]) -> Self {
        let ids = id_field.map_or_else(|| USUAL_IDS.to_vec(), |field| vec![field]);
        let ids = ids.into_iter().map(|path| (path, Role::Id));
        let body = body_field.map(|path| (path, Role::Body));
        Self::new(ids.chain(body).chain(ignored.iter().map(|path| (path.as_str(), Role::Ignored))))
    }

    /// Looks at one event.
    ///
    /// # Errors
    ///
    /// It is not JSON.
    pub fn look<'a>(&self, json: &'a [u8]) -> Result<Seen<'a>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let seen = self.event().deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(seen)
    }

    /// A seed that reads one event as a part of something larger.
    pub fn event(&self) -> Walk<'_> {
        Walk::new(self)
    }

    /// What the digest of a whole event comes to.
    fn finish<'a>(&self, mut seen: Seen<'a>, digest: u64) -> Seen<'a> {
        seen.digest = if self.has_body { seen.body.unwrap_or(0) } else { digest };
        seen
    }
}

/// Seeds of the hashes of different things.
const ID_SEED: u64 = 0x1d5e_ed0f_0000_0001;

/// A hash of bytes by folded multiplication (as wyhash does): the same in every process.
pub fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = seed ^ (bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        state = fold(state ^ u64::from_le_bytes(word), 0xa076_1d64_78bd_642f);
    }
    let mut last = [0; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    fold(state ^ u64::from_le_bytes(last), 0xe703_7ed1_a0b4_28db)
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x8ebc_6af0_9c88_c6e3) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// A bijection that spreads every bit (SplitMix64's).
pub fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(json: &str) -> u64 {
        Lens::default().look(json.as_bytes()).unwrap().digest
    }

    #[test]
    fn the_same_content_has_the_same_digest_however_it_is_written() {
        let one = digest(r#"{"a":1,"b":{"c":[1,2.5,"x\n"],"d":null},"e":true}"#);
        assert_eq!(one, digest(r#" { "e" : true, "b": {"c": [1.0, 2.5, "x\u000a"]}, "a": 1.0 } "#));
    }

    #[test]
    fn other_content_has_another_digest() {
        let texts = [
            r#"{"a":1}"#,
            r#"{"a":2}"#,
            r#"{"b":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":[1]}"#,
            r#"{"a":{"a":1}}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"[1,2]"#,
            r#"[2,1]"#,
            r#"[[1],2]"#,
            r#"{"a":true}"#,
            r#"{"a":false}"#,
            r#"{}"#,
            r#"[]"#,
            r#""""#,
            r#"{"a":1.5}"#,
            r#"{"a":-1}"#,
        ];
        let digests: std::collections::BTreeSet<u64> = texts.iter().map(|text| digest(text)).collect();
        assert_eq!(digests.len(), texts.len());
    }

    #[test]
    fn ids_are_found_where_they_usually_are_and_our_own_stay_readable() {
        let own = EventId::new(shared::event_id::Origin { workload: 1, entity: 7, step: 3 }, 42);
        let json = format!(r#"{{"topic":"t","data":{{"event_id":"{own}","n":1}}}}"#);
        let fingerprint = Lens::default().look(json.as_bytes()).unwrap().fingerprint();
        assert_eq!(fingerprint.key.event_id(), Some(own));
        assert_eq!(fingerprint.key.to_string(), own.to_string());
        let other = Lens::default().look(br#"{"event_id":"evt_1_aa"}"#).unwrap().fingerprint();
        assert!(other.key.event_id().is_none() && !other.by_content);
        let none = Lens::default().look(br#"{"n":1}"#).unwrap().fingerprint();
        assert!(none.by_content);
        // Of two places the first of the list counts, wherever it stands in the text.
        let both = Lens::default().look(br#"{"data":{"event_id":"b"},"event_id":"a"}"#).unwrap();
        assert_eq!(both.id().as_deref(), Some("a"));
    }

    #[test]
    fn only_the_part_that_counts_counts() {
        let lens = Lens::for_event(Some("data.event_id"), Some("data"), &["data.received".to_owned()]);
        let one = lens.look(br#"{"data":{"event_id":"a","n":1},"server":1}"#).unwrap();
        let two = lens.look(br#"{"server":2,"data":{"received":"now","n":1,"event_id":"a"}}"#).unwrap();
        assert_eq!(one.fingerprint(), two.fingerprint());
        assert!(lens.look(b"{\"data\":").is_err() && lens.look(b"{} {}").is_err());
    }
}
