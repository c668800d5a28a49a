//! What the practice target received, counted by itself in bounded memory.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use shared::api::TargetAccount;

/// Distinct users remembered; later ones are not counted.
const MAX_USERS: usize = 1_000_000;
/// Event types counted by name; the rest is counted together.
const MAX_EVENT_TYPES: usize = 1_000;
/// The name under which the rest is counted.
const OTHER: &str = "(other)";
/// The name of events that have none.
const UNNAMED: &str = "(none)";

/// The witness's books.
#[derive(Default)]
pub(super) struct Account {
    /// Everything that is only counted.
    pub(super) counts: TargetAccount,
    /// Hashes only: two users that share 64 bits count as one, which no count of a million will show.
    users: HashSet<u64>,
    hasher: RandomState,
}

impl Account {
    /// The books as they are now.
    pub(super) fn report(&self) -> TargetAccount {
        TargetAccount { users: self.users.len() as u64, ..self.counts.clone() }
    }

    /// Accepts one event.
    pub(super) fn accept(&mut self, event_type: &str, user: Option<&str>) {
        self.counts.accepted += 1;
        let event_type = if event_type.is_empty() { UNNAMED } else { event_type };
        match self.counts.event_types.get_mut(event_type) {
            Some(count) => *count += 1,
            None => count_new(&mut self.counts.event_types, event_type),
        }
        if let Some(user) = user
            && self.users.len() < MAX_USERS
        {
            self.users.insert(self.hasher.hash_one(user));
        }
    }
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
        for user in [Some("a"), Some("b"), Some("a"), None] {
            account.accept("page.view", user);
        }
        let report = account.report();
        assert_eq!((report.accepted, report.users), (4, 2));
        assert_eq!(report.event_types["page.view"], 4);
    }

    #[test]
    fn event_types_stay_bounded_and_nothing_is_lost() {
        let mut account = Account::default();
        for number in 0..5_000 {
            account.accept(&format!("type.{number}"), None);
        }
        let report = account.report();
        assert!(report.event_types.len() <= MAX_EVENT_TYPES + 1);
        assert_eq!(report.event_types.values().sum::<u64>(), report.accepted);
    }
}
