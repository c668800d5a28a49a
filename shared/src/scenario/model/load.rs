//! Loads: how much and when.

use schemars::JsonSchema;
use serde::Serialize;

use crate::tree::read::Readable;

use crate::units::{Length, Nanos, Rate};

/// How much and when. Exactly one of `rate`, `users`, `per_connection`, `count`, `concurrency` and `ratio_of` says
/// which kind of load it is; only `concurrency` and `count` go together, as so many events at the target's own pace.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Load {
    /// Open: events arrive at this rate, whatever the target does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Closed: this many users. Each waits for the answer of what it sent and then for its pause: that of its session,
    /// or `delay`. A slow target is asked less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// Each connection sends at this rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_connection: Option<Rate>,
    /// Exactly this many events, spread over the duration or the clock's window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// As fast as the target answers, with this many requests at once; `count` or `duration` ends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Tied to the arrivals of another workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_of: Option<String>,
    /// Arrivals per arrival of that workload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// How arrivals are spaced; `poisson` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Arrival>,
    /// How long; `forever` until somebody stops it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Length>,
    /// Most requests without an answer at a time; what is due beyond waits, and counts as late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
    /// Sent later than this after its moment, an event counts as late; 100 ms when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_after: Option<Nanos>,
    /// Not sent this long after its moment, an event is dropped; never when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop_after: Option<Nanos>,
    /// Gap between the starts of two users or connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stagger: Option<Nanos>,
    /// How long to wait at the end for the last answers; the target's timeout when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<Nanos>,
    /// Pause between two requests of one user (`users`, `concurrency`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Nanos>,
    /// Factors over time; they multiply.
    pub shape: Vec<Shape>,
    /// Slow start and end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// Regular bursts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
}

/// Which kinds of load a setting has an effect on.
pub(crate) const EFFECTS: [(&str, &[&str]); 10] = [
    ("ratio", &["ratio_of"]),
    ("arrival", &["rate", "count", "ratio_of", "per_connection"]),
    ("stagger", &["users", "per_connection"]),
    ("delay", &["users", "concurrency"]),
    ("max_in_flight", &["rate", "count", "ratio_of", "per_connection"]),
    ("late_after", &["rate", "count", "ratio_of", "per_connection"]),
    ("drop_after", &["rate", "count", "ratio_of", "per_connection"]),
    ("shape", &["rate", "count", "per_connection"]),
    ("ramp", &["rate", "users", "per_connection"]),
    ("burst", &["rate", "count", "per_connection"]),
];

/// How arrivals are spaced.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// As independent people arrive.
    #[default]
    Poisson,
    /// Like clockwork.
    Uniform,
}

/// A factor over time.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Shape {
    /// `[from, to, factor]` in hours of the day; from after to wraps midnight; 1 elsewhere.
    Hours(Vec<(f64, f64, f64)>),
    /// A day and week that Throng brings along, in the hours of the clock's zone; 1 on average over its day.
    Curve(DayCurve),
    /// Factor on Saturdays and Sundays.
    Weekend(f64),
    /// `[moment, factor]` since the start, straight lines between them.
    Points(Vec<(Nanos, f64)>),
    /// A wave around 1.
    Sine {
        /// From peak to peak.
        period: Nanos,
        /// Half the height, 0 to 1.
        amplitude: f64,
        /// First peak after the start; a quarter of the period when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peak: Option<Nanos>,
    },
    /// File with rows of `seconds,factor`, straight lines between them.
    Csv(String),
    /// A sudden rise.
    Spike {
        /// When, since the start.
        at: Nanos,
        /// Factor at its height.
        factor: f64,
        /// How long it stays high.
        lasts: Nanos,
        /// How long it takes to fall back; at once when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decay: Option<Nanos>,
    },
    /// Slow random drift around 1.
    Wobble {
        /// Standard deviation of its logarithm.
        sd: f64,
        /// How fast it forgets.
        tau: Nanos,
    },
}

/// A day that Throng brings along.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DayCurve {
    /// People on the web: a smooth day with its trough at three in the morning and its peak at three in the afternoon,
    /// 60 % of it on weekends.
    HumanWeb,
    /// Orders of groceries: a peak at noon and one in the evening, eight times as busy as the night.
    GroceryHours,
    /// Offices: twice as much from nine to five as at other hours, 60 % of it on weekends.
    BusinessHours,
}

impl DayCurve {
    /// The factor of each hour of the day, 1 on average, and that of weekends.
    pub(crate) fn factors(self) -> ([f64; 24], f64) {
        let (weights, weekend) = match self {
            Self::HumanWeb => {
                let turn = |hour: usize| std::f64::consts::TAU * (hour as f64 + 0.5 - 3.0) / 24.0;
                (std::array::from_fn(|hour| 1.0 - 0.6 * libm::cos(turn(hour))), 0.6)
            }
            // Orders by hour of a grocery shop.
            Self::GroceryHours => {
                let hours = [1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 8, 8, 5, 4, 3, 4, 6, 8, 8, 6, 4, 2, 1];
                (hours.map(f64::from), 1.0)
            }
            Self::BusinessHours => (std::array::from_fn(|hour| if (9..17).contains(&hour) { 2.0 } else { 1.0 }), 0.6),
        };
        let mean = weights.iter().sum::<f64>() / 24.0;
        (weights.map(|weight| weight / mean), weekend)
    }
}

/// Slow start and end.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ramp {
    /// From nothing to the whole rate.
    pub up: Nanos,
    /// At the whole rate; the rest of the duration when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Nanos>,
    /// From the whole rate to nothing.
    pub down: Nanos,
}

/// Regular bursts.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Burst {
    /// Factor during a burst.
    pub factor: f64,
    /// From the start of one to the start of the next.
    pub every: Nanos,
    /// How long one lasts.
    pub lasts: Nanos,
}

impl Default for Burst {
    fn default() -> Self {
        Self { factor: 2.0, every: Nanos::from_secs(60), lasts: Nanos::from_secs(5) }
    }
}
