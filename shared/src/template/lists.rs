//! Records, lists, pools: looking into them, choosing from them, making them.

use crate::random::{choice, distribution};

use super::context::Context;
use super::program::{ExprId, Picker};
use super::state::{Kept, is_plain};
use super::value::{Symbol, Value};

/// Most items that `$array` makes.
const MAX_REPEATS: i64 = 1_000;
/// Times that `unique` draws again before it takes what it has.
const MAX_REDRAWS: u64 = 32;

impl Context<'_> {
    pub(crate) fn kept(&mut self, variable: u16, item: u32, field: u16) -> Value {
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

    pub(crate) fn at(&mut self, list: Value, index: Value) -> Value {
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

    pub(crate) fn draw_from(&mut self, key: u64, pool: u32) -> Value {
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
                let back = distribution::exponential(&mut draws, *mean);
                count - 1 - (back as usize).min(count - 1)
            }
        };
        pool.items.get(index).copied().unwrap_or(Value::Null)
    }

    pub(crate) fn group(&mut self, pool: u32, name: Value) -> Option<u32> {
        let groups = &self.program.pools[pool as usize].groups;
        let find = |text: &[u8]| groups.binary_search_by(|(group, _)| group.as_bytes().cmp(text)).ok();
        let found = match self.text_of(name) {
            Some(text) => find(text),
            None => {
                let mut text = Vec::new();
                self.write_plain(name, &mut text);
                find(&text)
            }
        };
        found.map(|found| groups[found].1)
    }

    pub(crate) fn repeat(&mut self, index: u32) -> Value {
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
