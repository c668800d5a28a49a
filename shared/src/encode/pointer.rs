//! A place in a JSON answer such as `$.successful`, found without building the answer's tree.

use std::str::FromStr;

/// Deepest nesting that is followed.
const MAX_DEPTH: u32 = 64;

/// A path into a JSON text: names and indexes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pointer {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

impl FromStr for Pointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a path into an answer");
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(inside) = rest.strip_prefix('[') {
                let (index, after) = inside.split_once(']').ok_or_else(wrong)?;
                steps.push(Step::Index(index.parse().map_err(|_error| wrong())?));
                rest = after;
            } else {
                let inside = rest.strip_prefix('.').unwrap_or(rest);
                let end = inside.find(['.', '[']).unwrap_or(inside.len());
                if end == 0 {
                    return Err(wrong());
                }
                steps.push(Step::Key(inside[..end].to_owned()));
                rest = &inside[end..];
            }
        }
        Ok(Self { steps })
    }
}

impl Pointer {
    /// The text of the value at this place; none where the answer has no such place or is no JSON up to there.
    pub fn find<'a>(&self, json: &'a [u8]) -> Option<&'a [u8]> {
        let mut scanner = Scanner { json, at: 0 };
        for step in &self.steps {
            match step {
                Step::Key(key) => scanner.enter_key(key)?,
                Step::Index(index) => scanner.enter_index(*index)?,
            }
        }
        scanner.blank();
        let start = scanner.at;
        scanner.skip(0)?;
        json.get(start..scanner.at)
    }

    /// A field of a map, whatever its name holds.
    pub fn field(name: &str) -> Self {
        Self { steps: vec![Step::Key(name.to_owned())] }
    }

    /// The texts of the items of the list at this place, in order; none where there is no list.
    pub fn items<'a>(&self, json: &'a [u8]) -> Option<Vec<&'a [u8]>> {
        let list = self.find(json)?;
        let mut scanner = Scanner { json: list, at: 0 };
        scanner.take(b'[')?;
        let mut items = Vec::new();
        scanner.blank();
        if scanner.peek()? == b']' {
            return Some(items);
        }
        loop {
            scanner.blank();
            let start = scanner.at;
            scanner.skip(0)?;
            items.push(list.get(start..scanner.at)?);
            if scanner.take(b',').is_none() {
                return Some(items);
            }
        }
    }

    /// The scalar at this place as people write it: text without its quotes; none where there is none.
    pub fn text(&self, json: &[u8]) -> Option<String> {
        let found = self.find(json)?;
        if found.first() == Some(&b'"') {
            return serde_json::from_slice(found).ok();
        }
        Some(String::from_utf8_lossy(found).into_owned())
    }

    /// The whole number at this place.
    pub fn count(&self, json: &[u8]) -> Option<u64> {
        std::str::from_utf8(self.find(json)?).ok()?.parse().ok()
    }
}

/// Walks over JSON text; trusts it to be JSON, but never runs past its end.
struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.blank();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Moves to the value of a key of the map here.
    fn enter_key(&mut self, key: &str) -> Option<()> {
        self.take(b'{')?;
        loop {
            self.blank();
            let start = self.at;
            self.skip_text()?;
            let found = self.json.get(start + 1..self.at - 1)? == key.as_bytes();
            self.take(b':')?;
            if found {
                return Some(());
            }
            self.skip(0)?;
            self.take(b',')?;
        }
    }

    /// Moves to an item of the list here.
    fn enter_index(&mut self, index: usize) -> Option<()> {
        self.take(b'[')?;
        for _ in 0..index {
            self.skip(0)?;
            self.take(b',')?;
        }
        self.blank();
        (self.peek()? != b']').then_some(())
    }

    /// Moves past the value here.
    fn skip(&mut self, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.blank();
        match self.peek()? {
            b'"' => self.skip_text(),
            b'{' => self.skip_items(b'}', true, depth),
            b'[' => self.skip_items(b']', false, depth),
            _ => {
                let start = self.at;
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
                    self.at += 1;
                }
                (self.at > start).then_some(())
            }
        }
    }

    fn skip_items(&mut self, close: u8, keyed: bool, depth: u32) -> Option<()> {
        self.at += 1;
        self.blank();
        if self.peek()? == close {
            self.at += 1;
            return Some(());
        }
        loop {
            if keyed {
                self.blank();
                self.skip_text()?;
                self.take(b':')?;
            }
            self.skip(depth + 1)?;
            self.blank();
            match self.peek()? {
                b',' => self.at += 1,
                byte if byte == close => {
                    self.at += 1;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    fn skip_text(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANSWER: &[u8] =
        br#" {"success": true, "results": [{"a\"}": [1, {}]}, {"ok": "yes"}], "total": 50 , "successful":49,"x":{"failed": 1}}"#;

    #[test]
    fn counts_are_found_wherever_they_stand() {
        for (path, count) in
            [("$.successful", Some(49)), ("total", Some(50)), ("$.x.failed", Some(1)), ("$.none", None)]
        {
            assert_eq!(path.parse::<Pointer>().unwrap().count(ANSWER), count, "{path}");
        }
        assert_eq!("$.results[1].ok".parse::<Pointer>().unwrap().find(ANSWER), Some(&b"\"yes\""[..]));
        assert_eq!("$.results[2]".parse::<Pointer>().unwrap().find(ANSWER), None);
        assert_eq!("$".parse::<Pointer>().unwrap().find(b"[1]"), Some(&b"[1]"[..]));
        let items = "$.results".parse::<Pointer>().unwrap().items(ANSWER).unwrap();
        assert_eq!(items, [&br#"{"a\"}": [1, {}]}"#[..], br#"{"ok": "yes"}"#]);
        assert_eq!(Pointer::field("ok").text(items[1]).as_deref(), Some("yes"));
        assert_eq!("$.success".parse::<Pointer>().unwrap().text(ANSWER).as_deref(), Some("true"));
        assert_eq!("$.total".parse::<Pointer>().unwrap().items(ANSWER), None);
        for wrong in ["$..a", "$[x]", "$[1", "."] {
            assert!(wrong.parse::<Pointer>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in prop::collection::vec(any::<u8>(), 0..80), cut in 0_usize..120) {
            let pointer: Pointer = "$.x.failed".parse().unwrap();
            let _found = pointer.find(&answer);
            let _found = pointer.find(&ANSWER[..cut.min(ANSWER.len())]);
            let _items = "$.results".parse::<Pointer>().unwrap().items(&ANSWER[..cut.min(ANSWER.len())]);
        }
    }
}
