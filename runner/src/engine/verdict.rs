//! Whether a run's numbers can be trusted: was it the target that was measured, or the generator?
//!
//! What counts is the generator's own lag: from the moment a request was due to the moment a worker took it up. A
//! request that then waits for one of the target's connections waits for the target, and says nothing against the run.

use shared::run::{Verdict, VerdictStatus};
use shared::units::Nanos;

/// What a verdict is found from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evidence {
    /// 99th percentile of the generator's own lag, in microseconds.
    pub(crate) own_lag_p99_us: u64,
    /// Largest own lag, in microseconds.
    pub(crate) own_lag_max_us: u64,
    /// 99th percentile of the send lag, waiting for connections included, in microseconds.
    pub(crate) send_lag_p99_us: u64,
    /// 99th percentile of the response time, in microseconds.
    pub(crate) response_p99_us: u64,
    /// Events that the schedule wanted so far.
    pub(crate) planned: f64,
    /// Events that workers took up.
    pub(crate) offered: u64,
    /// Events dropped because the queue was too long or they were too old.
    pub(crate) overflowed: u64,
    /// Longest time that a worker slept beyond what it had asked for.
    pub(crate) longest_stall: Nanos,
    /// Seconds in which a worker ran, or waited to be let run, for more than nine tenths of the time.
    pub(crate) busy_seconds: u32,
    /// Seconds of the run.
    pub(crate) seconds: u32,
    /// Events that failed for want of ports or file handles.
    pub(crate) exhausted: u64,
    /// Workers that died.
    pub(crate) died: u32,
}

/// Own lag from which it matters at all, and from which it is grave.
const LAG_MATTERS_US: u64 = 10_000;
const LAG_GRAVE_US: u64 = 50_000;
/// A single pause of a worker from which the run is no longer beyond doubt.
const STALL_MATTERS: Nanos = Nanos::from_millis(250);

impl Evidence {
    /// The verdict with its reasons.
    pub(crate) fn verdict(&self) -> Verdict {
        let mut verdict = Verdict::default();
        let mut find = |status: VerdictStatus, reason: String| {
            if rank(status) > rank(verdict.status) {
                verdict.status = status;
            }
            verdict.reasons.push(reason);
        };
        // Lag is part of the response time: it matters by the part that it makes up.
        let own = self.weight(self.own_lag_p99_us);
        if own != VerdictStatus::Valid {
            find(own, format!("the generator itself was {} late in 1 of 100 requests", span(self.own_lag_p99_us)));
        } else if self.longest_stall >= STALL_MATTERS {
            let stall = self.longest_stall.as_micros().max(self.own_lag_max_us);
            find(VerdictStatus::Degraded, format!("the generator stood still for {} at a time", span(stall)));
        }
        let missing = self.planned - self.offered as f64;
        // Arrivals are random: four standard deviations of them are no sign of anything.
        if missing > 0.02 * self.planned + 4.0 * self.planned.sqrt() + 10.0 {
            let share = missing / self.planned;
            find(
                if share > 0.1 { VerdictStatus::Invalid } else { VerdictStatus::Degraded },
                format!("the generator took up {:.1} % less than the schedule wanted", share * 100.0),
            );
        }
        if self.overflowed > 0 {
            let share = self.overflowed as f64 / self.offered.max(1) as f64;
            find(
                VerdictStatus::Degraded,
                format!(
                    "{} events ({:.1} %) were dropped because the target did not keep up: response times are those of \
                     the others",
                    self.overflowed,
                    share * 100.0
                ),
            );
        }
        if self.exhausted > 0 {
            let share = self.exhausted as f64 / self.offered.max(1) as f64;
            find(
                if share > 0.01 { VerdictStatus::Invalid } else { VerdictStatus::Degraded },
                format!("{} events failed because this machine ran out of ports or file handles", self.exhausted),
            );
        }
        // A worker without time to spare reads answers late and takes its connections for busy ones: what then waits
        // for a connection waits for the generator.
        if self.busy_seconds * 4 >= self.seconds.max(4) {
            let starved = self.weight(self.send_lag_p99_us);
            if starved != VerdictStatus::Valid {
                find(
                    starved,
                    format!(
                        "a worker had no processor time to spare in {} of {} seconds: the generator was the bottleneck",
                        self.busy_seconds, self.seconds
                    ),
                );
            }
        }
        if self.died > 0 {
            find(VerdictStatus::Invalid, format!("{} of the generator's workers died", self.died));
        }
        verdict
    }

    /// How much a lag matters, by itself and by the part of the response time that it makes up.
    fn weight(&self, lag_us: u64) -> VerdictStatus {
        let part = lag_us as f64 / self.response_p99_us.max(1) as f64;
        if lag_us >= LAG_GRAVE_US && part >= 0.25 {
            VerdictStatus::Invalid
        } else if lag_us >= LAG_MATTERS_US && part >= 0.1 {
            VerdictStatus::Degraded
        } else {
            VerdictStatus::Valid
        }
    }
}

fn rank(status: VerdictStatus) -> u8 {
    match status {
        VerdictStatus::Valid => 0,
        VerdictStatus::Degraded => 1,
        VerdictStatus::Invalid => 2,
    }
}

/// Microseconds as people say them.
fn span(micros: u64) -> String {
    if micros < 1_000_000 {
        format!("{:.1} ms", micros as f64 / 1_000.0)
    } else {
        format!("{:.2} s", micros as f64 / 1_000_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Evidence {
        Evidence {
            own_lag_p99_us: 40,
            own_lag_max_us: 900,
            response_p99_us: 2_000,
            planned: 12_000.0,
            offered: 12_000,
            seconds: 60,
            ..Evidence::default()
        }
    }

    #[test]
    fn a_run_on_schedule_is_valid_without_reasons() {
        assert_eq!(healthy().verdict(), Verdict::default());
        // Poisson arrivals: 12,000 planned come as 11,800 now and then.
        assert_eq!(Evidence { offered: 11_800, ..healthy() }.verdict().status, VerdictStatus::Valid);
    }

    #[test]
    fn a_slow_target_is_no_fault_of_the_generator() {
        let slow = Evidence { response_p99_us: 1_800_000, own_lag_p99_us: 12_000, ..healthy() };
        assert_eq!(slow.verdict().status, VerdictStatus::Valid);
    }

    #[test]
    fn a_generator_that_stood_still_is_invalid() {
        let frozen = Evidence { response_p99_us: 1_900_000, own_lag_p99_us: 1_890_000, ..healthy() };
        let verdict = frozen.verdict();
        assert_eq!(verdict.status, VerdictStatus::Invalid);
        assert!(verdict.reasons[0].contains("1.89 s"), "{verdict:?}");
    }

    #[test]
    fn a_generator_without_time_to_spare_does_not_blame_the_target() {
        let waiting = Evidence { send_lag_p99_us: 3_000_000, response_p99_us: 3_000_000, ..healthy() };
        assert_eq!(waiting.verdict().status, VerdictStatus::Valid, "the target was slow");
        assert_eq!(Evidence { busy_seconds: 55, ..waiting }.verdict().status, VerdictStatus::Invalid);
        // The last microseconds before a send are spent spinning: at a high rate that is a whole core, and no harm.
        assert_eq!(Evidence { busy_seconds: 60, ..healthy() }.verdict().status, VerdictStatus::Valid);
    }

    #[test]
    fn each_doubt_has_its_sentence() {
        let doubts = [
            Evidence { longest_stall: Nanos::from_millis(400), ..healthy() },
            Evidence { offered: 11_000, ..healthy() },
            Evidence { overflowed: 10, ..healthy() },
            Evidence { exhausted: 1, ..healthy() },
            Evidence { busy_seconds: 30, send_lag_p99_us: 20_000, response_p99_us: 30_000, ..healthy() },
        ];
        for doubt in doubts {
            let verdict = doubt.verdict();
            assert_eq!((verdict.status, verdict.reasons.len()), (VerdictStatus::Degraded, 1), "{doubt:?}");
        }
        assert_eq!(Evidence { died: 1, ..healthy() }.verdict().status, VerdictStatus::Invalid);
        assert_eq!(Evidence { offered: 6_000, ..healthy() }.verdict().status, VerdictStatus::Invalid);
    }
}
