//! A latency distribution of one moment: as exact as [`Histogram`], and emptied at the cost of what it holds.

use shared::metrics::Histogram;

/// Values below this have a cell each; above, each factor of two has half as many: HDR's own 3 digits.
const EXACT: u64 = 2_048;
const HALF: u64 = EXACT / 2;
/// One hour, where the histogram ends.
const HIGHEST_US: u64 = 3_600_000_000;
/// Cells up to there: `cell_of(HIGHEST_US) + 1`, rounded up to the octave.
const CELLS: usize = (EXACT + 21 * HALF) as usize;

/// Counts by cell that know which cells they touched.
///
/// A worker keeps these and hands on what is in them ten times a second: merging and clearing whole histograms would
/// cost the same with ten values as with ten thousand.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    counts: Box<[u32]>,
    touched: Vec<u16>,
}

/// What a [`Tally`] held: a value of each touched cell (to HDR's 3 digits) with its count.
pub(crate) type Distribution = Vec<(u32, u32)>;

impl Tally {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; CELLS].into_boxed_slice(), touched: Vec::new() }
    }

    /// Records a value several times.
    pub(crate) fn record(&mut self, value_us: u64, count: u32) {
        let cell = cell_of(value_us);
        let held = &mut self.counts[usize::from(cell)];
        if *held == 0 {
            self.touched.push(cell);
        }
        *held = held.saturating_add(count);
    }

    /// Takes everything out.
    pub(crate) fn drain(&mut self) -> Distribution {
        let mut taken = Vec::with_capacity(self.touched.len());
        for cell in self.touched.drain(..) {
            let count = std::mem::take(&mut self.counts[usize::from(cell)]);
            if count > 0 {
                taken.push((value_of(cell), count));
            }
        }
        taken
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

/// Adds what a tally held to a histogram.
pub(crate) fn add_to(histogram: &mut Histogram, distribution: &Distribution) {
    for &(value, count) in distribution {
        histogram.record_n(u64::from(value), u64::from(count));
    }
}

fn cell_of(value_us: u64) -> u16 {
    let value = value_us.min(HIGHEST_US);
    if value < EXACT {
        return value as u16;
    }
    // How many low bits the cell does not tell apart: 1 in [2048, 4096), 2 in [4096, 8192), ...
    let shift = u64::from(value.ilog2() - EXACT.ilog2() + 1);
    (EXACT + (shift - 1) * HALF + (value >> shift) - HALF) as u16
}

/// The middle of a cell, so that means are not biased.
fn value_of(cell: u16) -> u32 {
    let cell = u64::from(cell);
    if cell < EXACT {
        return cell as u32;
    }
    let (shift, within) = ((cell - EXACT) / HALF + 1, (cell - EXACT) % HALF);
    (((HALF + within) << shift) + (1 << (shift - 1))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values over the whole range, dense where people look.
    fn values() -> impl Iterator<Item = u64> {
        let mut value = 0.0_f64;
        std::iter::from_fn(move || {
            value = value * 1.001 + 1.0;
            (value < HIGHEST_US as f64).then_some(value as u64)
        })
    }

    #[test]
    fn a_cell_holds_values_that_agree_in_three_digits() {
        let mut last = 0;
        for value in values() {
            let cell = cell_of(value);
            assert!(cell >= last && usize::from(cell) < CELLS);
            assert_eq!(cell_of(u64::from(value_of(cell))), cell);
            assert!((f64::from(value_of(cell)) - value as f64).abs() <= value as f64 * 0.0006 + 0.5, "{value}");
            last = cell;
        }
        assert!(usize::from(cell_of(u64::MAX)) < CELLS);
    }

    #[test]
    fn a_histogram_through_a_tally_is_the_histogram() {
        let (mut direct, mut through, mut tally) = (Histogram::new(), Histogram::new(), Tally::new());
        for value in values() {
            direct.record(value);
            tally.record(value, 1);
            if value % 7 == 0 {
                add_to(&mut through, &tally.drain());
            }
        }
        add_to(&mut through, &tally.drain());
        assert_eq!(through.count(), direct.count());
        for quantile in [0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0] {
            let (a, b) = (through.quantile_us(quantile), direct.quantile_us(quantile));
            // HDR shows the top of a cell, but never more than the largest value, which the tally rounds to its cell.
            assert!((a as f64 - b as f64).abs() <= b as f64 * 0.001, "{a} is not {b} at {quantile}");
        }
        assert!(tally.drain().is_empty());
    }
}
