//! What expressions evaluate to: small values that are copied, texts and lists by reference into two arenas.

use crate::generate::clock::TimeFormat;
use crate::units::{EpochMicros, Nanos};

/// Which arena a span lies in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// What the program brings along; the same for all events.
    Constant,
    /// The same, and no byte of it needs an escape in JSON.
    Clean,
    /// What was made for the event at hand.
    Scratch,
}

/// A run of bytes or values in an arena.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Span {
    /// The arena.
    pub place: Place,
    /// Where it starts.
    pub start: u32,
    /// How long it is.
    pub len: u32,
}

/// A name of a field, as a number.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Symbol(pub u32);

/// A value of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Nothing, written `null`.
    Null,
    /// Nothing, and the field with it.
    Omit,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A number with so many digits after the point: `units / 10^digits`.
    Decimal(i64, u8),
    /// Text that the binary brings along.
    Static(&'static str),
    /// Text in an arena.
    Text(Span),
    /// A UUID: high and low half.
    Uuid(u64, u64),
    /// An event's decodable id: high and low half.
    EventId(u64, u64),
    /// The low bits as so many hexadecimal digits.
    Hex(u64, u8),
    /// A moment and how to write it.
    Moment(EpochMicros, TimeFormat),
    /// A span of time in microseconds.
    Duration(i64),
    /// A list of values.
    List(Span),
    /// A record: its values in the order of the fields of a shape.
    Record {
        /// Which fields it has.
        shape: u32,
        /// Its values.
        values: Span,
    },
    /// A list in the user's state.
    StateList(u16),
    /// An item of a list in the user's state.
    StateItem(u16, u32),
    /// One field of every item of a list in the user's state.
    StateColumn(u16, u16),
}

impl Value {
    /// The number that it is.
    pub fn as_f64(self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(number as f64),
            Self::Float(number) => Some(number),
            Self::Decimal(units, digits) => Some(units as f64 / power_of_ten(digits)),
            Self::Duration(micros) => Some(micros as f64 / 1e6),
            Self::Moment(moment, format) => Some(format.number(moment).unwrap_or(moment.0) as f64),
            Self::Null
            | Self::Omit
            | Self::Bool(_)
            | Self::Static(_)
            | Self::Text(_)
            | Self::Uuid(..)
            | Self::EventId(..)
            | Self::Hex(..)
            | Self::List(_)
            | Self::Record { .. }
            | Self::StateList(_)
            | Self::StateItem(..)
            | Self::StateColumn(..) => None,
        }
    }

    /// The whole number that it is, fractions cut off.
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(number),
            other => other.as_f64().map(|number| number as i64),
        }
    }

    /// The value as a span: seconds where it is a plain number; what is no span or below zero takes no time.
    pub fn as_span(self) -> Nanos {
        match self {
            Self::Duration(micros) => Nanos(u64::try_from(micros).unwrap_or(0).saturating_mul(1_000)),
            other => Nanos::from_secs_f64(other.as_f64().unwrap_or(0.0).clamp(0.0, 1e9)),
        }
    }

    /// Whether it counts as true: anything but false, nothing and zero.
    pub fn is_true(self) -> bool {
        match self {
            Self::Bool(value) => value,
            Self::Null | Self::Omit => false,
            Self::Int(number) => number != 0,
            other => other.as_f64().is_none_or(|number| number != 0.0),
        }
    }

    /// Whether it is written as text.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Uuid(..) | Self::Hex(..) | Self::EventId(..) | Self::Static(_) | Self::Text(_))
    }

    /// A number of seconds as a span.
    pub(crate) fn into_span(self) -> Self {
        self.as_f64().map_or(self, |seconds| Self::Duration(libm::round(seconds * 1e6) as i64))
    }

    /// The name that triples give to its type.
    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) | Self::Decimal(..) | Self::Duration(_) => "float",
            Self::Moment(..) => "timestamp",
            Self::Null
            | Self::Omit
            | Self::Static(_)
            | Self::Text(_)
            | Self::Uuid(..)
            | Self::EventId(..)
            | Self::Hex(..)
            | Self::List(_)
            | Self::Record { .. }
            | Self::StateList(_)
            | Self::StateItem(..)
            | Self::StateColumn(..) => "string",
        }
    }

    /// Whether there is nothing there.
    pub fn is_nothing(self) -> bool {
        matches!(self, Self::Null | Self::Omit)
    }
}

/// Ten to the power of so many digits, exactly.
pub(crate) fn power_of_ten(digits: u8) -> f64 {
    const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    POWERS[usize::from(digits.min(15))]
}

/// A number rounded to so many digits after the point: whole when there are none, a decimal when it fits one.
pub(crate) fn rounded(number: f64, digits: u8) -> Value {
    let scaled = libm::round(number * power_of_ten(digits));
    if !scaled.is_finite() {
        return Value::Null;
    }
    if scaled.abs() >= 9.0e15 {
        return Value::Float(number);
    }
    if digits == 0 { Value::Int(scaled as i64) } else { Value::Decimal(scaled as i64, digits.min(15)) }
}

/// A type, as far as it is known before anything is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    /// Not known.
    Any,
    /// Nothing.
    Null,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Text.
    Text,
    /// A moment.
    Moment,
    /// A span of time.
    Duration,
    /// A list of one kind of thing.
    List(Box<Type>),
    /// A record with these fields and no others.
    Record(Vec<(String, Type)>),
}

impl Type {
    /// What it is in words for messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Any => "something",
            Self::Null => "nothing",
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Text => "text",
            Self::Moment => "a moment",
            Self::Duration => "a span of time",
            Self::List(_) => "a list",
            Self::Record(_) => "a record",
        }
    }

    /// Whether it may be a number.
    pub(crate) fn may_be_number(&self) -> bool {
        matches!(self, Self::Any | Self::Int | Self::Float | Self::Duration | Self::Moment | Self::Null)
    }

    /// Whether it may be a list.
    pub(crate) fn may_be_list(&self) -> bool {
        matches!(self, Self::Any | Self::List(_) | Self::Null)
    }

    /// What covers this type and another.
    pub(crate) fn join(self, other: Self) -> Self {
        match (self, other) {
            (left, right) if left == right => left,
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Self::Float,
            (Self::Null, other) | (other, Self::Null) => other,
            (Self::List(left), Self::List(right)) => Self::List(Box::new(left.join(*right))),
            (Self::Record(left), Self::Record(right)) => {
                // Fields of both; a path to one that only some have is still no slip.
                let mut fields = left;
                for (name, kind) in right {
                    match fields.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, known)) => *known = std::mem::replace(known, Self::Any).join(kind),
                        None => fields.push((name, kind)),
                    }
                }
                Self::Record(fields)
            }
            _ => Self::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_small() {
        assert!(size_of::<Value>() <= 24, "{}", size_of::<Value>());
    }

    #[test]
    fn rounding_keeps_what_fits() {
        assert_eq!(rounded(12.345, 2), Value::Decimal(1_235, 2));
        assert_eq!(rounded(12.5, 0), Value::Int(13));
        assert_eq!(rounded(f64::NAN, 2), Value::Null);
        assert_eq!(rounded(1e300, 2), Value::Float(1e300));
        assert_eq!(Value::Decimal(1_235, 2).as_f64(), Some(12.35));
    }

    #[test]
    fn types_join_to_what_covers_both() {
        assert_eq!(Type::Int.join(Type::Float), Type::Float);
        assert_eq!(Type::Null.join(Type::Text), Type::Text);
        assert_eq!(Type::Int.join(Type::Text), Type::Any);
        let left = Type::Record(vec![("a".to_owned(), Type::Int)]);
        let right = Type::Record(vec![("a".to_owned(), Type::Float), ("b".to_owned(), Type::Text)]);
        let both = Type::Record(vec![("a".to_owned(), Type::Float), ("b".to_owned(), Type::Text)]);
        assert_eq!(left.join(right), both);
    }
}
