//! What a chart shows: its lines, its axis, its words.

use shared::run::FailureKind;
use shared::threshold::Figure;

use crate::format;
use crate::state::run_board::RunBoard;
use crate::state::timeline::Point;

/// A line of a chart.
pub(crate) struct LineSpec {
    /// Its name in the legend.
    pub(crate) name: &'static str,
    /// The custom property with its colour.
    pub(crate) colour: &'static str,
    /// Drawn dashed: what was planned, not measured.
    pub(crate) dashed: bool,
    /// With a faint fill down to zero.
    pub(crate) filled: bool,
    /// Where its values come from.
    pub(crate) value: Value,
}

impl LineSpec {
    /// Its value in a point, where there is one.
    pub(crate) fn at(&self, point: &Point) -> Option<f64> {
        match self.value {
            Value::Of(value) => value(point),
            Value::Failures(kind) => point.per_second(point.failures.get(&kind).copied().unwrap_or(0)),
        }
    }

    /// Whether it has anything to show of a run: kinds of failures that never happened have not.
    pub(crate) fn is_present(&self, board: Option<&RunBoard>) -> bool {
        match self.value {
            Value::Of(_) => true,
            Value::Failures(kind) => {
                board.is_some_and(|board| board.snapshot.failures.get(&kind).is_some_and(|count| *count > 0))
            }
        }
    }
}

/// Where a line's values come from.
#[derive(Clone, Copy)]
pub(crate) enum Value {
    /// Computed from a point.
    Of(fn(&Point) -> Option<f64>),
    /// Failed events of a kind per second.
    Failures(FailureKind),
}

/// How a chart shows its values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Content {
    /// Lines over each other.
    Lines,
    /// Columns on top of each other: what they sum to is seen.
    Stack,
    /// Answers by time and response time, the more the stronger.
    Heat,
}

/// What values mean, and with it how they are written and laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Measure {
    /// Events per second, from zero, linear.
    Rate,
    /// Microseconds, logarithmic.
    Latency,
    /// A number of things, from zero, linear.
    Count,
}

impl Measure {
    /// A value with its unit.
    pub(crate) fn write(self, value: f64) -> String {
        match self {
            Self::Rate => format::rate(value),
            Self::Latency => format::latency(value),
            Self::Count => format::count(value.round().max(0.0) as u64),
        }
    }

    /// A value on the axis.
    pub(crate) fn tick(self, value: f64) -> String {
        match self {
            Self::Rate | Self::Count => format::figure(value),
            Self::Latency => format::latency_tick(value),
        }
    }
}

/// A chart over time.
pub(crate) struct ChartSpec {
    /// Its name in test ids.
    pub(crate) id: &'static str,
    /// Its heading.
    pub(crate) title: &'static str,
    /// The unit, or what the axis does, beside the heading.
    pub(crate) note: &'static str,
    /// What its values mean.
    pub(crate) measure: Measure,
    /// How they are shown.
    pub(crate) content: Content,
    /// Its lines, the first drawn first.
    pub(crate) lines: &'static [LineSpec],
    /// Which thresholds are drawn on it.
    pub(crate) limits: fn(Figure) -> bool,
    /// Whether the lines' names stand at their ends.
    pub(crate) named_ends: bool,
    /// The run so far, in a sentence for those who do not see the chart.
    pub(crate) summary: fn(&RunBoard) -> String,
}
