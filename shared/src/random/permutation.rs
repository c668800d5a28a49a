//! A keyed shuffle of `0..count` that is computed, not stored: rank to id, so that popular ids are not 0, 1, 2.

use super::mix;

/// Rounds of the Feistel network; four make a strong permutation (Luby and Rackoff, 1988).
const ROUNDS: u64 = 4;

/// A bijection of `0..count`, chosen by a key.
#[derive(Clone, Copy, Debug)]
pub struct Permutation {
    key: u64,
    count: u64,
    half_bits: u32,
}

impl Permutation {
    /// The permutation of `0..count` that a key chooses.
    pub fn new(key: u64, count: u64) -> Self {
        let bits = u64::BITS - count.saturating_sub(1).leading_zeros();
        Self { key, count, half_bits: bits.div_ceil(2).max(1) }
    }

    /// Where a number goes; numbers outside `0..count` stay where they are.
    pub fn apply(&self, number: u64) -> u64 {
        if number >= self.count {
            return number;
        }
        // Cycle walking: the network permutes a power of four, at most four times the range, so few turns are needed.
        let mut value = number;
        loop {
            value = self.network(value);
            if value < self.count {
                return value;
            }
        }
    }

    fn network(&self, value: u64) -> u64 {
        let mask = (1_u64 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for round in 0..ROUNDS {
            let mixed = mix(self.key.wrapping_add(round), right) & mask;
            (left, right) = (right, left ^ mixed);
        }
        (left << self.half_bits) | right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_hit_once() {
        for count in [1, 2, 3, 50, 64, 1000, 4097] {
            let permutation = Permutation::new(9, count);
            let mut seen = vec![false; count as usize];
            for number in 0..count {
                let image = permutation.apply(number);
                assert!(!seen[image as usize], "{image} of {count} twice");
                seen[image as usize] = true;
            }
        }
    }

    #[test]
    fn keys_give_different_orders_and_outsiders_stay() {
        let (one, other) = (Permutation::new(1, 1000), Permutation::new(2, 1000));
        let same = (0..1000).filter(|&number| one.apply(number) == other.apply(number)).count();
        assert!(same < 10, "{same} of 1000 agree");
        assert_eq!(one.apply(1000), 1000);
        assert_eq!(Permutation::new(1, 0).apply(0), 0);
    }
}
