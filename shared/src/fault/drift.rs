//! Changes of an event's schema, made on its bytes: what is not changed stays as it was written.

use crate::fault::json::Members;
use crate::scenario::model::fault::FieldType;
use crate::template::context::Context;
use crate::template::program::ExprId;

/// A change of schema, compiled. Paths begin at the event as it is sent, its envelope included.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Add { path: Vec<String>, value: ExprId },
    Remove { path: Vec<String> },
    Retype { path: Vec<String>, to: FieldType },
    Rename { path: Vec<String>, to: String },
}

impl Change {
    /// Changes the event that begins at `start`; says whether there was something to change.
    pub(super) fn apply(&self, context: &mut Context<'_>, bytes: &mut Vec<u8>, start: usize) -> bool {
        let (path, last) = match self {
            Self::Add { path, .. } | Self::Remove { path } | Self::Retype { path, .. } | Self::Rename { path, .. } => {
                match path.split_last() {
                    Some((last, path)) => (path, quoted(last)),
                    None => return false,
                }
            }
        };
        let Some(members) = map_at(bytes, start, path) else { return false };
        let place = members.position(bytes, &last);
        match self {
            Self::Add { value, .. } => {
                if place.is_some() {
                    return false;
                }
                let mut field = if members.list.is_empty() { Vec::new() } else { vec![b','] };
                field.extend_from_slice(&last);
                field.push(b':');
                if !context.write(*value, &mut field) {
                    return false;
                }
                bytes.splice(members.close..members.close, field);
                true
            }
            Self::Remove { .. } => {
                let Some(place) = place else { return false };
                let list = &members.list;
                let range = match (place.checked_sub(1), list.get(place + 1)) {
                    (Some(before), _) => list[before].value.end..list[place].value.end,
                    (None, Some(after)) => list[place].key.start..after.key.start,
                    (None, None) => list[place].key.start..list[place].value.end,
                };
                bytes.drain(range);
                true
            }
            Self::Rename { to, .. } => {
                let new = quoted(to);
                let (Some(place), None) = (place, members.position(bytes, &new)) else { return false };
                bytes.splice(members.list[place].key.clone(), new);
                true
            }
            Self::Retype { to, .. } => {
                let Some(place) = place else { return false };
                let range = members.list[place].value.clone();
                let Some(new) = converted(&bytes[range.clone()], *to) else { return false };
                bytes.splice(range, new);
                true
            }
        }
    }
}

/// The members of the map that a path leads to.
fn map_at(bytes: &[u8], start: usize, path: &[String]) -> Option<Members> {
    let mut members = Members::at(bytes, start)?;
    for step in path {
        let place = members.position(bytes, &quoted(step))?;
        members = Members::at(bytes, members.list[place].value.start)?;
    }
    Some(members)
}

fn quoted(text: &str) -> Vec<u8> {
    // Text always can be written as JSON.
    serde_json::to_vec(text).unwrap_or_default()
}

/// A value as another type; none when it is of that type already.
fn converted(value: &[u8], to: FieldType) -> Option<Vec<u8>> {
    let first = value.first().copied()?;
    let new = match to {
        FieldType::String => match first {
            b'"' => return None,
            _ => quoted(&String::from_utf8_lossy(value)),
        },
        FieldType::Number => match first {
            b'0'..=b'9' | b'-' => return None,
            b't' => b"1".to_vec(),
            b'f' | b'n' => b"0".to_vec(),
            _ => {
                // A number in quotes becomes that number, anything else says how long it is.
                let inside = value.get(1..value.len().saturating_sub(1)).unwrap_or_default();
                let number = std::str::from_utf8(inside).ok().and_then(|text| text.parse::<i64>().ok());
                number.unwrap_or(inside.len() as i64).to_string().into_bytes()
            }
        },
        FieldType::Boolean => match first {
            b't' | b'f' => return None,
            _ => {
                let empty = [&b"0"[..], b"null", b"\"\"", b"[]", b"{}"].contains(&value);
                if empty { b"false".to_vec() } else { b"true".to_vec() }
            }
        },
        FieldType::Null => match first {
            b'n' => return None,
            _ => b"null".to_vec(),
        },
        FieldType::List => match first {
            b'[' => return None,
            _ => [b"[", value, b"]"].concat(),
        },
    };
    Some(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::context::{Facts, Scratch};
    use crate::template::program::Program;
    use proptest::prelude::*;

    const EVENT: &str = r#"xx{"a": 1.50, "deep":{"b":"7","c":[1,{"d":2}]},"e\"f":null}"#;

    fn changed(change: &Change, event: &str) -> Option<String> {
        let program = Program::default();
        let mut scratch = Scratch::default();
        scratch.begin(&program);
        let mut context = Context::new(&program, &mut scratch, None, Facts::default());
        let mut bytes = event.as_bytes().to_vec();
        let did = change.apply(&mut context, &mut bytes, 2);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(did, text != event, "{text}");
        did.then_some(text)
    }

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn one_field_changes_and_every_other_byte_stays() {
        let to = |path_text: &str, to| Change::Retype { path: path(path_text), to };
        let rename = |path_text: &str, to: &str| Change::Rename { path: path(path_text), to: to.to_owned() };
        for (change, after) in [
            (Change::Remove { path: path("a") }, r#"xx{"deep":{"b":"7","c":[1,{"d":2}]},"e\"f":null}"#),
            (Change::Remove { path: path("deep.c") }, r#"xx{"a": 1.50, "deep":{"b":"7"},"e\"f":null}"#),
            (Change::Remove { path: path("e\"f") }, r#"xx{"a": 1.50, "deep":{"b":"7","c":[1,{"d":2}]}}"#),
            (rename("deep.b", "é"), r#"xx{"a": 1.50, "deep":{"é":"7","c":[1,{"d":2}]},"e\"f":null}"#),
            (to("a", FieldType::String), r#"xx{"a": "1.50", "deep":{"b":"7","c":[1,{"d":2}]},"e\"f":null}"#),
            (to("deep.b", FieldType::Number), r#"xx{"a": 1.50, "deep":{"b":7,"c":[1,{"d":2}]},"e\"f":null}"#),
            (to("deep", FieldType::Null), r#"xx{"a": 1.50, "deep":null,"e\"f":null}"#),
            (to("deep.b", FieldType::List), r#"xx{"a": 1.50, "deep":{"b":["7"],"c":[1,{"d":2}]},"e\"f":null}"#),
            (to("a", FieldType::Boolean), r#"xx{"a": true, "deep":{"b":"7","c":[1,{"d":2}]},"e\"f":null}"#),
        ] {
            assert_eq!(changed(&change, EVENT).as_deref(), Some(after), "{change:?}");
        }
        assert_eq!(changed(&Change::Remove { path: path("x") }, r#"xx{"x":1}"#).as_deref(), Some("xx{}"));
    }

    #[test]
    fn what_is_not_there_is_not_changed() {
        for change in [
            Change::Remove { path: path("b") },
            Change::Remove { path: path("a.b") },
            Change::Rename { path: path("a"), to: "deep".to_owned() },
            Change::Retype { path: path("a"), to: FieldType::Number },
        ] {
            assert_eq!(changed(&change, EVENT), None, "{change:?}");
            assert_eq!(changed(&change, "xxno json at all"), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(event in "[\\[\\]{}:,\"\\\\ab1 ]{0,40}") {
            for change in [Change::Remove { path: path("a") }, Change::Retype { path: path("a.b"), to: FieldType::List }] {
                let _changed = changed(&change, &format!("xx{event}"));
            }
        }
    }
}
