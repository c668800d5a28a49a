//! The members of JSON maps as ranges of their text, so that one of them can be changed and every other byte stays.

use std::ops::Range;

/// Deepest nesting that is followed.
const MAX_DEPTH: u32 = 64;

/// One key with its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Member {
    /// The key, quotes included.
    pub(crate) key: Range<usize>,
    /// The value.
    pub(crate) value: Range<usize>,
}

/// A map's members, and where its closing brace stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Members {
    pub(crate) list: Vec<Member>,
    pub(crate) close: usize,
}

impl Members {
    /// The members of the map at a place; none where there is no map, or no JSON.
    pub(crate) fn at(json: &[u8], start: usize) -> Option<Self> {
        let mut at = blank(json, start);
        if json.get(at) != Some(&b'{') {
            return None;
        }
        let mut list = Vec::new();
        at = blank(json, at + 1);
        if json.get(at) == Some(&b'}') {
            return Some(Self { list, close: at });
        }
        loop {
            let key_start = blank(json, at);
            let key_end = text(json, key_start)?;
            at = blank(json, key_end);
            if json.get(at) != Some(&b':') {
                return None;
            }
            let value_start = blank(json, at + 1);
            let value_end = value(json, value_start, 0)?;
            list.push(Member { key: key_start..key_end, value: value_start..value_end });
            at = blank(json, value_end);
            match json.get(at)? {
                b',' => at += 1,
                b'}' => return Some(Self { list, close: at }),
                _ => return None,
            }
        }
    }

    /// The index of a key, given with its quotes as it is written.
    pub(crate) fn position(&self, json: &[u8], quoted: &[u8]) -> Option<usize> {
        self.list.iter().position(|member| json.get(member.key.clone()) == Some(quoted))
    }
}

fn blank(json: &[u8], mut at: usize) -> usize {
    while matches!(json.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The end of the text at a place.
fn text(json: &[u8], start: usize) -> Option<usize> {
    if json.get(start) != Some(&b'"') {
        return None;
    }
    let mut at = start + 1;
    loop {
        match json.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The end of the value at a place.
fn value(json: &[u8], start: usize, depth: u32) -> Option<usize> {
    if depth > MAX_DEPTH {
        return None;
    }
    match json.get(start)? {
        b'"' => text(json, start),
        open @ (b'{' | b'[') => {
            let (keyed, close) = if *open == b'{' { (true, b'}') } else { (false, b']') };
            let mut at = blank(json, start + 1);
            if json.get(at) == Some(&close) {
                return Some(at + 1);
            }
            loop {
                if keyed {
                    at = blank(json, text(json, blank(json, at))?);
                    if json.get(at) != Some(&b':') {
                        return None;
                    }
                    at += 1;
                }
                at = blank(json, value(json, blank(json, at), depth + 1)?);
                match json.get(at)? {
                    b',' => at = blank(json, at + 1),
                    end if *end == close => return Some(at + 1),
                    _ => return None,
                }
            }
        }
        _ => {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
            let length = json.get(start..)?.iter().take_while(|byte| plain(byte)).count();
            (length > 0).then_some(start + length)
        }
    }
}
