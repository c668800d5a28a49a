//! What a plan needs from outside: items of pools that stand in files or come from a target, recorded events.
//!
//! Nothing is read here: the runner reads, this module understands the text.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::random::{hash_bytes, mix};
use crate::scenario::model::Scenario;
use crate::scenario::model::behavior::Behavior;
use crate::scenario::model::load::Shape;
use crate::tree::{Entry, Mark, Node, Value};
use crate::units::{EpochMicros, Nanos};

/// Most points of a curve.
const MAX_POINTS: usize = 100_000;

/// What the caller has read for a plan.
#[derive(Clone, Debug, Default)]
pub struct Supplies {
    /// Items of pools, by the pool's name: lists.
    pub pools: IndexMap<String, Node>,
    /// Recorded events of replays, by the behavior's name.
    pub records: IndexMap<String, Arc<dyn Records>>,
    /// Factors over time, by the path of their file.
    pub curves: IndexMap<String, Vec<(Nanos, f64)>>,
}

impl Supplies {
    /// One number for everything in it; zero for nothing.
    pub fn digest(&self) -> u64 {
        let mut digest = 0;
        let mut add = |name: &str, content: u64| digest = mix(mix(digest, hash_bytes(name.as_bytes())), content);
        for (name, items) in &self.pools {
            add(name, content_hash(items));
        }
        for (name, records) in &self.records {
            add(name, records.digest());
        }
        for (name, points) in &self.curves {
            let bytes: Vec<u8> = points
                .iter()
                .flat_map(|(at, factor)| [at.0.to_le_bytes(), factor.to_bits().to_le_bytes()].concat())
                .collect();
            add(name, hash_bytes(&bytes));
        }
        digest
    }

    /// The paths of what a scenario draws from and nobody has brought, in its order.
    pub fn missing_of(&self, scenario: &Scenario) -> Vec<String> {
        let mut missing = Vec::new();
        for (name, pool) in &scenario.pools {
            if (pool.file.is_some() || pool.fetch.is_some()) && !self.pools.contains_key(name) {
                missing.push(format!("pools.{name}"));
            }
        }
        for (name, behavior) in &scenario.behaviors {
            if matches!(behavior, Behavior::Replay(_)) && !self.records.contains_key(name) {
                missing.push(format!("behaviors.{name}.replay"));
            }
        }
        for (name, workload) in &scenario.workloads {
            for (index, shape) in workload.load.shape.iter().enumerate() {
                if let Shape::Csv(path) = shape
                    && !self.curves.contains_key(path)
                {
                    missing.push(format!("workloads.{name}.load.shape[{index}]"));
                }
            }
        }
        missing
    }
}

/// One number for the content of a list of items, whatever it was read from.
pub fn content_hash(items: &Node) -> u64 {
    // A tree of finite numbers and unique keys is always JSON.
    hash_bytes(&serde_json::to_vec(items).unwrap_or_default())
}

/// Recorded events, wherever they are kept.
pub trait Records: fmt::Debug + Send + Sync {
    /// How many there are.
    fn count(&self) -> u64;

    /// One number for all that they say.
    fn digest(&self) -> u64;

    /// When the first and the last happened, if they say so and the replay goes by time.
    fn span(&self) -> Option<(EpochMicros, EpochMicros)>;

    /// A reader of one's own: each worker has one.
    fn open(&self) -> Box<dyn RecordReader>;

    /// What went wrong when they were read.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// Reads recorded events by their number in the order of the replay, from 0; quick when the numbers grow.
pub trait RecordReader: fmt::Debug + Send {
    /// Writes one as JSON at the end of `out`; says whether it could be read.
    fn write(&mut self, number: u64, out: &mut Vec<u8>) -> bool;

    /// When one happened, if it says so and the replay goes by time.
    fn moment(&mut self, number: u64) -> Option<EpochMicros>;
}

/// Recorded events in memory: JSON texts, one per line.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    text: Arc<[u8]>,
    /// Start and end of each.
    places: Arc<[(u32, u32)]>,
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
        Ok(Self { text: text.as_bytes().into(), places: places.into() })
    }
}

impl Records for Lines {
    fn count(&self) -> u64 {
        self.places.len() as u64
    }

    fn digest(&self) -> u64 {
        hash_bytes(&self.text)
    }

    fn span(&self) -> Option<(EpochMicros, EpochMicros)> {
        None
    }

    fn open(&self) -> Box<dyn RecordReader> {
        Box::new(self.clone())
    }
}

impl RecordReader for Lines {
    fn write(&mut self, number: u64, out: &mut Vec<u8>) -> bool {
        let place = usize::try_from(number).ok().and_then(|number| self.places.get(number));
        if let Some((start, end)) = place {
            out.extend_from_slice(&self.text[*start as usize..*end as usize]);
        }
        place.is_some()
    }

    fn moment(&mut self, _number: u64) -> Option<EpochMicros> {
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

/// Reads rows of `seconds,factor` as points of a curve; a first row of names may stand above them.
///
/// # Errors
///
/// Says which row is none.
pub fn curve(text: &str) -> Result<Vec<(Nanos, f64)>, String> {
    let mut points: Vec<(Nanos, f64)> = Vec::new();
    for (index, row) in rows(text)?.into_iter().enumerate() {
        let wrong = |why: &str| format!("row {} is `{}`: {why}", index + 1, row.join(","));
        let [at, factor] = row.as_slice() else { return Err(wrong("it should be seconds,factor")) };
        let (at, factor) = match (at.trim().parse::<f64>(), factor.trim().parse::<f64>()) {
            (Ok(at), Ok(factor)) => (at, factor),
            _ if index == 0 => continue,
            _ => return Err(wrong("it should be two numbers, seconds and a factor")),
        };
        if !(at >= 0.0 && at.is_finite()) {
            return Err(wrong("seconds count from 0"));
        }
        if !(factor >= 0.0 && factor.is_finite()) {
            return Err(wrong("a factor must not be negative"));
        }
        let at = Nanos::from_secs_f64(at);
        if points.last().is_some_and(|(before, _)| at <= *before) {
            return Err(wrong("seconds must grow from row to row"));
        }
        if points.len() >= MAX_POINTS {
            return Err(format!("it has more than {MAX_POINTS} rows"));
        }
        points.push((at, factor));
    }
    if points.is_empty() { Err("it has no rows of seconds,factor".to_owned()) } else { Ok(points) }
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

/// What a value of a CSV file is: nothing, a number, true or false, or text.
pub fn scalar(text: String) -> Value {
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

/// The rows of a CSV text (RFC 4180), without those that are empty.
fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut quoted = false;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rows = text.split(|character| {
        quoted ^= character == '"';
        character == '\n' && !quoted
    });
    let mut rows: Vec<_> = rows.map(|row| fields(row.strip_suffix('\r').unwrap_or(row))).collect();
    if quoted {
        return Err("a quoted value is never closed".to_owned());
    }
    rows.retain(|row| row.iter().any(|value| !value.is_empty()));
    Ok(rows)
}

/// The values of one CSV row (RFC 4180), given without its line's end.
pub fn fields(row: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut value = String::new();
    let mut quoted = false;
    let mut characters = row.chars().peekable();
    while let Some(character) = characters.next() {
        match (quoted, character) {
            (true, '"') if characters.peek() == Some(&'"') => {
                characters.next();
                value.push('"');
            }
            (_, '"') => quoted = !quoted,
            (false, ',') => values.push(std::mem::take(&mut value)),
            _ => value.push(character),
        }
    }
    values.push(value);
    values
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
    fn curves_are_rows_of_seconds_and_factors() {
        let points = curve("seconds,factor\n0,1\n60,2.5\n").unwrap();
        assert_eq!(points, [(Nanos::ZERO, 1.0), (Nanos::from_secs(60), 2.5)]);
        for (text, why) in [
            ("", "no rows"),
            ("seconds,factor\n", "no rows"),
            ("0,1\n0,2\n", "row 2 is `0,2`: seconds must grow"),
            ("0,1\nten,2\n", "row 2 is `ten,2`"),
            ("0,1,2\n", "row 1 is `0,1,2`: it should be seconds,factor"),
            ("0,-1\n", "must not be negative"),
            ("-5,1\n", "count from 0"),
        ] {
            let told = curve(text).unwrap_err();
            assert!(told.contains(why), "{text:?}: {told}");
        }
    }

    #[test]
    fn what_was_read_decides_the_digest() {
        let mut supplies = Supplies::default();
        assert_eq!(supplies.digest(), 0);
        supplies.pools.insert("a".to_owned(), json("[1, 2]").unwrap());
        let one = supplies.digest();
        supplies.pools.insert("a".to_owned(), json("[1, 3]").unwrap());
        assert_ne!(one, supplies.digest());
    }

    #[test]
    fn recorded_lines_come_back_as_they_were() {
        let mut lines = Lines::new("{\"a\": 1}\n\n  [2]  \n").unwrap();
        assert_eq!(lines.count(), 2);
        let mut out = Vec::new();
        assert!(lines.write(1, &mut out) && !lines.write(9, &mut out));
        assert_eq!(out, b"[2]");
        assert!(Lines::new("{}\nnot json").unwrap_err().contains("line 2"));
    }
}
