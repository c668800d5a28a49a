//! From a [`Node`] to types, with everything that is wrong in it gathered, not only the first.
//!
//! What a type needs is derived by [`Readable`]; what all types need is here, and none of it is generic but the few lines
//! that must be.

mod leaves;

use std::fmt;

use super::{Entry, Mark, Node, Value, json, nearest};

pub use ::readable::Readable;

/// Most flaws that are told at once.
const MAX_FLAWS: usize = 100;

/// Most flaws that are told in one line.
const TOLD: usize = 3;

/// A type that can be read from a tree.
pub trait Readable: Sized {
    /// The only keys that are read of its map, where others may be there.
    const KNOWN: Option<&'static [&'static str]> = None;

    /// Reads a node; none where it is none of this type, which the reader has been told by then. What is wrong with a
    /// part that it can do without costs that part alone.
    fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self>;

    /// What it is where nothing is written; none if something must be.
    fn absent() -> Option<Self> {
        None
    }
}

/// A value read from a tree, and what was wrong with the tree.
#[derive(Debug)]
pub struct Reading<T> {
    /// The value without what was wrong; none when too little was left.
    pub value: Option<T>,
    /// What was wrong and where.
    pub flaws: Vec<Flaw>,
}

/// Something in a tree that cannot be read.
#[derive(Clone, Debug)]
pub struct Flaw {
    /// Where it stands.
    pub mark: Mark,
    /// The way to it from the root: `workloads.shop.load.shape[0]`.
    pub path: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Reads a value from JSON, with all that is wrong with it in one line.
///
/// # Errors
///
/// Gives why the text is no JSON, or what in it does not fit.
pub fn from_json<T: Readable>(text: &str) -> Result<T, String> {
    let root = json::tree(text, T::KNOWN, &[], &mut drop).map_err(|error| error.to_string())?;
    read(&root).whole()
}

/// Reads a value from JSON, and by themselves the items of the list to which these keys lead, which the value has empty:
/// for lists so long that they should not be held as text, as a tree and as what they are at once.
///
/// # Errors
///
/// As [`from_json`].
pub fn from_json_by_item<T: Readable, I: Readable>(text: &str, way: &[&str]) -> Result<(T, Vec<I>), String> {
    let (mut items, mut wrong) = (Vec::new(), None);
    let mut item = |node: Node| match read::<I>(&node).whole() {
        Ok(item) => items.push(item),
        Err(error) => wrong = wrong.take().or_else(|| Some(format!("{}[{}]: {error}", way.join("."), items.len()))),
    };
    let root = json::tree(text, T::KNOWN, way, &mut item).map_err(|error| error.to_string())?;
    match wrong {
        Some(error) => Err(error),
        None => Ok((read(&root).whole()?, items)),
    }
}

impl<T> Reading<T> {
    /// The value if nothing was wrong, or what was in one line.
    fn whole(self) -> Result<T, String> {
        match self.value {
            Some(value) if self.flaws.is_empty() => Ok(value),
            _ => {
                let mut told: Vec<String> = self.flaws.iter().take(TOLD).map(ToString::to_string).collect();
                if let Some(more @ 1..) = self.flaws.len().checked_sub(TOLD) {
                    told.push(format!("and {more} more"));
                }
                Err(told.join("; "))
            }
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Reads a value.
pub fn read<T: Readable>(root: &Node) -> Reading<T> {
    let mut reader = Reader::default();
    let value = T::read(root, &mut reader).filter(|_| reader.flaws.len() < MAX_FLAWS);
    Reading { value, flaws: reader.flaws }
}

/// Knows at each moment where in a tree it is, and gathers what is wrong.
#[derive(Debug, Default)]
pub struct Reader<'t> {
    path: Vec<Step<'t>>,
    flaws: Vec<Flaw>,
}

/// One step into a tree.
#[derive(Clone, Copy, Debug)]
enum Step<'t> {
    Key(&'t str),
    Index(usize),
}

impl<'t> Reader<'t> {
    /// Opens a map for its fields; a strict one has no others. None if it is no map.
    pub fn fields(&mut self, node: &'t Node, names: &'static [&'static str], strict: bool) -> Option<Fields<'_, 't>> {
        let entries = self.entries(node)?;
        if strict {
            for entry in entries.iter().filter(|entry| !names.contains(&entry.key.as_str())) {
                self.path.push(Step::Key(&entry.key));
                self.unknown(&entry.key, entry.key_mark, names);
                self.path.pop();
            }
        }
        Some(Fields { reader: self, entries, mark: node.mark, names })
    }

    /// Opens one of several things by its name: a name alone, or a map with that one key.
    pub fn choice(&mut self, node: &'t Node, names: &'static [&'static str]) -> Option<Choice<'_, 't>> {
        let number;
        let (name, mark, content) = match &node.value {
            Value::String(name) => (name.as_str(), node.mark, None),
            Value::Int(whole) => {
                number = whole.to_string();
                (number.as_str(), node.mark, None)
            }
            Value::Map(entries) => match entries.as_slice() {
                [entry] => (entry.key.as_str(), entry.key_mark, Some(entry)),
                _ => {
                    let message = format!("must have exactly one key, has {}", entries.len());
                    self.wrong(node.mark, message, Some(format!("write {}", nearest::one_of(names))));
                    return None;
                }
            },
            Value::Null | Value::Bool(_) | Value::Float(_) | Value::List(_) => {
                let hint = format!("write {}", nearest::one_of(names));
                self.unfit(node, "a name, or a map with one key", Some(hint));
                return None;
            }
        };
        let Some(index) = names.iter().position(|known| *known == name) else {
            let depth = self.path.len();
            self.path.extend(content.map(|entry| Step::Key(&entry.key)));
            self.unknown(name, mark, names);
            self.path.truncate(depth);
            return None;
        };
        Some(Choice { reader: self, name: names[index], index, mark, content })
    }

    /// Says that something is wrong where the reader is.
    pub fn wrong(&mut self, mark: Mark, message: String, hint: Option<String>) {
        if self.flaws.len() < MAX_FLAWS {
            self.flaws.push(Flaw { mark, path: self.path(), message, hint });
        }
    }

    /// Says that a node is none of what is wanted.
    fn unfit(&mut self, node: &Node, wanted: &str, hint: Option<String>) {
        self.wrong(node.mark, format!("must be {wanted}, not {}", node.kind()), hint);
    }

    fn unknown(&mut self, name: &str, mark: Mark, names: &[&str]) {
        // A hint is dear, and one that nobody sees is not made.
        if self.flaws.len() >= MAX_FLAWS {
            return;
        }
        let hint = nearest::hint(name, names.iter().copied());
        self.wrong(mark, format!("`{name}` is not known here"), hint);
    }

    fn entries(&mut self, node: &'t Node) -> Option<&'t [Entry]> {
        let entries = node.as_map();
        if entries.is_none() {
            self.unfit(node, "a map", None);
        }
        entries
    }

    fn items(&mut self, node: &'t Node) -> Option<&'t [Node]> {
        let items = node.as_list();
        if items.is_none() {
            self.unfit(node, "a list", None);
        }
        items
    }

    fn inside<T: Readable>(&mut self, step: Step<'t>, node: &'t Node) -> Option<T> {
        self.path.push(step);
        let value = T::read(node, self);
        self.path.pop();
        value
    }

    /// Reads the key of an entry: a name, or a number that stands as one.
    fn key<T: Readable>(&mut self, entry: &'t Entry) -> Option<T> {
        let number = entry.key.parse().map_or(Value::Null, Value::Int);
        let [name, number] =
            [Value::String(entry.key.clone()), number].map(|value| Node { value, mark: entry.key_mark });
        let key = read(&name).value.or_else(|| read(&number).value);
        if key.is_none() {
            self.path.push(Step::Key(&entry.key));
            self.wrong(entry.key_mark, format!("`{}` is not known here", entry.key), None);
            self.path.pop();
        }
        key
    }

    fn path(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(key);
                }
                Step::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }
}

/// A map while its fields are read, each by the place of its name among those that were told.
#[derive(Debug)]
pub struct Fields<'r, 't> {
    reader: &'r mut Reader<'t>,
    entries: &'t [Entry],
    mark: Mark,
    names: &'static [&'static str],
}

impl<'t> Fields<'_, 't> {
    /// Reads a field into its place, which keeps what it has where nothing is written or that is wrong.
    pub fn put<T: Readable>(&mut self, index: usize, place: &mut T) {
        if let Some(entry) = self.entry(index)
            && let Some(value) = self.reader.inside(Step::Key(&entry.key), &entry.node)
        {
            *place = value;
        }
    }

    /// Reads a field that must be there unless its type can do without.
    pub fn take<T: Readable>(&mut self, index: usize) -> Option<T> {
        match self.entry(index) {
            Some(entry) => self.reader.inside(Step::Key(&entry.key), &entry.node).or_else(T::absent),
            None => {
                let absent = T::absent();
                if absent.is_none() {
                    self.missing(index);
                }
                absent
            }
        }
    }

    /// Reads a field that is something else where nothing is written or that is wrong.
    pub fn take_or<T: Readable>(&mut self, index: usize, absent: fn() -> T) -> Option<T> {
        let read = self.entry(index).and_then(|entry| self.reader.inside(Step::Key(&entry.key), &entry.node));
        Some(read.unwrap_or_else(absent))
    }

    fn entry(&self, index: usize) -> Option<&'t Entry> {
        let name = self.names[index];
        self.entries.iter().find(|entry| entry.key == name)
    }

    fn missing(&mut self, index: usize) {
        let message = format!("`{}` is missing", self.names[index]);
        self.reader.wrong(self.mark, message, None);
    }
}

/// One of several things, by its name, while what it holds is read.
#[derive(Debug)]
pub struct Choice<'r, 't> {
    reader: &'r mut Reader<'t>,
    name: &'static str,
    index: usize,
    mark: Mark,
    content: Option<&'t Entry>,
}

impl<'t> Choice<'_, 't> {
    /// The place of its name among those that were told.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Nothing, which is all that it may hold.
    pub fn alone(self) -> Option<()> {
        let Some(entry) = self.content else { return Some(()) };
        match &entry.node.value {
            Value::Null => Some(()),
            Value::Map(entries) if entries.is_empty() => Some(()),
            _ => {
                let hint = format!("write `{}` alone", self.name);
                self.reader.wrong(entry.node.mark, format!("`{}` takes no value", self.name), Some(hint));
                None
            }
        }
    }

    /// The one value that it holds.
    pub fn held<T: Readable>(self) -> Option<T> {
        match self.content {
            Some(entry) => self.reader.inside(Step::Key(&entry.key), &entry.node),
            None => {
                self.empty("...");
                None
            }
        }
    }

    /// The fields that it holds.
    pub fn fields<T>(
        self,
        names: &'static [&'static str],
        strict: bool,
        read: impl FnOnce(Fields<'_, 't>) -> Option<T>,
    ) -> Option<T> {
        let Some(entry) = self.content else {
            self.empty(&names.first().map_or("{...}".to_owned(), |name| format!("{{{name}: ...}}")));
            return None;
        };
        self.reader.path.push(Step::Key(&entry.key));
        let value = self.reader.fields(&entry.node, names, strict).and_then(read);
        self.reader.path.pop();
        value
    }

    fn empty(self, example: &str) {
        let hint = format!("write {{{}: {example}}}", self.name);
        self.reader.wrong(self.mark, format!("`{}` needs a value", self.name), Some(hint));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Readable, Serialize)]
    #[serde(default, deny_unknown_fields)]
    struct Garden {
        beds: Vec<Bed>,
        rows: BTreeMap<u16, u64>,
        #[serde(rename = "let")]
        bind: Option<f64>,
    }

    #[derive(Clone, Debug, PartialEq, Readable, Serialize)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    enum Bed {
        Bare,
        #[serde(alias = "turf")]
        Lawn,
        Sown(String),
        Planted {
            what: String,
            #[serde(default = "one")]
            count: u8,
        },
    }

    fn one() -> u8 {
        1
    }

    #[test]
    fn what_is_written_reads_back_as_serde_says() {
        let garden = Garden {
            beds: vec![Bed::Lawn, Bed::Sown("rye".to_owned()), Bed::Planted { what: "oak".to_owned(), count: 3 }],
            rows: BTreeMap::from([(4, u64::try_from(i64::MAX).unwrap())]),
            bind: Some(1.0),
        };
        assert_eq!(from_json(&serde_json::to_string(&garden).unwrap()), Ok(garden));
        let beds = vec![Bed::Lawn, Bed::Bare, Bed::Planted { what: "7".to_owned(), count: 1 }];
        let text = r#"{"beds": ["turf", {"bare": {}}, {"planted": {"what": 7}}]}"#;
        assert_eq!(from_json(text), Ok(Garden { beds, ..Garden::default() }));
    }

    #[test]
    fn each_mistake_is_told_once_with_its_way_and_costs_its_part_alone() {
        let text = r#"{"beds": ["bare", {"planted": {"count": 300}}, {"sown": {}}, "sown", {"lawn": 1}, {"mud": 1}],
            "rows": {"x": 1, "2": -1, "3": 2.0}, "let": "f", "beads": 1}"#;
        let reading = read::<Garden>(&serde_json::from_str(text).unwrap());
        let told: Vec<String> = reading.flaws.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "beads: `beads` is not known here",
                "beds[1].planted: `what` is missing",
                "beds[1].planted.count: 300 is too large",
                "beds[2].sown: must be text, not a map",
                "beds[3]: `sown` needs a value",
                "beds[4]: `lawn` takes no value",
                "beds[5].mud: `mud` is not known here",
                "rows.x: `x` is not known here",
                "rows.2: -1 must not be negative",
                "let: must be a number, not text",
            ]
        );
        assert_eq!(reading.value, Some(Garden { beds: vec![Bed::Bare], rows: BTreeMap::from([(3, 2)]), bind: None }));
        assert_eq!(from_json::<Garden>("[").unwrap_err(), "EOF while parsing a list at line 1 column 1");
    }

    #[derive(Debug, Default, PartialEq, Readable)]
    struct Shed {
        #[serde(default)]
        tools: Vec<u8>,
        #[serde(default)]
        garden: Garden,
    }

    #[test]
    fn the_items_of_a_long_list_are_read_one_by_one() {
        let text = r#"{"dust": [[[1]], {"a": null}], "tools": [3, 4], "garden": {"beds": ["bare", "lawn"]}}"#;
        let whole: Shed = from_json(text).unwrap();
        assert_eq!(whole.tools, [3, 4]);
        let (shed, tools) = from_json_by_item::<Shed, u8>(text, &["tools"]).unwrap();
        assert_eq!((shed.tools, shed.garden, tools), (vec![], whole.garden.clone(), vec![3, 4]));
        let (shed, beds) = from_json_by_item::<Shed, Bed>(text, &["garden", "beds"]).unwrap();
        assert_eq!((shed.tools, shed.garden.beds, beds), (vec![3, 4], vec![], whole.garden.beds));
        // A way that leads nowhere finds nothing.
        let (shed, none) = from_json_by_item::<Shed, u8>(text, &["garden", "rows"]).unwrap();
        assert_eq!((shed.tools, none), (vec![3, 4], vec![]));
    }

    #[test]
    fn an_item_that_does_not_fit_is_told_with_its_place() {
        let told = |text: &str| from_json_by_item::<Shed, u8>(text, &["tools"]).unwrap_err();
        assert_eq!(told(r#"{"tools": [1, 2, "x", "y"]}"#), "tools[2]: must be a whole number, not text");
        assert!(told(r#"{"tools": 7}"#).contains("expected a list"), "{}", told(r#"{"tools": 7}"#));
        assert!(told("[]").contains("expected a map"), "{}", told("[]"));
    }

    #[test]
    fn what_nobody_reads_is_not_kept() {
        assert_eq!(Shed::KNOWN, Some(["tools", "garden"].as_slice()));
        assert_eq!(Garden::KNOWN, None, "a strict one says what it does not know");
        let root = json::tree(r#"{"dust": [1, 2], "tools": []}"#, Shed::KNOWN, &[], &mut drop).unwrap();
        assert_eq!(root.as_map().map(<[Entry]>::len), Some(1));
    }

    #[test]
    fn many_flaws_are_told_in_one_short_line() {
        let list = format!("[{}]", vec![r#"{"beds": 1}"#; 50].join(","));
        let told = from_json::<Vec<Garden>>(&list).unwrap_err();
        assert!(told.ends_with("; and 47 more"), "{told}");
    }
}
