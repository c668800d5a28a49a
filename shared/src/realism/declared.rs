//! What a scenario declares about the fields of its events: read off the templates, one entry per field.

use indexmap::IndexMap;

use crate::scenario::model::behavior::Behavior;
use crate::scenario::model::event::Event;
use crate::scenario::model::{Scenario, Workload};
use crate::scenario::payload;
use crate::tree::{Entry, Node, Value};

use super::law::{Law, Parts};
use super::probe::EACH;
use super::shares::{ABSENT, Drawn, PRESENT, Scope, Shares, reference};

/// Bases are followed this far.
const MAX_BASES: usize = 16;
/// Fields that are watched at most.
const MAX_FIELDS: usize = 400;

/// A field of an event, as declared in one workload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// Index of the workload among those handed in.
    pub(crate) workload: usize,
    /// Key of the event in the scenario.
    pub(crate) event: String,
    /// Where it stands in the event's body.
    pub(crate) path: Vec<String>,
    /// What is declared about it.
    pub(crate) declared: Declared,
}

/// What is declared about a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Declared {
    /// Its values with their shares.
    Shares(Shares),
    /// Its law, cut into parts.
    Parts(Parts),
    /// It is computed: only figures of what was emitted can be told.
    Computed,
}

/// The fields of all events of a scenario's workloads.
pub(crate) fn fields(scenario: &Scenario, workloads: &[&Workload]) -> Vec<Field> {
    let mut fields = Vec::new();
    for (number, workload) in workloads.iter().enumerate() {
        let behavior = workload.behavior.as_ref().and_then(|name| scenario.behaviors.get(name));
        for (key, event) in &scenario.events {
            if key.starts_with('_') || !behavior.is_none_or(|behavior| may_emit(behavior, key)) {
                continue;
            }
            let (bind, body) = merged(scenario, event);
            let Some(body) = body else { continue };
            let session = match behavior {
                Some(Behavior::Session(session)) => Some(&session.bind),
                Some(Behavior::Lifecycle(lifecycle)) => Some(&lifecycle.bind),
                Some(Behavior::Mix(_) | Behavior::Emit(_) | Behavior::Replay(_)) | None => None,
            };
            let scope = Scope { scenario, event: &bind, session, user: Some(&workload.population.bind) };
            let mut walk = Walk { scope, found: Vec::new(), path: Vec::new() };
            walk.node(&body);
            fields.extend(walk.found.into_iter().map(|(path, declared)| Field {
                workload: number,
                event: key.clone(),
                path,
                declared,
            }));
        }
    }
    fields.truncate(MAX_FIELDS);
    fields
}

/// Whether a behavior names an event anywhere.
fn may_emit(behavior: &Behavior, event: &str) -> bool {
    let is = |name: &Option<String>| name.as_deref() == Some(event);
    match behavior {
        Behavior::Mix(mix) => mix.weights.contains_key(event),
        Behavior::Emit(emit) => emit.event == event,
        Behavior::Replay(_) => false,
        Behavior::Session(session) => {
            is(&session.first)
                || is(&session.last)
                || is(&session.step.enter)
                || is(&session.step.leave)
                || session.during.iter().any(|during| event_names(&during.event).iter().any(|name| name == event))
        }
        Behavior::Lifecycle(lifecycle) => lifecycle
            .states
            .values()
            .any(|state| is(&state.enter) || state.tick.as_ref().is_some_and(|tick| tick.emit == event)),
    }
}

/// The names of events that a draw may give: every text in it.
pub(super) fn event_names(node: &Node) -> Vec<String> {
    match &node.value {
        Value::String(text) => vec![text.clone()],
        Value::List(items) => items.iter().flat_map(event_names).collect(),
        Value::Map(entries) => entries
            .iter()
            .flat_map(|entry| {
                let own = (!entry.key.starts_with('$')).then(|| entry.key.clone());
                own.into_iter().chain(event_names(&entry.node))
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => Vec::new(),
    }
}

/// An event's draws and body with those of its bases.
pub(crate) fn merged(scenario: &Scenario, event: &Event) -> (IndexMap<String, Node>, Option<Node>) {
    let mut chain = vec![event];
    while let Some(base) = chain[chain.len() - 1].extends.as_ref().and_then(|name| scenario.events.get(name)) {
        if chain.len() >= MAX_BASES {
            break;
        }
        chain.push(base);
    }
    let mut bind = IndexMap::new();
    let mut body: Option<Node> = None;
    for event in chain.into_iter().rev() {
        bind.extend(event.bind.iter().map(|(name, node)| (name.clone(), node.clone())));
        body = match (body, &event.body) {
            (Some(base), Some(own)) => Some(merge(base, own)),
            (base, None) => base,
            (None, Some(own)) => Some(own.clone()),
        };
    }
    (bind, body)
}

fn merge(base: Node, own: &Node) -> Node {
    let is_call = |node: &Node| node.as_map().is_some_and(|map| map.iter().any(|entry| entry.key.starts_with('$')));
    if is_call(&base) || is_call(own) {
        return own.clone();
    }
    let (Value::Map(mut entries), Value::Map(own_entries)) = (base.value, &own.value) else { return own.clone() };
    for entry in own_entries {
        match entries.iter_mut().find(|there| there.key == entry.key) {
            Some(there) => there.node = merge(std::mem::take(&mut there.node), &entry.node),
            None => entries.push(entry.clone()),
        }
    }
    Node { value: Value::Map(entries), mark: own.mark }
}

/// Walks a body and notes what is declared about its fields.
struct Walk<'a> {
    scope: Scope<'a>,
    path: Vec<String>,
    found: Vec<(Vec<String>, Declared)>,
}

impl Walk<'_> {
    fn step(&mut self, step: &str, node: &Node) {
        self.path.push(step.to_owned());
        self.node(node);
        self.path.pop();
    }

    fn node(&mut self, node: &Node) {
        match &node.value {
            Value::Map(entries) => match entries.iter().find(|entry| entry.key.starts_with('$')) {
                Some(call) => self.call(node, call),
                None => entries.iter().for_each(|entry| self.step(&entry.key, &entry.node)),
            },
            Value::String(text) if text.contains("${") => self.expression(text, node),
            // What never varies needs no figure.
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::List(_) => {}
        }
    }

    fn call(&mut self, node: &Node, call: &Entry) {
        match call.key.as_str() {
            "$array" => {
                if let Some(item) = call.node.get("of") {
                    self.step(EACH, item);
                }
            }
            "$payload" => {
                if let Ok(template) = payload::template(&call.node) {
                    self.node(&template);
                }
            }
            "$triples" => {
                for part in call.node.as_list().into_iter().flatten() {
                    self.triples(part);
                }
            }
            _ => self.draw(node),
        }
    }

    /// One subject of a `$triples` call, or one for each item of a list.
    fn triples(&mut self, part: &Node) {
        let each = part.get("each").and_then(Node::as_str);
        let name = part.get("as").and_then(Node::as_str);
        let mut event = self.scope.event.clone();
        let item = each.and_then(|list| self.item_of(list, &mut event, 0));
        let Some(set) = part.get("set") else { return };
        match (name, item) {
            (Some(name), Some(item)) => {
                event.insert(name.to_owned(), item);
                let mut inner =
                    Walk { scope: Scope { event: &event, ..self.scope }, path: self.path.clone(), found: Vec::new() };
                inner.node(set);
                self.found.append(&mut inner.found);
            }
            _ if each.is_none() => self.node(set),
            _ => {}
        }
    }

    /// What the items of a list are made by, however it is drawn up; the names that this takes are bound on the way.
    fn item_of(&self, list: &str, names: &mut IndexMap<String, Node>, depth: u32) -> Option<Node> {
        let list = self.scope.event.get(list).or_else(|| self.scope.session?.get(list))?;
        if let Some(array) = list.get("$array") {
            return array.get("of").cloned();
        }
        let each = list.get("$each").filter(|_| depth < 8)?;
        let inner = self.item_of(each.get("in")?.as_str()?, names, depth + 1)?;
        names.insert(each.get("as").and_then(Node::as_str).unwrap_or("item").to_owned(), inner);
        each.get("make").cloned()
    }

    /// A call that draws.
    fn draw(&mut self, node: &Node) {
        if let Some(shares) = Shares::of(node, &self.scope) {
            if shares.values.len() > 1 {
                self.found.push((self.path.clone(), Declared::Shares(shares)));
            }
        } else if let Some(law) = Law::of(node) {
            let parts = bounds(node).and_then(|clamp| Parts::of(law, grid(node, law), clamp));
            let declared = parts.map_or(Declared::Computed, Declared::Parts);
            self.found.push((self.path.clone(), declared));
        } else if let Some(missing) = node.get("missing").and_then(Node::as_f64).filter(|p| *p > 0.0 && *p < 1.0) {
            // Whatever it is when it is there.
            let values = IndexMap::from([(PRESENT.to_owned(), 1.0 - missing), (ABSENT.to_owned(), missing)]);
            self.found.push((self.path.clone(), Declared::Shares(Shares { values, drawn: Drawn::Event })));
        } else if is_numeric(node) {
            self.found.push((self.path.clone(), Declared::Computed));
        }
    }

    /// A text with expressions in it.
    fn expression(&mut self, text: &str, node: &Node) {
        if let Some(path) = reference(text) {
            if let [name] = path.as_slice()
                && let Some(bound) = self.scope.event.get(*name)
            {
                // Drawn beforehand, named here: the same draw. Text behind a name is followed by the shares.
                if bound.as_map().is_some() {
                    return self.draw(&bound.clone());
                }
                if let Some(text) = bound.as_str()
                    && reference(text).is_none()
                {
                    return self.computed(text);
                }
            }
            if let Some(shares) = Shares::of(node, &self.scope)
                && shares.values.len() > 1
            {
                self.found.push((self.path.clone(), Declared::Shares(shares)));
            }
            return;
        }
        self.computed(text);
    }

    /// One expression that calculates: its figures are worth showing.
    fn computed(&mut self, text: &str) {
        let one = text.starts_with("${") && text.ends_with('}') && text.matches("${").count() == 1;
        if one && text.contains(['*', '/']) {
            self.found.push((self.path.clone(), Declared::Computed));
        }
    }
}

/// The bounds of a call's `clamp`, if it has one; none where they are not plain numbers.
fn bounds(node: &Node) -> Option<Option<(f64, f64)>> {
    let Some(clamp) = node.get("clamp") else { return Some(None) };
    let [low, high] = clamp.as_list()? else { return None };
    Some(Some((low.as_f64()?, high.as_f64()?)))
}

/// The grid that a call rounds to; 0 for none.
fn grid(node: &Node, law: Law) -> f64 {
    if matches!(law, Law::Int(..)) {
        return 0.0;
    }
    match node.get("round").and_then(Node::as_f64) {
        Some(digits) => libm::pow(10.0, -digits),
        None => 0.0,
    }
}

/// Whether a call draws numbers, even if their law is not plain.
fn is_numeric(node: &Node) -> bool {
    let calls = ["$int", "$uniform", "$normal", "$lognormal", "$exp", "$weibull", "$pareto", "$gamma", "$poisson"];
    node.as_map().is_some_and(|map| map.iter().any(|entry| calls.contains(&entry.key.as_str())))
}

impl Field {
    /// How often its value is drawn anew.
    pub(crate) fn drawn(&self) -> Drawn {
        match &self.declared {
            Declared::Shares(shares) => shares.drawn,
            Declared::Parts(_) | Declared::Computed => Drawn::Event,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::read::read;

    fn declared(scenario: &str) -> Vec<String> {
        let scenario: Scenario = read(&serde_json::from_str(scenario).unwrap()).value.unwrap();
        let workloads: Vec<&Workload> = scenario.workloads.values().collect();
        let word = |declared: &Declared| match declared {
            Declared::Shares(shares) => format!("{} values, {:?}", shares.values.len(), shares.drawn),
            Declared::Parts(parts) => format!("{} parts", parts.shares.len()),
            Declared::Computed => "computed".to_owned(),
        };
        fields(&scenario, &workloads)
            .iter()
            .map(|field| format!("{} {}: {}", field.event, field.path.join("."), word(&field.declared)))
            .collect()
    }

    #[test]
    fn fields_are_found_through_bases_names_lists_and_triples() {
        let scenario = r#"{
            "events": {
                "_base": {"body": {"device": "${user.device}", "at": {"$now": "rfc3339"}}},
                "buy": {"extends": "_base",
                        "let": {"q": {"$int": [1, 3]}, "mean": {"$uniform": [1, 500]}},
                        "body": {"quantity": "${q}", "total": "${round(q * mean, 2)}", "note": "fixed",
                                 "lines": {"$array": {"len": 3, "of": {"way": {"$pick": ["a", "b"]}}}}}},
                "order": {"let": {"lines": {"$array": {"len": 2, "of": {"qty": {"$weighted": {"1": 50, "2": 50}}}}}},
                          "body": {"$triples": [{"subject": "o", "set": {"status": {"$pick": ["x", "y"]}}},
                                                {"each": "lines", "as": "l", "subject": "s", "set": {"quantity": "${l.qty}"}}]}},
                "never": {"body": {"q": {"$int": [1, 3]}}}
            },
            "behaviors": {"b": {"mix": {"weights": {"buy": 1, "order": 1}}}},
            "workloads": {"w": {"behavior": "b", "population": {"let": {"device": {"$pick": ["mobile", "desktop"]}}}}}
        }"#;
        assert_eq!(
            declared(scenario),
            [
                "buy device: 2 values, User",
                "buy quantity: 3 parts",
                "buy total: computed",
                "buy lines.*.way: 2 values, Event",
                "order status: 2 values, Event",
                "order quantity: 2 values, Event",
            ]
        );
    }
}
