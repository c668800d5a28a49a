//! A worker's walk through its part of a workload: find what comes next, say when, render it.

use std::sync::Arc;

use crate::event_id::{EventId, Stamp};
use crate::fault::decision::Decision;
use crate::fault::{Doses, FaultPlan};
use crate::plan::arrivals::{Arrival, Arrivals};
use crate::plan::crowd::{Crowd, Joining};
use crate::plan::life::{Life, Means};
use crate::plan::lives::{Course, LivePlan, Lives};
use crate::plan::mix::{Decided, MixPlan, MixRun};
use crate::plan::supply::RecordReader;
use crate::plan::workload::{BehaviorPlan, Workload};
use crate::plan::{EventTypeId, Pacing, Plan, Planned, Position, Schedule, Share};
use crate::random::choice::Alias;
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
    /// The topic of the event that was rendered last.
    topic: Vec<u8>,
    next: Option<Next>,
    over: bool,
    /// An arrival beyond the horizon: what it brings is not decided yet.
    ahead: Option<Arrival>,
    /// Users who wait for answers, without sessions.
    crowd: Option<Crowd>,
    /// Whether users wait until [`Cursor::answered`] is called; else they are answered at once.
    waits: bool,
    /// Weights that took the place of the mix's own, each from a place in the order on.
    tables: Vec<(f64, Alias)>,
}

/// What a search came to.
enum Found {
    /// An event, decided.
    Event(Next),
    /// Nothing before this moment.
    NotBefore(Nanos),
    /// Nothing more, as things stand.
    Nothing,
}

/// How far a search may decide what comes.
#[derive(Clone, Copy)]
struct Horizon {
    /// As a moment of the schedule.
    at: Nanos,
    /// As a place in the order of arrivals.
    position: Position,
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
    Replay(Option<Box<dyn RecordReader>>),
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
                    BehaviorPlan::Emit(_) => Run::Emit,
                    BehaviorPlan::Replay(replay) => Run::Replay(replay.records.as_ref().map(|records| records.open())),
                    BehaviorPlan::Live(..) => Run::Live(Lives::default()),
                };
                (Arrivals::new(inner.arrivals, inner.load.spacing), run)
            }
            None => (Arrivals::none(), Run::Emit),
        };
        let crowd = plan.inner(workload).and_then(|inner| match (&inner.behavior, inner.joining) {
            (BehaviorPlan::Live(..), _) | (_, None) => None,
            (_, Some(joining)) => Some(Crowd::new(share, joining.users, |user| {
                // Without pauses the first user would be the only one for as long as the others are not there.
                if joining.delay > Nanos::ZERO { joining.start(user) } else { Nanos::ZERO }
            })),
        });
        let over = plan.inner(workload).is_none_or(|inner| match &inner.behavior {
            // More workers than users: some have nobody.
            BehaviorPlan::Mix(mix) => u64::from(share.index) >= mix.users,
            BehaviorPlan::Live(_, Some(repeat)) => u64::from(share.index) >= repeat.joining.users,
            BehaviorPlan::Emit(_) | BehaviorPlan::Replay(_) | BehaviorPlan::Live(_, None) => {
                share.index >= share.count.max(1)
            }
        });
        let stamp = plan.stamp(workload);
        let walk = Walk {
            workload,
            share,
            stamp,
            arrivals,
            run,
            scratch: Scratch::default(),
            topic: Vec::new(),
            next: None,
            over,
            ahead: None,
            crowd,
            waits: false,
            tables: Vec::new(),
        };
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

    /// Lets users wait: each goes on once [`Cursor::answered`] is called for its event. To be called before anything else.
    pub fn wait_for_answers(&mut self) {
        let walk = &mut self.walk;
        walk.waits = true;
        if let (Some(inner), Some(crowd)) = (self.plan.inner(walk.workload), &mut walk.crowd)
            && let Some(joining) = inner.joining
        {
            *crowd = Crowd::new(walk.share, joining.users, |user| joining.start(user));
        }
    }

    /// When the next event is due; none when nothing more comes before the end (or while the rate is zero).
    pub fn next_due(&mut self, schedule: &Schedule) -> Option<Nanos> {
        self.next_until(schedule, Nanos(u64::MAX))
    }

    /// When the next event is due, deciding nothing that lies beyond a moment: then this is the earliest moment at
    /// which something may be due, and [`Cursor::is_decided`] says no. None when nothing more comes before the end (or
    /// while the rate is zero, or every user waits).
    pub fn next_until(&mut self, schedule: &Schedule, until: Nanos) -> Option<Nanos> {
        self.walk.next_until(&self.plan, schedule, until)
    }

    /// Whether the event that [`Cursor::next_until`] spoke of is decided and can be rendered.
    pub fn is_decided(&self) -> bool {
        self.walk.next.is_some()
    }

    /// Whether nothing will ever come: no event is left, or every user has gone.
    pub fn is_over(&self) -> bool {
        let gone = match (&self.walk.crowd, &self.walk.run) {
            (Some(crowd), _) => crowd.is_empty(),
            (None, Run::Live(lives)) => lives.is_empty(),
            (None, Run::Mix(_) | Run::Emit | Run::Replay(_)) => false,
        };
        self.walk.next.is_none() && (self.walk.over || gone)
    }

    /// Who waited ([`Planned::waiter`]) has its answer at a moment of the scenario's own time.
    pub fn answered(&mut self, waiter: u64, at: Nanos) {
        let delay = self.plan.inner(self.walk.workload).and_then(|inner| inner.joining).map(|joining| joining.delay);
        let at = at.saturating_add(delay.unwrap_or_default());
        match (&mut self.walk.crowd, &mut self.walk.run) {
            (Some(crowd), _) => crowd.answered(waiter, at),
            (None, Run::Live(lives)) => lives.answered(waiter as u32, at),
            (None, Run::Mix(_) | Run::Emit | Run::Replay(_)) => {}
        }
    }

    /// From a moment of the schedule on there are so many users: others join, or the last ones leave.
    pub fn set_users(&mut self, schedule: &Schedule, at: Nanos, users: u64) {
        let at = schedule.own_time_at(at);
        let walk = &mut self.walk;
        let Some(inner) = self.plan.inner(walk.workload) else { return };
        if let Some(crowd) = &mut walk.crowd {
            crowd.shrink(users, at);
            crowd.grow(users, |_| at);
        } else if let Run::Live(lives) = &mut walk.run {
            let share = walk.share;
            let mine = |number: u64| is_mine(share, number);
            if let Some(mut course) = course(&self.plan, inner, &mut walk.scratch, &mine) {
                lives.shrink(users, at);
                lives.grow(users, |_| at, &mut course);
            }
        }
    }

    /// From a moment of the schedule on, the mix has these weights (one for each of its events, in their order).
    pub fn set_weights(&mut self, schedule: &Schedule, at: Nanos, weights: &[f64]) {
        let from = match (&self.walk.crowd, schedule.is_closed()) {
            (Some(_), _) => schedule.own_time_at(at).as_secs_f64(),
            // At the target's own pace nothing lies ahead.
            (None, true) => 0.0,
            (None, false) => schedule.position_at(at).0,
        };
        if let Some(table) = Alias::new(weights) {
            self.walk.tables.push((from, table));
        }
    }

    /// Goes on with a plan that differs in the items of pools only ([`Plan::refilled`]).
    pub fn go_on_with(&mut self, plan: Arc<Plan>) {
        self.plan = plan;
    }

    /// The id of the event that [`Cursor::next_due`] announced, so that a search renders only what it looked for.
    pub fn next_id(&self) -> Option<EventId> {
        self.walk.next.as_ref().map(|next| self.walk.id_of(next))
    }

    /// The number of the arrival, from 1, behind the event that [`Cursor::next_due`] announced.
    pub fn next_number(&self) -> Option<u64> {
        self.walk.next.as_ref().map(|next| next.sequence + 1)
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

    /// The topic of the event that was rendered last ([`Cursor::emit`]); empty where its target has none.
    pub fn topic(&self) -> &[u8] {
        &self.walk.topic
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
    fn next_until(&mut self, plan: &Plan, schedule: &Schedule, until: Nanos) -> Option<Nanos> {
        if self.next.is_none() && !self.over {
            let endless = Position(f64::INFINITY);
            let position = if until == Nanos(u64::MAX) { endless } else { schedule.position_at(until) };
            match self.find(plan, schedule, Horizon { at: until, position }) {
                Found::Event(next) => self.next = Some(next),
                Found::NotBefore(moment) => return Some(moment),
                Found::Nothing => return None,
            }
        }
        let inner = plan.inner(self.workload)?;
        let next = self.next.as_mut()?;
        let planned = match inner.load.pacing {
            Pacing::Scheduled | Pacing::Users { timed: true, .. } => true,
            Pacing::Users { timed: false, .. } => self.waits,
            Pacing::Concurrent { .. } => false,
        };
        next.due = match next.life {
            _ if !planned => Nanos::ZERO,
            Some((moment, _)) => before_end(schedule, schedule.due_at(moment)?)?,
            None => schedule.due(next.position)?,
        };
        Some(next.due)
    }

    fn take(&mut self, plan: &Plan, event_time: EpochMicros, mut render: Render<'_>) -> Planned {
        let (Some(inner), Some(next)) = (plan.inner(self.workload), self.next.take()) else {
            return Planned::default();
        };
        let (mut facts, id) = self.facts(inner, &next, event_time);
        self.scratch.begin(&plan.program);
        let topic = &mut self.topic;
        topic.clear();
        let mut waiter = None;
        let event_type = match (&inner.behavior, &mut self.run, &next.decided) {
            (BehaviorPlan::Mix(mix), Run::Mix(run), Some(decided)) => {
                let template = &mix.events[decided.event].template;
                let state = run.state(decided).map(|state| (&mix.state, state));
                render.event(
                    Context::new(&plan.program, &mut self.scratch, state, facts),
                    template.write,
                    template.topic,
                    topic,
                );
                run.change(mix, &plan.program, &mut self.scratch, facts, inner.streams, decided);
                template.event_type
            }
            (BehaviorPlan::Emit(template), ..) => {
                render.event(
                    Context::new(&plan.program, &mut self.scratch, None, facts),
                    template.write,
                    template.topic,
                    topic,
                );
                template.event_type
            }
            (BehaviorPlan::Replay(replay), run, _) => {
                if let Run::Replay(Some(reader)) = run
                    && !matches!(render, Render::Nothing)
                {
                    let mut recorded = std::mem::take(&mut self.scratch.recorded);
                    recorded.clear();
                    // What cannot be read any more ends the replay; the reader keeps why.
                    self.over |= !reader.write(next.sequence, &mut recorded);
                    self.scratch.recorded = recorded;
                    render.event(
                        Context::new(&plan.program, &mut self.scratch, None, facts),
                        replay.write,
                        replay.topic,
                        topic,
                    );
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
                render.event(
                    Context::new(&plan.program, &mut self.scratch, None, facts),
                    template.write,
                    template.topic,
                    topic,
                );
                let share = self.share;
                let mine = |number: u64| is_mine(share, number);
                let mut course = course(plan, inner, &mut self.scratch, &mine);
                if let Some(course) = &mut course {
                    let waits = self.waits && course.means.repeat.is_some();
                    waiter = lives.advance(place, waits, course).map(u64::from);
                }
                template.event_type
            }
            (BehaviorPlan::Mix(_) | BehaviorPlan::Live(..), ..) => EventTypeId::default(),
        };
        let entity = whom(inner, &next);
        if let (Some(crowd), Some((moment, _))) = (&mut self.crowd, next.life) {
            if self.waits {
                waiter = Some(next.user);
            } else {
                let delay = inner.joining.map_or(Nanos::ZERO, |joining| joining.delay);
                crowd.answered(next.user, moment.saturating_add(delay.max(Nanos(1))));
            }
        }
        Planned { due: next.due, event_type, entity, step: next.step, id, waiter }
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
            stamp: self.stamp,
            sequence: next.sequence + 1,
            step: u64::from(next.step) + 1,
            streams: [event, user, event, event, event],
            indexes: [next.sequence + 1, next.user + 1, next.sequence + 1, next.sequence + 1, next.sequence + 1],
        };
        (facts, event_id)
    }

    /// The next event of this worker's part. Events of others that share its memory are carried out on the way.
    fn find(&mut self, plan: &Plan, schedule: &Schedule, horizon: Horizon) -> Found {
        let Some(inner) = plan.inner(self.workload) else { return Found::Nothing };
        if self.crowd.is_some() {
            return self.find_user(plan, inner, schedule, horizon);
        }
        if let BehaviorPlan::Live(_, repeat) = &inner.behavior {
            return self.find_life(plan, inner, repeat.map(|repeat| repeat.joining), schedule, horizon);
        }
        self.find_arrival(plan, inner, schedule, horizon)
    }

    fn find_life(
        &mut self,
        plan: &Plan,
        inner: &Workload,
        joining: Option<Joining>,
        schedule: &Schedule,
        horizon: Horizon,
    ) -> Found {
        let Run::Live(lives) = &mut self.run else { return Found::Nothing };
        let share = self.share;
        let mine = |number: u64| is_mine(share, number);
        loop {
            let Some(mut course) = course(plan, inner, &mut self.scratch, &mine) else { return Found::Nothing };
            let Some((moment, place)) = lives.first(schedule, &mut self.arrivals, &mut course) else {
                return Found::Nothing;
            };
            // At the target's own pace nothing has a moment.
            if horizon.at < Nanos(u64::MAX) && !matches!(inner.load.pacing, Pacing::Concurrent { .. }) {
                let Some(due) = schedule.due_at(moment).and_then(|due| before_end(schedule, due)) else {
                    return Found::Nothing;
                };
                if due > horizon.at {
                    return Found::NotBefore(due);
                }
            }
            let Some((life, _)) = lives.at(place) else { return Found::Nothing };
            let due = schedule.due_at(moment).unwrap_or(Nanos::ZERO);
            if joining.is_some_and(|joining| joining.down > Nanos::ZERO && joining.has_left(life.user, due)) {
                lives.dismiss();
                continue;
            }
            let next = Next::of_life(life, moment, place);
            lives.take();
            return Found::Event(next);
        }
    }

    /// The next user without a session.
    fn find_user(&mut self, plan: &Plan, inner: &Workload, schedule: &Schedule, horizon: Horizon) -> Found {
        let (Some(crowd), Some(joining)) = (&mut self.crowd, inner.joining) else { return Found::Nothing };
        let mut passed = 0;
        while let Some((moment, user)) = crowd.first() {
            let Some(due) = schedule.due_at(moment).and_then(|due| before_end(schedule, due)) else {
                return Found::Nothing;
            };
            if due > horizon.at {
                return Found::NotBefore(due);
            }
            if joining.has_left(user, due) {
                crowd.dismiss();
                continue;
            }
            let Some(step) = crowd.take() else { return Found::Nothing };
            // Users of the scenario number their events in turn; those who joined later have numbers of their own.
            let sequence = if user < joining.users {
                u64::from(step) * joining.users + user
            } else {
                (user << 32) | u64::from(step)
            };
            let mut next = Next {
                position: Position(moment.as_secs_f64()),
                sequence,
                entity: user,
                user,
                step,
                decided: None,
                life: Some((moment, 0)),
                due: Nanos::ZERO,
            };
            match (&inner.behavior, &mut self.run) {
                (BehaviorPlan::Mix(mix), Run::Mix(run)) => {
                    let table = table(&self.tables, mix, next.position);
                    let Some(decided) = run.decide(mix, &plan.program, &mut self.scratch, inner.streams, table, user)
                    else {
                        passed += 1;
                        crowd.answered(user, moment);
                        if passed > MOST_SKIPPED {
                            return Found::Nothing;
                        }
                        continue;
                    };
                    (next.step, next.decided) = (decided.step, Some(decided));
                }
                (BehaviorPlan::Replay(replay), _) => {
                    if sequence >= replay.count() {
                        // Nothing is left for this user.
                        crowd.retire(user);
                        continue;
                    }
                    next.entity = sequence;
                }
                (BehaviorPlan::Mix(_) | BehaviorPlan::Emit(_) | BehaviorPlan::Live(..), _) => {}
            }
            return Found::Event(next);
        }
        Found::Nothing
    }

    fn find_arrival(&mut self, plan: &Plan, inner: &Workload, schedule: &Schedule, horizon: Horizon) -> Found {
        let streams = inner.streams;
        let mut passed = 0_u32;
        for _ in 0..MOST_SKIPPED {
            // Turns of other workers do not count as skipped.
            let next = loop {
                passed += 1;
                if passed.is_multiple_of(LOOK_UP) && self.beyond(schedule) {
                    return Found::Nothing;
                }
                let Some(arrival) = self.ahead.take().or_else(|| self.arrivals.step()) else {
                    self.over = true;
                    return Found::Nothing;
                };
                match &inner.behavior {
                    BehaviorPlan::Live(..) => return Found::Nothing,
                    BehaviorPlan::Replay(replay) => {
                        if arrival.number >= replay.count() {
                            self.over = true;
                            return Found::Nothing;
                        }
                        if is_mine(self.share, arrival.number) {
                            let Run::Replay(Some(reader)) = &mut self.run else { return Found::Nothing };
                            let life = replay.due(arrival.number, &mut **reader).map(|due| (due, 0));
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
                        // What a mix does can be changed up to its moment.
                        if arrival.position > horizon.position && !schedule.is_closed() {
                            self.ahead = Some(arrival);
                            return schedule.due(arrival.position).map_or(Found::Nothing, Found::NotBefore);
                        }
                        let Run::Mix(run) = &mut self.run else { return Found::Nothing };
                        let table = table(&self.tables, mix, arrival.position);
                        let Some(decided) = run.decide(mix, &plan.program, &mut self.scratch, streams, table, group)
                        else {
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
            if let Some(next) = next {
                return Found::Event(next);
            }
        }
        self.over = true;
        Found::Nothing
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

/// The weights in force at a place in the order.
fn table<'a>(tables: &'a [(f64, Alias)], mix: &'a MixPlan, position: Position) -> &'a Alias {
    tables.iter().rev().find(|(from, _)| *from <= position.0).map_or(&mix.table, |(_, table)| table)
}

/// A moment, unless the schedule is over by then.
fn before_end(schedule: &Schedule, due: Nanos) -> Option<Nanos> {
    schedule.end().is_none_or(|end| due < end).then_some(due)
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
    fn event(&mut self, mut context: Context<'_>, event: ExprId, topic: Option<ExprId>, topic_out: &mut Vec<u8>) {
        match self {
            Self::Nothing => {}
            Self::Draws => context.draw_all(event),
            Self::Into(out) => {
                context.write(event, out);
                if let Some(topic) = topic {
                    let topic = context.evaluate(topic);
                    context.write_plain(topic, topic_out);
                }
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
