//! Weights that are linked: where one is moved, the others make room, and their sum stays.

/// The weights after one of them was moved: the others keep their proportion to each other, and the sum stays what it
/// was. All are rounded to so many digits that the shares stay what they are to a tenth of a percent.
pub fn balanced(weights: &[f64], moved: usize, to: f64) -> Vec<f64> {
    let clean: Vec<f64> = weights.iter().map(|weight| if weight.is_finite() { weight.max(0.0) } else { 0.0 }).collect();
    let sum: f64 = clean.iter().sum();
    if clean.len() < 2 || moved >= clean.len() || sum <= 0.0 || !to.is_finite() {
        return clean;
    }
    let unit = unit_of(sum);
    let to = round_to(to.clamp(0.0, sum), unit);
    let others = sum - clean[moved];
    let rest = sum - to;
    let mut next: Vec<f64> = clean
        .iter()
        .enumerate()
        .map(|(index, weight)| match index {
            _ if index == moved => to,
            // Where all the others are nothing, they share alike.
            _ if others <= 0.0 => rest / (clean.len() - 1) as f64,
            _ => weight / others * rest,
        })
        .map(|weight| round_to(weight, unit))
        .collect();
    // What rounding left over goes to the largest of the others, where it shows least.
    let largest = (0..next.len()).filter(|index| *index != moved).max_by(|a, b| next[*a].total_cmp(&next[*b]));
    if let Some(largest) = largest {
        let left = sum - next.iter().sum::<f64>();
        next[largest] = round_to((next[largest] + left).max(0.0), unit);
    }
    next
}

/// A weight as it is written into a scenario.
pub fn written(weight: f64) -> String {
    // Rounded values have few digits; this leaves no trace of the arithmetic.
    let text = format!("{weight:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The step in which weights of a sum are written: a thousandth of it or less, a power of ten.
fn unit_of(sum: f64) -> f64 {
    let mut unit = 1.0;
    while unit > sum / 1_000.0 && unit > 1e-6 {
        unit /= 10.0;
    }
    unit
}

fn round_to(value: f64, unit: f64) -> f64 {
    let steps = (value / unit).round();
    // Dividing by a whole number is exact where multiplying by a tenth is not.
    let inverse = (1.0 / unit).round();
    if inverse >= 1.0 { steps / inverse } else { steps * unit }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_others_make_room_in_proportion() {
        assert_eq!(balanced(&[50.0, 30.0, 20.0], 0, 75.0), [75.0, 15.0, 10.0]);
        assert_eq!(balanced(&[50.0, 30.0, 20.0], 0, 100.0), [100.0, 0.0, 0.0]);
        assert_eq!(balanced(&[100.0, 0.0, 0.0], 0, 40.0), [40.0, 30.0, 30.0]);
        assert_eq!(balanced(&[1.0], 0, 0.5), [1.0]);
    }

    #[test]
    fn weights_are_written_without_a_trace_of_arithmetic() {
        assert_eq!(written(0.1 + 0.2), "0.3");
        assert_eq!(written(15.0), "15");
        assert_eq!(written(0.0), "0");
    }

    proptest! {
        #[test]
        fn the_sum_stays(weights in prop::collection::vec(0.0_f64..100.0, 2..12), moved in 0_usize..12, to in -5.0_f64..500.0) {
            let rounded: Vec<f64> = weights.iter().map(|weight| (weight * 10.0).round() / 10.0).collect();
            let sum: f64 = rounded.iter().sum();
            prop_assume!(sum > 1.0);
            let next = balanced(&rounded, moved, to);
            prop_assert!((next.iter().sum::<f64>() - sum).abs() < 0.02 * sum.max(1.0) / 10.0, "{rounded:?} {next:?}");
            prop_assert!(next.iter().all(|weight| *weight >= 0.0));
        }
    }
}
