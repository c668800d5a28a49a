//! Percentiles with intervals: order statistics of the whole run's histogram, widened by the blocks.

use crate::distribution::share_up_to;
use crate::metrics::Histogram;
use crate::run::{Latency, TimelineRow};

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
