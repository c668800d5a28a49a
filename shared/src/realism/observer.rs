//! Watches the events of a run as they become due, a share of them where there are too many to look at each.

use crate::plan::{Pacing, Plan, Planned};
use crate::random::mix;
use crate::run::realism::Report;
use crate::scenario::model::Scenario;
use crate::units::{EpochMicros, Nanos};

use super::{Causality, Census, Rules};

/// Events per second that one worker looks at: a hundredth of its time.
const LOOKED_AT: f64 = 5_000.0;
/// One story in so many is looked at where nobody knows the rate beforehand.
const UNKNOWN_RATE: u64 = 16;
/// Most stories that one that is looked at stands for.
const MOST: u64 = 4_096;
/// With fewer users than this per story that is looked at, whole users would leave too few.
const USERS_LEFT: u64 = 32;

/// Watches the events of a run. Every worker has its own; [`Observer::merge`] adds them up.
#[derive(Clone, Debug)]
pub struct Observer {
    census: Census,
    causality: Option<Causality>,
    one_in: u64,
}

impl Observer {
    /// An observer for one of so many workers of a run whose event time starts at a moment.
    pub fn new(scenario: &Scenario, plan: &Plan, start: EpochMicros, workers: u32) -> Self {
        let mut peak = 0.0;
        let mut one_in = 1;
        for workload in plan.workloads() {
            match workload.pacing {
                Pacing::Scheduled => peak += workload.schedule(start).curve().peak() * plan.clock().pace(),
                // Their pauses are of a second and more.
                Pacing::Users { users, timed: true } => peak += f64::from(users) * plan.clock().pace(),
                Pacing::Concurrent { .. } | Pacing::Users { timed: false, .. } => one_in = UNKNOWN_RATE,
            }
        }
        let enough = peak / f64::from(workers.max(1)) / LOOKED_AT;
        one_in = one_in.max(enough.clamp(1.0, MOST as f64) as u64);
        let users = plan.workloads().iter().map(|workload| workload.users).min().unwrap_or(0);
        let whole_stories = one_in == 1 || users >= one_in.saturating_mul(USERS_LEFT);
        let causality = whole_stories.then(|| Causality::new(Rules::of(scenario, plan)));
        Self { census: Census::new(scenario, plan, start).of_one_in(one_in), causality, one_in }
    }

    /// Looks at an event of a workload (by its index in the plan), envelope included, if it is one of those.
    pub fn observe(&mut self, workload: usize, planned: &Planned, rendered: &[u8]) {
        if self.one_in > 1 {
            // Whole stories, so that none is told in part; single events where there are too few stories for that.
            let story = if self.causality.is_some() { planned.entity } else { planned.id.0 as u64 };
            if !mix(workload as u64, story).is_multiple_of(self.one_in) {
                return;
            }
        }
        self.census.observe(workload, planned, rendered);
        if let Some(causality) = &mut self.causality {
            causality.observe(workload, usize::from(planned.event_type.0), rendered);
        }
    }

    /// The rate is multiplied from a moment of the schedule on.
    pub fn multiply(&mut self, at: Nanos, multiplier: f64) {
        self.census.multiply(at, multiplier);
    }

    /// Somebody gave the mix of a workload (by its index in the plan) other weights: what is declared no longer holds.
    pub fn forget_mix(&mut self, workload: usize) {
        self.census.forget_mix(workload);
    }

    /// Adds what another worker's observer saw.
    pub fn merge(&mut self, other: &Self) {
        self.census.merge(&other.census);
        if let (Some(mine), Some(theirs)) = (&mut self.causality, &other.causality) {
            mine.merge(theirs);
        }
    }

    /// What was declared against what was seen; none when nothing was.
    pub fn report(&self) -> Option<Report> {
        if self.census.events() == 0 {
            return None;
        }
        let causality = self.causality.as_ref().map(Causality::rows).unwrap_or_default();
        let report = Report::new(self.census.rows(), causality);
        Some(Report { one_in: (self.one_in > 1).then_some(self.one_in), ..report })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::compile::compile;
    use crate::plan::Share;
    use crate::scenario::LoadOptions;

    const START: EpochMicros = EpochMicros(1_767_571_200_000_000);

    fn observed(rate: &str, duration: &str, users: u32, multiplied: bool) -> Report {
        let text = format!(
            "{{extends: commerce-events, load: {{rate: {rate}, duration: {duration}}}, \
             workloads: {{shop: {{population: {{count: {users}}}}}}}}}"
        );
        let compiled = compile(&text, &LoadOptions::new("test"), 1);
        let (scenario, plan) = (compiled.scenario.unwrap(), compiled.plan.unwrap());
        let mut all: Option<Observer> = None;
        for index in 0..2 {
            let mut observer = Observer::new(&scenario, &plan, START, 2);
            let mut schedule = plan.workloads()[0].schedule(START);
            if multiplied {
                schedule.set_multiplier(Nanos::from_secs(10), 3.0);
                observer.multiply(Nanos::from_secs(10), 3.0);
            }
            let mut cursor = Arc::clone(&plan).cursor(0, Share { index, count: 2 });
            let mut event = Vec::new();
            while let Some(due) = cursor.next_due(&schedule) {
                event.clear();
                let planned = cursor.emit(START.plus(due), &mut event);
                observer.observe(0, &planned, &event);
            }
            match &mut all {
                Some(all) => all.merge(&observer),
                None => all = Some(observer),
            }
        }
        all.unwrap().report().unwrap()
    }

    #[test]
    fn a_slow_run_is_looked_at_as_a_whole_and_fits() {
        let report = observed("200/s", "20s", 100, false);
        assert!(report.holds(), "{}", report.table());
        assert_eq!(report.one_in, None);
        assert!(!report.causality.is_empty());
        let mix = report.rows.iter().find(|row| row.what == "event mix of shop").unwrap();
        assert!(mix.count > 3_500, "{}", mix.count);
    }

    #[test]
    fn of_a_fast_run_a_share_is_looked_at_and_fits_as_well() {
        let report = observed("24000/s", "3s", 1_000, false);
        assert!(report.holds(), "{}", report.table());
        assert_eq!(report.one_in, Some(2));
        assert!(!report.causality.is_empty());
        let few_users = observed("24000/s", "3s", 3, false);
        assert!(few_users.holds(), "{}", few_users.table());
        assert!(few_users.causality.is_empty());
    }

    #[test]
    fn a_rate_that_somebody_changed_is_the_rate_that_is_expected() {
        let report = observed("200/s", "20s", 100, true);
        assert!(report.holds(), "{}", report.table());
        let arrivals = report.rows.iter().find(|row| row.what == "arrivals of shop").unwrap();
        assert!(arrivals.count > 7_000, "{}", arrivals.count);
    }
}
