//! Event templates, compiled for one workload: what is written, what must hold, what changes.

use indexmap::IndexMap;

use crate::plan::EventTypeId;
use crate::problem::Problem;
use crate::scenario::model::Population;
use crate::scenario::model::event::{Event, EventSend};
use crate::template::compile::{Compiler, Names, Purpose, Site, Typed};
use crate::template::context::Context;
use crate::template::program::{Expr, ExprId, Fact, Scope, Slot};
use crate::template::state::{Kept, State, StateShape, Variable};
use crate::template::value::{Symbol, Type, Value};
use crate::tree::nearest;
use crate::tree::{Mark, Node, Value as Written};

/// Deepest chain of events that extend each other.
const MAX_BASES: usize = 16;

/// An event's template, compiled for one workload.
#[derive(Clone, Debug)]
pub(crate) struct EventTemplate {
    /// Its kind.
    pub(crate) event_type: EventTypeId,
    /// What is written, envelope included.
    pub(crate) write: ExprId,
    /// The topic that it is published to, where its target has topics.
    pub(crate) topic: Option<ExprId>,
    /// What must hold for its user.
    pub(crate) require: Option<ExprId>,
    /// Variables of the state that `require` looks at, as bits.
    pub(crate) requires: u64,
    /// What it changes in its user's state.
    pub(crate) effects: Vec<Effect>,
    /// Variables of the state that it changes, as bits.
    pub(crate) changes: u64,
}

/// A change of a user's state.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Sets a field of an item that a name stands for.
    SetField(ExprId, Symbol, ExprId),
    /// Removes an item.
    Remove(u16, ExprId),
    /// Appends an item, given field by field.
    Push(u16, Vec<ExprId>),
    /// Appends an item of these fields, unless there is nothing to append.
    PushWhole(u16, Vec<Symbol>, ExprId),
    /// Sets a value.
    Set(u16, ExprId),
    /// Empties a list or a value.
    Clear(u16),
}

impl Effect {
    /// The expressions that it evaluates.
    fn values(&self) -> Vec<ExprId> {
        match self {
            Self::SetField(of, _, value) => vec![*of, *value],
            Self::Remove(_, value) | Self::PushWhole(_, _, value) | Self::Set(_, value) => vec![*value],
            Self::Push(_, values) => values.clone(),
            Self::Clear(_) => Vec::new(),
        }
    }

    /// The variables that it changes, as bits.
    fn changes(&self) -> u64 {
        match self {
            // Which list the item stands in is known only when it happens.
            Self::SetField(..) => u64::MAX,
            Self::Remove(variable, _)
            | Self::Push(variable, _)
            | Self::PushWhole(variable, ..)
            | Self::Set(variable, _)
            | Self::Clear(variable) => 1 << variable.min(&63),
        }
    }
}

/// What a workload's templates can see besides their own names.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings<'a> {
    /// Template around each event.
    pub(crate) envelope: Option<&'a Node>,
    /// Path of the workload in the document.
    pub(crate) workload: String,
    /// Where events are published, if they are.
    pub(crate) published: Option<Published>,
    /// Names that the population, the state and the behavior give.
    pub(crate) names: Names,
    /// What users remember.
    pub(crate) state: StateShape,
    /// Types of the state's variables.
    pub(crate) state_types: Vec<Type>,
    /// Whether each arrival is one event.
    pub(crate) single: bool,
}

/// A target that has topics.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    /// Its path in the document.
    pub(crate) target: String,
    /// The topic of events that have none of their own.
    pub(crate) topic: Option<String>,
}

/// An event with everything that it extends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whole {
    pub(crate) topic: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) id: Option<(Node, String)>,
    /// Named draws and where each is written.
    bind: IndexMap<String, (Node, String)>,
    /// Bodies from the base on, and where each is written.
    bodies: Vec<(Node, String)>,
    pub(crate) require: Option<(Node, String)>,
    pub(crate) prerequisite: Option<String>,
    pub(crate) effect: crate::scenario::model::event::Effect,
    pub(crate) send: Option<EventSend>,
}

/// Puts an event together with what it extends.
///
/// # Errors
///
/// Says which name is unknown, or that the chain goes in a circle.
pub(crate) fn whole(events: &IndexMap<String, Event>, name: &str) -> Result<Whole, Problem> {
    let mut chain: Vec<&str> = Vec::new();
    let mut next = Some(name);
    while let Some(current) = next {
        let path = chain.last().map_or_else(|| format!("events.{name}"), |last| format!("events.{last}.extends"));
        if chain.contains(&current) || chain.len() > MAX_BASES {
            return Err(
                Problem::error(path, format!("event `{current}` extends itself")).with_hint("take the circle apart")
            );
        }
        let Some(event) = events.get(current) else {
            let mut problem = Problem::error(path, format!("there is no event `{current}`"));
            problem.hint = nearest::hint(current, events.keys().map(String::as_str));
            return Err(problem);
        };
        chain.push(current);
        next = event.extends.as_deref();
    }
    let mut whole = Whole::default();
    for name in chain.iter().rev() {
        let Some(event) = events.get(*name) else { continue };
        let path = format!("events.{name}");
        whole.topic = event.topic.clone().or(whole.topic);
        whole.name = event.name.clone();
        whole.id = event.id.clone().map(|id| (id, format!("{path}.id"))).or(whole.id);
        for (key, node) in &event.bind {
            whole.bind.insert(key.clone(), (node.clone(), format!("{path}.let.{key}")));
        }
        if let Some(body) = &event.body {
            whole.bodies.push((body.clone(), format!("{path}.body")));
        }
        whole.require = event.require.clone().map(|node| (node, format!("{path}.require"))).or(whole.require);
        whole.prerequisite = event.prerequisite.clone().or(whole.prerequisite);
        whole.send = event.send.clone().or(whole.send);
        whole.effect.add(&event.effect);
    }
    Ok(whole)
}

/// The names that a population gives to templates: `user.id`, `user.index` and its own draws.
pub(crate) fn user_names(compiler: &mut Compiler<'_>, population: &Population, workload: &str) -> Names {
    let mut names = Names::default();
    let index = compiler.typed(Expr::Fact(Fact::Index), Type::Int);
    let mut inside = Names::default();
    inside.bind("index", index.clone());
    let id = match &population.id {
        Some(node) => {
            let site = Site::new(format!("{workload}.population.id"), "user.id", node.mark);
            compiler.node(node, &site, &inside, Purpose::Value)
        }
        None => compiler.text("user_${index}", &Site::new(workload, "user.id", Mark::default()), &inside),
    };
    names.bind("index", slot(compiler, index, Scope::User));
    let id = slot(compiler, id, Scope::User);
    names.bind("id", id.clone());
    inside.bind("id", id);
    for (name, node) in &population.bind {
        let site = Site::new(format!("{workload}.population.let.{name}"), format!("user.{name}"), node.mark);
        let typed = compiler.node(node, &site, &inside, Purpose::Value);
        let typed = slot(compiler, typed, Scope::User);
        inside.bind(name, typed.clone());
        names.bind(name, typed);
    }
    names
}

/// A name for an expression, computed at most once per event in a scope.
pub(crate) fn slot(compiler: &mut Compiler<'_>, typed: Typed, scope: Scope) -> Typed {
    if compiler.known(&typed).is_some() {
        return typed;
    }
    let slot = compiler.program.add_slot(Slot::Computed(typed.id, scope));
    Typed { id: compiler.program.add(Expr::Slot(slot)), ..typed }
}

/// The shape and the types of a mix's state. Items of lists get their fields from what events push.
pub(crate) fn state_shape(
    compiler: &mut Compiler<'_>,
    state: &IndexMap<String, Node>,
    wholes: &[&Whole],
    path: &str,
) -> (StateShape, Vec<Type>) {
    let mut shape = StateShape::default();
    let mut types = Vec::new();
    for (name, initial) in state {
        let site = Site::new(format!("{path}.state.{name}"), format!("state.{name}"), initial.mark);
        let variable = match &initial.value {
            Written::List(items) => {
                if !items.is_empty() {
                    compiler.wrong(&site, "a list in the state begins empty", "write []");
                }
                let pushed = wholes.iter().filter_map(|whole| whole.effect.push.get(name));
                let mut fields: Vec<&str> = Vec::new();
                for node in pushed {
                    collect_fields(node, &mut fields, 0);
                }
                let item = if fields.is_empty() {
                    Type::Any
                } else {
                    Type::Record(fields.iter().map(|field| ((*field).to_owned(), Type::Any)).collect())
                };
                types.push(Type::List(Box::new(item)));
                let fields = fields.iter().map(|field| compiler.program.symbol(field)).collect();
                Variable { name: name.clone(), list: Some(fields), initial: Kept::Null }
            }
            Written::Map(_) => {
                compiler.wrong(&site, "the state holds lists and plain values", "write [], 0, true or a text");
                continue;
            }
            _ => {
                let value = compiler.literal(initial);
                let kind = compiler.type_of(value);
                types.push(if kind == Type::Null { Type::Any } else { kind });
                let initial = if value == Value::Null { Kept::Null } else { Kept::Plain(value) };
                Variable { name: name.clone(), list: None, initial }
            }
        };
        shape.variables.push(variable);
    }
    (shape, types)
}

/// The fields of the maps that a template may come to: its own, or those of its branches.
fn collect_fields<'n>(node: &'n Node, fields: &mut Vec<&'n str>, depth: u32) {
    let entries = node.as_map().unwrap_or_default();
    let calls = entries.iter().any(|entry| entry.key.starts_with('$'));
    for entry in entries {
        if !calls && !fields.contains(&entry.key.as_str()) {
            fields.push(&entry.key);
        }
        if entry.key == "$if" && depth < 8 {
            for branch in ["then", "else"].iter().filter_map(|name| entry.node.get(name)) {
                collect_fields(branch, fields, depth + 1);
            }
        }
    }
}

/// Binds the variables of a state.
pub(crate) fn bind_state(compiler: &mut Compiler<'_>, names: &mut Names, shape: &StateShape, types: &[Type]) {
    for (index, (variable, kind)) in shape.variables.iter().zip(types).enumerate() {
        let expression = match variable.list {
            Some(_) => Expr::Constant(Value::StateList(index as u16)),
            None => Expr::StateValue(index as u16),
        };
        let typed = compiler.typed(expression, kind.clone());
        names.bind(&variable.name, typed);
    }
}

/// Compiles an event for a workload.
pub(crate) fn compile(
    compiler: &mut Compiler<'_>,
    key: &str,
    whole: &Whole,
    event_type: EventTypeId,
    around: &Surroundings<'_>,
) -> EventTemplate {
    let mut names = around.names.clone();
    let mut event = Names::default();
    let wire_name = whole.name.as_deref().unwrap_or(key);
    let span = compiler.program.add_text(wire_name.as_bytes());
    let wire_name = compiler.constant(Value::Text(span));
    event.bind("name", wire_name);
    let number = compiler.typed(Expr::Fact(Fact::Sequence), Type::Int);
    names.bind("seq", number);
    let time = compiler.typed(Expr::Fact(Fact::Time), Type::Moment);
    names.bind("time", time.clone());
    event.bind("time", time);
    // Events of one session or life share its number, so that they would share their mark.
    if around.single {
        let mark = compiler.typed(Expr::Fact(Fact::Mark), Type::Text);
        event.bind("mark", mark);
        names.group("event", event.clone());
    }
    let id = match &whole.id {
        Some((node, path)) => {
            let site = Site::new(path.clone(), "id", node.mark);
            let typed = compiler.node(node, &site, &names, Purpose::Value);
            slot(compiler, typed, Scope::Event)
        }
        None => compiler.typed(Expr::Fact(Fact::EventId), Type::Text),
    };
    event.bind("id", id);
    let topic = match &whole.topic {
        Some(topic) => {
            let site = Site::new(format!("events.{key}.topic"), "topic", Mark::default());
            names.group("event", event.clone());
            let typed = compiler.text(topic, &site, &names);
            slot(compiler, typed, Scope::Event)
        }
        None => compiler.constant(Value::Null),
    };
    event.bind("topic", topic.clone());
    names.group("event", event.clone());

    for (name, (node, path)) in &whole.bind {
        let site = Site::new(path.clone(), format!("let.{name}"), node.mark);
        let typed = compiler.node(node, &site, &names, Purpose::Value);
        let typed = slot(compiler, typed, Scope::Event);
        names.bind(name, typed);
    }

    let require = whole.require.as_ref().map(|(node, path)| {
        // What must hold is asked before anything is drawn: it sees the user and the state only.
        let site = Site::new(path.clone(), "require", node.mark);
        compiler.condition(node, &site, &around.names).id
    });

    let body = body(compiler, whole, &names);
    event.bind("body", body.clone());
    let write = match around.envelope {
        Some(envelope) => {
            let mut names = names.clone();
            names.group("event", event);
            let site = Site::new(format!("{}.envelope", around.workload), "envelope", envelope.mark);
            entire(compiler, envelope, &site, &names)
        }
        None => body,
    };
    let topic = around.published.as_ref().map(|to| publish(compiler, key, whole, to, topic, &names));
    let effects = effects(compiler, key, whole, &names, around);
    let timed = require.iter().copied().chain(effects.iter().flat_map(Effect::values));
    let timed: Vec<ExprId> = timed.filter(|id| compiler.program.is_timed(*id)).collect();
    if !timed.is_empty() {
        // A worker carries out the changes of events that others render, and does not know when those happen.
        let site = Site::new(format!("events.{key}.effect"), "effect", Mark::default());
        compiler.wrong(
            &site,
            "what users remember cannot depend on the time",
            "keep a number, such as a count of events",
        );
    }
    let requires = require.map_or(0, |require| compiler.program.variables_of(require));
    let changes = effects.iter().fold(0, |sum, effect| sum | effect.changes());
    EventTemplate { event_type, write: write.id, topic, require, requires, effects, changes }
}

/// The topic that an event is published to: that of its request, that of its target, its own.
fn publish(compiler: &mut Compiler<'_>, key: &str, whole: &Whole, to: &Published, own: Typed, names: &Names) -> ExprId {
    let asked = whole.send.as_ref().and_then(|send| send.topic.as_ref());
    let (text, path) = match (asked, &to.topic) {
        (Some(topic), _) => (topic, format!("events.{key}.send.topic")),
        (None, Some(topic)) => (topic, format!("{}.mqtt.topic", to.target)),
        (None, None) if whole.topic.is_some() => return own.id,
        (None, None) => {
            let site = Site::new(format!("events.{key}"), "topic", Mark::default());
            let message = "to which topic it is published is not said";
            return compiler.wrong(&site, message, "give it a topic, or its target: mqtt: {topic: events}").id;
        }
    };
    compiler.text(text, &Site::new(path, "publish", Mark::default()), names).id
}

/// What is written as a whole, so that there must be something.
pub(crate) fn entire(compiler: &mut Compiler<'_>, node: &Node, site: &Site, names: &Names) -> Typed {
    let typed = compiler.node(node, site, names, Purpose::Json);
    if typed.omits {
        return compiler.wrong(
            site,
            "an event cannot be left out as a whole",
            "write null, or leave single fields out",
        );
    }
    typed
}

/// The body: the bases' fields first, the event's own after them or in their place.
fn body(compiler: &mut Compiler<'_>, whole: &Whole, names: &Names) -> Typed {
    let plain_maps = whole
        .bodies
        .iter()
        .all(|(node, _)| node.as_map().is_some_and(|entries| !entries.iter().any(|entry| entry.key.starts_with('$'))));
    if !plain_maps || whole.bodies.is_empty() {
        // A body that is no plain map cannot be merged: the last one stands alone.
        return match whole.bodies.last() {
            Some((node, path)) => entire(compiler, node, &Site::new(path.clone(), "body", node.mark), names),
            None => compiler.object(&[]),
        };
    }
    let mut merged: IndexMap<String, (Node, String)> = IndexMap::new();
    for (node, path) in &whole.bodies {
        for entry in node.as_map().unwrap_or_default() {
            merged.insert(entry.key.clone(), (entry.node.clone(), format!("{path}.{}", entry.key)));
        }
    }
    let mut fields = Vec::with_capacity(merged.len());
    for (name, (node, path)) in merged {
        let site = Site::new(path, format!("body.{name}"), node.mark);
        let typed = compiler.node(&node, &site, names, Purpose::Json);
        fields.push((name, typed));
    }
    compiler.object(&fields)
}

fn effects(
    compiler: &mut Compiler<'_>,
    key: &str,
    whole: &Whole,
    names: &Names,
    around: &Surroundings<'_>,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    let path = format!("events.{key}.effect");
    let find = |compiler: &mut Compiler<'_>, name: &str, kind: &str, mark: Mark| -> Option<u16> {
        let found = around.state.variables.iter().position(|variable| variable.name == name);
        if found.is_none() {
            let site = Site::new(format!("{path}.{kind}.{name}"), "effect", mark);
            let hint = nearest::hint(name, around.state.variables.iter().map(|variable| variable.name.as_str()));
            let hint = hint.unwrap_or_else(|| "declare it under the mix's `state`".to_owned());
            compiler.wrong(&site, format!("the state has no `{name}`"), hint);
        }
        found.map(|index| index as u16)
    };
    for (name, node) in &whole.effect.set {
        let site = Site::new(format!("{path}.set.{name}"), format!("effect.set.{name}"), node.mark);
        match name.split_once('.') {
            Some((item, field)) => {
                let of = compiler.expression(item, &site, names, &mut 0);
                let typed = compiler.node(node, &site, names, Purpose::Value);
                let symbol = compiler.program.symbol(field);
                compiler.fields(of.clone(), &[field], &site);
                effects.push(Effect::SetField(of.id, symbol, typed.id));
            }
            None => {
                if let Some(variable) = find(compiler, name, "set", node.mark) {
                    let typed = compiler.node(node, &site, names, Purpose::Value);
                    effects.push(Effect::Set(variable, typed.id));
                }
            }
        }
    }
    for (name, node) in &whole.effect.remove {
        if let Some(variable) = find(compiler, name, "remove", node.mark) {
            let site = Site::new(format!("{path}.remove.{name}"), format!("effect.remove.{name}"), node.mark);
            let typed = compiler.node(node, &site, names, Purpose::Value);
            effects.push(Effect::Remove(variable, typed.id));
        }
    }
    for (name, node) in &whole.effect.push {
        if let Some(variable) = find(compiler, name, "push", node.mark)
            && around.state.variables[usize::from(variable)].list.is_some()
        {
            let site = Site::new(format!("{path}.push.{name}"), format!("effect.push.{name}"), node.mark);
            let fields = around.state.variables[usize::from(variable)].list.clone().unwrap_or_default();
            let mut ids = Vec::new();
            let call = node.as_map().is_none_or(|entries| entries.iter().any(|entry| entry.key.starts_with('$')));
            if call && !fields.is_empty() {
                let typed = compiler.node(node, &site, names, Purpose::Value);
                effects.push(Effect::PushWhole(variable, fields, typed.id));
                continue;
            }
            if fields.is_empty() {
                ids.push(compiler.node(node, &site, names, Purpose::Value).id);
            } else {
                for field in fields {
                    let name = compiler.program.symbols[field.0 as usize].clone();
                    let typed = match node.get(&name) {
                        Some(value) => compiler.node(value, &site.child(&name, value.mark), names, Purpose::Value),
                        None => compiler.constant(Value::Null),
                    };
                    ids.push(typed.id);
                }
            }
            effects.push(Effect::Push(variable, ids));
        }
    }
    for name in &whole.effect.clear {
        if let Some(variable) = find(compiler, name, "clear", Mark::default()) {
            effects.push(Effect::Clear(variable));
        }
    }
    effects
}

/// A change with its values computed: what is left is to apply it.
#[derive(Clone, Debug)]
enum Computed {
    SetField(u16, u32, u16, Kept),
    Remove(u16, Option<u32>),
    Push(u16, Vec<Kept>),
    Set(u16, Kept),
    Clear(u16),
}

/// Computes an event's changes before any of them is applied, then applies them.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    computed: Vec<Computed>,
}

impl Changes {
    /// Computes the changes of an event.
    pub(crate) fn compute(&mut self, effects: &[Effect], context: &mut Context<'_>) {
        self.computed.clear();
        for effect in effects {
            let computed = match effect {
                Effect::SetField(of, field, value) => {
                    let value = context.evaluate(*value);
                    let kept = context.keep(value);
                    match context.evaluate(*of) {
                        Value::StateItem(variable, item) => match context.state_field(variable, *field) {
                            Some(field) => Computed::SetField(variable, item, field, kept),
                            None => continue,
                        },
                        _ => continue,
                    }
                }
                Effect::Remove(variable, item) => {
                    let item = context.evaluate(*item);
                    Computed::Remove(*variable, context.find_item(*variable, item))
                }
                Effect::Push(variable, fields) => {
                    let values = fields
                        .iter()
                        .map(|field| {
                            let value = context.evaluate(*field);
                            context.keep(value)
                        })
                        .collect();
                    Computed::Push(*variable, values)
                }
                Effect::PushWhole(variable, fields, item) => {
                    let item = context.evaluate(*item);
                    if item.is_nothing() {
                        continue;
                    }
                    let values = fields
                        .iter()
                        .map(|field| {
                            let value = context.field(item, *field);
                            context.keep(value)
                        })
                        .collect();
                    Computed::Push(*variable, values)
                }
                Effect::Set(variable, value) => {
                    let value = context.evaluate(*value);
                    Computed::Set(*variable, context.keep(value))
                }
                Effect::Clear(variable) => Computed::Clear(*variable),
            };
            self.computed.push(computed);
        }
    }

    /// Applies what was computed.
    pub(crate) fn apply(&mut self, shape: &StateShape, state: &mut State) {
        for change in self.computed.drain(..) {
            match change {
                Computed::SetField(variable, item, field, value) => state.set(shape, variable, item, field, value),
                Computed::Remove(variable, Some(item)) => state.remove(shape, variable, item),
                Computed::Remove(_, None) => {}
                Computed::Push(variable, values) => state.push(shape, variable, values),
                Computed::Set(variable, value) => state.set(shape, variable, 0, 0, value),
                Computed::Clear(variable) => state.clear(shape, variable),
            }
        }
    }
}
