//! How well counts fit shares: Pearson's χ², its p-value, and the total variation distance.

use crate::run::realism::Fit;

/// A category expected less often than this is put together with others: χ² says nothing about rarer ones.
const RARE: f64 = 5.0;
/// Relative precision at which the incomplete gamma function stops, and its most terms.
const PRECISION: f64 = 1e-14;
const MAX_TERMS: u32 = 20_000;

impl Fit {
    /// Compares counts with shares of the same order; `others` counts what lies in no declared category.
    ///
    /// None when nothing was counted, or when there is only one category.
    pub fn of(counts: &[u64], shares: &[f64], others: u64) -> Option<Self> {
        let total = counts.iter().sum::<u64>() + others;
        let declared: f64 = shares.iter().sum();
        if total == 0 || counts.len() != shares.len() || declared <= 0.0 || !declared.is_finite() {
            return None;
        }
        let all = total as f64;
        let mut distance = others as f64 / all;
        let (mut chi_squared, mut categories) = (0.0, 0_u32);
        // Rare categories share one cell; so do values that were never declared, whose expected number is zero.
        let (mut rare_count, mut rare_expected) = (others as f64, 0.0);
        for (&count, share) in counts.iter().zip(shares) {
            let share = share / declared;
            let (count, expected) = (count as f64, share * all);
            distance += (count / all - share).abs();
            if expected < RARE {
                rare_count += count;
                rare_expected += expected;
            } else {
                chi_squared += (count - expected) * (count - expected) / expected;
                categories += 1;
            }
        }
        if rare_expected > 0.0 || rare_count > 0.0 {
            // Below one expected event, one that was seen would alone decide; such a cell counts at least as one.
            let expected = rare_expected.max(1.0);
            chi_squared += (rare_count - rare_expected) * (rare_count - rare_expected) / expected;
            categories += 1;
        }
        let degrees = categories.checked_sub(1).filter(|degrees| *degrees > 0)?;
        let p_value = chi_squared_tail(chi_squared, degrees);
        Some(Self { chi_squared, degrees, p_value, distance: distance / 2.0 })
    }
}

/// The distance that chance alone makes on average between shares and this many independent draws of them.
///
/// The mean absolute deviation of a binomial share is close to √(2p(1-p)/πn).
pub(super) fn chance_distance(shares: &[f64], draws: f64) -> f64 {
    if draws <= 0.0 {
        return 1.0;
    }
    let sum: f64 = shares.iter().map(|p| libm::sqrt((p * (1.0 - p)).max(0.0))).sum();
    0.5 * sum * libm::sqrt(2.0 / (core::f64::consts::PI * draws))
}

/// The probability that χ² with these degrees of freedom is at least this large.
pub(super) fn chi_squared_tail(chi_squared: f64, degrees: u32) -> f64 {
    upper_gamma(f64::from(degrees) / 2.0, chi_squared / 2.0)
}

/// The regularised upper incomplete gamma function Q(a, x), for a above 0.
///
/// By its series below `a + 1`, by its continued fraction above (Abramowitz and Stegun 6.5.29 and 6.5.31, the latter
/// evaluated as Lentz does).
pub(super) fn upper_gamma(a: f64, x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 {
        return 1.0;
    }
    if x == f64::INFINITY {
        return 0.0;
    }
    let scale = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut next) = (1.0 / a, 1.0 / a, a);
        for _ in 0..MAX_TERMS {
            next += 1.0;
            term *= x / next;
            sum += term;
            if term < sum * PRECISION {
                break;
            }
        }
        return (1.0 - scale * sum).clamp(0.0, 1.0);
    }
    let tiny = f64::MIN_POSITIVE / PRECISION;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for term in 1..=MAX_TERMS {
        let term = f64::from(term);
        let factor = -term * (term - a);
        b += 2.0;
        d = guard(factor * d + b, tiny);
        c = guard(b + factor / c, tiny);
        d = 1.0 / d;
        let step = d * c;
        fraction *= step;
        if (step - 1.0).abs() < PRECISION {
            break;
        }
    }
    (scale * fraction).clamp(0.0, 1.0)
}

fn guard(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use proptest::prelude::*;

    #[test]
    fn tails_agree_with_the_tables() {
        // Upper 5 %, 1 % and 0.1 % points of χ² (Abramowitz and Stegun, table 26.8).
        for (degrees, tail, point) in [
            (1, 0.05, 3.841_46),
            (1, 0.001, 10.827_6),
            (5, 0.05, 11.070_5),
            (10, 0.01, 23.209_3),
            (30, 0.001, 59.703_1),
            (100, 0.05, 124.342),
        ] {
            let got = chi_squared_tail(point, degrees);
            assert!((got - tail).abs() < 1e-5 * 50.0 * tail.max(0.02), "{degrees} {tail}: {got}");
        }
        assert_eq!(chi_squared_tail(0.0, 3), 1.0);
        assert!(chi_squared_tail(1e6, 3) < 1e-300);
        // Two degrees of freedom have a closed form.
        for x in [0.1, 1.0, 5.0, 20.0] {
            assert!((chi_squared_tail(x, 2) - libm::exp(-x / 2.0)).abs() < 1e-13);
        }
    }

    #[test]
    fn p_values_of_fair_draws_are_uniform() {
        let shares = [0.4, 0.3, 0.2, 0.1];
        let mut draws = Stream::root(5).draws(1);
        let mut low = 0;
        for _ in 0..1_000 {
            let mut counts = [0_u64; 4];
            for _ in 0..500 {
                let unit = draws.unit();
                counts[usize::from(unit >= 0.4) + usize::from(unit >= 0.7) + usize::from(unit >= 0.9)] += 1;
            }
            let fit = Fit::of(&counts, &shares, 0).unwrap();
            assert_eq!(fit.degrees, 3);
            low += u32::from(fit.p_value < 0.1);
        }
        assert!((70..130).contains(&low), "{low} of 1,000 below 0.1");
    }

    #[test]
    fn a_wrong_mix_is_found_and_measured() {
        let fit = Fit::of(&[600, 400], &[50.0, 50.0], 0).unwrap();
        assert!((fit.distance - 0.1).abs() < 1e-12);
        assert!(fit.p_value < 1e-9);
        let strange = Fit::of(&[500, 490], &[0.5, 0.5], 10).unwrap();
        assert!(strange.p_value < 1e-9, "ten values that nobody declared: {strange:?}");
        assert_eq!(Fit::of(&[10], &[1.0], 0), None);
        assert_eq!(Fit::of(&[0, 0], &[0.5, 0.5], 0), None);
    }

    proptest! {
        #[test]
        fn no_counts_leave_the_unit_interval(
            counts in prop::collection::vec(0_u64..1_000_000, 1..40),
            shares in prop::collection::vec(0.0_f64..100.0, 1..40),
            others in 0_u64..100,
        ) {
            if let Some(fit) = Fit::of(&counts, &shares, others) {
                prop_assert!((0.0..=1.0).contains(&fit.p_value), "{fit:?}");
                prop_assert!((0.0..=1.0 + 1e-9).contains(&fit.distance), "{fit:?}");
                prop_assert!(fit.chi_squared >= 0.0);
            }
        }

        #[test]
        fn tails_fall_as_the_statistic_rises(degrees in 1_u32..3_000, x in 0.0_f64..5_000.0, more in 0.0_f64..100.0) {
            prop_assert!(chi_squared_tail(x + more, degrees) <= chi_squared_tail(x, degrees) + 1e-9);
        }
    }
}
