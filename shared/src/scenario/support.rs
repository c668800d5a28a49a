//! What the scenario language can say and the engine cannot do yet. Nothing of it is accepted and ignored: each use is
//! a problem. A feature that lands takes its line from here.

use crate::problem::{Problem, Severity};
use crate::scenario::model::fault::Fault;
use crate::scenario::model::target::Target;
use crate::scenario::model::{Scenario, Workload};

type Rule<T> = (&'static str, fn(&T) -> bool);

/// What only a run needs: without it a scenario can still be planned, previewed and generated. To those who only look
/// it is a warning.
const NEEDED_BY_RUNS: &[&str] = &["reconnect", "auth_expire"];

const TARGET: &[Rule<Target>] =
    &[("reconnect", |target| target.reconnect.is_some() && !target.protocol.holds_streams())];

/// Every use of a feature that the engine does not have yet. `to_run`: what only runs need is an error, too.
pub(crate) fn unsupported(scenario: &Scenario, to_run: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, faults) in &scenario.faults {
        for (index, _) in faults.iter().enumerate().filter(|(_, fault)| matches!(fault, Fault::AuthExpire { .. })) {
            let path = format!("faults.{name}[{index}].auth_expire");
            problems.push(Problem::error(path, "not supported yet: auth_expire"));
        }
    }
    // A workload that is switched off needs nothing of its target.
    let needed = |name: &str| {
        let mut workloads = scenario.workloads.values().filter(|workload| workload.enabled);
        workloads.any(|workload| workload.target.as_deref().is_none_or(|target| target == name))
    };
    for (name, target) in scenario.targets.iter().filter(|(name, _)| needed(name)) {
        look(&format!("targets.{name}."), target, TARGET, &mut problems);
    }
    for (name, workload) in &scenario.workloads {
        slow_streams(scenario, name, workload, &mut problems);
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

/// Only a request can be written slowly so far.
fn slow_streams(scenario: &Scenario, name: &str, workload: &Workload, problems: &mut Vec<Problem>) {
    let target = match &workload.target {
        Some(target) => scenario.targets.get(target),
        None => scenario.targets.values().next(),
    };
    let faults = workload.faults.as_ref().and_then(|faults| scenario.faults.get(faults));
    let slow = faults.is_some_and(|faults| faults.iter().any(|fault| matches!(fault, Fault::SlowSend { .. })));
    if slow && target.is_some_and(|target| target.protocol.holds_streams()) {
        let message = "not supported yet: slow_send at a target of streams";
        problems.push(Problem::error(format!("workloads.{name}.faults"), message));
    }
}

fn look<T>(path: &str, subject: &T, rules: &[Rule<T>], problems: &mut Vec<Problem>) {
    for (feature, uses) in rules {
        if uses(subject) {
            problems.push(Problem::error(format!("{path}{feature}"), format!("not supported yet: {feature}")));
        }
    }
}
