//! Counts arrivals over time against the schedule: by hour of the day, by weekday, and along the run.

use crate::plan::{Planned, Schedule};
use crate::realism::Row;
use crate::units::{EpochMicros, Nanos};

use super::shares_row;

/// Slices of the run's time; their width doubles when the run outgrows them.
const SLICES: usize = 64;
/// Slices shown in a row.
const SHOWN: usize = 8;
/// The first width, in nanoseconds.
const FIRST_WIDTH: u64 = 1_000_000;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// Hours over which the schedule is summed at most: more than a hundred years.
const MAX_HOURS: u64 = 1_000_000;
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// 1970 began on a Thursday.
const FIRST_WEEKDAY: i64 = 3;

/// Arrivals of one workload.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    schedule: Schedule,
    start: EpochMicros,
    every_event: bool,
    total: u64,
    hours: [u64; 24],
    weekdays: [u64; 7],
    slices: [u64; SLICES],
    width: u64,
    last: Nanos,
    /// One event in so many is counted.
    pub(super) one_in: u64,
}

impl Arrivals {
    pub(super) fn new(schedule: Schedule, start: EpochMicros, every_event: bool) -> Self {
        Self {
            schedule,
            start,
            every_event,
            total: 0,
            hours: [0; 24],
            weekdays: [0; 7],
            slices: [0; SLICES],
            width: FIRST_WIDTH,
            last: Nanos::ZERO,
            one_in: 1,
        }
    }

    pub(super) fn multiply(&mut self, at: Nanos, multiplier: f64) {
        self.schedule.set_multiplier(at, multiplier);
    }

    pub(super) fn observe(&mut self, planned: &Planned) {
        if !self.every_event && planned.step > 0 {
            return;
        }
        self.total += 1;
        let (hour, weekday) = place(self.start.plus(planned.due));
        self.hours[hour] += 1;
        self.weekdays[weekday] += 1;
        self.last = self.last.max(planned.due);
        self.reach(planned.due);
        self.slices[self.slice(planned.due)] += 1;
    }

    /// Widens the slices until they hold a moment.
    fn reach(&mut self, due: Nanos) {
        while due.0 / self.width >= SLICES as u64 {
            for slice in 0..SLICES {
                self.slices[slice] =
                    if slice < SLICES / 2 { self.slices[2 * slice] + self.slices[2 * slice + 1] } else { 0 };
            }
            self.width *= 2;
        }
    }

    fn slice(&self, due: Nanos) -> usize {
        ((due.0 / self.width) as usize).min(SLICES - 1)
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        self.last = self.last.max(other.last);
        self.reach(other.last);
        other.reach(self.last);
        self.total += other.total;
        self.hours.iter_mut().zip(other.hours).for_each(|(mine, theirs)| *mine += theirs);
        self.weekdays.iter_mut().zip(other.weekdays).for_each(|(mine, theirs)| *mine += theirs);
        self.slices.iter_mut().zip(other.slices).for_each(|(mine, theirs)| *mine += theirs);
    }

    pub(super) fn rows(&self, workload: &str) -> Vec<Row> {
        let window = self.window();
        if self.total == 0 || window == Nanos::ZERO {
            return Vec::new();
        }
        let mut rows = vec![self.curve_row(workload, window)];
        let (hours, weekdays) = self.expected(window);
        if window.as_secs_f64() >= 6.0 * 3_600.0 {
            let names = (0..24).map(|hour| format!("{hour:02}:00 UTC")).collect();
            rows.push(seen_row(format!("hour of day of {workload}"), names, &self.hours, &hours));
        }
        if window.as_secs_f64() >= 2.0 * 86_400.0 {
            let names = WEEKDAYS.map(str::to_owned).to_vec();
            rows.push(seen_row(format!("weekday of {workload}"), names, &self.weekdays, &weekdays));
        }
        rows
    }

    /// How much of the schedule was emitted: all of it, or up to where somebody stopped.
    fn window(&self) -> Nanos {
        match self.schedule.end() {
            Some(end) => {
                let expected = self.schedule.expected_until(end) / self.one_in as f64;
                let whole = self.total as f64 >= expected - 5.0 * libm::sqrt(expected) - 1.0;
                if whole { end } else { self.last }
            }
            None => self.last,
        }
    }

    fn curve_row(&self, workload: &str, window: Nanos) -> Row {
        let used = self.slice(window) + 1;
        let per_row = used.div_ceil(SHOWN);
        let (mut names, mut counts, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = 0;
        while first < used {
            let last = (first + per_row).min(used);
            let from = Nanos(self.width.saturating_mul(first as u64)).min(window);
            let to = Nanos(self.width.saturating_mul(last as u64)).min(window);
            counts.push(self.slices[first..last].iter().sum());
            shares.push(self.schedule.expected_until(to) - self.schedule.expected_until(from));
            names.push(format!("{} to {}", coarse(from), coarse(to)));
            first = last;
        }
        shares_row(format!("arrivals of {workload}"), names, &counts, &shares, 0, None)
    }

    /// Expected arrivals by hour of the day and by weekday.
    fn expected(&self, window: Nanos) -> ([f64; 24], [f64; 7]) {
        let (mut hours, mut weekdays) = ([0.0; 24], [0.0; 7]);
        let mut at = Nanos::ZERO;
        let mut before = 0.0;
        for _ in 0..MAX_HOURS {
            let moment = self.start.plus(at);
            let into_hour = moment.0.rem_euclid(HOUR_US);
            let next = at.saturating_add(Nanos(((HOUR_US - into_hour) as u64) * 1_000)).min(window);
            let expected = self.schedule.expected_until(next);
            let (hour, weekday) = place(moment);
            hours[hour] += expected - before;
            weekdays[weekday] += expected - before;
            before = expected;
            at = next;
            if at >= window {
                break;
            }
        }
        (hours, weekdays)
    }
}

/// A row of those parts of the clock that the window has.
fn seen_row(what: String, names: Vec<String>, counts: &[u64], shares: &[f64]) -> Row {
    let seen = |index: &usize| shares[*index] > 0.0 || counts[*index] > 0;
    let kept: Vec<usize> = (0..names.len()).filter(seen).collect();
    let counts: Vec<u64> = kept.iter().map(|index| counts[*index]).collect();
    let shares: Vec<f64> = kept.iter().map(|index| shares[*index]).collect();
    let names = kept.iter().map(|index| names[*index].clone()).collect();
    shares_row(what, names, &counts, &shares, 0, None)
}

/// Hour of the day and weekday in UTC.
fn place(moment: EpochMicros) -> (usize, usize) {
    let hour = moment.0.rem_euclid(DAY_US) / HOUR_US;
    let weekday = (moment.0.div_euclid(DAY_US) + FIRST_WEEKDAY).rem_euclid(7);
    (hour as usize, weekday as usize)
}

/// A span without the small change.
fn coarse(span: Nanos) -> Nanos {
    let grain = match span.0 {
        0..1_000_000_000 => 1_000_000,
        1_000_000_000..60_000_000_000 => 100_000_000,
        60_000_000_000..3_600_000_000_000 => 1_000_000_000,
        _ => 60_000_000_000,
    };
    Nanos((span.0 + grain / 2) / grain * grain)
}
