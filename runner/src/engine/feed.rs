//! A workload's part in one worker: what comes next, when, and in which request.
//!
//! Events are rendered shortly before they are due, so that rendering does not delay their sending; never so early
//! that a command could still move them (a command takes effect some milliseconds after it is given).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use shared::checks::ShareCheck;
use shared::fault::Doses;
use shared::fault::decision::Decision;
use shared::plan::{Cursor, Plan, Planned, Schedule, Share};
use shared::realism::Observer;
use shared::run::fault::FaultKind;
use shared::scenario::model::load::Load;
use shared::units::{EpochMicros, Nanos};

use crate::engine::clock::RunClock;
use crate::engine::control::ScheduleClock;
use crate::engine::footprint::Note;
use crate::engine::gate::Gate;
use crate::engine::held::{Held, HeldBack, Notes};
use crate::engine::job::{Job, Spare};
use crate::engine::packing::Packer;
use crate::engine::slots::Slots;
use crate::engine::target::{TargetSetup, Targets};
use crate::fingerprint::Lens;

/// How long before its moment an event may be rendered; less than a command's lead.
const RENDER_AHEAD: Nanos = Nanos::from_millis(2);
/// Lateness that is tolerated where the scenario says nothing.
const LATE_AFTER: Nanos = Nanos::from_millis(100);

/// A workload in one worker.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) target: usize,
    /// The workload's number in the plan.
    pub(crate) workload: usize,
    /// What lets its requests go.
    pub(crate) gate: Gate,
    /// Its number among the worker's feeds.
    place: u16,
    share: Share,
    targets: Targets,
    cursor: Cursor,
    schedule: Schedule,
    /// Where the target decides how much is sent: the requests that it may have at once.
    slots: Option<Slots>,
    /// Whether it is made of users who wait for their answers.
    users: bool,
    /// Whether what it says about an entity must arrive in its order.
    ordered: bool,
    /// When the next event is due at the earliest, in schedule time; none when nothing more is known to come. With
    /// slots, an event is due when one is free.
    next: Option<Nanos>,
    /// The next event, if it is rendered already.
    rendered: Option<(Planned, Decision, Job)>,
    /// How strong the workload's faults are; none where it has none.
    doses: Option<Doses>,
    /// Doses that are to come, and when.
    new_doses: VecDeque<(Nanos, String, f64)>,
    /// Plans with other items in their pools that are to come, and when.
    new_plans: VecDeque<(Nanos, Arc<Plan>)>,
    held: HeldBack,
    /// What faults did since the worker looked.
    pub(crate) notes: Notes,
    /// The batch that is being filled, and when it must go, in schedule time.
    batch: Option<(Job, Nanos)>,
    late_after: Nanos,
    drop_after: Option<Nanos>,
    /// What a ledger looks at events with; none where there is none.
    lens: Option<Lens>,
    packer: Option<Packer>,
    /// Where event time starts, unless an event happens when it is due.
    start: Option<EpochMicros>,
    /// Whether its events happened in the past: the schedule says when, the slots when they are sent.
    backfill: bool,
    /// Whether it must be known where events stand in their requests.
    places: bool,
    /// Checks of the values of fields, and how many events had each since they were asked for last.
    checks: Arc<[ShareCheck]>,
    values: Vec<Vec<u64>>,
    /// Who looks at its events.
    observer: Rc<RefCell<Observer>>,
}

/// A workload's part in one worker, before it begins.
pub(crate) struct Part {
    /// The workload's number in the plan.
    pub(crate) workload: usize,
    /// Its number among the worker's feeds.
    pub(crate) place: u16,
    pub(crate) target: usize,
    pub(crate) share: Share,
    pub(crate) cursor: Cursor,
    pub(crate) schedule: Schedule,
    pub(crate) slots: Option<Slots>,
    /// Whether it is made of users who wait for their answers.
    pub(crate) users: bool,
    /// Whether what it says about an entity must arrive in its order.
    pub(crate) ordered: bool,
    pub(crate) gate: Gate,
    /// Where event time starts, unless an event happens when it is due.
    pub(crate) start: Option<EpochMicros>,
    /// Whether its events happened in the past and are sent as fast as the target takes them.
    pub(crate) backfill: bool,
    /// Whether it must be known where events stand in their requests.
    pub(crate) places: bool,
    /// Who looks at its events.
    pub(crate) observer: Rc<RefCell<Observer>>,
}

/// What a feed has for the worker.
#[derive(Debug)]
pub(crate) enum Fed {
    /// An event became due and is part of a batch now; without a type it had been due before and was held back.
    Batched { event_type: Option<u16> },
    /// An event became due and travels alone.
    Alone { event_type: Option<u16>, job: Job },
    /// An event became due and fills its batch.
    Filled { event_type: Option<u16>, job: Job },
    /// An event became due and is held back for a while.
    Held { event_type: u16 },
    /// An event became due and is not sent at all.
    Withheld { event_type: u16 },
    /// A batch has waited long enough.
    Lingered { job: Job },
}

impl Feed {
    /// A feed that has not begun.
    pub(crate) fn new(part: Part, targets: Targets, load: &Load, checks: Arc<[ShareCheck]>) -> Self {
        let Part {
            workload,
            place,
            target,
            share,
            mut cursor,
            schedule,
            slots,
            users,
            ordered,
            gate,
            start,
            backfill,
            places,
            observer,
        } = part;
        if users {
            cursor.wait_for_answers();
        }
        let next = cursor.next_until(&schedule, Nanos::ZERO);
        let doses = cursor.faults().map(shared::fault::FaultPlan::doses);
        let compression = targets.get(target).and_then(|setup| setup.compression);
        // Levels were checked with the scenario; what else could fail is memory.
        let packer = compression.and_then(|(compression, level)| Packer::new(compression, level).ok());
        Self {
            packer,
            target,
            workload,
            gate,
            place,
            share,
            targets,
            cursor,
            schedule,
            slots,
            users,
            ordered,
            next,
            rendered: None,
            doses,
            new_doses: VecDeque::new(),
            new_plans: VecDeque::new(),
            held: HeldBack::default(),
            notes: Notes::default(),
            batch: None,
            late_after: load.late_after.unwrap_or(LATE_AFTER),
            drop_after: load.drop_after,
            start,
            backfill,
            places,
            values: checks.iter().map(|check| vec![0; check.shares.len() + 1]).collect(),
            checks,
            lens: None,
            observer,
        }
    }

    /// The same feed, whose events are noted for a ledger.
    pub(crate) fn noting(self, lens: Option<Lens>) -> Self {
        Self { lens, ..self }
    }

    /// How many events had each value of each check of shares; whoever takes them sets them to 0.
    pub(crate) fn values(&mut self) -> &mut [Vec<u64>] {
        &mut self.values
    }

    /// When it next has something, in run time; none while nothing is known to come.
    pub(crate) fn due(&self, clock: &ScheduleClock) -> Option<Nanos> {
        let all = [self.next_event(), self.next_flush(), self.held.next()].into_iter().flatten();
        all.filter_map(|due| clock.run_time(due)).min()
    }

    /// When it would like to be woken: when something is due, a little before the next event to render it, and at the
    /// end of the schedule.
    pub(crate) fn wake(&self, clock: &ScheduleClock) -> Option<Nanos> {
        let ahead = if self.rendered.is_some() { Nanos::ZERO } else { RENDER_AHEAD };
        let event = self.next_event().and_then(|next| Some(clock.run_time(next)?.saturating_sub(ahead)));
        let batch = self.next_flush().and_then(|deadline| clock.run_time(deadline));
        let ends = self.next.is_none() || self.slots.is_some() || self.users;
        let end = self.schedule.end().filter(|_end| ends && !self.backfill).and_then(|end| clock.run_time(end));
        let held = self.held.next().and_then(|at| clock.run_time(at));
        [event, batch, held, end].into_iter().flatten().min()
    }

    /// Whether its schedule is over: nothing more can become due, whatever is done to the rate.
    pub(crate) fn is_over(&self, schedule_now: Nanos) -> bool {
        let past_end =
            !self.backfill && self.schedule.end().is_some_and(|end| schedule_now >= end) && self.next_event().is_none();
        let exhausted = match (&self.slots, self.users) {
            (Some(_), _) => self.next.is_none(),
            (None, true) => self.rendered.is_none() && self.cursor.is_over(),
            (None, false) => self.next.is_none() && self.schedule.end().is_none(),
        };
        self.batch.is_none() && self.held.next().is_none() && (exhausted || past_end)
    }

    /// A request of its own was over at a moment of schedule time.
    pub(crate) fn ended(&mut self, at: Nanos) {
        let at = if self.backfill { at } else { self.schedule.own_time_at(at) };
        if let Some(slots) = &mut self.slots {
            slots.give_back(at);
        }
    }

    /// A user had its answer at a moment of schedule time.
    pub(crate) fn answered(&mut self, user: u64, at: Nanos) {
        self.cursor.answered(user, self.schedule.own_time_at(at));
        // Who is ready now may come before whoever was next.
        self.look(Nanos::ZERO);
    }

    /// From a moment of schedule time on, its mix has these weights.
    pub(crate) fn set_weights(&mut self, at: Nanos, weights: &[f64]) {
        self.cursor.set_weights(&self.schedule, at, weights);
    }

    /// From a moment of schedule time on, there are so many users; or, at the target's own pace, so many requests at
    /// once.
    pub(crate) fn set_users(&mut self, at: Nanos, users: u32) {
        if let Some(slots) = &mut self.slots {
            let Share { index, count } = self.share;
            slots.set_count(users / count + u32::from(index < users % count), self.schedule.own_time_at(at));
        } else if self.users {
            self.cursor.set_users(&self.schedule, at, u64::from(users));
            self.look(Nanos::ZERO);
        }
    }

    /// Looks for what comes next, deciding nothing beyond a moment of schedule time.
    fn look(&mut self, until: Nanos) {
        if self.rendered.is_none() {
            // At the target's pace the schedule says when events happened, not when they are sent.
            let until = if self.slots.is_some() { Nanos(u64::MAX) } else { until };
            self.next = self.cursor.next_until(&self.schedule, until);
        }
    }

    /// When the next event is due, in schedule time.
    fn next_event(&self) -> Option<Nanos> {
        let next = self.next?;
        if self.slots.is_some() { self.next_slot() } else { Some(next) }
    }

    /// When the batch that is being filled must go, in schedule time. At the target's pace a batch is filled at once:
    /// what is left of it goes when nothing more comes.
    fn next_flush(&self) -> Option<Nanos> {
        let (_, deadline) = self.batch.as_ref()?;
        match &self.slots {
            None => Some(*deadline),
            Some(_) if self.next.is_none() => self.next_slot(),
            Some(_) => None,
        }
    }

    /// When a slot is free, in schedule time; none beyond the end.
    fn next_slot(&self) -> Option<Nanos> {
        let free = self.slots.as_ref()?.first_free()?;
        if self.backfill {
            return Some(free);
        }
        let due = self.schedule.due_at(free)?;
        self.schedule.end().is_none_or(|end| due < end).then_some(due)
    }

    /// Multiplies the rate from a moment of schedule time on.
    pub(crate) fn multiply(&mut self, at: Nanos, multiplier: f64) {
        // In a backfill the schedule says when events happened: that is not to be changed.
        if self.backfill {
            return;
        }
        self.schedule.set_multiplier(at, multiplier);
        self.look(Nanos::ZERO);
    }

    /// Lets events draw from other items from a moment of schedule time on.
    pub(crate) fn refill(&mut self, at: Nanos, plan: Arc<Plan>) {
        self.new_plans.push_back((at, plan));
    }

    /// Makes faults stronger or weaker from a moment of schedule time on, by the name of their list or `list.kind`.
    pub(crate) fn dose(&mut self, at: Nanos, name: &str, factor: f64) {
        if self.doses.is_some() {
            self.new_doses.push_back((at, name.to_owned(), factor));
        }
    }

    /// What faults do to the event that is due next.
    fn decide(&mut self) -> Decision {
        let at = self.next_event().unwrap_or_default();
        let Some(doses) = &mut self.doses else { return Decision::default() };
        while let Some((_, name, factor)) = self.new_doses.pop_front_if(|(from, ..)| at >= *from) {
            if let Some(faults) = self.cursor.faults() {
                faults.dose(doses, &name, factor);
            }
        }
        self.cursor.decide(at, doses)
    }

    /// Renders the next event if its moment is near.
    pub(crate) fn render(&mut self, now: Nanos, times: Times<'_>, spare: &mut Spare) {
        // A user who is answered meanwhile may come first.
        if self.rendered.is_some() || self.users {
            return;
        }
        let near = now.saturating_add(RENDER_AHEAD);
        let soon = |feed: &Self| {
            let due = feed.next_event()?;
            times.schedule.run_time(due).filter(|at| *at <= near).map(|at| (due, at))
        };
        if soon(self).is_none() {
            return;
        }
        if !self.cursor.is_decided() {
            self.look(times.schedule.schedule_time(near));
        }
        if let Some((due, at)) = soon(self)
            && self.cursor.is_decided()
        {
            self.emit(due, at, times.run, spare);
        }
    }

    /// What is due at or before a moment: one thing at a time, none when nothing is.
    pub(crate) fn take(&mut self, now: Nanos, times: Times<'_>, spare: &mut Spare) -> Option<Fed> {
        let event = self.next_event().and_then(|next| Some((next, times.schedule.run_time(next)?)));
        if let Some(held_until) = self.held.next()
            && event.is_none_or(|(due, _)| due >= held_until)
            && let Some(at) = times.schedule.run_time(held_until)
            && at <= now
            && let Some(held) = self.held.release(&mut self.notes)
        {
            return Some(self.route(held.planned, held.event_type, held.job, held_until, times, spare));
        }
        if let Some(deadline) = self.next_flush()
            && event.is_none_or(|(due, _)| due > deadline)
            && let Some(at) = times.schedule.run_time(deadline)
            && at <= now
        {
            return self.flush(at).map(|job| Fed::Lingered { job });
        }
        let (mut due, mut at) = event.filter(|(_, at)| *at <= now)?;
        let until = times.schedule.schedule_time(now);
        if self.rendered.is_none() {
            if !self.cursor.is_decided() {
                // What lay beyond the horizon may be somebody else's.
                self.look(until);
                let event = self.next_event().and_then(|next| Some((next, times.schedule.run_time(next)?)));
                (due, at) = event.filter(|(_, at)| *at <= now && self.cursor.is_decided())?;
            }
            self.emit(due, at, times.run, spare);
        }
        let (planned, decision, mut job) = self.rendered.take()?;
        self.held.passed();
        let event_type = planned.event_type.0;
        if decision.dropped {
            self.notes.planned(&decision);
            self.notes.applied(FaultKind::Drop);
            spare.give(job);
            if let Some(user) = planned.waiter {
                self.answered(user, due);
            }
            self.look(until);
            return Some(Fed::Withheld { event_type });
        }
        if !self.checks.is_empty() {
            self.look_into(&job);
        }
        self.look(until);
        if !decision.hits.is_empty() {
            self.notes.planned(&decision);
            job.suffers(&decision);
            let until = due.saturating_add(decision.held());
            for copy in 1..=u64::from(decision.copies) {
                let mut copied = spare.take(self.targets[self.target].room);
                copied.copy(&job);
                let until = until.saturating_add(Nanos(decision.gap.0.saturating_mul(copy)));
                self.held.hold(until, Held::copy(planned, copied));
            }
            if decision.held() > Nanos::ZERO {
                self.held.hold(until, Held::original(planned, &decision, job));
                return Some(Fed::Held { event_type });
            }
        }
        Some(self.route(planned, Some(event_type), job, due, times, spare))
    }

    /// The batch that is being filled, due now.
    pub(crate) fn flush(&mut self, at: Nanos) -> Option<Job> {
        let targets = Arc::clone(&self.targets);
        let (job, _) = self.batch.take()?;
        Some(self.finish(job, at, &targets[self.target]))
    }

    /// Forgets everything that is still to come; gives the types of events that were due but in no request yet.
    pub(crate) fn cut(&mut self, spare: &mut Spare) -> Vec<u16> {
        self.next = None;
        if let Some((_, _, job)) = self.rendered.take() {
            spare.give(job);
        }
        let mut types = self.cut_held(spare);
        let Some((job, _)) = self.batch.take() else { return types };
        types.extend_from_slice(&job.types);
        spare.give(job);
        types
    }

    /// Forgets what is held back; gives the types of those events that were due.
    pub(crate) fn cut_held(&mut self, spare: &mut Spare) -> Vec<u16> {
        let mut types = Vec::new();
        for held in self.held.cut() {
            // A copy was never due: nothing is owed for it.
            if held.event_type.is_none() {
                types.push(held.planned.event_type.0);
            }
            spare.give(held.job);
        }
        types
    }

    /// Nothing more is to become due from here on.
    pub(crate) fn end_schedule(&mut self, spare: &mut Spare) {
        self.next = None;
        if let Some((_, _, job)) = self.rendered.take() {
            spare.give(job);
        }
    }

    /// Renders the next event into a job of its own.
    fn emit(&mut self, due: Nanos, at: Nanos, clock: &RunClock, spare: &mut Spare) {
        let targets = Arc::clone(&self.targets);
        let setup = &targets[self.target];
        let mut job = spare.take(setup.room);
        job.buffer.extend_from_slice(&setup.routes[0].prefix);
        while let Some((_, plan)) = self.new_plans.pop_front_if(|(from, _)| due >= *from) {
            self.cursor.go_on_with(plan);
        }
        let decision = self.decide();
        let happens = match (self.start, self.next) {
            (None, _) => clock.date(at),
            // Of what has no moment of its own, the moment is when it is due.
            (Some(start), None) => start.plus(due),
            (Some(start), Some(_)) if self.slots.is_some() && !self.backfill => start.plus(due),
            (Some(start), Some(next)) => start.plus(next),
        };
        let happens = EpochMicros(happens.0.saturating_sub_unsigned(decision.late_by.0 / 1_000));
        let from = job.buffer.len();
        let planned = self.cursor.emit(happens, &mut job.buffer);
        job.topic.extend_from_slice(self.cursor.topic());
        // As it is before faults make trouble: those are counted apart.
        self.observer.borrow_mut().observe(self.workload, &planned, job.buffer.get(from..).unwrap_or_default());
        if !decision.hits.is_empty() && !decision.withheld() {
            let changed = self.cursor.disturb(&decision, &mut job.buffer, from);
            self.notes.changed(&decision, changed);
        }
        if self.places {
            let to = job.buffer.len();
            job.places.push((from, to));
        }
        job.holds(planned.event_type.0, planned.id);
        if let Some(lens) = &self.lens {
            let note = Note::new(&planned, lens, job.buffer.get(from..).unwrap_or_default());
            job.notes.push(note);
        }
        self.rendered = Some((planned, decision, job));
    }

    /// Counts the values that checks want to know of a rendered event.
    fn look_into(&mut self, job: &Job) {
        let setup = &self.targets[self.target];
        let event = job.body(setup.room + setup.routes[0].prefix.len());
        for (check, counts) in self.checks.iter().zip(&mut self.values) {
            if let Some(count) = check.place_in(event).and_then(|place| counts.get_mut(place)) {
                *count += 1;
            }
        }
    }

    /// Sends an event alone, or puts it into the batch; `event_type` where it is due for the first time.
    fn route(
        &mut self,
        planned: Planned,
        event_type: Option<u16>,
        mut job: Job,
        due: Nanos,
        times: Times<'_>,
        spare: &mut Spare,
    ) -> Fed {
        // It was found due at a moment of run time, which it still has.
        let at = times.schedule.run_time(due).unwrap_or_default();
        let targets = Arc::clone(&self.targets);
        let setup = &targets[self.target];
        let own = setup.own_route(planned.event_type);
        // A fault of the sending itself hits this event, not those that would travel with it.
        let alone = own.is_some() || job.faults().next().is_some();
        let (Some(batch_route), false) = (setup.batch_route, alone) else {
            job.route = own.unwrap_or(0);
            job.entity = Some(planned.entity).filter(|_entity| self.ordered);
            job.waiters.extend(planned.waiter.filter(|_user| self.users));
            return Fed::Alone { event_type, job: self.finish(job, at, setup) };
        };
        let route = &setup.routes[batch_route];
        let (batch, _) = self.batch.get_or_insert_with(|| {
            let mut batch = spare.take(setup.room);
            batch.route = batch_route;
            batch.buffer.extend_from_slice(&route.prefix);
            (batch, due.saturating_add(times.schedule.passes_in(route.linger)))
        });
        if !batch.types.is_empty() {
            batch.buffer.extend_from_slice(&route.separator);
        }
        let from = batch.buffer.len();
        batch.buffer.extend_from_slice(job.body(setup.room + setup.routes[0].prefix.len()));
        if self.places {
            let to = batch.buffer.len();
            batch.places.push((from, to));
        }
        batch.notes.append(&mut job.notes);
        batch.holds(planned.event_type.0, planned.id);
        batch.waiters.extend(planned.waiter.filter(|_user| self.users));
        spare.give(job);
        let full = batch.types.len() >= route.max_events as usize;
        // The last event of the schedule takes the rest with it: nothing else would. So does that of the last user who
        // does not wait: the others wait for this very batch.
        let last = self.next.is_none()
            && self.held.next().is_none()
            && (self.schedule.end().is_some() || self.slots.is_some() || self.users);
        match if full || last { self.flush(at) } else { None } {
            Some(job) => Fed::Filled { event_type, job },
            None => Fed::Batched { event_type },
        }
    }

    fn finish(&mut self, mut job: Job, due: Nanos, setup: &TargetSetup) -> Job {
        let route = &setup.routes[job.route];
        job.buffer.extend_from_slice(&route.suffix);
        if let Some(packer) = self.packer.as_mut().filter(|_| route.head.has_body()) {
            job.pack(packer);
        }
        job.protocol = setup.protocol_place;
        job.due = due;
        job.late_after = self.late_after;
        job.drop_after = self.drop_after;
        job.feed = self.place;
        if let Some(slots) = &mut self.slots {
            job.admitted = slots.take();
        }
        job.complete(route);
        job
    }
}

/// The two clocks that turn planned moments into real ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times<'a> {
    /// Run time and dates.
    pub(crate) run: &'a RunClock,
    /// Schedule time and pauses.
    pub(crate) schedule: &'a ScheduleClock,
}
