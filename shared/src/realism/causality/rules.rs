//! Which rules hold for a scenario's events: from its behaviors, and from what the names of events say.

use crate::plan::Plan;
use crate::realism::census::body_path;
use crate::realism::declared::{event_names, merged};
use crate::realism::probe::Probe;
use crate::scenario::model::behavior::{Behavior, Lifecycle, Session};
use crate::scenario::model::{Scenario, Workload};
use crate::tree::{Node, Value};

/// Endings of names that begin a story, and those that go on with it.
const BEGINNINGS: [&str; 7] = ["created", "create", "placed", "opened", "started", "registered", "begun"];
const CONTINUATIONS: [&str; 16] = [
    "updated",
    "update",
    "modified",
    "modify",
    "fulfilled",
    "cancelled",
    "canceled",
    "cancel",
    "shipped",
    "delivered",
    "paid",
    "completed",
    "closed",
    "deleted",
    "returned",
    "refunded",
];
/// Endings of names for lists that belong to a user.
const ADDITIONS: [&str; 2] = ["add", "added"];
const REMOVALS: [&str; 4] = ["remove", "removed", "update", "updated"];
/// What a page is called in templates.
const PAGES: [&str; 6] = ["${page}", "${page.path}", "${page.name}", "${step.page}", "${step.path}", "${step.name}"];
/// Among triples: the subject that a predicate is said of.
const SUBJECT: &str = "subject_id";

/// The rules for a plan's events.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub(super) stories: Vec<Story>,
    pub(super) event_types: usize,
}

/// One kind of story: whose events belong together, and what each of them does.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) noun: String,
    pub(super) workload: usize,
    /// How many fields make the key; further fields are the page.
    pub(super) keys: usize,
    /// By event type.
    pub(super) roles: Vec<Option<Role>>,
    pub(super) probes: Vec<Probe>,
    /// Whether an event ends it.
    pub(super) ends: bool,
}

/// What an event does in its story.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    First,
    Member,
    Enter,
    Leave,
    During,
    Last,
}

impl Rules {
    /// The rules of a scenario as it was planned.
    pub fn of(scenario: &Scenario, plan: &Plan) -> Self {
        let names: Vec<&str> = plan.event_types().iter().map(|info| info.name.as_str()).collect();
        let mut rules = Self { stories: Vec::new(), event_types: names.len() };
        for (index, planned) in plan.workloads().iter().enumerate() {
            let Some(workload) = scenario.workloads.get(&planned.name) else { continue };
            let Some(prefix) = body_path(workload) else { continue };
            rules.add(&Builder { scenario, names: &names, workload: index, prefix }, workload);
        }
        rules
    }

    /// The rules of some workloads alone.
    pub(in crate::realism) fn only(mut self, keep: impl Fn(usize) -> bool) -> Self {
        self.stories.retain(|story| keep(story.workload));
        self
    }

    /// Whether events of a type go on with something that another event began.
    pub(super) fn continues(&self, event_type: usize) -> bool {
        let role = |story: &Story| story.roles.get(event_type).copied().flatten();
        self.stories.iter().filter_map(role).any(|role| role != Role::First)
    }

    fn add(&mut self, builder: &Builder<'_>, workload: &Workload) {
        let behavior = workload.behavior.as_ref().and_then(|name| builder.scenario.behaviors.get(name));
        match behavior {
            Some(Behavior::Session(session)) => self.stories.extend(builder.visit(session)),
            Some(Behavior::Lifecycle(life)) => self.stories.extend(builder.life(life)),
            Some(Behavior::Mix(mix)) => {
                let events: Vec<&str> = mix.weights.keys().map(String::as_str).collect();
                self.stories.extend(builder.by_name(&events));
            }
            Some(Behavior::Emit(_) | Behavior::Replay(_)) | None => {}
        }
    }
}

struct Builder<'a> {
    scenario: &'a Scenario,
    names: &'a [&'a str],
    workload: usize,
    prefix: Vec<String>,
}

impl Builder<'_> {
    fn story(&self, noun: &str, keys: usize) -> Story {
        Story {
            noun: noun.to_owned(),
            workload: self.workload,
            keys,
            roles: vec![None; self.names.len()],
            probes: vec![Probe::default(); self.names.len()],
            ends: false,
        }
    }

    /// Gives an event a role, if it has the fields that a key is made of.
    fn cast(&self, story: &mut Story, event: &str, role: Role, keys: &[Vec<String>], page: Option<Vec<String>>) {
        let name = self.scenario.events.get(event).and_then(|event| event.name.as_deref()).unwrap_or(event);
        let Some(event_type) = self.names.iter().position(|known| *known == name) else { return };
        story.roles[event_type] = Some(role);
        story.ends |= role == Role::Last;
        story.probes[event_type] = Probe::default();
        for (number, path) in keys.iter().cloned().chain(page).enumerate() {
            let whole: Vec<String> = self.prefix.iter().cloned().chain(path).collect();
            story.probes[event_type].want(&whole, number);
        }
    }

    /// The place in an event's body of a text that is one of these references.
    fn place(&self, event: &str, references: &[&str]) -> Option<Vec<String>> {
        let (_, body) = merged(self.scenario, self.scenario.events.get(event)?);
        let mut path = Vec::new();
        find(&body?, references, &mut path).then_some(path)
    }

    /// The place of a field by its name, anywhere at the top of an event's body.
    fn field(&self, event: &str, name: &str) -> Option<Vec<String>> {
        let (_, body) = merged(self.scenario, self.scenario.events.get(event)?);
        body?.get(name).map(|_| vec![name.to_owned()])
    }

    fn visit(&self, session: &Session) -> Option<Story> {
        let mut story = self.story("session", 1);
        let step = &session.step;
        let during: Vec<String> = session.during.iter().flat_map(|during| event_names(&during.event)).collect();
        let single = [(&session.first, Role::First), (&session.last, Role::Last)];
        let pages = [(&step.enter, Role::Enter), (&step.leave, Role::Leave)];
        let named = single.into_iter().chain(pages).filter_map(|(name, role)| Some((name.as_deref()?, role)));
        for (event, role) in named.chain(during.iter().map(|name| (name.as_str(), Role::During))) {
            let key = self.place(event, &["${session.id}"])?;
            self.cast(&mut story, event, role, &[key], self.place(event, &PAGES));
        }
        // Without a first event there is nothing that could be missing.
        session.first.is_some().then_some(story)
    }

    fn life(&self, life: &Lifecycle) -> Option<Story> {
        let noun = life.noun.as_deref().unwrap_or("entity");
        let own = format!("${{{noun}.id}}");
        let references = [own.as_str(), "${entity.id}"];
        let first = life.states.get(&life.initial)?.enter.clone()?;
        let mut story = self.story(noun, 1);
        for state in life.states.values() {
            let tick = state.tick.as_ref().map(|tick| &tick.emit);
            for event in state.enter.iter().chain(tick) {
                let key = self.place(event, &references)?;
                let role = if *event == first { Role::First } else { Role::Member };
                self.cast(&mut story, event, role, &[key], None);
            }
        }
        Some(story)
    }

    /// Stories that names tell: `order.created` before `order.updated`, `cart.add` before `cart.remove`.
    fn by_name(&self, events: &[&str]) -> Vec<Story> {
        let mut stories = Vec::new();
        for event in events {
            let Some((noun, ending)) = event.rsplit_once(['.', '_']) else { continue };
            let (keys, others) = if BEGINNINGS.contains(&ending) {
                (vec![format!("{noun}_id")], CONTINUATIONS.as_slice())
            } else if ADDITIONS.contains(&ending) {
                (vec!["user_id".to_owned(), "product_id".to_owned()], REMOVALS.as_slice())
            } else {
                continue;
            };
            let places = |event: &str| keys.iter().map(|key| self.field(event, key)).collect::<Option<Vec<_>>>();
            let Some(first) = places(event) else { continue };
            let mut story = self.story(noun, keys.len());
            self.cast(&mut story, event, Role::First, &first, None);
            for other in events {
                let Some((same, ending)) = other.rsplit_once(['.', '_']) else { continue };
                if same == noun
                    && others.contains(&ending)
                    && let Some(places) = places(other)
                {
                    self.cast(&mut story, other, Role::Member, &places, None);
                }
            }
            if story.roles.iter().flatten().any(|role| *role == Role::Member) {
                stories.push(story);
            }
        }
        stories
    }
}

fn find(node: &Node, references: &[&str], path: &mut Vec<String>) -> bool {
    match &node.value {
        Value::String(text) => references.contains(&text.as_str()),
        Value::Map(entries) => entries.iter().any(|entry| {
            if entry.key == "$triples" {
                let predicate = telling(entry.node.as_list().unwrap_or_default(), references);
                path.extend(predicate.iter().flat_map(|predicate| [SUBJECT.to_owned(), (*predicate).to_owned()]));
                return predicate.is_some();
            }
            path.push(entry.key.clone());
            let found = find(&entry.node, references, path);
            if !found {
                path.pop();
            }
            found
        }),
        Value::List(_) | Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
    }
}

/// The predicate by which the triples about a subject that is one of these references can be told from the others: one
/// that nothing else in the event has.
fn telling<'a>(parts: &'a [Node], references: &[&str]) -> Option<&'a str> {
    let keys = |part: &'a Node| {
        let set = part.get("set").and_then(Node::as_map).unwrap_or_default();
        set.iter().map(|entry| entry.key.as_str())
    };
    let about = |part: &Node| {
        part.get("each").is_none()
            && part.get("subject").and_then(Node::as_str).is_some_and(|text| references.contains(&text))
    };
    let own = parts.iter().position(about)?;
    let others = |key: &str| {
        parts.iter().enumerate().any(|(number, part)| number != own && keys(part).any(|other| other == key))
    };
    keys(parts.get(own)?).find(|key| !others(key))
}
