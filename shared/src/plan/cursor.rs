//! A worker's walk through its part of a workload: find what comes next, say when, render it.

use std::sync::Arc;

use crate::event_id::{EventId, Stamp};
use crate::fault::decision::Decision;
use crate::fault::{Doses, FaultPlan};
use crate::plan::arrivals::{Arrival, Arrivals};
use crate::plan::life::{Life, Means};
use crate::plan::lives::{Course, LivePlan, Lives};
use crate::plan::mix::{Decided, MixRun};
use crate::plan::workload::{BehaviorPlan, Workload};
use crate::plan::{EventTypeId, Pacing, Plan, Planned, Position, Schedule, Share};
use crate::random::index;
use crate::run::fault::FaultSet;
use crate::template::context::{Context, Facts, Scratch};
use crate::template::program::ExprId;
use crate::units::{EpochMicros, Nanos};

/// Turns in a row that may pass without an event before a workload counts as over.
const MOST_SKIPPED: u32 = 100_000;
/// Arrivals of other workers after which the end of the schedule is looked up.
const LOOK_UP: u32 = 256;
/// Groups per worker above which each worker plans only its own.
const GROUPS_PER_WORKER: u64 = 4;

/// A worker's place in its part of a workload.
#[derive(Debug)]
pub struct Cursor {
    plan: Arc<Plan>,
    walk: Walk,
}

/// What changes along the way. The plan is lent to it: a count of owners would be one that all workers fight over.
#[derive(Debug)]
struct Walk {
    workload: usize,
    share: Share,
    stamp: Stamp,
    arrivals: Arrivals,
    run: Run,
    scratch: Scratch,
    next: Option<Next>,
    over: bool,
}

/// How far an event is rendered.
enum Render<'a> {
    Nothing,
    Draws,
    Into(&'a mut Vec<u8>),
}

/// What a behavior remembers as it goes along.
#[derive(Debug)]
enum Run {
    Mix(MixRun),
    Emit,
    Live(Lives),
}

/// The event that comes next.
#[derive(Clone, Copy, Debug)]
struct Next {
    position: Position,
    sequence: u64,
    entity: u64,
    user: u64,
    step: u32,
    decided: Option<Decided>,
    /// Moment in the scenario's own time, and which life.
    life: Option<(Nanos, u32)>,
    /// When it is due, as far as that was asked.
    due: Nanos,
}

impl Cursor {
    pub(crate) fn new(plan: Arc<Plan>, workload: usize, share: Share) -> Self {
        let (arrivals, run) = match plan.inner(workload) {
            Some(inner) => {
                let run = match &inner.behavior {
                    BehaviorPlan::Mix(mix) => Run::Mix(MixRun::new(mix)),
                    BehaviorPlan::Emit(_) | BehaviorPlan::Replay(_) => Run::Emit,
                    BehaviorPlan::Live(..) => Run::Live(Lives::default()),
                };
                (Arrivals::new(inner.arrivals, inner.load.spacing), run)
            }
            None => (Arrivals::none(), Run::Emit),
        };
        let over = plan.inner(workload).is_none_or(|inner| match &inner.behavior {
            // More workers than users: some have nobody.
            BehaviorPlan::Mix(mix) => u64::from(share.index) >= mix.users,
            BehaviorPlan::Live(_, Some(repeat)) => u64::from(share.index) >= repeat.users,
            BehaviorPlan::Emit(_) | BehaviorPlan::Replay(_) | BehaviorPlan::Live(_, None) => {
                share.index >= share.count.max(1)
            }
        });
        let stamp = Stamp::new(workload as u16, plan.seed());
        let walk = Walk { workload, share, stamp, arrivals, run, scratch: Scratch::default(), next: None, over };
        Self { plan, walk }
    }

    /// The same part, cut otherwise: where events are independent, workers take turns stretch by stretch instead of event
    /// by event. For a walk that has not begun, by whoever puts all parts together again.
    #[must_use]
    pub fn in_stretches(mut self) -> Self {
        if self.plan.inner(self.walk.workload).is_some_and(|inner| matches!(inner.behavior, BehaviorPlan::Emit(_))) {
            self.walk.arrivals = self.walk.arrivals.in_stretches(self.walk.share);
            self.walk.share = Share::WHOLE;
        }
        self
    }

    /// When the next event is due; none when nothing more comes before the end (or while the rate is zero).
    pub fn next_due(&mut self, schedule: &Schedule) -> Option<Nanos> {
        self.walk.next_due(&self.plan, schedule)
    }

    /// The id of the event that [`Cursor::next_due`] announced, so that a search renders only what it looked for.
    pub fn next_id(&self) -> Option<EventId> {
        self.walk.next.as_ref().map(|next| self.walk.id_of(next))
    }

    /// The faults of its workload.
    pub fn faults(&self) -> Option<&FaultPlan> {
        self.plan.faults(self.walk.workload)
    }

    /// What the workload's faults do to the event that [`Cursor::next_due`] announced, at their doses; to be asked
    /// before it is rendered. `at` is the moment of the schedule at which it is due.
    pub fn decide(&mut self, at: Nanos, doses: &Doses) -> Decision {
        let Some(inner) = self.plan.inner(self.walk.workload) else { return Decision::default() };
        let (Some(faults), Some(next)) = (&inner.faults, self.walk.next.as_ref()) else { return Decision::default() };
        let about = (self.walk.id_of(next), whom(inner, next));
        faults.decide((&self.plan.program, &mut self.walk.scratch), about, at, doses)
    }

    /// Changes the bytes of a rendered event, from `start` to the end, as was decided; says which faults found
    /// something to change.
    pub fn disturb(&mut self, decision: &Decision, bytes: &mut Vec<u8>, start: usize) -> FaultSet {
        let Some(faults) = self.plan.faults(self.walk.workload) else { return FaultSet::default() };
        faults.change((&self.plan.program, &mut self.walk.scratch), decision, bytes, start)
    }

    /// Renders the event that [`Cursor::next_due`] announced, envelope included, at the end of `out`, and moves on.
    ///
    /// `event_time` is the moment that the event says it happened. Where nothing was announced, nothing is written.
    pub fn emit(&mut self, event_time: EpochMicros, out: &mut Vec<u8>) -> Planned {
        self.walk.take(&self.plan, event_time, Render::Into(out))
    }

    /// Draws all that the event holds which [`Cursor::next_due`] announced, writes nothing, and moves on: benchmarks tell
    /// by it what drawing costs and what writing does.
    pub fn draw(&mut self, event_time: EpochMicros) -> Planned {
        self.walk.take(&self.plan, event_time, Render::Draws)
    }

    /// Moves past the event that [`Cursor::next_due`] announced without rendering it: what it changes is changed.
    pub fn skip(&mut self, event_time: EpochMicros) -> Planned {
        self.walk.take(&self.plan, event_time, Render::Nothing)
    }
}

impl Walk {
    fn next_due(&mut self, plan: &Plan, schedule: &Schedule) -> Option<Nanos> {
        if self.next.is_none() && !self.over {
            self.next = self.find(plan, schedule);
        }
        let inner = plan.inner(self.workload)?;
        let next = self.next.as_mut()?;
        next.due = match inner.load.pacing {
            Pacing::Scheduled => match next.life {
                Some((moment, _)) => {
                    schedule.due_at(moment).filter(|due| schedule.end().is_none_or(|end| *due < end))?
                }
                None => schedule.due(next.position)?,
            },
            Pacing::Concurrent { .. } => Nanos::ZERO,
        };
        Some(next.due)
    }

    fn take(&mut self, plan: &Plan, event_time: EpochMicros, mut render: Render<'_>) -> Planned {
        let (Some(inner), Some(next)) = (plan.inner(self.workload), self.next.take()) else {
            return Planned::default();
        };
        let (mut facts, id) = self.facts(inner, &next, event_time);
        self.scratch.begin(&plan.program);
        let event_type = match (&inner.behavior, &mut self.run, &next.decided) {
            (BehaviorPlan::Mix(mix), Run::Mix(run), Some(decided)) => {
                let template = &mix.events[decided.event].template;
                let state = run.state(decided).map(|state| (&mix.state, state));
                render.event(Context::new(&plan.program, &mut self.scratch, state, facts), template.write);
                run.change(mix, &plan.program, &mut self.scratch, facts, inner.streams, decided);
                template.event_type
            }
            (BehaviorPlan::Emit(template), ..) => {
                render.event(Context::new(&plan.program, &mut self.scratch, None, facts), template.write);
                template.event_type
            }
            (BehaviorPlan::Replay(replay), ..) => {
                if !matches!(render, Render::Nothing) {
                    let mut recorded = std::mem::take(&mut self.scratch.recorded);
                    recorded.clear();
                    if let Some(records) = &replay.records {
                        records.write(next.sequence, &mut recorded);
                    }
                    self.scratch.recorded = recorded;
                    render.event(Context::new(&plan.program, &mut self.scratch, None, facts), replay.write);
                }
                replay.event_type
            }
            (BehaviorPlan::Live(live, _), Run::Live(lives), _) => {
                let Some((place, (life, beat))) = next.life.and_then(|(_, place)| Some((place, lives.at(place)?)))
                else {
                    return Planned::default();
                };
                let own = inner.streams.behavior.child(life.entity);
                let number = u64::from(beat.place);
                facts.streams[2..].copy_from_slice(&[own, own.child(number + 1), own.child(number)]);
                match live {
                    LivePlan::Session(session) => session.give(&beat, own, &mut self.scratch),
                    LivePlan::Lifecycle(lifecycle) => lifecycle.give(&beat, &mut self.scratch),
                }
                let template = &live.templates()[usize::from(beat.template)];
                render.event(Context::new(&plan.program, &mut self.scratch, None, facts), template.write);
                let share = self.share;
                let mine = |number: u64| is_mine(share, number);
                let mut course = course(plan, inner, &mut self.scratch, &mine);
                if let Some(course) = &mut course {
                    lives.advance(place, course);
                }
                template.event_type
            }
            (BehaviorPlan::Mix(_) | BehaviorPlan::Live(..), ..) => EventTypeId::default(),
        };
        let entity = whom(inner, &next);
        Planned { due: next.due, event_type, entity, step: next.step, id }
    }

    fn id_of(&self, next: &Next) -> EventId {
        self.stamp.id(next.entity, next.step)
    }

    fn facts(&self, inner: &Workload, next: &Next, moment: EpochMicros) -> (Facts, EventId) {
        let event_id = self.id_of(next);
        let event = inner.streams.events.child(next.entity).child(u64::from(next.step));
        let user = inner.streams.users.child(next.user);
        let facts = Facts {
            moment,
            event_id,
            sequence: next.sequence + 1,
            step: u64::from(next.step) + 1,
            streams: [event, user, event, event, event],
            indexes: [next.sequence + 1, next.user + 1, next.sequence + 1, next.sequence + 1, next.sequence + 1],
        };
        (facts, event_id)
    }

    /// The next event of this worker's part. Events of others that share its memory are carried out on the way.
    fn find(&mut self, plan: &Plan, schedule: &Schedule) -> Option<Next> {
        let inner = plan.inner(self.workload)?;
        let streams = inner.streams;
        if let (BehaviorPlan::Live(..), Run::Live(lives)) = (&inner.behavior, &mut self.run) {
            let share = self.share;
            let mine = |number: u64| is_mine(share, number);
            let mut course = course(plan, inner, &mut self.scratch, &mine)?;
            let (moment, place) = lives.next(schedule, &mut self.arrivals, &mut course)?;
            let (life, _) = lives.at(place)?;
            return Some(Next::of_life(life, moment, place));
        }
        let mut passed = 0_u32;
        for _ in 0..MOST_SKIPPED {
            // Turns of other workers do not count as skipped.
            let next = loop {
                passed += 1;
                if passed.is_multiple_of(LOOK_UP) && self.beyond(schedule) {
                    return None;
                }
                let Some(arrival) = self.arrivals.step() else {
                    self.over = true;
                    return None;
                };
                match &inner.behavior {
                    BehaviorPlan::Live(..) => return None,
                    BehaviorPlan::Replay(replay) => {
                        if arrival.number >= replay.count() {
                            self.over = true;
                            return None;
                        }
                        if self.mine(arrival.number) {
                            let life = replay.due(arrival.number).map(|due| (due, 0));
                            break Some(Next { entity: arrival.number, life, ..Next::of(&arrival) });
                        }
                    }
                    BehaviorPlan::Emit(_) => {
                        if self.mine(arrival.number) {
                            let user = index(streams.assignment.word(arrival.key), inner.users.max(1));
                            break Some(Next {
                                entity: arrival.key,
                                user,
                                step: 0,
                                decided: None,
                                ..Next::of(&arrival)
                            });
                        }
                    }
                    BehaviorPlan::Mix(mix) => {
                        let group = mix.group_of(streams.assignment.word(arrival.key));
                        let alone = mix.groups() >= GROUPS_PER_WORKER * u64::from(self.share.count);
                        if alone && !self.mine(group) {
                            continue;
                        }
                        let Run::Mix(run) = &mut self.run else { return None };
                        let Some(decided) = run.decide(mix, &plan.program, &mut self.scratch, streams, group) else {
                            break None;
                        };
                        let next = Next {
                            entity: group,
                            user: decided.user,
                            step: decided.step,
                            decided: Some(decided),
                            ..Next::of(&arrival)
                        };
                        if alone || self.mine(decided.user) {
                            break Some(next);
                        }
                        self.carry_out(plan, inner, &next);
                    }
                }
            };
            if next.is_some() {
                return next;
            }
        }
        self.over = true;
        None
    }

    /// Whether the arrivals looked at last lie beyond the end: others have all that is left.
    fn beyond(&self, schedule: &Schedule) -> bool {
        !schedule.is_closed() && schedule.due(self.arrivals.reached()).is_none()
    }

    /// Lets an event that another worker renders change its user's state.
    fn carry_out(&mut self, plan: &Plan, inner: &Workload, next: &Next) {
        let (facts, _) = self.facts(inner, next, EpochMicros(0));
        self.scratch.begin(&plan.program);
        if let (BehaviorPlan::Mix(mix), Run::Mix(run), Some(decided)) = (&inner.behavior, &mut self.run, &next.decided)
        {
            run.change(mix, &plan.program, &mut self.scratch, facts, inner.streams, decided);
        }
    }

    fn mine(&self, number: u64) -> bool {
        is_mine(self.share, number)
    }
}

fn is_mine(share: Share, number: u64) -> bool {
    number % u64::from(share.count.max(1)) == u64::from(share.index)
}

/// What the expansion of lives needs.
fn course<'a>(
    plan: &'a Plan,
    inner: &'a Workload,
    scratch: &'a mut Scratch,
    mine: &'a dyn Fn(u64) -> bool,
) -> Option<Course<'a>> {
    let BehaviorPlan::Live(live, repeat) = &inner.behavior else { return None };
    let (streams, users) = (inner.streams, inner.users);
    let means = Means { program: &plan.program, scratch, streams, users, repeat: *repeat, mine };
    Some(Course { plan: live, means })
}

impl Render<'_> {
    fn event(&mut self, mut context: Context<'_>, event: ExprId) {
        match self {
            Self::Nothing => {}
            Self::Draws => context.draw_all(event),
            Self::Into(out) => {
                context.write(event, out);
            }
        }
    }
}

/// Whom an event is about.
fn whom(inner: &Workload, next: &Next) -> u64 {
    match &inner.behavior {
        BehaviorPlan::Live(LivePlan::Lifecycle(_), _) | BehaviorPlan::Replay(_) => next.entity,
        BehaviorPlan::Live(LivePlan::Session(_), _) | BehaviorPlan::Mix(_) | BehaviorPlan::Emit(_) => next.user,
    }
}

impl Next {
    fn of_life(life: &Life, moment: Nanos, place: u32) -> Self {
        Self {
            position: Position(0.0),
            sequence: life.sequence.saturating_sub(1),
            entity: life.entity,
            user: life.user,
            step: life.step,
            decided: None,
            life: Some((moment, place)),
            due: Nanos::ZERO,
        }
    }

    fn of(arrival: &Arrival) -> Self {
        Self {
            position: arrival.position,
            sequence: arrival.number,
            entity: 0,
            user: 0,
            step: 0,
            decided: None,
            life: None,
            due: Nanos::ZERO,
        }
    }
}
