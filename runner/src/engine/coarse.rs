//! A latency distribution small enough to keep one for every second of a day, and to merge later.

use shared::metrics::Histogram;
use shared::run::Percentiles;

/// Cells of a factor of two: each is at most 1.6 % wide, so that a percentile is right within 0.8 %.
const CELLS: u64 = 64;

/// Counts by cell, in ascending order of cell, with the exact figures beside them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coarse {
    cells: Vec<(u16, u32)>,
    exact: Percentiles,
}

impl Coarse {
    /// The small form of a histogram.
    pub(crate) fn of(histogram: &Histogram) -> Self {
        let mut coarse = Self { cells: Vec::new(), exact: histogram.percentiles() };
        for (value, count) in histogram.recorded() {
            coarse.add(cell_of(value), u32::try_from(count).unwrap_or(u32::MAX));
        }
        coarse
    }

    /// Bytes that it holds beside itself.
    #[cfg(test)]
    pub(crate) fn heap(&self) -> usize {
        self.cells.capacity() * size_of::<(u16, u32)>()
    }

    /// Both together. Percentiles of the sum are read from its cells; count, mean, least and largest stay exact.
    pub(crate) fn merge(&mut self, other: &Self) {
        let (mine, theirs) = (self.exact, other.exact);
        if theirs.count == 0 {
            return;
        }
        if mine.count == 0 {
            *self = other.clone();
            return;
        }
        let mut merged = Self::default();
        let (mut left, mut right) = (self.cells.iter().peekable(), other.cells.iter().peekable());
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) => {
                    if a.0 <= b.0 {
                        left.next()
                    } else {
                        right.next()
                    }
                }
                (Some(_), None) => left.next(),
                (None, Some(_)) => right.next(),
                (None, None) => break,
            };
            if let Some(&(cell, count)) = next {
                merged.add(cell, count);
            }
        }
        let count = mine.count + theirs.count;
        let quantile = |quantile: f64| merged.quantile(quantile, count);
        merged.exact = Percentiles {
            count,
            mean_us: (mine.mean_us * mine.count as f64 + theirs.mean_us * theirs.count as f64) / count as f64,
            min_us: mine.min_us.min(theirs.min_us),
            p50_us: quantile(0.5),
            p75_us: quantile(0.75),
            p90_us: quantile(0.9),
            p95_us: quantile(0.95),
            p99_us: quantile(0.99),
            p999_us: quantile(0.999),
            max_us: mine.max_us.max(theirs.max_us),
        };
        for figure in [
            &mut merged.exact.p50_us,
            &mut merged.exact.p75_us,
            &mut merged.exact.p90_us,
            &mut merged.exact.p95_us,
            &mut merged.exact.p99_us,
            &mut merged.exact.p999_us,
        ] {
            *figure = (*figure).clamp(merged.exact.min_us, merged.exact.max_us);
        }
        *self = merged;
    }

    /// The usual figures.
    pub(crate) fn percentiles(&self) -> Percentiles {
        self.exact
    }

    fn add(&mut self, cell: u16, count: u32) {
        match self.cells.last_mut() {
            Some((last, sum)) if *last == cell => *sum = sum.saturating_add(count),
            _ => self.cells.push((cell, count)),
        }
    }

    fn quantile(&self, quantile: f64, count: u64) -> u64 {
        let wanted = (quantile * count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for &(cell, count) in &self.cells {
            seen += u64::from(count);
            if seen >= wanted {
                return middle_of(cell);
            }
        }
        self.cells.last().map_or(0, |&(cell, _)| middle_of(cell))
    }
}

fn cell_of(value: u64) -> u16 {
    if value < CELLS {
        return value as u16;
    }
    let shift = u64::from(value.ilog2() - CELLS.ilog2());
    // Values have at most 42 bits (an hour in microseconds has 32), so that the cell fits.
    u16::try_from((shift + 1) * CELLS + (value >> shift) - CELLS).unwrap_or(u16::MAX)
}

fn middle_of(cell: u16) -> u64 {
    let cell = u64::from(cell);
    if cell < CELLS {
        return cell;
    }
    let (shift, within) = (cell / CELLS - 1, cell % CELLS);
    ((CELLS + within) << shift) + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::new();
        values.into_iter().for_each(|value| histogram.record(value));
        histogram
    }

    #[test]
    fn merged_percentiles_are_right_within_a_hundredth() {
        let parts: Vec<Vec<u64>> =
            (0..10).map(|part| (0..5_000).map(|n| 50 + (n * n * (part + 1)) % 900_000).collect()).collect();
        let whole = of(parts.iter().flatten().copied()).percentiles();
        let mut merged = Coarse::default();
        for part in &parts {
            merged.merge(&Coarse::of(&of(part.iter().copied())));
        }
        let merged = merged.percentiles();
        assert_eq!((merged.count, merged.min_us), (whole.count, whole.min_us));
        assert!((merged.mean_us - whole.mean_us).abs() < 1.0);
        for (a, b) in [
            (merged.p50_us, whole.p50_us),
            (merged.p95_us, whole.p95_us),
            (merged.p99_us, whole.p99_us),
            (merged.p999_us, whole.p999_us),
            (merged.max_us, whole.max_us),
        ] {
            assert!((a as f64 - b as f64).abs() <= b as f64 * 0.01, "{a} is not {b}");
        }
    }

    #[test]
    fn alone_it_keeps_the_exact_figures() {
        let histogram = of([1, 77, 123_456, 3_599_999_999]);
        assert_eq!(Coarse::of(&histogram).percentiles(), histogram.percentiles());
    }

    #[test]
    fn cells_rise_with_their_values() {
        let mut last = 0;
        for value in (0..40_u32).flat_map(|bits| [1_u64 << bits, (1 << bits) + (1 << bits) / 3]) {
            let cell = cell_of(value);
            assert!(cell >= last);
            assert!((middle_of(cell) as f64 - value as f64).abs() <= value as f64 * 0.008 + 0.5);
            last = cell;
        }
    }
}
