//! Thresholds as a chart draws them: a line at the bound, and whether it holds.

use shared::run::ThresholdResult;
use shared::threshold::{Counter, Figure, Threshold, Time};

/// A threshold on a chart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    /// In its own notation.
    pub(crate) label: String,
    /// Where the line is drawn, in the chart's unit.
    pub(crate) bound: f64,
    /// Whether it holds so far.
    pub(crate) holds: bool,
}

/// The thresholds that a chart can draw, in their order.
pub(crate) fn limits(thresholds: &[ThresholdResult], belongs: fn(Figure) -> bool) -> Vec<Limit> {
    let drawn = thresholds
        .iter()
        .filter(|known| known.threshold.parse::<Threshold>().is_ok_and(|threshold| belongs(threshold.figure)));
    drawn.map(|known| Limit { label: known.threshold.clone(), bound: known.bound, holds: !is_broken(known) }).collect()
}

/// Whether a threshold is broken: measured, and not as it should be. One of which nothing is measured yet is not.
pub(crate) fn is_broken(threshold: &ThresholdResult) -> bool {
    !threshold.passed && threshold.observed.is_some()
}

/// No threshold at all.
pub(crate) fn none(_figure: Figure) -> bool {
    false
}

/// Thresholds of the response time.
pub(crate) fn of_response_time(figure: Figure) -> bool {
    matches!(figure, Figure::Time(Time::ResponseTime, _))
}

/// Thresholds of the send lag.
pub(crate) fn of_send_lag(figure: Figure) -> bool {
    matches!(figure, Figure::Time(Time::SendLag, _))
}

/// Thresholds of the throughput in events.
pub(crate) fn of_throughput(figure: Figure) -> bool {
    matches!(figure, Figure::PerSecond(Counter::Offered | Counter::Sent | Counter::Succeeded))
}

#[cfg(test)]
mod tests {
    use shared::run::FigureUnit;

    use super::*;

    fn result(threshold: &str, bound: f64, observed: Option<f64>, passed: bool) -> ThresholdResult {
        ThresholdResult {
            threshold: threshold.to_owned(),
            unit: FigureUnit::Microseconds,
            bound,
            observed,
            passed,
            worst: None,
            worst_at_seconds: None,
            required: true,
            reason: None,
        }
    }

    #[test]
    fn each_chart_draws_its_own_thresholds() {
        let all = [
            result("p(95)<300ms", 300_000.0, Some(400_000.0), false),
            result("send_lag: p(99)<10ms", 10_000.0, Some(100.0), true),
            result("error_rate<1%", 0.01, None, false),
            result("shares of cart", 0.0, None, true),
        ];
        let labels = |of| limits(&all, of).into_iter().map(|limit| (limit.label, limit.holds)).collect::<Vec<_>>();
        assert_eq!(labels(of_response_time), [("p(95)<300ms".to_owned(), false)]);
        assert_eq!(labels(of_send_lag), [("send_lag: p(99)<10ms".to_owned(), true)]);
        assert_eq!(labels(none), []);
    }

    #[test]
    fn what_is_not_measured_yet_is_not_broken() {
        assert!(!is_broken(&result("p(95)<1ms", 1_000.0, None, false)));
        assert!(is_broken(&result("p(95)<1ms", 1_000.0, Some(2_000.0), false)));
    }
}
