//! Sessions: visits that go from page to page along a journey or a graph.

use crate::plan::event::EventTemplate;
use crate::plan::life::{Beat, Life, Means};
use crate::random::Stream;
use crate::random::choice::Alias;
use crate::template::context::{Context, Scratch};
use crate::template::program::{ExprId, SlotId};
use crate::template::value::Value;
use crate::units::Nanos;

/// Pages of a session that says nothing about them.
const DEFAULT_PAGES: u32 = 5;
/// Most pages of any session, most events on any page.
const MOST_PAGES: u32 = 10_000;
const MOST_EVENTS: i64 = 1_000;
/// Marks a page that is drawn instead of listed.
pub(crate) const DRAWN: u32 = u32::MAX;
/// Keys of the draws that decide a session.
const JOURNEY: u64 = 0x6a6f_7572;
const LEAVE: u64 = 0x6c65_6176;
const NEXT: u64 = 0x6e65_7874;
const SPREAD: u64 = 0x7370_7264;
const LINGER: u64 = 0x6c69_6e67;

/// A session behavior, compiled.
#[derive(Clone, Debug)]
pub(crate) struct SessionPlan {
    /// Templates of all its events.
    pub(crate) templates: Vec<EventTemplate>,
    /// Template of the first event, the last, and those around each page.
    pub(crate) first: Option<u16>,
    pub(crate) last: Option<u16>,
    pub(crate) enter: Option<u16>,
    pub(crate) leave: Option<u16>,
    /// Probability that leaving is noticed.
    pub(crate) leave_p: f64,
    /// Time on a page, a span.
    pub(crate) dwell: Option<ExprId>,
    /// Most pages, longest and shortest time, pause before the next: a number and spans.
    pub(crate) pages: Option<ExprId>,
    pub(crate) duration: Option<ExprId>,
    pub(crate) at_least: Option<ExprId>,
    pub(crate) between: Option<ExprId>,
    /// Events on a page.
    pub(crate) during: Vec<DuringPlan>,
    /// Where sessions go.
    pub(crate) route: Route,
    /// Slots that the session fills in.
    pub(crate) slots: Slots,
}

/// Slots that a session fills in for each of its events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    /// The page, the one before, the journey, the page's number.
    pub(crate) page: SlotId,
    pub(crate) before: SlotId,
    pub(crate) journey: SlotId,
    pub(crate) number: SlotId,
}

/// Events on a page, compiled.
#[derive(Clone, Debug)]
pub(crate) struct DuringPlan {
    /// The event's name as drawn, or the template that it always is.
    pub(crate) event: Choice,
    /// How many; one when left out.
    pub(crate) count: Option<ExprId>,
    pub(crate) even: bool,
    pub(crate) jitter: f64,
}

/// Which event happens.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    /// Always this one.
    Always(u16),
    /// One that is drawn, by its name in the scenario.
    Drawn(ExprId, Vec<(String, u16)>),
}

/// Where sessions go.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// Along a path, then wherever: journeys with their pages and what templates see of them.
    Journeys {
        /// Chooses a journey.
        table: Alias,
        /// Pages and the record of each.
        journeys: Vec<(Vec<Value>, Value)>,
        /// Whether pages are drawn once the path is walked.
        wanders: bool,
    },
    /// From page to page by probability.
    Graph {
        /// The pages.
        pages: Vec<Value>,
        /// Where a session begins.
        start: Alias,
        /// For each page where it goes; the index after the last page leaves.
        next: Vec<Alias>,
    },
}

impl SessionPlan {
    /// Draws what a session is limited by.
    pub(crate) fn begin(&self, life: &mut Life, means: &mut Means<'_>) {
        let own = means.streams.behavior.child(life.entity);
        let facts = means.facts(life, own);
        means.scratch.begin(means.program);
        let mut context = Context::new(means.program, means.scratch, None, facts);
        let route_length = match &self.route {
            Route::Journeys { journeys, table, .. } => journeys[table.pick(own.word(JOURNEY))].0.len() as u32,
            Route::Graph { .. } => MOST_PAGES,
        };
        let pages =
            self.pages.map(|id| context.evaluate(id).as_i64().unwrap_or(0).clamp(0, i64::from(MOST_PAGES)) as u32);
        life.stand.places = match (pages, &self.route) {
            (Some(pages), _) => pages,
            (None, Route::Graph { .. }) => MOST_PAGES,
            (None, Route::Journeys { .. }) => {
                if route_length > 0 {
                    route_length
                } else {
                    DEFAULT_PAGES
                }
            }
        };
        life.stand.limit = self.duration.map_or(Nanos(u64::MAX), |id| span(context.evaluate(id)));
        life.stand.at_least = self.at_least.map_or(Nanos::ZERO, |id| span(context.evaluate(id)));
        if let Some(first) = self.first {
            life.beats.push(self.beat(life, first, Nanos::ZERO));
        }
        life.stand.which = match &self.route {
            Route::Journeys { .. } => 0,
            Route::Graph { start, .. } => start.pick(own.child(0).word(NEXT)) as u32,
        };
        life.stand.before = DRAWN;
        // A session without pages is its first and its last event.
        if life.stand.places == 0 {
            self.end(life);
        }
    }

    /// Fills in the next page.
    pub(crate) fn expand(&self, life: &mut Life, means: &mut Means<'_>) {
        let own = means.streams.behavior.child(life.entity);
        let number = life.stand.place;
        let page = own.child(u64::from(number) + 1);
        let Some(which) = self.page(life, own) else {
            self.end(life);
            return;
        };
        life.stand.which = which;
        if number > 0 && life.stand.offset >= life.stand.limit {
            self.end(life);
            return;
        }
        let start = life.stand.offset;
        if let Some(enter) = self.enter {
            life.beats.push(self.beat(life, enter, start));
        }
        let breathless = means.repeat.is_some_and(|repeat| repeat.breathless);
        let facts = means.facts(life, page);
        means.scratch.begin(means.program);
        let dwell = match self.dwell {
            Some(id) if !breathless => span(Context::new(means.program, means.scratch, None, facts).evaluate(id)),
            Some(_) | None => Nanos::ZERO,
        };
        let dwell = if breathless { dwell } else { self.lingering(life, own, page, dwell) };
        for (index, during) in self.during.iter().enumerate() {
            let place = page.child(index as u64);
            let mut facts = facts;
            facts.streams[0] = place;
            means.scratch.begin(means.program);
            let mut context = Context::new(means.program, means.scratch, None, facts);
            let count = during.count.map_or(1, |id| context.evaluate(id).as_i64().unwrap_or(0)).clamp(0, MOST_EVENTS);
            let gap = dwell.as_secs_f64() / (count + 1) as f64;
            for event in 0..count {
                let stream = place.child(event as u64 + 1);
                let Some(template) = during.choose(means.program, means.scratch, facts, stream) else { continue };
                let mut draws = stream.draws(SPREAD);
                let seconds = if during.even {
                    gap * (event as f64 + 1.0 + during.jitter * (draws.unit() - 0.5))
                } else {
                    dwell.as_secs_f64() * draws.unit()
                };
                let offset = start.saturating_add(Nanos::from_secs_f64(seconds));
                life.beats.push(self.beat(life, template, offset));
            }
        }
        life.stand.offset = start.saturating_add(dwell);
        if let Some(leave) = self.leave
            && page.draws(LEAVE).happens(self.leave_p)
        {
            life.beats.push(self.beat(life, leave, life.stand.offset));
        }
        life.stand.before = which;
        life.stand.place += 1;
        let going_on = life.stand.place < life.stand.places && self.goes_on(life, own);
        if !going_on {
            self.end(life);
        }
    }

    /// The pause before the same user's next session.
    pub(crate) fn pause(&self, life: &Life, means: &mut Means<'_>) -> Nanos {
        let Some(between) = self.between else { return Nanos::ZERO };
        let facts = means.facts(life, means.streams.behavior.child(life.entity));
        means.scratch.begin(means.program);
        span(Context::new(means.program, means.scratch, None, facts).evaluate(between))
    }

    /// Fills in what templates see of an event's page.
    pub(crate) fn give(&self, beat: &Beat, life: Stream, scratch: &mut Scratch) {
        match &self.route {
            Route::Journeys { journeys, table, .. } => {
                let (pages, record) = &journeys[table.pick(life.word(JOURNEY))];
                scratch.give(self.slots.journey, *record);
                for (slot, which) in [(self.slots.page, beat.which), (self.slots.before, beat.before)] {
                    if let Some(page) = pages.get(which as usize) {
                        scratch.give(slot, *page);
                    }
                }
            }
            Route::Graph { pages, .. } => {
                for (slot, which) in [(self.slots.page, beat.which), (self.slots.before, beat.before)] {
                    scratch.give(slot, pages.get(which as usize).copied().unwrap_or(Value::Null));
                }
                scratch.give(self.slots.journey, Value::Null);
            }
        }
        if beat.place == 0 {
            scratch.give(self.slots.before, Value::Null);
        }
        scratch.give(self.slots.number, Value::Int(i64::from(beat.place) + 1));
    }

    fn beat(&self, life: &Life, template: u16, offset: Nanos) -> Beat {
        let stand = &life.stand;
        Beat { offset, template, place: stand.place, which: stand.which, before: stand.before }
    }

    /// Ends a session: its last event, on the last page.
    fn end(&self, life: &mut Life) {
        life.stand.over = true;
        if let Some(last) = self.last {
            // It belongs to the page that was open last.
            let place = life.stand.place.saturating_sub(1);
            let beat = Beat { place, which: life.stand.before, ..self.beat(life, last, life.stand.offset) };
            life.beats.push(beat);
        }
    }

    /// The page that comes next; none where the way ends.
    fn page(&self, life: &Life, own: Stream) -> Option<u32> {
        match &self.route {
            Route::Journeys { journeys, table, wanders } => {
                let path = journeys[table.pick(own.word(JOURNEY))].0.len() as u32;
                if life.stand.place < path { Some(life.stand.place) } else { wanders.then_some(DRAWN) }
            }
            Route::Graph { pages, next, .. } => {
                if life.stand.place == 0 {
                    return (life.stand.which < pages.len() as u32).then_some(life.stand.which);
                }
                let table = next.get(life.stand.which as usize)?;
                let chosen = table.pick(own.child(u64::from(life.stand.place)).word(NEXT)) as u32;
                (chosen < pages.len() as u32).then_some(chosen)
            }
        }
    }

    /// The time on a page: longer than drawn where it is the last one and the session would be too short. By how much
    /// is drawn, so that short sessions do not all take the same time.
    fn lingering(&self, life: &mut Life, own: Stream, page: Stream, dwell: Nanos) -> Nanos {
        let missing = life.stand.at_least.0.saturating_sub(life.stand.offset.0);
        if dwell.0 >= missing {
            return dwell;
        }
        life.stand.place += 1;
        let last = life.stand.place >= life.stand.places || self.page(life, own).is_none();
        life.stand.place -= 1;
        let more = Nanos::from_secs_f64(dwell.as_secs_f64() * page.draws(LINGER).unit());
        if last { Nanos(missing).saturating_add(more) } else { dwell }
    }

    fn goes_on(&self, life: &Life, own: Stream) -> bool {
        life.stand.offset < life.stand.limit && self.page(life, own).is_some()
    }
}

impl DuringPlan {
    fn choose(
        &self,
        program: &crate::template::program::Program,
        scratch: &mut Scratch,
        facts: crate::template::context::Facts,
        stream: Stream,
    ) -> Option<u16> {
        match &self.event {
            Choice::Always(template) => Some(*template),
            Choice::Drawn(id, templates) => {
                let mut facts = facts;
                facts.streams[0] = stream;
                scratch.begin(program);
                let mut context = Context::new(program, scratch, None, facts);
                let name = context.evaluate(*id);
                let text = context.text_of(name)?;
                templates.iter().find(|(name, _)| name.as_bytes() == text).map(|(_, template)| *template)
            }
        }
    }
}

/// A span out of a value: what is no span or below zero takes no time.
pub(crate) fn span(value: Value) -> Nanos {
    value.as_span()
}
