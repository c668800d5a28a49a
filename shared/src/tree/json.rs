//! Trees from JSON, without what nobody reads and without a long list as a whole: a tree is many times as long as its
//! text, and what WebAssembly once took it never gives back.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Entry, Mark, Node, Value};

/// The tree of a text.
///
/// - `known`: the only entries of the root that are kept, if not all are.
/// - `way`: the keys that lead to a list whose items are handed to `item`, one by one; the tree has it empty.
pub(super) fn tree(
    text: &str,
    known: Option<&[&str]>,
    way: &[&str],
    item: &mut dyn FnMut(Node),
) -> serde_json::Result<Node> {
    let mut json = serde_json::Deserializer::from_str(text);
    let tree = Along { known, way, item }.deserialize(&mut json)?;
    json.end()?;
    Ok(tree)
}

/// A map on the way to the list.
struct Along<'a> {
    known: Option<&'a [&'a str]>,
    way: &'a [&'a str],
    item: &'a mut dyn FnMut(Node),
}

impl<'de> DeserializeSeed<'de> for Along<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Node, D::Error> {
        match (self.known, self.way) {
            (None, []) => Node::deserialize(json),
            _ => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Along<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            if self.known.is_some_and(|known| !known.contains(&key.as_str())) {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            let node = match self.way {
                [last] if *last == key => {
                    entries.next_value_seed(Items { item: &mut *self.item })?;
                    Value::List(Vec::new()).into()
                }
                [first, way @ ..] if *first == key => {
                    entries.next_value_seed(Along { known: None, way, item: &mut *self.item })?
                }
                _ => entries.next_value()?,
            };
            map.push(Entry { key, key_mark: Mark::default(), node });
        }
        Ok(Value::Map(map).into())
    }
}

/// The list itself.
struct Items<'a> {
    item: &'a mut dyn FnMut(Node),
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            (self.item)(item);
        }
        Ok(())
    }
}
