//! How numbers, text, lists and maps are read.

use std::collections::BTreeMap;
use std::str::FromStr;

use indexmap::IndexMap;

use super::{Readable, Reader, Step};
use crate::tree::{Entry, Node, Value};

impl Reader<'_> {
    fn whole(&mut self, node: &Node, least: i64, most: u64) -> Option<i64> {
        let number = match &node.value {
            Value::Int(number) => *number,
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 9.0e15 => *number as i64,
            Value::Float(number) => {
                let hint = "write it without a point or an exponent, below 9,000,000,000,000,000".to_owned();
                self.wrong(node.mark, format!("must be a whole number, not {number:?}"), Some(hint));
                return None;
            }
            Value::Null | Value::Bool(_) | Value::String(_) | Value::List(_) | Value::Map(_) => {
                self.unfit(node, "a whole number", None);
                return None;
            }
        };
        let why = match u64::try_from(number) {
            Ok(number) if number > most => "is too large",
            Err(_) if number < least => "must not be negative",
            Ok(_) | Err(_) => return Some(number),
        };
        self.wrong(node.mark, format!("{number} {why}"), None);
        None
    }

    fn number(&mut self, node: &Node) -> Option<f64> {
        let number = node.as_f64();
        if number.is_none() {
            self.unfit(node, "a number", None);
        }
        number
    }

    fn text(&mut self, node: &Node) -> Option<String> {
        let hint = match &node.value {
            Value::String(text) => return Some(text.clone()),
            // A name may be a number; any other scalar may be read in two ways and needs quotes.
            Value::Int(number) => return Some(number.to_string()),
            Value::Float(_) | Value::Bool(_) | Value::Null => Some("write it in quotes".to_owned()),
            Value::List(_) | Value::Map(_) => None,
        };
        self.unfit(node, "text", hint);
        None
    }

    /// Reads a value from a string in its own notation, or from a bare number as if it were written out.
    pub(crate) fn written<T: FromStr<Err = String>>(&mut self, node: &Node) -> Option<T> {
        let read = match &node.value {
            Value::String(text) => text.parse(),
            Value::Int(number) => number.to_string().parse(),
            Value::Float(number) => number.to_string().parse(),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
                Err("must be a number with its unit".to_owned())
            }
        };
        read.map_err(|error| self.notation(node, error)).ok()
    }

    /// Notations say `what is wrong; what to write`.
    fn notation(&mut self, node: &Node, error: String) {
        match error.split_once("; ") {
            Some((what, hint)) => self.wrong(node.mark, what.to_owned(), Some(hint.to_owned())),
            None => self.wrong(node.mark, error, None),
        }
    }
}

impl<'t> Reader<'t> {
    /// The items of a list that must have so many.
    fn tuple(&mut self, node: &'t Node, length: usize, wanted: &str) -> Option<&'t [Node]> {
        let items = self.items(node)?;
        if items.len() != length {
            self.wrong(node.mark, format!("has {} items, must be {wanted}", items.len()), None);
            return None;
        }
        Some(items)
    }

    /// Reads what can be read of a map's entries.
    fn each<T: Readable>(&mut self, node: &'t Node, mut found: impl FnMut(&mut Self, &'t Entry, T)) -> Option<()> {
        for entry in self.entries(node)? {
            if let Some(value) = self.inside(Step::Key(&entry.key), &entry.node) {
                found(self, entry, value);
            }
        }
        Some(())
    }
}

macro_rules! whole_numbers {
    ($($type:ident)*) => {
        $(impl Readable for $type {
            fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
                reader.whole(node, $type::MIN as i64, $type::MAX as u64).map(|number| number as $type)
            }
        })*
    };
}

whole_numbers! { i64 u8 u16 u32 u64 }

impl Readable for f64 {
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
        reader.number(node)
    }
}

impl Readable for bool {
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
        if let Value::Bool(value) = &node.value {
            return Some(*value);
        }
        reader.unfit(node, "true or false", None);
        None
    }
}

impl Readable for String {
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
        reader.text(node)
    }
}

impl Readable for Node {
    fn read<'t>(node: &'t Node, _reader: &mut Reader<'t>) -> Option<Self> {
        Some(node.clone())
    }
}

impl<T: Readable> Readable for Box<T> {
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
        T::read(node, reader).map(Box::new)
    }
}

impl<T: Readable> Readable for Option<T> {
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
        match &node.value {
            Value::Null => Some(None),
            _ => T::read(node, reader).map(Some),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Readable> Readable for Vec<T> {
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
        let items = reader.items(node)?;
        Some(items.iter().enumerate().filter_map(|(index, item)| reader.inside(Step::Index(index), item)).collect())
    }
}

impl<T: Readable> Readable for IndexMap<String, T> {
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
        let mut map = Self::new();
        reader.each(node, |_reader, entry, value| {
            map.insert(entry.key.clone(), value);
        })?;
        Some(map)
    }
}

impl<K: Readable + Ord, T: Readable> Readable for BTreeMap<K, T> {
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
        let mut map = Self::new();
        reader.each(node, |reader, entry, value| {
            if let Some(key) = reader.key(entry) {
                map.insert(key, value);
            }
        })?;
        Some(map)
    }
}

impl<A: Readable, B: Readable> Readable for (A, B) {
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
        let items = reader.tuple(node, 2, "a list of two")?;
        let first = reader.inside(Step::Index(0), &items[0]);
        let second = reader.inside(Step::Index(1), &items[1]);
        Some((first?, second?))
    }
}

impl<A: Readable, B: Readable, C: Readable> Readable for (A, B, C) {
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
        let items = reader.tuple(node, 3, "a list of three")?;
        let first = reader.inside(Step::Index(0), &items[0]);
        let second = reader.inside(Step::Index(1), &items[1]);
        let third = reader.inside(Step::Index(2), &items[2]);
        Some((first?, second?, third?))
    }
}
