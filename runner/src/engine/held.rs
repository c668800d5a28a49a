//! Events that faults hold back, and what a feed notes of its faults until the worker writes it down.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use shared::fault::decision::Decision;
use shared::plan::Planned;
use shared::run::fault::{FaultCounts, FaultKind, FaultSet};
use shared::units::Nanos;

use crate::engine::job::Job;

/// An event that waits for its moment.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) planned: Planned,
    /// Set where it was not due yet: a copy.
    pub(crate) event_type: Option<u16>,
    pub(crate) job: Job,
    delayed: bool,
    /// Set where it waits for others to overtake it.
    reordered: bool,
    /// Events that had passed when it began to wait.
    passed: u64,
}

impl Held {
    /// An event that was due and is held back.
    pub(crate) fn original(planned: Planned, decision: &Decision, job: Job) -> Self {
        let (delayed, reordered) = (decision.delay > Nanos::ZERO, decision.reorder > Nanos::ZERO);
        Self { planned, event_type: None, job, delayed, reordered, passed: 0 }
    }

    /// A copy of an event.
    pub(crate) fn copy(planned: Planned, job: Job) -> Self {
        let event_type = Some(planned.event_type.0);
        // Nobody waits for the answer to a copy.
        let planned = Planned { waiter: None, ..planned };
        Self { planned, event_type, job, delayed: false, reordered: false, passed: 0 }
    }
}

/// What is held back, in the order in which it goes, in schedule time.
#[derive(Debug, Default)]
pub(crate) struct HeldBack {
    heap: BinaryHeap<Reverse<Waiting>>,
    number: u64,
    passed: u64,
}

#[derive(Debug)]
struct Waiting {
    until: Nanos,
    number: u64,
    held: Held,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.until, self.number).cmp(&(other.until, other.number))
    }
}

impl HeldBack {
    /// Another event became due.
    pub(crate) fn passed(&mut self) {
        self.passed += 1;
    }

    /// Holds an event back until a moment.
    pub(crate) fn hold(&mut self, until: Nanos, mut held: Held) {
        held.passed = self.passed;
        self.number += 1;
        self.heap.push(Reverse(Waiting { until, number: self.number, held }));
    }

    /// When the next one goes.
    pub(crate) fn next(&self) -> Option<Nanos> {
        self.heap.peek().map(|Reverse(waiting)| waiting.until)
    }

    /// Lets the next one go, and notes which faults that brings to pass.
    pub(crate) fn release(&mut self, notes: &mut Notes) -> Option<Held> {
        let Reverse(Waiting { held, .. }) = self.heap.pop()?;
        if held.event_type.is_some() {
            notes.applied(FaultKind::Duplicate);
        }
        if held.delayed {
            notes.applied(FaultKind::Delay);
        }
        if held.reordered && self.passed > held.passed {
            notes.applied(FaultKind::Reorder);
        }
        Some(held)
    }

    /// Gives up all of them.
    pub(crate) fn cut(&mut self) -> impl Iterator<Item = Held> {
        std::mem::take(&mut self.heap).into_iter().map(|Reverse(waiting)| waiting.held)
    }
}

/// What faults did since it was written down last.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) planned: FaultCounts,
    pub(crate) applied: FaultCounts,
}

impl Notes {
    /// What was decided for an event that is due now.
    pub(crate) fn planned(&mut self, decision: &Decision) {
        for kind in decision.hits.kinds() {
            let count = if kind == FaultKind::Duplicate { u64::from(decision.copies) } else { 1 };
            self.planned.add(kind, count);
        }
    }

    /// What was done to an event's bytes, and the date that it bears.
    pub(crate) fn changed(&mut self, decision: &Decision, changed: FaultSet) {
        changed.kinds().for_each(|kind| self.applied(kind));
        if decision.late_by > Nanos::ZERO {
            self.applied(FaultKind::Late);
        }
    }

    /// A fault came to pass.
    pub(crate) fn applied(&mut self, kind: FaultKind) {
        self.applied.add(kind, 1);
    }

    /// Whether there is nothing to write down.
    pub(crate) fn is_empty(&self) -> bool {
        self.planned.is_empty() && self.applied.is_empty()
    }
}
