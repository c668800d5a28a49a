//! What an expression can see: the program, the facts of the event at hand, the user's state, memory to work in.

use crate::event_id::{EventId, MARK_LENGTH, Stamp};
use crate::generate::clock::TimeFormat;
use crate::random::{Draws, Stream};
use crate::units::EpochMicros;

use super::program::{ExprId, Fact, Program, SCOPES, Scope, Slot, SlotId};
use super::state::{State, StateShape};
use super::value::{Place, Span, Value};

/// Turns of loops and texts put together for one event; beyond, what is left out is nothing. Real events need dozens.
const MOST_WORK: u32 = 100_000;
/// Most bytes of texts that are kept for one event; beyond, a text is nothing.
const MOST_TEXT: usize = 4 << 20;

/// The memory of evaluation: reused from event to event.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) text: Vec<u8>,
    pub(crate) values: Vec<Value>,
    /// Value of each slot, and the event it belongs to.
    pub(crate) slots: Vec<(u64, Value)>,
    pub(crate) event: u64,
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
    /// Makes its mark.
    pub(crate) stamp: Stamp,
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
            stamp: Stamp::new(0, 0, 0),
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
    pub(crate) scope: Scope,
    pub(crate) stream: Stream,
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

    pub(crate) fn fact(&self, fact: Fact) -> Value {
        match fact {
            Fact::Index => Value::Int(self.facts.indexes[self.scope as usize] as i64),
            Fact::Sequence => Value::Int(self.facts.sequence as i64),
            Fact::Step => Value::Int(self.facts.step as i64),
            Fact::Mark => Value::Hex(self.facts.stamp.mark(self.facts.sequence).0, MARK_LENGTH as u8),
            Fact::Time => Value::Moment(self.facts.moment, TimeFormat::Rfc3339),
            Fact::EventId => Value::EventId((self.facts.event_id.0 >> 64) as u64, self.facts.event_id.0 as u64),
        }
    }

    /// The characters of a text value.
    pub(crate) fn text_of(&self, value: Value) -> Option<&[u8]> {
        match value {
            Value::Static(text) => Some(text.as_bytes()),
            Value::Text(span) => Some(self.bytes(span)),
            _ => None,
        }
    }

    /// The bytes of a span of text.
    pub(crate) fn bytes(&self, span: Span) -> &[u8] {
        let arena = match span.place {
            Place::Constant | Place::Clean => &self.program.text,
            Place::Scratch => &self.scratch.text,
        };
        &arena[span.start as usize..(span.start + span.len) as usize]
    }

    /// Appends a text to the end of the arena, where another is being put together.
    pub(crate) fn append(&mut self, span: Span) {
        let range = span.start as usize..(span.start + span.len) as usize;
        match span.place {
            Place::Constant | Place::Clean => self.scratch.text.extend_from_slice(&self.program.text[range]),
            Place::Scratch => self.scratch.text.extend_from_within(range),
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

    pub(crate) fn value_at(&self, span: Span, index: usize) -> Value {
        let arena = match span.place {
            Place::Constant | Place::Clean => &self.program.values,
            Place::Scratch => &self.scratch.values,
        };
        arena[span.start as usize + index]
    }
}
