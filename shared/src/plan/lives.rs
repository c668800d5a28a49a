//! Things that go on for a while: sessions and lives. Each is expanded bit by bit from its own stream; a heap only
//! puts the next events of all of them in the order of time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::plan::Schedule;
use crate::plan::arrivals::{Arrival, Arrivals};
use crate::plan::event::EventTemplate;
use crate::plan::life::{Beat, Life, Means};
use crate::plan::lifecycle::LifecyclePlan;
use crate::plan::session::SessionPlan;
use crate::random::index;
use crate::units::Nanos;

/// Bits of a session's number among those of one user.
const NUMBER_BITS: u32 = 20;
/// Stretches without an event after which something counts as over.
const MOST_EMPTY: u32 = 1_000;

/// What goes on for a while, compiled.
#[derive(Clone, Debug)]
pub(crate) enum LivePlan {
    /// Visits that go from page to page.
    Session(Box<SessionPlan>),
    /// Things that are born, change state and end.
    Lifecycle(Box<LifecyclePlan>),
}

impl LivePlan {
    /// The templates of its events.
    pub(crate) fn templates(&self) -> &[EventTemplate] {
        match self {
            Self::Session(session) => &session.templates,
            Self::Lifecycle(lifecycle) => &lifecycle.templates,
        }
    }
}

/// All that goes on at a worker.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    lives: Vec<Life>,
    free: Vec<u32>,
    heap: BinaryHeap<Reverse<Turn>>,
    pending: Option<Arrival>,
    begun: bool,
    /// Users who are here, in ascending order, and the next number of those who have left.
    here: BTreeSet<u64>,
    left: BTreeMap<u64, u64>,
    /// From a moment on, only so many.
    limit: Option<(Nanos, u64)>,
}

/// When something goes on, in the scenario's own time: its moment, who it is, and where it is kept.
type Turn = (Nanos, u64, u32);

/// What goes on, and what its expansion needs.
pub(crate) struct Course<'a> {
    pub(crate) plan: &'a LivePlan,
    pub(crate) means: Means<'a>,
}

impl Lives {
    /// The next event in the order of the scenario's own time: its moment and which life it belongs to.
    pub(crate) fn first(
        &mut self,
        schedule: &Schedule,
        arrivals: &mut Arrivals,
        course: &mut Course<'_>,
    ) -> Option<(Nanos, u32)> {
        if let Some(repeat) = course.means.repeat
            && !std::mem::replace(&mut self.begun, true)
        {
            self.grow(
                repeat.joining.users,
                |user| if repeat.breathless { Nanos::ZERO } else { repeat.joining.start(user) },
                course,
            );
        }
        if course.means.repeat.is_none() {
            loop {
                if self.pending.is_none() {
                    self.pending = arrival_of(schedule, arrivals, course);
                }
                let Some(arrival) = self.pending else { break };
                let Some(start) = schedule.own_time(arrival.position) else { break };
                if self.heap.peek().is_some_and(|Reverse((moment, ..))| *moment < start) {
                    break;
                }
                self.pending = None;
                let user = index(course.means.streams.assignment.word(arrival.key), course.means.users.max(1));
                let turn = self.begin(arrival.key, user, arrival.number + 1, start, course);
                self.heap.extend(turn.map(Reverse));
            }
        }
        self.heap.peek().map(|Reverse((moment, _, place))| (*moment, *place))
    }

    /// Takes the first event out of the order; its life must be moved on with [`Lives::advance`].
    pub(crate) fn take(&mut self) {
        self.heap.pop();
    }

    /// The user of the first event leaves.
    pub(crate) fn dismiss(&mut self) {
        if let Some(Reverse((_, _, place))) = self.heap.pop() {
            self.leave(place);
        }
    }

    /// Whether nothing goes on any more, though users began.
    pub(crate) fn is_empty(&self) -> bool {
        self.begun && self.here.is_empty()
    }

    /// The life at a place and its next event.
    pub(crate) fn at(&self, place: u32) -> Option<(&Life, Beat)> {
        let life = self.lives.get(place as usize)?;
        Some((life, *life.beats.last()?))
    }

    /// Moves a life past its event that was taken. With `waits` its user goes on only when [`Lives::answered`] says so:
    /// gives the place that waits.
    pub(crate) fn advance(&mut self, place: u32, waits: bool, course: &mut Course<'_>) -> Option<u32> {
        let turn = self.next_turn(place, course)?;
        if !waits {
            self.heap.push(Reverse(turn));
            return None;
        }
        let (moment, _, place) = turn;
        self.lives.get_mut(place as usize)?.held = Some(moment);
        Some(place)
    }

    /// Who waits at a place goes on: not before its own next moment, nor before another. What follows moves along.
    pub(crate) fn answered(&mut self, place: u32, at: Nanos) {
        let Some(life) = self.lives.get_mut(place as usize) else { return };
        let Some(planned) = life.held.take() else { return };
        let moment = planned.max(at);
        if self.limit.is_some_and(|(from, users)| life.user >= users && moment >= from) {
            self.leave(place);
            return;
        }
        life.start = life.start.saturating_add(moment.saturating_sub(planned));
        let entity = life.entity;
        self.heap.push(Reverse((moment, entity, place)));
    }

    /// Lets those of the first users that are not here join.
    pub(crate) fn grow(&mut self, users: u64, start: impl Fn(u64) -> Nanos, course: &mut Course<'_>) {
        self.limit = self.limit.filter(|(_, limit)| *limit >= users);
        for user in (0..users).filter(|user| (course.means.mine)(*user)) {
            if !self.here.insert(user) {
                continue;
            }
            let entity = self.left.remove(&user).unwrap_or(user << NUMBER_BITS);
            let turn = self.begin(entity, user, user + 1, start(user), course);
            self.heap.extend(turn.map(Reverse));
        }
    }

    /// Lets all but the first users leave: nothing of theirs from a moment on.
    pub(crate) fn shrink(&mut self, users: u64, at: Nanos) {
        self.limit = Some((at, users));
        let turns = std::mem::take(&mut self.heap).into_vec();
        for Reverse((moment, entity, place)) in turns {
            if moment >= at && self.lives.get(place as usize).is_some_and(|life| life.user >= users) {
                self.leave(place);
            } else {
                self.heap.push(Reverse((moment, entity, place)));
            }
        }
    }

    fn leave(&mut self, place: u32) {
        let Some(life) = self.lives.get(place as usize) else { return };
        self.here.remove(&life.user);
        self.left.insert(life.user, life.entity + 1);
        self.free.push(place);
    }

    /// The turn after the one at a place: of the same life, or of its user's next.
    fn next_turn(&mut self, place: u32, course: &mut Course<'_>) -> Option<Turn> {
        let life = self.lives.get_mut(place as usize)?;
        life.beats.pop();
        life.step += 1;
        expand(life, course);
        if let Some(beat) = life.beats.last() {
            return Some((life.start.saturating_add(beat.offset), life.entity, place));
        }
        let (entity, user, sequence) = (life.entity, life.user, life.sequence);
        let end = life.start.saturating_add(life.stand.offset);
        self.free.push(place);
        let repeat = course.means.repeat?;
        let pause = if repeat.breathless { Nanos(1) } else { pause(course, &self.lives[place as usize]) };
        self.begin(entity + 1, user, sequence, end.saturating_add(pause), course)
    }

    fn begin(&mut self, entity: u64, user: u64, sequence: u64, start: Nanos, course: &mut Course<'_>) -> Option<Turn> {
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.lives.push(Life::default());
                self.lives.len() as u32 - 1
            }
        };
        let life = &mut self.lives[place as usize];
        let mut beats = std::mem::take(&mut life.beats);
        beats.clear();
        *life = Life { entity, user, sequence, start, beats, ..Life::default() };
        match course.plan {
            LivePlan::Session(session) => session.begin(life, &mut course.means),
            LivePlan::Lifecycle(lifecycle) => lifecycle.begin(life),
        }
        expand(life, course);
        match life.beats.last() {
            Some(beat) => Some((start.saturating_add(beat.offset), entity, place)),
            None => {
                self.free.push(place);
                None
            }
        }
    }
}

/// Fills in what comes next until there is something, or it is over.
fn expand(life: &mut Life, course: &mut Course<'_>) {
    for _ in 0..MOST_EMPTY {
        if !life.beats.is_empty() || life.stand.over {
            break;
        }
        match course.plan {
            LivePlan::Session(session) => session.expand(life, &mut course.means),
            LivePlan::Lifecycle(lifecycle) => lifecycle.expand(life, &mut course.means),
        }
        // Stable, then reversed: what was put in first at a moment happens first.
        life.beats.sort_by_key(|beat| beat.offset);
        life.beats.reverse();
        if course.means.repeat.is_some_and(|repeat| repeat.breathless) {
            // One turn per event, so that users take turns.
            let (first, count) = (life.stand.offset.0, life.beats.len() as u64);
            for (number, beat) in life.beats.iter_mut().rev().enumerate() {
                beat.offset = Nanos(first + number as u64);
            }
            life.stand.offset = Nanos(first + count);
        }
    }
}

/// The next arrival that is this worker's; none beyond the end.
fn arrival_of(schedule: &Schedule, arrivals: &mut Arrivals, course: &Course<'_>) -> Option<Arrival> {
    loop {
        let arrival = arrivals.step()?;
        if (course.means.mine)(arrival.number) {
            return Some(arrival);
        }
        if arrival.number % 256 == 255 && schedule.due(arrivals.reached()).is_none() {
            return None;
        }
    }
}

/// The pause before a user's next session.
fn pause(course: &mut Course<'_>, life: &Life) -> Nanos {
    match course.plan {
        LivePlan::Session(session) => session.pause(life, &mut course.means),
        LivePlan::Lifecycle(_) => Nanos::ZERO,
    }
}
