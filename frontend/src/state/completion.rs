//! What can be written where the caret stands in a template, and what that means. The words are those of `shared`.

use shared::scenario::quote;
use shared::template::reference::{ENTRIES, Entry, Kind, built_in_pools, phrases, time_formats};

use crate::state::text_place::{byte_of, utf16_length};

/// Most that is offered at once.
const MOST: usize = 60;

/// What can be written at a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Completion {
    /// What is replaced, as the browser counts.
    pub(crate) from: u32,
    /// The place after it: the caret.
    pub(crate) to: u32,
    /// The line of `from`, from 0.
    pub(crate) line: u32,
    /// Its column in characters, from 0.
    pub(crate) column: u32,
    /// What is offered, best first.
    pub(crate) offers: Vec<Offer>,
}

/// Something that can be written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Offer {
    /// As it is listed.
    pub(crate) name: String,
    /// What it means.
    pub(crate) meaning: String,
    /// What is put into the text.
    pub(crate) written: String,
    /// What of it is selected then, to be typed over: from and to, as the browser counts.
    pub(crate) selected: (u32, u32),
}

/// What surrounds the caret.
enum Place<'t> {
    /// After a `$`: a call is wanted; `braced` says that it stands in a map of its own already.
    Call { word: &'t str, braced: bool },
    /// Inside `${...}`.
    Expression { word: &'t str },
    /// The value of a call that takes a name out of a list.
    Value { call: &'static str, word: &'t str },
    /// Beside a call.
    Modifier { word: &'t str },
}

/// What can be written at the caret (as the browser counts); `asked` says that somebody wants to know, and did not just
/// type. `pools` are the scenario's own.
pub(crate) fn complete(text: &str, caret: u32, asked: bool, pools: &[String]) -> Option<Completion> {
    let at = byte_of(text, caret);
    let start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let before = text.get(start..at)?;
    let (word, offers) = match place(before)? {
        Place::Call { word, braced } => (word, entries(word, &[Kind::Call], |entry| call_offer(entry, braced))),
        Place::Expression { word } => (word, entries(word, &[Kind::Name, Kind::Function], expression_offer)),
        Place::Value { call, word } => (word, values(call, word, pools)),
        Place::Modifier { word } if asked => (word, entries(word, &[Kind::Modifier], modifier_offer)),
        Place::Modifier { .. } => return None,
    };
    if offers.is_empty() || (offers.len() == 1 && offers[0].name == word) {
        return None;
    }
    let line = text.get(..start)?.bytes().filter(|byte| *byte == b'\n').count() as u32;
    let column = before.chars().count() - word.chars().count();
    Some(Completion { from: caret - utf16_length(word), to: caret, line, column: column as u32, offers })
}

/// What the word at the caret means, where it is one of a template.
pub(crate) fn described(text: &str, caret: u32) -> Option<&'static Entry> {
    let at = byte_of(text, caret);
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$');
    let start = text.get(..at)?.char_indices().rev().take_while(|(_, c)| is_word(*c)).last().map_or(at, |(at, _)| at);
    let end = text.get(at..)?.char_indices().find(|(_, c)| !is_word(*c)).map_or(text.len(), |(more, _)| at + more);
    let word = text.get(start..end)?;
    let line = text.get(..start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let kinds: &[Kind] = match open_expression(text.get(line..start)?) {
        Some(_) => &[Kind::Function, Kind::Name],
        None => &[Kind::Call],
    };
    let exact = ENTRIES.iter().find(|entry| kinds.contains(&entry.kind) && entry.name == word);
    exact.or_else(|| call_before(text, at))
}

/// The last call on the caret's line before it: what its arguments belong to.
fn call_before(text: &str, at: usize) -> Option<&'static Entry> {
    let line = text.get(..at)?.rsplit('\n').next()?;
    let start = line.rfind('$').filter(|start| !line[*start..].starts_with("${"))?;
    let name = &line[start..];
    let end = name[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(name.len(), |end| end + 1);
    // Once the bracket around it is closed, it is over.
    let (opened, closed) = (name.matches(['{', '[']).count(), name.matches(['}', ']']).count());
    let entry = ENTRIES.iter().find(|entry| entry.kind == Kind::Call && entry.name == &name[..end]);
    entry.filter(|_| closed <= opened)
}

fn place(before: &str) -> Option<Place<'_>> {
    if let Some(rest) = open_expression(before) {
        // A text inside an expression is the author's own.
        if rest.matches('\'').count() % 2 == 1 {
            return None;
        }
        let word = trailing(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        return Some(Place::Expression { word });
    }
    let word = trailing(before, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'));
    let lead = before.get(..before.len() - word.len())?;
    let previous = lead.trim_end().chars().next_back();
    if word.starts_with('$') && word.matches('$').count() == 1 && !lead.ends_with(is_letter) {
        let inside = opened(lead);
        // In a block the first key of a line is a map's own; in brackets that follow `{` or stand beside another key.
        let braced = match previous {
            None | Some('{' | '-') => true,
            Some(',') => inside == Some('{'),
            Some(_) => false,
        };
        return Some(Place::Call { word, braced });
    }
    for call in ["$faker", "$pool", "$now", "builtin"] {
        let value = before.rfind(call).and_then(|at| before.get(at + call.len()..));
        let value = value.and_then(|value| value.strip_prefix(':')).map(str::trim_start);
        if let Some(word) = value.filter(|value| value.chars().all(is_letter)) {
            return Some(Place::Value { call, word });
        }
    }
    let call = opened(before) == Some('{') && before.rfind('{').is_some_and(|at| before[at..].contains('$'));
    (call && matches!(previous, Some(','))).then_some(Place::Modifier { word })
}

fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// What stands in an expression that is not closed yet.
fn open_expression(before: &str) -> Option<&str> {
    let at = before.rfind("${")?;
    let rest = before.get(at + 2..)?;
    let escaped = before.get(..at)?.ends_with('$');
    (!escaped && !rest.contains('}')).then_some(rest)
}

/// The innermost bracket that is open at the end of a line.
fn opened(line: &str) -> Option<char> {
    let mut open = Vec::new();
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), c) if mark == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[') => open.push(c),
            (None, '}' | ']') => {
                open.pop();
            }
            (None, _) => {}
        }
    }
    open.pop()
}

fn trailing(text: &str, wanted: impl Fn(char) -> bool) -> &str {
    let start = text.char_indices().rev().take_while(|(_, c)| wanted(*c)).last().map_or(text.len(), |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

/// Those that begin with the word first, then those that have it somewhere.
fn entries(word: &str, kinds: &[Kind], offer: impl Fn(&'static Entry) -> Offer) -> Vec<Offer> {
    let (word, mut first, mut then) = (word.to_lowercase(), Vec::new(), Vec::new());
    let bare = word.trim_start_matches('$');
    for entry in ENTRIES.iter().filter(|entry| kinds.contains(&entry.kind)) {
        if entry.name.starts_with(&word) {
            first.push(offer(entry));
        } else if !bare.is_empty() && (entry.name.contains(bare) || entry.meaning.contains(bare)) {
            then.push(offer(entry));
        }
    }
    first.append(&mut then);
    first.truncate(MOST);
    first
}

fn call_offer(entry: &'static Entry, braced: bool) -> Offer {
    let inner = entry.example.trim_start_matches('{').strip_suffix('}').unwrap_or(entry.example);
    let written = if braced { inner.to_owned() } else { format!("{{{inner}}}") };
    let lead = usize::from(!braced) + entry.name.len() + 2;
    let end = written.len() - usize::from(!braced);
    offer(entry, written, (lead, end))
}

fn modifier_offer(entry: &'static Entry) -> Offer {
    let written = format!("{}: ", entry.name);
    let end = written.len();
    offer(entry, written, (end, end))
}

fn expression_offer(entry: &'static Entry) -> Offer {
    let written = entry.example.to_owned();
    match (entry.kind, written.find('(')) {
        (Kind::Function, Some(open)) => {
            let end = written.len() - 1;
            offer(entry, written, (open + 1, end))
        }
        _ => offer(entry, entry.name.to_owned(), (entry.name.len(), entry.name.len())),
    }
}

fn offer(entry: &'static Entry, written: String, selected: (usize, usize)) -> Offer {
    let at = |byte: usize| utf16_length(written.get(..byte).unwrap_or(&written));
    let selected = (at(selected.0), at(selected.1.max(selected.0)));
    Offer { name: entry.name.to_owned(), meaning: entry.meaning.to_owned(), written, selected }
}

fn values(call: &str, word: &str, pools: &[String]) -> Vec<Offer> {
    let (names, meaning): (Vec<&str>, &str) = match call {
        "$faker" => (phrases().collect(), "made-up text"),
        "$now" => (time_formats().collect(), "format of time"),
        "builtin" => (built_in_pools().collect(), "pool that ships inside"),
        _ => (pools.iter().map(String::as_str).collect(), "pool of this scenario"),
    };
    let fits = names.into_iter().filter(|name| name.contains(word)).take(MOST);
    fits.map(|name| {
        let written = quote(name);
        let end = utf16_length(&written);
        Offer { name: name.to_owned(), meaning: meaning.to_owned(), written, selected: (end, end) }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_end(text: &str, asked: bool) -> Option<Completion> {
        complete(text, utf16_length(text), asked, &["products".to_owned()])
    }

    fn names(text: &str, asked: bool) -> Vec<String> {
        at_end(text, asked).map(|found| found.offers.into_iter().map(|offer| offer.name).collect()).unwrap_or_default()
    }

    #[test]
    fn a_dollar_offers_calls_and_each_is_written_so_that_it_reads_back() {
        let found = at_end("events:\n  é: {body: {a: {$pic", false).expect("there are some");
        assert_eq!((found.line, found.column, found.from, found.to), (1, 17, 25, 29));
        assert_eq!(found.offers[0].name, "$pick");
        assert_eq!(found.offers[0].written, "$pick: [red, green]");
        let (from, to) = found.offers[0].selected;
        assert_eq!(&found.offers[0].written[from as usize..to as usize], "[red, green]");
        // As a value it brings its braces along.
        assert_eq!(at_end("  colour: $pi", false).unwrap().offers[0].written, "{$pick: [red, green]}");
        assert_eq!(at_end("  colour:\n    $pi", false).unwrap().offers[0].written, "$pick: [red, green]");
        assert_eq!(at_end("  colours: [$pi", false).unwrap().offers[0].written, "{$pick: [red, green]}");
        for entry in ENTRIES.iter().filter(|entry| entry.kind == Kind::Call) {
            assert_eq!(call_offer(entry, false).written, entry.example);
        }
    }

    #[test]
    fn inside_an_expression_there_are_names_and_functions() {
        assert!(names("  a: \"${user.", false).contains(&"user.id".to_owned()));
        assert_eq!(names("  a: \"${roun", false)[0], "round");
        let found = at_end("  a: \"${roun", false).unwrap();
        assert_eq!(found.offers[0].written, "round(2.345, 2)");
        assert_eq!(found.offers[0].selected, (6, 14));
        assert_eq!(names("  a: \"${x} roun", true), [] as [String; 0]);
        assert_eq!(names("  a: \"$${roun", true), [] as [String; 0]);
        assert_eq!(names("  a: \"${slug('roun", true), [] as [String; 0]);
    }

    #[test]
    fn values_and_modifiers_are_offered_where_they_belong() {
        assert_eq!(names("  a: {$pool: prod", false), ["products"]);
        assert!(!names("  a: {$faker: ", false).is_empty());
        assert!(names("  a: {$pick: [a, b], we", true).contains(&"weights".to_owned()));
        assert_eq!(names("  a: {$pick: [a, b], we", false), [] as [String; 0]);
        assert_eq!(names("  plain: words", true), [] as [String; 0]);
    }

    #[test]
    fn the_word_at_the_caret_is_explained() {
        let text = "a: {$lognormal: {p50: 1}}\nb: \"${len(items)}\"";
        assert_eq!(described(text, 7).map(|entry| entry.name), Some("$lognormal"));
        assert_eq!(described(text, 34).map(|entry| entry.name), Some("len"));
        assert_eq!(described(text, 1), None);
        assert_eq!(described(text, 18).map(|entry| entry.name), Some("$lognormal"), "in its arguments, too");
        let closed = "a: [{$int: [1, 2]}, b]";
        assert_eq!(described(closed, 21), None);
    }
}
