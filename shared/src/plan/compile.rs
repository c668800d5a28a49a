//! From a scenario to its plan: every workload with its behavior, every template compiled once per workload.

use indexmap::IndexMap;

use crate::encode::RequestTemplate;
use crate::fault::FaultPlan;
use crate::plan::arrivals::Spacing;
use crate::plan::client::ClientPlan;
use crate::plan::clock::ClockPlan;
use crate::plan::event::{self, Published, Surroundings, Whole};
use crate::plan::life::Loop;
use crate::plan::live;
use crate::plan::lives::LivePlan;
use crate::plan::load::LoadPlan;
use crate::plan::mix::{MixEvent, MixPlan, Streams};
use crate::plan::supply::Supplies;
use crate::plan::workbench::Workbench;
use crate::plan::workload::{BehaviorPlan, ReplayPlan, Workload};
use crate::plan::{EventTypeId, EventTypeInfo, Pacing, Plan, TargetId, TargetPlan, WorkloadPlan};
use crate::problem::Problem;
use crate::random::choice::Alias;
use crate::random::{Domain, Stream, hash_bytes, mix};
use crate::scenario::model::behavior::{Behavior, Mix, ReplayOrder};
use crate::scenario::model::load::{Arrival, Load};
use crate::scenario::model::target::Protocol;
use crate::scenario::model::{ClockMode, Scenario, Workload as Model};
use crate::template::compile::{Compiler, Names, Site};
use crate::template::program::{Expr, ExprId, Fact};
use crate::template::value::{Type, Value};
use crate::tree::Mark;
use crate::tree::nearest;
use crate::units::{EpochMicros, Length, Nanos};

/// Requests at once of a backfill where the scenario says nothing.
const BACKFILL_REQUESTS: u32 = 64;
impl Plan {
    /// Plans a scenario under a seed. `sources` are the names of the texts that marks refer to.
    pub(super) fn build(
        scenario: &Scenario,
        seed: u64,
        supplies: &Supplies,
        sources: &[String],
    ) -> Result<Self, Vec<Problem>> {
        let root = Stream::root(seed);
        let mut problems = Vec::new();
        let clock = ClockPlan::new(&scenario.clock, &mut problems);
        let compiler = Compiler::new(root, &scenario.pools, &supplies.pools, sources);
        let bench = Workbench { scenario, compiler, event_types: IndexMap::new(), problems };
        let mut builder = Builder { bench, root, clock: clock.clone(), supplies };
        let targets = builder.targets();
        builder.bench.compiler.all_pools();
        let mut workloads = Vec::new();
        let mut inner = Vec::new();
        for (name, model) in scenario.workloads.iter().filter(|(_, model)| model.enabled) {
            if let Some((plan, workload)) = builder.workload(name, model) {
                workloads.push(plan);
                inner.push(workload);
            }
        }
        let Workbench { compiler, mut event_types, mut problems, .. } = builder.bench;
        let (program, found) = compiler.finish();
        problems.extend(found);
        if problems.iter().any(Problem::is_error) {
            return Err(problems);
        }
        declare_shares(&mut event_types, &workloads, &inner);
        let targets = with_overrides(targets, scenario, &event_types, &mut problems);
        Ok(Self {
            event_types: event_types.into_values().collect(),
            workloads,
            inner,
            targets,
            program,
            clock,
            seed,
            missing: supplies.missing_of(scenario),
        })
    }
}

/// A plan under construction.
struct Builder<'a> {
    bench: Workbench<'a>,
    root: Stream,
    clock: ClockPlan,
    supplies: &'a Supplies,
}

impl Builder<'_> {
    fn targets(&mut self) -> Vec<TargetPlan> {
        let Workbench { scenario, compiler, problems, .. } = &mut self.bench;
        let compiled = scenario.targets.iter().map(|(name, target)| TargetPlan {
            name: name.clone(),
            request: RequestTemplate::compile(target, &format!("targets.{name}"), problems),
            overrides: Vec::new(),
            clients: (target.protocol == Protocol::Mqtt).then(|| {
                let mqtt = target.mqtt.clone().unwrap_or_default();
                ClientPlan::compile(compiler, &mqtt, name, self.root)
            }),
        });
        compiled.collect()
    }

    fn workload(&mut self, name: &str, model: &Model) -> Option<(WorkloadPlan, Workload)> {
        let path = format!("workloads.{name}");
        let target = self.named(&path, "target", model.target.as_deref(), self.bench.scenario.targets.keys())?;
        let behavior =
            self.named(&path, "behavior", model.behavior.as_deref(), self.bench.scenario.behaviors.keys())?;
        let (behavior_name, behavior) = self.bench.scenario.behaviors.get_index(behavior)?;
        let load = self.load(name, model)?;
        let streams = Streams {
            assignment: self.root.domain(Domain::Assignment).named(name),
            behavior: self.root.domain(Domain::Behavior).named(name),
            events: self.root.domain(Domain::Event).named(name),
            users: self.root.domain(Domain::Pool).named("users").named(name),
        };
        let repeat = load.joining.map(|joining| Loop { joining, breathless: !model.human_delays });
        let users = load.joining.map_or(model.population.count.max(1), |joining| joining.users);
        let user = event::user_names(&mut self.bench.compiler, &model.population, &path);
        let mut names = Names::default();
        names.group("user", user);
        let named = self.bench.scenario.targets.get_index(target);
        let published = named.filter(|(_, target)| target.protocol == Protocol::Mqtt).map(|(name, target)| Published {
            target: format!("targets.{name}"),
            topic: target.mqtt.as_ref().and_then(|mqtt| mqtt.topic.clone()),
        });
        let around = Surroundings {
            envelope: model.envelope.as_ref(),
            workload: path.clone(),
            published,
            names,
            state: Default::default(),
            state_types: Vec::new(),
            single: true,
        };
        let behavior_path = format!("behaviors.{behavior_name}");
        let (behavior, declared) = match behavior {
            Behavior::Mix(mix) => self.mix(mix, &behavior_path, (users, load.joining.is_some()), around)?,
            Behavior::Emit(model) => {
                let whole = self.bench.whole(&model.event, &format!("{behavior_path}.emit.event"))?;
                let kind = self.bench.event_type(&model.event, &whole);
                let template = event::compile(&mut self.bench.compiler, &model.event, &whole, kind, &around);
                (BehaviorPlan::Emit(template), vec![(kind, 1.0)])
            }
            Behavior::Session(session) => {
                let plan = live::session(&mut self.bench, session, &format!("{behavior_path}.session"), around)?;
                (BehaviorPlan::Live(LivePlan::Session(Box::new(plan)), repeat), Vec::new())
            }
            Behavior::Lifecycle(lifecycle) => {
                let plan = live::lifecycle(&mut self.bench, lifecycle, &format!("{behavior_path}.lifecycle"), around)?;
                (BehaviorPlan::Live(LivePlan::Lifecycle(Box::new(plan)), repeat), Vec::new())
            }
            Behavior::Replay(replay) => {
                let kind = self.replayed_type(behavior_name);
                let records = self.supplies.records.get(behavior_name).cloned();
                let write = replayed(&mut self.bench.compiler, behavior_name, &around);
                let topic = republished(&mut self.bench.compiler, &behavior_path, &around);
                let speed = match replay.order {
                    ReplayOrder::File => None,
                    ReplayOrder::EventTime => Some(replay.speed.unwrap_or(1.0)),
                };
                let plan = ReplayPlan { event_type: kind, write, topic, records, limit: replay.limit, speed };
                (BehaviorPlan::Replay(plan), vec![(kind, 1.0)])
            }
        };
        let mut load = load;
        if let (BehaviorPlan::Live(_, Some(repeat)), Pacing::Users { timed, .. }) = (&behavior, &mut load.pacing) {
            *timed = !repeat.breathless;
        }
        if let BehaviorPlan::Replay(replay) = &behavior {
            follow(replay, &mut load, model.load.duration);
        }
        // Events of the past are sent as fast as the target takes them; their moments stay those of the schedule.
        let pacing = match (self.clock.mode, load.pacing) {
            (ClockMode::Backfill, Pacing::Scheduled | Pacing::Users { timed: true, .. }) => {
                let connections =
                    self.bench.scenario.targets.get_index(target).and_then(|(_, target)| target.connections);
                let requests = model.load.max_in_flight.or(connections).unwrap_or(BACKFILL_REQUESTS);
                Pacing::Concurrent { requests, delay: Nanos::ZERO }
            }
            (ClockMode::Live | ClockMode::Backfill | ClockMode::Simulate, pacing) => pacing,
        };
        let plan = WorkloadPlan {
            name: name.to_owned(),
            target: TargetId(target as u16),
            pacing,
            length: load.length,
            users,
            declared,
            behavior: behavior_name.clone(),
            weights: match self.bench.scenario.behaviors.get(behavior_name) {
                Some(Behavior::Mix(mix)) => mix.weights.iter().map(|(name, weight)| (name.clone(), *weight)).collect(),
                _ => Vec::new(),
            },
            load: load.clone(),
        };
        let arrivals = self.root.domain(Domain::Arrivals).named(name);
        let tag = load_tag(self.bench.scenario, model);
        let faults = model.faults.as_deref().and_then(|name| Some((name, self.bench.scenario.faults.get(name)?)));
        let faults = faults.map(|(name, faults)| {
            let stream = self.root.named(&plan.name);
            FaultPlan::compile(&mut self.bench.compiler, name, faults, stream)
        });
        Some((plan, Workload { joining: load.joining, load, behavior, users, streams, arrivals, faults, tag }))
    }

    /// A workload's load: its own, or another's times a ratio.
    fn load(&mut self, name: &str, model: &Model) -> Option<LoadPlan> {
        let path = format!("workloads.{name}.load");
        let Some(other) = &model.load.ratio_of else { return self.own_load(name, model, &path) };
        let Some(base) = self.bench.scenario.workloads.get(other) else {
            let mut problem = Problem::error(format!("{path}.ratio_of"), format!("there is no workload `{other}`"));
            problem.hint = nearest::hint(other, self.bench.scenario.workloads.keys().map(String::as_str));
            self.bench.problems.push(problem);
            return None;
        };
        let has_rate = base.load.rate.is_some() || base.load.per_connection.is_some() || base.load.count.is_some();
        if base.load.ratio_of.is_some() || !has_rate {
            self.bench.problems.push(
                Problem::error(format!("{path}.ratio_of"), format!("workload `{other}` has no rate of its own"))
                    .with_hint("tie it to a workload with `rate`, `per_connection` or `count`"),
            );
            return None;
        }
        let ratio = model.load.ratio.unwrap_or(1.0);
        let base = self.own_load(other, base, &format!("workloads.{other}.load"))?;
        let spacing = match (base.spacing, model.load.arrival) {
            (Spacing::Exact(count), _) => Spacing::Exact(libm::round(count as f64 * ratio) as u64),
            (_, Some(Arrival::Uniform)) => Spacing::Uniform,
            (_, Some(Arrival::Poisson) | None) => Spacing::Poisson,
        };
        Some(base.tied(ratio, spacing))
    }

    fn own_load(&mut self, name: &str, model: &Model, path: &str) -> Option<LoadPlan> {
        let target = model.target.as_deref().map(|target| self.bench.scenario.targets.get(target));
        let target = target.unwrap_or_else(|| self.bench.scenario.targets.values().next());
        let connections = target.and_then(|target| target.connections).unwrap_or(1);
        let stream = self.root.domain(Domain::Wobble).named(name);
        let (window, zone) = (self.clock.window(), self.clock.zone_offset);
        match LoadPlan::new(&model.load, connections, window, zone, stream, &self.supplies.curves) {
            Ok(load) => Some(load),
            Err(message) => {
                self.bench.problems.push(Problem::error(path, message));
                None
            }
        }
    }

    /// The index of what a workload names, or of the only one there is.
    fn named<'n>(
        &mut self,
        path: &str,
        field: &str,
        name: Option<&str>,
        known: impl ExactSizeIterator<Item = &'n String> + Clone,
    ) -> Option<usize> {
        let found = match name {
            Some(name) => known.clone().position(|known| known == name),
            None => (known.len() == 1).then_some(0),
        };
        if found.is_none() {
            let mut problem = match name {
                Some(name) => Problem::error(format!("{path}.{field}"), format!("there is no {field} `{name}`")),
                None => Problem::error(path, format!("the workload names no {field}")),
            };
            problem.hint = nearest::hint(name.unwrap_or_default(), known.map(String::as_str));
            self.bench.problems.push(problem);
        }
        found
    }

    /// The kind of a replay's events: all of one, named after the behavior.
    fn replayed_type(&mut self, name: &str) -> EventTypeId {
        let entry = self.bench.event_types.entry(name.to_owned());
        let index = entry.index();
        entry.or_insert_with(|| EventTypeInfo { name: name.to_owned(), topic: None, declared_share: None });
        EventTypeId(index as u16)
    }

    fn mix(
        &mut self,
        model: &Mix,
        path: &str,
        (users, alone): (u64, bool),
        mut around: Surroundings<'_>,
    ) -> Option<(BehaviorPlan, Vec<(EventTypeId, f64)>)> {
        let path = format!("{path}.mix");
        let mut wholes: Vec<(&str, Whole, f64)> = Vec::new();
        for (name, weight) in &model.weights {
            if let Some(whole) = self.bench.whole(name, &format!("{path}.weights.{name}")) {
                wholes.push((name, whole, *weight));
            }
        }
        let weights: Vec<f64> = wholes.iter().map(|(.., weight)| *weight).collect();
        let Some(table) = Alias::new(&weights) else {
            self.bench.problems.push(
                Problem::error(format!("{path}.weights"), "no event has a weight above zero")
                    .with_hint("give at least one event a weight above zero"),
            );
            return None;
        };
        let only: Vec<&Whole> = wholes.iter().map(|(_, whole, _)| whole).collect();
        let (state, types) = event::state_shape(&mut self.bench.compiler, &model.state, &only, &path);
        event::bind_state(&mut self.bench.compiler, &mut around.names, &state, &types);
        (around.state, around.state_types) = (state.clone(), types);
        let mut events = Vec::new();
        for (name, whole, _) in &wholes {
            let kind = self.bench.event_type(name, whole);
            let template = event::compile(&mut self.bench.compiler, name, whole, kind, &around);
            let provider = whole.prerequisite.as_deref().and_then(|wanted| {
                let found = wholes.iter().position(|(other, ..)| *other == wanted);
                if found.is_none() {
                    let mut problem = Problem::error(
                        format!("events.{name}.prerequisite"),
                        format!("event `{wanted}` is not part of the mix"),
                    );
                    problem.hint = nearest::hint(wanted, wholes.iter().map(|(name, ..)| *name));
                    self.bench.problems.push(problem);
                }
                found
            });
            events.push(MixEvent { template, provider });
        }
        if events.iter().all(|event| event.template.require.is_some()) {
            self.bench.problems.push(
                Problem::error(format!("{path}.weights"), "every event of the mix requires something first")
                    .with_hint("add an event without `require`, so that users have something to begin with"),
            );
        }
        let total: f64 = weights.iter().sum();
        let declared =
            events.iter().zip(&weights).map(|(event, weight)| (event.template.event_type, weight / total)).collect();
        Some((BehaviorPlan::Mix(MixPlan { events, table, state, unmet: model.unmet, users, alone }), declared))
    }
}

/// Lets a load go on as long as there are events: by their own time, or until the last of them.
fn follow(replay: &ReplayPlan, load: &mut LoadPlan, duration: Option<Length>) {
    if let Some(span) = replay.span() {
        load.pacing = Pacing::Scheduled;
        load.spacing = Spacing::Exact(replay.count());
        // The last event is due at the span's end, and the end itself is no part of a schedule.
        load.length = duration.unwrap_or(Length::For(span.saturating_add(Nanos::from_millis(1))));
    } else if replay.speed.is_none() {
        load.length = duration.unwrap_or(Length::Forever);
    }
}

/// What is written for a recorded event: it as it is, or the envelope around it.
fn replayed(compiler: &mut Compiler<'_>, name: &str, around: &Surroundings<'_>) -> ExprId {
    let body = compiler.typed(Expr::Recorded, Type::Any);
    let Some(envelope) = around.envelope else { return body.id };
    let mut names = around.names.clone();
    let mut event = Names::default();
    event.bind("body", body);
    let span = compiler.program.add_text(name.as_bytes());
    let name = compiler.constant(Value::Text(span));
    event.bind("name", name);
    let topic = compiler.constant(Value::Null);
    event.bind("topic", topic);
    let id = compiler.typed(Expr::Fact(Fact::EventId), Type::Text);
    event.bind("id", id);
    let mark = compiler.typed(Expr::Fact(Fact::Mark), Type::Text);
    event.bind("mark", mark);
    names.group("event", event);
    let site = Site::new(format!("{}.envelope", around.workload), "envelope", envelope.mark);
    event::entire(compiler, envelope, &site, &names).id
}

/// The topic that recorded events are published to, where their target has topics.
fn republished(compiler: &mut Compiler<'_>, behavior: &str, around: &Surroundings<'_>) -> Option<ExprId> {
    let to = around.published.as_ref()?;
    let Some(topic) = &to.topic else {
        let site = Site::new(behavior, "topic", Mark::default());
        let message = "to which topic recorded events are published is not said";
        return Some(compiler.wrong(&site, message, "give their target one: mqtt: {topic: events}").id);
    };
    let site = Site::new(format!("{}.mqtt.topic", to.target), "publish", Mark::default());
    Some(compiler.text(topic, &site, &around.names).id)
}

/// Fills in each event type's share of all planned events, where every workload declares its own.
fn declare_shares(types: &mut IndexMap<String, EventTypeInfo>, workloads: &[WorkloadPlan], inner: &[Workload]) {
    if workloads.iter().any(|workload| workload.declared.is_empty()) {
        return;
    }
    let only = workloads.len() == 1;
    if !only && workloads.iter().any(|workload| workload.pacing != Pacing::Scheduled) {
        // How much a closed load sends is up to its target.
        return;
    }
    let expected: Vec<f64> = inner
        .iter()
        .map(|workload| {
            if only {
                return 1.0;
            }
            let curve = workload.load.curve(EpochMicros(0));
            curve.total().unwrap_or_else(|| curve.integral(86_400.0))
        })
        .collect();
    let total: f64 = expected.iter().sum();
    if total <= 0.0 {
        return;
    }
    for (workload, expected) in workloads.iter().zip(&expected) {
        for (kind, share) in &workload.declared {
            if let Some((_, info)) = types.get_index_mut(usize::from(kind.0)) {
                *info.declared_share.get_or_insert(0.0) += share * expected / total;
            }
        }
    }
}

/// Gives each target the request templates of events that ask for their own.
fn with_overrides(
    mut targets: Vec<TargetPlan>,
    scenario: &Scenario,
    types: &IndexMap<String, EventTypeInfo>,
    problems: &mut Vec<Problem>,
) -> Vec<TargetPlan> {
    for target in &mut targets {
        target.overrides = vec![None; types.len()];
    }
    for name in scenario.events.keys().filter(|name| !name.starts_with('_')) {
        let whole = match event::whole(&scenario.events, name) {
            Ok(whole) => whole,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let Some(index) = types.get_index_of(whole.name.as_deref().unwrap_or(name)) else { continue };
        if let Some(send) = whole.send.filter(|send| send.method.is_some() || send.path.is_some()) {
            for target in &mut targets {
                target.overrides[index] = Some(target.request.with(send.method, send.path.as_deref()));
            }
        }
    }
    targets
}

/// A number that stands for what decides when events are due: two loads that differ have the same one in 65,536 cases.
fn load_tag(scenario: &Scenario, workload: &Model) -> u16 {
    let mut tag = 0_u64;
    let mut next = Some(workload);
    // A load may be another's times a ratio; circles are refused elsewhere.
    for _ in 0..scenario.workloads.len().max(1) {
        let Some(workload) = next else { break };
        // How much may be under way, and when it is too late, moves nothing; nor does the end, where no shape leads to it.
        let mut load =
            Load { max_in_flight: None, late_after: None, drop_after: None, drain: None, ..workload.load.clone() };
        if load.count.is_none() && load.ramp.is_none() {
            load.duration = None;
        }
        tag = mix(tag, hash_bytes(&serde_json::to_vec(&load).unwrap_or_default()));
        next = load.ratio_of.as_ref().and_then(|other| scenario.workloads.get(other));
    }
    (tag >> 48) as u16
}
