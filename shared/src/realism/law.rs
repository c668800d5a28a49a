//! The continuous laws that a template may name, cut into parts that are equally likely.

use crate::random::distribution::LogNormal;
use crate::random::quantile;
use crate::tree::Node;

/// Parts that a continuous law is cut into.
const PARTS: usize = 10;
/// Whole numbers up to this many are told apart; more are put into [`PARTS`] groups.
const WHOLE_PARTS: i64 = 24;

/// A law with parameters that are plain numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Law {
    /// Whole numbers, both ends included.
    Int(i64, i64),
    /// Whole numbers between two, each step up less likely, with this mean.
    Geometric(i64, i64, f64),
    /// Evenly between two numbers.
    Uniform(f64, f64),
    /// Mean and standard deviation.
    Normal(f64, f64),
    /// Log-normal.
    LogNormal(LogNormal),
    /// Exponential with this mean.
    Exponential(f64),
    /// Scale and shape.
    Weibull(f64, f64),
    /// Scale and shape.
    Pareto(f64, f64),
}

/// A law cut into parts: part i holds what is at or above edge i-1 and below edge i.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    /// The inner edges, ascending; one fewer than the parts.
    pub(crate) edges: Vec<f64>,
    /// Share of each part.
    pub(crate) shares: Vec<f64>,
    /// What the parts are called.
    pub(crate) names: Vec<String>,
}

impl Law {
    /// The law of a call such as `{$uniform: [1, 5]}`; none for any other node, and where a parameter is itself drawn
    /// or a modifier changes what comes out.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        let entries = node.as_map()?;
        let call = entries.iter().find(|entry| entry.key.starts_with('$'))?;
        // What rounding and bounds do to the values is looked after where the law is cut into parts.
        if entries.iter().any(|entry| !entry.key.starts_with('$') && !["round", "clamp"].contains(&entry.key.as_str()))
        {
            return None;
        }
        let argument = &call.node;
        // Parameters are written as a list in their order, as a map, or as the only one.
        let parameters = |names: &[&str]| -> Option<Vec<f64>> {
            match (argument.as_list(), names) {
                (Some(items), _) if items.len() == names.len() => items.iter().map(Node::as_f64).collect(),
                (None, [_]) if argument.as_f64().is_some() => Some(vec![argument.as_f64()?]),
                _ => names.iter().map(|name| argument.get(name).and_then(Node::as_f64)).collect(),
            }
        };
        let pair = |names: [&str; 2]| parameters(&names).map(|found| (found[0], found[1]));
        let law = match call.key.as_str() {
            "$int" => {
                let (low, high) = pair(["min", "max"])?;
                Self::Int(low as i64, high as i64)
            }
            "$uniform" => {
                let (low, high) = pair(["min", "max"])?;
                Self::Uniform(low, high)
            }
            "$normal" => {
                let (mean, sd) = pair(["mean", "sd"])?;
                Self::Normal(mean, sd)
            }
            "$lognormal" if argument.get("mean").is_some() => {
                let (mean, cv) = pair(["mean", "cv"])?;
                Self::LogNormal(LogNormal::from_mean(mean, cv))
            }
            "$lognormal" => {
                let (p50, p99) = pair(["p50", "p99"])?;
                Self::LogNormal(LogNormal::from_percentiles(p50, p99))
            }
            "$exp" => Self::Exponential(*parameters(&["mean"])?.first()?),
            "$weibull" => {
                let (scale, shape) = pair(["scale", "shape"])?;
                Self::Weibull(scale, shape)
            }
            "$pareto" => {
                let (scale, shape) = pair(["scale", "shape"])?;
                Self::Pareto(scale, shape)
            }
            "$geometric" => match parameters(&["min", "max", "mean"])?.as_slice() {
                [low, high, mean] => Self::Geometric(*low as i64, *high as i64, *mean),
                _ => return None,
            },
            _ => return None,
        };
        Some(law)
    }

    /// The mean of the law, where its parameters say it.
    pub(crate) fn mean(&self) -> Option<f64> {
        match *self {
            Self::Int(low, high) => Some((low as f64 + high as f64) / 2.0),
            Self::Uniform(low, high) => Some((low + high) / 2.0),
            Self::Geometric(_, _, mean) | Self::Normal(mean, _) | Self::Exponential(mean) => Some(mean),
            Self::LogNormal(_) | Self::Weibull(..) | Self::Pareto(..) => None,
        }
    }

    /// The number below which a share of the values lie.
    fn quantile(&self, share: f64) -> f64 {
        match *self {
            Self::Int(low, high) | Self::Geometric(low, high, _) => low as f64 + share * (high - low + 1) as f64,
            Self::Uniform(low, high) => low + share * (high - low),
            Self::Normal(mean, sd) => mean + sd * quantile::normal(share),
            Self::LogNormal(law) => libm::exp(law.mu + law.sigma * quantile::normal(share)),
            Self::Exponential(mean) => -mean * libm::log(1.0 - share),
            Self::Weibull(scale, shape) => scale * libm::pow(-libm::log(1.0 - share), 1.0 / shape),
            Self::Pareto(scale, shape) => scale * libm::pow(1.0 - share, -1.0 / shape),
        }
    }

    /// The share of the values that lie below a number.
    fn below(&self, value: f64) -> f64 {
        let normal = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        match *self {
            Self::Int(low, high) | Self::Geometric(low, high, _) => (value - low as f64) / (high - low + 1) as f64,
            Self::Uniform(low, high) => (value - low) / (high - low),
            Self::Normal(mean, sd) => normal((value - mean) / sd),
            Self::LogNormal(law) if value > 0.0 => normal((libm::log(value) - law.mu) / law.sigma),
            Self::Exponential(mean) if value > 0.0 => 1.0 - libm::exp(-value / mean),
            Self::Weibull(scale, shape) if value > 0.0 => 1.0 - libm::exp(-libm::pow(value / scale, shape)),
            Self::Pareto(scale, shape) if value > scale => 1.0 - libm::pow(scale / value, shape),
            Self::LogNormal(_) | Self::Exponential(_) | Self::Weibull(..) | Self::Pareto(..) => 0.0,
        }
        .clamp(0.0, 1.0)
    }
}

impl Parts {
    /// Cuts a law whose values are rounded to a grid (0 for none) and moved between two bounds, if there are any; none
    /// when that leaves nothing to tell apart, or the law has no width.
    pub(crate) fn of(law: Law, grid: f64, clamp: Option<(f64, f64)>) -> Option<Self> {
        let edges = match law {
            Law::Int(low, high) => return clamp.is_none().then(|| Self::whole(low, high))?,
            Law::Geometric(low, high, mean) => return clamp.is_none().then(|| Self::stepwise(low, high, mean))?,
            Law::Uniform(..)
            | Law::Normal(..)
            | Law::LogNormal(_)
            | Law::Exponential(_)
            | Law::Weibull(..)
            | Law::Pareto(..) => (1..PARTS).map(|part| law.quantile(part as f64 / PARTS as f64)),
        };
        // Half a step away from the grid, since a rounded value stands for what lies around it.
        let mut edges: Vec<f64> = if grid > 0.0 {
            edges.map(|edge| (libm::floor(edge / grid) + 0.5) * grid).collect()
        } else {
            edges.collect()
        };
        if edges.iter().any(|edge| !edge.is_finite()) {
            return None;
        }
        // What lies beyond a bound is found at the bound.
        edges.retain(|edge| clamp.is_none_or(|(low, high)| *edge > low && *edge <= high));
        edges.dedup();
        if edges.is_empty() || edges.windows(2).any(|pair| pair[1] <= pair[0]) {
            return None;
        }
        let below: Vec<f64> = edges.iter().map(|edge| law.below(*edge)).collect();
        let (from, to) = ([0.0].into_iter().chain(below.clone()), below.iter().copied().chain([1.0]));
        let shares: Vec<f64> = from.zip(to).map(|(from, to)| to - from).collect();
        Some(if grid == 1.0 { Self::counted(edges, shares) } else { Self::named(edges, shares) })
    }

    /// Whole numbers between two, each step up less likely by a ratio that gives the mean.
    fn stepwise(low: i64, high: i64, mean: f64) -> Option<Self> {
        let steps = high.checked_sub(low).filter(|steps| (1..1_000).contains(steps))?;
        let shares_of = |ratio: f64| -> Vec<f64> {
            let weights: Vec<f64> = (0..=steps).map(|step| libm::pow(ratio, step as f64)).collect();
            let sum: f64 = weights.iter().sum();
            weights.into_iter().map(|weight| weight / sum).collect()
        };
        let mean_of = |shares: &[f64]| shares.iter().zip(0..).map(|(share, step)| share * f64::from(step)).sum::<f64>();
        let wanted = mean - low as f64;
        let (mut less, mut more) = (0.0, 4.0);
        for _ in 0..60 {
            let middle = (less + more) / 2.0;
            if mean_of(&shares_of(middle)) < wanted { less = middle } else { more = middle }
        }
        let each = shares_of(less);
        // Steps are put together until a part is worth telling apart.
        let (mut edges, mut shares, mut sum) = (Vec::new(), Vec::new(), 0.0);
        for (share, step) in each.iter().zip(0_i64..) {
            sum += share;
            if sum >= 0.5 / PARTS as f64 && step < steps {
                edges.push((low + step) as f64 + 0.5);
                shares.push(std::mem::take(&mut sum));
            }
        }
        shares.push(sum);
        (shares.len() > 1).then(|| Self::counted(edges, shares))
    }

    fn whole(low: i64, high: i64) -> Option<Self> {
        let count = high.checked_sub(low)?.checked_add(1).filter(|count| *count > 1)?;
        let groups = if count <= WHOLE_PARTS { count } else { PARTS as i64 };
        let first_of = |group: i64| low + (i128::from(count) * i128::from(group) / i128::from(groups)) as i64;
        let starts: Vec<i64> = (0..=groups).map(first_of).collect();
        let shares = starts.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / count as f64).collect();
        let names = starts
            .windows(2)
            .map(
                |pair| {
                    if pair[1] - pair[0] == 1 { pair[0].to_string() } else { format!("{}..{}", pair[0], pair[1] - 1) }
                },
            )
            .collect();
        let edges = starts[1..starts.len() - 1].iter().map(|start| *start as f64 - 0.5).collect();
        Some(Self { edges, shares, names })
    }

    /// Parts of whole numbers, whose edges lie half way between two.
    fn counted(edges: Vec<f64>, shares: Vec<f64>) -> Self {
        let names = (0..shares.len())
            .map(|part| match (part.checked_sub(1).and_then(|below| edges.get(below)), edges.get(part)) {
                (None, Some(high)) => format!("up to {:.0}", high - 0.5),
                (Some(low), Some(high)) if high - low < 1.5 => format!("{:.0}", low + 0.5),
                (Some(low), Some(high)) => format!("{:.0}..{:.0}", low + 0.5, high - 0.5),
                (Some(low), None) => format!("from {:.0}", low + 0.5),
                (None, None) => "any".to_owned(),
            })
            .collect();
        Self { edges, shares, names }
    }

    fn named(edges: Vec<f64>, shares: Vec<f64>) -> Self {
        let names = (0..shares.len())
            .map(|part| match (part.checked_sub(1).and_then(|below| edges.get(below)), edges.get(part)) {
                (None, Some(high)) => format!("below {}", short(*high)),
                (Some(low), Some(high)) => format!("{} to {}", short(*low), short(*high)),
                (Some(low), None) => format!("from {}", short(*low)),
                (None, None) => "any".to_owned(),
            })
            .collect();
        Self { edges, shares, names }
    }

    /// The part of a value.
    pub(crate) fn part(&self, value: f64) -> usize {
        self.edges.partition_point(|edge| *edge <= value)
    }
}

/// A number with as many digits after the point as suit the largest number beside it.
pub(crate) fn aligned(value: f64, largest: f64) -> String {
    match largest.abs() {
        1_000.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.01.. => format!("{value:.2}"),
        _ => short(value),
    }
}

/// A number in at most four digits or so.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    if size >= 1_000.0 || (size > 0.0 && size == libm::floor(size)) {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 0.01 || size == 0.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.1e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Stream, distribution};

    #[test]
    fn each_part_takes_its_share() {
        let mut draws = Stream::root(11).draws(2);
        let mut judge = |law: Law, sample: fn(&mut crate::random::Draws) -> f64| {
            let parts = Parts::of(law, 0.0, None).unwrap();
            let mut counts = vec![0_u64; parts.shares.len()];
            for _ in 0..20_000 {
                counts[parts.part(sample(&mut draws))] += 1;
            }
            let fit = super::super::Fit::of(&counts, &parts.shares, 0).unwrap();
            assert!(fit.p_value > 1e-4, "{law:?} {counts:?} {fit:?}");
        };
        judge(Law::Uniform(9.99, 499.99), |draws| 9.99 + draws.unit() * 490.0);
        judge(Law::LogNormal(LogNormal::from_percentiles(240.0, 3_600.0)), |draws| {
            LogNormal::from_percentiles(240.0, 3_600.0).sample(draws)
        });
        judge(Law::Exponential(7.5), |draws| distribution::exponential(draws, 7.5));
        judge(Law::Weibull(42.0, 0.75), |draws| distribution::weibull(draws, 42.0, 0.75));
        judge(Law::Int(1, 1_000), |draws| draws.int(1, 1_000) as f64);
    }

    #[test]
    fn few_whole_numbers_are_told_apart_and_many_are_grouped() {
        let parts = Parts::of(Law::Int(1, 3), 0.0, None).unwrap();
        assert_eq!(parts.names, ["1", "2", "3"]);
        assert_eq!([parts.part(1.0), parts.part(2.0), parts.part(3.0)], [0, 1, 2]);
        let parts = Parts::of(Law::Int(0, 150), 0.0, None).unwrap();
        assert_eq!(parts.names[0], "0..14");
        assert!((parts.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(Parts::of(Law::Int(4, 4), 0.0, None), None);
        assert_eq!(Parts::of(Law::Int(i64::MIN, i64::MAX), 0.0, None), None);
    }

    #[test]
    fn rounding_and_bounds_leave_the_shares_right() {
        let mut draws = Stream::root(12).draws(3);
        let mut judge = |law: Law, grid: f64, clamp: (f64, f64), sample: &dyn Fn(&mut crate::random::Draws) -> f64| {
            let parts = Parts::of(law, grid, Some(clamp)).unwrap();
            let mut counts = vec![0_u64; parts.shares.len()];
            for _ in 0..20_000 {
                let value = sample(&mut draws).clamp(clamp.0, clamp.1);
                counts[parts.part((value / grid).round() * grid)] += 1;
            }
            let fit = super::super::Fit::of(&counts, &parts.shares, 0).unwrap();
            assert!(fit.p_value > 1e-4, "{parts:?} {counts:?} {fit:?}");
            parts
        };
        let good = judge(Law::Normal(0.86, 0.08), 0.001, (0.5, 1.0), &|draws| distribution::normal(draws, 0.86, 0.08));
        assert_eq!(good.shares.len(), 10);
        let few = LogNormal::from_percentiles(8.0, 60.0);
        let taps = judge(Law::LogNormal(few), 1.0, (1.0, 49.0), &|draws| few.sample(draws));
        assert_eq!((taps.names[0].as_str(), taps.names.len()), ("up to 2", 10));
        // What lies beyond the bound is all in the last part.
        let cut = judge(Law::Exponential(10.0), 0.01, (0.0, 16.0), &|draws| distribution::exponential(draws, 10.0));
        assert_eq!(cut.shares.len(), 8);
        assert_eq!(Parts::of(Law::Uniform(5.0, 9.0), 0.0, Some((0.0, 1.0))), None);
    }

    #[test]
    fn steps_that_get_less_likely_have_the_mean_that_they_were_given() {
        let parts = Parts::of(Law::Geometric(3, 15, 5.0), 0.0, None).unwrap();
        assert_eq!(parts.names[..3], ["up to 3", "4", "5"]);
        assert!((parts.shares[0] - 0.327).abs() < 0.001, "{parts:?}");
        assert!((parts.shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
