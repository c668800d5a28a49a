//! Scales: from a value to a place on the screen and back.

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Equal steps for equal differences.
    Linear(Span),
    /// Equal steps for equal ratios; values at or below zero lie at the low end.
    Log(Span),
}

/// Which values an axis shows, and the pixels that it shows them on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// The value at `from`.
    pub low: f64,
    /// The value at `to`.
    pub high: f64,
    /// Pixel of the low value.
    pub from: f64,
    /// Pixel of the high value; above or below `from`.
    pub to: f64,
}

impl Scale {
    /// A linear scale; an empty domain is widened so that it can be drawn.
    ///
    /// ```
    /// use shared::chart::scale::Scale;
    /// let scale = Scale::linear((0.0, 10.0), (100.0, 0.0));
    /// assert_eq!(scale.place(2.5), 75.0);
    /// assert_eq!(scale.value(75.0), 2.5);
    /// ```
    pub fn linear((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self::Linear(Span { low, high, from, to })
    }

    /// A logarithmic scale; bounds at or below zero are replaced by the smallest sensible ones.
    pub fn log((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        let low = if low > 0.0 { low } else { 1e-9 };
        let high = if high > low { high } else { low * 10.0 };
        Self::Log(Span { low, high, from, to })
    }

    /// The domain and the pixels.
    pub fn span(&self) -> &Span {
        match self {
            Self::Linear(span) | Self::Log(span) => span,
        }
    }

    /// The pixel of a value; values outside the domain land outside the pixels.
    pub fn place(&self, value: f64) -> f64 {
        let share = match self {
            Self::Linear(span) => (value - span.low) / (span.high - span.low),
            Self::Log(span) if value > 0.0 => libm::log(value / span.low) / libm::log(span.high / span.low),
            Self::Log(_) => 0.0,
        };
        let span = self.span();
        span.from + share * (span.to - span.from)
    }

    /// The pixel of a value, held inside the axis.
    pub fn place_inside(&self, value: f64) -> f64 {
        let span = self.span();
        self.place(value).clamp(span.from.min(span.to), span.from.max(span.to))
    }

    /// The value at a pixel.
    pub fn value(&self, place: f64) -> f64 {
        let span = self.span();
        let share = (place - span.from) / (span.to - span.from);
        match self {
            Self::Linear(span) => span.low + share * (span.high - span.low),
            Self::Log(span) => span.low * libm::exp(share * libm::log(span.high / span.low)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_leads_back_to_its_value() {
        for scale in [
            Scale::linear((-5.0, 20.0), (300.0, 10.0)),
            Scale::log((10.0, 1e6), (0.0, 200.0)),
            Scale::log((0.0, 0.0), (0.0, 200.0)),
        ] {
            let span = *scale.span();
            for step in 1..10 {
                let value = span.low + (span.high - span.low) * f64::from(step) / 10.0;
                let back = scale.value(scale.place(value));
                assert!((back - value).abs() <= value.abs() * 1e-9, "{scale:?}: {value} came back as {back}");
            }
        }
    }

    #[test]
    fn a_log_scale_gives_every_decade_the_same_room() {
        let scale = Scale::log((1.0, 1_000.0), (0.0, 300.0));
        assert!((scale.place(10.0) - 100.0).abs() < 1e-9);
        assert!((scale.place(100.0) - 200.0).abs() < 1e-9);
        assert_eq!(scale.place(0.0), 0.0);
    }

    #[test]
    fn an_empty_domain_still_has_places() {
        assert!(Scale::linear((3.0, 3.0), (0.0, 100.0)).place(3.0).is_finite());
        assert!(Scale::log((7.0, 7.0), (0.0, 100.0)).place(7.0).is_finite());
    }
}
