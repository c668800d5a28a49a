//! Virtual users without sessions: each emits, waits for its answer, pauses, and emits again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::plan::Share;
use crate::units::Nanos;

/// How the virtual users of a closed load come and go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Joining {
    /// How many.
    pub(crate) users: u64,
    /// Gap between the starts of two.
    pub(crate) stagger: Nanos,
    /// Time in which they join, and in which they leave before the end.
    pub(crate) up: Nanos,
    pub(crate) down: Nanos,
    /// When the load ends.
    pub(crate) end: Option<Nanos>,
    /// Least pause after each answer.
    pub(crate) delay: Nanos,
}

impl Joining {
    /// When a user starts, in the scenario's own time.
    pub(crate) fn start(&self, user: u64) -> Nanos {
        self.part(self.up, user).max(Nanos(self.stagger.0.saturating_mul(user)))
    }

    /// Whether a user has left by a moment of the schedule: at the end all have, from the last to the first.
    pub(crate) fn has_left(&self, user: u64, at: Nanos) -> bool {
        self.end.is_some_and(|end| at >= end.saturating_sub(self.part(self.down, user)))
    }

    /// How many are there at a moment of the schedule, if the scenario's own time goes on as planned.
    pub(crate) fn present(&self, at: Nanos) -> u64 {
        // The first to come is the last to leave, so that those who are there are always the first so many.
        let is_there = |user: u64| self.start(user) <= at && !self.has_left(user, at);
        let (mut present, mut beyond) = (0, self.users);
        while present < beyond {
            let middle = present + (beyond - present) / 2;
            if is_there(middle) { present = middle + 1 } else { beyond = middle }
        }
        present
    }

    /// The part of a span that lies before a user's turn.
    fn part(&self, span: Nanos, user: u64) -> Nanos {
        let user = user.min(self.users.saturating_sub(1));
        Nanos((u128::from(span.0) * u128::from(user) / u128::from(self.users.max(1))) as u64)
    }
}

/// The users of one worker.
#[derive(Debug)]
pub(crate) struct Crowd {
    share: Share,
    /// Who may go on when, in the scenario's own time.
    ready: BinaryHeap<Reverse<(Nanos, u64)>>,
    members: Vec<Member>,
    /// Users here.
    here: u64,
    /// From a moment on, only so many.
    limit: Option<(Nanos, u64)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Member {
    step: u32,
    here: bool,
    waits: bool,
}

impl Crowd {
    /// All users of a worker's share, at their starts.
    pub(crate) fn new(share: Share, users: u64, start: impl Fn(u64) -> Nanos) -> Self {
        let mut crowd = Self { share, ready: BinaryHeap::new(), members: Vec::new(), here: 0, limit: None };
        crowd.grow(users, start);
        crowd
    }

    /// Lets those of the first users that are not here join.
    pub(crate) fn grow(&mut self, users: u64, start: impl Fn(u64) -> Nanos) {
        self.limit = self.limit.filter(|(_, limit)| *limit >= users);
        let count = u64::from(self.share.count.max(1));
        let mut user = u64::from(self.share.index);
        while user < users {
            let place = self.place(user);
            if self.members.len() <= place {
                self.members.resize(place + 1, Member::default());
            }
            let member = &mut self.members[place];
            if !member.here {
                member.here = true;
                self.here += 1;
                // Who still waits for an answer goes on with that.
                if !member.waits {
                    self.ready.push(Reverse((start(user), user)));
                }
            }
            user += count;
        }
    }

    /// Lets all but the first users leave: nothing of theirs from a moment on.
    pub(crate) fn shrink(&mut self, users: u64, at: Nanos) {
        self.limit = Some((at, users));
        for Reverse((moment, user)) in std::mem::take(&mut self.ready).into_vec() {
            if user >= users && moment >= at {
                self.leave(user);
            } else {
                self.ready.push(Reverse((moment, user)));
            }
        }
    }

    /// Who goes on first, and when.
    pub(crate) fn first(&self) -> Option<(Nanos, u64)> {
        self.ready.peek().map(|Reverse(first)| *first)
    }

    /// The first one leaves.
    pub(crate) fn dismiss(&mut self) {
        if let Some(Reverse((_, user))) = self.ready.pop() {
            self.leave(user);
        }
    }

    /// The first one goes on and waits from then on; gives the number of its event.
    pub(crate) fn take(&mut self) -> Option<u32> {
        let Reverse((_, user)) = self.ready.pop()?;
        let place = self.place(user);
        let member = self.members.get_mut(place)?;
        member.waits = true;
        let step = member.step;
        member.step += 1;
        Some(step)
    }

    /// A user has its answer and goes on from a moment on, if it is still here.
    pub(crate) fn answered(&mut self, user: u64, at: Nanos) {
        let place = self.place(user);
        let Some(member) = self.members.get_mut(place) else { return };
        if !std::mem::take(&mut member.waits) || !member.here {
            return;
        }
        if self.limit.is_some_and(|(from, users)| user >= users && at >= from) {
            self.leave(user);
        } else {
            self.ready.push(Reverse((at, user)));
        }
    }

    /// A user has nothing left to do.
    pub(crate) fn retire(&mut self, user: u64) {
        if let Some(member) = self.members.get_mut((user / u64::from(self.share.count.max(1))) as usize) {
            member.waits = false;
        }
        self.leave(user);
    }

    /// Whether nobody is here any more.
    pub(crate) fn is_empty(&self) -> bool {
        self.here == 0
    }

    fn leave(&mut self, user: u64) {
        let place = self.place(user);
        if let Some(member) = self.members.get_mut(place)
            && std::mem::take(&mut member.here)
        {
            self.here -= 1;
        }
    }

    fn place(&self, user: u64) -> usize {
        (user / u64::from(self.share.count.max(1))) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn joining(users: u64) -> Joining {
        Joining {
            users,
            stagger: Nanos::from_secs(1),
            up: Nanos::from_secs(20),
            down: Nanos::from_secs(10),
            end: Some(Nanos::from_secs(100)),
            delay: Nanos::ZERO,
        }
    }

    #[test]
    fn users_join_one_by_one_and_leave_from_the_last_to_the_first() {
        let joining = joining(10);
        let starts: Vec<u64> = (0..10).map(|user| joining.start(user).0 / SECOND).collect();
        assert_eq!(starts, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18], "the ramp is slower than the stagger");
        assert!(!joining.has_left(9, Nanos::from_secs(90)) && joining.has_left(9, Nanos::from_secs(91)));
        assert!(!joining.has_left(0, Nanos::from_secs(99)) && joining.has_left(0, Nanos::from_secs(100)));
    }

    #[test]
    fn a_user_has_one_event_on_its_way_and_comes_back_after_its_answer() {
        let mut crowd = Crowd::new(Share { index: 1, count: 2 }, 4, Nanos::from_secs);
        assert_eq!(crowd.first(), Some((Nanos::from_secs(1), 1)));
        assert_eq!(crowd.take(), Some(0));
        assert_eq!(crowd.first(), Some((Nanos::from_secs(3), 3)));
        crowd.answered(1, Nanos::from_secs(2));
        crowd.answered(1, Nanos::from_secs(2));
        assert_eq!(crowd.first(), Some((Nanos::from_secs(2), 1)));
        assert_eq!(crowd.take(), Some(1));
        crowd.shrink(1, Nanos::from_secs(3));
        assert!(crowd.first().is_none(), "the other one has left");
        crowd.answered(1, Nanos::from_secs(4));
        assert!(crowd.first().is_none() && crowd.is_empty(), "its answer is the last that it waited for");
        crowd.grow(2, |_| Nanos::from_secs(9));
        assert_eq!(crowd.first(), Some((Nanos::from_secs(9), 1)));
        assert_eq!(crowd.take(), Some(2), "its events go on where they ended");
    }
}
