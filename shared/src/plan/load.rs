//! From a workload's load to its curve, its spacing and its pacing.

use crate::plan::Pacing;
use crate::plan::arrivals::Spacing;
use crate::plan::crowd::Joining;
use crate::plan::curve::Curve;
use crate::plan::shape::Shape;
use crate::random::Stream;
use crate::scenario::model::load::{Arrival, Load, Shape as Written};
use crate::units::{EpochMicros, Length, Nanos};

/// Curves that were read, by the path of their file.
type Curves = indexmap::IndexMap<String, Vec<(Nanos, f64)>>;

/// Microseconds in a day and a week.
const DAY: i64 = 86_400_000_000;
const WEEK: i64 = 7 * DAY;
/// Length of a load that says nothing about it.
const DEFAULT_LENGTH: Nanos = Nanos::from_secs(600);

/// A load, understood: everything but the moment at which it starts.
#[derive(Clone, Debug)]
pub(crate) struct LoadPlan {
    /// Base arrivals per second.
    pub(crate) rate: f64,
    /// How arrivals are spaced.
    pub(crate) spacing: Spacing,
    /// What decides when the next event is sent.
    pub(crate) pacing: Pacing,
    /// How long it goes on.
    pub(crate) length: Length,
    /// How virtual users come and go, where it is made of them.
    pub(crate) joining: Option<Joining>,
    shapes: Vec<Shape>,
    hours: Vec<[f64; 24]>,
    weekends: Vec<f64>,
    /// Seconds that the local clock is ahead of UTC.
    zone_offset: i64,
}

impl LoadPlan {
    /// Understands a load. `connections` is that of its target; `window` the length of the clock's, if it has one.
    /// Where a curve was not read, it changes nothing.
    ///
    /// # Errors
    ///
    /// Says what cannot be met.
    pub(crate) fn new(
        load: &Load,
        connections: u32,
        window: Option<Nanos>,
        zone_offset: i64,
        stream: Stream,
        curves: &Curves,
    ) -> Result<Self, String> {
        let ramp_length = load
            .ramp
            .and_then(|ramp| ramp.hold.map(|hold| Length::For(ramp.up.saturating_add(hold).saturating_add(ramp.down))));
        let length = load
            .duration
            .or(ramp_length)
            .or(window.map(Length::For))
            .unwrap_or(if load.concurrency.is_some() { Length::Forever } else { Length::For(DEFAULT_LENGTH) });
        let arrival = load.arrival.unwrap_or_default();
        let spacing = match (load.count, arrival) {
            (Some(count), _) => Spacing::Exact(count),
            (None, Arrival::Poisson) => Spacing::Poisson,
            (None, Arrival::Uniform) => Spacing::Uniform,
        };
        let delay = load.delay.unwrap_or_default();
        let pacing = match (load.concurrency, load.users) {
            (Some(requests), _) => Pacing::Concurrent { requests, delay },
            (None, Some(users)) => Pacing::Users { users, timed: delay > Nanos::ZERO },
            (None, None) => Pacing::Scheduled,
        };
        let rate = match (load.rate, load.per_connection) {
            (Some(rate), _) => rate.per_second(),
            (None, Some(each)) => each.per_second() * f64::from(connections),
            (None, None) => 1.0,
        };
        let ramp = load.ramp.unwrap_or_default();
        let joining = load.users.map(|users| Joining {
            users: u64::from(users),
            stagger: load.stagger.unwrap_or_default(),
            up: ramp.up,
            down: ramp.down,
            end: length.span(),
            delay,
        });
        let end = length.span().map(Nanos::as_secs_f64);
        let mut shapes = Vec::new();
        if let (Some(_), Some(gap)) = (load.per_connection, load.stagger)
            && gap > Nanos::ZERO
        {
            shapes.push(Shape::Joining { count: connections.max(1), gap: gap.as_secs_f64() });
        }
        let (mut hours, mut weekends) = (Vec::new(), Vec::new());
        if let Some(ramp) = load.ramp {
            let down = ramp.down.as_secs_f64();
            if down > 0.0 && end.is_none() {
                return Err("a load that goes on forever cannot ramp down; give it a duration".to_owned());
            }
            shapes.push(Shape::Ramp { up: ramp.up.as_secs_f64(), down, end: end.unwrap_or(0.0) });
        }
        if let Some(burst) = load.burst
            && burst.lasts > Nanos::ZERO
        {
            let (every, lasts) = (burst.every.as_secs_f64(), burst.lasts.as_secs_f64());
            shapes.push(Shape::Burst { factor: burst.factor, every, lasts: lasts.min(every) });
        }
        for (index, written) in load.shape.iter().enumerate() {
            match written {
                Written::Hours(parts) => hours.push(day(parts)),
                Written::Curve(curve) => {
                    let (factors, weekend) = curve.factors();
                    hours.push(factors);
                    weekends.push(weekend);
                }
                Written::Weekend(factor) => weekends.push(*factor),
                Written::Points(points) => shapes.push(through(points)),
                Written::Sine { period, amplitude, peak } => {
                    let period = period.as_secs_f64();
                    let peak = peak.map_or(period / 4.0, Nanos::as_secs_f64);
                    shapes.push(Shape::Sine { amplitude: *amplitude, period, phase: period / 4.0 - peak });
                }
                Written::Csv(path) => shapes.extend(curves.get(path).map(|points| through(points))),
                Written::Spike { at, factor, lasts, decay } => shapes.push(Shape::Spike {
                    at: at.as_secs_f64(),
                    factor: *factor,
                    lasts: lasts.as_secs_f64(),
                    decay: decay.map_or(0.0, Nanos::as_secs_f64),
                }),
                Written::Wobble { sd, tau } => {
                    shapes.push(Shape::wobble(stream.child(index as u64), *sd, tau.as_secs_f64()));
                }
            }
        }
        let plan = Self { rate, spacing, pacing, length, joining, shapes, hours, weekends, zone_offset };
        plan.try_curve(EpochMicros(0))?;
        Ok(plan)
    }

    /// The same load, its rate times a factor: a load that is tied to another.
    pub(crate) fn tied(&self, ratio: f64, spacing: Spacing) -> Self {
        Self { rate: self.rate * ratio, spacing, ..self.clone() }
    }

    /// The rate over time of a run whose event time starts at a moment.
    pub(crate) fn curve(&self, start: EpochMicros) -> Curve {
        // It was tried when the plan was made; another start cuts the same shapes at other places.
        let end = self.length.span().map(Nanos::as_secs_f64);
        self.try_curve(start).unwrap_or_else(|_too_fine| Curve::constant(self.rate, end))
    }

    fn try_curve(&self, start: EpochMicros) -> Result<Curve, String> {
        let end = self.length.span().map(Nanos::as_secs_f64);
        let local = start.0 + self.zone_offset * 1_000_000;
        let mut shapes = self.shapes.clone();
        let of_day = local.rem_euclid(DAY) as f64 / 1e6;
        shapes.extend(self.hours.iter().map(|hours| Shape::Hours { offset: of_day, hours: *hours }));
        // 1970-01-01 was a Thursday: the fourth day of a week that starts on Monday.
        let of_week = (local + 3 * DAY).rem_euclid(WEEK) as f64 / 1e6;
        shapes.extend(self.weekends.iter().map(|factor| Shape::Weekend { offset: of_week, factor: *factor }));
        let curve = Curve::shaped(self.rate, &shapes, end)?;
        let Spacing::Exact(count) = self.spacing else { return Ok(curve) };
        if self.pacing != Pacing::Scheduled {
            // As fast as the target answers: nothing is spread over time.
            return Ok(curve);
        }
        match curve.total() {
            // Positions of an exact number run from 0 to it, whatever the rate.
            Some(total) if total > 0.0 => Ok(curve.scaled(count as f64 / total)),
            Some(_) => Err("the load's shape is zero all the time".to_owned()),
            None => Err("an exact count needs a duration to be spread over".to_owned()),
        }
    }
}

/// Straight lines between points.
fn through(points: &[(Nanos, f64)]) -> Shape {
    Shape::Points(points.iter().map(|(at, factor)| (at.as_secs_f64(), *factor)).collect())
}

/// The factor of each hour of a day.
fn day(parts: &[(f64, f64, f64)]) -> [f64; 24] {
    let mut hours = [1.0; 24];
    for (from, to, factor) in parts {
        for (hour, value) in hours.iter_mut().enumerate() {
            let middle = hour as f64 + 0.5;
            let inside = if from <= to { (*from..*to).contains(&middle) } else { middle >= *from || middle < *to };
            if inside {
                *value = *factor;
            }
        }
    }
    hours
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Rate;

    fn plan(load: &Load) -> LoadPlan {
        LoadPlan::new(load, 50, None, 0, Stream::root(1), &Curves::new()).unwrap()
    }

    #[test]
    fn a_rate_per_connection_is_multiplied() {
        let load = Load { per_connection: Some(Rate::from_per_second(15.0)), ..Load::default() };
        assert_eq!(plan(&load).rate, 750.0);
        assert_eq!(plan(&load).length, Length::For(DEFAULT_LENGTH));
    }

    #[test]
    fn an_exact_count_fills_its_duration() {
        let load = Load {
            count: Some(1_000),
            duration: Some(Length::For(Nanos::from_secs(86_400))),
            shape: vec![Written::Hours(vec![(9.0, 17.0, 2.0)])],
            ..Load::default()
        };
        let curve = plan(&load).curve(EpochMicros(0));
        assert!((curve.total().unwrap() - 1_000.0).abs() < 1e-9);
        assert!((curve.rate_at(10.0 * 3_600.0) / curve.rate_at(3_600.0) - 2.0).abs() < 1e-9);
        let bulk = Load { count: Some(5_000), concurrency: Some(20), ..Load::default() };
        assert_eq!(plan(&bulk).length, Length::Forever);
        let endless = Load { count: Some(5), duration: Some(Length::Forever), ..Load::default() };
        assert!(LoadPlan::new(&endless, 1, None, 0, Stream::root(1), &Curves::new()).is_err());
    }

    #[test]
    fn a_day_that_comes_along_is_one_on_average_and_lower_on_weekends() {
        use crate::scenario::model::load::DayCurve;
        // A Thursday at midnight, two weeks from there.
        let of = |curve: DayCurve| {
            let load = Load {
                rate: Some(Rate::from_per_second(1.0)),
                duration: Some(Length::For(Nanos::from_secs(14 * 86_400))),
                shape: vec![Written::Curve(curve)],
                ..Load::default()
            };
            plan(&load).curve(EpochMicros(0))
        };
        for (curve, weekend, lowest, highest) in [
            (DayCurve::HumanWeb, 0.6, 2, 14),
            (DayCurve::GroceryHours, 1.0, 3, 11),
            (DayCurve::BusinessHours, 0.6, 3, 12),
        ] {
            let curve = of(curve);
            let day = |day: f64| (curve.integral((day + 1.0) * 86_400.0) - curve.integral(day * 86_400.0)) / 86_400.0;
            assert!((day(0.0) - 1.0).abs() < 1e-6, "{}", day(0.0));
            assert!((day(2.0) - weekend).abs() < 1e-6, "{}", day(2.0));
            let hour = |hour: i32| curve.rate_at(f64::from(hour) * 3_600.0 + 1_800.0);
            for other in 0..24 {
                assert!(hour(lowest) <= hour(other) + 1e-9 && hour(other) <= hour(highest) + 1e-9, "at {other}");
            }
        }
        let grocery = of(DayCurve::GroceryHours);
        assert!((grocery.rate_at(11.5 * 3_600.0) / grocery.rate_at(3.5 * 3_600.0) - 8.0).abs() < 1e-9);
    }

    #[test]
    fn hours_may_wrap_midnight() {
        let hours = day(&[(22.0, 6.0, 0.3), (7.0, 9.0, 1.5)]);
        assert_eq!((hours[23], hours[0], hours[5], hours[6], hours[7], hours[9]), (0.3, 0.3, 0.3, 1.0, 1.5, 1.0));
    }
}
