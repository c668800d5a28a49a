//! Latency histograms of constant size and the cells of the latency heat map.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

use crate::run::{Latency, Percentiles};

/// Smallest and largest value that a histogram tells apart, in microseconds: 1 µs and 1 h.
const LOWEST_US: u64 = 1;
const HIGHEST_US: u64 = 3_600_000_000;
/// Significant digits kept.
const DIGITS: u8 = 3;

/// A latency distribution in microseconds: 3 significant digits from 1 µs to 1 h in a size that never grows.
#[derive(Clone, Debug)]
pub struct Histogram {
    inner: hdrhistogram::Histogram<u64>,
    /// HDR keeps buckets only; the exact sum makes the mean exact.
    sum_us: u128,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty distribution.
    #[expect(clippy::expect_used, reason = "the bounds are constants that the library accepts; a test holds it")]
    pub fn new() -> Self {
        let inner =
            hdrhistogram::Histogram::new_with_bounds(LOWEST_US, HIGHEST_US, DIGITS).expect("constant bounds are valid");
        Self { inner, sum_us: 0 }
    }

    /// Records one value; what lies outside the range is recorded at its edge.
    pub fn record(&mut self, value_us: u64) {
        self.record_n(value_us, 1);
    }

    /// Records the same value several times.
    pub fn record_n(&mut self, value_us: u64, count: u64) {
        self.inner.saturating_record_n(value_us, count);
        self.sum_us += u128::from(value_us) * u128::from(count);
    }

    /// Adds every value of another distribution; exact.
    pub fn merge(&mut self, other: &Self) {
        // Same bounds on both sides, so that adding cannot fail.
        let added = self.inner.add(&other.inner);
        debug_assert!(added.is_ok(), "histograms share their bounds");
        self.sum_us += other.sum_us;
    }

    /// Forgets every value, keeps the memory.
    pub fn clear(&mut self) {
        self.inner.reset();
        self.sum_us = 0;
    }

    /// How many values it holds.
    pub fn count(&self) -> u64 {
        self.inner.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// The value at a quantile (0 to 1), in microseconds; 0 when empty.
    pub fn quantile_us(&self, quantile: f64) -> u64 {
        if self.is_empty() { 0 } else { self.inner.value_at_quantile(quantile).min(self.inner.max()) }
    }

    /// The usual figures.
    pub fn percentiles(&self) -> Percentiles {
        if self.is_empty() {
            return Percentiles::default();
        }
        Percentiles {
            count: self.count(),
            mean_us: self.sum_us as f64 / self.count() as f64,
            min_us: self.inner.min(),
            p50_us: self.quantile_us(0.5),
            p75_us: self.quantile_us(0.75),
            p90_us: self.quantile_us(0.9),
            p95_us: self.quantile_us(0.95),
            p99_us: self.quantile_us(0.99),
            p999_us: self.quantile_us(0.999),
            max_us: self.inner.max(),
        }
    }

    /// The figures together with the histogram itself.
    pub fn latency(&self) -> Latency {
        Latency { percentiles: self.percentiles(), hdr: self.to_base64() }
    }

    /// The histogram in HDR's V2 format, base64.
    pub fn to_base64(&self) -> String {
        let mut bytes = Vec::new();
        // Writing to memory fails only for values wider than the format, which the bounds exclude.
        let written = V2Serializer::new().serialize(&self.inner, &mut bytes);
        debug_assert!(written.is_ok(), "the bounds fit the format");
        STANDARD.encode(bytes)
    }

    /// Reads what [`Histogram::to_base64`] wrote. The mean is that of the buckets, since the format has no sum.
    ///
    /// # Errors
    ///
    /// Says why the text is not such a histogram.
    pub fn from_base64(text: &str) -> Result<Self, String> {
        let bytes = STANDARD.decode(text).map_err(|error| format!("not base64: {error}"))?;
        let read: hdrhistogram::Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| format!("not an HDR histogram: {error}"))?;
        let mut histogram = Self::new();
        for step in read.iter_recorded() {
            histogram.record_n(step.value_iterated_to(), step.count_at_value());
        }
        Ok(histogram)
    }

    /// The histogram in the library's own type, for formats that the library writes.
    pub fn as_hdr(&self) -> &hdrhistogram::Histogram<u64> {
        &self.inner
    }

    /// Every distinct value with its count, ascending; values stand for all that three digits do not tell apart, by the
    /// largest of them.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.inner.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()))
    }

    /// The smallest and the largest value that three digits do not tell from this one.
    pub fn alike_us(&self, value_us: u64) -> (u64, u64) {
        (self.inner.lowest_equivalent(value_us), self.inner.highest_equivalent(value_us))
    }

    /// Counts by heat-map cell, sparse, in ascending order of cell.
    pub fn heat(&self) -> Vec<(u16, u32)> {
        let mut cells: Vec<(u16, u32)> = Vec::new();
        for step in self.inner.iter_recorded() {
            let cell = heat_cell(step.value_iterated_to());
            let count = u32::try_from(step.count_at_value()).unwrap_or(u32::MAX);
            match cells.last_mut() {
                Some((last, sum)) if *last == cell => *sum = sum.saturating_add(count),
                _ => cells.push((cell, count)),
            }
        }
        cells
    }
}

/// Cells that a factor of two in latency is cut into.
const CELLS_PER_OCTAVE: u64 = 4;

/// The heat-map cell of a latency: four cells per factor of two, cell 0 ends at 1 µs.
pub fn heat_cell(value_us: u64) -> u16 {
    let value = value_us.max(1);
    let octave = u64::from(value.ilog2());
    // Position inside the octave by its quarter: linear inside, which is what HDR itself does.
    let quarter = ((value - (1 << octave)) * CELLS_PER_OCTAVE) >> octave;
    u16::try_from(octave * CELLS_PER_OCTAVE + quarter).unwrap_or(u16::MAX)
}

/// The smallest latency of a heat-map cell, in microseconds; the inverse of [`heat_cell`].
pub fn heat_cell_floor_us(cell: u16) -> f64 {
    let octave = u64::from(cell) / CELLS_PER_OCTAVE;
    let quarter = u64::from(cell) % CELLS_PER_OCTAVE;
    let base = (1_u64 << octave.min(62)) as f64;
    base + base * quarter as f64 / CELLS_PER_OCTAVE as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_to_three_digits() {
        let mut histogram = Histogram::new();
        for value in 1..=100_000 {
            histogram.record(value);
        }
        let figures = histogram.percentiles();
        assert_eq!(figures.count, 100_000);
        assert!((figures.mean_us - 50_000.5).abs() < 1e-9);
        for (got, want) in [(figures.p50_us, 50_000.0), (figures.p99_us, 99_000.0), (figures.p999_us, 99_900.0)] {
            assert!((got as f64 - want).abs() / want < 0.001, "{got} is not within 0.1 % of {want}");
        }
    }

    #[test]
    fn merging_is_the_same_as_recording_everything_in_one() {
        let (mut one, mut left, mut right) = (Histogram::new(), Histogram::new(), Histogram::new());
        for value in [1, 5, 40, 999, 12_345, 3_000_000_000, 9_999_999_999] {
            one.record(value);
            if value % 2 == 0 { left.record(value) } else { right.record(value) }
        }
        left.merge(&right);
        assert_eq!(left.percentiles(), one.percentiles());
        assert_eq!(left.to_base64(), one.to_base64());
    }

    #[test]
    fn a_histogram_survives_base64() {
        let mut histogram = Histogram::new();
        histogram.record_n(250, 3);
        histogram.record(80_000);
        let back = Histogram::from_base64(&histogram.to_base64()).unwrap();
        assert_eq!(back.count(), 4);
        assert_eq!(back.quantile_us(0.5), histogram.quantile_us(0.5));
    }

    #[test]
    fn an_empty_histogram_has_zeros_not_nonsense() {
        assert_eq!(Histogram::new().percentiles(), Percentiles::default());
    }

    #[test]
    fn heat_cells_rise_with_latency_and_know_their_floor() {
        let mut last = 0;
        for value in 1..100_000 {
            let cell = heat_cell(value);
            assert!(cell >= last);
            assert!(heat_cell_floor_us(cell) <= value as f64);
            assert!(heat_cell_floor_us(cell + 1) > value as f64 || value < 4);
            last = cell;
        }
    }
}
