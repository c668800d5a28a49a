//! Where an axis has its labels: round numbers, powers of ten, and times as people divide them.

/// Steps that read well on an axis of time, in seconds.
const TIME_STEPS: [u32; 21] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_592_000,
];

/// The smallest round step (1, 2 or 5 times a power of ten) that cuts a width into at most `most` parts.
pub fn round_step(width: f64, most: u32) -> f64 {
    if !width.is_finite() || width <= 0.0 {
        return 1.0;
    }
    let raw = width / f64::from(most.max(1));
    let power = libm::pow(10.0, libm::floor(libm::log10(raw)));
    // The comparison forgives the last bits of the division, so that 10 in 5 parts is a step of 2.
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= raw * 0.999_999)
        .unwrap_or(power)
}

/// The value at which an axis that starts at zero ends: the next round step above `highest`.
///
/// ```
/// assert_eq!(shared::chart::ticks::round_end(9.3, 4), 10.0);
/// assert_eq!(shared::chart::ticks::round_end(104.0, 4), 150.0);
/// ```
pub fn round_end(highest: f64, most: u32) -> f64 {
    if highest.is_finite() && highest > 0.0 {
        let step = round_step(highest, most);
        libm::ceil(highest / step * 0.999_999) * step
    } else {
        1.0
    }
}

/// Round values inside `low..=high`, at most about `most` of them, ascending.
pub fn linear(low: f64, high: f64, most: u32) -> Vec<f64> {
    multiples(low, high, round_step(high - low, most))
}

/// Times inside `low..=high` in steps that people use (1 s, 15 s, 5 min, 1 h, ...), at most about `most` of them.
pub fn time(low: f64, high: f64, most: u32) -> Vec<f64> {
    let raw = (high - low) / f64::from(most.max(1));
    let longest = f64::from(TIME_STEPS[TIME_STEPS.len() - 1]);
    let step = if raw < 1.0 {
        round_step(high - low, most)
    } else {
        TIME_STEPS
            .into_iter()
            .map(f64::from)
            .find(|step| *step >= raw)
            .unwrap_or_else(|| libm::ceil(raw / longest) * longest)
    };
    multiples(low, high, step)
}

/// The end of a growing axis of time: the next length that reads well, so that the axis moves seldom.
///
/// ```
/// assert_eq!(shared::chart::ticks::time_end(61.0), 120.0);
/// ```
pub fn time_end(seconds: f64) -> f64 {
    let longest = f64::from(TIME_STEPS[TIME_STEPS.len() - 1]);
    TIME_STEPS
        .into_iter()
        .map(f64::from)
        .skip_while(|step| *step < 10.0)
        .find(|step| *step >= seconds)
        .unwrap_or_else(|| libm::ceil(seconds / longest) * longest)
}

/// A label's value on a logarithmic axis; the labelled ones are powers of ten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogTick {
    /// Where it stands.
    pub value: f64,
    /// Whether it is a power of ten.
    pub power: bool,
}

/// Powers of ten inside `low..=high`, and, where less than three decades are shown, 2 and 5 times each.
pub fn log(low: f64, high: f64) -> Vec<LogTick> {
    let mut found = Vec::new();
    if !(low > 0.0 && high > low && high.is_finite()) {
        return found;
    }
    let between = high / low < 999.0;
    let mut exponent = libm::floor(libm::log10(low)) as i32;
    loop {
        let base = libm::pow(10.0, f64::from(exponent));
        if base > high * 1.000_001 {
            return found;
        }
        for factor in [1.0, 2.0, 5.0] {
            let value = base * factor;
            let power = factor == 1.0;
            if (power || between) && value >= low * 0.999_999 && value <= high * 1.000_001 {
                found.push(LogTick { value, power });
            }
        }
        exponent += 1;
    }
}

/// Bounds of a logarithmic axis around the values seen: each rounded outwards to 1, 2 or 5 times a power of ten, and at
/// least one decade apart so that a steady series is drawn calm.
pub fn log_bounds(lowest: f64, highest: f64) -> (f64, f64) {
    if !(lowest > 0.0 && highest >= lowest && highest.is_finite()) {
        return (100.0, 10_000.0);
    }
    let (low, mut high) = (round_down(lowest), round_up(highest));
    if high < low * 10.0 {
        high = round_up(low * 10.0);
    }
    (low, high)
}

fn round_down(value: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(value)));
    [5.0, 2.0, 1.0].into_iter().map(|factor| factor * power).find(|step| *step <= value * 1.000_001).unwrap_or(power)
}

fn round_up(value: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(value)));
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= value * 0.999_999)
        .unwrap_or(power * 10.0)
}

/// Multiples of `step` inside `low..=high`; a thousand at most, whatever is asked.
fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let mut found = Vec::new();
    if !(step > 0.0 && high >= low && high.is_finite() && low.is_finite()) {
        return found;
    }
    let first = libm::ceil(low / step - 1e-9);
    for index in 0..1_000_u32 {
        let value = (first + f64::from(index)) * step;
        if value > high + step * 1e-9 {
            break;
        }
        found.push(value);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round_and_few() {
        assert_eq!(linear(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(linear(0.0, 1_234.0, 4), [0.0, 500.0, 1_000.0]);
        for high in [0.001, 0.7, 3.0, 99.0, 1e4, 7.7e9] {
            let ticks = linear(0.0, high, 5);
            assert!((2..=6).contains(&ticks.len()), "{high}: {ticks:?}");
        }
    }

    #[test]
    fn time_ticks_are_those_of_a_clock() {
        assert_eq!(time(0.0, 60.0, 6), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        assert_eq!(time(0.0, 3_600.0, 4), [0.0, 900.0, 1_800.0, 2_700.0, 3_600.0]);
        assert_eq!(time(0.0, 3.0, 6).len(), 7);
        assert_eq!(time_end(3.0), 10.0);
        assert_eq!(time_end(3_700.0), 7_200.0);
    }

    #[test]
    fn log_ticks_name_the_powers_of_ten() {
        let powers: Vec<f64> = log(80.0, 120_000.0).iter().filter(|tick| tick.power).map(|tick| tick.value).collect();
        assert_eq!(powers, [100.0, 1_000.0, 10_000.0, 100_000.0]);
        assert_eq!(log(100.0, 1_000.0).len(), 4);
        assert!(log(0.0, 10.0).is_empty());
    }

    #[test]
    fn log_bounds_hold_the_values_and_a_decade() {
        assert_eq!(log_bounds(130.0, 140.0), (100.0, 1_000.0));
        assert_eq!(log_bounds(450.0, 31_000.0), (200.0, 50_000.0));
        assert_eq!(log_bounds(0.0, 0.0), (100.0, 10_000.0));
    }

    #[test]
    fn nonsense_makes_no_ticks_and_does_not_hang() {
        assert!(linear(f64::NAN, 1.0, 5).is_empty());
        assert!(time(0.0, f64::INFINITY, 5).is_empty());
        assert!(log(1.0, f64::INFINITY).is_empty());
        assert!(multiples(0.0, 1e12, 1.0).len() <= 1_000);
    }
}
