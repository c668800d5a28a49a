//! The compiled form of all templates of a scenario: expressions and write operations in flat arenas.

use crate::generate::clock::TimeFormat;
use crate::generate::json::is_clean;
use crate::generate::phrase::Phrase;
use crate::random::choice::{Alias, Zipf};
use crate::random::permutation::Permutation;

use super::draw::{Draw, Ready};
use super::expression::Operator;
use super::function::Function;
use super::value::{Place, Span, Symbol, Value};

/// An expression in [`Program::expressions`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExprId(pub(crate) u32);

/// A run of expressions in [`Program::arguments`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Arguments {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// A run of write operations in [`Program::operations`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Operations {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A name bound by `let`, computed at most once per event, when it is first used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SlotId(pub(crate) u32);

/// Whose randomness an expression draws from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// The event's.
    Event,
    /// Its user's: the same in all of the user's events.
    User,
    /// Its session's or life's: the same in all events of that.
    Life,
    /// Its page's or state's: the same in all events there.
    Place,
    /// That of the page or state before.
    Before,
}

/// How many scopes there are.
pub const SCOPES: usize = 5;

/// How a slot comes to its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot {
    /// By an expression.
    Computed(ExprId, Scope),
    /// The behavior sets it before the event is rendered.
    Given,
}

/// A fact about the event at hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fact {
    /// Number of the pool's item or of the user, from 1.
    Index,
    /// Number of the arrival, from 1.
    Sequence,
    /// Number of the event within its session, life or user, from 1.
    Step,
    /// The moment when it happened.
    Time,
    /// The decodable id.
    EventId,
    /// The part of an id of the scenario's own that can be decoded.
    Mark,
}

/// How an expression comes to its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expr {
    /// It is known.
    Constant(Value),
    /// A bound name.
    Slot(SlotId),
    /// A fact about the event.
    Fact(Fact),
    /// A variable of the user's state that is no list.
    StateValue(u16),
    /// A field of a record.
    Field(ExprId, Symbol),
    /// A field of a record that mostly has one shape: which shape, and which of its fields.
    FieldAt(ExprId, u32, u32),
    /// An item of a list, by number from 0, or a field by name.
    At(ExprId, ExprId),
    /// `-x`
    Negate(ExprId),
    /// `not x`
    Not(ExprId),
    /// `x + y` and its like.
    Binary(Operator, ExprId, ExprId),
    /// Whether a name compares to a whole number.
    SlotCompares(Operator, SlotId, i64),
    /// Whether a name is a text.
    SlotIs(SlotId, Span),
    /// A function without randomness.
    Function(Function, Arguments),
    /// A draw: key, arguments.
    Draw(Draw, u64, Arguments),
    /// A made-up text: kind, key.
    Phrase(Phrase, u64),
    /// So many plain words: key, count.
    Words(u64, ExprId),
    /// A filled-in pattern: key, pattern.
    Pattern(u64, Span),
    /// A text that begins with its time: key.
    Ulid(u64),
    /// A text about people or places: maker, key, what it must agree with.
    Made(Maker, u64, ExprId),
    /// Texts one after the other.
    Concat(Arguments),
    /// One of several, by weight: key, table, options.
    Weighted(u64, u32, Arguments),
    /// One of several, evenly: key, options.
    Pick(u64, Arguments),
    /// Pairs of condition and value; the first that holds, nothing where none does.
    Case(Arguments),
    /// The first with a probability, else the second: key, probability, both.
    Chance(u64, Arguments),
    /// Some item of a pool: key, pool.
    Pool(u64, u32),
    /// Some item of the group of a pool that a text names: key, pool, name.
    PoolGroup(u64, u32, ExprId),
    /// Some item of a list: key, list.
    Member(u64, ExprId),
    /// A record of a shape.
    Record(u32, Arguments),
    /// A list of values.
    List(Arguments),
    /// So many of something, made one by one, perhaps all different: see [`Repeat`].
    Repeat(u32),
    /// Something for each item of a list: see [`Each`].
    Each(u32),
    /// A list of what its parts write; the items of an `$each` among them one by one.
    Flat(Arguments),
    /// The name that triples give to the type of a value.
    TypeName(ExprId),
    /// Rounded to so many digits.
    Round(ExprId, u8),
    /// A moment in a format.
    Formatted(ExprId, TimeFormat),
    /// Between two bounds.
    Clamp(Arguments),
    /// Left out with a probability: key, probability, value.
    Missing(u64, Arguments),
    /// The recorded event at hand.
    Recorded,
    /// JSON that is written by operations.
    Json(Operations),
}

/// Makes a text about people or places.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Maker {
    /// An address of a country.
    Address,
    /// A user agent of a device.
    Agent,
    /// A time zone of a country.
    Zone,
    /// An e-mail address of a name.
    Email,
    /// A street with a number.
    Street,
}

/// How many things of a kind: `$array`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Repeat {
    /// How many.
    pub(crate) count: ExprId,
    /// Hash of the field's path: each item draws from a stream of its own.
    pub(crate) key: u64,
    /// One of them.
    pub(crate) item: ExprId,
    /// What must differ between them.
    pub(crate) unique: Option<ExprId>,
    /// The slot of the item while `unique` is looked at.
    pub(crate) slot: SlotId,
}

/// Something for each item of a list: `$each`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Each {
    /// The list.
    pub(crate) list: ExprId,
    /// Hash of the field's path: each item draws from a stream of its own.
    pub(crate) key: u64,
    /// The slot of the item.
    pub(crate) item: SlotId,
    /// The slot of its number, from 0.
    pub(crate) index: SlotId,
    /// What to make of it.
    pub(crate) make: ExprId,
}

/// A step of writing JSON.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operation {
    /// These bytes.
    Literal(u32, u32),
    /// A value.
    Value(ExprId),
    /// The characters of a value, inside a text.
    Inside(ExprId),
    /// A key (these bytes) and a value and a comma, or none of it where the value is left out.
    Optional(u32, u32, ExprId),
    /// The end of a map or list whose last comma may be one too many.
    Close(u8),
}

/// How items of a pool are chosen.
#[derive(Clone, Debug)]
pub(crate) enum Picker {
    /// Each as often as any other.
    Even,
    /// By weight.
    Weighted(Alias),
    /// By rank; which item has which rank is decided by a key.
    Zipf(Zipf, Permutation),
    /// Mostly the last ones: mean distance from the end.
    Recent(f64),
}

/// Things to draw from.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    /// The items.
    pub(crate) items: Vec<Value>,
    /// How one is chosen.
    pub(crate) picker: Picker,
    /// Its groups by name, sorted: indexes of pools.
    pub(crate) groups: Vec<(String, u32)>,
}

/// All templates of a scenario, compiled. Immutable; shared by all workers.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub(crate) expressions: Vec<Expr>,
    pub(crate) arguments: Vec<ExprId>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) tables: Vec<Alias>,
    pub(crate) ready: Ready,
    pub(crate) pools: Vec<Pool>,
    /// Pools whose items are read elsewhere, by name.
    pub(crate) supplied: Vec<(String, u32)>,
    pub(crate) repeats: Vec<Repeat>,
    pub(crate) eaches: Vec<Each>,
    /// Bytes of constant texts and literals.
    pub(crate) text: Vec<u8>,
    /// Values of constant lists and records.
    pub(crate) values: Vec<Value>,
    /// Fields of records.
    pub(crate) shapes: Vec<Vec<Symbol>>,
    /// Names of fields.
    pub(crate) symbols: Vec<String>,
    /// How deep each expression goes, names that it uses included.
    depths: Vec<u16>,
    /// Which variables of the state each expression looks at, as bits.
    variables: Vec<u64>,
    /// Whether each expression depends on when the event happens.
    timed: Vec<bool>,
}

impl Program {
    /// An expression.
    pub(crate) fn expression(&self, id: ExprId) -> Expr {
        self.expressions[id.0 as usize]
    }

    /// One of an expression's arguments.
    pub(crate) fn argument(&self, arguments: Arguments, index: u32) -> ExprId {
        self.arguments[(arguments.start + index) as usize]
    }

    /// Constant bytes.
    pub(crate) fn literal(&self, start: u32, end: u32) -> &[u8] {
        &self.text[start as usize..end as usize]
    }

    /// Adds an expression.
    pub(crate) fn add(&mut self, expression: Expr) -> ExprId {
        let depth = self.children(expression).map(|child| self.depths[child.0 as usize]).max().unwrap_or(0);
        let own = match expression {
            Expr::Constant(Value::StateList(variable) | Value::StateColumn(variable, _))
            | Expr::StateValue(variable) => 1 << variable.min(63),
            _ => 0,
        };
        let variables = self.children(expression).fold(own, |sum, child| sum | self.variables[child.0 as usize]);
        let own = match expression {
            Expr::Fact(Fact::Time) | Expr::Ulid(_) => true,
            Expr::Draw(draw, ..) => draw.is_timed(),
            _ => false,
        };
        let timed = own || self.children(expression).any(|child| self.timed[child.0 as usize]);
        self.timed.push(timed);
        self.depths.push(depth.saturating_add(1));
        self.variables.push(variables);
        self.expressions.push(expression);
        ExprId(self.expressions.len() as u32 - 1)
    }

    /// How deep the deepest expression goes: evaluation needs that much stack.
    pub(crate) fn depth(&self) -> u16 {
        self.depths.iter().copied().max().unwrap_or(0)
    }

    /// Whether an expression depends on when the event happens.
    pub(crate) fn is_timed(&self, id: ExprId) -> bool {
        self.timed[id.0 as usize]
    }

    /// The variables of the state that an expression looks at, as bits; the last stands for all beyond.
    pub(crate) fn variables_of(&self, id: ExprId) -> u64 {
        self.variables[id.0 as usize]
    }

    /// The expressions that an expression evaluates.
    fn children(&self, expression: Expr) -> impl Iterator<Item = ExprId> + '_ {
        let slot = |slot: SlotId| match self.slots[slot.0 as usize] {
            Slot::Computed(expression, _) => Some(expression),
            Slot::Given => None,
        };
        let none = Arguments::default();
        let (single, other, arguments, operations) = match expression {
            Expr::Constant(_)
            | Expr::Fact(_)
            | Expr::StateValue(_)
            | Expr::Phrase(..)
            | Expr::Pattern(..)
            | Expr::Ulid(_)
            | Expr::Pool(..)
            | Expr::Recorded => (None, None, none, Operations::default()),
            Expr::Slot(of) | Expr::SlotCompares(_, of, _) | Expr::SlotIs(of, _) => {
                (slot(of), None, none, Operations::default())
            }
            Expr::Field(of, _)
            | Expr::FieldAt(of, ..)
            | Expr::Formatted(of, _)
            | Expr::Negate(of)
            | Expr::Not(of)
            | Expr::Words(_, of)
            | Expr::Made(_, _, of)
            | Expr::PoolGroup(_, _, of)
            | Expr::Member(_, of)
            | Expr::Round(of, _)
            | Expr::TypeName(of) => (Some(of), None, none, Operations::default()),
            Expr::At(left, right) | Expr::Binary(_, left, right) => {
                (Some(left), Some(right), none, Operations::default())
            }
            Expr::Function(_, arguments)
            | Expr::Draw(_, _, arguments)
            | Expr::Concat(arguments)
            | Expr::Weighted(_, _, arguments)
            | Expr::Pick(_, arguments)
            | Expr::Case(arguments)
            | Expr::Chance(_, arguments)
            | Expr::Record(_, arguments)
            | Expr::List(arguments)
            | Expr::Flat(arguments)
            | Expr::Clamp(arguments)
            | Expr::Missing(_, arguments) => (None, None, arguments, Operations::default()),
            Expr::Repeat(index) => {
                let repeat = self.repeats[index as usize];
                (Some(repeat.count), Some(repeat.item), none, Operations::default())
            }
            Expr::Each(index) => {
                let each = self.eaches[index as usize];
                (Some(each.list), Some(each.make), none, Operations::default())
            }
            Expr::Json(operations) => (None, None, none, operations),
        };
        let arguments = (0..arguments.len).map(move |index| self.argument(arguments, index));
        let written = self.operations[operations.start as usize..operations.end as usize].iter();
        let written = written.filter_map(|operation| match operation {
            Operation::Value(id) | Operation::Inside(id) | Operation::Optional(_, _, id) => Some(*id),
            Operation::Literal(..) | Operation::Close(_) => None,
        });
        single.into_iter().chain(other).chain(arguments).chain(written)
    }

    /// Adds arguments.
    pub(crate) fn add_arguments(&mut self, arguments: &[ExprId]) -> Arguments {
        let start = self.arguments.len() as u32;
        self.arguments.extend_from_slice(arguments);
        Arguments { start, len: arguments.len() as u32 }
    }

    /// Adds a text to the constants. A clean one stands between quotes there, so that it is written with them in one go.
    pub(crate) fn add_text(&mut self, text: &[u8]) -> Span {
        let place = if is_clean(text) { Place::Clean } else { Place::Constant };
        self.text.push(b'"');
        let start = self.text.len() as u32;
        self.text.extend_from_slice(text);
        self.text.push(b'"');
        Span { place, start, len: text.len() as u32 }
    }

    /// Adds bytes that are written as they are; gives where they start and end.
    pub(crate) fn add_literal(&mut self, bytes: &[u8]) -> (u32, u32) {
        let start = self.text.len() as u32;
        self.text.extend_from_slice(bytes);
        (start, self.text.len() as u32)
    }

    /// A clean text with its quotes.
    pub(crate) fn quoted(&self, start: u32, len: u32) -> &[u8] {
        self.literal(start - 1, start + len + 1)
    }

    /// Adds values to the constants.
    pub(crate) fn add_values(&mut self, values: &[Value]) -> Span {
        let start = self.values.len() as u32;
        self.values.extend_from_slice(values);
        Span { place: Place::Constant, start, len: values.len() as u32 }
    }

    /// Adds a slot.
    pub(crate) fn add_slot(&mut self, slot: Slot) -> SlotId {
        self.slots.push(slot);
        SlotId(self.slots.len() as u32 - 1)
    }

    /// The number of a name.
    pub(crate) fn symbol(&mut self, name: &str) -> Symbol {
        let known = self.symbols.iter().position(|symbol| symbol == name);
        Symbol(known.unwrap_or_else(|| {
            self.symbols.push(name.to_owned());
            self.symbols.len() - 1
        }) as u32)
    }

    /// The number of a record's shape.
    pub(crate) fn shape(&mut self, fields: Vec<Symbol>) -> u32 {
        let known = self.shapes.iter().position(|shape| *shape == fields);
        known.unwrap_or_else(|| {
            self.shapes.push(fields);
            self.shapes.len() - 1
        }) as u32
    }
}
