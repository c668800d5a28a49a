//! Shades of a heat map: how many as how dark.

/// Shades of the colour, 0 the lightest.
pub const SHADES: usize = 8;
/// Above 1 it takes shades from the few and gives them to the many.
const CONTRAST: f64 = 1.5;

/// The shade of a count, 0 to [`SHADES`] − 1: nearly logarithmic, so that a few slow answers are seen beside thousands
/// of quick ones.
pub fn shade(count: u64, most: u64) -> usize {
    let share = libm::log(count.max(1) as f64) / libm::log(most.max(2) as f64);
    ((libm::pow(share, CONTRAST) * SHADES as f64) as usize).min(SHADES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_seen_beside_thousands() {
        assert_eq!(shade(1, 100_000), 0);
        assert_eq!(shade(100_000, 100_000), SHADES - 1);
        assert!(shade(1_000, 100_000) > shade(10, 100_000));
        assert_eq!(shade(1, 1), 0);
        assert_eq!(shade(0, 0), 0);
    }
}
