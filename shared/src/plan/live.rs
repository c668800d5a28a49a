//! Compiling sessions and lifecycles.

use indexmap::IndexMap;

use crate::plan::event::{self, EventTemplate, Surroundings};
use crate::plan::lifecycle::{LifecyclePlan, StatePlan};
use crate::plan::session::{Choice, DuringPlan, Route, SessionPlan, Slots};
use crate::plan::workbench::Workbench;
use crate::problem::Problem;
use crate::random::choice::Alias;
use crate::scenario::model::behavior::{Lifecycle, Session};
use crate::template::compile::{Compiler, Names, Purpose, Site, Typed};
use crate::template::program::{Expr, ExprId, Fact, Scope, Slot, SlotId};
use crate::template::value::{Type, Value};
use crate::tree::nearest;
use crate::tree::{Mark, Node, Value as Written};

/// How far probabilities may be from a sum of 1.
const TOLERANCE: f64 = 1e-6;

/// Compiles a session behavior.
pub(crate) fn session(
    bench: &mut Workbench<'_>,
    model: &Session,
    path: &str,
    mut around: Surroundings<'_>,
) -> Option<SessionPlan> {
    let route = route(bench, model, path)?;
    around.single = false;
    let compiler = &mut bench.compiler;
    // What a session is, for good.
    let mut session = own_names(compiler, model.id.as_ref(), &model.bind, "session", path, &around.names);
    let number = compiler.typed(Expr::Fact(Fact::Step), Type::Int);
    session.bind("event", number);
    around.names.group("session", session);
    // Where it is at the moment.
    let drawn = model.after_path.as_ref().map(|node| {
        let site = Site::new(format!("{path}.after_path"), "page", node.mark);
        compiler.node(node, &site, &around.names, Purpose::Value)
    });
    let kind = match (&drawn, &route) {
        (Some(drawn), Route::Journeys { .. }) => Type::Text.join(drawn.kind.clone()),
        _ => Type::Text,
    };
    let mut page_slot = |scope: Scope| {
        let slot = match &drawn {
            Some(drawn) => Slot::Computed(drawn.id, scope),
            None => Slot::Given,
        };
        compiler.program.add_slot(slot)
    };
    let (page, before) = (page_slot(Scope::Place), page_slot(Scope::Before));
    let (journey, number) = (compiler.program.add_slot(Slot::Given), compiler.program.add_slot(Slot::Given));
    let slots = Slots { page, before, journey, number };
    let bound = |compiler: &mut Compiler<'_>, slot: SlotId, kind: Type| compiler.typed(Expr::Slot(slot), kind);
    let typed = bound(compiler, page, kind.clone());
    around.names.bind("page", typed.clone());
    let mut previous = Names::default();
    let typed_before = bound(compiler, before, kind);
    previous.bind("page", typed_before);
    around.names.group("prev", previous);
    let mut step = Names::default();
    step.bind("page", typed);
    let typed = bound(compiler, number, Type::Int);
    step.bind("number", typed);
    around.names.group("step", step);
    let texts = || Type::List(Box::new(Type::Text));
    let record = Type::Record(vec![
        ("name".to_owned(), Type::Text),
        ("path".to_owned(), texts()),
        ("clicks".to_owned(), texts()),
    ]);
    let typed = bound(compiler, journey, record);
    around.names.bind("journey", typed);

    let names = around.names.clone();
    let number_at = |bench: &mut Workbench<'_>, node: &Option<Node>, name: &str, as_span: bool| -> Option<ExprId> {
        let node = node.as_ref()?;
        let site = Site::new(format!("{path}.{name}"), name, node.mark);
        let typed = if as_span {
            bench.compiler.span(node, &site, &names)
        } else {
            quantity(&mut bench.compiler, node, &site, &names)
        };
        Some(typed.id)
    };
    let pages = number_at(bench, &model.limits.steps, "limits.steps", false);
    let duration = number_at(bench, &model.limits.duration, "limits.duration", true);
    let at_least = number_at(bench, &model.limits.at_least, "limits.at_least", true);
    let between = number_at(bench, &model.between, "between", true);
    let dwell = number_at(bench, &model.step.dwell, "step.dwell", true);
    if !(0.0..=1.0).contains(&model.step.leave_p) {
        bench.problems.push(Problem::error(format!("{path}.step.leave_p"), "a probability lies between 0 and 1"));
    }

    let mut templates = Templates { list: Vec::new(), around: &around };
    let first = templates.named(bench, model.first.as_deref(), &format!("{path}.first"));
    let last = templates.named(bench, model.last.as_deref(), &format!("{path}.last"));
    let enter = templates.named(bench, model.step.enter.as_deref(), &format!("{path}.step.enter"));
    let leave = templates.named(bench, model.step.leave.as_deref(), &format!("{path}.step.leave"));
    let mut during = Vec::new();
    for (index, written) in model.during.iter().enumerate() {
        let path = format!("{path}.during[{index}]");
        let mut names = around.names.clone();
        for (name, node) in &written.bind {
            let site = Site::new(format!("{path}.let.{name}"), format!("during.let.{name}"), node.mark);
            let typed = bench.compiler.node(node, &site, &names, Purpose::Value);
            let typed = event::slot(&mut bench.compiler, typed, Scope::Event);
            names.bind(name, typed);
        }
        let count = written.count.as_ref().map(|node| {
            let site = Site::new(format!("{path}.count"), "during.count", node.mark);
            quantity(&mut bench.compiler, node, &site, &around.names).id
        });
        let around = Surroundings { names, ..around.clone() };
        let mut own = Templates { list: std::mem::take(&mut templates.list), around: &around };
        let event = own.choice(bench, &written.event, &format!("{path}.event"));
        templates.list = own.list;
        let Some(event) = event else { continue };
        let spread = written.spread;
        during.push(DuringPlan { event, count, even: spread.even, jitter: spread.jitter.clamp(0.0, 1.0) });
    }
    let leave_p = model.step.leave_p;
    let templates = templates.list;
    Some(SessionPlan {
        templates,
        first,
        last,
        enter,
        leave,
        leave_p,
        dwell,
        pages,
        duration,
        at_least,
        between,
        during,
        route,
        slots,
    })
}

/// Compiles a lifecycle behavior.
pub(crate) fn lifecycle(
    bench: &mut Workbench<'_>,
    model: &Lifecycle,
    path: &str,
    mut around: Surroundings<'_>,
) -> Option<LifecyclePlan> {
    around.single = false;
    let compiler = &mut bench.compiler;
    let entity = bound_names(compiler, model, path, &mut around.names);
    let noun = model.noun.as_deref().unwrap_or("entity");
    around.names.group(noun, entity);
    let (state, before) = (compiler.program.add_slot(Slot::Given), compiler.program.add_slot(Slot::Given));
    for (group, field, slot) in [("state", "name", state), ("prev", "state", before)] {
        let typed = compiler.typed(Expr::Slot(slot), Type::Text);
        let mut names = Names::default();
        names.bind(field, typed);
        around.names.group(group, names);
    }
    let known: Vec<&str> = model.states.keys().map(String::as_str).collect();
    let find = |problems: &mut Vec<Problem>, name: &str, path: String| -> u32 {
        known.iter().position(|known| *known == name).map_or_else(
            || {
                let mut problem = Problem::error(path, format!("there is no state `{name}`"));
                problem.hint = nearest::hint(name, known.iter().copied());
                problems.push(problem);
                0
            },
            |index| index as u32,
        )
    };
    let initial = find(&mut bench.problems, &model.initial, format!("{path}.initial"));
    let mut templates = Templates { list: Vec::new(), around: &around };
    let mut states = Vec::new();
    for (name, written) in &model.states {
        let path = format!("{path}.states.{name}");
        let enter = templates.named(bench, written.enter.as_deref(), &format!("{path}.enter"));
        let tick = match &written.tick {
            Some(tick) => {
                let template = templates.named(bench, Some(&tick.emit), &format!("{path}.tick.emit"));
                let count = tick.count.as_ref().map(|node| {
                    let site = Site::new(format!("{path}.tick.count"), format!("{name}.tick.count"), node.mark);
                    quantity(&mut bench.compiler, node, &site, &around.names).id
                });
                template.map(|template| (template, tick.p.unwrap_or(1.0), count))
            }
            None => None,
        };
        let mut next = Vec::new();
        let mut weights = Vec::new();
        for (index, way) in written.next.iter().enumerate() {
            let path = format!("{path}.next[{index}]");
            let to = find(&mut bench.problems, &way.to, format!("{path}.to"));
            let after = way.after.as_ref().map(|node| {
                let site = Site::new(format!("{path}.after"), format!("{name}.{}.after", way.to), node.mark);
                bench.compiler.span(node, &site, &around.names).id
            });
            next.push((to, after));
            weights.push(way.p);
        }
        let sum: f64 = weights.iter().sum();
        if !weights.is_empty() && (sum - 1.0).abs() > TOLERANCE {
            bench.problems.push(
                Problem::error(format!("{path}.next"), format!("the probabilities of `{name}` sum to {sum}, not to 1"))
                    .with_hint("make them sum to 1"),
            );
        }
        let ways = if weights.is_empty() { None } else { Alias::new(&weights) };
        let span = bench.compiler.program.add_text(name.as_bytes());
        states.push(StatePlan { name: Value::Text(span), enter, tick, ways, next });
    }
    Some(LifecyclePlan { templates: templates.list, states, initial, state, before })
}

/// Templates of a behavior's events, each compiled once.
struct Templates<'a> {
    list: Vec<EventTemplate>,
    around: &'a Surroundings<'a>,
}

impl Templates<'_> {
    /// The template of a named event.
    fn named(&mut self, bench: &mut Workbench<'_>, name: Option<&str>, path: &str) -> Option<u16> {
        let name = name?;
        let whole = bench.whole(name, path)?;
        let kind = bench.event_type(name, &whole);
        self.list.push(event::compile(&mut bench.compiler, name, &whole, kind, self.around));
        Some(self.list.len() as u16 - 1)
    }

    /// A name, or a draw of names.
    fn choice(&mut self, bench: &mut Workbench<'_>, node: &Node, path: &str) -> Option<Choice> {
        if let Some(name) = node.as_str().filter(|text| !text.contains("${")) {
            return self.named(bench, Some(name), path).map(Choice::Always);
        }
        let mut names = Vec::new();
        collect_names(node, &mut names, 0);
        let mut templates = Vec::new();
        for name in names {
            let template = self.named(bench, Some(&name), path)?;
            templates.push((name, template));
        }
        let site = Site::new(path, "during.event", node.mark);
        if templates.is_empty() {
            let hint = "write a name, or {$weighted: {clicked: 8, scrolled: 1}}";
            bench.compiler.wrong(&site, "no event is named here", hint);
            return None;
        }
        let typed = bench.compiler.node(node, &site, &self.around.names, Purpose::Value);
        Some(Choice::Drawn(typed.id, templates))
    }
}

/// The texts that a draw of names may come to.
fn collect_names(node: &Node, names: &mut Vec<String>, depth: u32) {
    if depth > 16 {
        return;
    }
    match &node.value {
        Written::String(text) if !text.contains("${") => add(text, names),
        Written::List(items) => items.iter().for_each(|item| collect_names(item, names, depth + 1)),
        Written::Map(entries) => {
            for entry in entries {
                match (entry.key.as_str(), &entry.node.value) {
                    ("$weighted", Written::Map(options)) => options.iter().for_each(|option| add(&option.key, names)),
                    // The other halves of these pairs are weights and conditions.
                    ("$weighted" | "$case", Written::List(pairs)) => {
                        for value in pairs.iter().filter_map(|pair| pair.as_list()?.get(1)) {
                            collect_names(value, names, depth + 1);
                        }
                    }
                    ("p" | "when" | "on", _) => {}
                    _ => collect_names(&entry.node, names, depth + 1),
                }
            }
        }
        Written::Null | Written::Bool(_) | Written::Int(_) | Written::Float(_) | Written::String(_) => {}
    }
}

fn add(name: &str, names: &mut Vec<String>) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

/// A number that is drawn.
fn quantity(compiler: &mut Compiler<'_>, node: &Node, site: &Site, names: &Names) -> Typed {
    let typed = compiler.node(node, site, names, Purpose::Value);
    if !typed.kind.may_be_number() {
        let message = format!("a number should stand here, not {}", typed.kind.name());
        return compiler.wrong(site, message, "write a number, or a draw such as {$int: [3, 15]}");
    }
    typed
}

/// The names of a session: its id and its own draws.
fn own_names(
    compiler: &mut Compiler<'_>,
    id: Option<&Node>,
    bind: &IndexMap<String, Node>,
    noun: &str,
    path: &str,
    outer: &Names,
) -> Names {
    let mut inside = outer.clone();
    let mut names = Names::default();
    let index = compiler.typed(Expr::Fact(Fact::Index), Type::Int);
    inside.bind("index", index);
    for (name, node) in bind {
        let site = Site::new(format!("{path}.let.{name}"), format!("{noun}.{name}"), node.mark);
        let typed = compiler.node(node, &site, &inside, Purpose::Value);
        let typed = event::slot(compiler, typed, Scope::Life);
        inside.bind(name, typed.clone());
        names.bind(name, typed);
    }
    let id = life_id(compiler, id, noun, path, &inside);
    names.bind("id", id);
    names
}

/// The names of a life: visible by themselves and under its noun.
fn bound_names(compiler: &mut Compiler<'_>, model: &Lifecycle, path: &str, outer: &mut Names) -> Names {
    let mut names = Names::default();
    let index = compiler.typed(Expr::Fact(Fact::Index), Type::Int);
    let mut inside = outer.clone();
    inside.bind("index", index);
    for (name, node) in &model.bind {
        let site = Site::new(format!("{path}.bind.{name}"), format!("bind.{name}"), node.mark);
        let typed = compiler.node(node, &site, &inside, Purpose::Value);
        let typed = event::slot(compiler, typed, Scope::Life);
        inside.bind(name, typed.clone());
        outer.bind(name, typed.clone());
        names.bind(name, typed);
    }
    let id = life_id(compiler, model.id.as_ref(), "entity", path, &inside);
    names.bind("id", id);
    names
}

fn life_id(compiler: &mut Compiler<'_>, id: Option<&Node>, noun: &str, path: &str, names: &Names) -> Typed {
    let field = format!("{noun}.id");
    let typed = match id {
        Some(node) => {
            let site = Site::new(format!("{path}.id"), field, node.mark);
            compiler.node(node, &site, names, Purpose::Value)
        }
        None => compiler.hex(16, &Site::new(path, field, Mark::default()), &mut 0),
    };
    event::slot(compiler, typed, Scope::Life)
}

fn route(bench: &mut Workbench<'_>, model: &Session, path: &str) -> Option<Route> {
    match (model.journeys.is_empty(), model.graph.is_empty()) {
        (false, true) => journeys(bench, model, path),
        (true, false) => graph(bench, model, path),
        (true, true) if model.after_path.is_some() => {
            let nowhere = bench.compiler.constant(Value::Null);
            let record = bench.compiler.known(&nowhere)?;
            Some(Route::Journeys { table: Alias::new(&[1.0])?, journeys: vec![(Vec::new(), record)], wanders: true })
        }
        _ => {
            bench.problems.push(
                Problem::error(path, "a session needs exactly one of `journeys` and `graph`, or `after_path` alone")
                    .with_hint("say which pages its users go to"),
            );
            None
        }
    }
}

fn journeys(bench: &mut Workbench<'_>, model: &Session, path: &str) -> Option<Route> {
    let weights: Vec<f64> = model.journeys.iter().map(|journey| journey.weight).collect();
    let Some(table) = Alias::new(&weights) else {
        bench.problems.push(
            Problem::error(format!("{path}.journeys"), "no journey has a weight above zero")
                .with_hint("give at least one journey a weight above zero"),
        );
        return None;
    };
    let program = &mut bench.compiler.program;
    let fields = ["name", "path", "clicks"].map(|name| program.symbol(name)).to_vec();
    let shape = program.shape(fields);
    let mut journeys = Vec::new();
    for (index, journey) in model.journeys.iter().enumerate() {
        if journey.path.is_empty() && model.after_path.is_none() {
            bench.problems.push(
                Problem::error(format!("{path}.journeys[{index}].path"), "the journey goes nowhere")
                    .with_hint("give it a path, or the session an `after_path`"),
            );
        }
        let mut texts = |list: &[String]| -> Vec<Value> {
            list.iter().map(|text| Value::Text(program.add_text(text.as_bytes()))).collect()
        };
        let (name, pages, clicks) =
            (texts(std::slice::from_ref(&journey.name)), texts(&journey.path), texts(&journey.clicks));
        let list = Value::List(program.add_values(&pages));
        let clicks = Value::List(program.add_values(&clicks));
        let values = program.add_values(&[name[0], list, clicks]);
        journeys.push((pages, Value::Record { shape, values }));
    }
    Some(Route::Journeys { table, journeys, wanders: model.after_path.is_some() })
}

/// `$start` is where sessions begin (the first page when left out), `$end` leaves.
fn graph(bench: &mut Workbench<'_>, model: &Session, path: &str) -> Option<Route> {
    let names: Vec<&str> = model.graph.keys().map(String::as_str).filter(|name| *name != "$start").collect();
    let table = |problems: &mut Vec<Problem>, page: &str, ways: &IndexMap<String, f64>| -> Option<Alias> {
        let mut weights = vec![0.0; names.len() + 1];
        for (to, p) in ways {
            let index = if to == "$end" { Some(names.len()) } else { names.iter().position(|name| name == to) };
            match index {
                Some(index) => weights[index] += p,
                None => {
                    let mut problem =
                        Problem::error(format!("{path}.graph.{page}.{to}"), format!("there is no page `{to}`"));
                    problem.hint = nearest::hint(to, names.iter().copied().chain(["$end"]));
                    problems.push(problem);
                }
            }
        }
        let sum: f64 = ways.values().sum();
        if (sum - 1.0).abs() > TOLERANCE {
            problems.push(
                Problem::error(
                    format!("{path}.graph.{page}"),
                    format!("the probabilities of `{page}` sum to {sum}, not to 1"),
                )
                .with_hint("make them sum to 1"),
            );
        }
        Alias::new(&weights)
    };
    let problems = &mut bench.problems;
    let start = match model.graph.get("$start") {
        Some(ways) => table(problems, "$start", ways),
        None => {
            let mut first = vec![0.0; names.len() + 1];
            first[0] = 1.0;
            Alias::new(&first)
        }
    };
    let next: Vec<Option<Alias>> =
        names.iter().map(|name| model.graph.get(*name).and_then(|ways| table(problems, name, ways))).collect();
    let pages = names.iter().map(|name| Value::Text(bench.compiler.program.add_text(name.as_bytes()))).collect();
    Some(Route::Graph { pages, start: start?, next: next.into_iter().collect::<Option<Vec<Alias>>>()? })
}
