//! How a [`Node`] travels through serde without losing its marks: as a sequence of pieces.

use serde::de::value::UnitDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, SeqAccess, Visitor};

use crate::scenario::document::{Entry, Mark, Node, Value};

use super::NodeDeserializer;
use crate::scenario::read::{ReadError, is_cut};

/// A node as the sequence that [`Node`]'s visitor reads: five numbers of its mark, its kind, its payload.
pub(super) struct NodePieces<'t> {
    node: &'t Node,
    next: u8,
}

impl<'t> NodePieces<'t> {
    /// The pieces of a node.
    pub(super) fn new(node: &'t Node) -> Self {
        Self { node, next: 0 }
    }
}

impl<'de> SeqAccess<'de> for NodePieces<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let piece = self.next;
        self.next += 1;
        let mark = self.node.mark;
        match piece {
            0..=4 => mark_piece(&mark, piece, seed).map(Some),
            5 => {
                let kind: u8 = match &self.node.value {
                    Value::Null => 0,
                    Value::Bool(_) => 1,
                    Value::Int(_) => 2,
                    Value::Float(_) => 3,
                    Value::String(_) => 4,
                    Value::List(_) => 5,
                    Value::Map(_) => 6,
                };
                seed.deserialize(kind.into_deserializer()).map(Some)
            }
            6 => match &self.node.value {
                Value::Null => seed.deserialize(UnitDeserializer::new()).map(Some),
                Value::Bool(value) => seed.deserialize(value.into_deserializer()).map(Some),
                Value::Int(number) => seed.deserialize(number.into_deserializer()).map(Some),
                Value::Float(number) => seed.deserialize(number.into_deserializer()).map(Some),
                Value::String(text) => seed.deserialize(text.as_str().into_deserializer()).map(Some),
                Value::List(_) => seed.deserialize(NodeDeserializer::inner(self.node)).map(Some),
                Value::Map(entries) => {
                    seed.deserialize(EntryPieces { entries: entries.iter(), current: None, next: 0 }).map(Some)
                }
            },
            _ => Ok(None),
        }
    }
}

fn mark_piece<'de, T: DeserializeSeed<'de>>(mark: &Mark, piece: u8, seed: T) -> Result<T::Value, ReadError> {
    let number = match piece {
        0 => u32::from(mark.source),
        1 => mark.line,
        2 => mark.column,
        3 => mark.start,
        _ => mark.end,
    };
    seed.deserialize(number.into_deserializer())
}

/// The entries of a marked map, one after the other: key, five numbers of the key's mark, node.
struct EntryPieces<'t> {
    entries: std::slice::Iter<'t, Entry>,
    current: Option<&'t Entry>,
    next: u8,
}

impl<'de> Deserializer<'de> for EntryPieces<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_seq(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for EntryPieces<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        if self.next == 0 {
            self.current = self.entries.find(|entry| !is_cut(&entry.node));
        }
        let Some(entry) = self.current else {
            return Ok(None);
        };
        let piece = self.next;
        self.next = if piece == 6 { 0 } else { piece + 1 };
        match piece {
            0 => seed.deserialize(entry.key.as_str().into_deserializer()).map(Some),
            1..=5 => mark_piece(&entry.key_mark, piece - 1, seed).map(Some),
            _ => seed.deserialize(NodeDeserializer::inner(&entry.node)).map(Some),
        }
    }
}
