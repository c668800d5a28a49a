//! What a chart shows: its lines, its axis, its words.

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
    /// The value in a point, where there is one.
    pub(crate) value: fn(&Point) -> Option<f64>,
}

/// What values mean, and with it how they are written and laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Measure {
    /// Events per second, from zero, linear.
    Rate,
    /// Microseconds, logarithmic.
    Latency,
}

impl Measure {
    /// A value with its unit.
    pub(crate) fn write(self, value: f64) -> String {
        match self {
            Self::Rate => format::rate(value),
            Self::Latency => format::latency(value),
        }
    }

    /// A value on the axis.
    pub(crate) fn tick(self, value: f64) -> String {
        match self {
            Self::Rate => format::figure(value),
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
    /// Its lines, the first drawn first.
    pub(crate) lines: &'static [LineSpec],
    /// Whether the lines' names stand at their ends.
    pub(crate) named_ends: bool,
    /// The run so far, in a sentence for those who do not see the chart.
    pub(crate) summary: fn(&RunBoard) -> String,
}
