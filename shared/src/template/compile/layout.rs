//! Laying out JSON: what is known becomes bytes now, the rest operations between them.

use crate::generate::json::{write_escaped, write_text};

use super::super::context::{Context, Facts, Scratch};
use super::super::program::{Arguments, Expr, Operation, Operations, Program};
use super::Typed;

/// JSON under construction.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    operations: Vec<Operation>,
    literal: Vec<u8>,
}

impl Layout {
    /// Adds bytes.
    pub(crate) fn literal(&mut self, bytes: &[u8]) {
        self.literal.extend_from_slice(bytes);
    }

    /// Adds a key and its colon.
    pub(crate) fn key(&mut self, name: &str) {
        write_text(name.as_bytes(), &mut self.literal);
        self.literal.push(b':');
    }

    /// Adds a value.
    pub(crate) fn value(&mut self, program: &mut Program, typed: &Typed) {
        match program.expression(typed.id) {
            Expr::Constant(value) => {
                let mut scratch = Scratch::default();
                let mut context = Context::new(program, &mut scratch, None, Facts::default());
                if !context.write_value(value, &mut self.literal) {
                    self.literal(b"null");
                }
            }
            Expr::Json(operations) => {
                for place in operations.start..operations.end {
                    match program.operations[place as usize] {
                        Operation::Literal(start, end) => self.literal.extend_from_slice(program.literal(start, end)),
                        other => self.operation(program, other),
                    }
                }
            }
            Expr::Concat(parts) => {
                self.literal(b"\"");
                self.inside(program, parts);
                self.literal(b"\"");
            }
            _ => self.operation(program, Operation::Value(typed.id)),
        }
    }

    /// Adds the parts of a text, and their parts.
    fn inside(&mut self, program: &mut Program, parts: Arguments) {
        for index in 0..parts.len {
            let part = program.argument(parts, index);
            match program.expression(part) {
                Expr::Constant(value) => {
                    let mut plain = Vec::new();
                    let mut scratch = Scratch::default();
                    Context::new(program, &mut scratch, None, Facts::default()).write_plain(value, &mut plain);
                    write_escaped(&plain, &mut self.literal);
                }
                Expr::Concat(parts) => self.inside(program, parts),
                _ => self.operation(program, Operation::Inside(part)),
            }
        }
    }

    /// Adds a key and a value that may be left out, and a comma.
    pub(crate) fn field(&mut self, program: &mut Program, name: &str, typed: &Typed) {
        if typed.omits {
            self.flush(program);
            let mut key = Vec::new();
            write_text(name.as_bytes(), &mut key);
            key.push(b':');
            let (start, end) = program.add_literal(&key);
            self.operations.push(Operation::Optional(start, end, typed.id));
        } else {
            self.key(name);
            self.value(program, typed);
            self.literal(b",");
        }
    }

    /// Ends a map or list that may have a comma too many.
    pub(crate) fn close(&mut self, program: &mut Program, sign: u8) {
        self.operation(program, Operation::Close(sign));
    }

    fn operation(&mut self, program: &mut Program, operation: Operation) {
        self.flush(program);
        self.operations.push(operation);
    }

    fn flush(&mut self, program: &mut Program) {
        if !self.literal.is_empty() {
            let (start, end) = program.add_literal(&self.literal);
            self.operations.push(Operation::Literal(start, end));
            self.literal.clear();
        }
    }

    /// The finished operations.
    pub(crate) fn finish(mut self, program: &mut Program) -> Operations {
        self.flush(program);
        let start = program.operations.len() as u32;
        program.operations.extend_from_slice(&self.operations);
        Operations { start, end: program.operations.len() as u32 }
    }
}
