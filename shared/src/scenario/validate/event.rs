//! Events: chains of `extends`, prerequisites, effects on a state that exists.

use crate::scenario::model::Scenario;
use crate::scenario::model::behavior::Behavior;
use crate::scenario::model::event::Event;
use crate::scenario::model::target::Protocol;
use crate::tree::nearest;

use super::Findings;

pub(super) fn check(name: &str, event: &Event, scenario: &Scenario, findings: &mut Findings<'_>) {
    let path = format!("events.{name}");
    if let Some(base) = &event.extends {
        findings.refers(format!("{path}.extends"), "event", "events", base);
        let mut chain = vec![name];
        let mut next = Some(base.as_str());
        while let Some(base) = next {
            if chain.contains(&base) {
                if base == name {
                    chain.push(base);
                    let message = format!("the event extends itself: {}", chain.join(" -> "));
                    findings.error(format!("{path}.extends"), message, "let one of them extend nothing");
                }
                break;
            }
            chain.push(base);
            next = scenario.events.get(base).and_then(|event| event.extends.as_deref());
        }
    }
    if !name.starts_with('_') && !has_body(event, scenario) {
        findings.error(
            path.as_str(),
            "the event has no `body`, it would say nothing",
            "write body: {user_id: \"${user.id}\"}",
        );
    }
    let has_broker = || scenario.targets.values().any(|target| target.protocol == Protocol::Mqtt);
    if event.send.as_ref().is_some_and(|send| send.topic.is_some()) && !has_broker() {
        let message = "has no effect, since no target is a broker";
        findings.error(format!("{path}.send.topic"), message, "remove it, or write it as the event's `topic`");
    }
    if let Some(first) = &event.prerequisite {
        findings.refers(format!("{path}.prerequisite"), "event", "events", first);
        if event.require.is_none() {
            let message = "has no effect, since the event has no `require`";
            findings.error(format!("{path}.prerequisite"), message, "write the condition that it mends");
        }
        if first == name {
            findings.error(format!("{path}.prerequisite"), "an event cannot be its own prerequisite", "");
        }
    }
    check_effect(&path, name, event, scenario, findings);
}

fn has_body(event: &Event, scenario: &Scenario) -> bool {
    let mut event = Some(event);
    for _ in 0..=scenario.events.len() {
        match event {
            Some(found) if found.body.is_some() => return true,
            // A base that is not there is another problem.
            Some(found) => match &found.extends {
                Some(base) => match scenario.events.get(base) {
                    Some(base) => event = Some(base),
                    None => return true,
                },
                None => return false,
            },
            None => return true,
        }
    }
    true
}

/// An effect must change something that the behaviors that emit the event remember.
fn check_effect(path: &str, name: &str, event: &Event, scenario: &Scenario, findings: &mut Findings<'_>) {
    if event.effect.is_empty() {
        return;
    }
    let mut states: Vec<&str> = Vec::new();
    for behavior in scenario.behaviors.values() {
        if let Behavior::Mix(mix) = behavior
            && (name.starts_with('_') || emits(mix.weights.keys(), name, scenario))
        {
            states.extend(mix.state.keys().map(String::as_str));
        }
    }
    let effect = &event.effect;
    let changed = [("remove", effect.remove.keys()), ("push", effect.push.keys()), ("set", effect.set.keys())]
        .into_iter()
        .flat_map(|(verb, keys)| keys.map(move |key| (format!("{path}.effect.{verb}.{key}"), key)))
        .chain(effect.clear.iter().enumerate().map(|(index, key)| (format!("{path}.effect.clear[{index}]"), key)));
    for (place, key) in changed {
        // `line.quantity` sets a field of the item that a draw stands for; the template compiler looks that up.
        if !key.contains('.') && !states.contains(&key.as_str()) {
            let hint = nearest::hint(key, states.iter().copied())
                .unwrap_or_else(|| "declare it in the behavior's `state`".to_owned());
            findings.error(place, format!("no behavior that emits this event remembers `{key}`"), &hint);
        }
    }
}

/// Whether a mix emits an event, by itself or as a prerequisite of another.
fn emits<'n>(weights: impl Iterator<Item = &'n String>, name: &str, scenario: &Scenario) -> bool {
    weights.into_iter().any(|event| {
        let mut event = event.as_str();
        for _ in 0..=scenario.events.len() {
            if event == name {
                return true;
            }
            match scenario.events.get(event).and_then(|event| event.prerequisite.as_deref()) {
                Some(next) => event = next,
                None => return false,
            }
        }
        false
    })
}
