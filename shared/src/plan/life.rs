//! One session or one life: where it stands, what comes next, and what its expansion needs.

use crate::plan::crowd::Joining;
use crate::plan::mix::Streams;
use crate::random::Stream;
use crate::template::context::{Facts, Scratch};
use crate::template::program::Program;
use crate::units::{EpochMicros, Nanos};

/// Users who begin anew whenever they are done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loop {
    /// How they come and go.
    pub(crate) joining: Joining,
    /// Whether spans are taken out: every event takes one turn instead.
    pub(crate) breathless: bool,
}

/// An event of a life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Beat {
    /// Span since the start of the life.
    pub(crate) offset: Nanos,
    /// Which template.
    pub(crate) template: u16,
    /// Page or state: number along the way.
    pub(crate) place: u32,
    /// Page or state: which one, where it is one of a list.
    pub(crate) which: u32,
    /// The same of the place before.
    pub(crate) before: u32,
}

/// Where a life stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stand {
    /// Pages or states so far.
    pub(crate) place: u32,
    /// Which page or state comes next.
    pub(crate) which: u32,
    /// Which one was before.
    pub(crate) before: u32,
    /// Span since the start of the life.
    pub(crate) offset: Nanos,
    /// Most pages, drawn at the start.
    pub(crate) places: u32,
    /// Longest time, drawn at the start.
    pub(crate) limit: Nanos,
    /// Shortest time, drawn at the start.
    pub(crate) at_least: Nanos,
    /// Whether nothing more comes.
    pub(crate) over: bool,
}

/// A session or a life that goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    pub(crate) entity: u64,
    pub(crate) user: u64,
    pub(crate) sequence: u64,
    /// Events so far.
    pub(crate) step: u32,
    /// Start in the scenario's own time.
    pub(crate) start: Nanos,
    pub(crate) stand: Stand,
    /// What comes next, in reverse order.
    pub(crate) beats: Vec<Beat>,
    /// When it goes on at the earliest, while it waits for an answer.
    pub(crate) held: Option<Nanos>,
}

/// What the expansion of a life needs.
pub(crate) struct Means<'a> {
    pub(crate) program: &'a Program,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) streams: Streams,
    /// Users to draw from.
    pub(crate) users: u64,
    /// Users who begin anew, instead of arrivals.
    pub(crate) repeat: Option<Loop>,
    /// Whether a number is this worker's.
    pub(crate) mine: &'a dyn Fn(u64) -> bool,
}

impl Means<'_> {
    /// What is known about a life outside of any event.
    pub(crate) fn facts(&self, life: &Life, place: Stream) -> Facts {
        let own = self.streams.behavior.child(life.entity);
        let user = self.streams.users.child(life.user);
        Facts {
            moment: EpochMicros(0),
            sequence: life.sequence,
            streams: [place, user, own, place, place],
            indexes: [life.sequence, life.user + 1, life.sequence, life.sequence, life.sequence],
            ..Facts::default()
        }
    }
}
