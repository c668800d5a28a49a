//! A scenario's text with its parts told apart, as the editor colours them. It looks at one line at a time and never
//! says what is wrong: that is for the reader of scenarios.

/// The longest text that is told apart, in bytes: a longer one would make typing slow.
pub(crate) const LONGEST: usize = 100_000;

/// What a stretch of a text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// Names, marks and white space.
    Plain,
    /// From a `#` to the end of its line.
    Comment,
    /// What stands before a colon.
    Key,
    /// In quotes.
    Quoted,
    /// A number, with its unit, or a word that is a value: `true`, `forever`.
    Value,
    /// A call or an expression of a template: `$pick`, `${user.id}`.
    Call,
}

impl Part {
    /// Its class in the page.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Comment => "hl-comment",
            Self::Key => "hl-key",
            Self::Quoted => "hl-quoted",
            Self::Value => "hl-value",
            Self::Call => "hl-call",
        }
    }
}

/// The parts of a text in order; joined they are the text.
pub(crate) fn parts(text: &str) -> Vec<(Part, &str)> {
    let mut parts = Vec::new();
    for line in text.split_inclusive('\n') {
        line_parts(line, &mut parts);
    }
    parts
}

fn line_parts<'t>(line: &'t str, parts: &mut Vec<(Part, &'t str)>) {
    let mut rest = line;
    let mut after_space = true;
    while let Some(first) = rest.chars().next() {
        let (part, length) = match first {
            '#' if after_space => (Part::Comment, rest.trim_end_matches('\n').len()),
            '"' | '\'' => {
                let length = quoted_length(rest, first);
                let (inside, behind) = rest.split_at(length);
                if is_key_end(behind) {
                    (Part::Key, length)
                } else {
                    quoted_parts(inside, parts);
                    rest = behind;
                    after_space = false;
                    continue;
                }
            }
            '$' => (Part::Call, call_length(rest)),
            letter if is_word(letter) => {
                let length = word_length(rest);
                let (word, behind) = rest.split_at(length);
                match word {
                    _ if is_key_end(behind) => (Part::Key, length),
                    "true" | "false" | "null" | "forever" => (Part::Value, length),
                    word if is_number(word) => (Part::Value, length),
                    _ => (Part::Plain, length),
                }
            }
            mark => (Part::Plain, mark.len_utf8()),
        };
        let (taken, behind) = rest.split_at(length);
        push(parts, part, taken);
        after_space = taken.ends_with([' ', '\t']);
        rest = behind;
    }
}

fn push<'t>(parts: &mut Vec<(Part, &'t str)>, part: Part, taken: &'t str) {
    if !taken.is_empty() {
        parts.push((part, taken));
    }
}

/// Quoted text, in which a template's expressions are told apart.
fn quoted_parts<'t>(quoted: &'t str, parts: &mut Vec<(Part, &'t str)>) {
    let mut rest = quoted;
    while let Some(at) = rest.find("${") {
        let (before, call) = rest.split_at(at);
        let (call, behind) = call.split_at(call_length(call));
        push(parts, Part::Quoted, before);
        push(parts, Part::Call, call);
        rest = behind;
    }
    push(parts, Part::Quoted, rest);
}

/// Up to the closing quote, or to the end of the line.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            '\n' => return at,
            '\\' if quote == '"' && !escaped => escaped = true,
            letter if letter == quote && !escaped => return at + letter.len_utf8(),
            _ => escaped = false,
        }
    }
    text.len()
}

/// `$name` or `${ … }` with the braces inside.
fn call_length(text: &str) -> usize {
    if !text.starts_with("${") {
        let name = text.char_indices().skip(1).find(|(_, letter)| !(letter.is_alphanumeric() || *letter == '_'));
        return name.map_or(text.len(), |(at, _)| at);
    }
    let mut depth = 0_u32;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            '\n' => return at,
            _ => {}
        }
    }
    text.len()
}

fn is_word(letter: char) -> bool {
    !letter.is_whitespace() && !matches!(letter, ',' | '[' | ']' | '{' | '}' | ':' | '"' | '\'')
}

/// A word may have a colon inside, as addresses have.
fn word_length(text: &str) -> usize {
    let ends = |(at, letter): (usize, char)| match letter {
        ':' => is_key_end(text.get(at..).unwrap_or_default()),
        letter => !is_word(letter),
    };
    text.char_indices().find(|place| ends(*place)).map_or(text.len(), |(at, _)| at)
}

/// Whether a colon stands here that ends a key.
fn is_key_end(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|behind| behind.is_empty() || behind.starts_with([' ', '\n', '\r']))
}

/// `10`, `-2.5`, `10/s`, `90%`, `1_000`, `5m`.
fn is_number(word: &str) -> bool {
    let digits = word.trim_start_matches(['-', '+']);
    let figure = digits.trim_start_matches(|letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '_'));
    let unit = figure.chars().all(|letter| letter.is_ascii_alphabetic() || matches!(letter, '/' | '%' | 'µ'));
    digits.starts_with(|letter: char| letter.is_ascii_digit()) && unit && figure.len() <= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(Part, &str)> {
        let all = parts(text);
        assert_eq!(all.iter().map(|(_, part)| *part).collect::<String>(), text, "nothing is lost");
        all.into_iter().filter(|(part, _)| *part != Part::Plain).collect()
    }

    #[test]
    fn a_line_is_told_apart() {
        assert_eq!(
            told("shop: {rate: 10/s, url: http://x:80/#a} # why: 5"),
            [
                (Part::Key, "shop"),
                (Part::Key, "rate"),
                (Part::Value, "10/s"),
                (Part::Key, "url"),
                (Part::Comment, "# why: 5"),
            ]
        );
    }

    #[test]
    fn templates_are_seen_inside_of_quotes_and_without() {
        assert_eq!(
            told("  \"a b\": \"u_${user.id + {x: 1}.x}!\"\n  id: $uuid\n"),
            [
                (Part::Key, "\"a b\""),
                (Part::Quoted, "\"u_"),
                (Part::Call, "${user.id + {x: 1}.x}"),
                (Part::Quoted, "!\""),
                (Part::Key, "id"),
                (Part::Call, "$uuid"),
            ]
        );
    }

    #[test]
    fn what_is_cut_off_ends_with_its_line() {
        assert_eq!(
            told("a: \"open\nb: ${open\n"),
            [(Part::Key, "a"), (Part::Quoted, "\"open"), (Part::Key, "b"), (Part::Call, "${open"),]
        );
    }

    #[test]
    fn every_built_in_comes_back_whole() {
        for scenario in shared::scenario::built_in::all() {
            let all = parts(scenario.text);
            assert_eq!(all.iter().map(|(_, part)| *part).collect::<String>(), scenario.text);
            assert!(all.iter().filter(|(part, _)| *part == Part::Key).count() > 10);
        }
    }
}
