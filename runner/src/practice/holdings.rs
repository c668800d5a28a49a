//! What the practice target holds of what it accepted: key and digest of each event in the order in which it was kept,
//! and which ids have come before. It holds so many and no more; at the bound the oldest go, and are counted.

use std::collections::{HashMap, HashSet, VecDeque};

use shared::api::{HeldEvents, TargetAccount, TargetSettings};

use super::random::Random;
use crate::fingerprint::{Fingerprint, Key, mix};

/// Most events of one answer.
const MOST_TOLD: usize = 50_000;
/// Most events that are held back to be kept later, one for each user.
const MOST_HELD_BACK: usize = 10_000;

/// What is held. Key and digest take 24 bytes, and an id that is remembered about as many.
pub(super) struct Holdings {
    events: VecDeque<[u64; 3]>,
    /// How many were held before the first of these.
    let_go: u64,
    ids: HashSet<u64>,
    /// The same ids in order of arrival, so that the oldest can be forgotten.
    ids_by_age: VecDeque<u64>,
    /// Events that are kept only after the next one of their user.
    held_back: HashMap<u64, Fingerprint>,
    random: Random,
}

impl Default for Holdings {
    fn default() -> Self {
        Self {
            events: VecDeque::new(),
            let_go: 0,
            ids: HashSet::new(),
            ids_by_age: VecDeque::new(),
            held_back: HashMap::new(),
            random: Random::new(2),
        }
    }
}

impl Holdings {
    /// Whether an id has come before, among those remembered.
    pub(super) fn knows(&self, fingerprint: &Fingerprint) -> bool {
        !fingerprint.by_content && self.ids.contains(&fingerprint.key.mixed())
    }

    /// Remembers the id of an accepted event; whether it was new.
    pub(super) fn remember(&mut self, fingerprint: &Fingerprint, settings: &TargetSettings) -> bool {
        if fingerprint.by_content {
            return true;
        }
        let id = fingerprint.key.mixed();
        if !self.ids.insert(id) {
            return false;
        }
        self.ids_by_age.push_back(id);
        while self.ids_by_age.len() as u64 > settings.keep_events {
            let Some(oldest) = self.ids_by_age.pop_front() else { break };
            self.ids.remove(&oldest);
        }
        true
    }

    /// Keeps an accepted event, or does with it what the settings say that a bad sink would.
    pub(super) fn keep(
        &mut self,
        event: Fingerprint,
        user: Option<u64>,
        settings: &TargetSettings,
        counts: &mut TargetAccount,
    ) {
        // Each draw only where it is asked for: an honest target draws nothing.
        let mut draws = |rate: f64| rate > 0.0 && self.random.unit() < rate;
        if draws(settings.forget_rate) {
            counts.forgotten += 1;
        } else if draws(settings.keep_twice_rate) {
            counts.kept_twice += 1;
            self.push(event, settings);
            self.push(event, settings);
        } else if draws(settings.corrupt_rate) {
            counts.corrupted += 1;
            let digest = mix(event.digest ^ 1);
            let key = if event.by_content { Key::of_content(digest) } else { event.key };
            self.push(Fingerprint { key, digest, ..event }, settings);
        } else if let Some(user) = user
            && draws(settings.reorder_rate)
            && self.held_back.len() < MOST_HELD_BACK
            && !self.held_back.contains_key(&user)
        {
            self.held_back.insert(user, event);
            return;
        } else {
            self.push(event, settings);
            if let Some(late) = user.and_then(|user| self.held_back.remove(&user)) {
                counts.reordered += 1;
                self.push(late, settings);
            }
        }
        if settings.phantom_rate > 0.0 && self.random.unit() < settings.phantom_rate {
            counts.phantoms += 1;
            let digest = mix(self.random.bits());
            self.push(Fingerprint { key: Key::of_content(digest), digest, by_content: false }, settings);
        }
    }

    /// How many it holds, and how many it has let go.
    pub(super) fn extent(&self) -> (u64, u64) {
        (self.events.len() as u64 + self.held_back.len() as u64, self.let_go)
    }

    /// What it holds from a place on. What was held back for a later event that never came is kept now.
    pub(super) fn tell(&mut self, from: u64, limit: usize, settings: &TargetSettings) -> HeldEvents {
        let late: Vec<Fingerprint> = self.held_back.drain().map(|(_, event)| event).collect();
        late.into_iter().for_each(|event| self.push(event, settings));
        let from = from.max(self.let_go);
        let skipped = usize::try_from(from - self.let_go).unwrap_or(usize::MAX);
        let told = self.events.iter().skip(skipped).take(limit.min(MOST_TOLD));
        HeldEvents {
            let_go: self.let_go,
            from,
            end: self.let_go + self.events.len() as u64,
            id_field: settings.id_field.clone(),
            events: told.map(|[high, low, digest]| format!("{high:016x}{low:016x}:{digest:016x}")).collect(),
        }
    }

    fn push(&mut self, event: Fingerprint, settings: &TargetSettings) {
        self.events.push_back([(event.key.0 >> 64) as u64, event.key.0 as u64, event.digest]);
        while self.events.len() as u64 > settings.keep_events {
            self.events.pop_front();
            self.let_go += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: u64) -> Fingerprint {
        Fingerprint { key: Key::of_id(&format!("id-{number}")), digest: number, by_content: false }
    }

    fn told(holdings: &mut Holdings, settings: &TargetSettings) -> Vec<u64> {
        let held = holdings.tell(0, usize::MAX, settings);
        held.events.iter().map(|event| u64::from_str_radix(&event[33..], 16).unwrap()).collect()
    }

    #[test]
    fn at_the_bound_the_oldest_go_and_are_counted() {
        let settings = TargetSettings { keep_events: 10, ..TargetSettings::default() };
        let (mut holdings, mut counts) = (Holdings::default(), TargetAccount::default());
        for number in 0..25 {
            assert!(holdings.remember(&event(number), &settings));
            holdings.keep(event(number), None, &settings, &mut counts);
        }
        assert_eq!(holdings.extent(), (10, 15));
        assert_eq!(told(&mut holdings, &settings), (15..25).collect::<Vec<_>>());
        let page = holdings.tell(20, 2, &settings);
        assert_eq!((page.from, page.end, page.events.len()), (20, 25, 2));
        assert!(holdings.knows(&event(15)) && !holdings.knows(&event(14)));
        assert!(!holdings.remember(&event(20), &settings));
    }

    #[test]
    fn a_bad_sink_counts_what_it_does() {
        let settings = TargetSettings {
            forget_rate: 0.1,
            keep_twice_rate: 0.1,
            corrupt_rate: 0.1,
            reorder_rate: 0.1,
            phantom_rate: 0.1,
            ..TargetSettings::default()
        };
        let (mut holdings, mut counts) = (Holdings::default(), TargetAccount::default());
        for number in 0..2_000 {
            holdings.keep(event(number), Some(number % 3), &settings, &mut counts);
        }
        let sorts = [counts.forgotten, counts.kept_twice, counts.corrupted, counts.reordered, counts.phantoms];
        assert!(sorts.iter().all(|count| (50..350).contains(count)), "{sorts:?}");
        let held = told(&mut holdings, &settings).len() as u64;
        assert_eq!(held, 2_000 - counts.forgotten + counts.kept_twice + counts.phantoms);
    }

    #[test]
    fn an_event_that_is_held_back_comes_right_after_the_next_of_its_user() {
        let late = TargetSettings { reorder_rate: 1.0, ..TargetSettings::default() };
        let honest = TargetSettings::default();
        let (mut holdings, mut counts) = (Holdings::default(), TargetAccount::default());
        holdings.keep(event(1), Some(7), &late, &mut counts);
        holdings.keep(event(2), Some(8), &honest, &mut counts);
        holdings.keep(event(3), Some(7), &honest, &mut counts);
        assert_eq!((told(&mut holdings, &honest), counts.reordered), (vec![2, 3, 1], 1));
    }
}
