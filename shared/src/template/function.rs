//! The functions of expressions: their names, arguments and results. None of them draws, none has an effect.

use super::value::Type;

/// A function without randomness.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Function {
    /// Items of a list, characters of a text.
    Len,
    /// Sum of a list of numbers.
    Sum,
    /// Smallest of numbers or of a list.
    Min,
    /// Largest of numbers or of a list.
    Max,
    /// Rounded to so many digits, none when left out.
    Round,
    /// Next whole number down.
    Floor,
    /// Next whole number up.
    Ceil,
    /// Without its sign.
    Abs,
    /// Square root.
    Sqrt,
    /// Power.
    Pow,
    /// As a whole number, fractions cut off.
    Whole,
    /// As a number.
    Number,
    /// As text.
    Text,
    /// So many seconds.
    Seconds,
    /// So many minutes.
    Minutes,
    /// So many hours.
    Hours,
    /// So many days.
    Days,
    /// Hour of the day of a moment, in UTC.
    HourOf,
    /// Day of the week of a moment, Monday 0 to Sunday 6, in UTC.
    WeekdayOf,
    /// In lower case, dashes for everything but letters and digits.
    Slug,
    /// As a part of a query: percent-encoded, `+` for a space.
    Url,
    /// Each word with a capital.
    Title,
    /// In capitals.
    Upper,
    /// In small letters.
    Lower,
    /// Whether a text or a list contains something.
    Contains,
    /// Whether a text starts with another.
    StartsWith,
    /// Whether a text ends with another.
    EndsWith,
    /// A text with each occurrence of another replaced.
    Replace,
    /// Characters of a text from one place up to another.
    Slice,
    /// The texts of a list with something between them.
    Join,
    /// Lists one after the other as one list, or texts as one text.
    Concat,
    /// First item of a list.
    First,
    /// Last item of a list.
    Last,
    /// A number with leading zeros, so many digits wide.
    Pad,
    /// The first argument that is something.
    Coalesce,
    /// The second argument where the first holds, else the third.
    If,
    /// A moment in a format.
    Format,
    /// A number that a value always gives, below a bound.
    Hash,
}

/// A function's name, the fewest and the most arguments.
const TABLE: [(&str, Function, usize, usize); 38] = [
    ("len", Function::Len, 1, 1),
    ("sum", Function::Sum, 1, 1),
    ("min", Function::Min, 1, 8),
    ("max", Function::Max, 1, 8),
    ("round", Function::Round, 1, 2),
    ("floor", Function::Floor, 1, 1),
    ("ceil", Function::Ceil, 1, 1),
    ("abs", Function::Abs, 1, 1),
    ("sqrt", Function::Sqrt, 1, 1),
    ("pow", Function::Pow, 2, 2),
    ("int", Function::Whole, 1, 1),
    ("number", Function::Number, 1, 1),
    ("text", Function::Text, 1, 1),
    ("seconds", Function::Seconds, 1, 1),
    ("minutes", Function::Minutes, 1, 1),
    ("hours", Function::Hours, 1, 1),
    ("days", Function::Days, 1, 1),
    ("hour", Function::HourOf, 1, 1),
    ("weekday", Function::WeekdayOf, 1, 1),
    ("slug", Function::Slug, 1, 1),
    ("url", Function::Url, 1, 1),
    ("title", Function::Title, 1, 1),
    ("upper", Function::Upper, 1, 1),
    ("lower", Function::Lower, 1, 1),
    ("contains", Function::Contains, 2, 2),
    ("starts_with", Function::StartsWith, 2, 2),
    ("ends_with", Function::EndsWith, 2, 2),
    ("replace", Function::Replace, 3, 3),
    ("slice", Function::Slice, 2, 3),
    ("join", Function::Join, 1, 2),
    ("concat", Function::Concat, 1, 8),
    ("first", Function::First, 1, 1),
    ("last", Function::Last, 1, 1),
    ("pad", Function::Pad, 2, 2),
    ("coalesce", Function::Coalesce, 1, 8),
    ("if", Function::If, 3, 3),
    ("format", Function::Format, 2, 2),
    ("hash", Function::Hash, 1, 2),
];

impl Function {
    /// The function of a name with its fewest and most arguments.
    pub(crate) fn named(name: &str) -> Option<(Self, usize, usize)> {
        TABLE.iter().find(|(word, ..)| *word == name).map(|(_, function, fewest, most)| (*function, *fewest, *most))
    }

    /// The names of all functions.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
        TABLE.iter().map(|(name, ..)| *name)
    }

    /// The type of its result for arguments of these types; why not, where it takes none of these.
    pub(crate) fn result(self, arguments: &[Type]) -> Result<Type, String> {
        let first = arguments.first().cloned().unwrap_or(Type::Any);
        let number = |index: usize| match arguments.get(index) {
            Some(kind) if !kind.may_be_number() => Err(format!("takes a number, not {}", kind.name())),
            _ => Ok(()),
        };
        let list = || if first.may_be_list() { Ok(()) } else { Err(format!("takes a list, not {}", first.name())) };
        Ok(match self {
            Self::Len => {
                if !first.may_be_list() && first != Type::Text {
                    return Err(format!("takes a list or a text, not {}", first.name()));
                }
                Type::Int
            }
            Self::Sum => {
                list()?;
                if let Type::List(item) = &first
                    && !item.may_be_number()
                {
                    return Err(format!("adds numbers, and the list holds {}", item.name()));
                }
                Type::Float
            }
            Self::Min | Self::Max => match (&first, arguments.len()) {
                (Type::List(item), 1) => (**item).clone(),
                _ => {
                    (0..arguments.len()).try_for_each(number)?;
                    arguments.iter().cloned().reduce(Type::join).unwrap_or(Type::Any)
                }
            },
            Self::Round => {
                (0..arguments.len()).try_for_each(number)?;
                if arguments.len() == 1 { Type::Int } else { Type::Float }
            }
            Self::Floor | Self::Ceil => {
                number(0)?;
                Type::Int
            }
            Self::Abs => {
                number(0)?;
                first
            }
            Self::Sqrt | Self::Pow => {
                (0..arguments.len()).try_for_each(number)?;
                Type::Float
            }
            Self::Whole => Type::Int,
            Self::Number => Type::Float,
            Self::Text | Self::Slug | Self::Url | Self::Title | Self::Upper | Self::Lower => Type::Text,
            Self::Replace | Self::Slice | Self::Join | Self::Pad => Type::Text,
            Self::Seconds | Self::Minutes | Self::Hours | Self::Days => {
                number(0)?;
                Type::Duration
            }
            Self::HourOf | Self::WeekdayOf => {
                if !matches!(first, Type::Any | Type::Moment) {
                    return Err(format!("takes a moment, not {}", first.name()));
                }
                Type::Int
            }
            Self::Contains | Self::StartsWith | Self::EndsWith => Type::Bool,
            Self::First | Self::Last => {
                list()?;
                if let Type::List(item) = first { *item } else { Type::Any }
            }
            Self::Concat => {
                let mut item: Option<Type> = None;
                for kind in arguments {
                    let kind = match kind {
                        Type::List(item) => (**item).clone(),
                        Type::Record(_) => return Err("joins lists or texts, not records".to_owned()),
                        other => other.clone(),
                    };
                    item = Some(item.map_or_else(|| kind.clone(), |known| known.join(kind.clone())));
                }
                let item = item.unwrap_or(Type::Any);
                let (lists, unknown) = arguments.iter().fold((false, false), |(lists, unknown), kind| {
                    (lists || matches!(kind, Type::List(_)), unknown || *kind == Type::Any)
                });
                match (lists, unknown) {
                    (true, _) => Type::List(Box::new(item)),
                    (false, true) => Type::Any,
                    (false, false) => Type::Text,
                }
            }
            Self::Coalesce => arguments.iter().cloned().reduce(Type::join).unwrap_or(Type::Any),
            Self::If => arguments.iter().skip(1).cloned().reduce(Type::join).unwrap_or(Type::Any),
            Self::Format => Type::Any,
            Self::Hash => Type::Int,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_one_row() {
        for (index, (name, function, fewest, most)) in TABLE.iter().enumerate() {
            assert!(fewest <= most);
            assert_eq!(Function::named(name).map(|(found, ..)| found), Some(*function));
            assert!(TABLE.iter().skip(index + 1).all(|(other, ..)| other != name), "{name} twice");
        }
        assert!(Function::named("eval").is_none());
    }

    #[test]
    fn types_that_cannot_work_are_refused() {
        assert!(Function::Len.result(&[Type::Int]).is_err());
        assert!(Function::Sum.result(&[Type::List(Box::new(Type::Text))]).is_err());
        assert!(Function::Round.result(&[Type::Text]).is_err());
        assert_eq!(Function::Round.result(&[Type::Float]), Ok(Type::Int));
        assert_eq!(Function::First.result(&[Type::List(Box::new(Type::Text))]), Ok(Type::Text));
    }
}
