//! The timeline as CSV: one line per second, every column always there, so that a sheet or a script finds its way.

use std::fmt::Write as _;

use shared::run::{Counts, FailureKind, Percentiles, RunResult};

/// A figure of a time: its column's name and its value.
type Time = (&'static str, fn(&Percentiles) -> u64);

const TIMES: [Time; 8] = [
    ("min_us", |figures| figures.min_us),
    ("p50_us", |figures| figures.p50_us),
    ("p75_us", |figures| figures.p75_us),
    ("p90_us", |figures| figures.p90_us),
    ("p95_us", |figures| figures.p95_us),
    ("p99_us", |figures| figures.p99_us),
    ("p999_us", |figures| figures.p999_us),
    ("max_us", |figures| figures.max_us),
];

/// The text of the file. Latency cells of a second without answers are empty, not zero.
pub fn timeline(result: &RunResult) -> String {
    let mut out = String::from("second,covered_seconds,target_rate");
    for of in ["events", "requests"] {
        for (name, _) in Counts::NAMED {
            let _written = write!(out, ",{of}_{name}");
        }
    }
    out.push_str(",in_flight,users");
    for of in ["response_time", "service_time", "send_lag"] {
        let _written = write!(out, ",{of}_count,{of}_mean_us");
        for (name, _) in TIMES {
            let _written = write!(out, ",{of}_{name}");
        }
    }
    for kind in FailureKind::ALL {
        let _written = write!(out, ",failed_{}", name(kind));
    }
    out.push('\n');
    for row in &result.timeline {
        let _written = write!(out, "{},{},{}", row.second, row.covered_seconds, row.target_rate);
        for counts in [&row.events, &row.requests] {
            for (_, count) in Counts::NAMED {
                let _written = write!(out, ",{}", count(counts));
            }
        }
        let _written = write!(out, ",{},{}", row.in_flight, row.users);
        for figures in [&row.response_time, &row.service_time, &row.send_lag] {
            if figures.count == 0 {
                out.push_str(",0");
                out.push_str(&",".repeat(TIMES.len() + 1));
            } else {
                let _written = write!(out, ",{},{:.1}", figures.count, figures.mean_us);
                for (_, time) in TIMES {
                    let _written = write!(out, ",{}", time(figures));
                }
            }
        }
        for kind in FailureKind::ALL {
            let _written = write!(out, ",{}", row.failures.get(&kind).copied().unwrap_or(0));
        }
        out.push('\n');
    }
    out
}

/// A failure kind as results write it.
fn name(kind: FailureKind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        // A unit variant is a string; anything else would be a change of its type, which the tests catch.
        Ok(_) | Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn every_line_has_every_column() {
        let text = timeline(&example::frozen());
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap().split(',').collect();
        assert_eq!(head[..4], ["second", "covered_seconds", "target_rate", "events_offered"]);
        assert!(head.contains(&"failed_connection_reset") && head.contains(&"response_time_p999_us"));
        assert!(head.iter().all(|name| !name.is_empty()));
        let columns = head.len();
        let mut rows = 0;
        for line in lines {
            assert_eq!(line.split(',').count(), columns, "{line}");
            assert!(line.split(',').all(|cell| cell.is_empty() || cell.parse::<f64>().is_ok()), "{line}");
            rows += 1;
        }
        assert_eq!(rows, example::frozen().timeline.len());
    }

    #[test]
    fn its_sums_are_the_totals() {
        let result = example::frozen();
        let text = timeline(&result);
        let column = text.lines().next().unwrap().split(',').position(|name| name == "events_succeeded").unwrap();
        let sum: u64 =
            text.lines().skip(1).map(|line| line.split(',').nth(column).unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(sum, result.totals.events.succeeded);
    }

    #[test]
    fn a_second_without_answers_has_empty_cells() {
        let text = timeline(&example::frozen());
        let frozen = text.lines().find(|line| line.starts_with("21,")).unwrap();
        assert!(frozen.contains(",0,,,,,,,,,,"), "{frozen}");
    }
}
