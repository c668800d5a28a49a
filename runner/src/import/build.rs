//! Puts documents together: maps in the order in which a person would write them.

use shared::tree::{Entry, Mark, Node, Value};

/// A map that is being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Map(Vec<Entry>);

impl Map {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// With one entry more; the first of a key wins.
    pub(super) fn with(mut self, key: &str, value: impl Into<Written>) -> Self {
        self.put(key, value);
        self
    }

    /// With one entry more, if there is a value.
    pub(super) fn with_some(self, key: &str, value: Option<impl Into<Written>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) fn put(&mut self, key: &str, value: impl Into<Written>) {
        if !self.0.iter().any(|entry| entry.key == key) {
            self.0.push(Entry { key: key.to_owned(), key_mark: Mark::default(), node: value.into().0 });
        }
    }

    /// Leaves out entries that say nothing: empty maps.
    pub(super) fn without_empty(mut self) -> Self {
        self.0.retain(|entry| !entry.node.as_map().is_some_and(<[Entry]>::is_empty));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|entry| entry.key == key)
    }

    pub(super) fn node(self) -> Node {
        Value::Map(self.0).into()
    }
}

/// Anything that can stand in a document.
pub(super) struct Written(pub(super) Node);

impl From<Node> for Written {
    fn from(node: Node) -> Self {
        Self(node)
    }
}

impl From<Map> for Written {
    fn from(map: Map) -> Self {
        Self(map.node())
    }
}

impl From<&str> for Written {
    fn from(text: &str) -> Self {
        Self(Value::String(text.to_owned()).into())
    }
}

impl From<String> for Written {
    fn from(text: String) -> Self {
        Self(Value::String(text).into())
    }
}

impl From<i64> for Written {
    fn from(number: i64) -> Self {
        Self(Value::Int(number).into())
    }
}

impl From<bool> for Written {
    fn from(value: bool) -> Self {
        Self(Value::Bool(value).into())
    }
}

impl From<f64> for Written {
    /// A whole number is written without a point.
    fn from(number: f64) -> Self {
        let whole = number.fract() == 0.0 && number.abs() < 9e15;
        Self(if whole { Value::Int(number as i64) } else { Value::Float(number) }.into())
    }
}

impl<T: Into<Written>> From<Vec<T>> for Written {
    fn from(items: Vec<T>) -> Self {
        Self(Value::List(items.into_iter().map(|item| item.into().0).collect()).into())
    }
}

/// A text that stands for itself in a template.
pub(super) fn literal_text(text: &str) -> String {
    text.replace("${", "$${")
}

/// A span in seconds, as scenarios write it.
pub(super) fn span(seconds: f64) -> String {
    shared::units::Nanos::from_secs_f64(seconds.clamp(0.0, 1e9)).to_string()
}

/// A rate per second, as scenarios write it.
pub(super) fn rate(per_second: f64) -> String {
    if per_second >= 1.0 || per_second <= 0.0 {
        format!("{}/s", trim(per_second))
    } else if per_second * 60.0 >= 1.0 {
        format!("{}/min", trim(per_second * 60.0))
    } else {
        format!("{}/h", trim(per_second * 3_600.0))
    }
}

/// A number in as few digits as it needs, at most four after the point.
fn trim(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A name for a key: letters, digits, `_`, `-` and `.`, nothing else.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().take(80) {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    let slug = slug.trim_end_matches('_');
    if slug.is_empty() || slug.starts_with(|c: char| c.is_ascii_digit()) { format!("x{slug}") } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        assert_eq!(rate(100.0), "100/s");
        assert_eq!(rate(0.5), "30/min");
        assert_eq!(rate(0.001), "3.6/h");
        assert_eq!(span(90.0), "1m30s");
        assert_eq!(slug("POST /api/v1/Events!"), "post_api_v1_events");
        assert_eq!(slug("/"), "x");
        assert_eq!(literal_text("${a}"), "$${a}");
    }
}
