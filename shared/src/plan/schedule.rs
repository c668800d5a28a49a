//! From a place in the order of arrivals to the moment it is due, while people turn the rate up and down.

use super::curve::Curve;
use crate::units::Nanos;

/// Nothing is planned beyond this many seconds, five hundred years: spans are counted in 64 bits.
const LAST_SECOND: f64 = 1.6e10;

/// A place in the order of a workload's arrivals: how many arrivals are expected before it.
///
/// It is drawn without regard to time, so that a change of rate moves moments, never content or order.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Position(pub f64);

/// The multiplier from one moment on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stage {
    /// When it took effect, in seconds.
    at: f64,
    multiplier: f64,
    /// Arrivals expected until then.
    expected: f64,
    /// Area under the curve until then.
    area: f64,
    /// Scaled time until then: the integral of the multiplier.
    scaled: f64,
}

/// A rate [`Curve`] under a live multiplier: Λ(t) = ∫ m(s)·λ(s) ds and its inverse.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    curve: Curve,
    /// In ascending order of time; never empty.
    stages: Vec<Stage>,
    /// When a load without a rate of its own ends, in seconds.
    closed: Option<Option<f64>>,
}

impl Schedule {
    /// A schedule at the scenario's own rate.
    pub fn new(curve: Curve) -> Self {
        let first = Stage { at: 0.0, multiplier: 1.0, expected: 0.0, area: 0.0, scaled: 0.0 };
        Self { curve, stages: vec![first], closed: None }
    }

    /// The schedule of a closed load: the target decides how much is sent, the multiplier how fast people think. Places
    /// in its order are a second of its own time apart, and beyond any end.
    pub fn closed(end: Option<Nanos>) -> Self {
        Self { closed: Some(end.map(Nanos::as_secs_f64)), ..Self::new(Curve::constant(1.0, None)) }
    }

    /// The rate at the multiplier 1.
    pub fn curve(&self) -> &Curve {
        &self.curve
    }

    /// Multiplies the rate from a moment on. Moments before the latest change are taken as that change's.
    pub fn set_multiplier(&mut self, at: Nanos, multiplier: f64) {
        let last = self.last();
        let at = at.as_secs_f64().max(last.at);
        let stage = Stage {
            at,
            multiplier: if multiplier.is_finite() { multiplier.max(0.0) } else { last.multiplier },
            expected: self.expected(at),
            area: self.curve.integral(at),
            scaled: self.scaled(at),
        };
        if at == last.at {
            self.stages.pop();
        }
        self.stages.push(stage);
    }

    /// When a place in the order is due; none if that lies beyond the end.
    pub fn due(&self, position: Position) -> Option<Nanos> {
        self.seconds(position).map(Nanos::from_secs_f64)
    }

    /// The scenario's own time of a place in the order: what its moment would be at the multiplier 1 all along, for
    /// things that follow an arrival after spans of their own. A change of the multiplier leaves it for what has begun.
    pub fn own_time(&self, position: Position) -> Option<Nanos> {
        Some(Nanos::from_secs_f64(self.scaled(self.seconds(position)?)))
    }

    /// The scenario's own time at a moment.
    pub fn own_time_at(&self, at: Nanos) -> Nanos {
        // Exact as long as nobody has touched the multiplier.
        if self.stages.len() == 1 { at } else { Nanos::from_secs_f64(self.scaled(at.as_secs_f64())) }
    }

    /// When a moment of the scenario's own time is due; none while the rate is zero. The end of the load is none here.
    pub fn due_at(&self, own_time: Nanos) -> Option<Nanos> {
        let wanted = own_time.as_secs_f64();
        let index = self.stages.partition_point(|stage| stage.scaled <= wanted).saturating_sub(1);
        let stage = &self.stages[index];
        if stage.at == 0.0 && stage.multiplier == 1.0 {
            return Some(own_time);
        }
        let rest = wanted - stage.scaled;
        if rest <= 0.0 {
            return Some(Nanos::from_secs_f64(stage.at));
        }
        (stage.multiplier > 0.0).then(|| Nanos::from_secs_f64(stage.at + rest / stage.multiplier))
    }

    /// The place in the order up to which arrivals are due before a moment.
    pub fn position_at(&self, at: Nanos) -> Position {
        Position(self.expected(at.as_secs_f64()))
    }

    /// Arrivals per second at a moment; none of a closed load.
    pub fn rate_at(&self, at: Nanos) -> f64 {
        if self.closed.is_some() {
            return 0.0;
        }
        let seconds = at.as_secs_f64();
        self.stage_at(seconds).multiplier * self.curve.rate_at(seconds)
    }

    /// Arrivals expected until a moment; none of a closed load.
    pub fn expected_until(&self, at: Nanos) -> f64 {
        if self.closed.is_some() { 0.0 } else { self.expected(at.as_secs_f64()) }
    }

    /// When the load ends.
    pub fn end(&self) -> Option<Nanos> {
        self.closed.unwrap_or(self.curve.end()).map(Nanos::from_secs_f64)
    }

    /// Whether the target decides how much is sent.
    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    fn seconds(&self, position: Position) -> Option<f64> {
        let wanted = position.0.max(0.0);
        let index = self.stages.partition_point(|stage| stage.expected <= wanted).saturating_sub(1);
        let stage = &self.stages[index];
        if stage.multiplier <= 0.0 {
            return None;
        }
        let seconds = self.curve.inverse(stage.area + (wanted - stage.expected) / stage.multiplier)?;
        (seconds < LAST_SECOND).then_some(seconds)
    }

    fn expected(&self, seconds: f64) -> f64 {
        let stage = self.stage_at(seconds);
        stage.expected + stage.multiplier * (self.curve.integral(seconds) - stage.area)
    }

    fn scaled(&self, seconds: f64) -> f64 {
        let stage = self.stage_at(seconds);
        stage.scaled + stage.multiplier * (seconds - stage.at)
    }

    fn stage_at(&self, seconds: f64) -> &Stage {
        &self.stages[self.stages.partition_point(|stage| stage.at <= seconds).saturating_sub(1)]
    }

    fn last(&self) -> Stage {
        self.stages[self.stages.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(value: f64) -> Nanos {
        Nanos::from_secs_f64(value)
    }

    #[test]
    fn doubling_the_rate_halves_the_gaps_from_then_on() {
        let mut schedule = Schedule::new(Curve::constant(10.0, Some(60.0)));
        assert_eq!(schedule.due(Position(100.0)), Some(seconds(10.0)));
        schedule.set_multiplier(seconds(5.0), 2.0);
        assert_eq!(schedule.due(Position(40.0)), Some(seconds(4.0)), "the past stays");
        assert_eq!(schedule.due(Position(100.0)), Some(seconds(7.5)));
        assert_eq!(schedule.rate_at(seconds(6.0)), 20.0);
        assert_eq!(schedule.expected_until(seconds(60.0)), 50.0 + 55.0 * 20.0);
        assert_eq!(schedule.due(Position(1_149.0)), Some(seconds(59.95)));
        assert_eq!(schedule.due(Position(1_151.0)), None);
    }

    #[test]
    fn steps_of_a_session_speed_up_with_the_rate() {
        let mut schedule = Schedule::new(Curve::constant(1.0, None));
        let step = schedule.own_time(Position(10.0)).unwrap().saturating_add(seconds(30.0));
        assert_eq!(schedule.due_at(step), Some(seconds(40.0)));
        schedule.set_multiplier(seconds(20.0), 2.0);
        // 10 of the 30 seconds passed at the old pace, 20 at twice the pace.
        assert_eq!(schedule.due_at(step), Some(seconds(30.0)));
        assert_eq!(schedule.own_time(Position(10.0)), Some(seconds(10.0)), "what has begun stays");
    }

    #[test]
    fn a_rate_of_zero_holds_everything_back_until_it_rises() {
        let mut schedule = Schedule::new(Curve::constant(10.0, None));
        schedule.set_multiplier(seconds(1.0), 0.0);
        assert_eq!(schedule.due(Position(50.0)), None);
        schedule.set_multiplier(seconds(3.0), 1.0);
        assert_eq!(schedule.due(Position(50.0)), Some(seconds(7.0)));
    }

    proptest! {
        #[test]
        fn changes_keep_the_order_and_the_count(
            changes in prop::collection::vec((0.0_f64..100.0, 0.1_f64..5.0), 0..6),
        ) {
            let mut changes = changes;
            changes.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut schedule = Schedule::new(Curve::constant(50.0, Some(120.0)));
            for (at, multiplier) in changes {
                schedule.set_multiplier(seconds(at), multiplier);
            }
            let total = schedule.expected_until(seconds(120.0));
            let mut last = Nanos::ZERO;
            for number in 0..total as u64 {
                let position = Position(number as f64 + 0.5);
                if let Some(due) = schedule.due(position) {
                    prop_assert!(due >= last);
                    prop_assert!((schedule.expected_until(due) - position.0).abs() < 1e-5);
                    last = due;
                } else {
                    prop_assert!(position.0 > total - 1e-6);
                }
            }
        }
    }
}
