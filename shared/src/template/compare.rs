//! Operators: arithmetic, comparison, logic, and the types that values have at run time.

use std::cmp::Ordering;

use crate::units::EpochMicros;

use super::context::Context;
use super::expression::Operator;
use super::program::{Arguments, Expr, ExprId};
use super::value::Value;

impl Context<'_> {
    pub(crate) fn binary(&mut self, operator: Operator, left: ExprId, right: ExprId) -> Value {
        match operator {
            Operator::Or => Value::Bool(self.holds(left) || self.holds(right)),
            Operator::And => Value::Bool(self.holds(left) && self.holds(right)),
            Operator::Equal
            | Operator::Unequal
            | Operator::Less
            | Operator::AtMost
            | Operator::Greater
            | Operator::AtLeast => {
                let (left, right) = (self.operand(left), self.operand(right));
                Value::Bool(self.compares(operator, left, right))
            }
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
                let (left, right) = (self.operand(left), self.operand(right));
                arithmetic(operator, left, right)
            }
        }
    }

    /// Whether an expression counts as true.
    pub(crate) fn holds(&mut self, id: ExprId) -> bool {
        match self.program.expressions[id.0 as usize] {
            Expr::Constant(value) => value.is_true(),
            Expr::SlotCompares(operator, slot, number) => match self.named(slot) {
                Value::Int(value) => fits(operator, value.cmp(&number)),
                other => self.compares(operator, other, Value::Int(number)),
            },
            Expr::SlotIs(slot, text) => match self.named(slot) {
                Value::Text(span) => span.len == text.len && self.bytes(span) == self.bytes(text),
                other => self.equal(other, Value::Text(text)),
            },
            Expr::Binary(Operator::Or, left, right) => self.holds(left) || self.holds(right),
            Expr::Binary(Operator::And, left, right) => self.holds(left) && self.holds(right),
            Expr::Binary(operator, left, right) if operator.compares() => {
                let (left, right) = (self.operand(left), self.operand(right));
                self.compares(operator, left, right)
            }
            Expr::Not(of) => !self.holds(of),
            _ => self.operand(id).is_true(),
        }
    }

    /// Whether a comparison holds; what is no comparison does not.
    fn compares(&mut self, operator: Operator, left: Value, right: Value) -> bool {
        // Whole numbers are what is compared most.
        let order = match (left, right) {
            (Value::Int(left), Value::Int(right)) => Some(left.cmp(&right)),
            _ if operator == Operator::Equal => return self.equal(left, right),
            _ if operator == Operator::Unequal => return !self.equal(left, right),
            _ => self.compare(left, right),
        };
        order.is_some_and(|order| fits(operator, order))
    }

    /// Whether two values are the same to a person: numbers by size, texts by characters.
    pub(crate) fn equal(&mut self, left: Value, right: Value) -> bool {
        if let (Some(left), Some(right)) = (self.text_of(left), self.text_of(right)) {
            return left == right;
        }
        match (left, right) {
            (Value::Null | Value::Omit, Value::Null | Value::Omit) => true,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            _ if left.is_text() && right.is_text() => self.compare(left, right).is_some_and(Ordering::is_eq),
            (Value::Record { shape, values }, Value::Record { shape: other, values: others }) => {
                shape == other
                    && (0..values.len as usize).all(|index| {
                        let (left, right) = (self.value_at(values, index), self.value_at(others, index));
                        self.equal(left, right)
                    })
            }
            _ => match (left.as_f64(), right.as_f64()) {
                (Some(left), Some(right)) => left == right,
                _ => left == right,
            },
        }
    }

    pub(crate) fn compare(&self, left: Value, right: Value) -> Option<Ordering> {
        if let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) {
            return left.partial_cmp(&right);
        }
        match (self.text_of(left), self.text_of(right)) {
            (Some(left), Some(right)) => Some(left.cmp(right)),
            _ => {
                if !left.is_text() || !right.is_text() {
                    return None;
                }
                let (mut one, mut other) = (Vec::new(), Vec::new());
                self.write_plain(left, &mut one);
                self.write_plain(right, &mut other);
                Some(one.cmp(&other))
            }
        }
    }

    pub(crate) fn clamp(&mut self, arguments: Arguments) -> Value {
        let value = self.evaluate(self.program.argument(arguments, 0));
        let low = self.evaluate(self.program.argument(arguments, 1)).as_f64().unwrap_or(f64::NEG_INFINITY);
        let high = self.evaluate(self.program.argument(arguments, 2)).as_f64().unwrap_or(f64::INFINITY);
        let Some(number) = value.as_f64() else { return value };
        if number >= low && number <= high {
            return value;
        }
        let bound = if number < low { low } else { high };
        match value {
            Value::Int(_) => Value::Int(bound as i64),
            Value::Duration(_) => Value::Float(bound).into_span(),
            _ => Value::Float(bound),
        }
    }
}

/// Whether two values in this order are as a comparison wants them; what is no comparison wants nothing.
fn fits(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::Unequal => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::AtMost => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::AtLeast => order.is_ge(),
        Operator::Or
        | Operator::And
        | Operator::Add
        | Operator::Subtract
        | Operator::Multiply
        | Operator::Divide
        | Operator::Remainder => false,
    }
}

/// Arithmetic on numbers, spans and moments; what cannot be computed is nothing.
pub(crate) fn arithmetic(operator: Operator, left: Value, right: Value) -> Value {
    match (operator, left, right) {
        (Operator::Add, Value::Int(left), Value::Int(right)) => whole(left.checked_add(right)),
        (Operator::Subtract, Value::Int(left), Value::Int(right)) => whole(left.checked_sub(right)),
        (Operator::Multiply, Value::Int(left), Value::Int(right)) => whole(left.checked_mul(right)),
        (Operator::Remainder, Value::Int(left), Value::Int(right)) => whole(left.checked_rem_euclid(right)),
        (Operator::Divide, Value::Int(left), Value::Int(right)) if right != 0 && left.checked_rem(right) == Some(0) => {
            Value::Int(left / right)
        }
        (Operator::Add, Value::Moment(moment, format), Value::Duration(micros))
        | (Operator::Add, Value::Duration(micros), Value::Moment(moment, format)) => {
            Value::Moment(EpochMicros(moment.0.saturating_add(micros)), format)
        }
        (Operator::Subtract, Value::Moment(moment, format), Value::Duration(micros)) => {
            Value::Moment(EpochMicros(moment.0.saturating_sub(micros)), format)
        }
        (Operator::Subtract, Value::Moment(left, _), Value::Moment(right, _)) => {
            Value::Duration(left.0.saturating_sub(right.0))
        }
        _ => {
            let (Some(first), Some(second)) = (left.as_f64(), right.as_f64()) else { return Value::Null };
            let number = match operator {
                Operator::Add => first + second,
                Operator::Subtract => first - second,
                Operator::Multiply => first * second,
                Operator::Divide => first / second,
                Operator::Remainder => first - second * libm::floor(first / second),
                _ => return Value::Null,
            };
            if !number.is_finite() {
                return Value::Null;
            }
            let spans = (matches!(left, Value::Duration(_)), matches!(right, Value::Duration(_)));
            match (operator, spans) {
                (_, (false, false)) | (Operator::Divide, (true, true)) => Value::Float(number),
                _ => Value::Float(number).into_span(),
            }
        }
    }
}

/// A whole number, or the nothing that an overflow is.
fn whole(number: Option<i64>) -> Value {
    number.map_or(Value::Null, Value::Int)
}
