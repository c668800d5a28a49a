//! Intervals: Student's critical values, Wilson's score, and the difference of two estimates.

use crate::random::quantile::normal;

use super::Estimate;

/// How many standard errors hold the truth with this confidence (two-sided), known from `freedom` + 1 blocks.
///
/// The expansion of Student's t around the normal distribution (Abramowitz and Stegun 26.7.5); within 0.5 % from 5
/// degrees of freedom on.
pub(super) fn critical(confidence: f64, freedom: Option<f64>) -> f64 {
    let z = normal(0.5 + confidence.clamp(0.5, 0.999_999) / 2.0);
    let Some(v) = freedom else { return z };
    let s = z * z;
    let first = z * (s + 1.0) / 4.0;
    let second = z * ((5.0 * s + 16.0) * s + 3.0) / 96.0;
    let third = z * (((3.0 * s + 19.0) * s + 17.0) * s - 15.0) / 384.0;
    let fourth = z * ((((79.0 * s + 776.0) * s + 1_482.0) * s - 1_920.0) * s - 945.0) / 92_160.0;
    z + (first + (second + (third + fourth / v) / v) / v) / v
}

/// Wilson's score interval of a share seen among `count` independent things (E. B. Wilson, 1927).
pub(super) fn wilson(share: f64, count: f64, critical: f64) -> (f64, f64) {
    let s = critical * critical / count;
    let centre = (share + s / 2.0) / (1.0 + s);
    let half = critical * (share * (1.0 - share) / count + s / (4.0 * count)).max(0.0).sqrt() / (1.0 + s);
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// Candidate minus baseline: each side's distance to its own bounds, squared and added (Newcombe's hybrid for shares,
/// 1998; Zou and Donner, 2008, for everything else). It keeps intervals that are wider on one side.
pub(super) fn difference(baseline: Estimate, candidate: Estimate) -> Estimate {
    let value = candidate.value - baseline.value;
    let length = |a: f64, b: f64| (a * a + b * b).sqrt();
    Estimate {
        value,
        low: value - length(candidate.value - candidate.low, baseline.high - baseline.value),
        high: value + length(candidate.high - candidate.value, baseline.value - baseline.low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_values_are_those_of_the_tables() {
        for (confidence, freedom, table) in [
            (0.95, None, 1.959_964),
            (0.99, None, 2.575_829),
            (0.95, Some(5.0), 2.570_6),
            (0.99, Some(5.0), 4.032_1),
            (0.95, Some(19.0), 2.093_0),
            (0.99, Some(19.0), 2.860_9),
            (0.99, Some(9.0), 3.249_8),
        ] {
            let found = critical(confidence, freedom);
            assert!((found / table - 1.0).abs() < 0.005, "{confidence} {freedom:?}: {found}, not {table}");
        }
    }

    #[test]
    fn wilson_and_newcombe_are_those_of_the_paper() {
        // Newcombe (1998), method 10, example (a): 56/70 and 48/80 differ by 0.2, between 0.0524 and 0.3339.
        let z = critical(0.95, None);
        let [one, two] = [(56.0, 70.0), (48.0, 80.0)].map(|(hits, count)| {
            let (low, high) = wilson(hits / count, count, z);
            Estimate { value: hits / count, low, high }
        });
        let found = difference(two, one);
        assert!((found.low - 0.052_4).abs() < 5e-5 && (found.high - 0.333_9).abs() < 5e-5, "{found:?}");
    }

    #[test]
    fn a_share_of_none_or_all_has_an_interval_too() {
        let (low, high) = wilson(0.0, 100.0, 1.96);
        assert!(low == 0.0 && (0.03..0.04).contains(&high));
        let (low, high) = wilson(1.0, 100.0, 1.96);
        assert!(high > 0.999_999 && (0.96..0.97).contains(&low));
    }
}
