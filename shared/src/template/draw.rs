//! The kinds of draws, and how each is made from its arguments.

use crate::generate::clock::TimeFormat;
use crate::random::distribution::{self, CutGeometric, LogNormal};
use crate::random::{Draws, choice};
use crate::units::EpochMicros;

use super::value::Value;

/// Distributions whose arguments never change, worked out once; draws name them by their index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready {
    pub(crate) lognormals: Vec<LogNormal>,
    pub(crate) geometrics: Vec<CutGeometric>,
}

/// A draw whose arguments are numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Draw {
    /// A whole number between two, both included.
    Int,
    /// A number between two.
    Uniform,
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
    /// True with a probability.
    Bool,
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
    /// Makes the draw. Arguments that are no numbers give nothing.
    pub(crate) fn make(self, draws: &mut Draws, arguments: &[f64], moment: EpochMicros, ready: &Ready) -> Value {
        let argument = |index: usize| arguments.get(index).copied().unwrap_or(f64::NAN);
        let (first, second) = (argument(0), argument(1));
        let number = match self {
            Self::Int => {
                if first.is_nan() || second.is_nan() {
                    return Value::Null;
                }
                return Value::Int(draws.int(first as i64, second as i64));
            }
            Self::Uniform => first + (second - first) * draws.unit(),
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
            Self::GeometricFixed(fixed) => return Value::Int(ready.geometrics[fixed as usize].sample(draws)),
            Self::Bool => return Value::Bool(draws.happens(first)),
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

/// A moment in a format.
pub(crate) fn moment(moment: EpochMicros, format: TimeFormat) -> Value {
    match format.number(moment) {
        Some(number) => Value::Int(number),
        None => Value::Moment(moment, format),
    }
}
