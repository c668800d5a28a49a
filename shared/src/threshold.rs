//! Thresholds: what a figure of a run must hold, in k6's notation, over the run, a window or a stage.
//!
//! `p(95)<300` and `service_time: p(99.9)<1s over 30s after 10s` read into a [`Threshold`]; a [`watch::Watch`] is fed
//! with what each second measured and says whether it holds. A run whose verdict is invalid passes none.

mod parse;
mod tally;
pub mod watch;

use std::fmt;

use crate::run::FigureUnit;
use crate::units::Nanos;

/// One comparison of a figure with a bound.
///
/// ```
/// use shared::threshold::Threshold;
/// let threshold: Threshold = "p(95) < 300".parse().unwrap();
/// assert_eq!(threshold.to_string(), "p(95)<300ms");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What is looked at.
    pub figure: Figure,
    /// How it is compared.
    pub comparison: Comparison,
    /// What it is compared with, in the figure's [`Figure::unit`].
    pub bound: f64,
    /// Which part of the run counts.
    pub scope: Scope,
}

/// What a threshold looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// A statistic of one of the measured times.
    Time(Time, Statistic),
    /// Failed over answered.
    ErrorRate,
    /// Succeeded over answered.
    SuccessRate,
    /// How many.
    Count(Counter),
    /// How many per second.
    PerSecond(Counter),
}

/// A measured time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Time {
    /// From due to answered.
    ResponseTime,
    /// From sent to answered.
    ServiceTime,
    /// From due to sent.
    SendLag,
}

/// A statistic of a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statistic {
    /// `avg`
    Average,
    /// `min`
    Minimum,
    /// `med`
    Median,
    /// `max`
    Maximum,
    /// `p(N)`, N from 0 to 100.
    Percentile(f64),
}

/// Something that is counted; events unless its name says otherwise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Counter {
    /// Due by the schedule.
    Offered,
    /// Sent.
    Sent,
    /// Acknowledged.
    Succeeded,
    /// Not acknowledged.
    Failed,
    /// Extra attempts.
    Retried,
    /// Acknowledged as already known.
    Duplicate,
    /// Refused for the rate.
    Throttled,
    /// Sent later than tolerated.
    Late,
    /// Never sent.
    Dropped,
    /// Requests sent.
    Requests,
}

/// How a figure is compared with its bound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Comparison {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
    /// `!=`
    Different,
}

/// Which part of a run counts. Warm-up and stage are in time of the schedule, so that a pause does not move them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// `over 30s`: every stretch of this length must hold, not only the whole.
    pub window: Option<Nanos>,
    /// `after 10s`: what was measured before does not count.
    pub warm_up: Option<Nanos>,
    /// `in hold`, `from 1m to 3m`: only this part counts.
    pub stage: Option<Stage>,
}

/// A part of the schedule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stage {
    /// By its name; the scenario says from when to when.
    Named(String),
    /// From one moment of the schedule to another.
    Between(Nanos, Nanos),
}

impl Figure {
    /// What its numbers mean.
    pub fn unit(self) -> FigureUnit {
        match self {
            Self::Time(..) => FigureUnit::Microseconds,
            Self::ErrorRate | Self::SuccessRate => FigureUnit::Ratio,
            Self::Count(_) => FigureUnit::Count,
            Self::PerSecond(_) => FigureUnit::PerSecond,
        }
    }
}

impl Time {
    const ALL: [Self; 3] = [Self::ResponseTime, Self::ServiceTime, Self::SendLag];

    /// The name as results write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResponseTime => "response_time",
            Self::ServiceTime => "service_time",
            Self::SendLag => "send_lag",
        }
    }
}

impl Counter {
    const ALL: [Self; 10] = [
        Self::Offered,
        Self::Sent,
        Self::Succeeded,
        Self::Failed,
        Self::Retried,
        Self::Duplicate,
        Self::Throttled,
        Self::Late,
        Self::Dropped,
        Self::Requests,
    ];

    /// The name as results write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Sent => "sent",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Retried => "retried",
            Self::Duplicate => "duplicate",
            Self::Throttled => "throttled",
            Self::Late => "late",
            Self::Dropped => "dropped",
            Self::Requests => "requests",
        }
    }
}

impl Comparison {
    /// Whether an observed value holds.
    pub fn holds(self, observed: f64, bound: f64) -> bool {
        match self {
            Self::Below => observed < bound,
            Self::AtMost => observed <= bound,
            Self::Above => observed > bound,
            Self::AtLeast => observed >= bound,
            Self::Equal => observed == bound,
            Self::Different => observed != bound,
        }
    }

    /// How far an observed value is on the wrong side; the larger, the worse, also below zero.
    fn badness(self, observed: f64, bound: f64) -> f64 {
        match self {
            Self::Below | Self::AtMost => observed - bound,
            Self::Above | Self::AtLeast => bound - observed,
            Self::Equal => (observed - bound).abs(),
            Self::Different => -(observed - bound).abs(),
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
            Self::Different => "!=",
        }
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Average => f.write_str("avg"),
            Self::Minimum => f.write_str("min"),
            Self::Median => f.write_str("med"),
            Self::Maximum => f.write_str("max"),
            Self::Percentile(percent) => write!(f, "p({percent})"),
        }
    }
}

impl fmt::Display for Figure {
    /// The shortest way to write it: response time needs no name, as in k6.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(Time::ResponseTime, statistic) => statistic.fmt(f),
            Self::Time(time, statistic) => write!(f, "{}: {statistic}", time.name()),
            Self::ErrorRate => f.write_str("error_rate"),
            Self::SuccessRate => f.write_str("success_rate"),
            Self::Count(counter) => f.write_str(counter.name()),
            Self::PerSecond(Counter::Succeeded) => f.write_str("events_per_second"),
            Self::PerSecond(counter) => write!(f, "{}: rate", counter.name()),
        }
    }
}

impl fmt::Display for Threshold {
    /// A form that reads back as the same threshold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.figure, self.comparison.sign())?;
        match self.figure.unit() {
            FigureUnit::Microseconds => write_time(self.bound, f)?,
            FigureUnit::Ratio | FigureUnit::PerSecond | FigureUnit::Count => write!(f, "{}", self.bound)?,
        }
        if let Some(window) = self.scope.window {
            write!(f, " over {window}")?;
        }
        match &self.scope.stage {
            Some(Stage::Named(name)) => write!(f, " in {name}")?,
            Some(Stage::Between(from, to)) => write!(f, " from {from} to {to}")?,
            None => {}
        }
        if let Some(warm_up) = self.scope.warm_up {
            write!(f, " after {warm_up}")?;
        }
        Ok(())
    }
}

/// Writes microseconds in the largest unit that loses nothing.
fn write_time(micros: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (size, unit) in [(1e6, "s"), (1e3, "ms")] {
        let value = micros / size;
        if value >= 1.0 && value * size == micros && (size < 1e6 || value.fract() == 0.0) {
            return write!(f, "{value}{unit}");
        }
    }
    write!(f, "{micros}us")
}
