//! Writing an event: the operations of its program, straight into the buffer that goes on the wire.

use crate::event_id::EventId;
use crate::generate::clock::write_time;
use crate::generate::ids::write_uuid;
use crate::generate::json::{write_decimal, write_escaped, write_float, write_hex, write_int, write_text};

use super::context::Context;
use super::draw::Draw;
use super::program::{Expr, ExprId, Operation, Operations};
use super::value::{Place, Span, Value};

impl Context<'_> {
    /// Carries out write operations at the end of a buffer.
    pub fn run(&mut self, operations: Operations, out: &mut Vec<u8>) {
        let program = self.program;
        for operation in &program.operations[operations.start as usize..operations.end as usize] {
            match *operation {
                Operation::Literal(start, end) => out.extend_from_slice(program.literal(start, end)),
                Operation::Value(id) => {
                    if !self.write(id, out) {
                        out.extend_from_slice(b"null");
                    }
                }
                Operation::Inside(id) => match program.expressions[id.0 as usize] {
                    Expr::Draw(Draw::Hex(digits), key, _) => {
                        write_hex(self.stream.word(key), u32::from(digits), out);
                    }
                    _ => self.write_inside(id, out),
                },
                Operation::Optional(start, end, id) => {
                    // Mostly it is known whether it is left out before its key is written.
                    let Some(id) = self.settle(id) else { continue };
                    let before = out.len();
                    out.extend_from_slice(program.literal(start, end));
                    if self.write(id, out) {
                        out.push(b',');
                    } else {
                        out.truncate(before);
                    }
                }
                Operation::Close(sign) => {
                    if out.last() == Some(&b',') {
                        out.pop();
                    }
                    out.push(sign);
                }
            }
        }
    }

    /// The branch that an expression takes, and the branch that this takes; none where it is left out.
    fn settle(&mut self, mut id: ExprId) -> Option<ExprId> {
        loop {
            match self.program.expressions[id.0 as usize] {
                Expr::Weighted(..) | Expr::Pick(..) | Expr::Case(_) | Expr::Chance(..) | Expr::Missing(..) => {
                    id = self.choose(id)?;
                }
                Expr::Constant(Value::Omit) => return None,
                _ => return Some(id),
            }
        }
    }

    /// Draws what an expression would write, and writes nothing.
    pub(crate) fn draw_all(&mut self, id: ExprId) {
        let Some(id) = self.settle(id) else { return };
        let program = self.program;
        match program.expressions[id.0 as usize] {
            Expr::Json(operations) => {
                for operation in &program.operations[operations.start as usize..operations.end as usize] {
                    match *operation {
                        Operation::Value(id) | Operation::Inside(id) | Operation::Optional(_, _, id) => {
                            self.draw_all(id);
                        }
                        Operation::Literal(..) | Operation::Close(_) => {}
                    }
                }
            }
            Expr::Concat(arguments) | Expr::List(arguments) | Expr::Flat(arguments) => {
                (0..arguments.len).for_each(|index| self.draw_all(program.argument(arguments, index)));
            }
            Expr::Each(index) => {
                let list = self.evaluate(program.eaches[index as usize].list);
                self.for_each(index, list, &mut |context, make| context.draw_all(make));
            }
            _ => {
                std::hint::black_box(self.operand(id));
            }
        }
    }

    /// Writes an expression as JSON; false, and nothing written, if it is left out.
    pub(crate) fn write(&mut self, id: ExprId, out: &mut Vec<u8>) -> bool {
        let Some(id) = self.settle(id) else { return false };
        let program = self.program;
        match program.expressions[id.0 as usize] {
            Expr::Constant(Value::Text(Span { place: Place::Clean, start, len })) => {
                out.extend_from_slice(program.quoted(start, len));
                true
            }
            Expr::Json(operations) => {
                self.run(operations, out);
                true
            }
            Expr::Concat(_) => {
                out.push(b'"');
                self.write_inside(id, out);
                out.push(b'"');
                true
            }
            Expr::Slot(slot) => match self.pending(slot) {
                // A text that is used once need not be kept; computed again it would be the same.
                Some((expression, scope)) if matches!(self.program.expression(expression), Expr::Concat(_)) => {
                    self.inside(scope, |context| context.write(expression, out))
                }
                Some(_) | None => {
                    let value = self.operand(id);
                    self.write_value(value, out)
                }
            },
            Expr::List(arguments) => {
                out.push(b'[');
                for index in 0..arguments.len {
                    if self.write(self.program.argument(arguments, index), out) {
                        out.push(b',');
                    }
                }
                close(out, b']');
                true
            }
            Expr::Each(index) => {
                let list = self.evaluate(self.program.eaches[index as usize].list);
                out.push(b'[');
                self.for_each(index, list, &mut |context, make| {
                    if context.write(make, out) {
                        out.push(b',');
                    }
                });
                close(out, b']');
                true
            }
            Expr::Recorded => {
                out.extend_from_slice(&self.scratch.recorded);
                true
            }
            Expr::Flat(parts) => {
                out.push(b'[');
                for index in 0..parts.len {
                    let part = self.program.argument(parts, index);
                    if let Expr::Each(each) = self.program.expression(part) {
                        let list = self.evaluate(self.program.eaches[each as usize].list);
                        self.for_each(each, list, &mut |context, make| {
                            context.write(make, out);
                            out.push(b',');
                        });
                    } else if self.write(part, out) {
                        out.push(b',');
                    }
                }
                close(out, b']');
                true
            }
            _ => {
                let value = self.operand(id);
                self.write_value(value, out)
            }
        }
    }

    /// Writes the characters of an expression inside a JSON text; nothing for nothing.
    fn write_inside(&mut self, id: ExprId, out: &mut Vec<u8>) {
        if !self.works() {
            return;
        }
        let Some(id) = self.settle(id) else { return };
        match self.program.expressions[id.0 as usize] {
            Expr::Draw(Draw::Hex(digits), key, _) => {
                write_hex(self.draws(key).word(), u32::from(digits), out);
            }
            Expr::Concat(arguments) => {
                for index in 0..arguments.len {
                    self.write_inside(self.program.argument(arguments, index), out);
                }
            }
            Expr::Slot(slot) => match self.pending(slot) {
                Some((expression, scope)) if matches!(self.program.expression(expression), Expr::Concat(_)) => {
                    self.inside(scope, |context| context.write_inside(expression, out));
                }
                Some(_) | None => {
                    let value = self.operand(id);
                    self.write_escaped_value(value, out);
                }
            },
            _ => {
                let value = self.operand(id);
                self.write_escaped_value(value, out);
            }
        }
    }

    fn write_escaped_value(&mut self, value: Value, out: &mut Vec<u8>) {
        if let Value::Text(Span { place: Place::Clean, start, len }) = value {
            out.extend_from_slice(self.program.literal(start, start + len));
        } else if let Some(text) = self.text_of(value) {
            write_escaped(text, out);
        } else if matches!(value, Value::List(_) | Value::Record { .. } | Value::StateList(_)) {
            let mut json = Vec::new();
            self.write_value(value, &mut json);
            write_escaped(&json, out);
        } else {
            // Numbers, ids and moments have no character that needs an escape.
            self.write_plain(value, out);
        }
    }

    /// Writes a value as JSON; false, and nothing written, if it is left out.
    pub(crate) fn write_value(&mut self, value: Value, out: &mut Vec<u8>) -> bool {
        match value {
            Value::Omit => return false,
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Int(number) => write_int(number, out),
            Value::Float(number) => write_float(number, out),
            Value::Decimal(units, digits) => write_decimal(units, u32::from(digits), out),
            Value::Duration(micros) => write_float(micros as f64 / 1e6, out),
            Value::Static(text) => write_text(text.as_bytes(), out),
            Value::Text(Span { place: Place::Clean, start, len }) => {
                out.extend_from_slice(self.program.quoted(start, len));
            }
            Value::Text(Span { place: Place::Constant, start, len }) => {
                write_text(self.program.literal(start, start + len), out);
            }
            Value::Text(Span { place: Place::Scratch, start, len }) => {
                write_text(&self.scratch.text[start as usize..(start + len) as usize], out);
            }
            Value::Moment(..) | Value::Uuid(..) | Value::Hex(..) | Value::EventId(..) => {
                out.push(b'"');
                self.write_plain(value, out);
                out.push(b'"');
            }
            Value::List(_) | Value::StateList(_) | Value::StateColumn(..) => {
                out.push(b'[');
                for index in 0..self.length(value) {
                    let item = self.item(value, index);
                    if self.write_value(item, out) {
                        out.push(b',');
                    }
                }
                close(out, b']');
            }
            Value::Record { shape, values } => {
                out.push(b'{');
                for index in 0..values.len as usize {
                    let name = self.program.shapes[shape as usize][index];
                    let item = self.value_at(values, index);
                    self.write_field(name.0, item, out);
                }
                close(out, b'}');
            }
            Value::StateItem(variable, _) => {
                out.push(b'{');
                let fields = match self.state {
                    Some((shape, _)) => shape.variables[usize::from(variable)].list.as_deref().unwrap_or_default(),
                    None => &[],
                };
                for name in fields {
                    let item = self.field(value, *name);
                    self.write_field(name.0, item, out);
                }
                close(out, b'}');
            }
        }
        true
    }

    fn write_field(&mut self, name: u32, value: Value, out: &mut Vec<u8>) {
        let before = out.len();
        write_text(self.program.symbols[name as usize].as_bytes(), out);
        out.push(b':');
        if self.write_value(value, out) { out.push(b',') } else { out.truncate(before) }
    }

    /// Writes a value as people read it: texts without quotes, nothing for nothing.
    pub(crate) fn write_plain(&self, value: Value, out: &mut Vec<u8>) {
        match value {
            Value::Null | Value::Omit => {}
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Int(number) => write_int(number, out),
            Value::Float(number) => write_float(number, out),
            Value::Decimal(units, digits) => write_decimal(units, u32::from(digits), out),
            Value::Duration(micros) => write_float(micros as f64 / 1e6, out),
            Value::Static(_) | Value::Text(_) => {
                if let Some(text) = self.text_of(value) {
                    out.extend_from_slice(text);
                }
            }
            Value::Uuid(high, low) => write_uuid((high, low), out),
            Value::Hex(bits, digits) => write_hex(bits, u32::from(digits), out),
            Value::EventId(high, low) => EventId((u128::from(high) << 64) | u128::from(low)).write(out),
            Value::Moment(moment, format) => write_time(moment, format, out),
            // Lists and records have no plain form; they are written as JSON where they are the whole value.
            Value::List(_)
            | Value::Record { .. }
            | Value::StateList(_)
            | Value::StateItem(..)
            | Value::StateColumn(..) => {}
        }
    }
}

/// Ends a map or list after its last comma.
fn close(out: &mut Vec<u8>, sign: u8) {
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.push(sign);
}
