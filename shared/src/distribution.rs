//! A distribution of which only its figures are left: the share below any value, and the figures of several together.
//!
//! A row of a timeline has percentiles and a column of the heat map, not its histogram. What is computed from them is as
//! exact as they are; whole runs keep their histograms and need none of this.

use crate::metrics::heat_cell_floor_us;
use crate::run::Percentiles;

/// Figures together with the cells of the heat map, where there are any.
pub type Known<'a> = (&'a Percentiles, &'a [(u16, u32)]);

/// The share of the values up to a value, from all that is known: its percentiles and,
/// where it has one, its column of the heat map; straight lines in between.
pub fn share_up_to(percentiles: &Percentiles, heat: &[(u16, u32)], value: f64) -> f64 {
    share_at(&knots(percentiles, heat), value)
}

fn share_at(knots: &[(f64, f64)], value: f64) -> f64 {
    let above = knots.partition_point(|(at, _)| *at <= value);
    match (above.checked_sub(1).and_then(|below| knots.get(below)), knots.get(above)) {
        (None, _) => 0.0,
        (Some((_, share)), None) => *share,
        (Some((from, low)), Some((to, high))) => low + (high - low) * (value - from) / (to - from),
    }
}

/// The figures of several distributions together: count, mean, smallest and largest exact, percentiles between them.
pub fn together(parts: &[Known<'_>]) -> Percentiles {
    let parts: Vec<&Known<'_>> = parts.iter().filter(|(figures, _)| figures.count > 0).collect();
    match parts.as_slice() {
        [] => return Percentiles::default(),
        [(figures, _)] => return **figures,
        _ => {}
    }
    let count: u64 = parts.iter().map(|(figures, _)| figures.count).sum();
    let sum: f64 = parts.iter().map(|(figures, _)| figures.mean_us * figures.count as f64).sum();
    let min_us = parts.iter().map(|(figures, _)| figures.min_us).min().unwrap_or(0);
    let max_us = parts.iter().map(|(figures, _)| figures.max_us).max().unwrap_or(0);
    let knots: Vec<_> = parts.iter().map(|(figures, heat)| (knots(figures, heat), figures.count as f64)).collect();
    let share = |value: u64| {
        let below: f64 = knots.iter().map(|(knots, count)| share_at(knots, value as f64) * count).sum();
        below / count as f64
    };
    let quantile = |wanted: f64| {
        // The smallest value with the share below it: the bounds close in on it, to a thousandth of it.
        let (mut low, mut high) = (min_us, max_us);
        while high - low > low / 1_000 {
            let middle = low + (high - low) / 2;
            if share(middle) >= wanted - 1e-12 { high = middle } else { low = middle + 1 }
        }
        high
    };
    Percentiles {
        count,
        mean_us: sum / count as f64,
        min_us,
        p50_us: quantile(0.5),
        p75_us: quantile(0.75),
        p90_us: quantile(0.9),
        p95_us: quantile(0.95),
        p99_us: quantile(0.99),
        p999_us: quantile(0.999),
        max_us,
    }
}

/// What is known of a distribution: values, ascending, with the share of answers up to each.
fn knots(percentiles: &Percentiles, heat: &[(u16, u32)]) -> Vec<(f64, f64)> {
    if percentiles.count == 0 {
        return Vec::new();
    }
    let count = percentiles.count as f64;
    let (lowest, highest) = (percentiles.min_us as f64, percentiles.max_us as f64);
    // A percentile is the value of a rank, which among few answers stands for more than its name says.
    let rank = |quantile: f64| libm::ceil(quantile * count) / count;
    let mut knots: Vec<(f64, f64)> = vec![
        (lowest, 0.0),
        (percentiles.p50_us as f64, rank(0.5)),
        (percentiles.p75_us as f64, rank(0.75)),
        (percentiles.p90_us as f64, rank(0.9)),
        (percentiles.p95_us as f64, rank(0.95)),
        (percentiles.p99_us as f64, rank(0.99)),
        (percentiles.p999_us as f64, rank(0.999)),
        (highest, 1.0),
    ];
    if highest - 0.5 > lowest {
        knots.push((highest - 0.5, 1.0 - 1.0 / count));
    }
    let (p50, p75) = (percentiles.p50_us as f64, percentiles.p75_us as f64);
    if heat.is_empty() && p75 > 0.0 && p50 * p50 / p75 > lowest {
        // Nothing is known between the smallest and the median: the quarter below it is taken as the one above.
        knots.push((p50 * p50 / p75, 0.25));
    }
    let total: f64 = heat.iter().map(|(_, count)| f64::from(*count)).sum();
    let mut below = 0.0;
    for (cell, count) in heat {
        let inside = |edge: f64| edge > lowest && edge < highest;
        for (edge, share) in [
            (heat_cell_floor_us(*cell), below / total),
            (heat_cell_floor_us(cell.saturating_add(1)), (below + f64::from(*count)) / total),
        ] {
            if inside(edge) {
                knots.push((edge, share));
            }
        }
        below += f64::from(*count);
    }
    knots.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let mut most: f64 = 0.0;
    for knot in &mut knots {
        most = most.max(knot.1);
        knot.1 = most;
    }
    // Of several knots at one value the last holds: it counts everything up to the value.
    knots.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 = later.1;
        }
        same
    });
    knots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Histogram;

    #[test]
    fn figures_tell_shares_close_to_the_truth() {
        let mut histogram = Histogram::new();
        for value in 1..=10_000 {
            histogram.record(value * value / 1_000 + 100);
        }
        let (percentiles, heat) = (histogram.percentiles(), histogram.heat());
        for share in [0.1, 0.3, 0.5, 0.75, 0.9, 0.97, 0.99, 0.999] {
            let value = histogram.quantile_us(share) as f64;
            let found = share_up_to(&percentiles, &heat, value);
            assert!((found - share).abs() < 0.02, "{share}: {found}");
        }
        assert_eq!(share_up_to(&percentiles, &heat, 5.0), 0.0);
        assert_eq!(share_up_to(&percentiles, &heat, 1e9), 1.0);
    }

    #[test]
    fn one_value_or_none_has_a_share_too() {
        let mut one = Histogram::new();
        one.record(500);
        let value = one.quantile_us(0.5) as f64;
        assert_eq!(share_up_to(&one.percentiles(), &one.heat(), value), 1.0);
        assert_eq!(share_up_to(&one.percentiles(), &one.heat(), value - 10.0), 0.0);
        assert_eq!(share_up_to(&Percentiles::default(), &[], 10.0), 0.0);
    }

    #[test]
    fn figures_together_are_close_to_those_of_everything() {
        let (mut slow, mut fast, mut all) = (Histogram::new(), Histogram::new(), Histogram::new());
        for value in 0..3_000_u64 {
            slow.record(20_000 + value * 17);
            all.record(20_000 + value * 17);
            fast.record(900 + value);
            all.record(900 + value);
        }
        let (slow, fast, all) =
            ((slow.percentiles(), slow.heat()), (fast.percentiles(), fast.heat()), all.percentiles());
        let found = together(&[(&slow.0, &slow.1), (&fast.0, &fast.1), (&Percentiles::default(), &[])]);
        assert_eq!((found.count, found.min_us, found.max_us), (all.count, all.min_us, all.max_us));
        assert!((found.mean_us - all.mean_us).abs() < 1e-6);
        for (found, exact) in [(found.p50_us, all.p50_us), (found.p90_us, all.p90_us), (found.p99_us, all.p99_us)] {
            assert!((found as f64 / exact as f64 - 1.0).abs() < 0.05, "{found}, not {exact}");
        }
        assert_eq!(together(&[(&fast.0, &fast.1), (&Percentiles::default(), &[])]), fast.0);
        assert_eq!(together(&[]), Percentiles::default());
    }
}
