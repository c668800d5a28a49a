//! Randomness that is a pure function of where it is used: same place, same value, on every machine.
//!
//! There is no generator that is passed around. A [`Stream`] belongs to one place of the plan (a domain, a workload,
//! an entity, a step); a draw inside it is named by the path of its field, so that adding a field to an event changes
//! no other field. The mixing is that of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).

pub mod choice;
pub mod distribution;
pub mod permutation;
pub mod quantile;

/// The odd constant of SplitMix64: 2⁶⁴ over the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes a word into a key: the output function of SplitMix64 over `key + word · GOLDEN`.
pub const fn mix(key: u64, word: u64) -> u64 {
    let mut z = key.wrapping_add(word.wrapping_mul(GOLDEN)).wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Hashes a name, such as the path of a field (FNV-1a, finished by [`mix`]).
pub const fn hash_name(name: &str) -> u64 {
    hash_bytes(name.as_bytes())
}

/// Hashes bytes (FNV-1a, finished by [`mix`]).
pub const fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    mix(hash, bytes.len() as u64)
}

/// What a stream is for; streams of different domains never meet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Domain {
    /// When something arrives.
    Arrivals = 1,
    /// Which user or group of users an arrival belongs to.
    Assignment = 2,
    /// What an event holds.
    Event = 3,
    /// What a member of a pool or a population is like.
    Pool = 4,
    /// Which way a session or a lifecycle goes.
    Behavior = 5,
    /// The check figure of an event's id.
    EventId = 6,
    /// Which events a fault hits.
    Fault = 7,
    /// The slow wobble of a rate.
    Wobble = 8,
}

/// The randomness of one place in the plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stream(u64);

impl Stream {
    /// The stream that everything of a run descends from.
    pub const fn root(seed: u64) -> Self {
        // The constant separates this generator's version from any later one.
        Self(mix(seed, 0x7468_726f_6e67_0001))
    }

    /// The stream of a domain inside this one.
    #[must_use]
    pub const fn domain(self, domain: Domain) -> Self {
        self.child(domain as u64)
    }

    /// The stream of a numbered part of this one (a workload, an entity, a step).
    #[must_use]
    pub const fn child(self, number: u64) -> Self {
        Self(mix(self.0, number))
    }

    /// The stream of a named part of this one.
    #[must_use]
    pub const fn named(self, name: &str) -> Self {
        Self(mix(self.0, hash_name(name)))
    }

    /// The draws of a field, by the hash of its path.
    pub const fn draws(self, field: u64) -> Draws {
        // Both sides are well mixed, so that their sum is the seed of a SplitMix64 sequence of its own.
        Draws { key: self.0 ^ field, next: 0 }
    }

    /// The first draw of a field: what most fields need.
    pub const fn word(self, field: u64) -> u64 {
        mix(self.0 ^ field, 0)
    }

    /// The key itself, for check figures.
    pub const fn key(self) -> u64 {
        self.0
    }
}

/// An endless sequence of draws of one field.
#[derive(Clone, Debug)]
pub struct Draws {
    key: u64,
    next: u64,
}

impl Draws {
    /// The next 64 random bits.
    pub const fn word(&mut self) -> u64 {
        let word = mix(self.key, self.next);
        self.next += 1;
        word
    }

    /// The draw of a number, wherever the sequence stands.
    pub const fn at(&self, number: u64) -> u64 {
        mix(self.key, number)
    }

    /// The next number of [0, 1), a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        unit(self.word())
    }

    /// The next number strictly inside (0, 1).
    pub fn open_unit(&mut self) -> f64 {
        open_unit(self.word())
    }

    /// The next whole number below a bound, without bias; 0 when the bound is 0.
    ///
    /// Lemire, "Fast random integer generation in an interval", 2019.
    pub fn below(&mut self, bound: u64) -> u64 {
        let mut product = u128::from(self.word()) * u128::from(bound);
        if (product as u64) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u64) < threshold {
                product = u128::from(self.word()) * u128::from(bound);
            }
        }
        (product >> 64) as u64
    }

    /// The next whole number of `low..=high`, without bias; `low` when the range is empty.
    pub fn int(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        let span = (high as u64).wrapping_sub(low as u64).wrapping_add(1);
        let offset = if span == 0 { self.word() } else { self.below(span) };
        (low as u64).wrapping_add(offset) as i64
    }

    /// Whether something of a probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}

/// A word as a number of [0, 1).
pub fn unit(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

/// A word as a number strictly inside (0, 1).
pub fn open_unit(word: u64) -> f64 {
    ((word >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
}

/// A word as an index below a bound; the bias is below bound over 2⁶⁴.
pub const fn index(word: u64, bound: u64) -> u64 {
    ((word as u128 * bound as u128) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// χ² of counts against equal shares.
    fn chi_squared(counts: &[u64]) -> f64 {
        let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
        counts.iter().map(|&count| (count as f64 - expected) * (count as f64 - expected) / expected).sum()
    }

    #[test]
    fn the_mixing_never_changes() {
        // Golden: a change here changes every event of every scenario.
        assert_eq!(mix(0, 0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(hash_name("body.price"), hash_bytes(b"body.price"));
        let stream = Stream::root(42).domain(Domain::Event).child(3).child(17);
        assert_eq!(stream.word(hash_name("let.q")), stream.draws(hash_name("let.q")).word());
    }

    #[test]
    fn neighbouring_keys_draw_evenly() {
        // One draw from each of many neighbouring streams: what events in a row see.
        let mut counts = [0_u64; 256];
        let field = hash_name("body.price");
        for step in 0..256_000 {
            let word = Stream::root(7).child(step).word(field);
            counts[(word >> 56) as usize] += 1;
        }
        // 255 degrees of freedom: 1 in 10,000 lies above 347.
        assert!(chi_squared(&counts) < 347.0, "{}", chi_squared(&counts));
        let mut low = [0_u64; 256];
        for step in 0..256_000 {
            low[(Stream::root(7).child(step).word(field) & 0xff) as usize] += 1;
        }
        assert!(chi_squared(&low) < 347.0, "{}", chi_squared(&low));
    }

    #[test]
    fn neighbouring_keys_are_uncorrelated() {
        let field = hash_name("x");
        let value = |seed: u64, step: u64| Stream::root(seed).child(step).draws(field).unit() - 0.5;
        let count = 200_000;
        let (mut steps, mut seeds, mut fields) = (0.0, 0.0, 0.0);
        for step in 0..count {
            steps += value(1, step) * value(1, step + 1);
            seeds += value(1, step) * value(2, step);
            fields += value(1, step) * (Stream::root(1).child(step).draws(hash_name("y")).unit() - 0.5);
        }
        for sum in [steps, seeds, fields] {
            // The mean of such products has a standard deviation of 1/12 over √count.
            let score = sum / count as f64 / (1.0 / 12.0 / (count as f64).sqrt());
            assert!(score.abs() < 4.0, "{score}");
        }
    }

    #[test]
    fn flipping_one_bit_of_a_key_flips_half_of_the_output() {
        let mut flipped = 0_u32;
        for bit in 0..64 {
            for key in 0..100 {
                flipped += (mix(key, 5) ^ mix(key ^ (1 << bit), 5)).count_ones();
            }
        }
        let share = f64::from(flipped) / (64.0 * 100.0 * 64.0);
        assert!((share - 0.5).abs() < 0.01, "{share}");
    }

    #[test]
    fn whole_numbers_cover_their_range_evenly() {
        let mut draws = Stream::root(3).draws(1);
        let mut counts = [0_u64; 7];
        for _ in 0..70_000 {
            counts[(draws.int(-3, 3) + 3) as usize] += 1;
        }
        assert!(chi_squared(&counts) < 27.9, "{counts:?}");
        assert_eq!(draws.int(5, 5), 5);
        assert_eq!(draws.int(9, 1), 9);
        assert_eq!(draws.below(0), 0);
        let wide = draws.int(i64::MIN, i64::MAX);
        assert!(wide != draws.int(i64::MIN, i64::MAX));
    }

    #[test]
    fn units_stay_in_their_interval() {
        assert_eq!(unit(0), 0.0);
        assert!(unit(u64::MAX) < 1.0);
        assert!(open_unit(0) > 0.0);
        assert!(open_unit(u64::MAX) < 1.0);
        assert_eq!(index(u64::MAX, 10), 9);
    }
}
