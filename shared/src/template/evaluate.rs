//! Computing the values of expressions for one event.

use crate::event_id::EventId;
use crate::generate::clock::TimeFormat;
use crate::generate::json::write_int;
use crate::generate::phrase::Phrase;
use crate::generate::{agent, ids, place};
use crate::random::{Draws, Stream, choice};
use crate::units::EpochMicros;

use super::expression::Operator;
use super::program::{Arguments, Expr, ExprId, Fact, Maker, Picker, Program, SCOPES, Scope, Slot, SlotId};
use super::state::{Kept, State, StateShape, is_plain};
use super::value::{Place, Span, Symbol, Value, rounded};

/// Turns of loops and texts put together for one event; beyond, what is left out is nothing. Real events need dozens.
const MOST_WORK: u32 = 100_000;
/// Most bytes of texts that are kept for one event; beyond, a text is nothing.
const MOST_TEXT: usize = 4 << 20;
/// Most items that `$array` makes.
const MAX_REPEATS: i64 = 1_000;
/// Times that `unique` draws again before it takes what it has.
const MAX_REDRAWS: u64 = 32;

/// The memory of evaluation: reused from event to event.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) text: Vec<u8>,
    pub(crate) values: Vec<Value>,
    /// Value of each slot, and the event it belongs to.
    slots: Vec<(u64, Value)>,
    event: u64,
    /// Work done for the event.
    work: u32,
    /// The recorded event at hand, as JSON.
    pub(crate) recorded: Vec<u8>,
}

impl Scratch {
    /// Forgets the last event.
    pub fn begin(&mut self, program: &Program) {
        self.text.clear();
        self.values.clear();
        self.work = 0;
        self.slots.resize(program.slots.len(), (0, Value::Null));
        self.event += 1;
    }

    /// Sets the value of a slot that the behavior gives.
    pub fn give(&mut self, slot: SlotId, value: Value) {
        self.slots[slot.0 as usize] = (self.event, value);
    }
}

/// What is known about the event at hand.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// When it happened.
    pub moment: EpochMicros,
    /// Its decodable id.
    pub event_id: EventId,
    /// Number of the arrival, from 1.
    pub sequence: u64,
    /// Number within its session, life or user, from 1.
    pub step: u64,
    /// The stream of each scope: its own, its user's, its session's or life's, its page's or state's, the one before.
    pub streams: [Stream; SCOPES],
    /// Numbers, from 1, that `index` means in each of the scopes.
    pub indexes: [u64; SCOPES],
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            moment: EpochMicros(0),
            event_id: EventId::default(),
            sequence: 0,
            step: 0,
            streams: [Stream::root(0); SCOPES],
            indexes: [0; SCOPES],
        }
    }
}

/// Everything that an expression can see.
pub struct Context<'a> {
    pub(crate) program: &'a Program,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) state: Option<(&'a StateShape, &'a State)>,
    pub(crate) facts: Facts,
    scope: Scope,
    stream: Stream,
}

impl<'a> Context<'a> {
    /// A view on one event. [`Scratch::begin`] must have been called for it.
    pub fn new(
        program: &'a Program,
        scratch: &'a mut Scratch,
        state: Option<(&'a StateShape, &'a State)>,
        facts: Facts,
    ) -> Self {
        Self { program, scratch, state, facts, scope: Scope::Event, stream: facts.streams[0] }
    }

    /// The value of an expression.
    pub fn evaluate(&mut self, id: ExprId) -> Value {
        match self.program.expression(id) {
            Expr::Constant(value) => value,
            Expr::Slot(slot) => self.slot(slot),
            Expr::Fact(fact) => self.fact(fact),
            Expr::StateValue(variable) => self.kept(variable, 0, 0),
            Expr::Field(of, name) => {
                let record = self.evaluate(of);
                self.field(record, name)
            }
            Expr::At(of, index) => {
                let (list, index) = (self.evaluate(of), self.evaluate(index));
                self.at(list, index)
            }
            Expr::Negate(of) => match self.evaluate(of) {
                Value::Int(number) => Value::Int(number.wrapping_neg()),
                Value::Decimal(units, digits) => Value::Decimal(-units, digits),
                Value::Duration(micros) => Value::Duration(micros.wrapping_neg()),
                other => other.as_f64().map_or(Value::Null, |number| Value::Float(-number)),
            },
            Expr::Not(of) => Value::Bool(!self.evaluate(of).is_true()),
            Expr::Binary(operator, left, right) => self.binary(operator, left, right),
            Expr::Function(function, arguments) => self.call(function, arguments),
            Expr::Draw(draw, key, arguments) => {
                let mut numbers = [f64::NAN; 3];
                let mut spans = false;
                for (index, number) in numbers.iter_mut().enumerate().take(arguments.len as usize) {
                    let value = self.evaluate(self.program.argument(arguments, index as u32));
                    spans |= matches!(value, Value::Duration(_));
                    *number = value.as_f64().unwrap_or(f64::NAN);
                }
                let value = draw.make(&mut self.draws(key), &numbers, self.facts.moment);
                if spans { as_span(value) } else { value }
            }
            Expr::Phrase(phrase, key) => self.made(key, |draws, out| phrase.write(draws, out)),
            Expr::Words(key, count) => {
                let count = self.evaluate(count).as_i64().unwrap_or(0).clamp(0, 1_000) as u64;
                self.made(key, |draws, out| Phrase::write_words(count, draws, out))
            }
            Expr::Pattern(key, span) => {
                let pattern = self.program.literal(span.start, span.start + span.len);
                self.made(key, |draws, out| ids::write_pattern(pattern, draws, out))
            }
            Expr::Made(maker, key, argument) => {
                let argument = self.evaluate(argument);
                self.about(maker, key, argument)
            }
            Expr::Ulid(key) => {
                let moment = self.facts.moment;
                self.made(key, |draws, out| ids::write_ulid(moment, draws.word(), draws.word(), out))
            }
            Expr::Concat(arguments) => self.concat(arguments),
            Expr::Weighted(..) | Expr::Pick(..) | Expr::Case(_) | Expr::Chance(..) | Expr::Missing(..) => {
                match self.choose(id) {
                    Some(chosen) => self.evaluate(chosen),
                    None => Value::Omit,
                }
            }
            Expr::Pool(key, pool) => self.draw_from(key, pool),
            Expr::PoolGroup(key, pool, name) => {
                let name = self.evaluate(name);
                match self.group(pool, name) {
                    Some(group) => self.draw_from(key, group),
                    None => Value::Null,
                }
            }
            Expr::Member(key, list) => {
                let list = self.evaluate(list);
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
                let list = self.evaluate(each.list);
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
            Expr::TypeName(of) => Value::Static(type_name(self.evaluate(of))),
            Expr::Round(of, digits) => match self.evaluate(of) {
                Value::Int(number) => Value::Int(number),
                Value::Duration(micros) => as_span(rounded(micros as f64 / 1e6, digits)),
                other => other.as_f64().map_or(other, |number| rounded(number, digits)),
            },
            Expr::Clamp(arguments) => self.clamp(arguments),
            Expr::Json(operations) => {
                // JSON as a value: its text.
                let mut out = Vec::new();
                self.run(operations, &mut out);
                Value::Text(self.keep_text(&out))
            }
        }
    }

    /// Makes a text about people or places.
    fn about(&mut self, maker: Maker, key: u64, argument: Value) -> Value {
        let text = self.text_of(argument).unwrap_or_default().to_vec();
        let city = |draws: &mut Draws| {
            let country = std::str::from_utf8(&text).unwrap_or_default();
            let count = place::cities_of(country).count();
            let chosen = choice::even(draws.word(), if count > 0 { count } else { place::CITIES.len() });
            if count > 0 { place::cities_of(country).nth(chosen) } else { place::CITIES.get(chosen) }
        };
        match maker {
            Maker::Agent => Value::Static(agent::agent_of(&text, self.draws(key).unit()).text),
            Maker::Zone => city(&mut self.draws(key)).map_or(Value::Null, |city| Value::Static(city.zone)),
            Maker::Address => self.made(key, |draws, out| {
                if let Some(city) = city(draws) {
                    place::write_address(city, draws, out);
                }
            }),
            Maker::Email => self.made(key, |_, out| write_email(&text, out)),
            Maker::Street => self.made(key, |draws, out| write_street(&text, draws, out)),
        }
    }

    /// Makes a text at the end of the arena.
    fn made(&mut self, key: u64, write: impl FnOnce(&mut Draws, &mut Vec<u8>)) -> Value {
        let start = self.scratch.text.len();
        let mut draws = self.draws(key);
        write(&mut draws, &mut self.scratch.text);
        let len = (self.scratch.text.len() - start) as u32;
        Value::Text(Span { place: Place::Scratch, start: start as u32, len })
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
                    let condition = self.program.argument(pairs, pair);
                    if self.evaluate(condition).is_true() {
                        return Some(self.program.argument(pairs, pair + 1));
                    }
                }
                None
            }
            Expr::Chance(key, arguments) => {
                let probability = self.evaluate(self.program.argument(arguments, 0)).as_f64().unwrap_or(0.0);
                let happens = self.draws(key).happens(probability);
                Some(self.program.argument(arguments, if happens { 1 } else { 2 }))
            }
            Expr::Missing(key, arguments) => {
                let probability = self.evaluate(self.program.argument(arguments, 0)).as_f64().unwrap_or(0.0);
                let missing = self.draws(key).happens(probability);
                (!missing).then(|| self.program.argument(arguments, 1))
            }
            _ => Some(id),
        }
    }

    /// The draws of a field in the current scope.
    pub(crate) fn draws(&self, key: u64) -> Draws {
        self.stream.draws(key)
    }

    /// The expression behind a slot that is still to be computed in the scope at hand.
    pub(crate) fn pending(&self, slot: SlotId) -> Option<(ExprId, Scope)> {
        let (event, _) = self.scratch.slots[slot.0 as usize];
        match self.program.slots[slot.0 as usize] {
            Slot::Computed(expression, scope) if event != self.scratch.event => Some((expression, scope)),
            Slot::Computed(..) | Slot::Given => None,
        }
    }

    /// Counts a piece of work; false when an event has had too much of it.
    pub(crate) fn works(&mut self) -> bool {
        self.scratch.work += 1;
        self.scratch.work < MOST_WORK && self.scratch.text.len() < MOST_TEXT
    }

    /// Does something in the scope of a slot.
    pub(crate) fn inside<T>(&mut self, scope: Scope, act: impl FnOnce(&mut Self) -> T) -> T {
        let outer = (self.scope, self.stream);
        self.scope = scope;
        self.stream = self.facts.streams[scope as usize];
        let result = act(self);
        (self.scope, self.stream) = outer;
        result
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

    fn fact(&self, fact: Fact) -> Value {
        match fact {
            Fact::Index => Value::Int(self.facts.indexes[self.scope as usize] as i64),
            Fact::Sequence => Value::Int(self.facts.sequence as i64),
            Fact::Step => Value::Int(self.facts.step as i64),
            Fact::Time => Value::Moment(self.facts.moment, TimeFormat::Rfc3339),
            Fact::EventId => Value::EventId((self.facts.event_id.0 >> 64) as u64, self.facts.event_id.0 as u64),
        }
    }

    fn kept(&mut self, variable: u16, item: u32, field: u16) -> Value {
        let Some((shape, state)) = self.state else { return Value::Null };
        match state.get(shape, variable, item, field) {
            Kept::Null => Value::Null,
            Kept::Plain(value) => *value,
            text => match text.as_text() {
                Some(bytes) => Value::Text(self.keep_text(bytes)),
                None => Value::Null,
            },
        }
    }

    pub(crate) fn field(&mut self, record: Value, name: Symbol) -> Value {
        match record {
            Value::Record { shape, values } => {
                match self.program.shapes[shape as usize].iter().position(|field| *field == name) {
                    Some(index) => self.value_at(values, index),
                    None => Value::Null,
                }
            }
            Value::StateItem(variable, item) => match self.state_field(variable, name) {
                Some(field) => self.kept(variable, item, field),
                None => {
                    // A list of records that were kept whole.
                    let whole = self.kept(variable, item, 0);
                    if matches!(whole, Value::Record { .. }) { self.field(whole, name) } else { Value::Null }
                }
            },
            // A field of a list is that field of each of its items.
            Value::List(span) => {
                let mut column = Vec::with_capacity(span.len as usize);
                for index in 0..span.len as usize {
                    let item = self.value_at(span, index);
                    column.push(self.field(item, name));
                }
                Value::List(self.keep_list(&column))
            }
            Value::StateList(variable) => {
                self.state_field(variable, name).map_or(Value::Null, |field| Value::StateColumn(variable, field))
            }
            _ => Value::Null,
        }
    }

    pub(crate) fn state_field(&self, variable: u16, name: Symbol) -> Option<u16> {
        let (shape, _) = self.state?;
        let fields = shape.variables.get(usize::from(variable))?.list.as_ref()?;
        fields.iter().position(|field| *field == name).map(|index| index as u16)
    }

    fn at(&mut self, list: Value, index: Value) -> Value {
        if let Value::Record { shape, values } = list {
            let mut name = Vec::new();
            self.write_plain(index, &mut name);
            let fields = &self.program.shapes[shape as usize];
            let found = fields.iter().position(|field| self.program.symbols[field.0 as usize].as_bytes() == name);
            return found.map_or(Value::Null, |index| self.value_at(values, index));
        }
        let count = self.length(list) as i64;
        match index.as_i64() {
            Some(index) if (0..count).contains(&index) => self.item(list, index as usize),
            // From the end, as people write the last one.
            Some(index) if (-count..0).contains(&index) => self.item(list, (count + index) as usize),
            _ => Value::Null,
        }
    }

    /// Items of a list; 0 for what is none.
    pub(crate) fn length(&self, list: Value) -> usize {
        match list {
            Value::List(span) => span.len as usize,
            Value::StateList(variable) | Value::StateColumn(variable, _) => {
                self.state.map_or(0, |(shape, state)| state.len(shape, variable) as usize)
            }
            _ => 0,
        }
    }

    /// An item of a list, which must have it.
    pub(crate) fn item(&mut self, list: Value, index: usize) -> Value {
        match list {
            Value::List(span) => self.value_at(span, index),
            Value::StateList(variable) => {
                let plain = self.state.is_some_and(|(shape, _)| {
                    shape.variables[usize::from(variable)].list.as_ref().is_some_and(Vec::is_empty)
                });
                if plain { self.kept(variable, index as u32, 0) } else { Value::StateItem(variable, index as u32) }
            }
            Value::StateColumn(variable, field) => self.kept(variable, index as u32, field),
            _ => Value::Null,
        }
    }

    pub(crate) fn value_at(&self, span: Span, index: usize) -> Value {
        let arena = match span.place {
            Place::Constant => &self.program.values,
            Place::Scratch => &self.scratch.values,
        };
        arena[span.start as usize + index]
    }

    fn binary(&mut self, operator: Operator, left: ExprId, right: ExprId) -> Value {
        let left = self.evaluate(left);
        match operator {
            Operator::Or => {
                return if left.is_true() { Value::Bool(true) } else { Value::Bool(self.evaluate(right).is_true()) };
            }
            Operator::And => {
                return if left.is_true() { Value::Bool(self.evaluate(right).is_true()) } else { Value::Bool(false) };
            }
            _ => {}
        }
        let right = self.evaluate(right);
        match operator {
            Operator::Equal => Value::Bool(self.equal(left, right)),
            Operator::Unequal => Value::Bool(!self.equal(left, right)),
            Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast => {
                let Some(order) = self.compare(left, right) else { return Value::Bool(false) };
                Value::Bool(match operator {
                    Operator::Less => order.is_lt(),
                    Operator::AtMost => order.is_le(),
                    Operator::Greater => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
            _ => arithmetic(operator, left, right),
        }
    }

    /// Whether two values are the same to a person: numbers by size, texts by characters.
    pub(crate) fn equal(&mut self, left: Value, right: Value) -> bool {
        match (left, right) {
            (Value::Null | Value::Omit, Value::Null | Value::Omit) => true,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            _ if is_text(left) && is_text(right) => self.compare(left, right).is_some_and(std::cmp::Ordering::is_eq),
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

    fn compare(&self, left: Value, right: Value) -> Option<std::cmp::Ordering> {
        if let (Some(left), Some(right)) = (left.as_f64(), right.as_f64()) {
            return left.partial_cmp(&right);
        }
        match (self.text_of(left), self.text_of(right)) {
            (Some(left), Some(right)) => Some(left.cmp(right)),
            _ => {
                if !is_text(left) || !is_text(right) {
                    return None;
                }
                let (mut one, mut other) = (Vec::new(), Vec::new());
                self.write_plain(left, &mut one);
                self.write_plain(right, &mut other);
                Some(one.cmp(&other))
            }
        }
    }

    /// The characters of a text value.
    pub(crate) fn text_of(&self, value: Value) -> Option<&[u8]> {
        match value {
            Value::Static(text) => Some(text.as_bytes()),
            Value::Text(span) => {
                let arena = match span.place {
                    Place::Constant => &self.program.text,
                    Place::Scratch => &self.scratch.text,
                };
                arena.get(span.start as usize..(span.start + span.len) as usize)
            }
            _ => None,
        }
    }

    /// Keeps a text for the rest of the event.
    pub(crate) fn keep_text(&mut self, text: &[u8]) -> Span {
        let start = self.scratch.text.len() as u32;
        self.scratch.text.extend_from_slice(text);
        Span { place: Place::Scratch, start, len: text.len() as u32 }
    }

    /// Keeps values for the rest of the event.
    pub(crate) fn keep_list(&mut self, values: &[Value]) -> Span {
        let start = self.scratch.values.len() as u32;
        self.scratch.values.extend_from_slice(values);
        Span { place: Place::Scratch, start, len: values.len() as u32 }
    }

    fn concat(&mut self, arguments: Arguments) -> Value {
        if !self.works() {
            return Value::Null;
        }
        // Parts first (each may leave texts of its own in the arena), then all of them in one run.
        let parts = self.evaluate_all(arguments);
        let start = self.scratch.text.len() as u32;
        for index in 0..parts.len as usize {
            let value = self.value_at(parts, index);
            if let Value::Text(Span { place: Place::Scratch, start, len }) = value {
                self.scratch.text.extend_from_within(start as usize..(start + len) as usize);
            } else {
                let mut out = std::mem::take(&mut self.scratch.text);
                self.write_plain(value, &mut out);
                self.scratch.text = out;
            }
        }
        let len = self.scratch.text.len() as u32 - start;
        Value::Text(Span { place: Place::Scratch, start, len })
    }

    /// Evaluates arguments into neighbouring values of the scratch.
    pub(crate) fn evaluate_all(&mut self, arguments: Arguments) -> Span {
        // Small and fixed: values of the arguments may put values of their own into the arena in between.
        let mut values = [Value::Null; 16];
        if arguments.len as usize <= values.len() {
            for (index, value) in values.iter_mut().enumerate().take(arguments.len as usize) {
                *value = self.evaluate(self.program.argument(arguments, index as u32));
            }
            return self.keep_list(&values[..arguments.len as usize]);
        }
        let values: Vec<Value> =
            (0..arguments.len).map(|index| self.evaluate(self.program.argument(arguments, index))).collect();
        self.keep_list(&values)
    }

    fn draw_from(&mut self, key: u64, pool: u32) -> Value {
        let pool = &self.program.pools[pool as usize];
        let count = pool.items.len();
        if count == 0 {
            return Value::Null;
        }
        let mut draws = self.draws(key);
        let index = match &pool.picker {
            Picker::Even => choice::even(draws.word(), count),
            Picker::Weighted(table) => table.pick(draws.word()),
            Picker::Zipf(zipf, order) => order.apply(zipf.pick(&mut draws)) as usize,
            Picker::Recent(mean) => {
                let back = crate::random::distribution::exponential(&mut draws, *mean);
                count - 1 - (back as usize).min(count - 1)
            }
        };
        pool.items.get(index).copied().unwrap_or(Value::Null)
    }

    fn group(&mut self, pool: u32, name: Value) -> Option<u32> {
        let mut text = Vec::new();
        self.write_plain(name, &mut text);
        let groups = &self.program.pools[pool as usize].groups;
        let found = groups.binary_search_by(|(group, _)| group.as_bytes().cmp(&text)).ok()?;
        Some(groups[found].1)
    }

    fn repeat(&mut self, index: u32) -> Value {
        let repeat = self.program.repeats[index as usize];
        let count = self.evaluate(repeat.count).as_i64().unwrap_or(0).clamp(0, MAX_REPEATS) as u64;
        let outer = self.stream;
        let mut items: Vec<Value> = Vec::new();
        let mut seen: Vec<Value> = Vec::new();
        for number in 0..count {
            for attempt in 0..MAX_REDRAWS {
                if !self.works() {
                    break;
                }
                self.stream = outer.child(repeat.key).child(number | (attempt << 32));
                let item = self.evaluate(repeat.item);
                let Some(unique) = repeat.unique else {
                    items.push(item);
                    break;
                };
                self.scratch.give(repeat.slot, item);
                let mark = self.evaluate(unique);
                let known = seen.clone().into_iter().any(|other| self.equal(other, mark));
                if !known {
                    seen.push(mark);
                    items.push(item);
                    break;
                }
            }
        }
        self.stream = outer;
        Value::List(self.keep_list(&items))
    }

    /// Does something for each item of the list of an `$each`.
    pub(crate) fn for_each(&mut self, index: u32, list: Value, act: &mut dyn FnMut(&mut Self, ExprId)) {
        let each = self.program.eaches[index as usize];
        let outer = self.stream;
        for number in 0..self.length(list).min(MAX_REPEATS as usize) {
            if !self.works() {
                break;
            }
            let item = self.item(list, number);
            self.scratch.give(each.item, item);
            self.scratch.give(each.index, Value::Int(number as i64));
            self.stream = outer.child(each.key).child(number as u64);
            act(self, each.make);
        }
        self.stream = outer;
    }

    fn clamp(&mut self, arguments: Arguments) -> Value {
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
            Value::Duration(_) => as_span(Value::Float(bound)),
            _ => Value::Float(bound),
        }
    }

    /// Which item of a list in the state a value is: the item itself, or the first that equals it.
    pub(crate) fn find_item(&mut self, variable: u16, value: Value) -> Option<u32> {
        match value {
            Value::StateItem(of, item) if of == variable => Some(item),
            Value::Null | Value::Omit => None,
            _ => {
                let list = Value::StateList(variable);
                (0..self.length(list))
                    .find(|index| {
                        let item = self.item(list, *index);
                        self.equal(item, value)
                    })
                    .map(|index| index as u32)
            }
        }
    }

    /// A value as a state keeps it.
    pub fn keep(&self, value: Value) -> Kept {
        if is_plain(value) {
            return Kept::Plain(value);
        }
        match self.text_of(value) {
            Some(text) => Kept::text(text),
            None => Kept::Null,
        }
    }
}

/// Writes an e-mail address of a name, at a domain that nobody can own.
fn write_email(name: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    for byte in name {
        if byte.is_ascii_alphanumeric() {
            out.push(byte.to_ascii_lowercase());
        } else if out.len() > start && out.last() != Some(&b'.') {
            out.push(b'.');
        }
    }
    if out.last() == Some(&b'.') && out.len() > start {
        out.pop();
    }
    out.extend_from_slice(b"@example.com");
}

/// Writes a street with its number, and the city where it is known.
fn write_street(city: &[u8], draws: &mut Draws, out: &mut Vec<u8>) {
    write_int(1 + draws.below(250) as i64, out);
    out.push(b' ');
    let start = out.len();
    Phrase::Word.write(draws, out);
    if let Some(first) = out.get_mut(start) {
        first.make_ascii_uppercase();
    }
    out.extend_from_slice([" Street", " Avenue", " Road", " Lane"][draws.below(4) as usize].as_bytes());
    if !city.is_empty() {
        out.extend_from_slice(b", ");
        out.extend_from_slice(city);
    }
}

/// The name that triples give to the type of a value.
pub(crate) fn type_name(value: Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) | Value::Decimal(..) | Value::Duration(_) => "float",
        Value::Moment(..) => "timestamp",
        _ => "string",
    }
}

/// Whether a value is written as text.
fn is_text(value: Value) -> bool {
    matches!(value, Value::Uuid(..) | Value::Hex(..) | Value::EventId(..) | Value::Static(_) | Value::Text(_))
}

/// A number of seconds as a span.
pub(crate) fn as_span(value: Value) -> Value {
    value.as_f64().map_or(value, |seconds| Value::Duration(libm::round(seconds * 1e6) as i64))
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
                _ => as_span(Value::Float(number)),
            }
        }
    }
}

/// A whole number, or the nothing that an overflow is.
fn whole(number: Option<i64>) -> Value {
    number.map_or(Value::Null, Value::Int)
}
