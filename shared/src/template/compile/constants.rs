//! Constants: values that outlive the event they were made in, their types, and folding.

use crate::random::Stream;
use crate::tree::{Node, Value as Written};

use super::super::context::{Context, Facts, Scratch};
use super::super::program::{Expr, ExprId, SCOPES};
use super::super::value::{Type, Value};
use super::{Compiler, Typed};

/// A value that owns what it refers to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Owned {
    /// One that refers to nothing.
    Plain(Value),
    /// A text.
    Text(Vec<u8>),
    /// A list.
    List(Vec<Owned>),
    /// A record of a shape.
    Record(u32, Vec<Owned>),
}

impl Compiler<'_> {
    /// The value of an expression under a stream, for good: an item of a pool.
    pub(crate) fn computed(&mut self, id: ExprId, stream: Stream, index: u64) -> Value {
        let mut scratch = Scratch::default();
        self.computed_with(id, stream, index, &mut scratch)
    }

    /// The same, with memory to use again.
    pub(crate) fn computed_with(&mut self, id: ExprId, stream: Stream, index: u64, scratch: &mut Scratch) -> Value {
        scratch.begin(&self.program);
        let facts = Facts { streams: [stream; SCOPES], indexes: [index; SCOPES], ..Facts::default() };
        let mut context = Context::new(&self.program, scratch, None, facts);
        let value = context.evaluate(id);
        let owned = own(&mut context, value);
        self.adopt(owned)
    }

    /// Puts an owned value among the constants.
    pub(crate) fn adopt(&mut self, owned: Owned) -> Value {
        match owned {
            Owned::Plain(value) => value,
            Owned::Text(text) => Value::Text(self.program.add_text(&text)),
            Owned::List(items) => {
                let values: Vec<Value> = items.into_iter().map(|item| self.adopt(item)).collect();
                Value::List(self.program.add_values(&values))
            }
            Owned::Record(shape, items) => {
                let values: Vec<Value> = items.into_iter().map(|item| self.adopt(item)).collect();
                Value::Record { shape, values: self.program.add_values(&values) }
            }
        }
    }

    /// A node as a constant, nothing in it a template: an inline item, a recorded event.
    pub(crate) fn literal(&mut self, node: &Node) -> Value {
        match &node.value {
            Written::Null => Value::Null,
            Written::Bool(value) => Value::Bool(*value),
            Written::Int(number) => Value::Int(*number),
            Written::Float(number) => Value::Float(*number),
            Written::String(text) => Value::Text(self.program.add_text(text.as_bytes())),
            Written::List(items) => {
                let values: Vec<Value> = items.iter().map(|item| self.literal(item)).collect();
                Value::List(self.program.add_values(&values))
            }
            Written::Map(entries) => {
                let values: Vec<Value> = entries.iter().map(|entry| self.literal(&entry.node)).collect();
                let symbols = entries.iter().map(|entry| self.program.symbol(&entry.key)).collect();
                let shape = self.program.shape(symbols);
                Value::Record { shape, values: self.program.add_values(&values) }
            }
        }
    }

    /// The type of a constant.
    pub(crate) fn type_of(&self, value: Value) -> Type {
        match value {
            Value::Null | Value::Omit => Type::Null,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Float(_) | Value::Decimal(..) => Type::Float,
            Value::Static(_) | Value::Text(_) | Value::Uuid(..) | Value::Hex(..) | Value::EventId(..) => Type::Text,
            Value::Moment(..) => Type::Moment,
            Value::Duration(_) => Type::Duration,
            Value::List(span) => {
                let items = &self.program.values[span.start as usize..(span.start + span.len) as usize];
                let kind = items.iter().map(|item| self.type_of(*item)).reduce(Type::join);
                Type::List(Box::new(kind.unwrap_or(Type::Any)))
            }
            Value::Record { shape, values } => {
                let items = &self.program.values[values.start as usize..(values.start + values.len) as usize];
                let fields = self.program.shapes[shape as usize].iter().zip(items);
                Type::Record(
                    fields
                        .map(|(name, item)| (self.program.symbols[name.0 as usize].clone(), self.type_of(*item)))
                        .collect(),
                )
            }
            Value::StateList(_) | Value::StateColumn(..) => Type::List(Box::new(Type::Any)),
            Value::StateItem(..) => Type::Any,
        }
    }

    /// Computes an expression now, if all it needs is known; the constant that it comes to.
    pub(crate) fn fold(&mut self, expression: Expr, needs: &[ExprId], kind: Type) -> Typed {
        let known = needs.iter().all(|id| match self.program.expression(*id) {
            // A state's list is known by its place, not by its items.
            Expr::Constant(value) => !matches!(value, Value::StateList(_) | Value::StateColumn(..)),
            _ => false,
        });
        let id = self.program.add(expression);
        if !known {
            return Typed { id, kind, omits: false };
        }
        let value = self.computed(id, Stream::root(0), 0);
        let folded = self.program.add(Expr::Constant(value));
        let kind = if kind == Type::Any { self.type_of(value) } else { kind };
        Typed { id: folded, kind, omits: false }
    }
}

/// A value with everything it refers to.
pub(crate) fn own(context: &mut Context<'_>, value: Value) -> Owned {
    match value {
        Value::List(span) => Owned::List(
            (0..span.len as usize)
                .map(|index| context.value_at(span, index))
                .collect::<Vec<_>>()
                .into_iter()
                .map(|item| own(context, item))
                .collect(),
        ),
        Value::Record { shape, values } => {
            let items: Vec<Value> = (0..values.len as usize).map(|index| context.value_at(values, index)).collect();
            Owned::Record(shape, items.into_iter().map(|item| own(context, item)).collect())
        }
        Value::Text(_) => Owned::Text(context.text_of(value).unwrap_or_default().to_vec()),
        other => Owned::Plain(other),
    }
}
