//! Cuts Rust source into the few tokens that imports are made of; comments, strings and numbers are dropped.
//!
//! A lexer instead of a parser, because paths inside macros (`view!`, `select!`) count as much as any other.

/// One token and the line that it stands on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its line, from 1.
    pub(crate) line: u32,
}

/// What a token is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A name or keyword; raw identifiers without their `r#`.
    Name(String),
    /// `::`
    PathSeparator,
    /// Any other character.
    Mark(char),
}

/// Cuts a file.
pub(crate) fn cut(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { rest: source, line: 1, tokens: Vec::new() };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: u32,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return };
        if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else if rest.starts_with("//") {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.skip(block_comment(rest));
        } else if let Some(length) = raw_string(rest) {
            self.skip(length);
        } else if let Some(prefix) = ["\"", "b\"", "c\""].into_iter().find(|start| rest.starts_with(start)) {
            self.skip(prefix.len() + until_unescaped(&rest[prefix.len()..], '"'));
        } else if let Some(inside) = rest.strip_prefix("b'") {
            self.skip(2 + until_unescaped(inside, '\''));
        } else if first == '\'' {
            self.skip(quote(rest));
        } else if rest.starts_with("::") {
            self.push(Kind::PathSeparator);
            self.skip(2);
        } else if first.is_ascii_digit() {
            self.skip(rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()));
        } else if first.is_alphabetic() || first == '_' {
            let start = if rest.starts_with("r#") { 2 } else { 0 };
            let end =
                rest[start..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(rest.len(), |at| at + start);
            self.push(Kind::Name(rest[start..end].to_owned()));
            self.skip(end);
        } else {
            self.push(Kind::Mark(first));
            self.skip(first.len_utf8());
        }
    }

    fn push(&mut self, kind: Kind) {
        self.tokens.push(Token { kind, line: self.line });
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at(length);
        self.line += skipped.matches('\n').count() as u32;
        self.rest = rest;
    }
}

/// Length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Length of `r"..."`, `br#"..."#` and their kin, if the text starts with one.
fn raw_string(text: &str) -> Option<usize> {
    let start = ["r", "br", "cr"]
        .into_iter()
        .find(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"')))?;
    let hashes = text[start.len()..].find('"')?;
    let open = start.len() + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(text[open..].find(&close).map_or(text.len(), |at| open + at + close.len()))
}

/// Length up to and with the closing quote.
fn until_unescaped(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// Length of a character literal; of a lifetime only the tick.
fn quote(text: &str) -> usize {
    let inside = &text[1..];
    let mut letters = inside.chars();
    match (letters.next(), letters.next()) {
        (Some('\\'), _) => 1 + until_unescaped(inside, '\''),
        (Some(letter), Some('\'')) => 2 + letter.len_utf8(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str) -> Vec<String> {
        let name = |token: Token| match token.kind {
            Kind::Name(name) => Some(name),
            Kind::PathSeparator | Kind::Mark(_) => None,
        };
        cut(source).into_iter().filter_map(name).collect()
    }

    #[test]
    fn what_is_not_code_is_dropped() {
        let source = r####"
            // crate::comment
            /* crate::block /* nested */ crate::still */
            let a = "crate::string \" crate::more"; let b = r#"crate::raw " "#; let c = b"crate"; let d = br##"x"#"##;
            let e = 'x'; let f = '\''; let g = b'\\'; let h = 1_000u64; fn i<'crate_a>(x: &'crate_a str) {}
            r#type
        "####;
        let mut left = names(source);
        left.retain(|name| !["let", "fn", "str"].contains(&name.as_str()));
        assert_eq!(left, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "crate_a", "x", "crate_a", "type"]);
    }

    #[test]
    fn every_token_knows_its_line() {
        let tokens = cut("/* a\n b */ one\n\"x\ny\" two");
        let lines: Vec<u32> = tokens.iter().map(|token| token.line).collect();
        assert_eq!(lines, [2, 4]);
    }

    #[test]
    fn a_file_that_ends_in_the_middle_is_cut_to_its_end() {
        for source in ["\"open", "r#\"open", "/* open", "'", "b'", "é'"] {
            cut(source);
        }
    }
}
