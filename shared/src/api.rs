//! What the panel and the runner say to each other over HTTP, beside the live stream of [`crate::run`].
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `GET /api/status` | | [`Status`] |
//! | `GET /api/scenarios` | | `Vec<`[`ScenarioSummary`]`>` |
//! | `GET /api/scenarios/{name}` | | [`ScenarioDocument`] |
//! | `PUT /api/scenarios/{name}` | [`SaveScenario`] | [`SavedScenario`] |
//! | `DELETE /api/scenarios/{name}` | | 204 |
//! | `POST /api/validate` | [`CheckScenario`] | [`CheckedScenario`] |
//! | `POST /api/try` | [`TryScenario`] | [`Trial`] |
//! | `POST /api/runs` | [`StartRun`] | [`crate::run::RunInfo`], 201 |
//! | `GET /api/runs` | | `Vec<`[`RunSummary`]`>`, newest first |
//! | `GET /api/runs/{id}` | | [`RunSummary`] |
//! | `GET /api/runs/{id}/export?format=` | | the result as JSON, HTML, CSV or HDR log, as a download |
//! | `PUT /api/runs/{id}/labels` | [`Labels`] | [`RunSummary`] |
//! | `GET /api/compare?baseline=&candidate=` | | [`crate::compare::Comparison`] |
//! | `GET /api/openapi.json` | | [`crate::openapi::document`] |
//! | `GET /api/runs/{id}/result` | | [`crate::run::RunResult`] as a download |
//! | `POST /api/runs/{id}/commands` | [`crate::run::Command`] | [`crate::run::Change`] |
//! | `DELETE /api/runs/{id}` | | 204 |
//! | `GET /api/live/{id}` | WebSocket | [`crate::run::LiveMessage`] |
//! | `GET /api/target` | | [`TargetReport`] |
//! | `PUT /api/target/settings` | [`TargetSettings`] | [`TargetReport`] |
//! | `POST /api/target/reset` | | [`TargetReport`] |
//!
//! Every error is an [`ErrorBody`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tree::read::Readable;

use crate::problem::Problem;
use crate::run::{Percentiles, RunId, RunInfo, Totals, Verdict};

/// What the server is and does right now.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Throng's version.
    pub version: String,
    /// Address of the embedded practice target, unless it was turned off.
    pub practice_target: Option<String>,
    /// The run that is going on, if any.
    pub active_run: Option<RunId>,
    /// The newest run, going on or over.
    pub latest_run: Option<RunId>,
}

/// One line of the scenario gallery.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioSummary {
    /// Its name: the built-in's, or the file's without ending.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it ships inside the binary (and cannot be changed).
    pub built_in: bool,
    /// Its profiles.
    pub profiles: Vec<ProfileSummary>,
    /// How many problems it has; 0 means it can run.
    pub problems: u32,
}

/// A named overlay in a list.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileSummary {
    /// Its name.
    pub name: String,
    /// What it sets, in words (`10/s for 1m, 10 users`).
    pub summary: String,
}

/// A scenario's text.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioDocument {
    /// Its name.
    pub name: String,
    /// Whether it ships inside the binary.
    pub built_in: bool,
    /// The YAML or JSON, as it was written.
    pub text: String,
    /// Fingerprint of the text; send it back as `expected_revision`.
    pub revision: String,
}

/// Stores a scenario's text, valid or not.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SaveScenario {
    /// The YAML or JSON.
    pub text: String,
    /// Refuses (409) when the stored text is another; absent: a new scenario, refused when the name is taken.
    #[serde(default)]
    pub expected_revision: Option<String>,
}

/// What storing a scenario's text led to.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SavedScenario {
    /// The new revision.
    pub revision: String,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// A scenario to look over, not to store or run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CheckScenario {
    /// The YAML or JSON.
    pub text: String,
    /// A profile to apply.
    #[serde(default)]
    pub profile: Option<String>,
}

/// What is wrong with a scenario.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CheckedScenario {
    /// Every problem at once; the scenario runs if none of them is an error.
    pub problems: Vec<Problem>,
}

/// Which scenario to run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScenarioChoice {
    /// A stored or built-in one.
    Named(String),
    /// This text.
    Text(String),
}

/// Starts a run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    /// What to run.
    pub scenario: ScenarioChoice,
    /// A profile to apply.
    #[serde(default)]
    pub profile: Option<String>,
    /// Dotted paths to values, applied last (`workloads.shop.load.rate` to `20/s`).
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// The seed; drawn when neither this nor the scenario has one.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Sends everything to the practice target, wherever the scenario points.
    #[serde(default)]
    pub practice_target: bool,
}

/// Tries a scenario out: is each target there, and what does it say to one event of each kind.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TryScenario {
    /// What to try.
    pub scenario: ScenarioChoice,
    /// A profile to apply.
    #[serde(default)]
    pub profile: Option<String>,
    /// Dotted paths to values, applied last.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Asks the practice target, wherever the scenario points.
    #[serde(default)]
    pub practice_target: bool,
    /// Which events to send one of: `all`, a type, the first part of one; none when left out.
    #[serde(default)]
    pub events: Option<String>,
}

/// What came of trying a scenario out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Each target that the scenario uses.
    pub targets: Vec<TriedTarget>,
    /// Each event that was sent, in the order of sending.
    pub events: Vec<TriedEvent>,
}

/// Whether a target is there.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TriedTarget {
    /// Its name in the scenario.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Whether a connection could be had, and its health is good where the scenario insists on that.
    pub reachable: bool,
    /// How long that took, in microseconds.
    pub micros: u64,
    /// Why not, or what a person should know.
    pub detail: Option<String>,
}

/// One event with its answer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TriedEvent {
    /// Its type.
    pub event_type: String,
    /// The target's name in the scenario.
    pub target: String,
    /// Method and address.
    pub request: String,
    /// The body that was sent, cut at 16 KiB.
    pub body: String,
    /// Status of the answer; none where there was no answer, or it has no status.
    pub status: Option<u16>,
    /// Whether the scenario counts the answer as success.
    pub accepted: bool,
    /// The answer's body, cut at 16 KiB.
    pub answer: String,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// From the first thought of a connection to the whole answer, in microseconds.
    pub micros: u64,
}

/// One line of the history.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunSummary {
    /// What it is.
    pub info: RunInfo,
    /// Whether to trust it.
    pub verdict: Verdict,
    /// Totals so far or for good.
    pub totals: Totals,
    /// Response time so far or for good.
    pub response_time: Percentiles,
    /// What people keep with it.
    #[serde(default)]
    pub labels: Labels,
    /// Its throughput as a few equally long stretches, in events succeeded per second; empty until it is over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spark: Vec<f64>,
}

/// What people keep with a run: words to find it by, and whether others are compared with it.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Labels {
    /// Words to find it by.
    pub tags: Vec<String>,
    /// A note.
    pub note: String,
    /// Whether runs of its scenario are compared with it; at most one run of each scenario is.
    pub baseline: bool,
}

/// How the practice target answers.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetSettings {
    /// Median of the answer time, in milliseconds; 0 answers at once.
    pub latency_p50_ms: f64,
    /// 99th percentile of the answer time, in milliseconds; at least the median, and the same for a fixed time.
    pub latency_p99_ms: f64,
    /// Share of requests that take `spike_ms` longer (0 to 1).
    pub spike_rate: f64,
    /// How much longer they take, in milliseconds.
    pub spike_ms: f64,
    /// Share of requests answered with an error instead of being accepted (0 to 1).
    pub error_rate: f64,
    /// Statuses of those errors with their weights; 500 alone when empty.
    pub error_statuses: BTreeMap<u16, f64>,
    /// Requests per second above which it refuses; none for no limit.
    pub rate_limit: Option<f64>,
    /// How it says so.
    pub rate_limit_answer: RateLimitAnswer,
    /// Share of requests whose connection is reset before anything is accepted (0 to 1).
    pub drop_rate: f64,
    /// Share of requests that are accepted and whose connection is reset instead of an answer (0 to 1).
    pub lost_answer_rate: f64,
    /// Share of requests after whose answer the connection is closed (0 to 1).
    pub close_rate: f64,
    /// Share of events inside a batch that are refused one by one (0 to 1).
    pub batch_failure_rate: f64,
    /// What happens to an event whose id has come before.
    pub duplicates: DuplicateAnswer,
    /// Bytes per second at which requests are read; none for as they come.
    pub read_bytes_per_second: Option<f64>,
    /// Bytes per second at which answers are written; none for at once.
    pub answer_bytes_per_second: Option<f64>,
    /// While true it accepts and answers nothing; what waits is answered when it ends.
    pub frozen: bool,
    /// A freeze ends by itself after so many seconds; none for when it is told to.
    pub freeze_seconds: Option<f64>,
    /// Share of acknowledged events that are forgotten: lost, as an audit sees it (0 to 1).
    pub forget_rate: f64,
    /// Share of acknowledged events that are kept twice (0 to 1).
    pub keep_twice_rate: f64,
    /// Share of acknowledged events that are kept with another content (0 to 1).
    pub corrupt_rate: f64,
    /// Share of acknowledged events that are kept only after the next one of their user (0 to 1).
    pub reorder_rate: f64,
    /// Events that nobody sent, for each that is acknowledged (0 to 1).
    pub phantom_rate: f64,
    /// Where an event carries its id, as a dotted path; none for the usual places.
    pub id_field: Option<String>,
    /// Newest events of which it keeps id and digest, 24 bytes each; older ones are forgotten and counted.
    pub keep_events: u64,
}

impl TargetSettings {
    /// Answers at once, never fails, keeps what it gets.
    pub const HEALTHY: Self = Self {
        latency_p50_ms: 0.0,
        latency_p99_ms: 0.0,
        spike_rate: 0.0,
        spike_ms: 0.0,
        error_rate: 0.0,
        error_statuses: BTreeMap::new(),
        rate_limit: None,
        rate_limit_answer: RateLimitAnswer::TooManyRequests,
        drop_rate: 0.0,
        lost_answer_rate: 0.0,
        close_rate: 0.0,
        batch_failure_rate: 0.0,
        duplicates: DuplicateAnswer::Accept,
        read_bytes_per_second: None,
        answer_bytes_per_second: None,
        frozen: false,
        freeze_seconds: None,
        forget_rate: 0.0,
        keep_twice_rate: 0.0,
        corrupt_rate: 0.0,
        reorder_rate: 0.0,
        phantom_rate: 0.0,
        id_field: None,
        keep_events: 1_000_000,
    };
}

impl Default for TargetSettings {
    fn default() -> Self {
        Self::HEALTHY
    }
}

/// How the practice target refuses for the rate.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RateLimitAnswer {
    /// 429 with `Retry-After`.
    #[default]
    TooManyRequests,
    /// 400 with a sentence that begins `Rate limit exceeded`, and without `Retry-After`.
    BadRequest,
}

/// What the practice target does with an event whose id has come before.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateAnswer {
    /// Keeps it once more, and counts it.
    #[default]
    Accept,
    /// Does not keep it, and answers as if it had.
    Known,
    /// Does not keep it, and answers 409; in a batch it is one refused event.
    Conflict,
}

/// What the practice target received, counted by itself.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct TargetAccount {
    /// Requests read to their end.
    pub requests: u64,
    /// Requests whose answer was written, to a client that was still there.
    pub answered: u64,
    /// Requests whose answer was lost: reset on purpose, or the client had gone.
    pub unanswered: u64,
    /// Events accepted.
    pub accepted: u64,
    /// Events acknowledged as known already, and not kept again.
    pub known: u64,
    /// Events answered 409 since they were known already.
    pub conflicts: u64,
    /// Events accepted or known whose answer was lost; contained in those figures.
    pub answer_lost: u64,
    /// Events refused (malformed, unknown topic, bad key).
    pub rejected: u64,
    /// Events refused for the rate.
    pub throttled: u64,
    /// Events answered with an injected error.
    pub failed: u64,
    /// Events on connections that were dropped on purpose.
    pub dropped: u64,
    /// Requests whose body was not JSON.
    pub unreadable: u64,
    /// Events whose id had come before, among the newest ids remembered.
    pub duplicates: u64,
    /// Requests that changed something which another request was changing at the same time.
    pub overlapping: u64,
    /// Changes of state that went backwards in their life.
    pub out_of_order: u64,
    /// Accepted events by event type.
    pub event_types: BTreeMap<String, u64>,
    /// Distinct users seen in accepted events, up to a bound.
    pub users: u64,
    /// Events that it holds now, for an audit.
    pub held: u64,
    /// Oldest events that it no longer holds, since it keeps only so many.
    pub let_go: u64,
    /// Acknowledged events that were forgotten on purpose.
    pub forgotten: u64,
    /// Acknowledged events that were kept twice on purpose.
    pub kept_twice: u64,
    /// Acknowledged events that were kept with another content on purpose.
    pub corrupted: u64,
    /// Acknowledged events that were kept after a later one of their user on purpose.
    pub reordered: u64,
    /// Events that nobody sent, made up on purpose.
    pub phantoms: u64,
}

/// Events that the practice target holds, oldest first, for an audit: `GET /held?from=0&limit=50000`.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HeldEvents {
    /// Place of the first that it still holds: that many it has let go.
    pub let_go: u64,
    /// Place of the first of these.
    pub from: u64,
    /// Place after the last that it holds.
    pub end: u64,
    /// Where it looks for ids; none for the usual places.
    pub id_field: Option<String>,
    /// Key and digest of each, in hexadecimal, parted by a colon.
    pub events: Vec<String>,
}

/// The practice target as a whole.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TargetReport {
    /// Where it listens.
    pub url: String,
    /// How it answers.
    pub settings: TargetSettings,
    /// What it received.
    pub account: TargetAccount,
}

/// What went wrong, for people and programs.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorBody {
    /// A word that programs can match on: `not_found`, `scenario_invalid`, `run_active`, ...
    pub code: String,
    /// What failed, then why.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The scenario's problems, where that is what went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}
