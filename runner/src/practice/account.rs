//! What the practice target received, counted by itself in bounded memory.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

use shared::api::TargetAccount;

/// Distinct users remembered; later ones are not counted.
const MAX_USERS: usize = 1_000_000;
/// Newest event ids remembered for telling duplicates.
const MAX_IDS: usize = 1_000_000;
/// Event types counted by name; the rest is counted together.
const MAX_EVENT_TYPES: usize = 1_000;
/// The name under which the rest is counted.
const OTHER: &str = "(other)";

/// The witness's books.
#[derive(Default)]
pub(super) struct Account {
    counts: TargetAccount,
    /// Hashes only: two users that share 64 bits count as one, which no count of a million will show.
    users: HashSet<u64>,
    ids: HashSet<u64>,
    /// The same ids in order of arrival, so that the oldest can be forgotten.
    ids_by_age: VecDeque<u64>,
    hasher: RandomState,
}

impl Account {
    /// The books as they are now.
    pub(super) fn report(&self) -> TargetAccount {
        TargetAccount { users: self.users.len() as u64, ..self.counts.clone() }
    }

    /// A request was read to its end.
    pub(super) fn count_request(&mut self) {
        self.counts.requests += 1;
    }

    /// Accepts one event.
    pub(super) fn accept(&mut self, event_type: &str, user: UserKey<'_>, event_id: Option<&str>) {
        self.counts.accepted += 1;
        match self.counts.event_types.get_mut(event_type) {
            Some(count) => *count += 1,
            None => count_new(&mut self.counts.event_types, event_type),
        }
        if self.users.len() < MAX_USERS {
            self.users.insert(self.hasher.hash_one(user));
        }
        if let Some(id) = event_id {
            self.remember(id);
        }
    }

    /// Refuses events for what they are.
    pub(super) fn rejected(&mut self, events: u64) {
        self.counts.rejected += events;
    }

    /// Refuses events for the rate.
    pub(super) fn throttled(&mut self, events: u64) {
        self.counts.throttled += events;
    }

    /// Answers events with an injected error.
    pub(super) fn failed(&mut self, events: u64) {
        self.counts.failed += events;
    }

    /// Drops the connection that brought events.
    pub(super) fn dropped(&mut self, events: u64) {
        self.counts.dropped += events;
    }

    fn remember(&mut self, id: &str) {
        let hash = self.hasher.hash_one(id);
        if !self.ids.insert(hash) {
            self.counts.duplicates += 1;
            return;
        }
        self.ids_by_age.push_back(hash);
        if self.ids_by_age.len() > MAX_IDS
            && let Some(oldest) = self.ids_by_age.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

/// A user as the contract allows it: any value that counts as present.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum UserKey<'a> {
    /// A string.
    Text(&'a str),
    /// A whole number.
    Number(i64),
    /// Something else that is present.
    Other,
}

/// Counts the first event of a type, by name while there is room.
fn count_new(event_types: &mut BTreeMap<String, u64>, event_type: &str) {
    let name = if event_types.len() < MAX_EVENT_TYPES { event_type } else { OTHER };
    *event_types.entry(name.to_owned()).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_counted_once_however_often_they_come() {
        let mut account = Account::default();
        for user in ["a", "b", "a"] {
            account.accept("page.view", UserKey::Text(user), None);
        }
        account.accept("page.view", UserKey::Number(7), None);
        let report = account.report();
        assert_eq!((report.accepted, report.users), (4, 3));
        assert_eq!(report.event_types["page.view"], 4);
    }

    #[test]
    fn event_types_stay_bounded_and_nothing_is_lost() {
        let mut account = Account::default();
        for number in 0..5_000 {
            account.accept(&format!("type.{number}"), UserKey::Other, None);
        }
        let report = account.report();
        assert!(report.event_types.len() <= MAX_EVENT_TYPES + 1);
        assert_eq!(report.event_types.values().sum::<u64>(), report.accepted);
    }

    #[test]
    fn the_same_event_id_is_a_duplicate() {
        let mut account = Account::default();
        for id in ["e1", "e2", "e1"] {
            account.accept("page.view", UserKey::Other, Some(id));
        }
        assert_eq!(account.report().duplicates, 1);
    }
}
