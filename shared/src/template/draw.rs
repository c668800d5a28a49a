//! The kinds of draws, and how each is made from its arguments.

use crate::generate::clock::TimeFormat;
use crate::random::distribution::{self, CutGeometric, LogNormal};
use crate::random::{Draws, choice, open_unit, quantile};
use crate::units::EpochMicros;

use super::value::Value;

/// When a draw is made: the event's moment, and its number within its session or life, from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    pub(crate) moment: EpochMicros,
    pub(crate) step: u64,
}

/// Distributions whose arguments never change, worked out once; draws name them by their index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready {
    pub(crate) lognormals: Vec<LogNormal>,
    pub(crate) geometrics: Vec<CutGeometric>,
    /// Lowest and highest.
    pub(crate) ints: Vec<(i64, i64)>,
    /// Lowest and width.
    pub(crate) uniforms: Vec<(f64, f64)>,
    /// Probabilities.
    pub(crate) chances: Vec<f64>,
}

/// A draw whose arguments are numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Draw {
    /// A whole number between two, both included.
    Int,
    /// The same between two that are known before anything is drawn: index of them.
    IntFixed(u32),
    /// A number between two.
    Uniform,
    /// The same between two that are known before anything is drawn: index of them.
    UniformFixed(u32),
    /// Mean, standard deviation.
    Normal,
    /// Median and 99th percentile.
    LogNormalPercentiles,
    /// Mean and coefficient of variation.
    LogNormalMean,
    /// Parameters of the logarithm, known before anything is drawn: index of them.
    LogNormalFixed(u32),
    /// The same but for the median, which is an argument: index of them.
    LogNormalScaled(u32),
    /// Mean.
    Exponential,
    /// Scale, shape.
    Pareto,
    /// Scale, shape.
    Weibull,
    /// Shape, scale.
    Gamma,
    /// Mean.
    Poisson,
    /// Number of ranks, exponent; the rank from 1.
    Zipf,
    /// Lowest, highest, mean: whole numbers, each step up less likely.
    Geometric,
    /// The same, known before anything is drawn: index of it.
    GeometricFixed(u32),
    /// Mean, amplitude, period in seconds: a wave over event time.
    Sine,
    /// Mean, standard deviation, correlation time in seconds: wanders over event time, each user in a way of its own.
    Walk,
    /// First, last, steps to halve the distance: falls with each event of a session or life.
    Decay,
    /// True with a probability.
    Bool,
    /// True with a probability that is known before anything is drawn: index of it.
    BoolFixed(u32),
    /// Random UUID.
    UuidV4,
    /// UUID that begins with its time.
    UuidV7,
    /// So many hexadecimal digits.
    Hex(u8),
    /// Number that begins with its time.
    Snowflake,
}

impl Draw {
    /// Whether it depends on when the event happens.
    pub(crate) fn is_timed(self) -> bool {
        matches!(self, Self::Sine | Self::Walk | Self::UuidV7 | Self::Snowflake)
    }

    /// Makes the draw. Arguments that are no numbers give nothing.
    pub(crate) fn make(self, draws: &mut Draws, arguments: &[f64], when: When, ready: &Ready) -> Value {
        let When { moment, step } = when;
        let argument = |index: usize| arguments.get(index).copied().unwrap_or(f64::NAN);
        let (first, second) = (argument(0), argument(1));
        let number = match self {
            Self::Int => {
                if first.is_nan() || second.is_nan() {
                    return Value::Null;
                }
                return Value::Int(draws.int(first as i64, second as i64));
            }
            Self::IntFixed(fixed) => {
                let (low, high) = ready.ints[fixed as usize];
                return Value::Int(draws.int(low, high));
            }
            Self::Uniform => first + (second - first) * draws.unit(),
            Self::UniformFixed(fixed) => {
                let (low, width) = ready.uniforms[fixed as usize];
                low + width * draws.unit()
            }
            Self::Normal => distribution::normal(draws, first, second),
            Self::LogNormalPercentiles => LogNormal::from_percentiles(first, second).sample(draws),
            Self::LogNormalMean => LogNormal::from_mean(first, second).sample(draws),
            Self::LogNormalFixed(fixed) => ready.lognormals[fixed as usize].sample(draws),
            Self::LogNormalScaled(fixed) => first.max(0.0) * ready.lognormals[fixed as usize].sample(draws),
            Self::Exponential => distribution::exponential(draws, first),
            Self::Pareto => distribution::pareto(draws, first, second),
            Self::Weibull => distribution::weibull(draws, first, second),
            Self::Gamma if first > 0.0 && first < 1e12 => distribution::gamma(draws, first, second),
            Self::Gamma => f64::NAN,
            Self::Poisson => {
                return Value::Int(i64::try_from(distribution::poisson(draws, first)).unwrap_or(i64::MAX));
            }
            Self::Zipf => {
                let count = first.clamp(1.0, 9.0e15) as u64;
                // Tables are for pools; a rank of its own is drawn by the formula, whatever its size.
                return Value::Int(choice::Zipf::formula(count, second).pick(draws) as i64 + 1);
            }
            Self::Geometric => {
                let mean = argument(2);
                if first.is_nan() || second.is_nan() || mean.is_nan() {
                    return Value::Null;
                }
                return Value::Int(CutGeometric::with_mean(first as i64, second as i64, mean).sample(draws));
            }
            Self::Sine => {
                let turns = seconds(moment) / argument(2);
                first + second * libm::sin(std::f64::consts::TAU * (turns - libm::floor(turns)))
            }
            Self::Walk => first + second * wander(draws, seconds(moment) / argument(2)),
            Self::Decay => second + (first - second) * libm::exp2(-(step as f64 - 1.0) / argument(2)),
            Self::GeometricFixed(fixed) => return Value::Int(ready.geometrics[fixed as usize].sample(draws)),
            Self::Bool => return Value::Bool(draws.happens(first)),
            Self::BoolFixed(fixed) => return Value::Bool(draws.happens(ready.chances[fixed as usize])),
            Self::UuidV4 => {
                let (high, low) = crate::generate::ids::uuid_v4(draws.word(), draws.word());
                return Value::Uuid(high, low);
            }
            Self::UuidV7 => {
                let (high, low) = crate::generate::ids::uuid_v7(moment, draws.word(), draws.word());
                return Value::Uuid(high, low);
            }
            Self::Hex(digits) => return Value::Hex(draws.word(), digits),
            Self::Snowflake => return Value::Int(crate::generate::ids::snowflake(moment, draws.word())),
        };
        if number.is_finite() { Value::Float(number) } else { Value::Null }
    }
}

/// A moment in seconds since 1970.
fn seconds(moment: EpochMicros) -> f64 {
    moment.0 as f64 / 1e6
}

/// A standard normal number that changes slowly with a place: straight between fresh draws one unit apart.
fn wander(draws: &Draws, place: f64) -> f64 {
    if !place.is_finite() {
        return f64::NAN;
    }
    let floor = libm::floor(place);
    let share = place - floor;
    let at = |number: f64| quantile::normal(open_unit(draws.at(number as i64 as u64)));
    // Divided by what mixing two independent numbers takes from the spread.
    let spread = libm::sqrt(share * share + (1.0 - share) * (1.0 - share));
    ((1.0 - share) * at(floor) + share * at(floor + 1.0)) / spread
}

/// A moment in a format.
pub(crate) fn moment(moment: EpochMicros, format: TimeFormat) -> Value {
    match format.number(moment) {
        Some(number) => Value::Int(number),
        None => Value::Moment(moment, format),
    }
}
