//! What bends an arrival rate: ramps, bursts, hours of the day, weekends, spikes, waves, a slow wobble, given points.

use crate::random::{Domain, Stream, distribution};

/// Seconds in an hour, a day and a week.
const HOUR: f64 = 3_600.0;
const DAY: f64 = 24.0 * HOUR;
const WEEK: f64 = 7.0 * DAY;
/// Pieces that a period of a wave is drawn with.
const WAVE_PIECES: u32 = 96;
/// Pieces that a spike's decay is drawn with.
const DECAY_PIECES: u32 = 24;

/// A factor over time; the rate is the base times all of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Rises from nothing at the start, falls to nothing at the end.
    Ramp {
        /// Seconds of rise.
        up: f64,
        /// Seconds of fall.
        down: f64,
        /// When it has fallen, in seconds.
        end: f64,
    },
    /// Connections that start one after the other, each with its part of the rate.
    Joining {
        /// How many.
        count: u32,
        /// Seconds between two starts.
        gap: f64,
    },
    /// A factor for a while, again and again; the first one after a full wait.
    Burst {
        /// The factor.
        factor: f64,
        /// Seconds from burst to burst.
        every: f64,
        /// Seconds that one lasts.
        lasts: f64,
    },
    /// A factor for each hour of the local day.
    Hours {
        /// Seconds from the local midnight to the start of the load.
        offset: f64,
        /// The factors of the hours 0 to 23.
        hours: [f64; 24],
    },
    /// A factor for Saturday and Sunday.
    Weekend {
        /// Seconds from the local Monday's midnight to the start of the load.
        offset: f64,
        /// The factor.
        factor: f64,
    },
    /// A jump that lasts and then fades.
    Spike {
        /// When it comes, in seconds.
        at: f64,
        /// The factor.
        factor: f64,
        /// Seconds that it lasts in full.
        lasts: f64,
        /// Seconds over which it fades.
        decay: f64,
    },
    /// A wave around 1.
    Sine {
        /// How far it swings (0 to 1).
        amplitude: f64,
        /// Seconds of a full swing.
        period: f64,
        /// Seconds into the swing at the start.
        phase: f64,
    },
    /// A slow random wandering around 1, at equal distances in seconds, over and over.
    Wobble {
        /// Seconds between two values.
        step: f64,
        /// The values.
        values: Vec<f64>,
    },
    /// Given points, joined by straight lines; the last value stays.
    Points(
        /// Seconds and factor, in ascending order of time.
        Vec<(f64, f64)>,
    ),
}

impl Shape {
    /// A wobble with a standard deviation of the logarithm and a correlation time in seconds: AR(1) on the logarithm.
    pub fn wobble(stream: Stream, sd: f64, tau: f64) -> Self {
        // A week of it, in at most a few thousand straight pieces.
        let step = (tau / 4.0).max(WEEK / 20_000.0);
        let count = (libm::ceil(WEEK / step) as u64).max(2);
        let keep = libm::exp(-step / tau);
        let fresh = sd * libm::sqrt(1.0 - keep * keep);
        let mut draws = stream.domain(Domain::Wobble).draws(0);
        let mut level = distribution::normal(&mut draws, 0.0, sd);
        let mut values = Vec::with_capacity(count as usize);
        for _ in 0..count {
            // Minus half the variance, so that the mean factor is 1.
            values.push(libm::exp(level - sd * sd / 2.0));
            level = keep * level + distribution::normal(&mut draws, 0.0, fresh);
        }
        Self::Wobble { step, values }
    }

    /// Its word in a scenario.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Ramp { .. } => "ramp",
            Self::Joining { .. } => "stagger",
            Self::Burst { .. } => "burst",
            Self::Hours { .. } => "hours",
            Self::Weekend { .. } => "weekend",
            Self::Spike { .. } => "spike",
            Self::Sine { .. } => "sine",
            Self::Wobble { .. } => "wobble",
            Self::Points(_) => "csv",
        }
    }

    /// The time in seconds from which on it only repeats, or stays.
    pub(super) fn settled_after(&self) -> f64 {
        match self {
            Self::Ramp { up, down, end } => {
                if *down > 0.0 {
                    *end
                } else {
                    *up
                }
            }
            Self::Joining { count, gap } => gap * f64::from(count.saturating_sub(1)),
            Self::Spike { at, lasts, decay, .. } => at + lasts + decay,
            Self::Points(points) => points.last().map_or(0.0, |(at, _)| *at),
            Self::Burst { .. }
            | Self::Hours { .. }
            | Self::Weekend { .. }
            | Self::Sine { .. }
            | Self::Wobble { .. } => 0.0,
        }
    }

    /// After how many seconds it repeats.
    pub(super) fn period(&self) -> Option<f64> {
        match self {
            Self::Burst { every, .. } => Some(*every),
            Self::Hours { .. } => Some(DAY),
            Self::Weekend { .. } => Some(WEEK),
            Self::Sine { period, .. } => Some(*period),
            Self::Wobble { step, values } => Some(step * values.len() as f64),
            Self::Ramp { .. } | Self::Joining { .. } | Self::Spike { .. } | Self::Points(_) => None,
        }
    }

    /// Adds the times at which it bends or jumps, up to `span` seconds; stops above `most` of them.
    pub(super) fn cuts(&self, span: f64, cuts: &mut Vec<f64>, most: usize) {
        match self {
            Self::Ramp { up, down, end } => cuts.extend([*up, end - down, *end]),
            Self::Joining { count, gap } => {
                cuts.extend(
                    (1..*count).map(|number| gap * f64::from(number)).take_while(|at| *at <= span).take(most + 1),
                );
            }
            Self::Burst { every, lasts, .. } => each(span, *every, 0.0, most, cuts, |start, cuts| {
                cuts.extend([start, start + every - lasts]);
            }),
            Self::Hours { offset, .. } => each(span, HOUR, offset % HOUR, most, cuts, |start, cuts| cuts.push(start)),
            Self::Weekend { offset, .. } => each(span, DAY, offset % DAY, most, cuts, |start, cuts| cuts.push(start)),
            Self::Spike { at, lasts, decay, .. } => {
                cuts.extend([*at, at + lasts]);
                cuts.extend((1..=DECAY_PIECES).map(|k| at + lasts + decay * f64::from(k) / f64::from(DECAY_PIECES)));
            }
            Self::Sine { period, .. } => {
                each(span, period / f64::from(WAVE_PIECES), 0.0, most, cuts, |start, cuts| cuts.push(start));
            }
            Self::Wobble { step, .. } => each(span, *step, 0.0, most, cuts, |start, cuts| cuts.push(start)),
            Self::Points(points) => cuts.extend(points.iter().map(|(at, _)| *at)),
        }
    }

    /// The factor right after `start` and right before `stop`, two neighbouring cuts.
    pub(super) fn factors(&self, start: f64, stop: f64) -> (f64, f64) {
        let middle = start + (stop - start) / 2.0;
        match self {
            Self::Ramp { up, down, end } => {
                let level = |seconds: f64| {
                    let rise = if *up > 0.0 { (seconds / up).min(1.0) } else { 1.0 };
                    let fall = if *down > 0.0 { ((end - seconds) / down).clamp(0.0, 1.0) } else { 1.0 };
                    rise.min(fall)
                };
                (level(start), level(stop))
            }
            Self::Joining { count, gap } => {
                let started = (libm::floor(middle / gap) + 1.0).min(f64::from(*count));
                both(started / f64::from(*count))
            }
            Self::Burst { factor, every, lasts } => {
                let place = middle - libm::floor(middle / every) * every;
                both(if place >= every - lasts { *factor } else { 1.0 })
            }
            Self::Hours { offset, hours } => {
                let hour = libm::floor((middle + offset) / HOUR) as u64 % 24;
                both(hours[hour as usize])
            }
            Self::Weekend { offset, factor } => {
                let day = libm::floor((middle + offset) / DAY) as u64 % 7;
                both(if day >= 5 { *factor } else { 1.0 })
            }
            Self::Spike { at, factor, lasts, decay } => {
                if middle < *at {
                    both(1.0)
                } else if middle < at + lasts {
                    both(*factor)
                } else {
                    // Three time constants within the decay, then gone.
                    let level = |seconds: f64| {
                        let share = (seconds - at - lasts) / decay;
                        if share >= 1.0 { 1.0 } else { 1.0 + (factor - 1.0) * fade(share) }
                    };
                    if *decay > 0.0 { (level(start), level(stop)) } else { both(1.0) }
                }
            }
            Self::Sine { amplitude, period, phase } => {
                let level = |seconds: f64| {
                    let turn = (seconds + phase) / period;
                    1.0 + amplitude * libm::sin(std::f64::consts::TAU * (turn - libm::floor(turn)))
                };
                (level(start), level(stop))
            }
            Self::Wobble { step, values } => {
                let index = libm::floor(middle / step) as u64;
                let value = |index: u64| values[(index % values.len() as u64) as usize];
                let (left, right) = (value(index), value(index + 1));
                let level = |seconds: f64| left + (right - left) * ((seconds / step) - index as f64).clamp(0.0, 1.0);
                (level(start), level(stop))
            }
            Self::Points(points) => {
                let next = points.partition_point(|(at, _)| *at <= middle);
                let level =
                    |seconds: f64| match (next.checked_sub(1).and_then(|left| points.get(left)), points.get(next)) {
                        (Some((from, low)), Some((to, high))) => low + (high - low) * (seconds - from) / (to - from),
                        (Some((_, only)), None) | (None, Some((_, only))) => *only,
                        (None, None) => 1.0,
                    };
                (level(start), level(stop))
            }
        }
    }
}

fn both(value: f64) -> (f64, f64) {
    (value, value)
}

/// An exponential fall from 1 to 0 over the unit interval.
fn fade(share: f64) -> f64 {
    let floor = libm::exp(-3.0);
    (libm::exp(-3.0 * share) - floor) / (1.0 - floor)
}

/// Calls for each multiple of `step`, minus `offset`, inside `0..=span`, until there are too many cuts.
fn each(span: f64, step: f64, offset: f64, most: usize, cuts: &mut Vec<f64>, mut add: impl FnMut(f64, &mut Vec<f64>)) {
    let mut number = 0_u64;
    loop {
        let start = number as f64 * step - offset;
        if start > span || cuts.len() > most || step <= 0.0 {
            return;
        }
        add(start, cuts);
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::curve::Curve;

    #[test]
    fn hours_and_weekends_follow_the_local_clock() {
        let mut hours = [1.0; 24];
        hours[9..17].fill(2.0);
        // The load starts on a Friday at 08:30.
        let shapes = [
            Shape::Hours { offset: 8.5 * HOUR, hours },
            Shape::Weekend { offset: 4.0 * DAY + 8.5 * HOUR, factor: 0.6 },
        ];
        let curve = Curve::shaped(10.0, &shapes, None).unwrap();
        for (hours_later, rate) in
            [(0.0, 10.0), (0.6, 20.0), (8.4, 20.0), (8.6, 10.0), (15.6, 6.0), (25.0, 12.0), (72.0, 10.0)]
        {
            let got = curve.rate_at(hours_later * HOUR);
            assert!((got - rate).abs() < 1e-9, "{hours_later} h later: {got}, expected {rate}");
        }
        let week = curve.integral(7.0 * DAY);
        let expected = 10.0 * HOUR * (5.0 * (16.0 + 8.0 * 2.0) + 2.0 * 0.6 * 32.0);
        assert!((week - expected).abs() < 1e-3, "{week} is not {expected}");
    }

    #[test]
    fn a_spike_comes_lasts_and_fades() {
        let spike = Shape::Spike { at: 60.0, factor: 8.0, lasts: 20.0, decay: 40.0 };
        let curve = Curve::shaped(1.0, &[spike], Some(600.0)).unwrap();
        assert_eq!(curve.rate_at(59.9), 1.0);
        assert_eq!(curve.rate_at(60.1), 8.0);
        assert!((1.0..8.0).contains(&curve.rate_at(95.0)));
        assert!((curve.rate_at(120.1) - 1.0).abs() < 1e-9);
        assert_eq!(curve.rate_at(500.0), 1.0);
    }

    #[test]
    fn a_wave_and_a_wobble_keep_the_mean() {
        let sine = Shape::Sine { amplitude: 0.5, period: DAY, phase: 0.0 };
        let curve = Curve::shaped(100.0, &[sine], None).unwrap();
        assert!((curve.integral(DAY) / (100.0 * DAY) - 1.0).abs() < 1e-6);
        assert!((curve.rate_at(DAY / 4.0) - 150.0).abs() < 0.1);
        let wobble = Shape::wobble(Stream::root(1), 0.15, 300.0);
        let curve = Curve::shaped(100.0, &[wobble], None).unwrap();
        let mean = curve.integral(WEEK) / WEEK;
        assert!((mean - 100.0).abs() < 3.0, "{mean}");
    }

    #[test]
    fn given_points_are_joined_by_lines() {
        let points = Shape::Points(vec![(10.0, 1.0), (20.0, 3.0)]);
        let curve = Curve::shaped(2.0, &[points], None).unwrap();
        for (seconds, rate) in [(0.0, 2.0), (10.0, 2.0), (15.0, 4.0), (20.0, 6.0), (1e6, 6.0)] {
            assert!((curve.rate_at(seconds) - rate).abs() < 1e-9, "{seconds}");
        }
    }
}
