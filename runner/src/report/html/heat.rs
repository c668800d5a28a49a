//! The latency heat map: time across, response time upwards, how many answers as colour.

use std::collections::BTreeMap;

use shared::chart::heat::{SHADES, shade};
use shared::chart::scale::Scale;
use shared::chart::ticks;
use shared::metrics::heat_cell_floor_us;
use shared::run::{RunResult, TimelineRow};
use shared::wording;

use super::chart::{Chart, SEAM, frame};
use super::charts::time_ticks;
use super::escape::pixels;

/// Classes of the shades, lightest first.
const CLASSES: [&str; SHADES] = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"];
/// Narrowest column, in pixels.
const MIN_COLUMN: f64 = 3.0;

/// Writes the heat map.
pub(super) fn write(out: &mut String, result: &RunResult) {
    let frame = frame();
    let cells = || result.timeline.iter().flat_map(|row| &row.heat);
    let lowest = cells().map(|(cell, _)| *cell).min();
    let highest = cells().map(|(cell, _)| *cell).max();
    let (low, high) = match lowest.zip(highest) {
        Some((lowest, highest)) => (heat_cell_floor_us(lowest), heat_cell_floor_us(highest.saturating_add(1))),
        None => ticks::log_bounds(0.0, 0.0),
    };
    let y = Scale::log((low, high.max(low * 4.0)), frame.upwards());
    let mut chart = Chart::over_time("Response times of all answers", result, y, &time_ticks(low, high.max(low * 4.0)));
    let per_column = (result.timeline.len() as f64 * MIN_COLUMN / frame.width()).ceil().max(1.0) as usize;
    let columns: Vec<&[TimelineRow]> = result.timeline.chunks(per_column).collect();
    let counts: Vec<BTreeMap<u16, u64>> = columns.iter().map(|rows| counted(rows)).collect();
    let most = counts.iter().flat_map(BTreeMap::values).copied().max().unwrap_or(0);
    let mut paths: [String; SHADES] = Default::default();
    for (rows, counts) in columns.iter().zip(&counts) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { continue };
        let left = chart.x.place_inside(f64::from(first.second));
        let width = chart.x.place_inside(f64::from(last.second) + last.covered_seconds.max(0.2)) - left;
        for (cell, count) in counts {
            let top = chart.y.place_inside(heat_cell_floor_us(cell.saturating_add(1)));
            let height = chart.y.place_inside(heat_cell_floor_us(*cell)) - top;
            if let Some(path) = paths.get_mut(shade(*count, most)) {
                let (x, y, width, height) = (pixels(left), pixels(top), pixels(width + SEAM), pixels(height + SEAM));
                path.push_str(&format!("M{x} {y}h{width}v{height}h-{width}z"));
            }
        }
    }
    for (class, path) in CLASSES.into_iter().zip(&paths).filter(|(_, path)| !path.is_empty()) {
        chart.draw(&format!("<path class=\"heat {class}\" d=\"{path}\"/>"));
    }
    if most == 0 {
        chart.nothing("nothing was answered");
    } else {
        chart.key("h2", "few");
        chart.key("h8", format!("up to {} answers", wording::count(most)));
    }
    chart.changes(&result.changes);
    chart.columns(&result.timeline, |rows| said(&counted(rows)));
    chart.describe(format!("answers between {} and {}", wording::latency(low), wording::latency(high)));
    chart.finish(out);
}

/// Answers by cell over several rows.
fn counted(rows: &[TimelineRow]) -> BTreeMap<u16, u64> {
    let mut counts = BTreeMap::new();
    for (cell, count) in rows.iter().flat_map(|row| &row.heat) {
        *counts.entry(*cell).or_default() += u64::from(*count);
    }
    counts
}

/// A column in words: how many, and where most of them lie.
fn said(counts: &BTreeMap<u16, u64>) -> String {
    let all: u64 = counts.values().sum();
    let Some((cell, count)) = counts.iter().max_by_key(|(_, count)| **count) else {
        return "no answers".to_owned();
    };
    let [from, to] = [*cell, cell.saturating_add(1)].map(|cell| wording::latency(heat_cell_floor_us(cell)));
    format!("{} answers\n{} of them between {from} and {to}", wording::count(all), wording::count(*count))
}
