//! Takes wanted fields out of rendered JSON without building a tree: what is not wanted is skipped.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A scalar in an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// A list or a map, whose content is not looked at.
    Compound,
}

impl Scalar<'_> {
    /// The number, if it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::Compound => None,
        }
    }
}

/// The wanted fields of one kind of event, as a tree of keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probe {
    wanted: Vec<usize>,
    children: Vec<(String, Probe)>,
    /// What is wanted of each item of a list.
    items: Option<Box<Probe>>,
}

/// In a path: every item of a list.
pub(crate) const EACH: &str = "*";

/// Keys of a triple that say which field it is and what it holds.
const SUBJECT: &str = "subject_id";
const PREDICATE: &str = "predicate";
const OBJECT: &str = "object_value";

impl Probe {
    /// Wants a field; a step of [`EACH`] means every item of a list. A list of triples counts as a map from predicate
    /// to value, and under `subject_id` as a map from predicate to the subject that it is said of.
    pub(crate) fn want(&mut self, path: &[String], number: usize) {
        let Some((step, rest)) = path.split_first() else {
            self.wanted.push(number);
            return;
        };
        if step == EACH {
            self.items.get_or_insert_default().want(rest, number);
            return;
        }
        let index = match self.children.iter().position(|(key, _)| key == step) {
            Some(index) => index,
            None => {
                self.children.push((step.clone(), Self::default()));
                self.children.len() - 1
            }
        };
        self.children[index].1.want(rest, number);
    }

    /// Whether nothing is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.children.is_empty() && self.items.is_none()
    }

    /// Reads an event and hands over each wanted field that it has; whether it is JSON as far as it was read.
    pub(crate) fn read(&self, rendered: &[u8], mut found: impl FnMut(usize, Scalar<'_>)) -> bool {
        if self.is_empty() {
            return true;
        }
        let mut deserializer = serde_json::Deserializer::from_slice(rendered);
        Look { probe: self, found: &mut found }.deserialize(&mut deserializer).is_ok()
    }

    fn child(&self, key: &str) -> Option<&Self> {
        self.children.iter().find(|(name, _)| name == key).map(|(_, probe)| probe)
    }
}

/// A probe on its way through an event.
struct Look<'p, F> {
    probe: &'p Probe,
    found: &'p mut F,
}

impl<F: FnMut(usize, Scalar<'_>)> Look<'_, F> {
    fn report(&mut self, scalar: Scalar<'_>) {
        for &number in &self.probe.wanted {
            (self.found)(number, scalar);
        }
    }
}

impl<'de, F: FnMut(usize, Scalar<'_>)> DeserializeSeed<'de> for Look<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(usize, Scalar<'_>)> Visitor<'de> for Look<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.report(Scalar::Null);
        Ok(())
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        self.report(Scalar::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        self.report(Scalar::Int(value));
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        self.report(i64::try_from(value).map_or(Scalar::Float(value as f64), Scalar::Int));
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<(), E> {
        self.report(Scalar::Float(value));
        Ok(())
    }

    fn visit_str<E>(mut self, value: &str) -> Result<(), E> {
        self.report(Scalar::Text(value));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.report(Scalar::Compound);
        while let Some(child) = map.next_key_seed(Key { probe: self.probe })? {
            match child {
                Some(probe) => map.next_value_seed(Look { probe, found: &mut *self.found })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.report(Scalar::Compound);
        if let Some(probe) = &self.probe.items {
            while items.next_element_seed(Look { probe, found: &mut *self.found })?.is_some() {}
        } else if self.probe.children.is_empty() {
            while items.next_element::<IgnoredAny>()?.is_some() {}
        } else {
            while items.next_element_seed(Triple { probe: self.probe, found: &mut *self.found })?.is_some() {}
        }
        Ok(())
    }
}

/// Finds the child of a key without keeping the key.
struct Key<'p> {
    probe: &'p Probe,
}

impl<'de, 'p> DeserializeSeed<'de> for Key<'p> {
    type Value = Option<&'p Probe>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for Key<'p> {
    type Value = Option<&'p Probe>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.probe.child(key))
    }
}

/// One item of a list where a map is wanted: a triple, whose predicate is the key.
struct Triple<'p, F> {
    probe: &'p Probe,
    found: &'p mut F,
}

impl<'de, F: FnMut(usize, Scalar<'_>)> DeserializeSeed<'de> for Triple<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(usize, Scalar<'_>)> Visitor<'de> for Triple<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a triple")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let about = self.probe.child(SUBJECT);
        let (mut probe, mut value, mut subject, mut told_of) = (None, None, None, None);
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            match key.as_ref() {
                PREDICATE => {
                    let predicate = map.next_value::<std::borrow::Cow<'_, str>>()?;
                    probe = self.probe.child(&predicate);
                    told_of = about.and_then(|about| about.child(&predicate));
                }
                SUBJECT if about.is_some() => subject = Some(map.next_value::<std::borrow::Cow<'_, str>>()?),
                OBJECT => value = Some(map.next_value::<std::borrow::Cow<'_, str>>()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let Some(subject) = subject {
            for probe in about.into_iter().chain(told_of) {
                Look { probe, found: &mut *self.found }.report(Scalar::Text(&subject));
            }
        }
        if let (Some(probe), Some(value)) = (probe, value) {
            // Values of triples are text whatever they mean.
            let scalar = match value.parse::<i64>() {
                Ok(number) => Scalar::Int(number),
                Err(_) => match value.parse::<f64>() {
                    Ok(number) if number.is_finite() => Scalar::Float(number),
                    Ok(_) | Err(_) => Scalar::Text(&value),
                },
            };
            Look { probe, found: self.found }.report(scalar);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    fn found(paths: &[&str], json: &str) -> Vec<String> {
        let mut probe = Probe::default();
        for (number, text) in paths.iter().enumerate() {
            probe.want(&path(text), number);
        }
        let mut all = Vec::new();
        assert!(probe.read(json.as_bytes(), |number, scalar| all.push(format!("{number}={scalar:?}"))));
        all
    }

    #[test]
    fn only_wanted_fields_are_found() {
        let json = r#"{"a": {"b": 1, "c": "x\n", "a": [1, {"b": 2}]}, "b": null, "d": 1.5}"#;
        assert_eq!(found(&["a.b", "b", "d", "e", "a"], json), ["4=Compound", "0=Int(1)", "1=Null", "2=Float(1.5)"]);
        assert_eq!(found(&["a.c"], json), [r#"0=Text("x\n")"#]);
    }

    #[test]
    fn items_of_lists_are_found_one_by_one() {
        let json = r#"{"lines": [{"quantity": 1}, {"quantity": 3, "x": 0}]}"#;
        assert_eq!(found(&["lines.*.quantity"], json), ["0=Int(1)", "0=Int(3)"]);
    }

    #[test]
    fn triples_are_found_by_their_predicate() {
        let json = r#"[{"subject_id": "order:1", "predicate": "status", "object_value": "CREATED"},
                       {"object_value": "3", "predicate": "quantity"}]"#;
        assert_eq!(found(&["status", "quantity"], json), [r#"0=Text("CREATED")"#, "1=Int(3)"]);
        assert_eq!(found(&["subject_id"], json), [r#"0=Text("order:1")"#]);
    }

    #[test]
    fn the_subject_of_a_predicate_is_found_wherever_it_stands() {
        let json = r#"[{"subject_id": "line:1", "predicate": "quantity", "object_value": "2"},
                       {"predicate": "total", "object_value": "9.5", "subject_id": "order:1"}]"#;
        assert_eq!(found(&["subject_id.total"], json), [r#"0=Text("order:1")"#]);
        assert_eq!(found(&["subject_id.status"], json), [] as [String; 0]);
    }

    #[test]
    fn broken_events_are_said_to_be_broken() {
        let mut probe = Probe::default();
        probe.want(&path("a"), 0);
        assert!(!probe.read(b"{\"a\": 1", |_, _| {}));
        assert!(!probe.read(b"no", |_, _| {}));
    }
}
