//! Throughput: what the schedule asks for, what was sent, what the target acknowledged.

use crate::charts::spec::{ChartSpec, Content, LineSpec, Measure, Value};
use crate::format;
use crate::state::limits;

/// The chart.
pub(crate) static THROUGHPUT: ChartSpec = ChartSpec {
    id: "throughput",
    title: "Throughput",
    note: "events per second",
    measure: Measure::Rate,
    content: Content::Lines,
    lines: &[
        LineSpec {
            name: "sent",
            colour: "--series-sent",
            dashed: false,
            filled: false,
            value: Value::Of(|point| point.per_second(point.sent)),
        },
        LineSpec {
            name: "succeeded",
            colour: "--series-succeeded",
            dashed: false,
            filled: true,
            value: Value::Of(|point| point.per_second(point.succeeded)),
        },
        LineSpec {
            name: "target",
            colour: "--series-target",
            dashed: true,
            filled: false,
            value: Value::Of(|point| Some(point.target_rate)),
        },
    ],
    limits: limits::of_throughput,
    named_ends: false,
    summary: |board| {
        let events = &board.snapshot.events;
        format!(
            "{} sent, {} succeeded, {} failed; {} on average, {} scheduled now.",
            format::counted(events.sent, "event"),
            format::count(events.succeeded),
            format::count(events.failed),
            format::rate(board.overall_rate()),
            format::rate(board.snapshot.target_rate),
        )
    },
};
