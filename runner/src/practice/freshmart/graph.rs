//! What is known about every subject. A predicate has one value: what is said later replaces what was said before.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::Triple;

/// Most orders and lines of orders; the oldest go first. Everything else is as many as there are.
const MOST_ORDERS: usize = 20_000;
const MOST_OTHERS: usize = 200_000;

/// A stored value.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: u64,
    pub(super) value: String,
    pub(super) kind: String,
    pub(super) created: String,
    pub(super) updated: String,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(super) struct Graph {
    subjects: HashMap<String, BTreeMap<String, Stored>>,
    /// Ids by class, in the order in which they came.
    by_class: BTreeMap<String, VecDeque<String>>,
    /// Lines of each order.
    lines: HashMap<String, Vec<String>>,
    ids: u64,
}

impl Graph {
    /// Says something of a subject; gives what is stored now.
    pub(super) fn store(&mut self, triple: &Triple, now: &str) -> &Stored {
        self.make_room(&triple.subject_id);
        if triple.predicate == "line_of_order" {
            let lines = self.lines.entry(triple.object_value.clone()).or_default();
            if !lines.contains(&triple.subject_id) {
                lines.push(triple.subject_id.clone());
            }
        }
        let next = self.ids + 1;
        let subject = self.subjects.entry(triple.subject_id.clone()).or_default();
        let stored = subject.entry(triple.predicate.clone()).or_insert_with(|| {
            self.ids = next;
            Stored {
                id: next,
                value: triple.object_value.clone(),
                kind: triple.object_type.clone(),
                created: now.to_owned(),
                updated: now.to_owned(),
            }
        });
        stored.value.clone_from(&triple.object_value);
        stored.kind.clone_from(&triple.object_type);
        now.clone_into(&mut stored.updated);
        stored
    }

    /// A value of a subject.
    pub(super) fn value(&self, subject: &str, predicate: &str) -> Option<&str> {
        self.subjects.get(subject)?.get(predicate).map(|stored| stored.value.as_str())
    }

    /// When anything about a subject was last said.
    pub(super) fn updated(&self, subject: &str) -> Option<&str> {
        self.subjects.get(subject)?.values().map(|stored| stored.updated.as_str()).max()
    }

    /// Everything about a subject.
    pub(super) fn about(&self, subject: &str) -> Option<&BTreeMap<String, Stored>> {
        self.subjects.get(subject)
    }

    /// The subjects of a class, oldest first.
    pub(super) fn of_class(&self, class: &str) -> impl Iterator<Item = &str> {
        self.by_class.get(class).into_iter().flatten().map(String::as_str)
    }

    /// The lines of an order.
    pub(super) fn lines(&self, order: &str) -> &[String] {
        self.lines.get(order).map_or(&[], Vec::as_slice)
    }

    /// How many subjects there are of each class.
    pub(super) fn counts(&self) -> BTreeMap<&str, usize> {
        self.by_class.iter().map(|(class, ids)| (class.as_str(), ids.len())).collect()
    }

    /// Lets the oldest of a class go when a new one comes and there are too many.
    fn make_room(&mut self, subject: &str) {
        if self.subjects.contains_key(subject) {
            return;
        }
        let class = subject.split(':').next().unwrap_or_default();
        let most = if class == "order" { MOST_ORDERS } else { MOST_OTHERS };
        let ids = self.by_class.entry(class.to_owned()).or_default();
        ids.push_back(subject.to_owned());
        if ids.len() > most
            && let Some(oldest) = ids.pop_front()
        {
            self.subjects.remove(&oldest);
            for line in self.lines.remove(&oldest).unwrap_or_default() {
                self.subjects.remove(&line);
            }
        }
    }
}
