//! Conditions: those that are written more than once are looked at once per event, the plainest in one step.

use std::collections::BTreeMap;

use super::super::expression::Operator;
use super::super::program::{Expr, ExprId, Program, Scope, Slot};
use super::super::value::Value;

/// What makes two expressions the same, their parts being numbered by who was first.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
enum Form {
    Text(Vec<u8>),
    Whole(i64),
    Truth(bool),
    Slot(u32),
    Field(u32, u32),
    FieldAt(u32, u32, u32),
    Not(u32),
    Binary(Operator, u32, u32),
}

/// Gives comparisons of a name with a constant an expression of their own.
pub(super) fn shorten_comparisons(program: &mut Program) {
    for id in 0..program.expressions.len() {
        let Expr::Binary(operator, left, right) = program.expressions[id] else { continue };
        let (Expr::Slot(slot), Expr::Constant(constant)) = (program.expression(left), program.expression(right)) else {
            continue;
        };
        match (operator, constant) {
            (_, Value::Int(number)) if operator.compares() => {
                program.expressions[id] = Expr::SlotCompares(operator, slot, number);
            }
            (Operator::Equal, Value::Text(text)) => program.expressions[id] = Expr::SlotIs(slot, text),
            _ => {}
        }
    }
}

/// Turns conditions that stand more than once into names for one of them.
pub(super) fn share_conditions(program: &mut Program) {
    let mut first: BTreeMap<Form, u32> = BTreeMap::new();
    let mut same: Vec<Option<u32>> = Vec::new();
    let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for id in 0..program.expressions.len() as u32 {
        let number = form(program, ExprId(id), &same).map(|form| *first.entry(form).or_insert(id));
        same.push(number);
        if let Some(number) = number
            && is_costly(program, ExprId(id))
        {
            groups.entry(number).or_default().push(id);
        }
    }
    for members in groups.into_values().filter(|members| members.len() > 1) {
        let expression = program.expression(ExprId(members[0]));
        let moved = program.add(expression);
        // Its parts say whose they are; itself it draws nothing.
        let slot = program.add_slot(Slot::Computed(moved, Scope::Event));
        for member in members {
            program.expressions[member as usize] = Expr::Slot(slot);
        }
    }
}

/// Whether it costs more to compute than to look up: comparing whole numbers does not.
fn is_costly(program: &Program, id: ExprId) -> bool {
    match program.expression(id) {
        Expr::Binary(Operator::And | Operator::Or, ..) => true,
        Expr::Binary(Operator::Equal | Operator::Unequal, left, right) => {
            [left, right].into_iter().any(|side| matches!(program.expression(side), Expr::Constant(Value::Text(_))))
        }
        _ => false,
    }
}

/// The form of an expression that is the same wherever it stands in an event; none for draws, what `$each` gives, the
/// user's state, and all that is made of them.
fn form(program: &Program, id: ExprId, same: &[Option<u32>]) -> Option<Form> {
    let part = |id: ExprId| same.get(id.0 as usize).copied().flatten();
    match program.expression(id) {
        Expr::Constant(Value::Text(span)) => {
            Some(Form::Text(program.literal(span.start, span.start + span.len).to_vec()))
        }
        Expr::Constant(Value::Int(number)) => Some(Form::Whole(number)),
        Expr::Constant(Value::Bool(truth)) => Some(Form::Truth(truth)),
        Expr::Slot(slot) => match program.slots[slot.0 as usize] {
            Slot::Computed(..) => Some(Form::Slot(slot.0)),
            Slot::Given => None,
        },
        Expr::Field(of, name) => Some(Form::Field(part(of)?, name.0)),
        Expr::FieldAt(of, shape, place) => Some(Form::FieldAt(part(of)?, shape, place)),
        Expr::Not(of) => Some(Form::Not(part(of)?)),
        Expr::Binary(operator, left, right) => Some(Form::Binary(operator, part(left)?, part(right)?)),
        _ => None,
    }
}
