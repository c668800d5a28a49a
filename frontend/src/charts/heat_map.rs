//! The latency heat map: time across, response time upwards, how many answers as colour. It shows what percentiles
//! hide: two humps, a slow tail of a few, a stall that only some requests met.

use crate::charts::spec::{ChartSpec, Content, Measure};
use crate::format;
use crate::state::limits;

/// The chart.
pub(crate) static HEAT_MAP: ChartSpec = ChartSpec {
    id: "heat-map",
    title: "Response times",
    note: "every answer, the more the stronger",
    measure: Measure::Latency,
    content: Content::Heat,
    lines: &[],
    limits: limits::none,
    named_ends: false,
    summary: |board| {
        let times = &board.snapshot.response_time;
        if times.count == 0 {
            return "No answer yet.".to_owned();
        }
        format!(
            "{} between {} and {}; half of them at most {}.",
            format::counted(times.count, "answer"),
            format::latency(times.min_us as f64),
            format::latency(times.max_us as f64),
            format::latency(times.p50_us as f64),
        )
    },
};
