//! The continuous and counting distributions, each from its own draws, on `libm` so that every machine agrees.

use super::{Draws, quantile};

/// The standard normal quantile of 0.99.
const Z_99: f64 = 2.326_347_874_040_841;

/// A normal number; one draw, by inversion.
pub fn normal(draws: &mut Draws, mean: f64, sd: f64) -> f64 {
    mean + sd * quantile::normal(draws.open_unit())
}

/// A log-normal distribution by the parameters of its logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogNormal {
    /// Mean of the logarithm.
    pub mu: f64,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
}

impl LogNormal {
    /// From the median and the 99th percentile, both above zero.
    pub fn from_percentiles(p50: f64, p99: f64) -> Self {
        let mu = libm::log(p50.max(f64::MIN_POSITIVE));
        let sigma = (libm::log(p99.max(f64::MIN_POSITIVE)) - mu) / Z_99;
        Self { mu, sigma: sigma.max(0.0) }
    }

    /// From the mean and the coefficient of variation (standard deviation over mean), both above zero.
    pub fn from_mean(mean: f64, cv: f64) -> Self {
        let variance = libm::log(1.0 + cv * cv);
        Self { mu: libm::log(mean.max(f64::MIN_POSITIVE)) - variance / 2.0, sigma: libm::sqrt(variance) }
    }

    /// A number of this distribution; one draw.
    pub fn sample(&self, draws: &mut Draws) -> f64 {
        libm::exp(normal(draws, self.mu, self.sigma))
    }
}

/// An exponential number of a mean; one draw.
pub fn exponential(draws: &mut Draws, mean: f64) -> f64 {
    -mean * libm::log(draws.open_unit())
}

/// A Pareto number: at least `scale`, with a tail of exponent `shape`; one draw.
pub fn pareto(draws: &mut Draws, scale: f64, shape: f64) -> f64 {
    scale * libm::pow(draws.open_unit(), -1.0 / shape)
}

/// A Weibull number; a shape below 1 means that those who stayed stay; one draw.
pub fn weibull(draws: &mut Draws, scale: f64, shape: f64) -> f64 {
    scale * libm::pow(-libm::log(draws.open_unit()), 1.0 / shape)
}

/// A gamma number of mean `shape · scale`; draws until one is taken.
///
/// Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
pub fn gamma(draws: &mut Draws, shape: f64, scale: f64) -> f64 {
    if shape < 1.0 {
        // A gamma of a smaller shape is one of a larger shape times a power of a uniform.
        let boost = libm::pow(draws.open_unit(), 1.0 / shape);
        return gamma(draws, shape + 1.0, scale) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = quantile::normal(draws.open_unit());
        let v = 1.0 + c * x;
        if v <= 0.0 {
            continue;
        }
        let v = v * v * v;
        let u = draws.open_unit();
        if libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v * scale;
        }
    }
}

/// Above this mean a Poisson number is found by rejection, below it by multiplying up.
const POISSON_BY_REJECTION: f64 = 30.0;

/// A Poisson number of a mean (at most 2⁶²); 0 for means that are not above zero.
///
/// Knuth's product for small means, Hörmann's PTRS (1993) for large ones.
pub fn poisson(draws: &mut Draws, mean: f64) -> u64 {
    if mean.is_nan() || mean <= 0.0 {
        return 0;
    }
    if mean < POISSON_BY_REJECTION {
        let limit = libm::exp(-mean);
        let mut product = draws.open_unit();
        let mut count = 0;
        while product > limit {
            product *= draws.open_unit();
            count += 1;
        }
        return count;
    }
    let mean = mean.min(4.0e18);
    let log_mean = libm::log(mean);
    let b = 0.931 + 2.53 * libm::sqrt(mean);
    let a = -0.059 + 0.024_83 * b;
    let inverse_alpha = 1.123_9 + 1.132_8 / (b - 3.4);
    let v_r = 0.927_7 - 3.622_4 / (b - 2.0);
    loop {
        let u = draws.unit() - 0.5;
        let v = draws.open_unit();
        let us = 0.5 - u.abs();
        let k = libm::floor((2.0 * a / us + b) * u + mean + 0.43);
        if us >= 0.07 && v <= v_r {
            return k as u64;
        }
        if k < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let left = libm::log(v) + libm::log(inverse_alpha) - libm::log(a / (us * us) + b);
        if left <= k * log_mean - mean - libm::lgamma(k + 1.0) {
            return k as u64;
        }
    }
}

/// A geometric distribution cut to `low..=high`: each step up is `ratio` times as likely as the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CutGeometric {
    low: i64,
    steps: i64,
    ratio: f64,
}

impl CutGeometric {
    /// The one on `low..=high` whose mean is `mean`; a mean outside the range is met as closely as can be.
    pub fn with_mean(low: i64, high: i64, mean: f64) -> Self {
        let steps = high.saturating_sub(low).clamp(0, 1_000_000);
        let wanted = (mean - low as f64).clamp(0.0, steps as f64);
        // The mean rises with the ratio; a ratio above 1 leans to the high end.
        let (mut below, mut above) = (0.0_f64, 1.0e6_f64);
        for _ in 0..200 {
            // Halving on the scale of r/(1+r) treats both directions alike.
            let middle = {
                let (x, y) = (below / (1.0 + below), above / (1.0 + above));
                let z = (x + y) / 2.0;
                z / (1.0 - z)
            };
            if cut_geometric_mean(middle, steps) < wanted { below = middle } else { above = middle }
        }
        Self { low, steps, ratio: (below + above) / 2.0 }
    }

    /// How much likelier each step up is.
    pub fn ratio(&self) -> f64 {
        self.ratio
    }

    /// A number of this distribution; one draw.
    pub fn sample(&self, draws: &mut Draws) -> i64 {
        let count = self.steps + 1;
        let u = draws.unit();
        let offset = if (self.ratio - 1.0).abs() < 1e-12 {
            (u * count as f64) as i64
        } else {
            // Inversion: 1 - r^k over 1 - r^count is the share below k.
            let top = 1.0 - libm::pow(self.ratio, count as f64);
            libm::floor(libm::log(1.0 - u * top) / libm::log(self.ratio)) as i64
        };
        self.low + offset.clamp(0, self.steps)
    }
}

/// Mean of the steps 0..=steps with weights `ratio^step`.
fn cut_geometric_mean(ratio: f64, steps: i64) -> f64 {
    // From the heavy end, so that no power overflows.
    let (lean, flip) = if ratio > 1.0 { (1.0 / ratio, true) } else { (ratio, false) };
    let (mut weight, mut sum, mut total) = (1.0, 0.0, 0.0);
    for step in 0..=steps {
        sum += weight * step as f64;
        total += weight;
        weight *= lean;
        if weight < 1e-300 {
            break;
        }
    }
    let mean = sum / total;
    if flip { steps as f64 - mean } else { mean }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Mean and variance of many samples.
    fn moments(mut sample: impl FnMut(&mut Draws) -> f64) -> (f64, f64) {
        let count = 200_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for step in 0..count {
            let value = sample(&mut Stream::root(11).child(step).draws(1));
            sum += value;
            squares += value * value;
        }
        let mean = sum / count as f64;
        (mean, squares / count as f64 - mean * mean)
    }

    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance * want.abs().max(1e-9), "{got} is not within {tolerance} of {want}");
    }

    #[test]
    fn means_and_variances_are_those_of_the_textbook() {
        let (mean, variance) = moments(|draws| normal(draws, 10.0, 2.0));
        close(mean, 10.0, 0.005);
        close(variance, 4.0, 0.02);
        let (mean, variance) = moments(|draws| exponential(draws, 7.0));
        close(mean, 7.0, 0.01);
        close(variance, 49.0, 0.03);
        let (mean, variance) = moments(|draws| gamma(draws, 3.0, 2.0));
        close(mean, 6.0, 0.01);
        close(variance, 12.0, 0.03);
        let (mean, _) = moments(|draws| gamma(draws, 0.5, 2.0));
        close(mean, 1.0, 0.02);
        let (mean, _) = moments(|draws| weibull(draws, 42.0, 0.75));
        close(mean, 42.0 * libm::tgamma(1.0 + 1.0 / 0.75), 0.02);
        let (mean, _) = moments(|draws| pareto(draws, 1.0, 3.0));
        close(mean, 1.5, 0.02);
        for wanted in [0.5, 4.0, 29.0, 64.0, 1000.0] {
            let (mean, variance) = moments(|draws| poisson(draws, wanted) as f64);
            close(mean, wanted, 0.01);
            close(variance, wanted, 0.03);
        }
    }

    #[test]
    fn a_lognormal_has_the_percentiles_that_it_was_given() {
        let latency = LogNormal::from_percentiles(120.0, 900.0);
        let mut values: Vec<f64> =
            (0..100_000).map(|step| latency.sample(&mut Stream::root(5).child(step).draws(1))).collect();
        values.sort_by(f64::total_cmp);
        close(values[50_000], 120.0, 0.02);
        close(values[99_000], 900.0, 0.05);
        let by_mean = LogNormal::from_mean(150.0, 0.3);
        let (mean, variance) = moments(|draws| by_mean.sample(draws));
        close(mean, 150.0, 0.01);
        close(variance, 45.0 * 45.0, 0.05);
    }

    #[test]
    fn a_cut_geometric_meets_its_mean_inside_its_range() {
        // The two that make the web-analytics mix: 5 pages of 3..15, 1.6 clicks of 0..8.
        for (low, high, mean, ratio) in [(3, 15, 5.0, 0.675), (0, 8, 1.6, 0.638)] {
            let distribution = CutGeometric::with_mean(low, high, mean);
            close(distribution.ratio(), ratio, 0.01);
            let (got, _) = moments(|draws| {
                let value = distribution.sample(draws);
                assert!((low..=high).contains(&value));
                value as f64
            });
            close(got, mean, 0.01);
        }
        assert_eq!(CutGeometric::with_mean(4, 4, 9.0).sample(&mut Stream::root(1).draws(1)), 4);
        let leaning = CutGeometric::with_mean(0, 8, 6.5);
        let (got, _) = moments(|draws| leaning.sample(draws) as f64);
        close(got, 6.5, 0.01);
    }

    #[test]
    fn odd_parameters_give_numbers_not_loops() {
        let mut draws = Stream::root(1).draws(1);
        assert_eq!(poisson(&mut draws, f64::NAN), 0);
        assert_eq!(poisson(&mut draws, -1.0), 0);
        assert!(poisson(&mut draws, 1e300) > 0);
        assert!(LogNormal::from_percentiles(5.0, 1.0).sample(&mut draws).is_finite());
    }
}
