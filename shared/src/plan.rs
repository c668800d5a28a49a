//! The plan: the pure function from a scenario and a seed to events and the moments they are due.

mod arrivals;
mod client;
pub mod clock;
mod compile;
mod crowd;
pub mod cursor;
pub mod curve;
mod event;
mod fingerprint;
pub mod firsts;
mod life;
mod lifecycle;
mod live;
mod lives;
mod load;
mod mix;
pub mod schedule;
mod session;
pub mod shape;
pub mod supply;
mod workbench;
mod workload;

use std::sync::Arc;

use indexmap::IndexMap;

use crate::encode::RequestTemplate;
use crate::event_id::Stamp;
use crate::fault::FaultPlan;
use crate::problem::Problem;
use crate::random::Stream;
use crate::scenario::ValidScenario;
use crate::template::compile::Compiler;
use crate::template::program::Program;
use crate::tree::Node;
use crate::units::{EpochMicros, Length, Nanos};

use clock::ClockPlan;
use load::LoadPlan;
use workload::Workload;

pub use crate::event_id::{EventId, EventMark};
pub use client::Client;
pub use cursor::Cursor;
pub use curve::Curve;
pub use schedule::{Position, Schedule};
pub use supply::Supplies;

/// Index of an event type in [`Plan::event_types`].
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct EventTypeId(pub u16);

/// Index of a target in [`Plan::targets`].
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct TargetId(pub u16);

/// A kind of event.
#[derive(Clone, Debug, PartialEq)]
pub struct EventTypeInfo {
    /// Its name on the wire.
    pub name: String,
    /// Its topic, where it has one.
    pub topic: Option<String>,
    /// Its share of all planned events (0 to 1), where the scenario declares one.
    pub declared_share: Option<f64>,
}

/// Where events go.
#[derive(Clone, Debug)]
pub struct TargetPlan {
    /// Its name in the scenario.
    pub name: String,
    /// What its requests look like.
    pub request: RequestTemplate,
    overrides: Vec<Option<RequestTemplate>>,
    clients: Option<client::ClientPlan>,
}

impl TargetPlan {
    /// What the requests of an event type look like when they differ from [`TargetPlan::request`]; such events travel
    /// alone.
    pub fn request_of(&self, event_type: EventTypeId) -> Option<&RequestTemplate> {
        self.overrides.get(usize::from(event_type.0))?.as_ref()
    }
}

/// What decides when the next event is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pacing {
    /// The schedule alone: open loop, and users whose pauses are planned.
    Scheduled,
    /// The target: so many requests at once over all workers, each followed by a pause. Everything is due at once.
    Concurrent {
        /// Requests at once.
        requests: u32,
        /// Pause after each answer.
        delay: Nanos,
    },
    /// Virtual users: each waits for its answer, pauses, and goes on.
    Users {
        /// How many.
        users: u32,
        /// Whether their pauses are planned, so that their events have moments even without a target.
        timed: bool,
    },
}

/// A workload, planned.
#[derive(Clone, Debug)]
pub struct WorkloadPlan {
    /// Its name in the scenario.
    pub name: String,
    /// Where its events go.
    pub target: TargetId,
    /// What decides when the next event is sent.
    pub pacing: Pacing,
    /// How long it goes on.
    pub length: Length,
    /// Virtual users.
    pub users: u64,
    /// Event types that it may emit with their declared shares (0 to 1, sum 1), where the scenario declares them.
    pub declared: Vec<(EventTypeId, f64)>,
    /// Name of its behavior.
    pub behavior: String,
    /// The weights of its mix, by event; empty where it has none.
    pub weights: Vec<(String, f64)>,
    load: LoadPlan,
}

impl WorkloadPlan {
    /// When its arrivals are due, for a run whose event time starts at a moment: hours and weekdays depend on it. In a
    /// backfill that is when they happened, not when they are sent.
    pub fn schedule(&self, start: EpochMicros) -> Schedule {
        match self.load.pacing {
            Pacing::Scheduled => Schedule::new(self.load.curve(start)),
            Pacing::Concurrent { .. } | Pacing::Users { .. } => Schedule::closed(self.length.span()),
        }
    }

    /// How many virtual users are there at a moment of the schedule, where the load is made of them.
    pub fn users_at(&self, at: Nanos) -> Option<u64> {
        Some(self.load.joining?.present(at))
    }

    /// When its arrivals are to be sent, as far as a rate says so: the same, except in a backfill.
    pub fn send_schedule(&self, start: EpochMicros) -> Schedule {
        match self.pacing {
            Pacing::Scheduled => self.schedule(start),
            Pacing::Concurrent { .. } if self.is_backfilled() => Schedule::closed(None),
            Pacing::Concurrent { .. } | Pacing::Users { .. } => Schedule::closed(self.length.span()),
        }
    }

    /// Whether its events have moments of the past and are sent as fast as the target takes them.
    pub fn is_backfilled(&self) -> bool {
        self.pacing != self.load.pacing
    }

    /// What a worker does of it, and how many requests it has at once where that is limited; none when there is nothing
    /// for so many workers to do.
    pub fn part(&self, worker: Share) -> Option<(Share, Option<u32>)> {
        match self.pacing {
            Pacing::Scheduled => Some((worker, None)),
            Pacing::Concurrent { requests, .. } => {
                // Workers share the events evenly, so that each should have as many requests at once as the others.
                let uneven = |count: &u32| !requests.is_multiple_of(*count) && requests < EVEN_ENOUGH * count;
                let count = (1..=worker.count.min(requests)).rev().find(|count| !uneven(count)).unwrap_or(1);
                let own = requests / count + u32::from(worker.index < requests % count);
                (worker.index < count).then_some((Share { index: worker.index, count }, Some(own)))
            }
            Pacing::Users { users, .. } => {
                let count = worker.count.min(users.max(1));
                (worker.index < count).then_some((Share { index: worker.index, count }, None))
            }
        }
    }
}

/// Requests at once per worker from which one more or less makes no difference.
const EVEN_ENOUGH: u32 = 8;

/// Which part of the work a worker does. It decides who renders an event, never what the event is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Share {
    /// The worker, from 0.
    pub index: u32,
    /// How many workers there are.
    pub count: u32,
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, count: 1 };
}

/// An event as it was planned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Planned {
    /// The moment it is due, since the start of the run's schedule.
    pub due: Nanos,
    /// Its kind.
    pub event_type: EventTypeId,
    /// Whom it is about (user, session, life): events of one entity must reach the target in their order.
    pub entity: u64,
    /// Its number within what it was planned with.
    pub step: u32,
    /// Its identity, which can be decoded back to where it came from.
    pub id: EventId,
    /// Who waits for its answer, for [`Cursor::answered`].
    pub waiter: Option<u64>,
}

/// What an id says about an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Known {
    /// The plan has it, if its entity goes that far.
    Planned,
    /// The plan has it, but it was due at another moment: the load was another one.
    UnderAnotherLoad,
    /// It comes from another seed, another scenario, or nowhere.
    Nothing,
}

/// Everything that a run will do, computed on demand; shared by all workers.
#[derive(Clone, Debug)]
pub struct Plan {
    event_types: Vec<EventTypeInfo>,
    workloads: Vec<WorkloadPlan>,
    inner: Vec<Workload>,
    targets: Vec<TargetPlan>,
    program: Program,
    clock: ClockPlan,
    seed: u64,
    missing: Vec<String>,
}

impl Plan {
    /// Plans a scenario under a seed.
    ///
    /// # Errors
    ///
    /// Gives every problem of its templates, behaviors and loads at once.
    pub fn compile(scenario: &ValidScenario, seed: u64) -> Result<Self, Vec<Problem>> {
        Self::compile_with(scenario, seed, &Supplies::default())
    }

    /// Plans a scenario under a seed with what was read for it. Without its supplies a pool is empty and a replay over
    /// at once.
    ///
    /// # Errors
    ///
    /// As [`Plan::compile`].
    pub fn compile_with(scenario: &ValidScenario, seed: u64, supplies: &Supplies) -> Result<Self, Vec<Problem>> {
        Self::build(scenario.scenario(), seed, supplies, scenario.sources())
    }

    /// The same plan with other items in pools that targets fill, for events that are still to come. Whatever a cursor
    /// remembers stays valid: it can go on with the new plan ([`Cursor::go_on_with`]).
    ///
    /// # Errors
    ///
    /// The items are not what the pool needs.
    pub fn refilled(&self, scenario: &ValidScenario, pools: &IndexMap<String, Node>) -> Result<Self, Vec<Problem>> {
        let models = &scenario.scenario().pools;
        let root = Stream::root(self.seed);
        let mut compiler = Compiler::resume(self.program.clone(), root, models, pools, scenario.sources());
        pools.keys().for_each(|name| compiler.refill(name));
        if compiler.problems.is_empty() {
            Ok(Self { program: compiler.program, ..self.clone() })
        } else {
            Err(compiler.problems)
        }
    }

    /// Paths of what the scenario draws from and nobody has brought: such pools are empty, such replays over at once.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The kinds of events, indexed by [`EventTypeId`].
    pub fn event_types(&self) -> &[EventTypeInfo] {
        &self.event_types
    }

    /// The enabled workloads, in the scenario's order.
    pub fn workloads(&self) -> &[WorkloadPlan] {
        &self.workloads
    }

    /// How event time relates to the time of the run.
    pub fn clock(&self) -> &ClockPlan {
        &self.clock
    }

    /// What an id says about an event of this plan.
    pub fn knows(&self, id: EventId) -> Known {
        let origin = id.origin();
        let index = usize::from(origin.workload);
        match self.stamp(index).id(origin.entity, origin.step) {
            _ if index >= self.inner.len() => Known::Nothing,
            own if own == id => Known::Planned,
            own if own.without_load() == id.without_load() => Known::UnderAnotherLoad,
            _ => Known::Nothing,
        }
    }

    /// The mark of an arrival of a workload, by its number from 1.
    pub fn mark(&self, workload: usize, number: u64) -> EventMark {
        self.stamp(workload).mark(number)
    }

    pub(crate) fn stamp(&self, workload: usize) -> Stamp {
        let load = self.inner.get(workload).map_or(0, |workload| workload.tag);
        Stamp::new(workload as u16, self.seed, load)
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The targets, indexed by [`TargetId`].
    pub fn targets(&self) -> &[TargetPlan] {
        &self.targets
    }

    /// How long the longest workload goes on, in seconds of the run; none when one goes on forever, or as long as the
    /// target takes.
    pub fn planned_seconds(&self) -> Option<f64> {
        let mut longest: f64 = 0.0;
        for workload in &self.workloads {
            if workload.is_backfilled() {
                return None;
            }
            longest = longest.max(workload.length.span()?.as_secs_f64());
        }
        Some(longest / self.clock.pace())
    }

    /// The trouble that a workload (by index in [`Plan::workloads`]) makes on purpose.
    pub fn faults(&self, workload: usize) -> Option<&FaultPlan> {
        self.inner(workload)?.faults.as_ref()
    }

    /// Every name by which faults of the plan can be made stronger or weaker.
    pub fn fault_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.inner.iter().filter_map(|inner| inner.faults.as_ref()).flat_map(FaultPlan::names) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// A worker's part of a workload (by index in [`Plan::workloads`]).
    pub fn cursor(self: &Arc<Self>, workload: usize, share: Share) -> Cursor {
        Cursor::new(Arc::clone(self), workload, share)
    }

    fn inner(&self, workload: usize) -> Option<&Workload> {
        self.inner.get(workload)
    }
}
