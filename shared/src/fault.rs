//! Trouble made on purpose: which events it hits, decided by their ids, and what it does to them.
//!
//! Whether a fault hits an event is a function of the seed, the event's id and the fault's place in the scenario, so
//! that the same events are hit whoever sends them and however often they are sent. What is held back, sent twice or
//! not at all is the engine's work; nothing here knows of connections.

mod compile;
pub mod decision;
mod drift;
mod json;

use crate::random::{Domain, Stream};
use crate::run::fault::{FaultKind, FaultSet};
use crate::template::context::{Context, Facts, Scratch};
use crate::template::program::{ExprId, Program};
use crate::units::Nanos;

use decision::Decision;
use drift::Change;

use crate::event_id::EventId;

/// Most copies of one event, most bytes changed in one.
const MOST: i64 = 1_000;

/// The faults of one workload, compiled.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    /// Name of the list in the scenario.
    name: String,
    entries: Vec<Entry>,
    stream: Stream,
}

/// How strong each fault of a plan is: 1 as the scenario says, 0 switched off.
#[derive(Clone, Debug, PartialEq)]
pub struct Doses(Vec<f64>);

#[derive(Clone, Debug)]
struct Entry {
    kind: FaultKind,
    p: f64,
    /// Names its draws.
    key: u64,
    what: What,
}

/// What a fault does, with the draws that it needs.
#[derive(Clone, Debug)]
enum What {
    Delay(ExprId),
    Late(ExprId),
    Reorder(ExprId),
    Duplicate { times: Option<ExprId>, gap: Option<ExprId> },
    Drop,
    Corrupt { bytes: Option<ExprId> },
    Truncate { keep: Option<ExprId> },
    Drift { changes: Vec<Change>, rollout: Option<(Nanos, Nanos)> },
    DropConnection,
    SlowSend { bytes_per_second: u64 },
    AuthExpire,
}

impl FaultPlan {
    /// As strong as the scenario says.
    pub fn doses(&self) -> Doses {
        Doses(vec![1.0; self.entries.len()])
    }

    /// The name of the list in the scenario.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every name that [`FaultPlan::dose`] knows.
    pub fn names(&self) -> Vec<String> {
        let mut names = vec![self.name.clone()];
        for entry in &self.entries {
            let name = format!("{}.{}", self.name, entry.kind.name());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Makes faults stronger or weaker; says whether the name means any. `flaky` is the whole list of that name,
    /// `flaky.delay` what it has of one kind.
    pub fn dose(&self, doses: &mut Doses, name: &str, factor: f64) -> bool {
        let (list, kind) = match name.strip_prefix(self.name.as_str()) {
            Some("") => (true, None),
            Some(rest) => (rest.starts_with('.'), rest.strip_prefix('.')),
            None => (false, None),
        };
        let mut found = false;
        for (entry, dose) in self.entries.iter().zip(&mut doses.0) {
            if list && kind.is_none_or(|kind| entry.kind.name() == kind) {
                *dose = factor;
                found = true;
            }
        }
        found
    }

    /// What happens to an event of an entity that is due at a moment of the schedule.
    pub(crate) fn decide(
        &self,
        (program, scratch): (&Program, &mut Scratch),
        (id, entity): (EventId, u64),
        at: Nanos,
        doses: &Doses,
    ) -> Decision {
        let mut decision = Decision { id, ..Decision::default() };
        let own = self.stream_of(id);
        let mut begun = false;
        for (index, (entry, dose)) in self.entries.iter().zip(&doses.0).enumerate() {
            let (p, stream) = match &entry.what {
                What::Drift { rollout: Some((from, over)), .. } => {
                    (entry.p * adopted(at, *from, *over), self.stream.domain(Domain::Assignment).child(entity))
                }
                _ => (entry.p, own),
            };
            if stream.draws(entry.key).unit() >= p * dose {
                continue;
            }
            decision.hits.insert(entry.kind);
            let mut draw = |id: ExprId| {
                if !std::mem::replace(&mut begun, true) {
                    scratch.begin(program);
                }
                Context::new(program, scratch, None, facts(id_facts(decision.id), own)).evaluate(id)
            };
            match &entry.what {
                What::Delay(by) => decision.delay = decision.delay.saturating_add(draw(*by).as_span()),
                What::Late(by) => decision.late_by = decision.late_by.saturating_add(draw(*by).as_span()),
                What::Reorder(window) => decision.reorder = decision.reorder.max(draw(*window).as_span()),
                What::Duplicate { times, gap } => {
                    let times = times.map_or(1, |times| draw(times).as_i64().unwrap_or(1).clamp(0, MOST));
                    decision.copies = (decision.copies + times as u32).min(MOST as u32);
                    decision.gap = gap.map_or(Nanos::ZERO, |gap| draw(gap).as_span());
                }
                What::Drop => decision.dropped = true,
                What::DropConnection => decision.drops_connection = true,
                What::AuthExpire => decision.expired = true,
                What::SlowSend { bytes_per_second } => {
                    let slowest = decision.bytes_per_second.unwrap_or(u64::MAX);
                    decision.bytes_per_second = Some(slowest.min(*bytes_per_second));
                }
                What::Corrupt { .. } | What::Truncate { .. } | What::Drift { .. } => {
                    decision.changes.push(index as u16)
                }
            }
        }
        decision
    }

    /// Changes the event's bytes as was decided, from `start` to the end; says which faults found something to change.
    pub(crate) fn change(
        &self,
        (program, scratch): (&Program, &mut Scratch),
        decision: &Decision,
        bytes: &mut Vec<u8>,
        start: usize,
    ) -> FaultSet {
        let mut changed = FaultSet::default();
        if decision.changes.is_empty() {
            return changed;
        }
        scratch.begin(program);
        let own = self.stream_of(decision.id);
        let mut context = Context::new(program, scratch, None, facts(id_facts(decision.id), own));
        for entry in decision.changes.iter().filter_map(|index| self.entries.get(usize::from(*index))) {
            let mut draws = own.draws(entry.key);
            // The first draw decided that it hits.
            let _hit = draws.word();
            let did = match &entry.what {
                What::Corrupt { bytes: count } => {
                    let count = count.map_or(1, |id| context.evaluate(id).as_i64().unwrap_or(1).clamp(0, MOST));
                    let length = (bytes.len() - start) as u64;
                    for _ in 0..if length == 0 { 0 } else { count } {
                        let place = start + draws.below(length) as usize;
                        // Never zero: the byte is another one afterwards, unless it is hit again.
                        bytes[place] ^= 1 + draws.below(255) as u8;
                    }
                    count > 0 && length > 0
                }
                What::Truncate { keep } => {
                    let keep = keep.map_or(0.5, |id| context.evaluate(id).as_f64().unwrap_or(0.5)).clamp(0.0, 1.0);
                    let length = bytes.len() - start;
                    let kept = ((length as f64 * keep) as usize).min(length);
                    bytes.truncate(start + kept);
                    kept < length
                }
                What::Drift { changes, rollout: Some(_) } => {
                    changes.iter().filter(|change| change.apply(&mut context, bytes, start)).count() > 0
                }
                What::Drift { changes, rollout: None } => {
                    let drawn = changes.get(draws.below(changes.len() as u64) as usize);
                    drawn.is_some_and(|change| change.apply(&mut context, bytes, start))
                }
                What::Delay(_)
                | What::Late(_)
                | What::Reorder(_)
                | What::Duplicate { .. }
                | What::Drop
                | What::DropConnection
                | What::AuthExpire
                | What::SlowSend { .. } => false,
            };
            if did {
                changed.insert(entry.kind);
            }
        }
        changed
    }

    fn stream_of(&self, id: EventId) -> Stream {
        // The same events are hit whatever the load.
        let id = id.without_load();
        self.stream.child((id.0 >> 64) as u64).child(id.0 as u64)
    }
}

/// How far a rollout is at a moment, 0 to 1: a smooth step, as adoption goes.
fn adopted(at: Nanos, from: Nanos, over: Nanos) -> f64 {
    if over == Nanos::ZERO {
        return f64::from(u8::from(at >= from));
    }
    let x = (at.saturating_sub(from).as_secs_f64() / over.as_secs_f64()).min(1.0);
    x * x * (3.0 - 2.0 * x)
}

fn id_facts(event_id: EventId) -> Facts {
    Facts { event_id, ..Facts::default() }
}

fn facts(facts: Facts, stream: Stream) -> Facts {
    Facts { streams: [stream; crate::template::program::SCOPES], ..facts }
}

#[cfg(test)]
mod tests;
