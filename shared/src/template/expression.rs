//! The expression language inside `${...}`: a Pratt parser of bounded depth and size. No loops, no definitions.

use std::fmt;

/// Deepest nesting of an expression.
const MAX_DEPTH: u32 = 40;
/// Most parts of an expression.
const MAX_PARTS: u32 = 500;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ast {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `42`
    Int(i64),
    /// `0.5`
    Float(f64),
    /// `'text'`
    Text(String),
    /// A name, the first part of a path.
    Name(String),
    /// `left.name`
    Field(Box<Ast>, String),
    /// `left[right]`
    Index(Box<Ast>, Box<Ast>),
    /// `name(arguments)`
    Call(String, Vec<Ast>),
    /// `-x`
    Negate(Box<Ast>),
    /// `not x`
    Not(Box<Ast>),
    /// `x + y` and its like.
    Binary(Operator, Box<Ast>, Box<Ast>),
}

/// A sign between two operands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Operator {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

impl Operator {
    /// Whether it compares two values.
    pub(crate) fn compares(self) -> bool {
        self.power() == 4
    }

    /// How tightly it binds.
    fn power(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal | Self::Unequal | Self::Less | Self::AtMost | Self::Greater | Self::AtLeast => 4,
            Self::Add | Self::Subtract => 5,
            Self::Multiply | Self::Divide | Self::Remainder => 6,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        })
    }
}

/// How tightly `not` binds: less than a comparison, more than `and`.
const NOT_POWER: u8 = 3;
/// How tightly a sign binds.
const SIGN_POWER: u8 = 7;

/// Parses an expression.
///
/// # Errors
///
/// Says what stands where something else should.
pub(crate) fn parse(text: &str) -> Result<Ast, String> {
    let mut parser = Parser { text, at: 0, parts: 0, token: Token::End };
    parser.advance()?;
    let ast = parser.expression(0, 0)?;
    match parser.token {
        Token::End => Ok(ast),
        ref other => Err(format!("`{other}` does not belong after a whole expression")),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    End,
    Int(i64),
    Float(f64),
    Text(String),
    Word(String),
    Sign(&'static str),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the end"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Word(word) => f.write_str(word),
            Self::Sign(sign) => f.write_str(sign),
        }
    }
}

/// Signs, longer ones before their beginnings.
const SIGNS: [&str; 21] =
    ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]", ",", ".", "!", "="];

struct Parser<'a> {
    text: &'a str,
    at: usize,
    parts: u32,
    token: Token,
}

impl Parser<'_> {
    fn advance(&mut self) -> Result<Token, String> {
        let next = self.scan()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn scan(&mut self) -> Result<Token, String> {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        if first.is_ascii_digit() {
            return self.scan_number(rest);
        }
        if first == '\'' || first == '"' {
            return self.scan_text(rest, first);
        }
        if first.is_alphabetic() || first == '_' || first == '$' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            self.at += end;
            return Ok(Token::Word(rest[..end].to_owned()));
        }
        for sign in SIGNS {
            if rest.starts_with(sign) {
                self.at += sign.len();
                return Ok(Token::Sign(sign));
            }
        }
        Err(format!("`{first}` means nothing in an expression"))
    }

    fn scan_number(&mut self, rest: &str) -> Result<Token, String> {
        let bytes = rest.as_bytes();
        let mut end = 0;
        let mut whole = true;
        while let Some(byte) = bytes.get(end) {
            let next_is_digit = bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            match byte {
                b'0'..=b'9' | b'_' => {}
                b'.' if whole && next_is_digit => whole = false,
                b'e' | b'E' if next_is_digit || matches!(bytes.get(end + 1), Some(b'-' | b'+')) => {
                    whole = false;
                    end += 1;
                }
                _ => break,
            }
            end += 1;
        }
        let end = end.min(rest.len());
        self.at += end;
        let digits = rest[..end].replace('_', "");
        if whole && let Ok(number) = digits.parse() {
            return Ok(Token::Int(number));
        }
        match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Float(number)),
            _ => Err(format!("`{}` is not a number", &rest[..end])),
        }
    }

    fn scan_text(&mut self, rest: &str, quote: char) -> Result<Token, String> {
        let mut text = String::new();
        let mut characters = rest.char_indices().skip(1);
        while let Some((place, character)) = characters.next() {
            if character == quote {
                self.at += place + quote.len_utf8();
                return Ok(Token::Text(text));
            }
            if character == '\\' {
                match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, other)) => text.push(other),
                    None => break,
                }
            } else {
                text.push(character);
            }
        }
        Err(format!("the text {rest} is never closed"))
    }

    fn part(&mut self) -> Result<(), String> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(format!("the expression has more than {MAX_PARTS} parts"));
        }
        Ok(())
    }

    fn expression(&mut self, power: u8, depth: u32) -> Result<Ast, String> {
        if depth > MAX_DEPTH {
            return Err(format!("the expression is nested more than {MAX_DEPTH} deep"));
        }
        let mut left = self.operand(depth)?;
        while let Some(operator) = self.operator()? {
            if operator.power() <= power {
                break;
            }
            self.advance()?;
            self.part()?;
            let right = self.expression(operator.power(), depth + 1)?;
            left = Ast::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator(&self) -> Result<Option<Operator>, String> {
        Ok(Some(match &self.token {
            Token::Word(word) if word == "or" => Operator::Or,
            Token::Word(word) if word == "and" => Operator::And,
            Token::Sign("||") => Operator::Or,
            Token::Sign("&&") => Operator::And,
            Token::Sign("==") => Operator::Equal,
            Token::Sign("!=") => Operator::Unequal,
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::AtMost,
            Token::Sign(">") => Operator::Greater,
            Token::Sign(">=") => Operator::AtLeast,
            Token::Sign("+") => Operator::Add,
            Token::Sign("-") => Operator::Subtract,
            Token::Sign("*") => Operator::Multiply,
            Token::Sign("/") => Operator::Divide,
            Token::Sign("%") => Operator::Remainder,
            Token::Sign("=") => return Err("`=` compares nothing; write `==`".to_owned()),
            Token::End | Token::Int(_) | Token::Float(_) | Token::Text(_) | Token::Word(_) | Token::Sign(_) => {
                return Ok(None);
            }
        }))
    }

    fn operand(&mut self, depth: u32) -> Result<Ast, String> {
        self.part()?;
        let token = self.advance()?;
        let mut operand = match token {
            Token::Int(number) => Ast::Int(number),
            Token::Float(number) => Ast::Float(number),
            Token::Text(text) => Ast::Text(text),
            Token::Sign("-") => return Ok(negate(self.expression(SIGN_POWER, depth + 1)?)),
            Token::Sign("!") => return Ok(Ast::Not(Box::new(self.expression(SIGN_POWER, depth + 1)?))),
            Token::Sign("(") => {
                let inside = self.expression(0, depth + 1)?;
                self.close(")")?;
                inside
            }
            Token::Word(word) => match word.as_str() {
                "not" => return Ok(Ast::Not(Box::new(self.expression(NOT_POWER, depth + 1)?))),
                "true" => Ast::Bool(true),
                "false" => Ast::Bool(false),
                "null" => Ast::Null,
                "and" | "or" => return Err(format!("`{word}` needs something before it")),
                _ if self.token == Token::Sign("(") => {
                    self.advance()?;
                    Ast::Call(word, self.arguments(depth)?)
                }
                _ => Ast::Name(word),
            },
            Token::End => return Err("something is missing at the end".to_owned()),
            Token::Sign(_) => return Err(format!("`{token}` stands where a value should")),
        };
        loop {
            match self.token {
                Token::Sign(".") => {
                    self.advance()?;
                    self.part()?;
                    operand = match self.advance()? {
                        Token::Word(name) => Ast::Field(Box::new(operand), name),
                        Token::Int(number) => Ast::Field(Box::new(operand), number.to_string()),
                        other => return Err(format!("`{other}` cannot follow a dot; write a name")),
                    };
                }
                Token::Sign("[") => {
                    self.advance()?;
                    let index = self.expression(0, depth + 1)?;
                    self.close("]")?;
                    operand = Ast::Index(Box::new(operand), Box::new(index));
                }
                Token::End | Token::Int(_) | Token::Float(_) | Token::Text(_) | Token::Word(_) | Token::Sign(_) => {
                    return Ok(operand);
                }
            }
        }
    }

    fn arguments(&mut self, depth: u32) -> Result<Vec<Ast>, String> {
        let mut arguments = Vec::new();
        if self.token == Token::Sign(")") {
            self.advance()?;
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(0, depth + 1)?);
            if self.token == Token::Sign(",") {
                self.advance()?;
            } else {
                self.close(")")?;
                return Ok(arguments);
            }
        }
    }

    fn close(&mut self, sign: &'static str) -> Result<(), String> {
        if self.token == Token::Sign(sign) {
            self.advance()?;
            Ok(())
        } else {
            Err(format!("`{sign}` is missing before {}", self.token))
        }
    }
}

/// A negated operand; a literal becomes a negative literal.
fn negate(operand: Ast) -> Ast {
    match operand {
        Ast::Int(number) => Ast::Int(number.wrapping_neg()),
        Ast::Float(number) => Ast::Float(-number),
        other => Ast::Negate(Box::new(other)),
    }
}

/// A piece of a text with expressions in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece<'a> {
    /// Literal text.
    Text(&'a str),
    /// What stands between `${` and `}`.
    Expression(&'a str),
}

/// Longest expression that is repeated in a message, in characters.
const MOST_REPEATED: usize = 80;

/// A text for a message: a long one without its middle.
pub(crate) fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= MOST_REPEATED {
        return text.to_owned();
    }
    let part = MOST_REPEATED / 2;
    let (start, end): (String, String) = (text.chars().take(part).collect(), text.chars().skip(count - part).collect());
    format!("{start}…{end}")
}

/// Cuts a text at its `${...}`; `$${` is a literal `${`.
///
/// # Errors
///
/// Says that an expression is never closed.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if rest[..start].ends_with('$') {
            // An escaped one: up to and with the second dollar sign is literal, and so is the brace.
            pieces.push(Piece::Text(&rest[..start]));
            pieces.push(Piece::Text("{"));
            rest = &rest[start + 2..];
            continue;
        }
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let inside = &rest[start + 2..];
        let end = closing(inside).ok_or_else(|| format!("`${{` is never closed in {:?}", cut(text)))?;
        pieces.push(Piece::Expression(&inside[..end]));
        rest = &inside[end + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// The place of the `}` that closes an expression, texts inside it skipped.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (place, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            _ if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'}') => return Some(place),
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        fn show(ast: &Ast) -> String {
            match ast {
                Ast::Null => "null".to_owned(),
                Ast::Bool(value) => value.to_string(),
                Ast::Int(number) => number.to_string(),
                Ast::Float(number) => format!("{number:?}"),
                Ast::Text(text) => format!("'{text}'"),
                Ast::Name(name) => name.clone(),
                Ast::Field(of, name) => format!("{}.{name}", show(of)),
                Ast::Index(of, index) => format!("{}[{}]", show(of), show(index)),
                Ast::Call(name, arguments) => {
                    format!("{name}({})", arguments.iter().map(show).collect::<Vec<_>>().join(", "))
                }
                Ast::Negate(of) => format!("(-{})", show(of)),
                Ast::Not(of) => format!("(not {})", show(of)),
                Ast::Binary(operator, left, right) => format!("({} {operator} {})", show(left), show(right)),
            }
        }
        parse(text).map_or_else(|error| format!("error: {error}"), |ast| show(&ast))
    }

    #[test]
    fn operators_bind_as_people_expect() {
        for (text, tree) in [
            ("1 + 2 * 3", "(1 + (2 * 3))"),
            ("1 - 2 - 3", "((1 - 2) - 3)"),
            ("(old - 1 + change) % 5 + 1", "((((old - 1) + change) % 5) + 1)"),
            ("not a == b and c or d", "(((not (a == b)) and c) or d)"),
            ("-x.y * 2", "((-x.y) * 2)"),
            ("len(cart) > 0 && !done", "((len(cart) > 0) and (not done))"),
            ("errors[status].text", "errors[status].text"),
            ("round(a * 1.5e2, 2)", "round((a * 150.0), 2)"),
            ("'it''s'", "error: `'s'` does not belong after a whole expression"),
            ("'a\\'b'", "'a'b'"),
            ("-3", "-3"),
        ] {
            assert_eq!(shown(text), tree, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("", "missing at the end"),
            ("1 +", "missing at the end"),
            ("a = b", "write `==`"),
            ("f(1", "`)` is missing"),
            ("'open", "never closed"),
            ("a ? b", "means nothing"),
            ("a b", "does not belong"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn texts_are_cut_at_their_expressions() {
        assert_eq!(
            pieces("a${b}c${'}'}").unwrap(),
            [Piece::Text("a"), Piece::Expression("b"), Piece::Text("c"), Piece::Expression("'}'")]
        );
        assert_eq!(pieces("$${b}").unwrap(), [Piece::Text("$"), Piece::Text("{"), Piece::Text("b}")]);
        assert!(pieces("${a").is_err());
        assert!(pieces("no expression").unwrap().len() == 1);
    }

    #[test]
    fn depth_and_size_are_bounded() {
        assert!(parse(&"(".repeat(10_000)).is_err());
        assert!(parse(&"-".repeat(10_000)).is_err());
        assert!(parse(&format!("1{}", "+1".repeat(10_000))).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,60}") {
            let _parsed = parse(&text);
            let _pieces = pieces(&text);
        }

        #[test]
        fn no_heap_of_tokens_makes_the_parser_panic(
            tokens in prop::collection::vec(prop::sample::select(vec![
                "1", "2.5", "1e", "x", ".", "(", ")", "[", "]", ",", "+", "-", "*", "%", "==", "=", "not", "and", "'a'", "'", "{", "$",
            ]), 0..60),
        ) {
            let _parsed = parse(&tokens.join(" "));
            let _joined = parse(&tokens.concat());
        }
    }
}
