//! An event of the commerce contract, read without copying and only as far as the service looks.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::json;

use super::is_topic;

/// One event. All fields are optional here, so that what is missing can be named.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
    #[serde(borrow)]
    event_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

/// Several events in one request.
#[derive(Debug, Deserialize)]
pub(super) struct Batch<'a> {
    #[serde(borrow)]
    pub(super) events: Option<Vec<Event<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    user_id: User<'a>,
    #[serde(borrow, default)]
    event_id: Option<Cow<'a, str>>,
}

/// A user id of whatever type; `Absent` also stands for what counts as absent: null, false, zero and empty values.
#[derive(Debug, Default)]
pub(super) enum User<'a> {
    Text(Cow<'a, str>),
    Number(i64),
    Present,
    #[default]
    Absent,
}

impl<'a> Event<'a> {
    pub(super) fn topic(&self) -> &str {
        self.topic.as_deref().unwrap_or_default()
    }

    pub(super) fn event_type(&self) -> &str {
        self.event_type.as_deref().unwrap_or_default()
    }

    /// The generator's own id, where it sends one.
    pub(super) fn id(&self) -> Option<&str> {
        self.data.as_ref()?.event_id.as_deref()
    }

    pub(super) fn user(&self) -> &User<'a> {
        self.data.as_ref().map_or(&User::Absent, |data| &data.user_id)
    }

    /// The fields that the contract requires and that are not there, as the service lists them.
    pub(super) fn missing_fields(&self, parent: &str) -> Option<serde_json::Value> {
        let fields =
            [("topic", self.topic.is_some()), ("event_type", self.event_type.is_some()), ("data", self.data.is_some())];
        let missing: Vec<_> = fields
            .iter()
            .filter(|(_, there)| !there)
            .map(|(name, _)| json!({"type": "missing", "loc": [parent, name], "msg": "Field required"}))
            .collect();
        (!missing.is_empty()).then(|| missing.into())
    }

    /// Why the service refuses it although its shape is right.
    pub(super) fn objection(&self) -> Option<String> {
        if !is_topic(self.topic()) {
            return Some(format!("Invalid topic: {}", self.topic()));
        }
        match self.user() {
            User::Absent => Some("user_id is required in data".to_owned()),
            User::Text(_) | User::Number(_) | User::Present => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for User<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyUser)
    }
}

struct AnyUser;

impl<'de> Visitor<'de> for AnyUser {
    type Value = User<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a user id")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<User<'de>, E> {
        Ok(if text.is_empty() { User::Absent } else { User::Text(Cow::Borrowed(text)) })
    }

    fn visit_str<E>(self, text: &str) -> Result<User<'de>, E> {
        Ok(if text.is_empty() { User::Absent } else { User::Text(Cow::Owned(text.to_owned())) })
    }

    fn visit_i64<E>(self, number: i64) -> Result<User<'de>, E> {
        Ok(if number == 0 { User::Absent } else { User::Number(number) })
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<User<'de>, E> {
        // Beyond i64 two users may share a key: a count, not an identity.
        self.visit_i64(number as i64)
    }

    fn visit_f64<E>(self, number: f64) -> Result<User<'de>, E> {
        Ok(if number == 0.0 { User::Absent } else { User::Number(number.to_bits() as i64) })
    }

    fn visit_bool<E>(self, value: bool) -> Result<User<'de>, E> {
        Ok(if value { User::Present } else { User::Absent })
    }

    fn visit_unit<E>(self) -> Result<User<'de>, E> {
        Ok(User::Absent)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<User<'de>, A::Error> {
        let mut user = User::Absent;
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            user = User::Present;
        }
        Ok(user)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<User<'de>, A::Error> {
        let mut user = User::Absent;
        while list.next_element::<IgnoredAny>()?.is_some() {
            user = User::Present;
        }
        Ok(user)
    }
}
