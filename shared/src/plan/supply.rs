//! What a plan needs from outside: items of pools that stand in files or come from a target, recorded events.
//!
//! Nothing is read here: the runner reads, this module understands the text.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::scenario::document::{Entry, Mark, Node, Value};
use crate::units::EpochMicros;

/// What the caller has read for a plan.
#[derive(Clone, Debug, Default)]
pub struct Supplies {
    /// Items of pools, by the pool's name: lists.
    pub pools: IndexMap<String, Node>,
    /// Recorded events of replays, by the behavior's name.
    pub records: IndexMap<String, Arc<dyn Records>>,
}

/// Recorded events, wherever they are kept.
pub trait Records: fmt::Debug + Send + Sync {
    /// How many there are.
    fn count(&self) -> u64;

    /// Writes one as JSON at the end of `out`; by its number in the order of the replay, from 0.
    fn write(&self, number: u64, out: &mut Vec<u8>);

    /// When one happened, if it says so and the replay goes by time.
    fn moment(&self, number: u64) -> Option<EpochMicros>;
}

/// Recorded events in memory: JSON texts, one per line.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    text: Vec<u8>,
    /// Start and end of each.
    places: Vec<(u32, u32)>,
}

impl Lines {
    /// The lines of a text that are not blank; each must be JSON.
    ///
    /// # Errors
    ///
    /// Says which line is none.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut places = Vec::new();
        let mut start = 0;
        for (number, line) in text.split('\n').enumerate() {
            let trimmed = line.trim();
            if !trimmed.is_empty() {
                if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(trimmed) {
                    return Err(format!("line {} is no JSON: {error}", number + 1));
                }
                let from = start + line.find(trimmed).unwrap_or(0);
                let place = u32::try_from(from).and_then(|from| Ok((from, u32::try_from(trimmed.len())? + from)));
                places.push(place.map_err(|_error| "the text is longer than 4 GB".to_owned())?);
            }
            start += line.len() + 1;
        }
        Ok(Self { text: text.as_bytes().to_vec(), places })
    }
}

impl Records for Lines {
    fn count(&self) -> u64 {
        self.places.len() as u64
    }

    fn write(&self, number: u64, out: &mut Vec<u8>) {
        if let Some((start, end)) = usize::try_from(number).ok().and_then(|number| self.places.get(number)) {
            out.extend_from_slice(&self.text[*start as usize..*end as usize]);
        }
    }

    fn moment(&self, _number: u64) -> Option<EpochMicros> {
        None
    }
}

/// Reads one JSON value per line as a list.
///
/// # Errors
///
/// Says which line is no JSON.
pub fn json_lines(text: &str) -> Result<Node, String> {
    let mut items = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        items.push(json(line).map_err(|error| format!("line {}: {error}", number + 1))?);
    }
    Ok(Value::List(items).into())
}

/// Reads a JSON value.
///
/// # Errors
///
/// Says why it is none.
pub fn json(text: &str) -> Result<Node, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}

/// Reads comma-separated values with a header as a list of records. Values that look like numbers are numbers.
///
/// # Errors
///
/// Says which row does not fit the header.
pub fn csv(text: &str) -> Result<Node, String> {
    let mut rows = rows(text)?.into_iter();
    let Some(header) = rows.next() else { return Err("the file is empty".to_owned()) };
    let mut items = Vec::new();
    for (number, row) in rows.enumerate() {
        if row.len() != header.len() {
            return Err(format!("row {} has {} values under {} names", number + 2, row.len(), header.len()));
        }
        let entries = header.iter().zip(row).map(|(key, value)| Entry {
            key: key.clone(),
            key_mark: Mark::default(),
            node: scalar(value).into(),
        });
        items.push(Value::Map(entries.collect()).into());
    }
    Ok(Value::List(items).into())
}

/// The part of an answer that a path such as `$.items` names; the whole of it without a path.
pub fn select<'n>(node: &'n Node, path: Option<&str>) -> Option<&'n Node> {
    let mut node = node;
    for name in path.unwrap_or("$").split('.').skip(1) {
        node = match name.parse::<usize>() {
            Ok(index) => node.as_list()?.get(index)?,
            Err(_) => node.get(name)?,
        };
    }
    Some(node)
}

fn scalar(text: String) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    // A leading zero or plus makes a code of digits, not a number.
    let plain = !text.starts_with(['0', '+']) || text == "0" || text.starts_with("0.");
    match (plain, text.parse::<i64>(), text.parse::<f64>()) {
        (true, Ok(number), _) => Value::Int(number),
        (true, Err(_), Ok(number)) if number.is_finite() => Value::Float(number),
        _ if text == "true" => Value::Bool(true),
        _ if text == "false" => Value::Bool(false),
        _ => Value::String(text),
    }
}

/// The rows of a CSV text (RFC 4180).
fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut value = String::new();
    let mut quoted = false;
    let mut characters = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
    while let Some(character) = characters.next() {
        match (quoted, character) {
            (true, '"') if characters.peek() == Some(&'"') => {
                characters.next();
                value.push('"');
            }
            (_, '"') => quoted = !quoted,
            (false, ',') => row.push(std::mem::take(&mut value)),
            (false, '\r') => {}
            (false, '\n') => {
                row.push(std::mem::take(&mut value));
                rows.push(std::mem::take(&mut row));
            }
            _ => value.push(character),
        }
    }
    if quoted {
        return Err("a quoted value is never closed".to_owned());
    }
    if !value.is_empty() || !row.is_empty() {
        row.push(value);
        rows.push(row);
    }
    rows.retain(|row| row.iter().any(|value| !value.is_empty()));
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_records() {
        let list = csv("id,name,price\r\n1,\"Lamp, \"\"small\"\"\",9.90\n2,Desk,\n").unwrap();
        let items = list.as_list().unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].get("name").unwrap().as_str(), Some("Lamp, \"small\""));
        assert_eq!(items[0].get("price").unwrap().as_f64(), Some(9.9));
        assert_eq!(items[1].get("price").unwrap().value, Value::Null);
        assert_eq!(csv("a\n007").unwrap().as_list().unwrap()[0].get("a").unwrap().as_str(), Some("007"));
        assert!(csv("").is_err());
        assert!(csv("a,b\n1").is_err());
        assert!(csv("a\n\"open").is_err());
    }

    #[test]
    fn answers_and_lines_are_read() {
        let answer = json(r#"{"data": {"items": [{"id": 1}, {"id": 2}]}}"#).unwrap();
        assert_eq!(select(&answer, Some("$.data.items")).unwrap().as_list().unwrap().len(), 2);
        assert_eq!(select(&answer, Some("$.data.items.1.id")).unwrap().value, Value::Int(2));
        assert!(select(&answer, Some("$.nothing")).is_none());
        assert_eq!(json_lines("1\n\n{\"a\": 2}\n").unwrap().as_list().unwrap().len(), 2);
        assert!(json_lines("1\n{").unwrap_err().starts_with("line 2"));
    }

    #[test]
    fn recorded_lines_come_back_as_they_were() {
        let lines = Lines::new("{\"a\": 1}\n\n  [2]  \n").unwrap();
        assert_eq!(lines.count(), 2);
        let mut out = Vec::new();
        lines.write(1, &mut out);
        lines.write(9, &mut out);
        assert_eq!(out, b"[2]");
        assert!(Lines::new("{}\nnot json").unwrap_err().contains("line 2"));
    }
}
