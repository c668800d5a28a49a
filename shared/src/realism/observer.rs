//! Watches the events of a run as they become due, a share of them where there are too many to look at each.

use crate::plan::{Pacing, Plan, Planned, WorkloadPlan};
use crate::random::mix;
use crate::run::realism::Report;
use crate::scenario::model::Scenario;
use crate::scenario::model::behavior::Behavior;
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
    causality: Causality,
    /// By workload.
    samples: Vec<Sample>,
    one_in: u64,
}

/// What is taken together where not every event is looked at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sample {
    /// A session or a life from its beginning to its end, whoever goes through it.
    Lives,
    /// All that happens to a user.
    Users,
    /// Single events, where so few users would be left that they say nothing. Their stories have gaps.
    Events,
}

impl Sample {
    fn of(scenario: &Scenario, planned: &WorkloadPlan, one_in: u64) -> Self {
        let behavior = scenario.workloads.get(&planned.name).and_then(|workload| workload.behavior.as_ref());
        match behavior.and_then(|name| scenario.behaviors.get(name)) {
            Some(Behavior::Session(_) | Behavior::Lifecycle(_)) => Self::Lives,
            _ if one_in == 1 || planned.users >= one_in.saturating_mul(USERS_LEFT) => Self::Users,
            Some(Behavior::Mix(_) | Behavior::Emit(_) | Behavior::Replay(_)) | None => Self::Events,
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self, Self::Lives | Self::Users)
    }

    fn key(self, planned: &Planned) -> u64 {
        match self {
            Self::Lives => planned.id.origin().entity,
            Self::Users => planned.entity,
            Self::Events => planned.id.0 as u64,
        }
    }
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
        let samples: Vec<Sample> =
            plan.workloads().iter().map(|planned| Sample::of(scenario, planned, one_in)).collect();
        let rules = Rules::of(scenario, plan).only(|workload| samples.get(workload).is_some_and(Sample::is_whole));
        let causality = Causality::new(rules);
        Self { census: Census::new(scenario, plan, start).of_one_in(one_in), causality, samples, one_in }
    }

    /// Looks at an event of a workload (by its index in the plan), envelope included, if it is one of those.
    pub fn observe(&mut self, workload: usize, planned: &Planned, rendered: &[u8]) {
        let Some(sample) = self.samples.get(workload) else { return };
        if self.one_in > 1 && !mix(workload as u64, sample.key(planned)).is_multiple_of(self.one_in) {
            return;
        }
        self.census.observe(workload, planned, rendered);
        if sample.is_whole() {
            self.causality.observe(workload, usize::from(planned.event_type.0), rendered);
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
        self.causality.merge(&other.causality);
    }

    /// What was declared against what was seen; none when nothing was.
    pub fn report(&self) -> Option<Report> {
        if self.census.events() == 0 {
            return None;
        }
        let report = Report::new(self.census.rows(), self.causality.rows());
        Some(Report { one_in: (self.one_in > 1).then_some(self.one_in), ..report })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::compile::compile;
    use crate::plan::Share;
    use crate::run::realism::Judgement;
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

    /// Ten users who take turns as fast as they can, so that one in sixteen of their sessions is looked at.
    #[test]
    fn of_users_in_a_hurry_whole_sessions_are_looked_at() {
        let text = "{extends: web-analytics, workloads: {web: {human_delays: false}}}";
        let compiled = compile(text, &LoadOptions::new("test"), 1);
        let (scenario, plan) = (compiled.scenario.unwrap(), compiled.plan.unwrap());
        let mut observer = Observer::new(&scenario, &plan, START, 1);
        let schedule = plan.workloads()[0].schedule(START);
        let mut cursor = Arc::clone(&plan).cursor(0, Share::WHOLE);
        let mut event = Vec::new();
        for _ in 0..60_000 {
            let Some(due) = cursor.next_due(&schedule) else { break };
            event.clear();
            let planned = cursor.emit(START.plus(due), &mut event);
            observer.observe(0, &planned, &event);
        }
        let report = observer.report().unwrap();
        assert!(report.holds(), "{}", report.table());
        assert_eq!(report.one_in, Some(16));
        let row = |what: &str| report.rows.iter().find(|row| row.what.starts_with(what)).unwrap();
        assert!(row("session length of web").count > 100, "{}", report.table());
        assert_eq!(row("event mix of whole sessions of web").judgement, Judgement::Fits, "{}", report.table());
        assert!(report.causality.iter().all(|rule| rule.checked > 500), "{}", report.table());
    }

    /// A minute for pages of half a minute: most sessions end before they have three.
    #[test]
    fn a_session_that_runs_out_of_time_is_not_too_short() {
        let length = |limits: &str, tampered: bool| {
            let text = format!(
                "{{extends: web-analytics, behaviors: {{browse: {{session: {{limits: {limits}, \
                 step: {{dwell: 30s}}}}}}}}, workloads: {{web: {{load: {{users: 40, duration: 1h}}}}}}}}"
            );
            let compiled = compile(&text, &LoadOptions::new("test"), 1);
            assert!(compiled.problems.is_empty(), "{:?}", compiled.problems);
            let (scenario, plan) = (compiled.scenario.unwrap(), compiled.plan.unwrap());
            let mut observer = Observer::new(&scenario, &plan, START, 1);
            let schedule = plan.workloads()[0].schedule(START);
            let mut cursor = Arc::clone(&plan).cursor(0, Share::WHOLE);
            let visited = plan.event_types().iter().position(|info| info.name == "page_visited");
            while let Some(due) = cursor.next_due(&schedule) {
                let mut event = Vec::new();
                let planned = cursor.emit(START.plus(due), &mut event);
                // Pages that nobody sees.
                if tampered && Some(usize::from(planned.event_type.0)) == visited {
                    continue;
                }
                observer.observe(0, &planned, &event);
            }
            let rows = observer.report().unwrap().rows;
            rows.into_iter().find(|row| row.what == "session length of web").unwrap()
        };
        let hurried = length("{duration: 60s, at_least: $unset}", false);
        assert_eq!(hurried.judgement, Judgement::Fits, "{hurried:?}");
        assert!(hurried.parts.len() == 2 && hurried.parts[1].emitted > 0.5, "{hurried:?}");
        assert_eq!(length("{duration: $unset, at_least: $unset}", false).parts.len(), 1);
        assert_eq!(length("{duration: $unset, at_least: $unset}", true).judgement, Judgement::Off);
    }

    #[test]
    fn a_rate_that_somebody_changed_is_the_rate_that_is_expected() {
        let report = observed("200/s", "20s", 100, true);
        assert!(report.holds(), "{}", report.table());
        let arrivals = report.rows.iter().find(|row| row.what == "arrivals of shop").unwrap();
        assert!(arrivals.count > 7_000, "{}", arrivals.count);
    }
}
