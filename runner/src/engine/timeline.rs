//! A run second by second, in memory that does not grow with the run's length.
//!
//! The first two hours have a row per second. Then rows are merged in pairs, and again when they are too many: counts,
//! means, least and largest values stay exact, percentiles of merged rows are right within 1 % (they come from kept
//! distributions, never from averaging percentiles).

use std::collections::VecDeque;

use shared::metrics::Histogram;
use shared::run::TimelineRow;
use shared::run::fault::FaultKind;
use shared::units::Nanos;

use crate::engine::coarse::Coarse;
use crate::engine::recorder::{Delta, TICK};
use crate::engine::tally::add_to;

/// Rows kept at most.
const MOST_ROWS: usize = 7_200;
/// Seconds that may be open because a worker has not reported yet.
const MOST_OPEN: usize = 10;
const TICKS_PER_SECOND: u64 = 1_000_000_000 / TICK.0;

/// A run's history.
#[derive(Debug)]
pub(crate) struct Timeline {
    rows: Vec<Stored>,
    open: VecDeque<Open>,
    /// Seconds that a stored row covers.
    resolution: u32,
    /// Rows that are kept before they are merged.
    most: usize,
    /// Emptied distributions, to be used again.
    spare: Vec<Open>,
}

/// A second that is still going on, or that a worker still owes a report for.
#[derive(Debug, Default)]
struct Open {
    row: TimelineRow,
    planned: f64,
    response_time: Histogram,
    service_time: Histogram,
    send_lag: Histogram,
    changed: bool,
}

/// The times of one second, before they are made small.
pub(crate) struct Distributions<'a> {
    pub(crate) response_time: &'a Histogram,
    pub(crate) service_time: &'a Histogram,
    pub(crate) send_lag: &'a Histogram,
}

#[derive(Clone, Debug)]
struct Stored {
    row: TimelineRow,
    response_time: Coarse,
    service_time: Coarse,
    send_lag: Coarse,
}

impl Timeline {
    /// An empty history.
    pub(crate) fn new() -> Self {
        Self::with_most(MOST_ROWS)
    }

    fn with_most(most: usize) -> Self {
        Self { rows: Vec::new(), open: VecDeque::new(), resolution: 1, most, spare: Vec::new() }
    }

    /// Adds what a worker saw in a tick.
    pub(crate) fn add(&mut self, delta: &Delta) {
        let open = self.open((delta.tick / TICKS_PER_SECOND) as u32);
        open.changed = true;
        open.row.events.add(&delta.events);
        open.row.requests.add(&delta.requests);
        add_to(&mut open.response_time, &delta.response_time);
        add_to(&mut open.service_time, &delta.service_time);
        add_to(&mut open.send_lag, &delta.send_lag);
        for seen in &delta.failures {
            *open.row.failures.entry(seen.kind).or_default() += seen.count;
        }
        if !delta.faults_applied.is_empty() {
            for kind in FaultKind::ALL.into_iter().filter(|kind| delta.faults_applied.of(*kind) > 0) {
                *open.row.faults.entry(kind).or_default() += delta.faults_applied.of(kind);
            }
        }
    }

    /// Notes how things stand at a moment: the end of a tick, or of the run.
    pub(crate) fn note(&mut self, at: Nanos, planned: f64, in_flight: u64, users: u64) {
        // The end of a second belongs to it.
        let second = (at.0.saturating_sub(1) / 1_000_000_000) as u32;
        let open = self.open(second);
        open.changed = true;
        open.planned += planned;
        open.row.covered_seconds = at.as_secs_f64() - f64::from(second);
        open.row.in_flight = in_flight;
        open.row.users = users;
        for earlier in self.open.iter_mut().filter(|open| open.row.second < second) {
            earlier.row.covered_seconds = 1.0;
        }
    }

    /// Closes every second up to (not including) one, each shown with its distributions; gives the closed rows.
    pub(crate) fn close_before(
        &mut self,
        second: u32,
        mut show: impl FnMut(&TimelineRow, &Distributions<'_>),
    ) -> Vec<TimelineRow> {
        let mut closed = Vec::new();
        while self.open.front().is_some_and(|open| open.row.second < second) || self.open.len() > MOST_OPEN {
            let Some(mut open) = self.open.pop_front() else { break };
            let row = open.figures();
            show(
                &row,
                &Distributions {
                    response_time: &open.response_time,
                    service_time: &open.service_time,
                    send_lag: &open.send_lag,
                },
            );
            self.store(Stored {
                row: row.clone(),
                response_time: Coarse::of(&open.response_time),
                service_time: Coarse::of(&open.service_time),
                send_lag: Coarse::of(&open.send_lag),
            });
            closed.push(row);
            open.reset();
            self.spare.push(open);
        }
        closed
    }

    /// The open rows that changed since they were asked for last.
    pub(crate) fn changed(&mut self) -> Vec<TimelineRow> {
        let changed = |open: &mut Open| std::mem::take(&mut open.changed).then(|| open.figures());
        self.open.iter_mut().filter_map(changed).collect()
    }

    /// The rows that are still open.
    pub(crate) fn open_seconds(&mut self) -> Vec<TimelineRow> {
        self.open.iter_mut().map(Open::figures).collect()
    }

    /// A second's row, if it is still there as a second.
    pub(crate) fn second(&mut self, second: u32) -> Option<TimelineRow> {
        if let Some(open) = self.open.iter_mut().find(|open| open.row.second == second) {
            return Some(open.figures());
        }
        let stored = self.rows.iter().rev().take(MOST_OPEN).find(|stored| stored.row.second == second)?;
        Some(stored.row.clone())
    }

    /// The whole history in at most about so many rows, and the seconds that a full row covers.
    pub(crate) fn history(&mut self, most: usize) -> (Vec<TimelineRow>, u32) {
        let (mut resolution, mut rows) = (self.resolution, self.rows.clone());
        while rows.len() > most {
            resolution *= 2;
            rows = merged(&rows, resolution);
        }
        let mut history: Vec<_> = rows.into_iter().map(|stored| stored.row).collect();
        history.extend(self.open.iter_mut().map(Open::figures));
        (history, resolution)
    }

    fn store(&mut self, stored: Stored) {
        if self.resolution > 1
            && let Some(last) = self.rows.last_mut()
            && last.row.second / self.resolution == stored.row.second / self.resolution
        {
            last.merge(&stored);
            return;
        }
        self.rows.push(stored);
        if self.rows.len() > self.most {
            self.resolution *= 2;
            self.rows = merged(&self.rows, self.resolution);
        }
    }

    /// The row of a second, made where it is missing; for a second that is stored already the oldest open one.
    fn open(&mut self, second: u32) -> &mut Open {
        let oldest = self.open.front().map(|open| open.row.second);
        let next = self.rows.last().map_or(0, |last| last.row.second + last.row.covered_seconds.ceil() as u32);
        let second = second.max(oldest.unwrap_or(next));
        let place = self.open.partition_point(|open| open.row.second < second);
        if self.open.get(place).is_none_or(|open| open.row.second != second) {
            let mut fresh = self.spare.pop().unwrap_or_default();
            fresh.row.second = second;
            self.open.insert(place, fresh);
        }
        &mut self.open[place]
    }
}

impl Open {
    fn figures(&mut self) -> TimelineRow {
        let row = &mut self.row;
        row.target_rate = if row.covered_seconds > 0.0 { self.planned / row.covered_seconds } else { 0.0 };
        row.response_time = self.response_time.percentiles();
        row.service_time = self.service_time.percentiles();
        row.send_lag = self.send_lag.percentiles();
        row.heat = self.response_time.heat();
        row.clone()
    }

    fn reset(&mut self) {
        self.row = TimelineRow::default();
        self.planned = 0.0;
        self.response_time.clear();
        self.service_time.clear();
        self.send_lag.clear();
        self.changed = false;
    }
}

impl Stored {
    fn merge(&mut self, later: &Self) {
        self.response_time.merge(&later.response_time);
        self.service_time.merge(&later.service_time);
        self.send_lag.merge(&later.send_lag);
        let (row, other) = (&mut self.row, &later.row);
        let covered = row.covered_seconds + other.covered_seconds;
        if covered > 0.0 {
            let planned = row.target_rate * row.covered_seconds + other.target_rate * other.covered_seconds;
            row.target_rate = planned / covered;
        }
        row.covered_seconds = covered;
        row.events.add(&other.events);
        row.requests.add(&other.requests);
        row.in_flight = other.in_flight;
        row.users = other.users;
        row.response_time = self.response_time.percentiles();
        row.service_time = self.service_time.percentiles();
        row.send_lag = self.send_lag.percentiles();
        for (kind, count) in &other.failures {
            *row.failures.entry(*kind).or_default() += count;
        }
        for (kind, count) in &other.faults {
            *row.faults.entry(*kind).or_default() += count;
        }
        for &(cell, count) in &other.heat {
            match row.heat.binary_search_by_key(&cell, |&(known, _)| known) {
                Ok(place) => row.heat[place].1 = row.heat[place].1.saturating_add(count),
                Err(place) => row.heat.insert(place, (cell, count)),
            }
        }
    }
}

/// The same rows, each covering up to `resolution` seconds.
fn merged(rows: &[Stored], resolution: u32) -> Vec<Stored> {
    let mut merged: Vec<Stored> = Vec::with_capacity(rows.len() / 2 + 1);
    for stored in rows {
        match merged.last_mut() {
            Some(last) if last.row.second / resolution == stored.row.second / resolution => last.merge(stored),
            _ => merged.push(stored.clone()),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::run::Counts;

    fn delta(tick: u64, events: u64, response_us: u32) -> Delta {
        Delta {
            tick,
            events: Counts { sent: events, succeeded: events, ..Counts::default() },
            response_time: vec![(response_us, events as u32)],
            ..Delta::default()
        }
    }

    #[test]
    fn a_second_adds_up_its_ticks_and_is_closed_once() {
        let mut timeline = Timeline::new();
        timeline.add(&delta(0, 3, 100));
        timeline.add(&delta(9, 4, 300));
        timeline.note(Nanos::from_secs(1), 7.5, 2, 5);
        assert_eq!(timeline.changed().len(), 1);
        assert!(timeline.changed().is_empty());
        let closed = timeline.close_before(1, |_, _| {});
        assert_eq!(closed.len(), 1);
        let row = &closed[0];
        assert_eq!((row.second, row.events.sent, row.in_flight, row.users), (0, 7, 2, 5));
        assert_eq!((row.covered_seconds, row.target_rate), (1.0, 7.5));
        assert_eq!(row.response_time.max_us, 300);
        assert_eq!(row.heat.iter().map(|(_, count)| count).sum::<u32>(), 7);
        assert!(timeline.close_before(1, |_, _| {}).is_empty());
    }

    #[test]
    fn a_late_report_changes_its_own_second_while_that_is_open() {
        let mut timeline = Timeline::new();
        timeline.add(&delta(5, 1, 100));
        timeline.add(&delta(25, 1, 100));
        timeline.add(&delta(5, 1, 100));
        assert_eq!(timeline.second(0).unwrap().events.sent, 2);
        timeline.close_before(2, |_, _| {});
        timeline.add(&delta(5, 1, 100));
        assert_eq!(timeline.second(2).unwrap().events.sent, 2, "what comes too late is counted where it can be");
    }

    #[test]
    fn a_long_run_stays_small_and_complete() {
        let mut timeline = Timeline::with_most(100);
        for second in 0..350 {
            timeline.add(&delta(second * 10, 10, 100 + second as u32 % 50));
            timeline.note(Nanos::from_secs(second + 1), 10.0, 0, 1);
            timeline.close_before(second as u32 + 1, |_, _| {});
        }
        let (rows, resolution) = timeline.history(usize::MAX);
        assert!(rows.len() <= 100 && resolution == 4, "{} rows of {resolution} s", rows.len());
        assert_eq!(rows.iter().map(|row| row.events.sent).sum::<u64>(), 3_500);
        assert!((rows.iter().map(|row| row.covered_seconds).sum::<f64>() - 350.0).abs() < 1e-6);
        assert!(rows.iter().all(|row| (row.target_rate - 10.0).abs() < 1e-6));
        assert!(rows.iter().all(|row| row.response_time.min_us >= 100 && row.response_time.max_us < 150));
        let (short, wide) = timeline.history(12);
        assert!(short.len() <= 12 && wide == 32, "{} rows of {wide} s", short.len());
        assert_eq!(short.iter().map(|row| row.events.sent).sum::<u64>(), 3_500);
    }

    #[test]
    fn a_day_takes_no_more_memory_than_its_first_hours() {
        // A day is twelve times as long as what is kept second by second; so is this.
        let kept = 60;
        let mut timeline = Timeline::with_most(kept);
        let mut most = Vec::new();
        let mut draws = 0_u32;
        for second in 0..12 * kept as u64 {
            // Latencies between 0.1 ms and 1 s, other ones in each second.
            let mut delta = delta(second * 10, 0, 0);
            delta.response_time.clear();
            for _ in 0..20 {
                draws = draws.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                delta.response_time.push((100 << (draws >> 28), 1));
            }
            delta.events = Counts { sent: 20, succeeded: 20, ..Counts::default() };
            timeline.add(&delta);
            timeline.note(Nanos::from_secs(second + 1), 20.0, 3, 1);
            timeline.close_before(second as u32 + 1, |_, _| {});
            if (second + 1).is_multiple_of(3 * kept as u64 / 2) {
                let of_row = |row: &Stored| {
                    let heat = row.row.heat.capacity() * size_of::<(u32, u32)>();
                    size_of::<Stored>()
                        + heat
                        + row.response_time.heap()
                        + row.service_time.heap()
                        + row.send_lag.heap()
                };
                most.push(timeline.rows.iter().map(of_row).sum::<usize>());
            }
        }
        let (rows, resolution) = timeline.history(usize::MAX);
        assert_eq!(rows.iter().map(|row| row.events.succeeded).sum::<u64>(), 12 * kept as u64 * 20);
        assert!(rows.len() <= kept && resolution == 16, "{} rows of {resolution} s", rows.len());
        let (least, largest) = (most.iter().min().unwrap(), most.iter().max().unwrap());
        // Of a whole day it is MOST_ROWS / 60 times as much.
        assert!(*largest * (MOST_ROWS / kept) < 24 << 20, "{most:?}");
        assert!(*largest < 3 * least, "at every eighth: {most:?}");
    }
}
