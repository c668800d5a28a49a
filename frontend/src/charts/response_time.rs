//! Response time: from the moment a request was due to its answer, so that a target that stalls cannot hide.

use crate::charts::spec::{ChartSpec, Content, LineSpec, Measure, Value};
use crate::format;
use crate::state::limits;

/// The chart.
pub(crate) static RESPONSE_TIME: ChartSpec = ChartSpec {
    id: "response-time",
    title: "Response time",
    note: "from due to answered, logarithmic",
    measure: Measure::Latency,
    content: Content::Lines,
    lines: &[
        LineSpec {
            name: "p99",
            colour: "--series-p99",
            dashed: false,
            filled: false,
            value: Value::Of(|point| (point.answers > 0).then_some(point.p99_us)),
        },
        LineSpec {
            name: "p95",
            colour: "--series-p95",
            dashed: false,
            filled: false,
            value: Value::Of(|point| (point.answers > 0).then_some(point.p95_us)),
        },
        LineSpec {
            name: "p50",
            colour: "--series-p50",
            dashed: false,
            filled: false,
            value: Value::Of(|point| (point.answers > 0).then_some(point.p50_us)),
        },
    ],
    limits: limits::of_response_time,
    named_ends: true,
    summary: |board| {
        let times = &board.snapshot.response_time;
        if times.count == 0 {
            return "No answer yet.".to_owned();
        }
        format!(
            "Over the whole run: median {}, 95th percentile {}, 99th percentile {}, slowest {}.",
            format::latency(times.p50_us as f64),
            format::latency(times.p95_us as f64),
            format::latency(times.p99_us as f64),
            format::latency(times.max_us as f64),
        )
    },
};
