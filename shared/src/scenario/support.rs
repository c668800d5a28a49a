//! What the scenario language can say and the engine cannot do yet. Nothing of it is accepted and ignored: each use is
//! a problem. A feature that lands takes its line from here.

use crate::problem::{Problem, Severity};
use crate::scenario::model::Scenario;
use crate::scenario::model::target::Target;

type Rule<T> = (&'static str, fn(&T) -> bool);

/// What only a run needs: without it a scenario can still be planned, previewed and generated. To those who only look
/// it is a warning.
const NEEDED_BY_RUNS: &[&str] = &["reconnect"];

const TARGET: &[Rule<Target>] =
    &[("reconnect", |target| target.reconnect.is_some() && !target.protocol.holds_streams())];

/// Every use of a feature that the engine does not have yet. `to_run`: what only runs need is an error, too.
pub(crate) fn unsupported(scenario: &Scenario, to_run: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    // A workload that is switched off needs nothing of its target.
    let needed = |name: &str| {
        let mut workloads = scenario.workloads.values().filter(|workload| workload.enabled);
        workloads.any(|workload| workload.target.as_deref().is_none_or(|target| target == name))
    };
    for (name, target) in scenario.targets.iter().filter(|(name, _)| needed(name)) {
        look(&format!("targets.{name}."), target, TARGET, &mut problems);
    }
    if !to_run {
        for problem in &mut problems {
            if NEEDED_BY_RUNS.iter().any(|feature| problem.path.ends_with(feature)) {
                problem.severity = Severity::Warning;
                problem.hint = Some("it can be planned, previewed and generated; a run is refused".to_owned());
            }
        }
    }
    problems
}

fn look<T>(path: &str, subject: &T, rules: &[Rule<T>], problems: &mut Vec<Problem>) {
    for (feature, uses) in rules {
        if uses(subject) {
            problems.push(Problem::error(format!("{path}{feature}"), format!("not supported yet: {feature}")));
        }
    }
}
