//! Behaviors: events that exist, weights and probabilities that work, states that can be reached.

use indexmap::IndexMap;

use crate::scenario::model::behavior::{Behavior, Lifecycle, Mix, Replay, ReplayOrder, Session};
use crate::tree::Value;
use crate::tree::nearest;

use super::Findings;

pub(super) fn check(name: &str, behavior: &Behavior, findings: &mut Findings<'_>) {
    let path = format!("behaviors.{name}");
    match behavior {
        Behavior::Mix(mix) => check_mix(&format!("{path}.mix"), mix, findings),
        Behavior::Session(session) => check_session(&format!("{path}.session"), session, findings),
        Behavior::Lifecycle(lifecycle) => check_lifecycle(&format!("{path}.lifecycle"), lifecycle, findings),
        Behavior::Emit(emit) => {
            if emit.event.is_empty() {
                findings.error(format!("{path}.emit"), "which event is not said", "write {emit: {event: NAME}}");
            } else {
                findings.refers(format!("{path}.emit.event"), "event", "events", &emit.event);
            }
        }
        Behavior::Replay(replay) => check_replay(&format!("{path}.replay"), replay, findings),
    }
}

fn check_mix(path: &str, mix: &Mix, findings: &mut Findings<'_>) {
    if mix.weights.is_empty() {
        findings.error(path, "the mix has no weights, it would emit nothing", "write weights: {EVENT: 1}");
    }
    for event in mix.weights.keys() {
        findings.refers(format!("{path}.weights.{event}"), "event", "events", event);
        if event.starts_with('_') {
            findings.error(
                format!("{path}.weights.{event}"),
                "a base is not emitted itself",
                "name an event that extends it",
            );
        }
    }
    findings.weights(&format!("{path}.weights"), mix.weights.iter().map(|(name, weight)| (name.as_str(), *weight)));
}

fn check_session(path: &str, session: &Session, findings: &mut Findings<'_>) {
    let events = [
        ("first", &session.first),
        ("last", &session.last),
        ("step.enter", &session.step.enter),
        ("step.leave", &session.step.leave),
    ];
    for (key, event) in events {
        if let Some(event) = event {
            findings.refers(format!("{path}.{key}"), "event", "events", event);
        }
    }
    findings.probability(format!("{path}.step.leave_p"), session.step.leave_p);
    if session.step.leave.is_none() && session.step.leave_p < 1.0 {
        findings.error(format!("{path}.step.leave_p"), "has no effect without `leave`", "write leave: EVENT");
    }
    for (index, during) in session.during.iter().enumerate() {
        let place = format!("{path}.during[{index}]");
        if during.event.value == Value::Null {
            findings.error(place.as_str(), "which event is not said", "write event: NAME");
        }
        if let Some(event) = during.event.as_str().filter(|text| !text.contains("${")) {
            findings.refers(format!("{place}.event"), "event", "events", event);
        }
        if !(0.0..=1.0).contains(&during.spread.jitter) {
            let message = format!("lies between 0 and 1, this is {}", during.spread.jitter);
            findings.error(format!("{place}.spread.jitter"), message, "");
        }
    }
    match (session.journeys.is_empty(), session.graph.is_empty()) {
        (true, true) => findings.error(path, "the session goes nowhere", "write journeys: [...] or graph: {...}"),
        (false, false) => {
            findings.error(path, "the session has journeys and a graph", "keep one of the two");
        }
        (false, true) => check_journeys(path, session, findings),
        (true, false) => check_graph(&format!("{path}.graph"), &session.graph, findings),
    }
}

fn check_journeys(path: &str, session: &Session, findings: &mut Findings<'_>) {
    let mut positive = false;
    for (index, journey) in session.journeys.iter().enumerate() {
        let place = format!("{path}.journeys[{index}]");
        if journey.weight < 0.0 {
            findings.error(
                format!("{place}.weight"),
                format!("a weight must not be negative, this is {}", journey.weight),
                "",
            );
        }
        positive |= journey.weight > 0.0;
        if journey.path.is_empty() && session.after_path.is_none() {
            findings.error(
                place,
                "a journey without a path needs `after_path` to draw pages",
                "write after_path: {$pool: pages}",
            );
        }
    }
    if !positive {
        findings.error(
            format!("{path}.journeys"),
            "all weights are zero, no journey is ever taken",
            "give one a weight",
        );
    }
}

fn check_graph(path: &str, graph: &IndexMap<String, IndexMap<String, f64>>, findings: &mut Findings<'_>) {
    if !graph.contains_key("$start") {
        findings.error(path, "where sessions begin is not said", "write $start: {/home: 1}");
    }
    let pages: Vec<&str> = graph.keys().map(String::as_str).collect();
    for (page, next) in graph {
        let place = format!("{path}.{page}");
        for (to, p) in next {
            findings.probability(format!("{place}.{to}"), *p);
            if to != "$end" && !graph.contains_key(to) {
                let hint = nearest::hint(to, pages.iter().copied()).unwrap_or_default();
                findings.error(format!("{place}.{to}"), format!("there is no page `{to}` in the graph"), &hint);
            }
        }
        findings.sums_to_one(place, "the probabilities of the next page", next.values().copied());
    }
    let ends = |page: &str| graph.get(page).is_some_and(|next| next.get("$end").is_some_and(|p| *p > 0.0));
    let reached = reach("$start", |page| {
        let next = graph.get(page).into_iter().flatten();
        next.filter(|(_, p)| **p > 0.0).map(|(to, _)| to.as_str()).collect()
    });
    if !reached.iter().any(|page| ends(page)) {
        findings.error(path, "no page leads to $end, sessions only end by their limits", "write $end: 0.3 for a page");
    }
    for page in graph.keys().filter(|page| page.as_str() != "$start" && !reached.contains(&page.as_str())) {
        findings.error(format!("{path}.{page}"), "no page leads here", "name it as a next page, or remove it");
    }
}

fn check_lifecycle(path: &str, lifecycle: &Lifecycle, findings: &mut Findings<'_>) {
    let names: Vec<&str> = lifecycle.states.keys().map(String::as_str).collect();
    if names.is_empty() {
        findings.error(path, "the lifecycle has no states", "write states: {NEW: {enter: EVENT}}");
        return;
    }
    let missing = |name: &str| nearest::hint(name, names.iter().copied()).unwrap_or_default();
    if lifecycle.initial.is_empty() {
        findings.error(path, "the state at birth is not said", &format!("write initial: {}", names[0]));
    } else if !names.contains(&lifecycle.initial.as_str()) {
        let message = format!("there is no state `{}`", lifecycle.initial);
        findings.error(format!("{path}.initial"), message, &missing(&lifecycle.initial));
    }
    for (name, state) in &lifecycle.states {
        let place = format!("{path}.states.{name}");
        if let Some(event) = &state.enter {
            findings.refers(format!("{place}.enter"), "event", "events", event);
        }
        if let Some(tick) = &state.tick {
            findings.refers(format!("{place}.tick.emit"), "event", "events", &tick.emit);
            if let Some(p) = tick.p {
                findings.probability(format!("{place}.tick.p"), p);
            }
            if state.next.is_empty() {
                findings.error(
                    format!("{place}.tick"),
                    "a state without an end has no time for ticks",
                    "give it a `next`",
                );
            }
        }
        for (index, transition) in state.next.iter().enumerate() {
            let at = format!("{place}.next[{index}]");
            findings.probability(format!("{at}.p"), transition.p);
            if !names.contains(&transition.to.as_str()) {
                findings.error(
                    format!("{at}.to"),
                    format!("there is no state `{}`", transition.to),
                    &missing(&transition.to),
                );
            }
        }
        if !state.next.is_empty() {
            let sum = state.next.iter().map(|transition| transition.p);
            findings.sums_to_one(format!("{place}.next"), "the probabilities of the ways out", sum);
        }
    }
    let reached = reach(&lifecycle.initial, |name| {
        let state = lifecycle.states.get(name);
        state.map(|state| state.next.iter().map(|transition| transition.to.as_str()).collect()).unwrap_or_default()
    });
    for name in names.iter().filter(|name| !reached.contains(name)) {
        if lifecycle.states.contains_key(&lifecycle.initial) {
            findings.error(
                format!("{path}.states.{name}"),
                "no state leads here",
                "let a `next` go here, or remove it",
            );
        }
    }
    if !reached.iter().any(|name| lifecycle.states.get(*name).is_some_and(|state| state.next.is_empty())) {
        findings.error(format!("{path}.states"), "no life ever ends", "let a state be without `next`");
    }
}

/// All that can be reached from a start.
fn reach<'n>(start: &'n str, next: impl Fn(&str) -> Vec<&'n str>) -> Vec<&'n str> {
    let mut reached = vec![start];
    let mut at = 0;
    while let Some(name) = reached.get(at).copied() {
        for name in next(name) {
            if !reached.contains(&name) {
                reached.push(name);
            }
        }
        at += 1;
    }
    reached
}

fn check_replay(path: &str, replay: &Replay, findings: &mut Findings<'_>) {
    if replay.source.is_none() {
        findings.error(path, "what is replayed is not said", "write source: {jsonl: events.jsonl}");
    }
    if let Some(speed) = replay.speed {
        if !(speed > 0.0 && speed.is_finite()) {
            findings.error(format!("{path}.speed"), format!("a speed must be above zero, this is {speed}"), "");
        }
        if replay.order == ReplayOrder::File {
            findings.error(
                format!("{path}.speed"),
                "has no effect in the order of the file",
                "write order: event_time",
            );
        }
    }
    if replay.limit == Some(0) {
        findings.error(format!("{path}.limit"), "nothing would be replayed", "leave it out to replay all");
    }
}
