//! A sparkline: a run's throughput in the space of a word.

use crate::format;

/// Its width and height.
pub(crate) const SIZE: (f64, f64) = (96.0, 24.0);
/// Room at the edges, so that the line is not cut off.
const EDGE: f64 = 1.5;

/// The line as a path from zero to the highest point; empty for nothing.
pub(crate) fn path(points: &[f64]) -> String {
    let highest = points.iter().copied().fold(0.0, f64::max);
    let step = (SIZE.0 - 2.0 * EDGE) / points.len().max(1) as f64;
    let mut path = String::new();
    for (index, value) in points.iter().enumerate() {
        let share = if highest > 0.0 { value / highest } else { 0.0 };
        let y = SIZE.1 - EDGE - share * (SIZE.1 - 2.0 * EDGE);
        let (left, right) = (EDGE + step * index as f64, EDGE + step * (index + 1) as f64);
        // Steps, not slopes: each point stands for a stretch of time.
        path.push_str(&format!("{}{left:.1} {y:.1}H{right:.1}", if index == 0 { "M" } else { "L" }));
    }
    path
}

/// What it shows, for those who do not see it.
pub(crate) fn spoken(points: &[f64]) -> String {
    let Some(highest) = points.iter().copied().reduce(f64::max) else { return "no throughput known".to_owned() };
    let lowest = points.iter().copied().fold(f64::MAX, f64::min);
    match highest - lowest < highest * 0.05 {
        true => format!("steady at {}", format::rate(highest)),
        false => format!("between {} and {}", format::rate(lowest), format::rate(highest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_goes_from_zero_to_its_highest_point() {
        assert_eq!(path(&[0.0, 10.0]), "M1.5 22.5H48.0L48.0 1.5H94.5");
        assert_eq!(path(&[]), "");
        assert_eq!(path(&[0.0]), "M1.5 22.5H94.5");
    }

    #[test]
    fn it_can_be_heard() {
        assert_eq!(spoken(&[10.0, 9.8]), "steady at 10/s");
        assert_eq!(spoken(&[10.0, 2.0]), "between 2/s and 10/s");
        assert_eq!(spoken(&[]), "no throughput known");
    }
}
