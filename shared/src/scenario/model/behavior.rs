//! Behaviors: who does what next.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::tree::read::Readable;

use crate::tree::Node;

/// Who does what next.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Behavior {
    /// Independent events in a given proportion.
    Mix(Mix),
    /// Visits that go from page to page.
    Session(Box<Session>),
    /// Things that are born, change state and end.
    Lifecycle(Lifecycle),
    /// One kind of event.
    Emit(Emit),
    /// Events that were recorded.
    Replay(Replay),
}

/// Independent events in a given proportion.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    /// Weight by event; only their proportion counts.
    pub weights: IndexMap<String, f64>,
    /// What each user remembers, with its first value (`cart: []`).
    pub state: IndexMap<String, Node>,
    /// What to do when an event's `require` does not hold.
    pub unmet: Unmet,
}

/// What to do when an event's `require` does not hold.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmet {
    /// Emit the event's `prerequisite` in its place, and the event when it is next the prerequisite's turn: the
    /// declared mix and the rate both hold.
    #[default]
    Swap,
    /// Draw another event.
    Resample,
    /// Let the moment pass; counted as skipped.
    Skip,
    /// Emit the event's `prerequisite` first, then the event.
    Prerequisite,
}

/// Visits that go from page to page. Spans may be draws.
///
/// Its templates know `user`, `session.id`, `session.NAME` of its `let`, `page` (the path of the page at hand),
/// `journey.name` and `journey.clicks`, and events on a page the names of their own `let`.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// Template of a session's id (`session.id`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Node>,
    /// Event at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Event at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Named draws that belong to a session for good (`session.NAME`).
    #[serde(rename = "let")]
    pub bind: IndexMap<String, Node>,
    /// Pause before the same user's next session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub between: Option<Node>,
    /// When a session is over at the latest, and at the earliest.
    pub limits: Limits,
    /// What happens at each page.
    pub step: Step,
    /// Events on a page.
    pub during: Vec<During>,
    /// Paths that people take; exactly one of `journeys` and `graph`.
    pub journeys: Vec<Journey>,
    /// Page to next pages with their probabilities; `$end` leaves, `$start` is where sessions begin.
    pub graph: IndexMap<String, IndexMap<String, f64>>,
    /// Page to draw once a journey's path is walked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_path: Option<Node>,
}

/// When a session is over at the latest, and at the earliest.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Longest time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Node>,
    /// Shortest time: a session that would end before stays longer on its last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Node>,
    /// Most pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Node>,
}

/// What happens at each page.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// Event on arriving.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enter: Option<String>,
    /// Event on leaving.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leave: Option<String>,
    /// Probability that leaving is noticed at all (a tab may be killed).
    pub leave_p: f64,
    /// Time on a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dwell: Option<Node>,
}

impl Default for Step {
    fn default() -> Self {
        Self { enter: None, leave: None, leave_p: 1.0, dwell: None }
    }
}

/// Events on a page.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct During {
    /// Name of the event, or a draw of names.
    pub event: Node,
    /// How many per page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<Node>,
    /// Where in the page's time they lie.
    pub spread: Spread,
    /// Named draws for these events.
    #[serde(rename = "let")]
    pub bind: IndexMap<String, Node>,
}

/// Where in a page's time its events lie.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spread {
    /// Evenly, instead of anywhere.
    pub even: bool,
    /// How far each may stray from its place, as a share of the gap between two (0 to 1).
    pub jitter: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { even: true, jitter: 0.5 }
    }
}

/// A path that people take.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Journey {
    /// Its name (`journey.name`).
    pub name: String,
    /// How often it is taken, in proportion to the others.
    pub weight: f64,
    /// The pages, in order; none: `after_path` from the start.
    pub path: Vec<String>,
    /// Likely clicks on the way (`journey.clicks`).
    pub clicks: Vec<String>,
}

/// Things that are born, change state and end: one arrival is one birth.
///
/// Its templates know the names of `bind`, `entity.id` (or `NOUN.id`), `state.name` and `prev.state`, the state before.
/// `id` may use what is bound.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lifecycle {
    /// Template of its id (`entity.id`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Node>,
    /// Name under which templates know it; `entity` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noun: Option<String>,
    /// Named draws that stay for life.
    pub bind: IndexMap<String, Node>,
    /// State at birth.
    pub initial: String,
    /// The states.
    pub states: IndexMap<String, State>,
}

/// A state in a life.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Event on entering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enter: Option<String>,
    /// Event while in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tick: Option<Tick>,
    /// Where it goes from here; nowhere when empty. Probabilities sum to 1.
    pub next: Vec<Transition>,
}

/// Events while in a state, at moments drawn evenly from the stay.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tick {
    /// The event.
    pub emit: String,
    /// Probability that there are any in one stay; 1 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<f64>,
    /// How many, if any; 1 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<Node>,
}

/// A way out of a state: the branch is chosen on entering, then waited for.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transition {
    /// The next state.
    pub to: String,
    /// How likely.
    pub p: f64,
    /// Span until then; at once when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Node>,
}

/// One kind of event.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Emit {
    /// The event.
    pub event: String,
}

/// Events that were recorded.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Replay {
    /// Where they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<ReplaySource>,
    /// In which order.
    pub order: ReplayOrder,
    /// Where an event says when it happened, with `order: event_time`: a path such as `$.meta.time` to RFC 3339 or to
    /// seconds, milliseconds or microseconds since 1970; `$.timestamp` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// How many times faster than recorded, with `order: event_time`; 1 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// At most this many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// A file of recorded events.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ReplaySource {
    /// One JSON value per line.
    Jsonl(String),
    /// One JSON list.
    Json(String),
    /// Comma-separated values with a header: each row an object.
    Csv(String),
}

impl ReplaySource {
    /// The path of the file.
    pub fn path(&self) -> &str {
        match self {
            Self::Jsonl(path) | Self::Json(path) | Self::Csv(path) => path,
        }
    }
}

/// The order of a replay.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOrder {
    /// As in the file.
    #[default]
    File,
    /// By the events' own time, with their own gaps.
    EventTime,
}
