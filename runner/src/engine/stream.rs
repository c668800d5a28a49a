//! Connections that are held open and carry many messages at once: whom a message goes to, and what waits there.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tokio::sync::Semaphore;

use crate::engine::job::Job;
use crate::engine::place::{Lane, Submitted};
use crate::transport::channel::ChannelTransport;

/// Messages and bytes that may wait for the connections of one target, for each worker. Beyond, they are dropped.
const MOST_WAITING: usize = 200_000;
const MOST_WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Connections of one worker that are being opened at the same time: more would only fill the target's backlog.
const OPENED_AT_ONCE: usize = 64;

/// The streams to one target.
pub(crate) struct StreamPool {
    pub(crate) transport: ChannelTransport,
    pub(crate) lanes: Vec<Rc<StreamLane>>,
    /// Lets only so many connections be opened at the same time.
    pub(crate) opening: Semaphore,
    /// The number of its first stream among all of the target's, and the step to its next: workers take turns.
    numbers: (u64, u64),
    next: Cell<usize>,
    waiting: Cell<usize>,
    waiting_bytes: Cell<usize>,
}

/// One stream's place, from outside.
#[derive(Debug, Default)]
pub(crate) struct StreamLane {
    pub(crate) lane: Lane,
    queue: RefCell<VecDeque<Job>>,
}

impl StreamPool {
    /// Streams that are not open yet.
    pub(crate) fn new(transport: ChannelTransport, streams: usize, numbers: (u64, u64)) -> Self {
        Self {
            transport,
            numbers,
            lanes: (0..streams.max(1)).map(|_| Rc::default()).collect(),
            opening: Semaphore::new(OPENED_AT_ONCE),
            next: Cell::new(0),
            waiting: Cell::new(0),
            waiting_bytes: Cell::new(0),
        }
    }

    /// The number of a stream among all of the target's, from 0.
    pub(crate) fn number(&self, place: usize) -> u64 {
        let (first, step) = self.numbers;
        first + step * place as u64
    }

    /// Hands a message to the next stream in turn, so that each carries the same share.
    pub(crate) fn submit(&self, mut job: Job) -> Submitted {
        if self.waiting.get() >= MOST_WAITING || self.waiting_bytes.get() + job.size() > MOST_WAITING_BYTES {
            return Submitted::Overflowed(job);
        }
        // What waits here waits for the target: its connection is being opened, or its window is full.
        job.waited = true;
        let turn = self.next.get();
        self.next.set((turn + 1) % self.lanes.len());
        let stream = &self.lanes[turn];
        self.count(1, job.size() as isize);
        stream.queue.borrow_mut().push_back(job);
        stream.lane.wake();
        Submitted::Sent
    }

    /// The message that has waited longest at a stream.
    pub(crate) fn next_at(&self, stream: &StreamLane) -> Option<Job> {
        let job = stream.queue.borrow_mut().pop_front()?;
        self.count(-1, -(job.size() as isize));
        Some(job)
    }

    /// Puts back a message that the stream has no room for yet.
    pub(crate) fn put_back(&self, stream: &StreamLane, job: Job) {
        self.count(1, job.size() as isize);
        stream.queue.borrow_mut().push_front(job);
    }

    /// Everything that waits, taken out.
    pub(crate) fn drain(&self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for stream in &self.lanes {
            jobs.extend(std::iter::from_fn(|| self.next_at(stream)));
        }
        jobs
    }

    /// How many messages wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.get() as u64
    }

    fn count(&self, jobs: isize, bytes: isize) {
        self.waiting.set(self.waiting.get().saturating_add_signed(jobs));
        self.waiting_bytes.set(self.waiting_bytes.get().saturating_add_signed(bytes));
    }
}

impl StreamLane {
    /// Whether the message that has waited longest was taken up at or before a moment.
    pub(crate) fn waits_since(&self, moment: shared::units::Nanos) -> bool {
        self.queue.borrow().front().is_some_and(|job| job.taken <= moment)
    }
}
