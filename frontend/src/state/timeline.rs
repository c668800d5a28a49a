//! The shown run's history in bounded memory: one point per second, merged in pairs as the run grows long.

use std::collections::BTreeMap;

use shared::order;
use shared::run::{FailureKind, TimelineRow};

/// Above this many points, old ones are merged in pairs: more than any screen has columns.
const MOST_POINTS: usize = 4_000;
/// The newest points are never merged, because ticks still replace them.
const KEPT_FINE: usize = 600;
/// A second of which less than this was covered when the run ended is too short to tell a rate.
const SHORTEST: f64 = 0.25;

/// One or more seconds of a run, as the charts draw them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Point {
    /// The first second covered.
    pub(crate) second: u32,
    /// How many seconds of the axis it stands for.
    pub(crate) length: u32,
    /// How much time it covers; less than `length` while its last second is not over.
    pub(crate) covered: f64,
    /// Scheduled rate, events per second.
    pub(crate) target_rate: f64,
    /// Events sent.
    pub(crate) sent: u64,
    /// Events acknowledged.
    pub(crate) succeeded: u64,
    /// Events failed.
    pub(crate) failed: u64,
    /// Requests answered: how many response times the percentiles come from.
    pub(crate) answers: u64,
    /// Median response time in microseconds; of merged points the mean, weighted by answers.
    pub(crate) p50_us: f64,
    /// 95th percentile in microseconds; of merged points the highest.
    pub(crate) p95_us: f64,
    /// 99th percentile in microseconds; of merged points the highest.
    pub(crate) p99_us: f64,
    /// Median send lag in microseconds; of merged points the highest.
    pub(crate) lag_p50_us: f64,
    /// 99th percentile of the send lag in microseconds; of merged points the highest.
    pub(crate) lag_p99_us: f64,
    /// Requests in flight at its end.
    pub(crate) in_flight: u64,
    /// Virtual users or connections at work at its end.
    pub(crate) users: u64,
    /// Requests sent: how many send lags there are.
    pub(crate) requests_sent: u64,
    /// Failed events by kind; only kinds that occurred.
    pub(crate) failures: BTreeMap<FailureKind, u64>,
    /// Response times for the heat map: cell and count, ascending in the cell.
    pub(crate) heat: Vec<(u16, u32)>,
}

impl Point {
    /// Reads a row of the stream that stands for `length` seconds.
    fn read(row: &TimelineRow, length: u32) -> Self {
        Self {
            second: row.second,
            length: length.max(1),
            covered: row.covered_seconds,
            target_rate: row.target_rate,
            sent: row.events.sent,
            succeeded: row.events.succeeded,
            failed: row.events.failed,
            answers: row.response_time.count,
            p50_us: row.response_time.p50_us as f64,
            p95_us: row.response_time.p95_us as f64,
            p99_us: row.response_time.p99_us as f64,
            lag_p50_us: row.send_lag.p50_us as f64,
            lag_p99_us: row.send_lag.p99_us as f64,
            in_flight: row.in_flight,
            users: row.users,
            requests_sent: row.send_lag.count,
            failures: row
                .failures
                .iter()
                .filter(|(_, count)| **count > 0)
                .map(|(kind, count)| (*kind, *count))
                .collect(),
            heat: row.heat.clone(),
        }
    }

    /// Where it stands on the axis: the middle of what it covers.
    pub(crate) fn middle(&self) -> f64 {
        f64::from(self.second) + self.covered / 2.0
    }

    /// Where it ends on the axis.
    pub(crate) fn end(&self) -> f64 {
        f64::from(self.second + self.length)
    }

    /// A count of it as a rate per second; none for a point that covers no time.
    pub(crate) fn per_second(&self, count: u64) -> Option<f64> {
        (self.covered > 0.0).then(|| count as f64 / self.covered)
    }

    /// Whether its time is over, so that its rates mean something.
    fn is_complete(&self) -> bool {
        self.covered >= f64::from(self.length) - 0.001
    }

    /// Takes in the point that follows it.
    pub(crate) fn merge(&mut self, next: &Self) {
        let time = self.covered + next.covered;
        if time > 0.0 {
            self.target_rate = (self.target_rate * self.covered + next.target_rate * next.covered) / time;
        }
        let answers = self.answers + next.answers;
        if answers > 0 {
            self.p50_us = (self.p50_us * self.answers as f64 + next.p50_us * next.answers as f64) / answers as f64;
        }
        self.length = next.second + next.length - self.second;
        self.covered = time;
        self.sent += next.sent;
        self.succeeded += next.succeeded;
        self.failed += next.failed;
        self.answers = answers;
        self.p95_us = self.p95_us.max(next.p95_us);
        self.p99_us = self.p99_us.max(next.p99_us);
        self.lag_p50_us = self.lag_p50_us.max(next.lag_p50_us);
        self.lag_p99_us = self.lag_p99_us.max(next.lag_p99_us);
        self.requests_sent += next.requests_sent;
        self.in_flight = next.in_flight;
        self.users = next.users;
        for (kind, count) in &next.failures {
            *self.failures.entry(*kind).or_default() += count;
        }
        self.heat = merged(&self.heat, &next.heat);
    }
}

/// Two lists of cells as one, ascending in the cell.
fn merged(a: &[(u16, u32)], b: &[(u16, u32)]) -> Vec<(u16, u32)> {
    let mut sums: BTreeMap<u16, u32> = a.iter().copied().collect();
    for (cell, count) in b {
        let sum = sums.entry(*cell).or_default();
        *sum = sum.saturating_add(*count);
    }
    sums.into_iter().collect()
}

/// A run's history, ascending in time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Timeline {
    points: Vec<Point>,
    /// Grows whenever a chart would look different.
    revision: u64,
}

impl Timeline {
    /// The history of a `Hello`.
    pub(crate) fn new(rows: &[TimelineRow], resolution_seconds: u32) -> Self {
        let mut timeline =
            Self { points: rows.iter().map(|row| Point::read(row, resolution_seconds)).collect(), revision: 1 };
        order::sort_by_key(&mut timeline.points, |point| point.second);
        timeline.shrink();
        timeline
    }

    /// Takes the rows of a tick, each one second long; a row replaces that of the same second.
    pub(crate) fn take(&mut self, rows: &[TimelineRow]) {
        for row in rows {
            self.take_row(Point::read(row, 1));
        }
        self.shrink();
    }

    fn take_row(&mut self, point: Point) {
        match self.points.iter().rposition(|known| known.second <= point.second) {
            // A coarse point of the `Hello` has this second already; its tick would count it twice.
            Some(at) if self.points[at].second + self.points[at].length > point.second => {
                let known = &mut self.points[at];
                if known.length == 1 && *known != point {
                    // The last second changes ten times until it is over, and is drawn when it is.
                    self.revision += u64::from(point.is_complete() || known.is_complete());
                    *known = point;
                }
            }
            Some(at) => self.insert(at + 1, point),
            None => self.insert(0, point),
        }
    }

    fn insert(&mut self, at: usize, point: Point) {
        self.revision += 1;
        self.points.insert(at, point);
    }

    /// Merges old points in pairs once there are too many.
    fn shrink(&mut self) {
        if self.points.len() <= MOST_POINTS {
            return;
        }
        let fine = self.points.split_off(self.points.len() - KEPT_FINE);
        let mut merged: Vec<Point> = Vec::with_capacity(self.points.len() / 2 + KEPT_FINE + 1);
        for pair in self.points.chunks(2) {
            let mut point = pair[0].clone();
            if let Some(next) = pair.get(1) {
                point.merge(next);
            }
            merged.push(point);
        }
        merged.extend(fine);
        self.points = merged;
        self.revision += 1;
    }

    /// The points to draw: the second that is still going on is left out, and so is a last one too short to tell a
    /// rate, unless there is nothing else.
    pub(crate) fn drawn(&self, over: bool) -> &[Point] {
        match self.points.split_last() {
            Some((last, before)) if !before.is_empty() => {
                let kept = if over { last.covered >= SHORTEST } else { last.is_complete() };
                if kept { &self.points } else { before }
            }
            _ => &self.points,
        }
    }

    /// The point that a moment of the axis falls into, or the nearest one.
    pub(crate) fn at(&self, seconds: f64, over: bool) -> Option<&Point> {
        let points = self.drawn(over);
        let after = points.partition_point(|point| f64::from(point.second) <= seconds);
        points.get(after.saturating_sub(1))
    }

    /// Grows whenever a chart would look different.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Where the last point ends.
    pub(crate) fn end(&self) -> f64 {
        self.points.last().map_or(0.0, Point::end)
    }

    /// The drawn points merged to at most about `most` rows, for a table.
    pub(crate) fn rows(&self, over: bool, most: usize) -> Vec<Point> {
        let points = self.drawn(over);
        let each = points.len().div_ceil(most.max(1)).max(1);
        points
            .chunks(each)
            .map(|chunk| {
                let mut row = chunk[0].clone();
                for next in &chunk[1..] {
                    row.merge(next);
                }
                row
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use shared::run::{Counts, Percentiles};

    use super::*;

    fn row(second: u32, covered: f64, sent: u64) -> TimelineRow {
        TimelineRow {
            second,
            covered_seconds: covered,
            target_rate: 10.0,
            events: Counts { sent, succeeded: sent, ..Counts::default() },
            response_time: Percentiles {
                count: sent,
                p50_us: 500,
                p99_us: 900 + u64::from(second),
                ..Default::default()
            },
            ..TimelineRow::default()
        }
    }

    #[test]
    fn a_row_replaces_that_of_the_same_second() {
        let mut timeline = Timeline::new(&[row(0, 1.0, 10), row(1, 0.3, 3)], 1);
        timeline.take(&[row(1, 0.4, 4)]);
        timeline.take(&[row(1, 1.0, 11), row(2, 0.1, 1)]);
        assert_eq!(timeline.drawn(false).iter().map(|point| point.sent).collect::<Vec<_>>(), [10, 11]);
        assert_eq!(timeline.end(), 3.0);
    }

    #[test]
    fn charts_are_told_only_when_they_would_look_different() {
        let mut timeline = Timeline::new(&[row(0, 1.0, 10), row(1, 0.1, 1)], 1);
        let before = timeline.revision();
        for tenth in 2_u32..10 {
            timeline.take(&[row(1, f64::from(tenth) / 10.0, tenth.into())]);
        }
        assert_eq!(timeline.revision(), before);
        timeline.take(&[row(1, 1.0, 10)]);
        assert!(timeline.revision() > before);
    }

    #[test]
    fn a_day_long_run_fits_and_loses_no_event() {
        let mut timeline = Timeline::default();
        for second in 0..86_400 {
            timeline.take(&[row(second, 1.0, 10)]);
        }
        assert!(timeline.points.len() <= MOST_POINTS);
        assert_eq!(timeline.points.iter().map(|point| point.sent).sum::<u64>(), 864_000);
        assert!(timeline.points.windows(2).all(|pair| pair[0].end() == f64::from(pair[1].second)));
        assert!(timeline.drawn(false).iter().all(|point| point.per_second(point.sent) == Some(10.0)));
    }

    #[test]
    fn ticks_inside_a_coarse_point_are_not_counted_twice() {
        let mut timeline = Timeline::new(&[row(0, 10.0, 100), row(10, 4.0, 40)], 10);
        timeline.take(&[row(13, 1.0, 10), row(14, 1.0, 10)]);
        assert_eq!(timeline.points.len(), 2);
        timeline.take(&[row(20, 1.0, 10)]);
        assert_eq!(timeline.points.len(), 3);
    }

    #[test]
    fn the_last_splinter_of_a_run_is_no_rate() {
        let timeline = Timeline::new(&[row(0, 1.0, 10), row(1, 0.02, 5)], 1);
        assert_eq!(timeline.drawn(true).len(), 1);
        let short = Timeline::new(&[row(0, 0.1, 1)], 1);
        assert_eq!(short.drawn(false).len(), 1);
    }

    #[test]
    fn a_moment_finds_its_point() {
        let timeline = Timeline::new(&[row(0, 1.0, 1), row(1, 1.0, 2), row(2, 1.0, 3)], 1);
        assert_eq!(timeline.at(1.9, true).map(|point| point.second), Some(1));
        assert_eq!(timeline.at(-5.0, true).map(|point| point.second), Some(0));
        assert_eq!(timeline.at(99.0, true).map(|point| point.second), Some(2));
        assert_eq!(Timeline::default().at(1.0, true), None);
    }

    #[test]
    fn a_table_has_few_rows_and_all_events() {
        let rows: Vec<TimelineRow> = (0..100).map(|second| row(second, 1.0, 10)).collect();
        let table = Timeline::new(&rows, 1).rows(true, 12);
        assert!(table.len() <= 12);
        assert_eq!(table.iter().map(|point| point.sent).sum::<u64>(), 1_000);
    }
}
