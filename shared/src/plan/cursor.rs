//! A worker's walk through its part of a workload: find what comes next, say when, render it.

use std::sync::Arc;

use crate::plan::arrivals::{Arrival, Arrivals};
use crate::plan::event_id::{EventId, Origin};
use crate::plan::mix::{Decided, MixRun, Streams};
use crate::plan::workload::{BehaviorPlan, Workload};
use crate::plan::{EventTypeId, Pacing, Plan, Planned, Position, Schedule, Share};
use crate::random::index;
use crate::template::evaluate::{Context, Facts, Scratch};
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
    workload: usize,
    share: Share,
    arrivals: Arrivals,
    run: Run,
    scratch: Scratch,
    next: Option<Next>,
    over: bool,
}

/// What a behavior remembers as it goes along.
#[derive(Debug)]
enum Run {
    Mix(MixRun),
    Emit,
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
    /// When it is due, as far as that was asked.
    due: Nanos,
}

impl Cursor {
    pub(crate) fn new(plan: Arc<Plan>, workload: usize, share: Share) -> Self {
        let (arrivals, run) = match plan.inner(workload) {
            Some(inner) => {
                let run = match &inner.behavior {
                    BehaviorPlan::Mix(mix) => Run::Mix(MixRun::new(mix)),
                    BehaviorPlan::Emit(_) => Run::Emit,
                };
                (Arrivals::new(inner.arrivals, inner.load.spacing), run)
            }
            None => (Arrivals::none(), Run::Emit),
        };
        let over = plan.inner(workload).is_none_or(|inner| match &inner.behavior {
            // More workers than users: some have nobody.
            BehaviorPlan::Mix(mix) => u64::from(share.index) >= mix.users,
            BehaviorPlan::Emit(_) => share.index >= share.count.max(1),
        });
        Self { plan, workload, share, arrivals, run, scratch: Scratch::default(), next: None, over }
    }

    /// When the next event is due; none when nothing more comes before the end (or while the rate is zero).
    pub fn next_due(&mut self, schedule: &Schedule) -> Option<Nanos> {
        if self.next.is_none() && !self.over {
            self.next = self.find(schedule);
        }
        let plan = Arc::clone(&self.plan);
        let inner = plan.inner(self.workload)?;
        let next = self.next.as_mut()?;
        next.due = match inner.load.pacing {
            Pacing::Scheduled => schedule.due(next.position)?,
            Pacing::Concurrent { .. } => Nanos::ZERO,
        };
        Some(next.due)
    }

    /// Renders the event that [`Cursor::next_due`] announced, envelope included, at the end of `out`, and moves on.
    ///
    /// `event_time` is the moment that the event says it happened. Where nothing was announced, nothing is written.
    pub fn emit(&mut self, event_time: EpochMicros, out: &mut Vec<u8>) -> Planned {
        let plan = Arc::clone(&self.plan);
        let (Some(inner), Some(next)) = (plan.inner(self.workload), self.next.take()) else {
            return Planned::default();
        };
        let (facts, id) = self.facts(inner, &next, event_time);
        self.scratch.begin(&plan.program);
        let event_type = match (&inner.behavior, &mut self.run, &next.decided) {
            (BehaviorPlan::Mix(mix), Run::Mix(run), Some(decided)) => {
                let template = &mix.events[decided.event].template;
                let state = run.state(decided).map(|state| (&mix.state, state));
                Context::new(&plan.program, &mut self.scratch, state, facts).write(template.write, out);
                run.change(mix, &plan.program, &mut self.scratch, facts, inner.streams, decided);
                template.event_type
            }
            (BehaviorPlan::Emit(template), ..) => {
                Context::new(&plan.program, &mut self.scratch, None, facts).write(template.write, out);
                template.event_type
            }
            (BehaviorPlan::Mix(_), ..) => EventTypeId::default(),
        };
        Planned { due: next.due, event_type, entity: next.user, step: next.step, id }
    }

    fn facts(&self, inner: &Workload, next: &Next, moment: EpochMicros) -> (Facts, EventId) {
        let origin = Origin { workload: self.workload as u16, entity: next.entity, step: next.step };
        let event_id = EventId::new(origin, self.plan.seed());
        let event = inner.streams.events.child(next.entity).child(u64::from(next.step));
        let user = inner.streams.users.child(next.user);
        let facts = Facts {
            moment,
            event_id,
            sequence: next.sequence + 1,
            step: u64::from(next.step) + 1,
            streams: [event, user, event],
            indexes: [next.sequence + 1, next.user + 1, next.sequence + 1],
        };
        (facts, event_id)
    }

    /// The next event of this worker's part. Events of others that share its memory are carried out on the way.
    fn find(&mut self, schedule: &Schedule) -> Option<Next> {
        let plan = Arc::clone(&self.plan);
        let inner = plan.inner(self.workload)?;
        let streams = inner.streams;
        let mut passed = 0_u32;
        for _ in 0..MOST_SKIPPED {
            // Turns of other workers do not count as skipped.
            let next = loop {
                passed += 1;
                if passed % LOOK_UP == 0 && self.beyond(schedule) {
                    return None;
                }
                let Some(arrival) = self.arrivals.step() else {
                    self.over = true;
                    return None;
                };
                match &inner.behavior {
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
                        self.carry_out(inner, streams, &next);
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
        schedule.due(self.arrivals.reached()).is_none()
    }

    /// Lets an event that another worker renders change its user's state.
    fn carry_out(&mut self, inner: &Workload, streams: Streams, next: &Next) {
        let (facts, _) = self.facts(inner, next, EpochMicros(0));
        self.scratch.begin(&self.plan.program);
        if let (BehaviorPlan::Mix(mix), Run::Mix(run), Some(decided)) = (&inner.behavior, &mut self.run, &next.decided)
        {
            run.change(mix, &self.plan.program, &mut self.scratch, facts, streams, decided);
        }
    }

    fn mine(&self, number: u64) -> bool {
        number % u64::from(self.share.count.max(1)) == u64::from(self.share.index)
    }
}

impl Next {
    fn of(arrival: &Arrival) -> Self {
        Self {
            position: arrival.position,
            sequence: arrival.number,
            entity: 0,
            user: 0,
            step: 0,
            decided: None,
            due: Nanos::ZERO,
        }
    }
}
