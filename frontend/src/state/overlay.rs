//! Several runs over each other: the same figure of each, second by second since its start.

use shared::chart::frame::{Frame, Margins};
use shared::chart::line::{lines, svg_path};
use shared::chart::scale::Scale;
use shared::chart::ticks::{linear, log, log_bounds, round_end, time, time_end};
use shared::run::TimelineRow;
use shared::tree::read::{Readable, from_json_by_item};

use crate::format;

/// What is read of a result to draw it over others.
#[derive(Clone, Debug, Default, PartialEq, Readable)]
pub(crate) struct Drawn {
    /// Its seconds.
    #[serde(default)]
    pub(crate) timeline: Vec<TimelineRow>,
}

impl Drawn {
    /// Reads it from a result.
    pub(crate) fn read(result: &str) -> Result<Self, String> {
        let (_, timeline) = from_json_by_item::<Self, _>(result, &["timeline"])?;
        Ok(Self { timeline })
    }
}

/// Which figure is drawn.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Figure {
    /// Events that succeeded per second, linear from zero.
    Throughput,
    /// 99th percentile of the response time, logarithmic.
    ResponseTimeP99,
    /// Median of the response time, logarithmic.
    ResponseTimeP50,
}

impl Figure {
    /// The heading of its chart.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Throughput => "Events per second",
            Self::ResponseTimeP99 => "Response time, p99",
            Self::ResponseTimeP50 => "Response time, median",
        }
    }

    fn of(self, row: &TimelineRow) -> Option<f64> {
        let answered = row.response_time.count > 0;
        match self {
            Self::Throughput => (row.covered_seconds > 0.0).then(|| row.events.succeeded as f64 / row.covered_seconds),
            Self::ResponseTimeP99 => answered.then_some(row.response_time.p99_us as f64),
            Self::ResponseTimeP50 => answered.then_some(row.response_time.p50_us as f64),
        }
    }

    fn is_logarithmic(self) -> bool {
        match self {
            Self::Throughput => false,
            Self::ResponseTimeP99 | Self::ResponseTimeP50 => true,
        }
    }
}

/// A mark of an axis: where it is, what it says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    /// Its place, in pixels.
    pub(crate) place: f64,
    /// Its words.
    pub(crate) words: String,
}

/// Runs over each other, laid out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Overlay {
    /// Where lines are drawn.
    pub(crate) frame: Frame,
    /// The `d` of each run's path, in the order of the runs.
    pub(crate) paths: Vec<String>,
    /// Seconds since each run's start.
    pub(crate) times: Vec<Mark>,
    /// Values.
    pub(crate) values: Vec<Mark>,
}

/// Lays runs over each other on a field of so many pixels.
pub(crate) fn overlay(runs: &[Drawn], figure: Figure, width: f64, height: f64) -> Overlay {
    let frame = Frame::new(width, height, Margins { top: 8.0, right: 12.0, bottom: 22.0, left: 58.0 });
    let end = runs.iter().filter_map(|run| run.timeline.last()).map(|row| f64::from(row.second) + row.covered_seconds);
    let end = time_end(end.fold(1.0, f64::max));
    let known = || runs.iter().flat_map(|run| &run.timeline).filter_map(|row| figure.of(row));
    let x = Scale::linear((0.0, end), frame.across());
    let (y, values): (Scale, Vec<Mark>) = if figure.is_logarithmic() {
        let lowest = known().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
        let (low, high) = log_bounds(lowest, known().fold(0.0, f64::max));
        let y = Scale::log((low, high), frame.upwards());
        let ticks = log(low, high);
        let marks =
            ticks.iter().map(|tick| Mark { place: y.place(tick.value), words: format::latency_tick(tick.value) });
        let marks = marks.collect();
        (y, marks)
    } else {
        let high = round_end(known().fold(1.0, f64::max), 5);
        let y = Scale::linear((0.0, high), frame.upwards());
        let marks =
            linear(0.0, high, 5).into_iter().map(|value| Mark { place: y.place(value), words: format::figure(value) });
        let marks = marks.collect();
        (y, marks)
    };
    let paths = runs.iter().map(|run| {
        let points = run.timeline.iter().map(|row| (f64::from(row.second), figure.of(row)));
        svg_path(&lines(points, &x, &y))
    });
    let paths = paths.collect();
    let times = time(0.0, end, 6)
        .into_iter()
        .map(|second| Mark { place: x.place(second), words: format::time_tick(second, end) });
    let times = times.collect();
    Overlay { frame, paths, times, values }
}

#[cfg(test)]
mod tests {
    use shared::run::{Counts, Percentiles};

    use super::*;

    fn run(seconds: u32, rate: u64, p99_us: u64) -> Drawn {
        let row = |second| TimelineRow {
            second,
            covered_seconds: 1.0,
            events: Counts { succeeded: rate, ..Counts::default() },
            response_time: Percentiles { count: rate, p50_us: p99_us / 2, p99_us, ..Percentiles::default() },
            ..TimelineRow::default()
        };
        Drawn { timeline: (0..seconds).map(row).collect() }
    }

    #[test]
    fn runs_share_their_axes() {
        let laid = overlay(&[run(10, 20, 1_000), run(30, 40, 9_000)], Figure::Throughput, 600.0, 200.0);
        assert_eq!(laid.paths.len(), 2);
        assert!(laid.times.len() > 2 && laid.values.len() > 2, "{laid:?}");
        // The slower of the two lies lower on the screen, and ends earlier.
        let y = |path: &str| path.split(['M', 'L', ' ']).nth(2).and_then(|y| y.parse::<f64>().ok()).unwrap();
        assert!(y(&laid.paths[0]) > y(&laid.paths[1]));
    }

    #[test]
    fn a_run_without_answers_leaves_its_line_out() {
        let silent = Drawn { timeline: vec![TimelineRow { covered_seconds: 1.0, ..TimelineRow::default() }] };
        let laid = overlay(&[silent, run(5, 10, 2_000)], Figure::ResponseTimeP99, 600.0, 200.0);
        assert_eq!(laid.paths[0], "");
        assert!(!laid.paths[1].is_empty());
    }

    #[test]
    fn a_result_is_read_for_its_timeline_alone() {
        let drawn = Drawn::read(r#"{"schema_version": 1, "totals": {}, "timeline": [{"second": 3}]}"#).unwrap();
        assert_eq!(drawn.timeline.len(), 1);
        assert_eq!(drawn.timeline[0].second, 3);
    }
}
