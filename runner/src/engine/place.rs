//! The places at which connections stand, seen from outside: handing over a request, telling that time is up.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use shared::units::Nanos;

use crate::engine::job::Job;

/// One connection's place, from outside: hand it a request, tell it that time is up.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) job: RefCell<Option<Job>>,
    pub(crate) deadline: Cell<Option<Nanos>>,
    pub(crate) expired: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Lane {
    /// Remembers whom to wake.
    pub(crate) fn remember(&self, waker: &Waker) {
        let mut held = self.waker.borrow_mut();
        match held.as_mut() {
            Some(held) => held.clone_from(waker),
            None => *held = Some(waker.clone()),
        }
    }

    /// Wakes its task.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}

/// What became of a request that was handed over.
pub(crate) enum Submitted {
    /// A connection has it.
    Sent,
    /// It waits; a new connection would help.
    WantsLane,
    /// It waits for one of the connections to become free.
    Waits,
    /// Too many are waiting already.
    Overflowed(Job),
}
