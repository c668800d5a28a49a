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

use crate::problem::Problem;
use crate::run::{Percentiles, RunId, RunInfo, Totals, Verdict};

/// What the server is and does right now.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
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
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
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
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileSummary {
    /// Its name.
    pub name: String,
    /// What it sets, in words (`10/s for 1m, 10 users`).
    pub summary: String,
}

/// A scenario's text.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
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
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SaveScenario {
    /// The YAML or JSON.
    pub text: String,
    /// Refuses (409) when the stored text is another; absent: a new scenario, refused when the name is taken.
    #[serde(default)]
    pub expected_revision: Option<String>,
}

/// What storing a scenario's text led to.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SavedScenario {
    /// The new revision.
    pub revision: String,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// A scenario to look over, not to store or run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CheckScenario {
    /// The YAML or JSON.
    pub text: String,
    /// A profile to apply.
    #[serde(default)]
    pub profile: Option<String>,
}

/// What is wrong with a scenario.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CheckedScenario {
    /// Every problem at once; the scenario runs if none of them is an error.
    pub problems: Vec<Problem>,
}

/// Which scenario to run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScenarioChoice {
    /// A stored or built-in one.
    Named(String),
    /// This text.
    Text(String),
}

/// Starts a run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
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

/// One line of the history.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
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
}

/// What people keep with a run: words to find it by, and whether others are compared with it.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
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
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetSettings {
    /// Median of the answer time, in milliseconds; 0 answers at once.
    pub latency_p50_ms: f64,
    /// 99th percentile of the answer time, in milliseconds; at least the median.
    pub latency_p99_ms: f64,
    /// Share of requests answered 500 (0 to 1).
    pub error_rate: f64,
    /// Requests per second above which it answers 429 with `Retry-After`; none for no limit.
    pub rate_limit: Option<f64>,
    /// Share of requests whose connection is dropped without an answer (0 to 1).
    pub drop_rate: f64,
    /// While true it accepts and answers nothing; what waits is answered when it ends.
    pub frozen: bool,
}

impl Default for TargetSettings {
    fn default() -> Self {
        Self {
            latency_p50_ms: 0.0,
            latency_p99_ms: 0.0,
            error_rate: 0.0,
            rate_limit: None,
            drop_rate: 0.0,
            frozen: false,
        }
    }
}

/// What the practice target received, counted by itself.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(default)]
pub struct TargetAccount {
    /// Requests read to their end.
    pub requests: u64,
    /// Events accepted.
    pub accepted: u64,
    /// Events refused (malformed, unknown topic, bad key).
    pub rejected: u64,
    /// Events refused for the rate.
    pub throttled: u64,
    /// Events answered with an injected error.
    pub failed: u64,
    /// Events on connections that were dropped on purpose.
    pub dropped: u64,
    /// Accepted events whose `data.event_id` had come before, among the newest ids remembered.
    pub duplicates: u64,
    /// Accepted events by event type.
    pub event_types: BTreeMap<String, u64>,
    /// Distinct users seen in accepted events, up to a bound.
    pub users: u64,
}

/// The practice target as a whole.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
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
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
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
