//! Percentiles with intervals: order statistics of the whole run's histogram, widened by the blocks.

use crate::metrics::{Histogram, heat_cell_floor_us};
use crate::run::{Latency, Percentiles, TimelineRow};

use super::blocks::Blocks;
use super::{Estimate, PartOfRow, interval};

/// Independent answers that have to lie beyond a percentile before it is compared.
const FEWEST_BEYOND: f64 = 5.0;

/// A time of a run, ready to be asked for percentiles.
pub(super) struct Measured<'a> {
    histogram: Histogram,
    timeline: &'a [TimelineRow],
    part: PartOfRow,
}

impl<'a> Measured<'a> {
    pub(super) fn read(whole: &Latency, timeline: &'a [TimelineRow], part: PartOfRow) -> Result<Self, String> {
        let histogram = Histogram::from_base64(&whole.hdr)?;
        if histogram.is_empty() {
            Err("nothing was measured".to_owned())
        } else {
            Ok(Self { histogram, timeline, part })
        }
    }

    /// A percentile with its interval (Woodruff, 1952): the interval of the share of answers below it, read back through
    /// the histogram.
    pub(super) fn quantile(&self, quantile: f64, blocks: &Blocks, confidence: f64) -> Result<Estimate, String> {
        let value = self.histogram.quantile_us(quantile);
        let below = |row: &TimelineRow| {
            let (percentiles, heat) = (self.part)(row);
            let count = percentiles.count as f64;
            (share_up_to(percentiles, heat, value as f64) * count, count)
        };
        let effect = blocks.design_effect(self.timeline, below, quantile);
        let independent = self.histogram.count() as f64 / effect;
        if independent * (1.0 - quantile) < FEWEST_BEYOND {
            let beyond = self.histogram.count() as f64 * (1.0 - quantile);
            return Err(format!("too few answers: {beyond:.0} lie beyond it, in {:.0} groups", beyond / effect));
        }
        let (low, high) = interval::wilson(quantile, independent, blocks.critical(confidence));
        // A histogram does not tell values apart that are alike to three digits; neither may the interval.
        let low = self.histogram.alike_us(self.histogram.quantile_us(low)).0;
        let high = self.histogram.alike_us(self.histogram.quantile_us(high)).1;
        Ok(Estimate { value: value as f64, low: low as f64, high: high as f64 })
    }
}

/// The share of a row's answers up to a value, from all that the row knows of its distribution: its percentiles and,
/// where it has one, its column of the heat map; straight lines in between.
pub(crate) fn share_up_to(percentiles: &Percentiles, heat: &[(u16, u32)], value: f64) -> f64 {
    let knots = knots(percentiles, heat);
    let above = knots.partition_point(|(at, _)| *at <= value);
    match (above.checked_sub(1).and_then(|below| knots.get(below)), knots.get(above)) {
        (None, _) => 0.0,
        (Some((_, share)), None) => *share,
        (Some((from, low)), Some((to, high))) => low + (high - low) * (value - from) / (to - from),
    }
}

/// What a row knows of its distribution: values, ascending, with the share of answers up to each.
pub(crate) fn knots(percentiles: &Percentiles, heat: &[(u16, u32)]) -> Vec<(f64, f64)> {
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

    #[test]
    fn a_row_tells_shares_close_to_the_truth() {
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
    fn a_row_of_one_answer_or_none_has_a_share_too() {
        let mut one = Histogram::new();
        one.record(500);
        let value = one.quantile_us(0.5) as f64;
        assert_eq!(share_up_to(&one.percentiles(), &one.heat(), value), 1.0);
        assert_eq!(share_up_to(&one.percentiles(), &one.heat(), value - 10.0), 0.0);
        assert_eq!(share_up_to(&Percentiles::default(), &[], 10.0), 0.0);
    }
}
