//! What a run's owner tells its workers, and what pauses do to time. Both sides do the same arithmetic.

use std::sync::Arc;

use shared::plan::Plan;
use shared::units::Nanos;

/// An order to every worker. Each takes effect at a moment of run time slightly ahead, the same for all.
#[derive(Clone, Debug)]
pub(crate) enum Control {
    /// Hold the schedule.
    Pause {
        /// When.
        at: Nanos,
    },
    /// Go on with the schedule.
    Resume {
        /// When.
        at: Nanos,
    },
    /// Multiply every rate.
    Multiply {
        /// When.
        at: Nanos,
        /// By how much.
        multiplier: f64,
    },
    /// Make faults stronger or weaker.
    Dose {
        /// When.
        at: Nanos,
        /// Which, by its place among the plan's names of faults.
        fault: u16,
        /// How strong.
        factor: f64,
    },
    /// Draw from other items of pools.
    Refill {
        /// When.
        at: Nanos,
        /// The plan with the new items.
        plan: Arc<Plan>,
    },
    /// Give a mix other weights.
    Weights {
        /// When.
        at: Nanos,
        /// The workload's number in the plan.
        workload: usize,
        /// One for each event of the mix, in its order.
        weights: Arc<[f64]>,
    },
    /// Let users join or leave, or have more or fewer requests at once.
    Users {
        /// When.
        at: Nanos,
        /// The workload's number in the plan.
        workload: usize,
        /// How many from then on.
        users: u32,
    },
    /// End the schedule; wait for what is in flight.
    Stop {
        /// When.
        at: Nanos,
    },
    /// End now.
    Abort,
}

/// From run time (pauses included) to schedule time (pauses left out) and back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScheduleClock {
    paused: Nanos,
    pause_began: Option<Nanos>,
    /// Seconds of the schedule per second of the run.
    pace: f64,
}

impl Default for ScheduleClock {
    fn default() -> Self {
        Self::at_pace(1.0)
    }
}

impl ScheduleClock {
    /// A clock whose schedule passes so many times as fast as the run.
    pub(crate) fn at_pace(pace: f64) -> Self {
        Self { paused: Nanos::ZERO, pause_began: None, pace }
    }

    /// Schedule time that passes in a span of run time.
    pub(crate) fn passes_in(&self, span: Nanos) -> Nanos {
        // Exact as long as both pass alike.
        if self.pace == 1.0 { span } else { Nanos::from_secs_f64(span.as_secs_f64() * self.pace) }
    }

    /// Run time that a span of schedule time takes.
    pub(crate) fn takes(&self, span: Nanos) -> Nanos {
        if self.pace == 1.0 { span } else { Nanos::from_secs_f64(span.as_secs_f64() / self.pace) }
    }

    /// Holds the schedule from a moment of run time on.
    pub(crate) fn pause(&mut self, at: Nanos) {
        self.pause_began.get_or_insert(at);
    }

    /// Lets the schedule go on from a moment of run time on.
    pub(crate) fn resume(&mut self, at: Nanos) {
        if let Some(began) = self.pause_began.take() {
            self.paused = self.paused.saturating_add(at.saturating_sub(began));
        }
    }

    /// The schedule's time at a moment of run time.
    pub(crate) fn schedule_time(&self, now: Nanos) -> Nanos {
        self.passes_in(self.pause_began.map_or(now, |began| began.min(now)).saturating_sub(self.paused))
    }

    /// The schedule's time from which on something goes on that was over at a moment of run time: what ends during a
    /// pause goes on after it.
    pub(crate) fn time_after(&self, at: Nanos) -> Nanos {
        let held = self.pause_began.is_some_and(|began| at > began);
        self.schedule_time(at).saturating_add(Nanos(u64::from(held)))
    }

    /// The run time at which a moment of the schedule comes; none while the pause lies before it.
    pub(crate) fn run_time(&self, due: Nanos) -> Option<Nanos> {
        let at = self.takes(due).saturating_add(self.paused);
        match self.pause_began {
            Some(began) if at > began => None,
            _ => Some(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Nanos {
        Nanos::from_secs(seconds)
    }

    #[test]
    fn a_pause_moves_everything_behind_it_by_its_length() {
        let mut clock = ScheduleClock::default();
        assert_eq!(clock.schedule_time(s(3)), s(3));
        clock.pause(s(10));
        assert_eq!(clock.schedule_time(s(9)), s(9), "a pause that is still to come changes nothing yet");
        assert_eq!(clock.schedule_time(s(15)), s(10));
        assert_eq!(clock.run_time(s(10)), Some(s(10)));
        assert_eq!(clock.run_time(s(11)), None);
        clock.resume(s(14));
        assert_eq!(clock.run_time(s(11)), Some(s(15)));
        assert_eq!(clock.schedule_time(s(20)), s(16));
        assert_eq!(clock.time_after(s(20)), s(16));
        clock.pause(s(20));
        assert_eq!(clock.run_time(clock.time_after(s(20))), Some(s(20)));
        let after = clock.time_after(Nanos(20_500_000_000));
        assert_eq!(clock.run_time(after), None, "what ends during a pause waits for its end");
        clock.resume(s(21));
        assert_eq!(clock.run_time(after), Some(Nanos(21_000_000_001)));
        assert_eq!(clock.run_time(s(16)), Some(s(21)));
    }

    #[test]
    fn a_schedule_may_pass_faster_than_the_run() {
        let mut clock = ScheduleClock::at_pace(60.0);
        assert_eq!(clock.schedule_time(s(2)), s(120));
        assert_eq!(clock.run_time(s(600)), Some(s(10)));
        clock.pause(s(10));
        clock.resume(s(13));
        assert_eq!(clock.run_time(s(660)), Some(s(14)), "pauses last as long as they last");
        assert_eq!(clock.schedule_time(s(14)), s(660));
    }

    #[test]
    fn pausing_twice_is_pausing_once() {
        let mut clock = ScheduleClock::default();
        clock.pause(s(1));
        clock.pause(s(5));
        clock.resume(s(7));
        clock.resume(s(9));
        assert_eq!(clock.schedule_time(s(10)), s(4));
    }
}
