//! The first events of each kind that a plan sends.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{EventTypeId, EventTypeInfo, Plan, Share};
use crate::units::{EpochMicros, Nanos};

/// Events of a workload that are looked through for those that are wanted.
const MAX_WALK: u64 = 500_000;
/// Every kind of event.
const ALL: &str = "all";

/// One event with its place in the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct First {
    /// Index of its workload in [`Plan::workloads`].
    pub workload: usize,
    /// Its type.
    pub event_type: EventTypeId,
    /// When it is due.
    pub due: Nanos,
    /// Its bytes, as they are sent.
    pub body: Vec<u8>,
    /// Its topic, where its target has some.
    pub topic: Vec<u8>,
}

/// The first `each` events of each kind that is wanted, in the order of time; `start` is the event time at the plan's
/// start, `among` says in which workloads to look. What does not come up among half a million events of a workload is
/// left out.
pub fn firsts(
    plan: &Arc<Plan>,
    start: EpochMicros,
    wanted: &[EventTypeId],
    each: usize,
    among: impl Fn(usize) -> bool,
) -> Vec<First> {
    let mut found: BTreeMap<EventTypeId, Vec<First>> = BTreeMap::new();
    for (number, workload) in plan.workloads().iter().enumerate().filter(|(number, _)| among(*number)) {
        let schedule = workload.schedule(start);
        let mut cursor = plan.cursor(number, Share::WHOLE);
        let mut event = Vec::new();
        for _ in 0..MAX_WALK {
            let missing = |id: &EventTypeId| found.get(id).is_none_or(|events| events.len() < each);
            // What this workload declares, it will get to; of others nothing is known, so that the walk is long.
            let known = workload.declared.iter().filter(|(_, share)| *share > 0.0).map(|(id, _)| id);
            let open = if workload.declared.is_empty() {
                wanted.iter().any(missing)
            } else {
                known.filter(|id| wanted.contains(id)).any(missing)
            };
            let Some(due) = cursor.next_due(&schedule).filter(|_| open) else { break };
            event.clear();
            let emitted = cursor.emit(start.plus(due), &mut event);
            if wanted.contains(&emitted.event_type) && missing(&emitted.event_type) {
                let first = First {
                    workload: number,
                    event_type: emitted.event_type,
                    due,
                    body: event.clone(),
                    topic: cursor.topic().to_vec(),
                };
                found.entry(emitted.event_type).or_default().push(first);
            }
        }
    }
    let mut events: Vec<First> = found.into_values().flatten().collect();
    events.sort_by_key(|first| (first.due, first.workload));
    events
}

impl Plan {
    /// The event types that a word means: `all`, a name, the first part of one, or a topic.
    pub fn event_types_of(&self, word: &str) -> Vec<EventTypeId> {
        let wanted = |info: &EventTypeInfo| {
            let begins =
                info.name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']));
            word == ALL || begins || info.topic.as_deref() == Some(word)
        };
        let types = self.event_types().iter().enumerate().filter(|(_, info)| wanted(info));
        types.map(|(place, _)| EventTypeId(place as u16)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::compile;
    use crate::scenario::LoadOptions;

    #[test]
    fn every_kind_comes_up_once_in_the_order_of_time() {
        let plan = compile("{extends: commerce-events, seed: 7}", &LoadOptions::new("test"), 1).plan.unwrap();
        let all = plan.event_types_of(ALL);
        assert_eq!(all.len(), plan.event_types().len());
        let events = firsts(&plan, EpochMicros(0), &all, 1, |_| true);
        assert!(events.is_sorted_by_key(|event| event.due));
        let mut seen: Vec<EventTypeId> = events.iter().map(|event| event.event_type).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), events.len());
        assert!(events.len() > 10);
        assert_eq!(firsts(&plan, EpochMicros(0), &all[..1], 3, |_| true).len(), 3);
        assert_eq!(firsts(&plan, EpochMicros(0), &all, 1, |_| false), []);
        let pages = plan.event_types_of("page");
        assert!(!pages.is_empty() && pages.len() < all.len());
        assert_eq!(plan.event_types_of("pag"), []);
    }
}
