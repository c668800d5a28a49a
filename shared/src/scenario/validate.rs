//! What types cannot say: names that lead nowhere, numbers that cannot work, parts that nothing uses.
//!
//! Every check adds to [`Findings`] and goes on, so that one look shows everything. Paths get their places later.

mod behavior;
mod check;
mod event;
mod fault;
mod load;
mod pool;
mod target;
mod usage;

pub(crate) use usage::unused;

use crate::problem::Problem;
use crate::scenario::model::check::Check;
use crate::scenario::model::event::Event;
use crate::scenario::model::target::Protocol;
use crate::scenario::model::{ClockMode, Scenario, Workload};
use crate::scenario::options::Environment;
use crate::tree::Node;
use crate::tree::nearest;

/// Keywords that other readers of YAML take for true, false or nothing.
const RESERVED: [&str; 12] = ["on", "off", "yes", "no", "y", "n", "true", "false", "null", "~", "", "$unset"];

/// Checks a scenario. `document` is what it was read from: names that stand there count as declared even where their
/// content could not be read.
///
/// `whole` says whether the text could be read to its end: nothing is missed in one that could not.
pub(crate) fn validate(
    scenario: &Scenario,
    document: &Node,
    whole: bool,
    environment: Environment<'_>,
) -> Vec<Problem> {
    let mut findings = Findings { problems: Vec::new(), document };
    check_top(scenario, &mut findings);
    for (name, target) in &scenario.targets {
        target::check(name, target, environment, &mut findings);
    }
    for (name, pool) in &scenario.pools {
        pool::check(name, pool, scenario, &mut findings);
    }
    for (name, event) in &scenario.events {
        event::check(name, event, scenario, &mut findings);
    }
    for (name, behavior) in &scenario.behaviors {
        behavior::check(name, behavior, &mut findings);
    }
    for (name, faults) in &scenario.faults {
        fault::check(name, faults, &mut findings);
    }
    fault::check_credentials(scenario, &mut findings);
    check_workloads(scenario, whole, &mut findings);
    for (index, check) in scenario.checks.iter().enumerate() {
        check::check(index, check, environment, &mut findings);
    }
    findings.problems
}

/// Users of one workload: what is known of each is kept in memory.
const MAX_USERS: u64 = 100_000_000;

/// Problems so far, and the document for the names in it.
pub(crate) struct Findings<'d> {
    problems: Vec<Problem>,
    document: &'d Node,
}

impl Findings<'_> {
    fn error(&mut self, path: impl Into<String>, message: impl Into<String>, hint: &str) {
        let problem = Problem::error(path, message);
        self.problems.push(if hint.is_empty() { problem } else { problem.with_hint(hint) });
    }

    /// The names that a section declares, readable or not.
    fn names(&self, section: &str) -> Vec<String> {
        let entries = self.document.get(section).and_then(Node::as_map).unwrap_or_default();
        entries.iter().map(|entry| entry.key.clone()).collect()
    }

    /// Reports a name that no entry of a section has.
    fn refers(&mut self, path: impl Into<String>, noun: &str, section: &str, name: &str) {
        let names = self.names(section);
        if names.iter().any(|known| known == name) {
            return;
        }
        let mut problem = Problem::error(path, format!("there is no {noun} `{name}`"));
        // Bases are there to be extended, not to be named elsewhere.
        let offered = names.iter().map(String::as_str).filter(|known| section != "events" || !known.starts_with('_'));
        problem.hint = nearest::hint(name, offered).or_else(|| Some(format!("declare it under `{section}`")));
        self.problems.push(problem);
    }

    fn probability(&mut self, path: impl Into<String>, p: f64) {
        if !(0.0..=1.0).contains(&p) {
            self.error(path, format!("a probability lies between 0 and 1, this is {p}"), "");
        }
    }

    /// Shares or probabilities that together are everything.
    fn sums_to_one(&mut self, path: impl Into<String>, what: &str, values: impl Iterator<Item = f64>) {
        let sum: f64 = values.sum();
        if (sum - 1.0).abs() > 1e-6 {
            // Rounded, so that 0.1 + 0.2 does not show its tail.
            let shown = (sum * 1e9).round() / 1e9;
            self.error(path, format!("{what} sum to {shown}, they must sum to 1"), "change them so that the sum is 1");
        }
    }

    /// Weights of which only the proportion counts.
    fn weights<'w>(&mut self, path: &str, weights: impl Iterator<Item = (&'w str, f64)>) {
        let mut any = false;
        let mut positive = false;
        for (name, weight) in weights {
            any = true;
            positive |= weight > 0.0;
            if weight < 0.0 {
                self.error(format!("{path}.{name}"), format!("a weight must not be negative, this is {weight}"), "");
            }
        }
        if any && !positive {
            self.error(path, "all weights are zero, nothing can be chosen", "give one a weight above zero");
        }
    }
}

fn check_top(scenario: &Scenario, findings: &mut Findings<'_>) {
    if let Some(version) = scenario.version.filter(|version| *version != 1) {
        findings.error("version", format!("version {version} of the scenario language is not known"), "write 1");
    }
    for section in ["targets", "pools", "events", "behaviors", "faults", "workloads", "profiles"] {
        for name in findings.names(section) {
            if RESERVED.contains(&name.as_str()) {
                let message = format!("`{name}` cannot be a name: readers of YAML disagree on what it means");
                findings.error(format!("{section}.{name}"), message, "choose another name");
            }
        }
    }
    let clock = &scenario.clock;
    let has_window = clock.start.is_some() || clock.end.is_some();
    match clock.mode {
        ClockMode::Live => {
            if has_window {
                findings.error("clock", "a live clock has no start and no end", "write mode: backfill");
            }
            if clock.speed.is_some() {
                findings.error("clock.speed", "a live clock runs at the speed of life", "write mode: simulate");
            }
        }
        ClockMode::Backfill => {
            if clock.start.is_none() {
                findings.error("clock", "a backfill needs the start of its window", "write start: -24h");
            }
            if clock.speed.is_some() {
                findings.error("clock.speed", "a backfill runs as fast as it can", "remove speed");
            }
        }
        ClockMode::Simulate => {
            if clock.end.is_some() {
                findings.error("clock.end", "a simulated clock ends with its workloads", "remove end");
            }
        }
    }
    if let Some(speed) = clock.speed.filter(|speed| !(*speed > 0.0 && speed.is_finite())) {
        findings.error(
            "clock.speed",
            format!("a speed must be above zero, this is {speed}"),
            "write 60 for a minute per second",
        );
    }
}

fn check_workloads(scenario: &Scenario, whole: bool, findings: &mut Findings<'_>) {
    if findings.names("workloads").is_empty() {
        if !whole {
            return;
        }
        let hint = "write `workloads: {main: {load: {rate: 10/s, duration: 1m}}}`";
        findings.error("", "the scenario has no workload, it would do nothing", hint);
    } else if !scenario.workloads.is_empty() && scenario.workloads.values().all(|workload| !workload.enabled) {
        findings.error("workloads", "every workload is switched off", "write `enabled: true` for one");
    }
    for (name, workload) in &scenario.workloads {
        let path = format!("workloads.{name}");
        match &workload.target {
            Some(target) => findings.refers(format!("{path}.target"), "target", "targets", target),
            None => choose(&path, "target", "targets", findings),
        }
        match &workload.behavior {
            Some(behavior) => findings.refers(format!("{path}.behavior"), "behavior", "behaviors", behavior),
            None => choose(&path, "behavior", "behaviors", findings),
        }
        if let Some(faults) = &workload.faults {
            findings.refers(format!("{path}.faults"), "list of faults", "faults", faults);
        }
        if workload.population.count == 0 {
            findings.error(
                format!("{path}.population.count"),
                "a population of nobody does nothing",
                "write 1 or more",
            );
        }
        if workload.population.count > MAX_USERS {
            findings.error(
                format!("{path}.population.count"),
                format!("no run tells more than {MAX_USERS} users apart"),
                "write less, or several runs with a part each",
            );
        }
        load::check(name, workload, scenario, findings);
        check_meeting(&path, workload, scenario, findings);
    }
}

/// A workload and its target have to fit each other.
fn check_meeting(path: &str, workload: &Workload, scenario: &Scenario, findings: &mut Findings<'_>) {
    let named = match &workload.target {
        Some(name) => scenario.targets.get_key_value(name),
        None => scenario.targets.iter().next().filter(|_only| scenario.targets.len() == 1),
    };
    let Some((name, target)) = named else { return };
    if workload.load.per_connection.is_some() && target.connections.is_none() {
        let message = format!("how many connections there are is not said by target `{name}`");
        findings.error(
            format!("{path}.load.per_connection"),
            message,
            &format!("write targets.{name}.connections: 10"),
        );
    }
    let looks_inside = |check: &Check| {
        check.expect.as_ref().is_some_and(|expect| !expect.required.is_empty() || !expect.fields.is_empty())
    };
    let answers_known = target.mqtt.as_ref().is_some_and(|mqtt| mqtt.correlate.is_some());
    if target.protocol == Protocol::Mqtt
        && workload.enabled
        && !answers_known
        && scenario.checks.iter().any(looks_inside)
    {
        let message = "a check looks into answers, and an acknowledgement says nothing";
        let hint = "write mqtt: {subscribe: [answers], correlate: id}, or leave the fields out of the check";
        findings.error(format!("targets.{name}.mqtt"), message, hint);
    }
    let topic = target.mqtt.as_ref().and_then(|mqtt| mqtt.topic.as_ref());
    let has_topic =
        |event: &Event| event.topic.is_some() || event.send.as_ref().is_some_and(|send| send.topic.is_some());
    if target.protocol == Protocol::Mqtt && topic.is_none() && !scenario.events.values().any(has_topic) {
        let message = "to which topic events are published is not said";
        findings.error(format!("targets.{name}"), message, "write mqtt: {topic: events}, or a topic for each event");
    }
}

/// A workload that does not name its target or behavior means the only one; there is not just one.
fn choose(path: &str, noun: &str, section: &str, findings: &mut Findings<'_>) {
    let names = findings.names(section);
    match names.len() {
        0 => findings.error(
            path,
            format!("there is no {noun} for this workload"),
            &format!("declare one under `{section}`"),
        ),
        1 => {}
        _ => {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let hint = format!("write `{noun}:` with {}", nearest::one_of(&known));
            findings.error(path, format!("the workload does not say which {noun} it means"), &hint);
        }
    }
}
