//! Choosing one of many by weight or by rank.

use super::{index, unit};

/// A choice among weighted indexes in constant time and one draw: the alias method (Walker 1977, Vose 1991).
#[derive(Clone, Debug)]
pub struct Alias {
    /// For each column: below which fraction of 2⁶⁴ its own index is taken, and which other index else.
    columns: Vec<(u64, u32)>,
}

impl Alias {
    /// A choice by weights, which must be finite, not negative, and not all zero.
    pub fn new(weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        let fits = u32::try_from(weights.len()).is_ok();
        let sound = weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0);
        if !fits || !sound || !total.is_finite() || total <= 0.0 {
            return None;
        }
        let scale = weights.len() as f64 / total;
        let mut share: Vec<f64> = weights.iter().map(|weight| weight * scale).collect();
        let mut columns: Vec<(u64, u32)> = (0..weights.len()).map(|column| (u64::MAX, column as u32)).collect();
        let mut small: Vec<usize> = Vec::new();
        let mut large: Vec<usize> = Vec::new();
        for (column, value) in share.iter().enumerate() {
            if *value < 1.0 { small.push(column) } else { large.push(column) }
        }
        while let (Some(short), Some(long)) = (small.pop(), large.last().copied()) {
            columns[short] = ((share[short] * 18_446_744_073_709_551_616.0) as u64, long as u32);
            share[long] -= 1.0 - share[short];
            if share[long] < 1.0 {
                large.pop();
                small.push(long);
            }
        }
        // What is left on either side is 1 but for rounding; a zero weight must still never be chosen.
        for column in small {
            if weights[column] == 0.0 {
                let heaviest = (0..weights.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b])).unwrap_or(0);
                columns[column] = (0, heaviest as u32);
            }
        }
        Some(Self { columns })
    }

    /// The index that a word chooses.
    pub fn pick(&self, word: u64) -> usize {
        let product = u128::from(word) * self.columns.len() as u128;
        let column = (product >> 64) as usize;
        // The low half of the product is the draw's place inside the column.
        let (threshold, other) = self.columns[column];
        if (product as u64) < threshold || threshold == u64::MAX { column } else { other as usize }
    }

    /// How many indexes there are.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

/// Up to this many ranks a Zipf choice keeps a table.
const ZIPF_TABLE: u64 = 65_536;

/// A choice among ranks 0, 1, 2, ... where rank r weighs `1 / (r + 1)^exponent`.
#[derive(Clone, Debug)]
pub enum Zipf {
    /// Few ranks: a table.
    Table(Alias),
    /// Many ranks: rejection-inversion (Hörmann and Derflinger 1996).
    Inversion {
        /// How many ranks.
        count: u64,
        /// The exponent.
        exponent: f64,
        /// Integral up to the first rank.
        low: f64,
        /// Integral up to the last rank.
        high: f64,
        /// Below this distance from a rank the candidate is taken at once.
        shortcut: f64,
    },
}

impl Zipf {
    /// A choice among `count` ranks (at least one) with an exponent of at least zero.
    pub fn new(count: u64, exponent: f64) -> Self {
        let count = count.max(1);
        let exponent = if exponent.is_finite() { exponent.max(0.0) } else { 0.0 };
        if count <= ZIPF_TABLE {
            let weights: Vec<f64> = (1..=count).map(|rank| libm::pow(rank as f64, -exponent)).collect();
            if let Some(table) = Alias::new(&weights) {
                return Self::Table(table);
            }
        }
        Self::formula(count, exponent)
    }

    /// The same without a table: nothing to build, more to compute per draw.
    pub fn formula(count: u64, exponent: f64) -> Self {
        let count = count.max(1);
        let exponent = if exponent.is_finite() { exponent.max(0.0) } else { 0.0 };
        let low = zipf_integral(1.5, exponent) - 1.0;
        let high = zipf_integral(count as f64 + 0.5, exponent);
        let shortcut = 2.0 - zipf_inverse(zipf_integral(2.5, exponent) - libm::pow(2.0, -exponent), exponent);
        Self::Inversion { count, exponent, low, high, shortcut }
    }

    /// The rank that a sequence of draws chooses, from 0.
    pub fn pick(&self, draws: &mut super::Draws) -> u64 {
        match self {
            Self::Table(table) => table.pick(draws.word()) as u64,
            Self::Inversion { count, exponent, low, high, shortcut } => loop {
                let u = high + unit(draws.word()) * (low - high);
                let x = zipf_inverse(u, *exponent);
                let rank = libm::floor(x + 0.5).clamp(1.0, *count as f64);
                let near = rank - x <= *shortcut;
                if near || u >= zipf_integral(rank + 0.5, *exponent) - libm::pow(rank, -exponent) {
                    return rank as u64 - 1;
                }
            },
        }
    }
}

/// The integral of `x^-exponent`, zero at 1.
fn zipf_integral(x: f64, exponent: f64) -> f64 {
    let log = libm::log(x);
    let t = (1.0 - exponent) * log;
    // expm1(t)/t, and its limit where t vanishes.
    let quotient = if t.abs() > 1e-8 { libm::expm1(t) / t } else { 1.0 + t / 2.0 };
    quotient * log
}

/// The inverse of [`zipf_integral`].
fn zipf_inverse(value: f64, exponent: f64) -> f64 {
    let t = (value * (1.0 - exponent)).max(-1.0);
    let quotient = if t.abs() > 1e-8 { libm::log1p(t) / t } else { 1.0 - t / 2.0 };
    libm::exp(quotient * value)
}

/// Picks evenly among `count` indexes.
pub fn even(word: u64, count: usize) -> usize {
    index(word, count as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn shares_follow_weights() {
        let weights = [15.0, 5.0, 5.0, 3.0, 40.0, 15.0, 7.0, 3.0, 2.0, 2.0, 1.0, 2.0, 0.0];
        let alias = Alias::new(&weights).unwrap();
        let total: f64 = weights.iter().sum();
        let mut counts = [0_u64; 13];
        let draws = 200_000;
        for step in 0..draws {
            counts[alias.pick(Stream::root(4).child(step).word(9))] += 1;
        }
        assert_eq!(counts[12], 0, "a weight of zero was chosen");
        let mut chi_squared = 0.0;
        for (count, weight) in counts.iter().zip(&weights).take(12) {
            let expected = draws as f64 * weight / total;
            chi_squared += (*count as f64 - expected) * (*count as f64 - expected) / expected;
        }
        // 11 degrees of freedom: 1 in 10,000 lies above 37.4.
        assert!(chi_squared < 37.4, "{chi_squared}: {counts:?}");
    }

    #[test]
    fn unsound_weights_are_refused() {
        for weights in [&[][..], &[0.0, 0.0], &[-1.0, 2.0], &[f64::NAN], &[f64::INFINITY]] {
            assert!(Alias::new(weights).is_none(), "{weights:?}");
        }
        assert_eq!(Alias::new(&[3.0]).unwrap().pick(u64::MAX), 0);
        let zeros = Alias::new(&[0.0, 1.0, 0.0]).unwrap();
        assert!((0..1000).all(|step| zeros.pick(Stream::root(4).child(step).word(9)) == 1));
    }

    #[test]
    fn the_table_and_the_formula_of_zipf_agree() {
        // Just above the table's size, so that the formula is used; compared with exact shares.
        let (count, exponent) = (ZIPF_TABLE + 1, 0.9);
        let zipf = Zipf::new(count, exponent);
        assert!(matches!(zipf, Zipf::Inversion { .. }));
        let total: f64 = (1..=count).map(|rank| libm::pow(rank as f64, -exponent)).sum();
        let draws = 300_000;
        let mut first = [0_u64; 5];
        for step in 0..draws {
            let rank = zipf.pick(&mut Stream::root(8).child(step).draws(1));
            assert!(rank < count);
            if let Some(slot) = first.get_mut(rank as usize) {
                *slot += 1;
            }
        }
        for (rank, got) in first.iter().enumerate() {
            let share = libm::pow(rank as f64 + 1.0, -exponent) / total;
            let expected = share * draws as f64;
            assert!((*got as f64 - expected).abs() < 5.0 * expected.sqrt(), "rank {rank}: {got}, expected {expected}");
        }
        let one = Zipf::new(ZIPF_TABLE * 2, 1.0);
        assert!(one.pick(&mut Stream::root(8).draws(1)) < ZIPF_TABLE * 2);
    }
}
