//! Counts how long sessions are, in events and in pages, while they are open.

use std::collections::BTreeMap;

use crate::metrics::Histogram;
use crate::plan::Planned;
use crate::realism::law::Law;
use crate::realism::{Judgement, Part, Row};

use super::{FEW, figures};

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
    /// Pages on average, where the scenario says so.
    mean: Option<f64>,
    /// Events and pages so far, by entity.
    open: BTreeMap<u64, (u64, u64)>,
    events: Histogram,
    pages: Histogram,
    within: u64,
}

impl Sessions {
    pub(super) fn new(first: Option<usize>, last: Option<usize>, enter: Option<usize>, steps: Option<Law>) -> Self {
        let limits = match steps {
            Some(Law::Int(low, high) | Law::Geometric(low, high, _)) => Some((low.max(0) as u64, high.max(0) as u64)),
            _ => None,
        };
        let mean = match steps {
            Some(Law::Int(low, high)) => Some((low as f64 + high as f64) / 2.0),
            Some(Law::Geometric(_, _, mean)) => Some(mean),
            _ => None,
        };
        Self {
            first,
            last,
            enter,
            limits,
            mean,
            open: BTreeMap::new(),
            events: Histogram::new(),
            pages: Histogram::new(),
            within: 0,
        }
    }

    pub(super) fn observe(&mut self, planned: &Planned) {
        let event_type = Some(usize::from(planned.event_type.0));
        if event_type == self.first {
            if self.open.len() < MAX_OPEN {
                self.open.insert(planned.entity, (1, 0));
            }
            return;
        }
        let Some((events, pages)) = self.open.get_mut(&planned.entity) else { return };
        *events += 1;
        *pages += u64::from(event_type == self.enter);
        if event_type == self.last
            && let Some((events, pages)) = self.open.remove(&planned.entity)
        {
            self.events.record(events);
            self.pages.record(pages);
            self.within += u64::from(self.limits.is_some_and(|(low, high)| (low..=high).contains(&pages)));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        // Entities belong to one worker each.
        self.open.extend(other.open.iter().map(|(entity, length)| (*entity, *length)));
        self.events.merge(&other.events);
        self.pages.merge(&other.pages);
        self.within += other.within;
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
            let emitted = self.within as f64 / count as f64;
            let part = Part { name: format!("{low} to {high} pages"), declared: Some(1.0), emitted };
            let judgement = match count {
                0..FEW => Judgement::Unjudged,
                _ if self.within == count => Judgement::Fits,
                // A session that runs out of time ends before its pages do.
                _ if emitted >= 0.9 => Judgement::Close,
                _ => Judgement::Off,
            };
            rows.push(Row {
                what: format!("session length of {workload}"),
                count,
                parts: vec![part],
                shares: true,
                distance: Some(1.0 - emitted),
                judgement,
                ..Row::default()
            });
        }
        rows
    }
}
