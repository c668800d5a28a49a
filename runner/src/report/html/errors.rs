//! Failed events per second, stacked by kind.

use shared::chart::scale::Scale;
use shared::chart::ticks;
use shared::run::{FailureKind, RunResult, TimelineRow};
use shared::wording;

use super::chart::{Chart, SEAM, frame};
use super::escape::pixels;

/// Colours of the stack; kinds beyond them begin again.
const CLASSES: [&str; 8] = ["e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8"];
/// Narrowest column, in pixels.
const MIN_COLUMN: f64 = 2.0;

/// Writes the chart.
pub(super) fn write(out: &mut String, result: &RunResult) {
    let frame = frame();
    let per_column = (result.timeline.len() as f64 * MIN_COLUMN / frame.width()).ceil().max(1.0) as usize;
    let columns: Vec<&[TimelineRow]> = result.timeline.chunks(per_column).collect();
    let kinds: Vec<FailureKind> = FailureKind::ALL
        .into_iter()
        .filter(|kind| result.timeline.iter().any(|row| row.failures.get(kind).is_some_and(|count| *count > 0)))
        .collect();
    let highest = columns.iter().map(|rows| kinds.iter().map(|kind| rate(rows, *kind)).sum()).fold(0.0, f64::max);
    let high = ticks::round_end(highest, 4);
    let y = Scale::linear((0.0, high), frame.upwards());
    let labels: Vec<(f64, String)> =
        ticks::linear(0.0, high, 4).into_iter().map(|value| (value, wording::digits(value))).collect();
    let mut chart = Chart::over_time("Failed events per second", result, y, &labels);
    let mut paths = vec![String::new(); kinds.len()];
    for rows in &columns {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { continue };
        let left = chart.x.place_inside(f64::from(first.second));
        let right = chart.x.place_inside(f64::from(last.second) + last.covered_seconds.max(0.2));
        let mut below = 0.0;
        for (kind, path) in kinds.iter().zip(&mut paths) {
            let rate = rate(rows, *kind);
            if rate > 0.0 {
                let (bottom, top) = (chart.y.place(below), chart.y.place(below + rate));
                let (x, y, width, height) =
                    (pixels(left), pixels(top), pixels(right - left + SEAM), pixels(bottom - top));
                path.push_str(&format!("M{x} {y}h{width}v{height}h-{width}z"));
                below += rate;
            }
        }
    }
    for ((kind, path), class) in kinds.iter().zip(&paths).zip(CLASSES.into_iter().cycle()) {
        chart.key(class, kind.label());
        chart.draw(&format!("<path class=\"stack {class}\" d=\"{path}\"/>"));
    }
    if kinds.is_empty() {
        chart.nothing("no event failed");
    }
    chart.changes(&result.changes);
    chart.columns(&result.timeline, |rows| {
        let said: Vec<String> = kinds
            .iter()
            .map(|kind| (kind, rate(rows, *kind)))
            .filter(|(_, rate)| *rate > 0.0)
            .map(|(kind, rate)| format!("{} {}", kind.label(), wording::rate(rate)))
            .collect();
        if said.is_empty() { "no event failed".to_owned() } else { said.join("\n") }
    });
    chart.describe(format!("{} in all", wording::count(result.totals.events.failed)));
    chart.finish(out);
}

/// Failures of a kind per second.
fn rate(rows: &[TimelineRow], kind: FailureKind) -> f64 {
    let count: u64 = rows.iter().filter_map(|row| row.failures.get(&kind)).sum();
    // A row that has hardly begun covers a second all the same: its rate would be a spike that never was.
    let covered: f64 = rows.iter().map(|row| row.covered_seconds.max(1.0)).sum();
    if covered > 0.0 { count as f64 / covered } else { 0.0 }
}
