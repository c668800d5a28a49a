//! The rate control: a slider in equal steps of ratio, with ×1 in its middle.

/// Positions of the slider: 0 to this.
pub(crate) const POSITIONS: i32 = 200;
/// The slider reaches from one over this to this; the number beside it goes further.
const REACH: f64 = 10.0;
/// The largest multiplier that the runner takes.
pub(crate) const HIGHEST: f64 = 1_000.0;

/// The multiplier at a position, rounded to two digits that matter.
pub(crate) fn multiplier_at(position: i32) -> f64 {
    let share = f64::from(position.clamp(0, POSITIONS) * 2 - POSITIONS) / f64::from(POSITIONS);
    let exact = REACH.powf(share);
    let step = if exact < 1.0 { 0.01 } else { 0.1 };
    (exact / step).round() * step
}

/// The position nearest to a multiplier; beyond the slider's reach, its end.
pub(crate) fn position_of(multiplier: f64) -> i32 {
    if multiplier <= 0.0 {
        return 0;
    }
    let share = multiplier.ln() / REACH.ln();
    (((share + 1.0) / 2.0 * f64::from(POSITIONS)).round() as i32).clamp(0, POSITIONS)
}

/// Reads a typed multiplier.
///
/// # Errors
///
/// Says what can be written instead.
pub(crate) fn parse(text: &str) -> Result<f64, &'static str> {
    match text.trim().trim_start_matches(['×', 'x']).trim().replace(',', ".").parse::<f64>() {
        Ok(value) if value > 0.0 && value <= HIGHEST => Ok(value),
        _ => Err("write a number above 0 and up to 1000; Pause sends nothing"),
    }
}

/// The multiplier one press of `+` or `-` away: a quarter more or less, on the slider's raster.
pub(crate) fn nudged(multiplier: f64, up: bool) -> f64 {
    const STEPS: [f64; 15] = [0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0];
    let found = if up {
        STEPS.iter().find(|step| **step > multiplier * 1.001)
    } else {
        STEPS.iter().rev().find(|step| **step < multiplier * 0.999)
    };
    found.copied().unwrap_or(multiplier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_slider_is_the_scenarios_own_rate() {
        assert_eq!(multiplier_at(POSITIONS / 2), 1.0);
        assert_eq!(position_of(1.0), POSITIONS / 2);
        assert!((multiplier_at(0) - 0.1).abs() < 1e-12 && (multiplier_at(POSITIONS) - 10.0).abs() < 1e-12);
    }

    #[test]
    fn positions_and_multipliers_agree() {
        for position in 0..=POSITIONS {
            assert!((position_of(multiplier_at(position)) - position).abs() <= 4, "{position}");
        }
        assert_eq!(position_of(500.0), POSITIONS);
        assert_eq!(position_of(0.0), 0);
    }

    #[test]
    fn typed_multipliers_are_read_kindly_and_checked() {
        assert_eq!(parse("2.5"), Ok(2.5));
        assert_eq!(parse(" ×3 "), Ok(3.0));
        assert_eq!(parse("0,5"), Ok(0.5));
        for wrong in ["0", "-1", "1001", "fast", "", "NaN"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nudges_stop_at_the_ends() {
        assert_eq!(nudged(1.0, true), 1.25);
        assert_eq!(nudged(1.0, false), 0.75);
        assert_eq!(nudged(10.0, true), 10.0);
        assert_eq!(nudged(0.1, false), 0.1);
    }
}
