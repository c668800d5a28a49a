//! Send lag: the generator's own delay, from the moment a request was due to the moment it was sent. It is what the
//! verdict is about: where it is small, everything slow is the target.

use crate::charts::spec::{ChartSpec, Content, LineSpec, Measure, Value};
use crate::format;
use crate::state::limits;

/// The chart.
pub(crate) static SEND_LAG: ChartSpec = ChartSpec {
    id: "send-lag",
    title: "Send lag",
    note: "the generator's own delay, logarithmic",
    measure: Measure::Latency,
    content: Content::Lines,
    lines: &[
        LineSpec {
            name: "p99",
            colour: "--series-p99",
            dashed: false,
            filled: false,
            value: Value::Of(|point| (point.requests_sent > 0).then_some(point.lag_p99_us.max(1.0))),
        },
        LineSpec {
            name: "p50",
            colour: "--series-p50",
            dashed: false,
            filled: false,
            value: Value::Of(|point| (point.requests_sent > 0).then_some(point.lag_p50_us.max(1.0))),
        },
    ],
    limits: limits::of_send_lag,
    named_ends: true,
    summary: |board| {
        let lag = &board.snapshot.send_lag;
        if lag.count == 0 {
            return "Nothing was sent yet.".to_owned();
        }
        format!(
            "Over the whole run: median {}, 99th percentile {}, longest {}.",
            format::latency(lag.p50_us as f64),
            format::latency(lag.p99_us as f64),
            format::latency(lag.max_us as f64),
        )
    },
};
