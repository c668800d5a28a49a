//! Counts how long sessions are, in events and in pages, while they are open.

use std::collections::BTreeMap;

use crate::metrics::Histogram;
use crate::plan::Planned;
use crate::realism::declared::event_names;
use crate::realism::law::Law;
use crate::realism::shares::{Scope, Shares};
use crate::realism::{Judgement, Part, Row};
use crate::scenario::model::Scenario;
use crate::scenario::model::behavior::Session;
use crate::tree::Node;

use super::{FEW, figures, shares_row};

/// Sessions that are followed at a time; what begins beyond that is not counted.
const MAX_OPEN: usize = 200_000;

/// Session lengths of one workload.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    first: Option<usize>,
    last: Option<usize>,
    enter: Option<usize>,
    /// Fewest and most pages, where the scenario says so.
    limits: Option<(u64, u64)>,
    /// Whether a session may run out of time before it has its pages.
    timed: bool,
    /// Pages on average, where the scenario says so.
    mean: Option<f64>,
    /// Events that a session has whatever its pages, and those of each page, by event type; none where that cannot be
    /// told.
    expected: Option<(Vec<f64>, Vec<f64>)>,
    /// Events so far of each type, by entity.
    open: BTreeMap<u64, Vec<u32>>,
    /// Events of whole sessions by type.
    whole: Vec<u64>,
    events: Histogram,
    pages: Histogram,
    within: u64,
    /// Sessions with fewer pages than the fewest.
    fewer: u64,
}

impl Sessions {
    pub(super) fn new(scenario: &Scenario, session: &Session, event_types: &[String]) -> Self {
        let type_of = |key: &str| {
            let name = scenario.events.get(key).and_then(|event| event.name.as_deref()).unwrap_or(key);
            event_types.iter().position(|known| known == name)
        };
        let named = |name: &Option<String>| type_of(name.as_deref()?);
        let steps = session.limits.steps.as_ref().and_then(Law::of);
        let limits = match steps {
            Some(Law::Int(low, high) | Law::Geometric(low, high, _)) => Some((low.max(0) as u64, high.max(0) as u64)),
            _ => None,
        };
        Self {
            first: named(&session.first),
            last: named(&session.last),
            enter: named(&session.step.enter),
            limits,
            timed: session.limits.duration.is_some(),
            mean: steps.and_then(|law| law.mean()),
            expected: expected(scenario, session, event_types.len(), &type_of),
            open: BTreeMap::new(),
            whole: vec![0; event_types.len()],
            events: Histogram::new(),
            pages: Histogram::new(),
            within: 0,
            fewer: 0,
        }
    }

    pub(super) fn observe(&mut self, planned: &Planned) {
        let event_type = usize::from(planned.event_type.0);
        if Some(event_type) == self.first {
            // What a user left open is over: it was cut off.
            self.open.remove(&planned.entity);
            if self.open.len() < MAX_OPEN {
                self.open.insert(planned.entity, vec![0; self.whole.len()]);
            }
        }
        let Some(counts) = self.open.get_mut(&planned.entity) else { return };
        if let Some(count) = counts.get_mut(event_type) {
            *count += 1;
        }
        if Some(event_type) == self.last
            && let Some(counts) = self.open.remove(&planned.entity)
        {
            self.whole.iter_mut().zip(&counts).for_each(|(whole, count)| *whole += u64::from(*count));
            let pages = self.enter.and_then(|enter| counts.get(enter)).map_or(0, |count| u64::from(*count));
            self.events.record(counts.iter().map(|count| u64::from(*count)).sum());
            self.pages.record(pages);
            self.within += u64::from(self.limits.is_some_and(|(low, high)| (low..=high).contains(&pages)));
            self.fewer += u64::from(self.limits.is_some_and(|(low, _)| pages < low));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        // Entities belong to one worker each.
        self.open.extend(other.open.iter().map(|(entity, counts)| (*entity, counts.clone())));
        self.whole.iter_mut().zip(&other.whole).for_each(|(mine, theirs)| *mine += theirs);
        self.events.merge(&other.events);
        self.pages.merge(&other.pages);
        self.within += other.within;
        self.fewer += other.fewer;
    }

    /// The mix of events in whole sessions, against what is declared for as many pages as they had. What is still open,
    /// or was cut off by the end, has had its beginning and not its end: it would say something else.
    pub(super) fn mix_row(&self, workload: &str, event_types: &[String]) -> Option<Row> {
        let sessions = self.events.count();
        let (of_each, of_a_page) = self.expected.as_ref().filter(|_| sessions > 0)?;
        let pages = self.whole.get(self.enter?).copied()? as f64 / sessions as f64;
        let declared = |event_type: &usize| of_each[*event_type] + pages * of_a_page[*event_type];
        let shown: Vec<usize> = (0..self.whole.len()).filter(|event_type| declared(event_type) > 0.0).collect();
        let counts: Vec<u64> = shown.iter().map(|event_type| self.whole[*event_type]).collect();
        let others = self.whole.iter().sum::<u64>() - counts.iter().sum::<u64>();
        let names = shown.iter().map(|event_type| event_types[*event_type].clone()).collect();
        let shares: Vec<f64> = shown.iter().map(declared).collect();
        let what = format!("event mix of whole sessions of {workload}");
        Some(shares_row(what, names, &counts, &shares, others, Some(sessions as f64)))
    }

    pub(super) fn rows(&self, workload: &str) -> Vec<Row> {
        let count = self.events.count();
        if count == 0 {
            return Vec::new();
        }
        let mut rows = vec![Row {
            what: format!("events per session of {workload}"),
            count,
            parts: figures(&self.events, 1.0),
            ..Row::default()
        }];
        if self.enter.is_some() {
            let mut parts = figures(&self.pages, 1.0);
            if let Some(mean) = parts.first_mut() {
                mean.declared = self.mean;
            }
            rows.push(Row { what: format!("pages per session of {workload}"), count, parts, ..Row::default() });
        }
        if let Some((low, high)) = self.limits {
            let share = |sessions: u64| sessions as f64 / count as f64;
            let within = share(self.within);
            let mut parts = vec![Part { name: format!("{low} to {high} pages"), declared: Some(1.0), emitted: within }];
            // Who runs out of time has fewer pages, and nothing is wrong with that.
            let excused = if self.timed { self.fewer } else { 0 };
            if excused > 0 {
                parts[0].declared = Some(1.0 - share(excused));
                parts.push(Part { name: "fewer, out of time".to_owned(), declared: None, emitted: share(excused) });
            }
            let wrong = count - self.within - excused;
            let judgement = match count {
                0..FEW => Judgement::Unjudged,
                _ if wrong == 0 => Judgement::Fits,
                _ => Judgement::Off,
            };
            rows.push(Row {
                what: format!("session length of {workload}"),
                count,
                parts,
                shares: true,
                distance: Some(share(wrong)),
                judgement,
                ..Row::default()
            });
        }
        rows
    }
}

/// Events that a session has once, and those that each of its pages has on average, by event type.
fn expected(
    scenario: &Scenario,
    session: &Session,
    event_types: usize,
    type_of: &dyn Fn(&str) -> Option<usize>,
) -> Option<(Vec<f64>, Vec<f64>)> {
    let (mut of_each, mut of_a_page) = (vec![0.0; event_types], vec![0.0; event_types]);
    for name in [&session.first, &session.last].into_iter().flatten() {
        of_each[type_of(name)?] += 1.0;
    }
    let step = &session.step;
    for (name, share) in [(&step.enter, 1.0), (&step.leave, step.leave_p)] {
        if let Some(name) = name {
            of_a_page[type_of(name)?] += share;
        }
    }
    for during in &session.during {
        let count = match &during.count {
            None => 1.0,
            Some(node) => node.as_f64().or_else(|| Law::of(node)?.mean())?,
        };
        for (name, share) in chosen(scenario, &during.event)? {
            of_a_page[type_of(&name)?] += count * share;
        }
    }
    Some((of_each, of_a_page))
}

/// The names that a choice of events gives, with their shares.
fn chosen(scenario: &Scenario, node: &Node) -> Option<Vec<(String, f64)>> {
    if let [name] = event_names(node).as_slice() {
        return Some(vec![(name.clone(), 1.0)]);
    }
    let nothing = indexmap::IndexMap::new();
    let scope = Scope { scenario, event: &nothing, session: None, user: None };
    Some(Shares::of(node, &scope)?.values.into_iter().collect())
}
