//! Counts what was emitted, in constant memory: event mix, declared fields, arrivals over time, session lengths.

mod arrivals;
mod counter;
mod sessions;

use crate::metrics::Histogram;
use crate::plan::{EventTypeId, Pacing, Plan, Planned};
use crate::scenario::model::behavior::{Behavior, Unmet};
use crate::scenario::model::{Scenario, Workload};
use crate::tree::{Node, Value};
use crate::units::{EpochMicros, Nanos};

use super::declared::{self, Declared};
use super::fit::chance_distance;
use super::probe::{EACH, Probe};
use super::shares::{ABSENT, Drawn, PRESENT};
use super::{CLOSE, Fit, Judgement, Part, Row};

use arrivals::Arrivals;
use counter::Counter;
use sessions::Sessions;

/// Computed fields that get figures: each costs a histogram.
const MAX_COMPUTED: usize = 32;
/// Fewer values than this are not judged.
const FEW: u64 = 50;
/// A cluster's distance may be this many times what chance makes on average.
const CHANCE: f64 = 4.0;
/// How far the shares of a `checks.mix` may be off when it does not say.
const MIX_TOLERANCE: f64 = 0.02;

/// Counts what was emitted. Every worker may have its own; [`Census::merge`] adds them up.
#[derive(Clone, Debug)]
pub struct Census {
    event_types: Vec<String>,
    workloads: Vec<Emitted>,
    counters: Vec<Counter>,
    /// The event that last showed a counter's field, so that fields left out can be counted.
    shown: Vec<u64>,
    /// Shares that checks declare for event types, with their tolerance.
    mixes: Vec<(Vec<(usize, f64)>, f64)>,
    events: u64,
    /// Events that could not be read as JSON.
    unreadable: u64,
}

/// What one workload emitted.
#[derive(Clone, Debug)]
struct Emitted {
    name: String,
    counts: Vec<u64>,
    /// Events by entity: how many independent stories there were.
    stories: u64,
    declared: Vec<(EventTypeId, f64)>,
    /// Whether each event's type is drawn independently of the others.
    independent: bool,
    /// Whether its moments lie in the past, where no rate can be changed.
    backfilled: bool,
    probes: Vec<Probe>,
    /// Counters that every event of a type should show.
    expected: Vec<Vec<usize>>,
    arrivals: Option<Arrivals>,
    sessions: Option<Sessions>,
}

impl Census {
    /// A census of a plan's events, whose event time starts at a moment.
    pub fn new(scenario: &Scenario, plan: &Plan, start: EpochMicros) -> Self {
        let names: Vec<String> = plan.event_types().iter().map(|info| info.name.clone()).collect();
        let workloads: Vec<&Workload> =
            plan.workloads().iter().filter_map(|workload| scenario.workloads.get(&workload.name)).collect();
        let mut census = Self {
            workloads: Vec::new(),
            counters: Vec::new(),
            shown: Vec::new(),
            mixes: Vec::new(),
            events: 0,
            unreadable: 0,
            event_types: names,
        };
        for (planned, workload) in plan.workloads().iter().zip(&workloads) {
            let behavior = workload.behavior.as_ref().and_then(|name| scenario.behaviors.get(name));
            let load = &workload.load;
            let open =
                load.rate.is_some() || load.count.is_some() || load.ratio_of.is_some() || load.per_connection.is_some();
            let arrivals = (open && (planned.pacing == Pacing::Scheduled || planned.is_backfilled()))
                .then(|| Arrivals::new(planned.schedule(start), start, counts_every_event(behavior)));
            let independent = matches!(behavior, Some(Behavior::Mix(mix)) if mix.state.is_empty() && mix.unmet != Unmet::Prerequisite);
            let sessions = match behavior {
                Some(Behavior::Session(session)) => Some(Sessions::new(scenario, session, &census.event_types)),
                Some(Behavior::Mix(_) | Behavior::Lifecycle(_) | Behavior::Emit(_) | Behavior::Replay(_)) | None => {
                    None
                }
            };
            census.workloads.push(Emitted {
                name: planned.name.clone(),
                counts: vec![0; census.event_types.len()],
                stories: 0,
                declared: planned.declared.clone(),
                independent,
                backfilled: planned.is_backfilled(),
                probes: vec![Probe::default(); census.event_types.len()],
                expected: vec![Vec::new(); census.event_types.len()],
                arrivals,
                sessions,
            });
        }
        census.watch_fields(scenario, &workloads);
        census.watch_checks(scenario, &workloads);
        census.shown = vec![0; census.counters.len()];
        census
    }

    /// The same census for those who show it only one event in so many, drawn by chance.
    pub(super) fn of_one_in(mut self, one_in: u64) -> Self {
        for arrivals in self.workloads.iter_mut().filter_map(|emitted| emitted.arrivals.as_mut()) {
            arrivals.one_in = one_in;
        }
        self
    }

    /// The rate is multiplied from a moment of the schedule on.
    pub(super) fn multiply(&mut self, at: Nanos, multiplier: f64) {
        for emitted in self.workloads.iter_mut().filter(|emitted| !emitted.backfilled) {
            if let Some(arrivals) = &mut emitted.arrivals {
                arrivals.multiply(at, multiplier);
            }
        }
    }

    /// What was declared about the mix of a workload no longer holds.
    pub(super) fn forget_mix(&mut self, workload: usize) {
        if let Some(emitted) = self.workloads.get_mut(workload) {
            emitted.declared.clear();
        }
    }

    /// Counts an event of a workload (by index in [`Plan::workloads`]), envelope included.
    pub fn observe(&mut self, workload: usize, planned: &Planned, rendered: &[u8]) {
        let Some(emitted) = self.workloads.get_mut(workload) else { return };
        let event_type = usize::from(planned.event_type.0);
        if event_type >= emitted.counts.len() {
            return;
        }
        self.events += 1;
        emitted.counts[event_type] += 1;
        emitted.stories += u64::from(planned.step == 0);
        if let Some(arrivals) = &mut emitted.arrivals {
            arrivals.observe(planned);
        }
        if let Some(sessions) = &mut emitted.sessions {
            sessions.observe(planned);
        }
        let (event, counters, shown) = (self.events, &mut self.counters, &mut self.shown);
        let read = emitted.probes[event_type].read(rendered, |number, scalar| {
            shown[number] = event;
            counters[number].observe(&scalar);
        });
        if !read {
            self.unreadable += 1;
            return;
        }
        for &number in &emitted.expected[event_type] {
            if shown[number] != event {
                counters[number].observe_absent();
            }
        }
    }

    /// Adds what another census of the same plan counted.
    pub fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.unreadable += other.unreadable;
        for (mine, theirs) in self.counters.iter_mut().zip(&other.counters) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.workloads.iter_mut().zip(&other.workloads) {
            mine.stories += theirs.stories;
            mine.counts.iter_mut().zip(&theirs.counts).for_each(|(mine, theirs)| *mine += theirs);
            if let (Some(mine), Some(theirs)) = (&mut mine.arrivals, &theirs.arrivals) {
                mine.merge(theirs);
            }
            if let (Some(mine), Some(theirs)) = (&mut mine.sessions, &theirs.sessions) {
                mine.merge(theirs);
            }
        }
    }

    /// How many events were counted.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How many events could not be read as JSON; their fields were not counted.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// What was declared against what was counted.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for emitted in &self.workloads {
            let whole =
                emitted.sessions.as_ref().and_then(|sessions| sessions.mix_row(&emitted.name, &self.event_types));
            rows.extend(whole.or_else(|| self.mix_row(emitted)));
        }
        for (shares, tolerance) in &self.mixes {
            rows.push(self.check_row(shares, *tolerance));
        }
        for emitted in &self.workloads {
            if let Some(arrivals) = &emitted.arrivals {
                rows.extend(arrivals.rows(&emitted.name));
            }
            if let Some(sessions) = &emitted.sessions {
                rows.extend(sessions.rows(&emitted.name));
            }
        }
        for counter in &self.counters {
            let stories = self.workloads.get(counter.workload).map_or(0, |emitted| emitted.stories);
            rows.extend(counter.row(stories));
        }
        rows
    }

    fn mix_row(&self, emitted: &Emitted) -> Option<Row> {
        let count: u64 = emitted.counts.iter().sum();
        if emitted.declared.len() < 2 || count == 0 {
            return self.emitted_row(emitted, count);
        }
        let counts: Vec<u64> = emitted.declared.iter().map(|(id, _)| emitted.counts[usize::from(id.0)]).collect();
        let shares: Vec<f64> = emitted.declared.iter().map(|(_, share)| *share).collect();
        let names = emitted.declared.iter().map(|(id, _)| self.event_types[usize::from(id.0)].clone()).collect();
        let others = count - counts.iter().sum::<u64>();
        let draws = if emitted.independent { None } else { Some(emitted.stories as f64) };
        Some(shares_row(format!("event mix of {}", emitted.name), names, &counts, &shares, others, draws))
    }

    /// What was emitted where nothing is declared: shares that follow from sessions or lives.
    fn emitted_row(&self, emitted: &Emitted, count: u64) -> Option<Row> {
        let part = |(name, emitted): (&String, &u64)| Part {
            name: name.clone(),
            declared: None,
            emitted: *emitted as f64 / count.max(1) as f64,
        };
        let named = self.event_types.iter().zip(&emitted.counts).filter(|(_, count)| **count > 0);
        let parts: Vec<Part> = named.map(part).collect();
        let what = format!("event mix of {}", emitted.name);
        (parts.len() > 1).then(|| Row { what, count, parts, shares: true, ..Row::default() })
    }

    fn check_row(&self, shares: &[(usize, f64)], tolerance: f64) -> Row {
        let total = self.events.max(1) as f64;
        let mut row = Row { what: "event mix (check)".to_owned(), count: self.events, shares: true, ..Row::default() };
        let (mut distance, mut worst) = (0.0, 0.0_f64);
        for (event_type, share) in shares {
            let count: u64 = self.workloads.iter().map(|emitted| emitted.counts[*event_type]).sum();
            let emitted = count as f64 / total;
            distance += (emitted - share).abs() / 2.0;
            worst = worst.max((emitted - share).abs());
            let name = self.event_types[*event_type].clone();
            row.parts.push(Part { name, declared: Some(*share), emitted });
        }
        row.distance = Some(distance);
        row.judgement = match self.events {
            0..FEW => Judgement::Unjudged,
            _ if worst <= tolerance => Judgement::Fits,
            _ => Judgement::Off,
        };
        row
    }

    /// Watches every field about which a template declares something.
    fn watch_fields(&mut self, scenario: &Scenario, workloads: &[&Workload]) {
        let mut computed = 0;
        for field in declared::fields(scenario, workloads) {
            let Some(event_type) = self.event_type(scenario, &field.event) else { continue };
            let Some(prefix) = body_path(workloads[field.workload]) else { continue };
            let same = self.counters.iter().position(|counter| counter.is_for(&field));
            let number = match same {
                Some(number) => number,
                None => {
                    computed += usize::from(field.declared == Declared::Computed);
                    if field.declared == Declared::Computed && computed > MAX_COMPUTED {
                        continue;
                    }
                    let users = workloads[field.workload].population.count;
                    self.counters.push(Counter::new(&field, users));
                    self.counters.len() - 1
                }
            };
            self.counters[number].events.push(field.event.clone());
            self.watch(field.workload, event_type, &prefix, &field.path, number);
        }
    }

    /// Watches the fields and mixes that checks declare.
    fn watch_checks(&mut self, scenario: &Scenario, workloads: &[&Workload]) {
        for check in &scenario.checks {
            if let Some(mix) = &check.mix {
                let shares: Vec<(usize, f64)> =
                    mix.iter().filter_map(|(name, share)| Some((self.event_type(scenario, name)?, *share))).collect();
                self.mixes.push((shares, check.tolerance.unwrap_or(MIX_TOLERANCE)));
            }
            if let Some(distribution) = &check.distribution {
                let number = self.counters.len();
                self.counters.push(Counter::of_check(distribution, check.tolerance.unwrap_or(MIX_TOLERANCE)));
                let path: Vec<String> = distribution.field.split('.').map(str::to_owned).collect();
                for (index, workload) in workloads.iter().enumerate() {
                    let Some(prefix) = body_path(workload) else { continue };
                    for event_type in 0..self.event_types.len() {
                        self.watch(index, event_type, &prefix, &path, number);
                    }
                }
            }
        }
    }

    fn watch(&mut self, workload: usize, event_type: usize, prefix: &[String], path: &[String], number: usize) {
        let whole: Vec<String> = prefix.iter().chain(path).cloned().collect();
        let emitted = &mut self.workloads[workload];
        emitted.probes[event_type].want(&whole, number);
        if self.counters[number].counts_absence() && !path.iter().any(|step| step == EACH) {
            emitted.expected[event_type].push(number);
        }
    }

    /// The event type of an event's key in the scenario, or of its name on the wire.
    fn event_type(&self, scenario: &Scenario, key: &str) -> Option<usize> {
        let name = scenario.events.get(key).and_then(|event| event.name.as_deref()).unwrap_or(key);
        self.event_types.iter().position(|known| known == name)
    }
}

/// Whether each event arrives on its own, or whole stories do.
fn counts_every_event(behavior: Option<&Behavior>) -> bool {
    match behavior {
        Some(Behavior::Session(_) | Behavior::Lifecycle(_)) => false,
        Some(Behavior::Mix(_) | Behavior::Emit(_) | Behavior::Replay(_)) | None => true,
    }
}

/// Where a workload's envelope puts the body of an event; none when it leaves it out.
pub(super) fn body_path(workload: &Workload) -> Option<Vec<String>> {
    let Some(envelope) = &workload.envelope else { return Some(Vec::new()) };
    let mut path = Vec::new();
    find_body(envelope, &mut path).then_some(path)
}

fn find_body(node: &Node, path: &mut Vec<String>) -> bool {
    match &node.value {
        Value::String(text) => text == "${event.body}",
        Value::Map(entries) => entries.iter().any(|entry| {
            path.push(entry.key.clone());
            let found = find_body(&entry.node, path);
            if !found {
                path.pop();
            }
            found
        }),
        Value::List(_) | Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
    }
}

/// A row of shares. `draws` is the number of independent draws where values come in clusters, so that χ² does not apply.
fn shares_row(
    what: String,
    names: Vec<String>,
    counts: &[u64],
    shares: &[f64],
    others: u64,
    draws: Option<f64>,
) -> Row {
    let count = counts.iter().sum::<u64>() + others;
    let sum: f64 = shares.iter().sum();
    let all = count.max(1) as f64;
    let mut parts: Vec<Part> = names
        .into_iter()
        .zip(counts.iter().zip(shares))
        .map(|(name, (count, share))| Part { name, declared: Some(share / sum), emitted: *count as f64 / all })
        .collect();
    if others > 0 {
        parts.push(Part { name: "(others)".to_owned(), declared: Some(0.0), emitted: others as f64 / all });
    }
    let distance = parts.iter().map(|part| (part.emitted - part.declared.unwrap_or(0.0)).abs()).sum::<f64>() / 2.0;
    let fit = Fit::of(counts, shares, others).filter(|_| draws.is_none());
    let judgement = match (&fit, draws) {
        _ if count < FEW => Judgement::Unjudged,
        (Some(fit), _) => Judgement::of_fit(fit),
        (None, Some(draws)) => {
            let normal: Vec<f64> = shares.iter().map(|share| share / sum).collect();
            let chance = CHANCE * chance_distance(&normal, draws.min(count as f64));
            if distance <= chance.max(CLOSE) { Judgement::Fits } else { Judgement::Off }
        }
        (None, None) => Judgement::Unjudged,
    };
    Row { what, count, parts, shares: true, fit, distance: Some(distance), judgement }
}

/// Figures of a distribution about which nothing is declared.
fn figures(histogram: &Histogram, scale: f64) -> Vec<Part> {
    let part = |name: &str, emitted: f64| Part { name: name.to_owned(), declared: None, emitted };
    let quantile = |q: f64| histogram.quantile_us(q) as f64 / scale;
    vec![
        part("mean", histogram.percentiles().mean_us / scale),
        part("p50", quantile(0.5)),
        part("p95", quantile(0.95)),
        part("p99", quantile(0.99)),
    ]
}

#[cfg(test)]
mod tests;
