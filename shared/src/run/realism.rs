//! What a scenario declares against what was emitted, as results tell it. How it is counted and judged is in
//! `realism`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tree::read::Readable;

/// What a scenario declares against what was emitted.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// In one sentence.
    pub summary: String,
    /// One row for each thing that is declared.
    pub rows: Vec<Row>,
    /// One row for each rule about the order and sums of events.
    pub causality: Vec<RuleRow>,
    /// One story (user, session, order) in so many was looked at, so that a fast run is not slowed down; all when left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_in: Option<u64>,
}

/// One thing that a scenario declares.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What it is: `event mix of shop`, `context.tags.region in api_call`.
    pub what: String,
    /// How many values were counted.
    pub count: u64,
    /// Its values, or figures of it.
    pub parts: Vec<Part>,
    /// Whether the parts are shares (0 to 1) of what was counted, not figures.
    #[serde(default)]
    pub shares: bool,
    /// How well they fit; none where nothing is declared, or where values come in clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
    /// Total variation distance between declared and emitted (0 to 1), where shares are declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<f64>,
    /// What that means.
    pub judgement: Judgement,
}

/// A value with its share, or a figure.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The value, or the figure's name.
    pub name: String,
    /// As declared; none for a figure that follows from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<f64>,
    /// As emitted.
    pub emitted: f64,
}

/// What a row says.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// The difference is what chance makes.
    Fits,
    /// More than chance, but small.
    Close,
    /// Not what is declared.
    Off,
    /// Nothing is declared, or too little was counted.
    #[default]
    Unjudged,
}

/// A rule about the order and sums of events, and how often it was broken.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuleRow {
    /// The rule: `no update before its creation`.
    pub rule: String,
    /// Times it was looked at.
    pub checked: u64,
    /// Times it was broken.
    pub broken: u64,
    /// Times it could not be decided, since too many stories were open at once to remember them all.
    pub undecided: u64,
    /// The first that broke it, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// How well counts fit declared shares.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Pearson's χ²: how far the counts are off, in units of what chance does.
    pub chi_squared: f64,
    /// Its degrees of freedom.
    pub degrees: u32,
    /// How probable a χ² at least as large is if the shares hold (0 to 1).
    pub p_value: f64,
    /// Total variation distance: the share of all events that would have to change (0 to 1).
    pub distance: f64,
}
