//! Applying functions to values.

use crate::generate::clock::{TimeFormat, civil};
use crate::random::{hash_bytes, index};

use super::context::Context;
use super::draw::moment;
use super::function::Function;
use super::program::Arguments;
use super::value::{Place, Span, Value, rounded};

/// Most bytes that replacing may come to.
const MOST_REPLACED: usize = 1 << 20;

impl Context<'_> {
    pub(crate) fn call(&mut self, function: Function, arguments: Arguments) -> Value {
        match function {
            // These leave arguments unlooked at.
            Function::Coalesce => {
                for index in 0..arguments.len {
                    let value = self.nth(arguments, index);
                    if !value.is_nothing() {
                        return value;
                    }
                }
                return Value::Null;
            }
            Function::If => {
                let chosen = if self.nth(arguments, 0).is_true() { 1 } else { 2 };
                return self.nth(arguments, chosen);
            }
            _ => {}
        }
        let first = self.nth(arguments, 0);
        let number = first.as_f64();
        let seconds = |factor: f64| number.map_or(Value::Null, |number| Value::Float(number * factor).into_span());
        match function {
            Function::Coalesce | Function::If => Value::Null,
            Function::Len => match self.text_of(first) {
                Some(text) => Value::Int(text.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as i64),
                None => Value::Int(self.length(first) as i64),
            },
            Function::Sum => self.sum(first),
            Function::Min | Function::Max => self.extreme(function == Function::Max, first, arguments),
            Function::Round => {
                let digits = if arguments.len > 1 { self.nth(arguments, 1).as_i64().unwrap_or(0) } else { 0 };
                number.map_or(Value::Null, |number| rounded(number, digits.clamp(0, 15) as u8))
            }
            Function::Floor => number.map_or(Value::Null, |number| Value::Int(libm::floor(number) as i64)),
            Function::Ceil => number.map_or(Value::Null, |number| Value::Int(libm::ceil(number) as i64)),
            Function::Abs => match first {
                Value::Int(number) => Value::Int(number.wrapping_abs()),
                Value::Decimal(units, digits) => Value::Decimal(units.wrapping_abs(), digits),
                _ => number.map_or(Value::Null, |number| Value::Float(number.abs())),
            },
            Function::Sqrt => number.map_or(Value::Null, |number| finite(libm::sqrt(number))),
            Function::Pow => match (number, self.nth(arguments, 1).as_f64()) {
                (Some(base), Some(power)) => finite(libm::pow(base, power)),
                _ => Value::Null,
            },
            Function::Whole => match self.number_in(first) {
                Some(number) => Value::Int(number as i64),
                None => Value::Null,
            },
            Function::Number => self.number_in(first).map_or(Value::Null, finite),
            Function::Text => Value::Text(self.text_span(first)),
            Function::Seconds => seconds(1.0),
            Function::Minutes => seconds(60.0),
            Function::Hours => seconds(3_600.0),
            Function::Days => seconds(86_400.0),
            Function::HourOf | Function::WeekdayOf => match first {
                Value::Moment(moment, _) => {
                    let civil = civil(moment);
                    Value::Int(i64::from(if function == Function::HourOf { civil.hour } else { civil.weekday }))
                }
                _ => Value::Null,
            },
            Function::Slug | Function::Url | Function::Title | Function::Upper | Function::Lower => {
                self.transform(function, first)
            }
            Function::Contains | Function::StartsWith | Function::EndsWith => {
                let second = self.nth(arguments, 1);
                self.search(function, first, second)
            }
            Function::Replace => {
                let from = self.nth(arguments, 1);
                if let (Some(text), Some(from)) = (self.text_of(first), self.text_of(from))
                    && find(text, from).is_none()
                {
                    return first;
                }
                let to = self.nth(arguments, 2);
                let (text, from, to) = (self.text_span(first), self.text_span(from), self.text_span(to));
                if from.len == 0 {
                    return first;
                }
                if !self.works() || (text.len as usize).saturating_mul(to.len.max(1) as usize) > MOST_REPLACED {
                    return Value::Null;
                }
                self.replaced(text, from, to)
            }
            Function::Slice => {
                let text = self.owned(first);
                let from = self.nth(arguments, 1).as_i64().unwrap_or(0).max(0) as usize;
                let to = if arguments.len > 2 {
                    self.nth(arguments, 2).as_i64().unwrap_or(0).max(0) as usize
                } else {
                    usize::MAX
                };
                let cut: String = text.chars().take(to).skip(from).collect();
                Value::Text(self.keep_text(cut.as_bytes()))
            }
            Function::Join => {
                let between = if arguments.len > 1 { self.nth(arguments, 1) } else { Value::Static(", ") };
                let mut out = Vec::new();
                for index in 0..self.length(first) {
                    if index > 0 {
                        self.write_plain(between, &mut out);
                    }
                    let item = self.item(first, index);
                    self.write_plain(item, &mut out);
                }
                Value::Text(self.keep_text(&out))
            }
            Function::Concat => {
                let parts: Vec<Value> = (0..arguments.len).map(|index| self.nth(arguments, index)).collect();
                self.concatenated(&parts)
            }
            Function::First => {
                if self.length(first) > 0 {
                    self.item(first, 0)
                } else {
                    Value::Null
                }
            }
            Function::Last => match self.length(first) {
                0 => Value::Null,
                count => self.item(first, count - 1),
            },
            Function::Pad => {
                let width = self.nth(arguments, 1).as_i64().unwrap_or(0).clamp(0, 64) as usize;
                let span = self.text_span(first);
                let start = self.scratch.text.len();
                self.scratch.text.extend(std::iter::repeat_n(b'0', width.saturating_sub(span.len as usize)));
                self.map_bytes(span, |byte, out| out.push(byte));
                self.scratch_from(start)
            }
            Function::Format => {
                let name = self.nth(arguments, 1);
                let format = self.text_of(name).and_then(|text| TimeFormat::named(std::str::from_utf8(text).ok()?));
                match (first, format) {
                    (Value::Moment(at, _), Some(format)) => moment(at, format),
                    _ => first,
                }
            }
            Function::Hash => {
                let bound =
                    if arguments.len > 1 { self.nth(arguments, 1).as_i64().unwrap_or(i64::MAX) } else { i64::MAX };
                let mut text = Vec::new();
                self.write_plain(first, &mut text);
                Value::Int(index(hash_bytes(&text), bound.max(1) as u64) as i64)
            }
        }
    }

    /// Lists as one list, what is no list as an item of it; without a list among them, one text.
    fn concatenated(&mut self, parts: &[Value]) -> Value {
        let is_list = |part: &Value| matches!(part, Value::List(_) | Value::StateList(_) | Value::StateColumn(..));
        if !parts.iter().any(is_list) {
            let mut out = Vec::new();
            for part in parts {
                if !self.works() {
                    return Value::Null;
                }
                self.write_plain(*part, &mut out);
            }
            return Value::Text(self.keep_text(&out));
        }
        let mut items = Vec::new();
        for part in parts {
            if !is_list(part) {
                items.push(*part);
                continue;
            }
            for index in 0..self.length(*part) {
                if !self.works() {
                    return Value::Null;
                }
                let item = self.item(*part, index);
                items.push(item);
            }
        }
        Value::List(self.keep_list(&items))
    }

    /// A text with every occurrence of another replaced.
    fn replaced(&mut self, text: Span, from: Span, to: Span) -> Value {
        let start = self.scratch.text.len();
        let mut rest = text;
        while let Some(place) = find(self.bytes(rest), self.bytes(from)) {
            self.append(Span { len: place as u32, ..rest });
            self.append(to);
            let past = place as u32 + from.len;
            rest = Span { start: rest.start + past, len: rest.len - past, ..rest };
        }
        self.append(rest);
        self.scratch_from(start)
    }

    fn nth(&mut self, arguments: Arguments, index: u32) -> Value {
        if index >= arguments.len {
            return Value::Null;
        }
        self.operand(self.program.argument(arguments, index))
    }

    fn sum(&mut self, list: Value) -> Value {
        let (mut whole, mut number, mut decimal) = (0_i64, 0.0, true);
        let mut scale = 0;
        for index in 0..self.length(list) {
            let item = self.item(list, index);
            number += item.as_f64().unwrap_or(0.0);
            match item {
                Value::Int(value) => whole = whole.saturating_add(value),
                Value::Decimal(_, digits) => scale = scale.max(digits),
                Value::Null | Value::Omit => {}
                _ => decimal = false,
            }
        }
        // Sums of prices keep their cents: no 12.990000000000002.
        if decimal && scale > 0 {
            rounded(number, scale)
        } else if decimal {
            Value::Int(whole)
        } else {
            finite(number)
        }
    }

    fn extreme(&mut self, largest: bool, first: Value, arguments: Arguments) -> Value {
        let mut best: Option<(f64, Value)> = None;
        let mut look = |value: Value| {
            if let Some(number) = value.as_f64()
                && best.is_none_or(|(known, _)| if largest { number > known } else { number < known })
            {
                best = Some((number, value));
            }
        };
        if arguments.len == 1 {
            for index in 0..self.length(first) {
                look(self.item(first, index));
            }
        } else {
            look(first);
            for index in 1..arguments.len {
                let value = self.nth(arguments, index);
                look(value);
            }
        }
        best.map_or(Value::Null, |(_, value)| value)
    }

    /// The number that a value is or that its text says.
    fn number_in(&self, value: Value) -> Option<f64> {
        match value {
            Value::Bool(value) => Some(f64::from(u8::from(value))),
            _ => value.as_f64().or_else(|| std::str::from_utf8(self.text_of(value)?).ok()?.trim().parse().ok()),
        }
    }

    fn owned(&self, value: Value) -> String {
        let mut text = Vec::new();
        self.write_plain(value, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// A value's characters in an arena.
    pub(crate) fn text_span(&mut self, value: Value) -> Span {
        if let Value::Text(span) = value {
            return span;
        }
        let start = self.scratch.text.len();
        let mut out = std::mem::take(&mut self.scratch.text);
        self.write_plain(value, &mut out);
        self.scratch.text = out;
        Span { place: Place::Scratch, start: start as u32, len: (self.scratch.text.len() - start) as u32 }
    }

    /// Goes over the bytes of a text while writing to the end of the scratch.
    fn map_bytes(&mut self, span: Span, mut act: impl FnMut(u8, &mut Vec<u8>)) {
        let range = span.start as usize..(span.start + span.len) as usize;
        match span.place {
            Place::Constant | Place::Clean => {
                for byte in &self.program.text[range] {
                    act(*byte, &mut self.scratch.text);
                }
            }
            Place::Scratch => {
                for place in range {
                    let byte = self.scratch.text[place];
                    act(byte, &mut self.scratch.text);
                }
            }
        }
    }

    fn scratch_from(&self, start: usize) -> Value {
        let len = (self.scratch.text.len() - start) as u32;
        Value::Text(Span { place: Place::Scratch, start: start as u32, len })
    }

    fn transform(&mut self, function: Function, value: Value) -> Value {
        let span = self.text_span(value);
        let start = self.scratch.text.len();
        let mut fresh = true;
        self.map_bytes(span, |byte, out| match function {
            Function::Slug => {
                if byte.is_ascii_alphanumeric() {
                    out.push(byte.to_ascii_lowercase());
                } else if out.len() > start && out.last() != Some(&b'-') {
                    out.push(b'-');
                }
            }
            Function::Url => match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte),
                b' ' => out.push(b'+'),
                _ => {
                    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                    out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
                }
            },
            Function::Title => {
                out.push(if fresh { byte.to_ascii_uppercase() } else { byte });
                fresh = byte == b' ' || byte == b'-' || byte == b'_';
            }
            Function::Upper => out.push(byte.to_ascii_uppercase()),
            _ => out.push(byte.to_ascii_lowercase()),
        });
        if function == Function::Slug && self.scratch.text.len() > start && self.scratch.text.last() == Some(&b'-') {
            self.scratch.text.pop();
        }
        self.scratch_from(start)
    }

    fn search(&mut self, function: Function, inside: Value, wanted: Value) -> Value {
        if function == Function::Contains && self.text_of(inside).is_none() {
            for index in 0..self.length(inside) {
                let item = self.item(inside, index);
                if self.equal(item, wanted) {
                    return Value::Bool(true);
                }
            }
            return Value::Bool(false);
        }
        let (text, part) = (self.owned(inside), self.owned(wanted));
        Value::Bool(match function {
            Function::StartsWith => text.starts_with(&part),
            Function::EndsWith => text.ends_with(&part),
            _ => text.contains(&part),
        })
    }
}

/// Where a text first contains another.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let Some(first) = part.first() else { return Some(0) };
    text.iter().enumerate().position(|(place, byte)| byte == first && text[place..].starts_with(part))
}

/// A number, or the nothing that it is where it is none.
fn finite(number: f64) -> Value {
    if number.is_finite() { Value::Float(number) } else { Value::Null }
}
