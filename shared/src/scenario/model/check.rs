//! Checks: what must hold for a run to count as passed.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::tree::read::Readable;

use crate::tree::Node;
use crate::units::Nanos;

/// What must hold. Exactly one of `threshold`, `metric`, `mix`, `expect`, `distribution` and `audit` says what.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Check {
    /// Its name in results; made from what it says when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A comparison such as `p(95)<300ms` or `error_rate<1%`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<String>,
    /// A figure by name, between `min` and `max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// Smallest value that passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest value that passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Share of each event; they sum to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mix: Option<IndexMap<String, f64>>,
    /// How far a share may be off; 0.02 when left out. With `expect`, the share of answers that may be otherwise; none
    /// when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
    /// What each answer must be like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// Shares of the values of a field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// What the target must hold in the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// What follows when it does not hold.
    pub severity: CheckSeverity,
    /// Time at the start that does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<Nanos>,
    /// Looks at this much of the newest past instead of the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Nanos>,
}

/// A figure of a run.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Failed over sent.
    ErrorRate,
    /// Succeeded over sent.
    SuccessRate,
    /// Events per second.
    Throughput,
    /// Median response time in milliseconds.
    ResponseTimeP50Ms,
    /// 95th percentile of the response time in milliseconds.
    ResponseTimeP95Ms,
    /// 99th percentile of the response time in milliseconds.
    ResponseTimeP99Ms,
}

/// What follows when a check does not hold.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckSeverity {
    /// It is said.
    Warn,
    /// The run has failed.
    #[default]
    Fail,
    /// The run has failed and ends at once.
    Abort,
}

/// What each answer must be like.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// Status codes that are right; any 2xx when empty.
    pub status: Vec<u16>,
    /// Longest time that is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_latency: Option<Nanos>,
    /// Places that an answer has, such as `$.event_id`.
    pub required: Vec<String>,
    /// Places of an answer and the value of each, such as `$.success: true`.
    pub fields: IndexMap<String, Node>,
}

/// Shares of the values of a field.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Distribution {
    /// The field in the event's body, dotted.
    pub field: String,
    /// Share by value; they sum to 1.
    pub shares: IndexMap<String, f64>,
}

/// What the target must hold in the end.
#[derive(Clone, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Most acknowledged events that may be missing.
    pub lost: u64,
    /// Most events that may be there twice.
    pub duplicate: u64,
    /// Most events that nobody sent.
    pub phantom: u64,
    /// Most events that may be there with another content.
    pub corrupted: u64,
    /// Most events that may be there in the wrong order.
    pub reordered: u64,
    /// Address of a practice target to look at; that of `--practice-target` when nothing is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Export to look at, one event on each line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jsonl: Option<String>,
    /// Endpoint to look at, with `{offset}`, `{page}` and `{limit}` where they belong; `${env.NAME}` stands for a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// Headers to send to that endpoint; `${env.NAME}` stands for a secret.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// Where the sink's events carry the id; where the run's did when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_field: Option<String>,
    /// The part of the sink's events that was sent; all of it when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_field: Option<String>,
    /// Time for the sink to settle after the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle: Option<Nanos>,
}
