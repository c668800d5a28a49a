//! The arrival rate over time as straight pieces: exact area under it, exact inverse of that area.
//!
//! Only the four operations and the square root are used to find moments, so that every machine finds the same.

use super::shape::Shape;

/// A straight piece of a [`Curve`].
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    /// Where it starts, in seconds.
    start: f64,
    /// Area before it.
    area: f64,
    /// Rate at its start, per second.
    rate: f64,
    /// Change of the rate per second.
    slope: f64,
}

impl Piece {
    fn area_after(&self, seconds: f64) -> f64 {
        seconds * (self.rate + 0.5 * self.slope * seconds)
    }

    /// Seconds after which an area is reached; the stable form of the quadratic's root.
    fn seconds_to(&self, area: f64) -> f64 {
        if area <= 0.0 {
            return 0.0;
        }
        let root = libm::sqrt((self.rate * self.rate + 2.0 * self.slope * area).max(0.0));
        2.0 * area / (self.rate + root)
    }
}

/// A rate over time: pieces, then, where the load goes on, the last of them over and over.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    pieces: Vec<Piece>,
    /// Where the pieces end, in seconds, and the area up to there.
    span: f64,
    area: f64,
    /// The piece that follows the last one, when the curve repeats.
    repeat_from: Option<usize>,
    /// When the load ends, in seconds.
    end: Option<f64>,
}

/// More pieces than this are refused: a shape far finer than the load is long.
const MAX_PIECES: usize = 400_000;

impl Curve {
    /// The same rate all the time.
    pub fn constant(rate: f64, end: Option<f64>) -> Self {
        let piece = Piece { start: 0.0, area: 0.0, rate, slope: 0.0 };
        Self { pieces: vec![piece], span: 1.0, area: rate, repeat_from: Some(0), end }
    }

    /// A base rate times every shape, up to `end` seconds or without end.
    ///
    /// # Errors
    ///
    /// Says which shape is too fine for so long a load.
    pub fn shaped(base: f64, shapes: &[Shape], end: Option<f64>) -> Result<Self, String> {
        if shapes.is_empty() {
            return Ok(Self::constant(base, end));
        }
        // Everything that happens once lies before `settled`; from there on all shapes repeat within `period`.
        let settled = shapes.iter().map(Shape::settled_after).fold(0.0, f64::max);
        let period = shapes.iter().filter_map(Shape::period).fold(0.0, f64::max);
        let period = if period > 0.0 { period } else { 1.0 };
        let whole = settled + period;
        let (span, repeats) = match end {
            Some(end) if end <= whole => (end, false),
            _ => (whole, true),
        };
        let mut cuts = vec![0.0, span];
        if repeats {
            cuts.push(settled);
        }
        for shape in shapes {
            shape.cuts(span, &mut cuts, MAX_PIECES);
            if cuts.len() > MAX_PIECES {
                return Err(format!(
                    "{} is too fine: it cuts the load into more than {MAX_PIECES} pieces",
                    shape.name()
                ));
            }
        }
        cuts.retain(|cut| (0.0..=span).contains(cut));
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
        let mut pieces = Vec::with_capacity(cuts.len());
        let mut area = 0.0;
        let mut repeat_from = None;
        for ends in cuts.windows(2) {
            let (start, stop) = (ends[0], ends[1]);
            let (mut first, mut last) = (base, base);
            for shape in shapes {
                let (from, to) = shape.factors(start, stop);
                first *= from;
                last *= to;
            }
            let length = stop - start;
            let piece = Piece { start, area, rate: first, slope: (last - first) / length };
            if repeats && start >= settled && repeat_from.is_none() {
                repeat_from = Some(pieces.len());
            }
            area += piece.area_after(length);
            pieces.push(piece);
        }
        if pieces.is_empty() {
            pieces.push(Piece { start: 0.0, area: 0.0, rate: base, slope: 0.0 });
        }
        Ok(Self { pieces, span, area, repeat_from, end })
    }

    /// The same curve, its rates times a factor.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let mut curve = self.clone();
        for piece in &mut curve.pieces {
            piece.area *= factor;
            piece.rate *= factor;
            piece.slope *= factor;
        }
        curve.area *= factor;
        curve
    }

    /// When it ends, in seconds.
    pub fn end(&self) -> Option<f64> {
        self.end
    }

    /// Arrivals per second at a time.
    pub fn rate_at(&self, seconds: f64) -> f64 {
        if seconds < 0.0 || self.end.is_some_and(|end| seconds >= end) {
            return 0.0;
        }
        let (_, place) = self.fold(seconds);
        let piece = self.piece_at(place);
        (piece.rate + piece.slope * (place - piece.start)).max(0.0)
    }

    /// Arrivals expected until a time.
    pub fn integral(&self, seconds: f64) -> f64 {
        let seconds = match self.end {
            Some(end) => seconds.clamp(0.0, end),
            None => seconds.max(0.0),
        };
        let (before, place) = self.fold(seconds);
        let piece = self.piece_at(place);
        before + piece.area + piece.area_after(place - piece.start)
    }

    /// The time at which so many arrivals are expected; none if that lies beyond the end.
    pub fn inverse(&self, area: f64) -> Option<f64> {
        let mut turns = 0.0;
        let mut rest = area;
        if rest >= self.area {
            let from = self.repeat_from?;
            let cycle = self.area - self.pieces[from].area;
            if cycle <= 0.0 {
                return None;
            }
            turns = libm::floor((rest - self.pieces[from].area) / cycle);
            rest -= turns * cycle;
        }
        let index = self.pieces.partition_point(|piece| piece.area <= rest).saturating_sub(1);
        let piece = &self.pieces[index];
        let mut seconds = piece.start + piece.seconds_to(rest - piece.area);
        if let Some(from) = self.repeat_from {
            seconds += turns * (self.span - self.pieces[from].start);
        }
        if self.end.is_some_and(|end| seconds >= end) { None } else { Some(seconds) }
    }

    /// All arrivals expected until the end; none for a curve without end.
    pub fn total(&self) -> Option<f64> {
        self.end.map(|end| self.integral(end))
    }

    /// Highest rate of any moment.
    pub fn peak(&self) -> f64 {
        let mut peak: f64 = 0.0;
        for (index, piece) in self.pieces.iter().enumerate() {
            let stop = self.pieces.get(index + 1).map_or(self.span, |next| next.start);
            peak = peak.max(piece.rate).max(piece.rate + piece.slope * (stop - piece.start));
        }
        peak
    }

    /// Area of the turns already made, and the place inside the pieces.
    fn fold(&self, seconds: f64) -> (f64, f64) {
        let Some(from) = self.repeat_from else { return (0.0, seconds.min(self.span)) };
        if seconds < self.span {
            return (0.0, seconds);
        }
        let first = &self.pieces[from];
        let period = self.span - first.start;
        let turns = libm::floor((seconds - first.start) / period);
        let place = (seconds - turns * period).clamp(first.start, self.span);
        (turns * (self.area - first.area), place)
    }

    fn piece_at(&self, place: f64) -> &Piece {
        // The first piece starts at 0, so that there always is one at or before the place.
        &self.pieces[self.pieces.partition_point(|piece| piece.start <= place).saturating_sub(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn burst() -> Shape {
        Shape::Burst { factor: 2.5, every: 60.0, lasts: 5.0 }
    }

    #[test]
    fn a_constant_rate_counts_evenly_and_ends() {
        let curve = Curve::constant(10.0, Some(60.0));
        assert_eq!(curve.total(), Some(600.0));
        assert_eq!(curve.inverse(0.5), Some(0.05));
        assert_eq!(curve.inverse(600.0), None);
        assert_eq!(curve.rate_at(60.0), 0.0);
        assert_eq!(Curve::constant(0.0, None).inverse(0.5), None);
    }

    #[test]
    fn a_ramp_and_a_burst_have_the_area_of_their_drawing() {
        let ramp = Shape::Ramp { up: 30.0, down: 30.0, end: 300.0 };
        let curve = Curve::shaped(10.0, &[ramp], Some(300.0)).unwrap();
        // 30 s at half, 240 s in full, 30 s at half.
        assert!((curve.total().unwrap() - 2_700.0).abs() < 1e-9);
        assert!((curve.rate_at(15.0) - 5.0).abs() < 1e-12);
        let curve = Curve::shaped(10.0, &[burst()], Some(600.0)).unwrap();
        assert!((curve.total().unwrap() - 10.0 * (600.0 + 10.0 * 5.0 * 1.5)).abs() < 1e-6);
        assert!((curve.peak() - 25.0).abs() < 1e-12);
    }

    #[test]
    fn a_load_without_end_repeats_its_shapes() {
        let curve = Curve::shaped(1.0, &[burst()], None).unwrap();
        assert!((curve.integral(6_000.0) - (6_000.0 + 100.0 * 7.5)).abs() < 1e-6);
        let far = curve.inverse(1.0e9).unwrap();
        assert!((curve.integral(far) - 1.0e9).abs() < 1e-3);
    }

    #[test]
    fn a_shape_that_is_far_too_fine_is_refused() {
        let fine = Shape::Burst { factor: 2.0, every: 0.001, lasts: 0.0005 };
        let slow = Shape::Hours { offset: 0.0, hours: [1.0; 24] };
        assert!(Curve::shaped(1.0, &[fine, slow], None).is_err());
    }

    proptest! {
        #[test]
        fn the_inverse_of_the_integral_is_the_time(
            base in 0.01_f64..5_000.0,
            up in 0.0_f64..100.0,
            every in 10.0_f64..200.0,
            share in 0.0_f64..1.0,
        ) {
            let shapes = [
                Shape::Ramp { up, down: 0.0, end: 5_000.0 },
                Shape::Burst { factor: 3.0, every, lasts: every / 4.0 },
            ];
            for end in [Some(5_000.0), None] {
                let curve = Curve::shaped(base, &shapes, end).unwrap();
                let seconds = share * 4_999.0;
                let area = curve.integral(seconds);
                if let Some(back) = curve.inverse(area) {
                    // Near the foot of a ramp the area is flat: compare areas there, times elsewhere.
                    prop_assert!((curve.integral(back) - area).abs() <= 1e-9 * area.max(1.0));
                    if seconds > up {
                        prop_assert!((back - seconds).abs() < 1e-6, "{back} is not {seconds}");
                    }
                }
            }
        }

        #[test]
        fn moments_never_go_backwards(base in 0.1_f64..1_000.0, up in 0.0_f64..50.0) {
            let shapes = [Shape::Ramp { up, down: up, end: 400.0 }, Shape::Burst { factor: 0.1, every: 7.0, lasts: 2.0 }];
            let curve = Curve::shaped(base, &shapes, Some(400.0)).unwrap();
            let total = curve.total().unwrap();
            let mut last = 0.0;
            for step in 0..500 {
                let seconds = curve.inverse(total * f64::from(step) / 500.0).unwrap();
                prop_assert!(seconds >= last);
                last = seconds;
            }
        }
    }
}
