//! Computing the values of expressions.

use crate::generate::ids;
use crate::generate::phrase::Phrase;
use crate::random::choice;

use super::context::Context;
use super::draw::{Draw, When, moment};
use super::program::{Arguments, Expr, ExprId, Scope, SlotId};
use super::value::{Place, Span, Value, rounded};

impl Context<'_> {
    /// The value of an expression that mostly is a constant or a name: without a call for these.
    #[inline]
    pub(crate) fn operand(&mut self, id: ExprId) -> Value {
        match self.program.expressions[id.0 as usize] {
            Expr::Constant(value) => value,
            Expr::Slot(slot) => self.named(slot),
            _ => self.evaluate(id),
        }
    }

    /// The value of a name, which mostly is known by now.
    #[inline]
    pub(crate) fn named(&mut self, slot: SlotId) -> Value {
        let (event, value) = self.scratch.slots[slot.0 as usize];
        if event == self.scratch.event { value } else { self.slot(slot) }
    }

    /// The value of an expression. What events are mostly made of is here; the rest is a call further away, so that this
    /// one needs little stack.
    pub fn evaluate(&mut self, id: ExprId) -> Value {
        let program = self.program;
        match program.expressions[id.0 as usize] {
            Expr::Constant(value) => value,
            Expr::Slot(slot) => self.slot(slot),
            Expr::Fact(fact) => self.fact(fact),
            Expr::Field(of, name) => {
                let record = self.operand(of);
                self.field(record, name)
            }
            Expr::FieldAt(of, likely, place) => match self.operand(of) {
                Value::Record { shape, values } if shape == likely => self.value_at(values, place as usize),
                other => self.field(other, program.shapes[likely as usize][place as usize]),
            },
            Expr::Binary(operator, left, right) => self.binary(operator, left, right),
            Expr::SlotCompares(..) | Expr::SlotIs(..) => Value::Bool(self.holds(id)),
            Expr::Draw(Draw::Hex(digits), key, _) => Value::Hex(self.stream.word(key), digits),
            Expr::Draw(Draw::IntFixed(fixed), key, _) => {
                let (low, high) = program.ready.ints[fixed as usize];
                Value::Int(self.draws(key).int(low, high))
            }
            Expr::Draw(draw, key, arguments) => self.draw(draw, key, arguments),
            Expr::Pool(key, pool) => self.draw_from(key, pool),
            Expr::Weighted(..) | Expr::Pick(..) | Expr::Case(_) | Expr::Chance(..) | Expr::Missing(..) => {
                match self.choose(id) {
                    Some(chosen) => self.operand(chosen),
                    None => Value::Omit,
                }
            }
            Expr::StateValue(_)
            | Expr::At(..)
            | Expr::Negate(_)
            | Expr::Not(_)
            | Expr::Function(..)
            | Expr::Phrase(..)
            | Expr::Words(..)
            | Expr::Pattern(..)
            | Expr::Made(..)
            | Expr::Ulid(_)
            | Expr::Concat(_)
            | Expr::PoolGroup(..)
            | Expr::Member(..)
            | Expr::Record(..)
            | Expr::List(_)
            | Expr::Repeat(_)
            | Expr::Each(_)
            | Expr::Recorded
            | Expr::Flat(_)
            | Expr::TypeName(_)
            | Expr::Round(..)
            | Expr::Formatted(..)
            | Expr::Clamp(_)
            | Expr::Json(_) => self.evaluate_rare(id),
        }
    }

    /// The value of an expression of the other kinds.
    #[inline(never)]
    fn evaluate_rare(&mut self, id: ExprId) -> Value {
        match self.program.expression(id) {
            Expr::StateValue(variable) => self.kept(variable, 0, 0),
            Expr::At(of, index) => {
                let (list, index) = (self.operand(of), self.operand(index));
                self.at(list, index)
            }
            Expr::Negate(of) => match self.operand(of) {
                Value::Int(number) => Value::Int(number.wrapping_neg()),
                Value::Decimal(units, digits) => Value::Decimal(-units, digits),
                Value::Duration(micros) => Value::Duration(micros.wrapping_neg()),
                other => other.as_f64().map_or(Value::Null, |number| Value::Float(-number)),
            },
            Expr::Not(of) => Value::Bool(!self.holds(of)),
            Expr::Function(function, arguments) => self.call(function, arguments),
            Expr::Phrase(phrase, key) => self.made(key, |draws, out| phrase.write(draws, out)),
            Expr::Words(key, count) => {
                let count = self.operand(count).as_i64().unwrap_or(0).clamp(0, 1_000) as u64;
                self.made(key, |draws, out| Phrase::write_words(count, draws, out))
            }
            Expr::Pattern(key, span) => {
                let pattern = self.program.literal(span.start, span.start + span.len);
                self.made(key, |draws, out| ids::write_pattern(pattern, draws, out))
            }
            Expr::Made(maker, key, argument) => {
                let argument = self.operand(argument);
                self.about(maker, key, argument)
            }
            Expr::Ulid(key) => {
                let moment = self.facts.moment;
                self.made(key, |draws, out| ids::write_ulid(moment, draws.word(), draws.word(), out))
            }
            Expr::Concat(arguments) => self.concat(arguments),
            Expr::PoolGroup(key, pool, name) => {
                let name = self.operand(name);
                match self.group(pool, name) {
                    Some(group) => self.draw_from(key, group),
                    None => Value::Null,
                }
            }
            Expr::Member(key, list) => {
                let list = self.operand(list);
                let count = self.length(list);
                if count == 0 {
                    return Value::Null;
                }
                let chosen = choice::even(self.draws(key).word(), count);
                self.item(list, chosen)
            }
            Expr::Record(shape, arguments) => {
                let values = self.evaluate_all(arguments);
                Value::Record { shape, values }
            }
            Expr::List(arguments) => Value::List(self.evaluate_all(arguments)),
            Expr::Repeat(index) => self.repeat(index),
            Expr::Each(index) => {
                let each = self.program.eaches[index as usize];
                let list = self.operand(each.list);
                let mut made = Vec::new();
                self.for_each(index, list, &mut |context, make| made.push(context.evaluate(make)));
                Value::List(self.keep_list(&made))
            }
            Expr::Recorded => {
                let recorded = std::mem::take(&mut self.scratch.recorded);
                let value = Value::Text(self.keep_text(&recorded));
                self.scratch.recorded = recorded;
                value
            }
            Expr::Flat(_) => {
                // A list that is only ever written: as a value, its text.
                let mut out = Vec::new();
                self.write(id, &mut out);
                Value::Text(self.keep_text(&out))
            }
            Expr::TypeName(of) => Value::Static(self.operand(of).type_name()),
            Expr::Round(of, digits) => match self.operand(of) {
                Value::Int(number) => Value::Int(number),
                Value::Duration(micros) => rounded(micros as f64 / 1e6, digits).into_span(),
                other => other.as_f64().map_or(other, |number| rounded(number, digits)),
            },
            Expr::Formatted(of, format) => match self.operand(of) {
                Value::Moment(at, _) => moment(at, format),
                other => other,
            },
            Expr::Clamp(arguments) => self.clamp(arguments),
            Expr::Json(operations) => {
                // JSON as a value: its text.
                let mut out = Vec::new();
                self.run(operations, &mut out);
                Value::Text(self.keep_text(&out))
            }
            Expr::Constant(_)
            | Expr::Slot(_)
            | Expr::Fact(_)
            | Expr::Field(..)
            | Expr::FieldAt(..)
            | Expr::Binary(..)
            | Expr::SlotCompares(..)
            | Expr::SlotIs(..)
            | Expr::Draw(..)
            | Expr::Pool(..)
            | Expr::Weighted(..)
            | Expr::Pick(..)
            | Expr::Case(_)
            | Expr::Chance(..)
            | Expr::Missing(..) => self.evaluate(id),
        }
    }

    /// Which of its branches an expression takes; none when there is nothing to take.
    pub(crate) fn choose(&mut self, id: ExprId) -> Option<ExprId> {
        match self.program.expression(id) {
            Expr::Weighted(key, table, options) => {
                let index = self.program.tables[table as usize].pick(self.stream.word(key));
                Some(self.program.argument(options, index as u32))
            }
            Expr::Pick(key, options) => {
                let index = choice::even(self.stream.word(key), options.len as usize);
                (options.len > 0).then(|| self.program.argument(options, index as u32))
            }
            Expr::Case(pairs) => {
                for pair in (0..pairs.len).step_by(2) {
                    if self.holds(self.program.argument(pairs, pair)) {
                        return Some(self.program.argument(pairs, pair + 1));
                    }
                }
                None
            }
            Expr::Chance(key, arguments) => {
                let probability = self.operand(self.program.argument(arguments, 0)).as_f64().unwrap_or(0.0);
                let happens = self.draws(key).happens(probability);
                Some(self.program.argument(arguments, if happens { 1 } else { 2 }))
            }
            Expr::Missing(key, arguments) => {
                let probability = self.operand(self.program.argument(arguments, 0)).as_f64().unwrap_or(0.0);
                let missing = self.draws(key).happens(probability);
                (!missing).then(|| self.program.argument(arguments, 1))
            }
            _ => Some(id),
        }
    }

    #[inline(never)]
    fn draw(&mut self, draw: Draw, key: u64, arguments: Arguments) -> Value {
        let mut numbers = [f64::NAN; 3];
        let mut spans = false;
        for (index, number) in numbers.iter_mut().enumerate().take(arguments.len as usize) {
            let value = self.operand(self.program.argument(arguments, index as u32));
            spans |= matches!(value, Value::Duration(_));
            *number = value.as_f64().unwrap_or(f64::NAN);
        }
        let mut draws = match draw {
            // What wanders belongs to a user, not to one event.
            Draw::Walk => self.facts.streams[Scope::User as usize].draws(key),
            _ => self.draws(key),
        };
        let when = When { moment: self.facts.moment, step: self.facts.step };
        let value = draw.make(&mut draws, &numbers, when, &self.program.ready);
        if spans { value.into_span() } else { value }
    }

    fn slot(&mut self, slot: SlotId) -> Value {
        let Some((expression, scope)) = self.pending(slot) else {
            let (event, value) = self.scratch.slots[slot.0 as usize];
            return if event == self.scratch.event { value } else { Value::Null };
        };
        let value = self.inside(scope, |context| context.evaluate(expression));
        self.scratch.give(slot, value);
        value
    }

    #[inline(never)]
    fn concat(&mut self, arguments: Arguments) -> Value {
        if !self.works() {
            return Value::Null;
        }
        // Parts first (each may leave texts of its own in the arena), then all of them in one run.
        let parts = self.evaluate_all(arguments);
        let start = self.scratch.text.len() as u32;
        for index in 0..parts.len as usize {
            match self.value_at(parts, index) {
                Value::Text(span) => self.append(span),
                value => {
                    let mut out = std::mem::take(&mut self.scratch.text);
                    self.write_plain(value, &mut out);
                    self.scratch.text = out;
                }
            }
        }
        let len = self.scratch.text.len() as u32 - start;
        Value::Text(Span { place: Place::Scratch, start, len })
    }

    /// Evaluates arguments into neighbouring values of the scratch.
    #[inline(never)]
    pub(crate) fn evaluate_all(&mut self, arguments: Arguments) -> Span {
        // Small and fixed: values of the arguments may put values of their own into the arena in between.
        let mut values = [Value::Null; 16];
        if arguments.len as usize <= values.len() {
            for (index, value) in values.iter_mut().enumerate().take(arguments.len as usize) {
                *value = self.operand(self.program.argument(arguments, index as u32));
            }
            return self.keep_list(&values[..arguments.len as usize]);
        }
        let values: Vec<Value> =
            (0..arguments.len).map(|index| self.operand(self.program.argument(arguments, index))).collect();
        self.keep_list(&values)
    }
}
