//! What is declared and never used: configuration that looks alive and is dead.

use std::collections::BTreeSet;

use crate::problem::Problem;
use crate::scenario::model::Scenario;
use crate::scenario::model::behavior::Behavior;
use crate::tree::nearest;
use crate::tree::{Node, Value};

/// The dead parts of the document itself; those of what it extends are its author's choice. The scenario is that without
/// a profile, since what one profile does not use another may.
pub(crate) fn unused(scenario: &Scenario, document: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let used = Used::gather(scenario, document);
    for (section, noun, names) in [
        ("targets", "target", &used.targets),
        ("pools", "pool", &used.pools),
        ("events", "event", &used.events),
        ("behaviors", "behavior", &used.behaviors),
        ("faults", "list of faults", &used.faults),
    ] {
        let entries = document.get(section).and_then(Node::as_map).unwrap_or_default();
        let declared: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        // A name that a slip of the fingers missed is not dead: the slip is told where it happened.
        let missed: Vec<&str> = names
            .iter()
            .filter(|name| !declared.contains(&name.as_str()))
            .filter_map(|name| nearest::nearest(name, declared.iter().copied()))
            .collect();
        for entry in entries {
            let own = entry.key_mark.source == 0 && entry.key_mark.line > 0;
            if own && !names.contains(&entry.key) && !missed.contains(&entry.key.as_str()) {
                let message = format!("the {noun} `{}` is declared and never used", entry.key);
                let problem = Problem::error(format!("{section}.{}", entry.key), message);
                problems.push(problem.with_hint("use it or remove it"));
            }
        }
    }
    problems.extend(unused_draws(document));
    problems
}

/// Draws, variables and lists of clicks that no template names.
fn unused_draws(document: &Node) -> Vec<Problem> {
    let mut named = BTreeSet::new();
    identifiers(document, &mut named);
    let (mut problems, mut clicks) = (Vec::new(), Vec::new());
    let mut look = |path: String, noun: &str, node: Option<&Node>| {
        for entry in node.and_then(Node::as_map).unwrap_or_default() {
            let own = entry.key_mark.source == 0 && entry.key_mark.line > 0;
            if own && !named.contains(entry.key.as_str()) {
                let message = format!("the {noun} `{}` is declared and never used", entry.key);
                let problem = Problem::error(format!("{path}.{}", entry.key), message);
                problems.push(problem.with_hint("use it or remove it"));
            }
        }
    };
    let section = |name: &str| document.get(name).and_then(Node::as_map).unwrap_or_default();
    for event in section("events") {
        look(format!("events.{}.let", event.key), "draw", event.node.get("let"));
    }
    for workload in section("workloads") {
        let draws = workload.node.get("population").and_then(|population| population.get("let"));
        look(format!("workloads.{}.population.let", workload.key), "draw", draws);
    }
    for behavior in section("behaviors") {
        let path = format!("behaviors.{}", behavior.key);
        let kind = |kind: &str, part: &str| behavior.node.get(kind).and_then(|node| node.get(part));
        look(format!("{path}.mix.state"), "variable", kind("mix", "state"));
        look(format!("{path}.session.let"), "draw", kind("session", "let"));
        look(format!("{path}.lifecycle.bind"), "draw", kind("lifecycle", "bind"));
        let during = kind("session", "during").and_then(Node::as_list).unwrap_or_default();
        for (index, during) in during.iter().enumerate() {
            look(format!("{path}.session.during[{index}].let"), "draw", during.get("let"));
        }
        if named.contains("journey") {
            continue;
        }
        let journeys = kind("session", "journeys").and_then(Node::as_list).unwrap_or_default();
        for (index, journey) in journeys.iter().enumerate() {
            let written = journey.entry("clicks").filter(|entry| entry.key_mark.source == 0);
            if written.is_some_and(|entry| entry.key_mark.line > 0 && entry.node.as_list() != Some(&[])) {
                let path = format!("{path}.session.journeys[{index}].clicks");
                let problem = Problem::error(path, "no template names `journey.clicks`, so that they are never used");
                clicks.push(problem.with_hint("write {$pick: \"${journey.clicks}\"} in an event, or remove them"));
            }
        }
    }
    problems.append(&mut clicks);
    problems
}

/// Every word in every text of a document: what a template could name.
fn identifiers<'n>(node: &'n Node, found: &mut BTreeSet<&'n str>) {
    match &node.value {
        Value::String(text) => {
            found.extend(text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()));
        }
        Value::List(items) => items.iter().for_each(|item| identifiers(item, found)),
        Value::Map(entries) => {
            for entry in entries {
                // Effects name what they change by their keys.
                if matches!(entry.key.as_str(), "push" | "set" | "remove") {
                    let keys = entry.node.as_map().unwrap_or_default().iter();
                    found.extend(keys.flat_map(|entry| entry.key.split('.')));
                }
                identifiers(&entry.node, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
    }
}

/// The names that something refers to.
#[derive(Default)]
struct Used {
    targets: Vec<String>,
    pools: Vec<String>,
    events: Vec<String>,
    behaviors: Vec<String>,
    faults: Vec<String>,
}

impl Used {
    fn gather(scenario: &Scenario, document: &Node) -> Self {
        let mut used = Self::default();
        let only = |section: &str| match document.get(section).and_then(Node::as_map) {
            Some([entry]) => Some(entry.key.clone()),
            _ => None,
        };
        for workload in scenario.workloads.values() {
            used.targets.extend(workload.target.clone().or_else(|| only("targets")));
            used.behaviors.extend(workload.behavior.clone().or_else(|| only("behaviors")));
            used.faults.extend(workload.faults.clone());
        }
        // A profile may switch to another target, behavior or list of faults.
        if let Some(profiles) = document.get("profiles") {
            used.take_profile(profiles);
        }
        for (name, behavior) in &scenario.behaviors {
            if used.behaviors.contains(name) {
                used.take_behavior(behavior);
            }
        }
        used.take_bases(scenario);
        for pool in scenario.pools.values() {
            used.targets.extend(pool.fetch.as_ref().map(|fetch| fetch.target.clone()));
        }
        // Templates and profiles draw from pools at any depth.
        used.take_pools(document, document);
        used
    }

    fn take_behavior(&mut self, behavior: &Behavior) {
        match behavior {
            Behavior::Mix(mix) => self.events.extend(mix.weights.keys().cloned()),
            Behavior::Session(session) => {
                let named = [&session.first, &session.last, &session.step.enter, &session.step.leave];
                self.events.extend(named.into_iter().flatten().cloned());
                for during in &session.during {
                    words(&during.event, &mut self.events);
                }
            }
            Behavior::Lifecycle(lifecycle) => {
                for state in lifecycle.states.values() {
                    self.events.extend(state.enter.clone());
                    self.events.extend(state.tick.as_ref().map(|tick| tick.emit.clone()));
                }
            }
            Behavior::Emit(emit) => self.events.push(emit.event.clone()),
            Behavior::Replay(_) => {}
        }
    }

    /// Events that used events extend or need first.
    fn take_bases(&mut self, scenario: &Scenario) {
        let mut at = 0;
        while let Some(name) = self.events.get(at).cloned() {
            if let Some(event) = scenario.events.get(&name) {
                for other in [&event.extends, &event.prerequisite].into_iter().flatten() {
                    if !self.events.contains(other) {
                        self.events.push(other.clone());
                    }
                }
            }
            at += 1;
        }
    }

    fn take_pools(&mut self, node: &Node, document: &Node) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    if entry.key == "$pool" {
                        self.take_pool_call(&entry.node, document);
                    }
                    self.take_pools(&entry.node, document);
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.take_pools(item, document)),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
        }
    }

    fn take_pool_call(&mut self, node: &Node, document: &Node) {
        let mut names = Vec::new();
        words(node, &mut names);
        for text in names {
            let name = text.split(['.', '[']).next().unwrap_or(&text);
            if name.contains("${") {
                // Which one is only known when it is drawn: any.
                let pools = document.get("pools").and_then(Node::as_map).unwrap_or_default();
                self.pools.extend(pools.iter().map(|entry| entry.key.clone()));
            } else {
                self.pools.push(name.to_owned());
                self.pools.push(text.clone());
            }
        }
    }

    fn take_profile(&mut self, node: &Node) {
        let mut names = Vec::new();
        words(node, &mut names);
        for list in [&mut self.targets, &mut self.behaviors, &mut self.faults, &mut self.events] {
            list.extend(names.iter().cloned());
        }
    }
}

/// Every text and every key below a node.
fn words(node: &Node, found: &mut Vec<String>) {
    match &node.value {
        Value::String(text) => found.push(text.clone()),
        Value::List(items) => items.iter().for_each(|item| words(item, found)),
        Value::Map(entries) => {
            for entry in entries {
                found.push(entry.key.clone());
                words(&entry.node, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
    }
}
