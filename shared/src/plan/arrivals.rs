//! Where arrivals lie in the order of things, whatever the rate: cut into buckets that anybody can compute.

use crate::plan::Share;
use crate::plan::schedule::Position;
use crate::random::{Stream, distribution, unit};

/// Arrivals expected in a bucket.
const BUCKET: f64 = 64.0;
/// The same as a whole number.
const UNIFORM: u64 = 64;
/// Most arrivals in a bucket; a Poisson number of mean 64 is above it once in 10⁶⁰ buckets.
const MOST: usize = 255;
/// Most coins that are tossed one by one.
const MOST_COINS: u64 = 1 << 24;
/// Bits of an arrival's number within its bucket.
const NUMBER_BITS: u32 = 8;

/// How arrivals are spaced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Spacing {
    /// Like clockwork: the middle of each expected arrival.
    Uniform,
    /// As independent people arrive.
    Poisson,
    /// As independent people arrive, and exactly so many.
    Exact(u64),
}

/// One arrival.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arrival {
    /// Its identity: bucket and number within it. Known without counting all before it.
    pub(crate) key: u64,
    /// Its number among all, from 0.
    pub(crate) number: u64,
    /// Its place in the order.
    pub(crate) position: Position,
}

/// The arrivals of a workload, one after the other; endless unless their number is exact.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    stream: Stream,
    spacing: Spacing,
    /// Chance of up to so many arrivals in a bucket, as a share of 2⁶⁴.
    table: Vec<u64>,
    /// Counts of an exact number, split in halves over and over: one level each.
    halves: Vec<Half>,
    /// Buckets of others, which are counted and passed over.
    others: Option<Stretches>,
    bucket: u64,
    places: Vec<u64>,
    next: usize,
    number: u64,
}

/// Turns that workers take stretch by stretch.
#[derive(Clone, Copy, Debug)]
struct Stretches {
    share: Share,
}

impl Stretches {
    /// Buckets in a stretch: some hundred arrivals, so that neighbours mostly stay together.
    const LENGTH: u64 = 8;

    fn has(self, bucket: u64) -> bool {
        bucket / Self::LENGTH % u64::from(self.share.count.max(1)) == u64::from(self.share.index)
    }
}

/// A part of an exact number of arrivals.
#[derive(Clone, Copy, Debug, Default)]
struct Half {
    node: u64,
    count: u64,
}

impl Arrivals {
    /// The arrivals of a stream, from the first.
    pub(crate) fn new(stream: Stream, spacing: Spacing) -> Self {
        let table = match spacing {
            Spacing::Poisson => poisson_table(),
            Spacing::Uniform | Spacing::Exact(_) => Vec::new(),
        };
        let halves = match spacing {
            Spacing::Exact(count) => vec![Half { node: u64::MAX, count: 0 }; levels(count) as usize + 1],
            Spacing::Uniform | Spacing::Poisson => Vec::new(),
        };
        let (bucket, next, number) = (0, 0, 0);
        let mut arrivals =
            Self { stream, spacing, table, halves, others: None, bucket, places: Vec::new(), next, number };
        arrivals.fill();
        arrivals
    }

    /// Only those of one worker, which takes turns with others stretch by stretch.
    pub(crate) fn in_stretches(mut self, share: Share) -> Self {
        let stretches = Stretches { share };
        self.others = Some(stretches);
        if !stretches.has(self.bucket) {
            self.number += self.places.len() as u64;
            self.places.clear();
        }
        self
    }

    /// No arrivals at all.
    pub(crate) fn none() -> Self {
        Self::new(Stream::root(0), Spacing::Exact(0))
    }

    /// The next arrival; none after the last of an exact number.
    pub(crate) fn step(&mut self) -> Option<Arrival> {
        while self.next == self.places.len() {
            self.bucket += 1;
            if let Spacing::Exact(count) = self.spacing
                && self.bucket >= 1 << levels(count)
            {
                self.bucket -= 1;
                return None;
            }
            if self.others.is_none_or(|stretches| stretches.has(self.bucket)) {
                self.fill();
            } else {
                self.number += self.count();
            }
        }
        let place = self.places[self.next];
        let arrival = Arrival {
            key: (self.bucket << NUMBER_BITS) | self.next as u64,
            number: self.number,
            position: Position((self.bucket as f64 + unit(place)) * self.width()),
        };
        self.next += 1;
        self.number += 1;
        Some(arrival)
    }

    /// The start of the bucket that the next arrival is looked for in.
    pub(crate) fn reached(&self) -> Position {
        Position(self.bucket as f64 * self.width())
    }

    /// Expected arrivals of a bucket.
    fn width(&self) -> f64 {
        match self.spacing {
            Spacing::Uniform | Spacing::Poisson => BUCKET,
            // A power of two: halving is exact.
            Spacing::Exact(count) => count as f64 / (1_u64 << levels(count)) as f64,
        }
    }

    /// How many arrivals the bucket at hand has.
    fn count(&mut self) -> u64 {
        match self.spacing {
            Spacing::Uniform => UNIFORM,
            Spacing::Poisson => {
                let word = self.stream.child(self.bucket).word(0);
                self.table.partition_point(|threshold| *threshold <= word).min(MOST) as u64
            }
            Spacing::Exact(count) => self.leaf(count),
        }
    }

    fn fill(&mut self) {
        self.next = 0;
        self.places.clear();
        if self.spacing == Spacing::Uniform {
            // The middle of each of the bucket's equal parts, as a share of 2⁶⁴.
            let part = u64::MAX / UNIFORM + 1;
            self.places.extend((0..UNIFORM).map(|number| number * part + part / 2));
            return;
        }
        let count = self.count();
        let mut draws = self.stream.child(self.bucket).draws(1);
        self.places.extend((0..count).map(|_| draws.word()));
        self.places.sort_unstable();
    }

    /// How many of an exact number fall into the bucket at hand.
    fn leaf(&mut self, count: u64) -> u64 {
        let levels = levels(count);
        self.halves[0] = Half { node: 0, count };
        for level in 1..=levels {
            let node = self.bucket >> (levels - level);
            let known = self.halves[level as usize];
            if known.node == node {
                continue;
            }
            let parent = self.halves[level as usize - 1];
            let stream = self.stream.child(u64::MAX).child(u64::from(level)).child(parent.node);
            let left = coins(stream, parent.count);
            let count = if node & 1 == 0 { left } else { parent.count - left };
            self.halves[level as usize] = Half { node, count };
        }
        self.halves[levels as usize].count
    }
}

/// How often an exact number is halved until a part is about a bucket.
fn levels(count: u64) -> u32 {
    let buckets = (count as f64 / BUCKET).max(1.0) as u64;
    u64::BITS - (buckets - 1).leading_zeros().min(u64::BITS)
}

/// How many of so many coins show heads: counted bit by bit, or by the normal law where that would take milliseconds.
fn coins(stream: Stream, count: u64) -> u64 {
    let mut draws = stream.draws(0);
    if count > MOST_COINS {
        let off = distribution::normal(&mut draws, 0.0, libm::sqrt(count as f64) / 2.0);
        // At these counts the law's tails end far inside.
        return (count / 2).saturating_add_signed(libm::round(off) as i64).min(count);
    }
    let mut heads = 0;
    let mut rest = count;
    while rest > 0 {
        let bits = rest.min(64);
        let word = draws.word() >> (64 - bits);
        heads += u64::from(word.count_ones());
        rest -= bits;
    }
    heads
}

/// The chances of up to 0, 1, 2, ... arrivals in a bucket, as shares of 2⁶⁴.
fn poisson_table() -> Vec<u64> {
    let mut chance = libm::exp(-BUCKET);
    let mut sum = 0.0;
    (0..=MOST)
        .map(|count| {
            sum += chance;
            chance = chance * BUCKET / (count + 1) as f64;
            (sum * 18_446_744_073_709_551_616.0) as u64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(spacing: Spacing, count: usize) -> Vec<Arrival> {
        let mut arrivals = Arrivals::new(Stream::root(5), spacing);
        std::iter::from_fn(|| arrivals.step()).take(count).collect()
    }

    #[test]
    fn uniform_arrivals_lie_in_the_middle_of_each_place() {
        for (number, arrival) in all(Spacing::Uniform, 1_000).iter().enumerate() {
            assert_eq!(arrival.position, Position(number as f64 + 0.5));
            assert_eq!(arrival.number, number as u64);
        }
    }

    #[test]
    fn poisson_arrivals_rise_and_have_the_variance_of_independent_people() {
        let arrivals = all(Spacing::Poisson, 200_000);
        assert!(arrivals.windows(2).all(|pair| pair[0].position <= pair[1].position));
        let mut counts = vec![0_u32; 19_000];
        for arrival in &arrivals {
            if let Some(count) = counts.get_mut((arrival.position.0 / 10.0) as usize) {
                *count += 1;
            }
        }
        let mean = counts.iter().sum::<u32>() as f64 / counts.len() as f64;
        let variance = counts.iter().map(|&count| (f64::from(count) - mean) * (f64::from(count) - mean)).sum::<f64>()
            / counts.len() as f64;
        assert!((mean - 10.0).abs() < 0.15, "{mean}");
        assert!((variance / mean - 1.0).abs() < 0.05, "{variance} over {mean}");
        // Gaps of independent arrivals: a share of e^-1 is above the mean.
        let long = arrivals.windows(2).filter(|pair| pair[1].position.0 - pair[0].position.0 > 1.0).count();
        assert!((long as f64 / 200_000.0 - 0.3679).abs() < 0.005, "{long}");
    }

    #[test]
    fn an_exact_number_is_exact_and_spread_over_everything() {
        for count in [1, 2, 63, 64, 65, 1_000, 10_000] {
            let arrivals = all(Spacing::Exact(count), usize::MAX);
            assert_eq!(arrivals.len() as u64, count);
            assert!(arrivals.windows(2).all(|pair| pair[0].position <= pair[1].position));
            assert!(arrivals.iter().all(|arrival| (0.0..count as f64).contains(&arrival.position.0)));
        }
        let arrivals = all(Spacing::Exact(10_000), usize::MAX);
        let early = arrivals.iter().filter(|arrival| arrival.position.0 < 5_000.0).count();
        assert!((4_800..5_200).contains(&early), "{early}");
        assert!(all(Spacing::Exact(0), usize::MAX).is_empty());
    }

    #[test]
    fn stretches_have_every_arrival_once_with_its_number() {
        for (spacing, count) in [(Spacing::Uniform, 3_000), (Spacing::Poisson, 3_000), (Spacing::Exact(2_777), 9_999)] {
            let whole = all(spacing, count);
            let mut shared = Vec::new();
            for index in 0..3 {
                let share = Share { index, count: 3 };
                let mut arrivals = Arrivals::new(Stream::root(5), spacing).in_stretches(share);
                shared
                    .extend(std::iter::from_fn(|| arrivals.step()).take_while(|next| next.number < whole.len() as u64));
            }
            shared.sort_by_key(|arrival| arrival.number);
            assert_eq!(shared, whole);
        }
    }

    #[test]
    fn an_exact_number_of_any_size_begins_at_once() {
        let count = 1_000_000_000_000_000;
        let arrivals = all(Spacing::Exact(count), 6_400);
        let width = 6_400.0 / arrivals.last().unwrap().position.0;
        assert!((0.95..1.05).contains(&width), "{width}");
        assert!(arrivals.windows(2).all(|pair| pair[0].key < pair[1].key));
    }

    #[test]
    fn keys_are_unique() {
        let arrivals = all(Spacing::Poisson, 10_000);
        assert!(arrivals.windows(2).all(|pair| pair[0].key < pair[1].key));
    }
}
