//! What a threshold has seen: of the whole scope, or of the newest stretch of it, in memory that does not grow.

use std::collections::{BTreeMap, VecDeque};

/// Parts that a window is kept in; a longer window moves in longer steps.
const PARTS_PER_WINDOW: f64 = 60.0;

/// What one stretch of time showed of one figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// Measured times in microseconds, with their counts, ascending.
    pub times: Vec<(u64, u64)>,
    /// Their sum.
    pub sum_us: f64,
    /// What is counted; for a ratio, what is above the line.
    pub top: u64,
    /// For a ratio, what is below the line.
    pub bottom: u64,
    /// Seconds covered.
    pub seconds: f64,
}

/// The sum of several [`Seen`], from which the oldest can be taken away again.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    times: BTreeMap<u64, u64>,
    pub(super) times_count: u64,
    pub(super) sum_us: f64,
    pub(super) top: u64,
    pub(super) bottom: u64,
    pub(super) seconds: f64,
}

impl Tally {
    pub(super) fn add(&mut self, seen: &Seen) {
        for (value, count) in &seen.times {
            *self.times.entry(*value).or_default() += count;
            self.times_count += count;
        }
        self.sum_us += seen.sum_us;
        self.top += seen.top;
        self.bottom += seen.bottom;
        self.seconds += seen.seconds;
    }

    fn take_away(&mut self, seen: &Seen) {
        for (value, count) in &seen.times {
            if let Some(kept) = self.times.get_mut(value) {
                *kept = kept.saturating_sub(*count);
                if *kept == 0 {
                    self.times.remove(value);
                }
            }
            self.times_count = self.times_count.saturating_sub(*count);
        }
        self.sum_us -= seen.sum_us;
        self.top = self.top.saturating_sub(seen.top);
        self.bottom = self.bottom.saturating_sub(seen.bottom);
        self.seconds -= seen.seconds;
    }

    /// The value at a quantile (0 to 1); none before anything was measured.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let rank = (libm::ceil(quantile * self.times_count as f64) as u64).clamp(1, self.times_count.max(1));
        let mut below = 0;
        self.times.iter().find_map(|(value, count)| {
            below += count;
            (below >= rank).then_some(*value as f64)
        })
    }
}

/// The newest stretch of a run, at least `length` seconds and at most a sixtieth (or a second) longer.
#[derive(Clone, Debug)]
pub(super) struct Window {
    length: f64,
    part_length: f64,
    parts: VecDeque<Part>,
    pub(super) tally: Tally,
}

#[derive(Clone, Debug)]
struct Part {
    start: f64,
    end: f64,
    seen: Seen,
}

impl Window {
    pub(super) fn new(length: f64) -> Self {
        let part_length = (length / PARTS_PER_WINDOW).max(1.0);
        Self { length, part_length, parts: VecDeque::new(), tally: Tally::default() }
    }

    /// Adds what was seen up to a moment and lets go of what is too old.
    pub(super) fn add(&mut self, end: f64, seen: &Seen) {
        self.tally.add(seen);
        match self.parts.back_mut() {
            Some(part) if end - part.start <= self.part_length + 1e-9 => part.take(end, seen),
            _ => self.parts.push_back(Part { start: end - seen.seconds, end, seen: seen.clone() }),
        }
        while let Some(oldest) = self.parts.front() {
            if oldest.end > end - self.length + 1e-9 {
                break;
            }
            self.tally.take_away(&oldest.seen);
            self.parts.pop_front();
        }
    }

    /// Whether the window has its whole length.
    pub(super) fn is_full(&self) -> bool {
        match (self.parts.front(), self.parts.back()) {
            (Some(oldest), Some(newest)) => newest.end - oldest.start >= self.length - 1e-9,
            _ => false,
        }
    }
}

impl Part {
    fn take(&mut self, end: f64, seen: &Seen) {
        self.end = end;
        let mut merged = BTreeMap::from_iter(self.seen.times.drain(..));
        for (value, count) in &seen.times {
            *merged.entry(*value).or_default() += count;
        }
        self.seen.times = merged.into_iter().collect();
        self.seen.sum_us += seen.sum_us;
        self.seen.top += seen.top;
        self.seen.bottom += seen.bottom;
        self.seen.seconds += seen.seconds;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(times: &[(u64, u64)]) -> Seen {
        Seen { times: times.to_vec(), seconds: 1.0, top: 1, bottom: 2, ..Seen::default() }
    }

    #[test]
    fn a_window_holds_its_length_and_no_more() {
        let mut window = Window::new(5.0);
        for end in 1..=20_u32 {
            window.add(f64::from(end), &second(&[(u64::from(end), 1)]));
            assert_eq!(window.is_full(), end >= 5);
        }
        assert_eq!(window.tally.times_count, 5);
        assert_eq!(window.tally.quantile(0.0), Some(16.0));
        assert_eq!(window.tally.quantile(1.0), Some(20.0));
        assert_eq!((window.tally.top, window.tally.bottom), (5, 10));
    }

    #[test]
    fn a_long_window_keeps_few_parts() {
        let mut window = Window::new(3_600.0);
        for end in 1..=10_000_u32 {
            window.add(f64::from(end), &second(&[(u64::from(end % 100), 3)]));
            assert!(window.parts.len() <= 62);
        }
        assert!(window.is_full());
        assert!((3_600.0..=3_660.0).contains(&window.tally.seconds), "{}", window.tally.seconds);
        assert!(window.tally.times.len() <= 100);
    }

    #[test]
    fn quantiles_are_ranks() {
        let mut tally = Tally::default();
        assert_eq!(tally.quantile(0.5), None);
        tally.add(&second(&[(10, 50), (20, 45), (30, 5)]));
        assert_eq!(tally.quantile(0.5), Some(10.0));
        assert_eq!(tally.quantile(0.95), Some(20.0));
        assert_eq!(tally.quantile(0.951), Some(30.0));
    }
}
