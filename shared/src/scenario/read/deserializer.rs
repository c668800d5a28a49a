//! A serde deserializer over a [`Node`] tree that knows at each moment where it is.

mod pieces;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use crate::scenario::document::{Entry, Mark, NODE, Node, Value};
use crate::scenario::nearest;

use super::{ReadError, Segment, is_cut};
use pieces::NodePieces;

/// Reads one node.
pub(super) struct NodeDeserializer<'t> {
    node: &'t Node,
    root: bool,
}

impl<'t> NodeDeserializer<'t> {
    /// Starts at the top of a tree.
    pub(super) fn new(node: &'t Node) -> Self {
        Self { node, root: true }
    }

    /// Goes on below the top.
    pub(super) fn inner(node: &'t Node) -> Self {
        Self { node, root: false }
    }

    /// Adds the place to an error of this node, and turns its path around where the tree ends.
    fn placed<T>(&self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        result.map_err(|error| {
            let error = error.at(self.node.mark);
            if self.root { error.arrived() } else { error }
        })
    }

    fn wrong(&self, wanted: &str) -> ReadError {
        let error = ReadError::new(format!("must be {wanted}, not {}", self.node.kind()));
        match (&self.node.value, wanted) {
            (Value::Float(_) | Value::Bool(_) | Value::Null, "text") => {
                error.with_hint(Some("write it in quotes".to_owned()))
            }
            _ => error,
        }
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V, wanted: &str) -> Result<V::Value, ReadError> {
        let result = match &self.node.value {
            Value::Int(number) if *number >= 0 => visitor.visit_u64(number.unsigned_abs()),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 9.0e15 => visitor.visit_i64(*number as i64),
            Value::Float(number) => {
                let error = ReadError::new(format!("must be {wanted}, not {number:?}"));
                Err(error
                    .with_hint(Some("write it without a point or an exponent, below 9,000,000,000,000,000".to_owned())))
            }
            _ => Err(self.wrong(wanted)),
        };
        self.placed(result)
    }

    fn text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.value {
            Value::String(text) => visitor.visit_str(text),
            // A name may be a number; any other scalar may be read in two ways and needs quotes.
            Value::Int(number) => visitor.visit_string(number.to_string()),
            _ => Err(self.wrong("text")),
        };
        self.placed(result)
    }

    fn list<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::List(items) => visitor.visit_seq(Items { items: items.iter(), index: 0 }),
            _ => Err(self.wrong("a list")),
        }
    }

    /// Reads a map. A field that lacks only since its value was cut out before is no news.
    fn map<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, ReadError> {
        let Value::Map(entries) = &self.node.value else {
            return Err(self.wrong("a map"));
        };
        visitor.visit_map(Fields { entries: entries.iter(), current: None }).map_err(|mut error| {
            if error.path.is_empty()
                && let Some(field) = error.missing.take()
            {
                error.echo = entries.iter().any(|entry| entry.key == field && is_cut(&entry.node));
            }
            error
        })
    }
}

macro_rules! whole_numbers {
    ($($name:ident)*) => {
        $(fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            self.number(visitor, "a whole number")
        })*
    };
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = ReadError;

    whole_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::String(text) => visitor.visit_str(text),
            Value::List(_) => self.list(visitor),
            Value::Map(_) => self.map(visitor),
        };
        self.placed(result)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            _ => Err(self.wrong("true or false")),
        };
        self.placed(result)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.value {
            Value::Int(number) => visitor.visit_f64(*number as f64),
            Value::Float(number) => visitor.visit_f64(*number),
            _ => Err(self.wrong("a number")),
        };
        self.placed(result)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.text(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.text(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.text(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.value {
            Value::Null => visitor.visit_unit(),
            _ => Err(self.wrong("nothing")),
        };
        self.placed(result)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == NODE {
            return visitor.visit_seq(NodePieces::new(self.node));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = self.list(visitor);
        self.placed(result)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, ReadError> {
        // A tuple without one of its items is no tuple: an error inside costs the whole.
        let result = self.list(visitor).map_err(|mut error| {
            error.cut = error.path.len();
            error
        });
        self.placed(result)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = self.map(visitor);
        self.placed(result)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let result = match &self.node.value {
            Value::String(text) => visitor.visit_enum(Choice { name: text.clone(), mark: self.node.mark, entry: None }),
            Value::Int(number) => {
                visitor.visit_enum(Choice { name: number.to_string(), mark: self.node.mark, entry: None })
            }
            Value::Map(entries) => match entries.as_slice() {
                [entry] if is_cut(&entry.node) => {
                    let mut error = ReadError::new("cut");
                    error.echo = true;
                    Err(error)
                }
                [entry] => {
                    visitor.visit_enum(Choice { name: entry.key.clone(), mark: entry.key_mark, entry: Some(entry) })
                }
                _ => Err(ReadError::new(format!("must have exactly one key, has {}", entries.len()))
                    .with_hint(Some(format!("write {}", nearest::one_of(variants))))),
            },
            _ => Err(self
                .wrong("a name, or a map with one key")
                .with_hint(Some(format!("write {}", nearest::one_of(variants))))),
        };
        self.placed(result)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.text(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }
}

/// The items of a list.
struct Items<'t> {
    items: std::slice::Iter<'t, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        for item in self.items.by_ref() {
            let index = self.index;
            self.index += 1;
            if !is_cut(item) {
                return seed
                    .deserialize(NodeDeserializer::inner(item))
                    .map(Some)
                    .map_err(|error| error.inside(Segment::Index(index)));
            }
        }
        Ok(None)
    }
}

/// The entries of a map.
struct Fields<'t> {
    entries: std::slice::Iter<'t, Entry>,
    current: Option<&'t Entry>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        for entry in self.entries.by_ref() {
            if !is_cut(&entry.node) {
                self.current = Some(entry);
                let key: StrDeserializer<'_, ReadError> = entry.key.as_str().into_deserializer();
                return seed
                    .deserialize(key)
                    .map(Some)
                    .map_err(|error| error.at(entry.key_mark).inside(Segment::Key(entry.key.clone())));
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some(entry) = self.current.take() else {
            return Err(ReadError::new("a value without a key"));
        };
        seed.deserialize(NodeDeserializer::inner(&entry.node))
            .map_err(|error| error.inside(Segment::Key(entry.key.clone())))
    }
}

/// A variant of an enum: a name alone, or a map with that one key.
struct Choice<'t> {
    name: String,
    mark: Mark,
    entry: Option<&'t Entry>,
}

impl<'t, 'de> EnumAccess<'de> for Choice<'t> {
    type Error = ReadError;
    type Variant = Content<'t>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'t>), ReadError> {
        let name: StrDeserializer<'_, ReadError> = self.name.as_str().into_deserializer();
        match seed.deserialize(name) {
            Ok(variant) => Ok((variant, Content { name: self.name, mark: self.mark, entry: self.entry })),
            Err(error) => {
                let mut error = error.at(self.mark);
                if self.entry.is_some() {
                    error = error.inside(Segment::Key(self.name));
                    error.cut = 1;
                }
                Err(error)
            }
        }
    }
}

/// What a variant holds.
struct Content<'t> {
    name: String,
    mark: Mark,
    entry: Option<&'t Entry>,
}

impl Content<'_> {
    fn held<T>(
        self,
        read: impl FnOnce(NodeDeserializer<'_>) -> Result<T, ReadError>,
        example: &str,
    ) -> Result<T, ReadError> {
        match self.entry {
            Some(entry) => read(NodeDeserializer::inner(&entry.node))
                .map_err(|error| error.inside(Segment::Key(entry.key.clone()))),
            None => Err(ReadError::new(format!("`{}` needs a value", self.name))
                .with_hint(Some(format!("write {{{}: {example}}}", self.name)))
                .at(self.mark)),
        }
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        match self.entry {
            None => Ok(()),
            Some(entry) => match &entry.node.value {
                Value::Null => Ok(()),
                Value::Map(entries) if entries.is_empty() => Ok(()),
                _ => Err(ReadError::new(format!("`{}` takes no value", self.name))
                    .with_hint(Some(format!("write `{}` alone", self.name)))
                    .at(entry.node.mark)),
            },
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        self.held(|node| seed.deserialize(node), "...")
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.held(|node| node.deserialize_tuple(length, visitor), "[...]")
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let example = fields.first().map_or("{...}".to_owned(), |field| format!("{{{field}: ...}}"));
        self.held(|node| node.deserialize_map(visitor), &example)
    }
}
