//! The charts with lines: throughput, response time and send lag.

use shared::chart::line::{Lines, lines};
use shared::chart::scale::Scale;
use shared::chart::ticks;
use shared::run::{FigureUnit, Percentiles, RunResult, TimelineRow};
use shared::threshold::{Figure, Threshold, Time};
use shared::wording;

use super::chart::{Chart, frame};

/// A row that covers less than this has no rate to speak of.
const MIN_COVERED: f64 = 0.25;

/// Events per second: scheduled, sent and succeeded.
pub(super) fn write_throughput(out: &mut String, result: &RunResult) {
    let rates: [fn(&TimelineRow) -> f64; 3] = [
        |row| row.events.succeeded as f64 / row.covered_seconds,
        |row| row.events.sent as f64 / row.covered_seconds,
        |row| row.target_rate,
    ];
    let rows: Vec<&TimelineRow> = result.timeline.iter().filter(|row| row.covered_seconds >= MIN_COVERED).collect();
    let highest = rows.iter().flat_map(|row| rates.iter().map(|rate| rate(row))).fold(0.0, f64::max);
    let high = ticks::round_end(highest, 4);
    let frame = frame();
    let y = Scale::linear((0.0, high), frame.upwards());
    let labels: Vec<(f64, String)> =
        ticks::linear(0.0, high, 4).into_iter().map(|value| (value, wording::digits(value))).collect();
    let mut chart = Chart::over_time("Events per second", result, y, &labels);
    for ((class, name), rate) in
        [("succeeded", "succeeded"), ("sent", "sent"), ("target", "scheduled")].into_iter().zip(rates)
    {
        let drawn = lines(rows.iter().map(|row| (middle(row), Some(rate(row)))), &chart.x, &chart.y);
        if class == "succeeded" {
            chart.area(class, &drawn);
        }
        chart.line(class, name, &drawn);
    }
    chart.changes(&result.changes);
    chart.columns(&result.timeline, |rows| {
        let mean = |value: fn(&TimelineRow) -> f64| {
            let covered: f64 = rows.iter().map(|row| row.covered_seconds).sum();
            wording::rate(rows.iter().map(value).sum::<f64>() / covered)
        };
        format!(
            "scheduled {}\nsent {}\nsucceeded {}",
            mean(|row| row.target_rate * row.covered_seconds),
            mean(|row| row.events.sent as f64),
            mean(|row| row.events.succeeded as f64)
        )
    });
    let totals = &result.totals;
    chart.describe(format!(
        "{} on average, {} at most",
        wording::rate(totals.events_per_second),
        wording::rate(highest)
    ));
    chart.finish(out);
}

/// Percentiles of the response time on a logarithmic axis, with the thresholds that concern it.
pub(super) fn write_response_time(out: &mut String, result: &RunResult) {
    let series: [Series; 3] = [
        ("p50", "p50", |times| times.p50_us),
        ("p95", "p95", |times| times.p95_us),
        ("p99", "p99", |times| times.p99_us),
    ];
    let bounds = result.thresholds.iter().filter(|threshold| {
        threshold.unit == FigureUnit::Microseconds
            && matches!(threshold.threshold.parse(), Ok(Threshold { figure: Figure::Time(Time::ResponseTime, _), .. }))
    });
    let bounds: Vec<_> = bounds.collect();
    let extra = bounds.iter().map(|threshold| threshold.bound);
    let mut chart = over_time("Response time", result, |row| &row.response_time, &series, extra);
    for threshold in &bounds {
        chart.bound(threshold.bound, &threshold.threshold, threshold.passed);
    }
    chart.finish(out);
}

/// The generator's own delay.
pub(super) fn write_send_lag(out: &mut String, result: &RunResult) {
    let series: [Series; 3] = [
        ("p50", "p50", |times| times.p50_us),
        ("p99", "p99", |times| times.p99_us),
        ("slowest", "slowest", |times| times.max_us),
    ];
    over_time("Send lag (the generator's own delay)", result, |row| &row.send_lag, &series, std::iter::empty())
        .finish(out);
}

/// A line of a chart of times: its class, its name, its figure.
type Series = (&'static str, &'static str, fn(&Percentiles) -> u64);

fn over_time(
    title: &'static str,
    result: &RunResult,
    times: fn(&TimelineRow) -> &Percentiles,
    series: &[Series; 3],
    also_shown: impl Iterator<Item = f64>,
) -> Chart {
    let known = || result.timeline.iter().map(times).filter(|times| times.count > 0);
    let values = || known().flat_map(|times| series.iter().map(|(_, _, figure)| figure(times).max(1) as f64));
    let (mut low, mut high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    if high > 0.0 {
        for value in also_shown.filter(|value| *value > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
    }
    let (low, high) = ticks::log_bounds(low, high);
    let frame = frame();
    let y = Scale::log((low, high), frame.upwards());
    let labels: Vec<(f64, String)> = time_ticks(low, high);
    let mut chart = Chart::over_time(title, result, y, &labels);
    for (class, name, figure) in series {
        let drawn: Lines = lines(
            result.timeline.iter().map(|row| {
                let times = times(row);
                (middle(row), (times.count > 0).then(|| figure(times).max(1) as f64))
            }),
            &chart.x,
            &chart.y,
        );
        chart.line(class, name, &drawn);
    }
    if known().next().is_none() {
        chart.nothing("nothing was measured");
    }
    chart.changes(&result.changes);
    chart.columns(&result.timeline, |rows| {
        let worst =
            |figure: fn(&Percentiles) -> u64| rows.iter().map(times).filter(|times| times.count > 0).map(figure).max();
        let said = series.iter().map(|(_, name, figure)| match worst(*figure) {
            Some(micros) => format!("{name} {}", wording::latency(micros as f64)),
            None => format!("{name} –"),
        });
        said.collect::<Vec<_>>().join("\n")
    });
    let (_, name, figure) = series[1];
    let most = known().map(figure).max().unwrap_or(0);
    chart.describe(format!("the highest {name} of a second is {}", wording::latency(most as f64)));
    chart
}

/// Labelled values of a logarithmic axis of time; only powers of ten where there are many.
pub(super) fn time_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let found = ticks::log(low, high);
    let many = found.len() > 7;
    let kept = found.into_iter().filter(|tick| !many || tick.power);
    kept.map(|tick| (tick.value, wording::latency(tick.value))).collect()
}

/// Where a row's point stands: in the middle of what it covers.
fn middle(row: &TimelineRow) -> f64 {
    f64::from(row.second) + row.covered_seconds / 2.0
}
