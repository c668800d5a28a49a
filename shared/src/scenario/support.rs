//! What the scenario language can say and the engine cannot do yet. Nothing of it is accepted and ignored: each use is
//! a problem. A feature that lands takes its line from here.

use crate::problem::Problem;
use crate::scenario::model::Scenario;
use crate::scenario::model::fault::Fault;
use crate::scenario::model::output::EventsFile;
use crate::scenario::model::target::{Protocol, Target};

type Rule<T> = (&'static str, fn(&T) -> bool);

const SCENARIO: &[Rule<Scenario>] =
    &[("outputs.events", |scenario| matches!(scenario.outputs.events, Some(EventsFile::Json(_) | EventsFile::Csv(_))))];

const TARGET: &[Rule<Target>] = &[
    ("protocol", |target| matches!(target.protocol, Protocol::Ws | Protocol::Mqtt)),
    ("reconnect", |target| target.reconnect.is_some()),
];

/// Every use of a feature that the engine does not have yet.
pub(crate) fn unsupported(scenario: &Scenario) -> Vec<Problem> {
    let mut problems = Vec::new();
    look("", scenario, SCENARIO, &mut problems);
    for (name, faults) in &scenario.faults {
        for (index, _) in faults.iter().enumerate().filter(|(_, fault)| matches!(fault, Fault::AuthExpire { .. })) {
            let path = format!("faults.{name}[{index}].auth_expire");
            problems.push(Problem::error(path, "not supported yet: auth_expire"));
        }
    }
    for (name, target) in &scenario.targets {
        look(&format!("targets.{name}."), target, TARGET, &mut problems);
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
