//! Blocks of seconds: how much a figure varies from one to the next, which is what a second run would show as well.
//!
//! Batch means with few, long blocks: each is long enough to be nearly independent of its neighbours, and Student's t
//! pays for their small number.

use crate::run::TimelineRow;

use super::interval;

/// Most blocks; more would be shorter than what lasts (a pause of a collector, a checkpoint).
const MOST: usize = 20;
/// Fewer rows than this show no variation.
const FEWEST: usize = 6;
/// Rows that a block has if there are enough.
const ROWS: usize = 5;

/// A timeline cut into blocks of nearly the same number of rows.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    /// Where each ends; empty when the run is too short to be cut.
    ends: Vec<usize>,
}

impl Blocks {
    pub(super) fn of(timeline: &[TimelineRow]) -> Self {
        let rows = timeline.len();
        if rows < FEWEST {
            return Self { ends: Vec::new() };
        }
        let count = (rows / ROWS).clamp(FEWEST, MOST);
        Self { ends: (1..=count).map(|block| block * rows / count).collect() }
    }

    /// How many standard errors an interval has on each side.
    pub(super) fn critical(&self, confidence: f64) -> f64 {
        let freedom = (!self.ends.is_empty()).then_some(self.ends.len() as f64 - 1.0);
        interval::critical(confidence, freedom)
    }

    /// Sums over each block.
    fn sums(&self, timeline: &[TimelineRow], part: impl Fn(&TimelineRow) -> (f64, f64)) -> Vec<(f64, f64)> {
        let mut start = 0;
        let mut sums = Vec::with_capacity(self.ends.len());
        for end in &self.ends {
            let rows = timeline.get(start..*end).unwrap_or_default();
            let sum = rows.iter().map(&part).fold((0.0, 0.0), |sum, (hits, count)| (sum.0 + hits, sum.1 + count));
            sums.push(sum);
            start = *end;
        }
        sums
    }

    /// How many times larger the variance of a share (hits over count) is than among independent things: the design
    /// effect of Kish (1965), here of time. At least a half, since few blocks may agree by chance.
    pub(super) fn design_effect(
        &self,
        timeline: &[TimelineRow],
        part: impl Fn(&TimelineRow) -> (f64, f64),
        share: f64,
    ) -> f64 {
        let sums = self.sums(timeline, part);
        let (hits, count) = sums.iter().fold((0.0, 0.0), |sum, block| (sum.0 + block.0, sum.1 + block.1));
        let expected = count * share * (1.0 - share);
        if sums.len() < FEWEST || expected <= 0.0 {
            return 1.0;
        }
        let mean = hits / count;
        let squares: f64 = sums.iter().map(|(hits, count)| (hits - mean * count) * (hits - mean * count)).sum();
        let blocks = sums.len() as f64;
        (squares * blocks / (blocks - 1.0) / expected).max(0.5)
    }

    /// Half the interval of a mean per second: the variation of the blocks' own means.
    pub(super) fn mean_error(
        &self,
        timeline: &[TimelineRow],
        part: impl Fn(&TimelineRow) -> f64,
        confidence: f64,
    ) -> f64 {
        let sums = self.sums(timeline, |row| (part(row), row.covered_seconds));
        let total: f64 = sums.iter().map(|(_, seconds)| seconds).sum();
        if sums.len() < FEWEST || total <= 0.0 {
            return 0.0;
        }
        let mean = sums.iter().map(|(sum, _)| sum).sum::<f64>() / total;
        let squares: f64 = sums.iter().map(|(sum, seconds)| (sum - mean * seconds) * (sum - mean * seconds)).sum();
        let blocks = sums.len() as f64;
        self.critical(confidence) * (squares * blocks / (blocks - 1.0)).sqrt() / total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::run::Counts;

    fn rows(succeeded: impl IntoIterator<Item = u64>) -> Vec<TimelineRow> {
        let row = |succeeded| TimelineRow {
            covered_seconds: 1.0,
            events: Counts { succeeded, failed: 100 - succeeded, ..Counts::default() },
            ..TimelineRow::default()
        };
        succeeded.into_iter().map(row).collect()
    }

    fn effect(rows: &[TimelineRow], share: f64) -> f64 {
        let part = |row: &TimelineRow| (row.events.succeeded as f64, 100.0);
        Blocks::of(rows).design_effect(rows, part, share)
    }

    #[test]
    fn independent_answers_have_a_design_effect_of_one() {
        let mut sum = 0.0;
        for seed in 0..40 {
            let mut draws = Stream::root(seed).draws(0);
            let mut second = || (0..100).filter(|_| draws.happens(0.3)).count() as u64;
            sum += effect(&rows(std::iter::repeat_with(&mut second).take(120).collect::<Vec<_>>()), 0.3);
        }
        assert!((0.85..1.15).contains(&(sum / 40.0)), "{}", sum / 40.0);
    }

    #[test]
    fn answers_that_share_their_fate_count_for_less() {
        let bursts = rows((0..120).map(|second| if second / 10 % 4 == 0 { 90 } else { 10 }));
        assert!(effect(&bursts, 0.3) > 100.0);
    }

    #[test]
    fn a_run_too_short_to_be_cut_is_taken_as_it_is() {
        let short = rows([50, 60, 40, 50, 50]);
        assert_eq!(effect(&short, 0.5), 1.0);
        assert_eq!(Blocks::of(&short).mean_error(&short, |row| row.events.succeeded as f64, 0.95), 0.0);
        assert_eq!(Blocks::of(&[]).critical(0.95), interval::critical(0.95, None));
    }
}
