//! Fills in what a scenario may leave out, so that those who run it find nothing implied.

use crate::scenario::model::Scenario;
use crate::scenario::model::event::{Effect, Event};
use crate::scenario::overlay::merge;
use crate::tree::Node;
use crate::units::Length;

/// Names the scenario after its source, gives every workload its target, behavior and duration, and every event what it
/// inherits.
pub(crate) fn complete(scenario: &mut Scenario, source: &str) {
    if scenario.name.is_empty() {
        scenario.name = stem(source).to_owned();
    }
    let target = only(scenario.targets.keys());
    let behavior = only(scenario.behaviors.keys());
    for workload in scenario.workloads.values_mut() {
        workload.target = workload.target.take().or_else(|| target.clone());
        workload.behavior = workload.behavior.take().or_else(|| behavior.clone());
        let load = &mut workload.load;
        if load.duration.is_none()
            && let Some(ramp) = &load.ramp
            && let Some(hold) = ramp.hold
        {
            load.duration = Some(Length::For(ramp.up.saturating_add(hold).saturating_add(ramp.down)));
        }
    }
    let names: Vec<String> = scenario.events.keys().cloned().collect();
    for name in names {
        if let Some(event) = inherited(scenario, &name) {
            scenario.events.insert(name, event);
        }
    }
}

/// A file's name without folders and ending.
fn stem(source: &str) -> &str {
    let name = source.rsplit('/').next().unwrap_or(source);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn only<'n>(mut names: impl Iterator<Item = &'n String>) -> Option<String> {
    let first = names.next()?;
    if names.next().is_some() { None } else { Some(first.clone()) }
}

/// An event with all that it inherits; none when it extends nothing.
fn inherited(scenario: &Scenario, name: &str) -> Option<Event> {
    let mut chain = vec![scenario.events.get(name)?];
    while let Some(base) = chain.last().and_then(|event| event.extends.as_deref()) {
        // A circle is reported elsewhere; here it only has to end.
        if chain.len() > scenario.events.len() {
            return None;
        }
        chain.push(scenario.events.get(base)?);
    }
    if chain.len() == 1 {
        return None;
    }
    let mut event = Event::default();
    for own in chain.into_iter().rev() {
        lay_over(&mut event, own);
    }
    event.extends = None;
    Some(event)
}

fn lay_over(event: &mut Event, own: &Event) {
    fn take<T: Clone>(below: &mut Option<T>, above: &Option<T>) {
        if above.is_some() {
            below.clone_from(above);
        }
    }
    take(&mut event.description, &own.description);
    take(&mut event.topic, &own.topic);
    take(&mut event.id, &own.id);
    take(&mut event.require, &own.require);
    take(&mut event.prerequisite, &own.prerequisite);
    take(&mut event.send, &own.send);
    event.name.clone_from(&own.name);
    for (name, draw) in &own.bind {
        event.bind.insert(name.clone(), draw.clone());
    }
    match (&mut event.body, &own.body) {
        (Some(below), Some(above)) => merge(below, Node::clone(above)),
        (below, above) => take(below, above),
    }
    if !own.effect.is_empty() {
        event.effect = Effect::clone(&own.effect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse::parse;
    use crate::scenario::read::read;
    use crate::units::Nanos;

    #[test]
    fn what_is_implied_is_filled_in() {
        let text = "
targets: {api: {url: http://x}}
events:
  _base: {topic: t, let: {a: 1, b: 2}, body: {x: 1, y: 2}}
  e: {extends: _base, let: {b: 3}, body: {y: 4, z: 5}}
behaviors: {b: {emit: {event: e}}}
workloads: {w: {load: {rate: 1/s, ramp: {up: 5s, hold: 10s, down: 5s}}}}
";
        let mut scenario = read::<Scenario>(&parse(text, 0).root).value.unwrap();
        complete(&mut scenario, "shops/mine.yaml");
        assert_eq!(scenario.name, "mine");
        let workload = &scenario.workloads["w"];
        assert_eq!((workload.target.as_deref(), workload.behavior.as_deref()), (Some("api"), Some("b")));
        assert_eq!(workload.load.duration, Some(Length::For(Nanos::from_secs(20))));
        let event = &scenario.events["e"];
        assert_eq!(event.body.as_ref(), Some(&parse("{x: 1, y: 4, z: 5}", 0).root));
        assert_eq!(
            event.bind.iter().map(|(name, node)| (name.as_str(), node.as_f64())).collect::<Vec<_>>(),
            [("a", Some(1.0)), ("b", Some(3.0))]
        );
        assert_eq!((event.topic.as_deref(), event.extends.as_deref()), (Some("t"), None));
    }
}
