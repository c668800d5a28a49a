//! Requests without an answer, and who is at work: what piles up when a target slows down.

use crate::charts::spec::{ChartSpec, Content, LineSpec, Measure, Value};
use crate::format;
use crate::state::limits;

/// The chart.
pub(crate) static IN_FLIGHT: ChartSpec = ChartSpec {
    id: "in-flight",
    title: "In flight",
    note: "requests without an answer; users at work",
    measure: Measure::Count,
    content: Content::Lines,
    lines: &[
        LineSpec {
            name: "users",
            colour: "--series-target",
            dashed: true,
            filled: false,
            value: Value::Of(|point| (point.users > 0).then_some(point.users as f64)),
        },
        LineSpec {
            name: "requests",
            colour: "--series-sent",
            dashed: false,
            filled: true,
            value: Value::Of(|point| Some(point.in_flight as f64)),
        },
    ],
    limits: limits::none,
    named_ends: false,
    summary: |board| format!("{} without an answer now.", format::counted(board.snapshot.in_flight, "request")),
};
