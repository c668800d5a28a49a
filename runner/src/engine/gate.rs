//! What a workload may have on its way: at most so many requests, and one at a time about each entity where order
//! matters. What must wait is kept in its order, and dropped when it is too much.

use std::collections::{HashMap, VecDeque};

use crate::engine::job::Job;

/// Requests that one workload of a worker keeps back. Beyond, they are dropped.
const MOST_HELD: usize = 200_000;
/// The same about one entity: whoever is so far behind never catches up.
const MOST_OF_ONE: usize = 1_000;

/// What became of a request that wanted to go.
pub(crate) enum Admitted {
    /// It may go.
    Goes(Job),
    /// It is kept until others are over.
    Held,
    /// Too many are kept already.
    Overflowed(Job),
}

/// The gate of one workload in one worker.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    most: Option<u32>,
    on_their_way: u32,
    /// Requests about an entity that has one on its way or in `waiting`.
    busy: HashMap<u64, VecDeque<Job>>,
    /// Requests whose entity is free, but that would be too many.
    waiting: VecDeque<Job>,
    held: usize,
}

impl Gate {
    /// A gate for at most so many requests at a time.
    pub(crate) fn new(most: Option<u32>) -> Self {
        Self { most, ..Self::default() }
    }

    /// Requests that are kept.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Lets a request go, or keeps it.
    pub(crate) fn admit(&mut self, mut job: Job) -> Admitted {
        if self.most.is_none() && job.entity.is_none() {
            return Admitted::Goes(job);
        }
        let queue = job.entity.and_then(|entity| self.busy.get_mut(&entity));
        let full = queue.as_ref().is_some_and(|queue| queue.len() >= MOST_OF_ONE) || self.held >= MOST_HELD;
        let crowded = self.most.is_some_and(|most| self.on_their_way >= most);
        match queue {
            Some(_) if full => Admitted::Overflowed(job),
            Some(queue) => {
                job.held = true;
                queue.push_back(job);
                self.held += 1;
                Admitted::Held
            }
            None if crowded && full => Admitted::Overflowed(job),
            None => {
                if let Some(entity) = job.entity {
                    self.busy.insert(entity, VecDeque::new());
                }
                if crowded {
                    job.held = true;
                    self.waiting.push_back(job);
                    self.held += 1;
                    return Admitted::Held;
                }
                Admitted::Goes(self.goes(job))
            }
        }
    }

    /// A request that went is over; gives the one that goes in its place.
    pub(crate) fn ended(&mut self, entity: Option<u64>) -> Option<Job> {
        self.on_their_way = self.on_their_way.saturating_sub(1);
        if let Some(entity) = entity
            && let Some(queue) = self.busy.get_mut(&entity)
        {
            match queue.pop_front() {
                // The same entity's next one lines up behind those that have waited longer.
                Some(next) => self.waiting.push_back(next),
                None => {
                    self.busy.remove(&entity);
                }
            }
        }
        let job = self.waiting.pop_front()?;
        self.held -= 1;
        Some(self.goes(job))
    }

    /// Takes out everything that is kept, one by one.
    pub(crate) fn give_up(&mut self) -> Option<Job> {
        let job = self.waiting.pop_front().or_else(|| {
            let entity = self.busy.iter().find(|(_, queue)| !queue.is_empty()).map(|(entity, _)| *entity)?;
            self.busy.get_mut(&entity)?.pop_front()
        })?;
        self.held -= 1;
        Some(job)
    }

    fn goes(&mut self, mut job: Job) -> Job {
        self.on_their_way += 1;
        job.admitted = true;
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(entity: Option<u64>, key: u64) -> Job {
        let mut job = Job::default();
        (job.entity, job.key) = (entity, key);
        job
    }

    fn goes(admitted: Admitted) -> Option<u64> {
        match admitted {
            Admitted::Goes(job) => Some(job.key),
            Admitted::Held | Admitted::Overflowed(_) => None,
        }
    }

    #[test]
    fn an_entity_has_one_request_on_its_way_and_the_others_follow_in_order() {
        let mut gate = Gate::default();
        assert_eq!(goes(gate.admit(about(Some(7), 1))), Some(1));
        assert_eq!(goes(gate.admit(about(Some(7), 2))), None);
        assert_eq!(goes(gate.admit(about(Some(8), 3))), Some(3));
        assert_eq!(goes(gate.admit(about(Some(7), 4))), None);
        assert_eq!(goes(gate.admit(about(None, 5))), Some(5), "what has no entity need not wait");
        assert_eq!(gate.held(), 2);
        assert_eq!(gate.ended(Some(7)).map(|job| job.key), Some(2));
        assert_eq!(gate.ended(Some(8)).map(|job| job.key), None);
        assert_eq!(gate.ended(Some(7)).map(|job| job.key), Some(4));
        assert_eq!(gate.ended(Some(7)).map(|job| job.key), None);
        assert_eq!(goes(gate.admit(about(Some(7), 6))), Some(6));
        assert_eq!(gate.held(), 0);
    }

    #[test]
    fn no_more_go_than_may_and_who_waited_longest_goes_first() {
        let mut gate = Gate::new(Some(2));
        let went: Vec<_> = (0..5).filter_map(|key| goes(gate.admit(about(Some(key % 3), key)))).collect();
        assert_eq!((went, gate.held()), (vec![0, 1], 3));
        assert_eq!(gate.ended(Some(0)).map(|job| job.key), Some(2));
        assert_eq!(gate.ended(Some(1)).map(|job| job.key), Some(3));
        assert_eq!(gate.ended(Some(2)).map(|job| job.key), Some(4));
        assert_eq!((gate.ended(Some(0)).map(|job| job.key), gate.held()), (None, 0));
    }

    #[test]
    fn an_entity_that_never_comes_free_does_not_fill_the_memory() {
        let mut gate = Gate::default();
        gate.admit(about(Some(1), 0));
        let overflowed =
            (0..MOST_OF_ONE + 10).filter(|_| matches!(gate.admit(about(Some(1), 1)), Admitted::Overflowed(_)));
        assert_eq!(overflowed.count(), 10);
        assert_eq!(std::iter::from_fn(|| gate.give_up()).count(), MOST_OF_ONE);
        assert_eq!(gate.held(), 0);
    }
}
