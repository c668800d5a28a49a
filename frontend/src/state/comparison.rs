//! A comparison of runs in words: which run the others are compared with, and what stands in the table.

use shared::api::RunSummary;
use shared::compare::{Difference, Estimate};
use shared::order;
use shared::run::FigureUnit;

use crate::format;

/// Most runs that are drawn over each other: more lines cannot be told apart.
pub(crate) const MOST_RUNS: usize = 6;

/// Orders the chosen runs: first the one that the others are compared with (a pinned baseline, else the oldest), then
/// the others by age.
pub(crate) fn in_order(mut runs: Vec<RunSummary>) -> Vec<RunSummary> {
    order::sort_by(&mut runs, |a, b| {
        (!a.labels.baseline, &a.info.started_at).cmp(&(!b.labels.baseline, &b.info.started_at))
    });
    runs
}

/// A verdict in words, with the class of its colour.
pub(crate) fn verdict_words(verdict: Difference) -> (&'static str, &'static str) {
    match verdict {
        Difference::Better => ("better", "good"),
        Difference::Worse => ("worse", "bad"),
        Difference::NoRealDifference => ("no real difference", ""),
        Difference::NotComparable => ("not comparable", "warning"),
    }
}

/// A value with its unit.
pub(crate) fn value(unit: FigureUnit, value: f64) -> String {
    match unit {
        FigureUnit::Microseconds => format::latency(value),
        FigureUnit::Ratio => format::percent(value),
        FigureUnit::PerSecond => format::rate(value),
        FigureUnit::Count => format::figure(value),
    }
}

/// The interval around a value.
pub(crate) fn interval(unit: FigureUnit, estimate: &Estimate) -> String {
    format!("{} to {}", value(unit, estimate.low), value(unit, estimate.high))
}

/// A difference with its sign.
pub(crate) fn signed(unit: FigureUnit, difference: f64) -> String {
    let size = match unit {
        // A difference of shares is told in points, not in percent of something.
        FigureUnit::Ratio => format!("{} points", format::figure(difference.abs() * 100.0)),
        FigureUnit::Microseconds | FigureUnit::PerSecond | FigureUnit::Count => value(unit, difference.abs()),
    };
    format!("{}{size}", sign(difference))
}

/// The interval around a difference.
pub(crate) fn signed_interval(unit: FigureUnit, difference: &Estimate) -> String {
    format!("{} to {}", signed(unit, difference.low), signed(unit, difference.high))
}

/// A relative difference: `+12.3 %`.
pub(crate) fn relative(share: f64) -> String {
    format!("{}{}", sign(share), format::percent(share.abs()))
}

fn sign(value: f64) -> &'static str {
    if value > 0.0 {
        "+"
    } else if value < 0.0 {
        "−"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use shared::api::Labels;
    use shared::run::{Percentiles, RunState, Totals, Verdict};

    use super::*;
    use crate::state::run_board::tests::hello;

    fn run(started_at: &str, baseline: bool) -> RunSummary {
        let mut info = hello(RunState::Finished, 1.0).run;
        info.started_at = started_at.to_owned();
        RunSummary {
            info,
            verdict: Verdict::default(),
            totals: Totals::default(),
            response_time: Percentiles::default(),
            labels: Labels { baseline, ..Labels::default() },
            spark: Vec::new(),
        }
    }

    #[test]
    fn a_pinned_baseline_comes_first_and_else_the_oldest() {
        let days = |runs: Vec<RunSummary>| -> Vec<String> {
            in_order(runs).into_iter().map(|run| run.info.started_at).collect()
        };
        assert_eq!(days(vec![run("3", false), run("1", false), run("2", false)]), ["1", "2", "3"]);
        assert_eq!(days(vec![run("3", true), run("1", false), run("2", false)]), ["3", "1", "2"]);
    }

    #[test]
    fn differences_carry_their_sign_and_unit() {
        assert_eq!(signed(FigureUnit::Microseconds, -1_250.0), "−1.25 ms");
        assert_eq!(signed(FigureUnit::Ratio, 0.02), "+2 points");
        assert_eq!(signed(FigureUnit::PerSecond, 0.0), "0/s");
        assert_eq!(relative(0.123), "+12.3 %");
    }

    #[test]
    fn intervals_name_both_ends() {
        let estimate = Estimate { value: 2_000.0, low: 1_500.0, high: 2_500.0 };
        assert_eq!(interval(FigureUnit::Microseconds, &estimate), "1.50 ms to 2.50 ms");
        let difference = Estimate { value: 0.0, low: -500.0, high: 500.0 };
        assert_eq!(signed_interval(FigureUnit::Microseconds, &difference), "−500 µs to +500 µs");
    }
}
