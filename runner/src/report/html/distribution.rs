//! The whole run's latency by percentile: how much worse it gets towards the last answers.

use shared::chart::line::lines;
use shared::chart::scale::Scale;
use shared::chart::ticks;
use shared::metrics::Histogram;
use shared::run::RunResult;
use shared::wording;

use super::chart::{Chart, frame};
use super::charts::time_ticks;
use super::escape::pixels;

/// Points of a line per factor of ten in what is left out.
const POINTS_PER_DECADE: u32 = 40;

/// Writes response and service time by percentile. The axis is that of 1 / (1 - percentile): 50 %, 90 %, 99 % and
/// 99.9 % are about equally far apart, and the line ends where one answer is left.
pub(super) fn write(out: &mut String, result: &RunResult) {
    let times = [
        ("response", "response time", &result.latency.response_time),
        ("service", "service time", &result.latency.service_time),
    ];
    let known: Vec<(&'static str, &str, Histogram)> = times
        .into_iter()
        .filter_map(|(class, name, latency)| Some((class, name, Histogram::from_base64(&latency.hdr).ok()?)))
        .filter(|(_, _, histogram)| !histogram.is_empty())
        .collect();
    let lowest = known.iter().map(|(_, _, times)| times.quantile_us(0.0)).min().unwrap_or(0);
    let highest = known.iter().map(|(_, _, times)| times.quantile_us(1.0)).max().unwrap_or(0);
    let (low, high) = ticks::log_bounds(lowest.max(1) as f64, highest as f64);
    let count = known.iter().map(|(_, _, times)| times.count()).max().unwrap_or(0);
    let end = (count as f64).max(100.0);
    let frame = frame();
    let (x, y) = (Scale::log((1.0, end), frame.across()), Scale::log((low, high), frame.upwards()));
    let mut chart = Chart::new("Latency by percentile", frame, x, y);
    let named = [
        (1.0, "0 %"),
        (2.0, "50 %"),
        (10.0, "90 %"),
        (100.0, "99 %"),
        (1e3, "99.9 %"),
        (1e4, "99.99 %"),
        (1e5, "99.999 %"),
        (1e6, "99.9999 %"),
    ];
    let across: Vec<(f64, String)> =
        named.into_iter().filter(|(at, _)| *at <= end).map(|(at, name)| (at, name.to_owned())).collect();
    chart.grid(&across, &time_ticks(low, high));
    let (top, bottom) = (pixels(frame.top), pixels(frame.bottom));
    for (at, _) in &across {
        let x = pixels(chart.x.place(*at));
        chart.draw(&format!("<path class=\"grid\" d=\"M{x} {top}V{bottom}\"/>"));
    }
    for (class, name, times) in &known {
        let last = times.count() as f64;
        let steps = (last.log10().max(1.0) * f64::from(POINTS_PER_DECADE)) as u32;
        let values = (0..=steps).map(|step| {
            let left_out = last.powf(f64::from(step) / f64::from(steps));
            (left_out, Some(times.quantile_us(1.0 - 1.0 / left_out).max(1) as f64))
        });
        let drawn = lines(values, &chart.x, &chart.y);
        chart.line(class, name, &drawn);
    }
    if known.is_empty() {
        chart.nothing("the run was stored without histograms");
    }
    chart.describe(match known.first() {
        Some((_, name, times)) => {
            format!("99 % of the answers have a {name} of {} or less", wording::latency(times.quantile_us(0.99) as f64))
        }
        None => "no histograms".to_owned(),
    });
    chart.finish(out);
}
