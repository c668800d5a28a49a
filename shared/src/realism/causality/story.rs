//! Remembers where stories stand: the newest for sure, old ones until there are too many.

use std::collections::BTreeMap;

/// Stories in a generation; two generations are kept.
const GENERATION: usize = 100_000;

/// Where a story stands.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct State {
    pub(super) begun: bool,
    pub(super) ended: bool,
    /// The page that is open, as a hash.
    pub(super) page: Option<u64>,
}

/// Stories by the hash of their key. A story that nothing happens to for two generations is forgotten.
#[derive(Clone, Debug)]
pub(super) struct Memory<S> {
    young: BTreeMap<u64, S>,
    old: BTreeMap<u64, S>,
    forgotten: bool,
}

impl<S> Default for Memory<S> {
    fn default() -> Self {
        Self { young: BTreeMap::new(), old: BTreeMap::new(), forgotten: false }
    }
}

impl<S: Clone> Memory<S> {
    pub(super) fn recall(&self, key: u64) -> Option<S> {
        self.young.get(&key).or_else(|| self.old.get(&key)).cloned()
    }

    pub(super) fn remember(&mut self, key: u64, state: S) {
        if self.young.len() >= GENERATION && !self.young.contains_key(&key) {
            self.forgotten |= !self.old.is_empty();
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, state);
    }

    /// Whether a story that is not known may just have been forgotten.
    pub(super) fn has_forgotten(&self) -> bool {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_says_that_it_forgets() {
        let mut memory = Memory::default();
        for key in 0..(GENERATION as u64 * 3) {
            memory.remember(key, State { begun: true, ..State::default() });
            memory.remember(0, State { begun: true, ended: true, page: None });
        }
        assert!(memory.young.len() + memory.old.len() <= 2 * GENERATION);
        assert!(memory.has_forgotten());
        assert_eq!(memory.recall(5), None);
        assert!(memory.recall(0).unwrap().ended, "what is in use stays");
    }
}
