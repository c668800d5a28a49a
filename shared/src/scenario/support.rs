//! What the scenario language can say and the engine cannot do yet. Nothing of it is accepted and ignored: each use is
//! a problem. A feature that lands takes its line from here.

use crate::problem::Problem;
use crate::scenario::model::behavior::Behavior;
use crate::scenario::model::fault::Fault;
use crate::scenario::model::load::{Load, Shape};
use crate::scenario::model::pool::Pool;
use crate::scenario::model::target::{Protocol, Target};
use crate::scenario::model::{ClockMode, Scenario};

type Rule<T> = (&'static str, fn(&T) -> bool);

const SCENARIO: &[Rule<Scenario>] = &[
    ("clock.mode", |scenario| scenario.clock.mode != ClockMode::Live),
    ("checks", |scenario| !scenario.checks.is_empty()),
    ("outputs.console", |scenario| scenario.outputs.console.is_some()),
    ("outputs.results", |scenario| scenario.outputs.results.is_some()),
    ("outputs.events", |scenario| scenario.outputs.events.is_some()),
    ("outputs.log", |scenario| scenario.outputs.log.is_some()),
    ("outputs.ledger", |scenario| scenario.outputs.ledger.is_some()),
    ("outputs.prometheus", |scenario| scenario.outputs.prometheus.is_some()),
];

const TARGET: &[Rule<Target>] = &[
    ("protocol", |target| target.protocol != Protocol::Http),
    ("health.required", |target| target.health.as_ref().is_some_and(|health| !health.required)),
    ("reconnect", |target| target.reconnect.is_some()),
    ("tls", |target| target.tls.is_some()),
];

const POOL: &[Rule<Pool>] = &[("file", |pool| pool.file.is_some()), ("fetch", |pool| pool.fetch.is_some())];

const BEHAVIOR: &[Rule<Behavior>] = &[("replay", |behavior| matches!(behavior, Behavior::Replay(_)))];

const LOAD: &[Rule<Load>] = &[
    ("max_in_flight", |load| load.max_in_flight.is_some()),
    ("shape.csv", |load| load.shape.iter().any(|shape| matches!(shape, Shape::Csv(_)))),
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
    for (name, pool) in &scenario.pools {
        look(&format!("pools.{name}."), pool, POOL, &mut problems);
    }
    for (name, behavior) in &scenario.behaviors {
        look(&format!("behaviors.{name}."), behavior, BEHAVIOR, &mut problems);
    }
    for (name, workload) in &scenario.workloads {
        let path = format!("workloads.{name}.load.");
        look(&path, &workload.load, LOAD, &mut problems);
        // The pauses of sessions are planned; users of any other behavior would have to wait for their answers.
        let behavior = match &workload.behavior {
            Some(behavior) => scenario.behaviors.get(behavior),
            None => scenario.behaviors.values().next(),
        };
        if workload.load.users.is_some() && behavior.is_some_and(|behavior| !matches!(behavior, Behavior::Session(_))) {
            let message = "not supported yet: users without sessions";
            problems.push(Problem::error(format!("{path}users"), message).with_hint("write rate: 10/s"));
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
