//! The scenario with types: five nouns (targets, pools, events, behaviors, workloads) and what modifies them.
//!
//! Text becomes a [`crate::tree::Node`] tree, overlays are merged on that tree, and the result becomes these types.
//! Fields that hold templates (bodies, draws, conditions) stay nodes, since `template` compiles them.

pub mod behavior;
pub mod check;
pub mod event;
pub mod fault;
pub mod load;
pub mod output;
pub mod pool;
pub mod target;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::tree::read::Readable;

use crate::tree::Node;

use behavior::Behavior;
use check::Check;
use event::Event;
use fault::Fault;
use load::Load;
use output::Outputs;
use pool::Pool;
use target::Target;

/// The whole document that a user edits.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Version of the scenario language; 1 is the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Its name; the file's when left out.
    pub name: String,
    /// What it is for, in a sentence.
    pub description: String,
    /// Decides every draw; drawn at the start of a run when left out, and kept with its results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Which time events carry.
    pub clock: Clock,
    /// Where requests go, by name.
    pub targets: IndexMap<String, Target>,
    /// What exists and can be drawn from, by name.
    pub pools: IndexMap<String, Pool>,
    /// What is said, by name. A name that starts with `_` is a base for others to extend.
    pub events: IndexMap<String, Event>,
    /// Who does what next, by name.
    pub behaviors: IndexMap<String, Behavior>,
    /// Trouble made on purpose, by name: lists of faults that workloads refer to.
    pub faults: IndexMap<String, Vec<Fault>>,
    /// How much, when and to whom, by name.
    pub workloads: IndexMap<String, Workload>,
    /// What must hold for the run to count as passed.
    pub checks: Vec<Check>,
    /// What the run leaves behind.
    pub outputs: Outputs,
    /// Named overlays: dotted paths or nested maps to values.
    pub profiles: IndexMap<String, Node>,
}

/// Which time events carry.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clock {
    /// Live, in the past, or faster than life.
    pub mode: ClockMode,
    /// Start of event time: RFC 3339, or an offset from now such as `-168h`; backfill and simulate only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// End of event time: RFC 3339, `now`, or an offset from now; backfill only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// Seconds of event time per second of run time; simulate only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Zone in which hours and weekdays are meant (`UTC`, `+02:00`, `America/New_York`); UTC when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// How event time relates to run time.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockMode {
    /// Event time is the moment when the event is due.
    #[default]
    Live,
    /// A window in the past: rates say when events happened, and they are sent as fast as the target takes them, at most
    /// `max_in_flight` (else `connections`, else 64) at once.
    Backfill,
    /// Event time begins at `start` and passes `speed` times as fast as the run; rates, spans and durations are those of
    /// event time.
    Simulate,
}

/// A behavior at a target, with a population and a load.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workload {
    /// Name of its target; may be left out when the scenario has just one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Name of its behavior; may be left out when the scenario has just one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behavior: Option<String>,
    /// Who is simulated.
    pub population: Population,
    /// How much and when.
    pub load: Load,
    /// Name of the faults put between the plan and the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<String>,
    /// Template around every event (`event.topic`, `event.name`, `event.body`); the body alone when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Node>,
    /// Whether it takes part.
    pub enabled: bool,
    /// Whether sessions pause as people do; `false` removes dwell and think times.
    pub human_delays: bool,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            target: None,
            behavior: None,
            population: Population::default(),
            load: Load::default(),
            faults: None,
            envelope: None,
            enabled: true,
            human_delays: true,
        }
    }
}

/// The virtual users of a workload.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Population {
    /// How many there are.
    pub count: u64,
    /// Template of a user's id; `index` is the user's number from 1. `user_1`, `user_2`... when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Node>,
    /// Named draws that belong to a user for good (`user.NAME`).
    #[serde(rename = "let")]
    pub bind: IndexMap<String, Node>,
}

impl Default for Population {
    fn default() -> Self {
        Self { count: 100, id: None, bind: IndexMap::new() }
    }
}
