//! Lives: things that are born, change state after a while and end. Semi-Markov: the branch first, then the wait.

use crate::plan::event::EventTemplate;
use crate::plan::life::{Beat, Life, Means};
use crate::plan::session::span;
use crate::random::choice::Alias;
use crate::template::context::{Context, Scratch};
use crate::template::program::{ExprId, SlotId};
use crate::template::value::Value;
use crate::units::Nanos;

/// Most events during one stay in a state.
const MOST_TICKS: i64 = 1_000;
/// Keys of the draws that decide a life.
const BRANCH: u64 = 0x6272_616e;
const TICK: u64 = 0x7469_636b;
const MOMENT: u64 = 0x6d6f_6d65;

/// A lifecycle behavior, compiled.
#[derive(Clone, Debug)]
pub(crate) struct LifecyclePlan {
    /// Templates of all its events.
    pub(crate) templates: Vec<EventTemplate>,
    /// The states; the first one named is where life begins.
    pub(crate) states: Vec<StatePlan>,
    /// Index of the first state.
    pub(crate) initial: u32,
    /// Slots for the name of the state and of the one before.
    pub(crate) state: SlotId,
    pub(crate) before: SlotId,
}

/// A state, compiled.
#[derive(Clone, Debug)]
pub(crate) struct StatePlan {
    /// Its name as a value.
    pub(crate) name: Value,
    /// Event on entering.
    pub(crate) enter: Option<u16>,
    /// Event while in it: template, probability, how many.
    pub(crate) tick: Option<(u16, f64, Option<ExprId>)>,
    /// Chooses a way out; none: the end.
    pub(crate) ways: Option<Alias>,
    /// Where each way leads and after what span.
    pub(crate) next: Vec<(u32, Option<ExprId>)>,
}

impl LifecyclePlan {
    /// A birth.
    pub(crate) fn begin(&self, life: &mut Life) {
        life.stand.which = self.initial;
        life.stand.before = u32::MAX;
    }

    /// Fills in the stay in the next state.
    pub(crate) fn expand(&self, life: &mut Life, means: &mut Means<'_>) {
        let Some(state) = self.states.get(life.stand.which as usize) else {
            life.stand.over = true;
            return;
        };
        let stream = means.streams.behavior.child(life.entity).child(u64::from(life.stand.place) + 1);
        let start = life.stand.offset;
        let beat = Beat {
            offset: start,
            template: 0,
            place: life.stand.place,
            which: life.stand.which,
            before: life.stand.before,
        };
        if let Some(template) = state.enter {
            life.beats.push(Beat { template, ..beat });
        }
        let Some(ways) = &state.ways else {
            life.stand.over = true;
            return;
        };
        let (to, after) = state.next[ways.pick(stream.word(BRANCH))];
        let facts = means.facts(life, stream);
        means.scratch.begin(means.program);
        let mut context = Context::new(means.program, means.scratch, None, facts);
        let breathless = means.repeat.is_some_and(|repeat| repeat.breathless);
        let stay = match after {
            Some(after) if !breathless => span(context.evaluate(after)),
            Some(_) | None => Nanos::ZERO,
        };
        if let Some((template, p, count)) = state.tick
            && stream.draws(TICK).happens(p)
        {
            let count = count.map_or(1, |id| context.evaluate(id).as_i64().unwrap_or(0)).clamp(0, MOST_TICKS);
            let mut draws = stream.draws(MOMENT);
            for _ in 0..count {
                let offset = start.saturating_add(Nanos::from_secs_f64(stay.as_secs_f64() * draws.unit()));
                life.beats.push(Beat { offset, template, ..beat });
            }
        }
        life.stand.offset = start.saturating_add(stay);
        life.stand.before = life.stand.which;
        life.stand.which = to;
        life.stand.place += 1;
    }

    /// Fills in what templates see of an event's state.
    pub(crate) fn give(&self, beat: &Beat, scratch: &mut Scratch) {
        for (slot, which) in [(self.state, beat.which), (self.before, beat.before)] {
            let name = self.states.get(which as usize).map_or(Value::Null, |state| state.name);
            scratch.give(slot, name);
        }
    }
}
