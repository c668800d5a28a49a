//! Watches thresholds while a run goes on: fed once a second, asked at any time, in memory that does not grow.

use crate::metrics::Histogram;
use crate::problem::Problem;
use crate::run::{Counts, FigureUnit, ThresholdResult, Verdict, VerdictStatus};
use crate::units::Nanos;
use crate::wording;

use super::tally::{Seen, Tally, Window};
use super::{Comparison, Counter, Figure, Stage, Statistic, Threshold, Time};

/// What a run measured since the last time, usually one second.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// Seconds since the run's start, pauses included, at its end.
    pub elapsed_seconds: f64,
    /// Seconds of schedule done at its end, pauses not included.
    pub schedule_seconds: f64,
    /// How many seconds it covers.
    pub covered_seconds: f64,
    /// Events of this stretch only.
    pub events: &'a Counts,
    /// Requests of this stretch only.
    pub requests: &'a Counts,
    /// Response times of this stretch only.
    pub response_time: &'a Histogram,
    /// Service times of this stretch only.
    pub service_time: &'a Histogram,
    /// Send lags of this stretch only.
    pub send_lag: &'a Histogram,
}

/// A named part of the schedule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StageSpan {
    /// Its name.
    pub name: String,
    /// Its start.
    pub from: Nanos,
    /// Its end.
    pub to: Nanos,
}

/// What follows when a threshold does not hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnBreach {
    /// It is said.
    Warn,
    /// The run has failed.
    #[default]
    Fail,
    /// The run has failed and ends at once.
    Abort,
}

/// Watches one threshold.
#[derive(Clone, Debug)]
pub struct Watch {
    threshold: Threshold,
    on_breach: OnBreach,
    /// Start and end of what counts, in seconds of schedule.
    counts_from: f64,
    counts_to: f64,
    schedule_seconds: f64,
    whole: Tally,
    window: Option<Window>,
    worst: Option<(f64, f64)>,
    any_full_window: bool,
}

impl Watch {
    /// Starts to watch a threshold of a scenario with these stages.
    ///
    /// # Errors
    ///
    /// The threshold names a stage that is not there.
    pub fn new(threshold: Threshold, on_breach: OnBreach, stages: &[StageSpan]) -> Result<Self, Problem> {
        let (mut counts_from, counts_to) = match &threshold.scope.stage {
            None => (0.0, f64::INFINITY),
            Some(Stage::Between(from, to)) => (from.as_secs_f64(), to.as_secs_f64()),
            Some(Stage::Named(name)) => {
                let Some(stage) = stages.iter().find(|stage| stage.name == *name) else {
                    return Err(unknown_stage(name, stages));
                };
                (stage.from.as_secs_f64(), stage.to.as_secs_f64())
            }
        };
        if let Some(warm_up) = threshold.scope.warm_up {
            counts_from = counts_from.max(warm_up.as_secs_f64());
        }
        let window = threshold.scope.window.map(|length| Window::new(length.as_secs_f64()));
        Ok(Self {
            threshold,
            on_breach,
            counts_from,
            counts_to,
            schedule_seconds: 0.0,
            whole: Tally::default(),
            window,
            worst: None,
            any_full_window: false,
        })
    }

    /// The threshold.
    pub fn threshold(&self) -> &Threshold {
        &self.threshold
    }

    /// What follows when it does not hold.
    pub fn on_breach(&self) -> OnBreach {
        self.on_breach
    }

    /// Takes in what was measured since the last time.
    pub fn feed(&mut self, measured: &Measured<'_>) {
        let start = self.schedule_seconds;
        self.schedule_seconds = measured.schedule_seconds;
        if start < self.counts_from - 1e-6 || measured.schedule_seconds > self.counts_to + 1e-6 {
            return;
        }
        let seen = seen(self.threshold.figure, measured);
        self.whole.add(&seen);
        let value = if let Some(window) = &mut self.window {
            window.add(measured.elapsed_seconds, &seen);
            if !window.is_full() {
                return;
            }
            self.any_full_window = true;
            value(self.threshold.figure, &window.tally)
        } else {
            let mut second = Tally::default();
            second.add(&seen);
            // A count over the whole run has no worst second.
            value(self.threshold.figure, &second).filter(|_| self.threshold.figure.unit() != FigureUnit::Count)
        };
        if let Some(value) = value {
            let comparison = self.threshold.comparison;
            let badness = |value| comparison.badness(value, self.threshold.bound);
            if self.worst.is_none_or(|(worst, _)| badness(value) > badness(worst)) {
                self.worst = Some((value, measured.elapsed_seconds));
            }
        }
    }

    /// The figure as it stands: of the worst window so far, or of everything so far.
    pub fn observed(&self) -> Option<f64> {
        match (self.any_full_window, self.worst) {
            (true, Some((worst, _))) => Some(worst),
            (true, None) | (false, _) => value(self.threshold.figure, &self.whole),
        }
    }

    /// Whether it is breached already. What may still come right by itself (a count that has yet to grow, a window
    /// that is not full) is not a breach.
    pub fn is_breached(&self) -> bool {
        let may_still_grow = match (self.threshold.figure, self.threshold.comparison) {
            (Figure::Count(_), Comparison::Above | Comparison::AtLeast | Comparison::Equal | Comparison::Different) => {
                self.threshold.scope.window.is_none()
            }
            (Figure::Count(_), Comparison::Below | Comparison::AtMost) => false,
            (Figure::Time(..) | Figure::ErrorRate | Figure::SuccessRate | Figure::PerSecond(_), _) => false,
        };
        if may_still_grow || (self.threshold.scope.window.is_some() && !self.any_full_window) {
            return false;
        }
        self.observed().is_some_and(|observed| !self.threshold.comparison.holds(observed, self.threshold.bound))
    }

    /// What became of it. Nothing measured is not passed, and an invalid run passes nothing.
    pub fn result(&self, verdict: &Verdict) -> ThresholdResult {
        let observed = self.observed();
        let holds = observed.is_some_and(|observed| self.threshold.comparison.holds(observed, self.threshold.bound));
        let invalid = match verdict.status {
            VerdictStatus::Valid | VerdictStatus::Degraded => false,
            VerdictStatus::Invalid => true,
        };
        let reason = if invalid {
            Some("the run is invalid, its numbers say nothing about the target".to_owned())
        } else if observed.is_none() {
            Some("nothing was measured in the part of the run that counts".to_owned())
        } else {
            None
        };
        ThresholdResult {
            threshold: self.threshold.to_string(),
            unit: self.threshold.figure.unit(),
            bound: self.threshold.bound,
            observed,
            passed: holds && !invalid,
            worst: self.worst.map(|(worst, _)| worst),
            worst_at_seconds: self.worst.map(|(_, at)| at),
            required: match self.on_breach {
                OnBreach::Warn => false,
                OnBreach::Fail | OnBreach::Abort => true,
            },
            reason,
        }
    }
}

/// The first of these thresholds for which a run must end now, as a sentence.
pub fn abort_reason(watches: &[Watch]) -> Option<String> {
    let breached = watches.iter().find(|watch| watch.on_breach == OnBreach::Abort && watch.is_breached())?;
    let observed = breached.observed()?;
    let figure = in_words(observed, breached.threshold.figure.unit());
    Some(format!("threshold `{}` was breached: {figure}", breached.threshold))
}

/// A figure's value for people.
pub fn in_words(value: f64, unit: FigureUnit) -> String {
    match unit {
        FigureUnit::Microseconds => wording::latency(value),
        FigureUnit::Ratio => wording::share(value),
        FigureUnit::PerSecond => wording::rate(value),
        FigureUnit::Count => wording::digits(value),
    }
}

fn unknown_stage(name: &str, stages: &[StageSpan]) -> Problem {
    let problem = Problem::error("", format!("the load has no stage named `{name}`"));
    if stages.is_empty() {
        return problem.with_hint("write from 1m to 3m, or give the load a ramp");
    }
    let known: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
    problem.with_hint(format!("it has {}", known.join(", ")))
}

/// The part of what was measured that a figure needs.
fn seen(figure: Figure, measured: &Measured<'_>) -> Seen {
    let seconds = measured.covered_seconds;
    let counted = |top, bottom| Seen { top, bottom, seconds, ..Seen::default() };
    let answered = measured.events.succeeded + measured.events.failed;
    match figure {
        Figure::Time(time, statistic) => {
            let histogram = match time {
                Time::ResponseTime => measured.response_time,
                Time::ServiceTime => measured.service_time,
                Time::SendLag => measured.send_lag,
            };
            let sum_us = match statistic {
                Statistic::Average => histogram.percentiles().mean_us * histogram.count() as f64,
                Statistic::Minimum | Statistic::Median | Statistic::Maximum | Statistic::Percentile(_) => 0.0,
            };
            Seen { times: histogram.recorded().collect(), sum_us, ..counted(0, 0) }
        }
        Figure::ErrorRate => counted(measured.events.failed, answered),
        Figure::SuccessRate => counted(measured.events.succeeded, answered),
        Figure::Count(counter) | Figure::PerSecond(counter) => counted(count(counter, measured), 0),
    }
}

fn count(counter: Counter, measured: &Measured<'_>) -> u64 {
    match counter {
        Counter::Offered => measured.events.offered,
        Counter::Sent => measured.events.sent,
        Counter::Succeeded => measured.events.succeeded,
        Counter::Failed => measured.events.failed,
        Counter::Retried => measured.events.retried,
        Counter::Duplicate => measured.events.duplicate,
        Counter::Throttled => measured.events.throttled,
        Counter::Late => measured.events.late,
        Counter::Dropped => measured.events.dropped,
        Counter::Requests => measured.requests.sent,
    }
}

/// A figure's value, where there is one.
fn value(figure: Figure, tally: &Tally) -> Option<f64> {
    match figure {
        Figure::Time(_, statistic) => match statistic {
            Statistic::Average => (tally.times_count > 0).then(|| tally.sum_us / tally.times_count as f64),
            Statistic::Minimum => tally.quantile(0.0),
            Statistic::Median => tally.quantile(0.5),
            Statistic::Maximum => tally.quantile(1.0),
            Statistic::Percentile(percent) => tally.quantile(percent / 100.0),
        },
        Figure::ErrorRate | Figure::SuccessRate => (tally.bottom > 0).then(|| tally.top as f64 / tally.bottom as f64),
        Figure::Count(_) => (tally.seconds > 0.0).then_some(tally.top as f64),
        Figure::PerSecond(_) => (tally.seconds > 0.0).then(|| tally.top as f64 / tally.seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds one second per entry: (response time in ms, succeeded, failed).
    fn watched(text: &str, seconds: &[(u64, u64, u64)]) -> Watch {
        let stages = [StageSpan { name: "hold".to_owned(), from: Nanos::from_secs(2), to: Nanos::from_secs(4) }];
        let mut watch = Watch::new(text.parse().unwrap(), OnBreach::Abort, &stages).unwrap();
        for (index, (millis, succeeded, failed)) in seconds.iter().enumerate() {
            let mut times = Histogram::new();
            times.record_n(millis * 1_000, succeeded + failed);
            let sent = succeeded + failed;
            let events = Counts { offered: sent, sent, succeeded: *succeeded, failed: *failed, ..Counts::default() };
            let end = index as f64 + 1.0;
            watch.feed(&Measured {
                elapsed_seconds: end,
                schedule_seconds: end,
                covered_seconds: 1.0,
                events: &events,
                requests: &events,
                response_time: &times,
                service_time: &times,
                send_lag: &Histogram::new(),
            });
        }
        watch
    }

    fn passed(text: &str, seconds: &[(u64, u64, u64)]) -> bool {
        watched(text, seconds).result(&Verdict::default()).passed
    }

    /// Ten calm seconds, the fourth of them slow and failing.
    const SPIKE: [(u64, u64, u64); 10] = [
        (10, 100, 0),
        (10, 100, 0),
        (10, 100, 0),
        (900, 60, 40),
        (10, 100, 0),
        (10, 100, 0),
        (10, 100, 0),
        (10, 100, 0),
        (10, 100, 0),
        (10, 100, 0),
    ];

    #[test]
    fn the_whole_run_forgives_what_a_window_does_not() {
        assert!(passed("med<20", &SPIKE));
        assert!(passed("p(90)<20", &SPIKE));
        assert!(!passed("p(91)<20", &SPIKE));
        assert!(passed("error_rate<5%", &SPIKE));
        assert!(!passed("error_rate<5% over 2s", &SPIKE));
        assert!(!passed("med<20 over 1s", &SPIKE));
        assert!(passed("med<20 over 3s", &SPIKE));
        assert!(passed("avg<100", &SPIKE));
        assert!(!passed("avg<98", &SPIKE));
    }

    #[test]
    fn a_warm_up_and_a_stage_cut_out_what_does_not_count() {
        assert!(!passed("max<20", &SPIKE));
        assert!(passed("max<20 after 4s", &SPIKE));
        assert!(!passed("max<20 after 3s", &SPIKE));
        assert!(!passed("max<20 in hold", &SPIKE));
        assert!(passed("max<20 from 4s to 9s", &SPIKE));
        assert_eq!(watched("sent>0 in hold", &SPIKE).observed(), Some(200.0));
    }

    #[test]
    fn the_worst_moment_is_named() {
        let result = watched("p(95)<500", &SPIKE).result(&Verdict::default());
        assert_eq!(result.worst_at_seconds, Some(4.0));
        assert!(result.worst.unwrap() > 890_000.0 && !result.passed);
        let result = watched("error_rate<50% over 2s", &SPIKE).result(&Verdict::default());
        assert_eq!((result.observed, result.worst_at_seconds), (Some(0.2), Some(4.0)));
        assert!(result.passed);
    }

    #[test]
    fn rates_count_the_time_that_was_covered() {
        assert_eq!(watched("events_per_second>90", &SPIKE).observed(), Some(96.0));
        assert!(passed("requests: rate==100", &SPIKE));
        assert!(!passed("events_per_second>90 over 1s", &SPIKE));
    }

    #[test]
    fn a_count_that_may_still_grow_is_no_breach() {
        assert!(!watched("sent>10_000", &SPIKE).is_breached());
        assert!(!passed("sent>10_000", &SPIKE));
        assert!(watched("failed<10", &SPIKE).is_breached());
        assert!(!watched("failed<10", &SPIKE[..3]).is_breached());
    }

    #[test]
    fn a_window_that_is_not_full_aborts_nothing_but_is_judged_in_the_end() {
        let watch = watched("max<20 over 30s", &SPIKE);
        assert!(!watch.is_breached());
        assert!(!watch.result(&Verdict::default()).passed);
        let reason = abort_reason(&[watched("max<20 over 2s", &SPIKE)]).unwrap();
        assert!(reason.contains("`max<20ms over 2s` was breached: 900 ms"), "{reason}");
        assert_eq!(abort_reason(&[watched("max<2s", &SPIKE)]), None);
    }

    #[test]
    fn an_invalid_run_passes_no_threshold() {
        let invalid = Verdict { status: VerdictStatus::Invalid, reasons: vec!["send lag".to_owned()] };
        let result = watched("max<10s", &SPIKE).result(&invalid);
        assert!(!result.passed && result.reason.unwrap().contains("invalid"));
    }

    #[test]
    fn nothing_measured_is_not_passed() {
        let result = watched("max<10s after 1m", &SPIKE).result(&Verdict::default());
        assert!(!result.passed && result.observed.is_none() && result.reason.is_some());
        assert!(!passed("send_lag: max<10s", &SPIKE));
    }

    #[test]
    fn a_stage_that_is_not_there_is_a_problem() {
        let problem = Watch::new("max<1s in peak".parse().unwrap(), OnBreach::Fail, &[]).expect_err("no such stage");
        assert!(problem.message.contains("`peak`"));
    }
}
