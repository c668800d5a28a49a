//! What the tasks of one worker share: its recorder, its connections, what waits for them. All on one thread.

use std::cell::{Cell, RefCell, RefMut};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use shared::plan::{Client, Plan, TargetId};
use shared::units::Nanos;

use crate::engine::clock::RunClock;
use crate::engine::job::{Job, Spare};
use crate::engine::place::{Lane, Submitted};
use crate::engine::recorder::{Gauges, Recorder};
use crate::engine::saved::Saver;
use crate::engine::stream::StreamPool;
use crate::engine::target::Targets;
use crate::ledger::Page;
use crate::transport::Transport;

/// Bytes and requests that may wait for connections, for each target of a worker. Beyond, requests are dropped.
const MOST_WAITING_BYTES: usize = 64 * 1024 * 1024;
const MOST_WAITING: usize = 200_000;

/// What the tasks of one worker share.
pub(crate) struct Hub {
    pub(crate) clock: RunClock,
    pub(crate) targets: Targets,
    pub(crate) secrets: Arc<[String]>,
    plan: Arc<Plan>,
    pub(crate) pools: Vec<Pool>,
    /// Keeps what is sent, where that is wanted.
    pub(crate) saver: Option<Saver>,
    /// The streams of those targets that have some.
    pub(crate) streams: Vec<Option<StreamPool>>,
    pub(crate) spare: RefCell<Spare>,
    /// Whether requests that failed may still be sent again.
    pub(crate) retries_allowed: Cell<bool>,
    /// Whether everything is to end at once.
    pub(crate) aborted: Cell<bool>,
    /// Whether idle connections are to close: nothing will be sent any more.
    pub(crate) closing: Cell<bool>,
    /// Requests on their way, retries that wait included.
    pub(crate) in_flight: Cell<u64>,
    pub(crate) connections: Cell<u64>,
    /// When the worker itself next has something to do.
    pub(crate) next_due: Cell<Nanos>,
    recorder: RefCell<Recorder>,
    /// Entries of the ledger, where one is kept.
    pub(crate) ledger: RefCell<Option<Page>>,
    retries: RefCell<BinaryHeap<Reverse<Retry>>>,
    retry_number: Cell<u64>,
    /// Ends that feeds want to know of.
    ended: RefCell<VecDeque<Ended>>,
    /// Requests that feeds keep back.
    pub(crate) held: Cell<u64>,
    worker: RefCell<Option<Waker>>,
}

/// The connections of one target, and what waits for them.
pub(crate) struct Pool {
    /// None where the target has streams instead.
    pub(crate) transport: Option<Transport>,
    pub(crate) waiting: RefCell<VecDeque<Job>>,
    waiting_bytes: Cell<usize>,
    pub(crate) idle: RefCell<Vec<Rc<Lane>>>,
    pub(crate) lanes: RefCell<Vec<Rc<Lane>>>,
    /// Lanes whose connection is being opened.
    pub(crate) opening: Cell<usize>,
    /// Connections that the target closed and that have not been replaced.
    pub(crate) lost: Cell<u64>,
}

/// The end of a request, as a feed wants to know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) feed: u16,
    pub(crate) at: Nanos,
    pub(crate) whose: Whose,
}

/// What goes on when a request is over.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    /// The next request, about the same entity where there is one.
    Entity(Option<u64>),
    /// A user who waited for the answer.
    User(u64),
}

#[derive(Debug)]
struct Retry {
    at: Nanos,
    number: u64,
    target: usize,
    job: Job,
}

impl PartialEq for Retry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Retry {}

impl PartialOrd for Retry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Retry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl Pool {
    /// A pool without connections.
    pub(crate) fn new(transport: Option<Transport>) -> Self {
        Self {
            transport,
            waiting: RefCell::default(),
            waiting_bytes: Cell::new(0),
            idle: RefCell::default(),
            lanes: RefCell::default(),
            opening: Cell::new(0),
            lost: Cell::new(0),
        }
    }

    /// Hands a request to an idle connection, or lets it wait.
    pub(crate) fn submit(&self, mut job: Job) -> Submitted {
        if let Some(lane) = self.idle.borrow_mut().pop() {
            job.waited = false;
            lane.job.replace(Some(job));
            lane.wake();
            return Submitted::Sent;
        }
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() >= MOST_WAITING || self.waiting_bytes.get() + job.size() > MOST_WAITING_BYTES {
            return Submitted::Overflowed(job);
        }
        job.waited = true;
        self.waiting_bytes.set(self.waiting_bytes.get() + job.size());
        waiting.push_back(job);
        if self.opening.get() < waiting.len()
            && self.lanes.borrow().len() < self.transport.as_ref().map_or(0, Transport::capacity)
        {
            Submitted::WantsLane
        } else {
            Submitted::Waits
        }
    }

    /// Puts back a request that its connection could not even begin.
    pub(crate) fn put_back(&self, mut job: Job) {
        job.waited = true;
        self.waiting_bytes.set(self.waiting_bytes.get() + job.size());
        self.waiting.borrow_mut().push_front(job);
    }

    /// The request that has waited longest.
    pub(crate) fn next_waiting(&self) -> Option<Job> {
        let job = self.waiting.borrow_mut().pop_front()?;
        self.waiting_bytes.set(self.waiting_bytes.get() - job.size());
        Some(job)
    }

    /// Takes a lane out of the idle ones.
    pub(crate) fn no_longer_idle(&self, lane: &Rc<Lane>) {
        self.idle.borrow_mut().retain(|idle| !Rc::ptr_eq(idle, lane));
    }
}

impl Hub {
    /// A hub of one worker.
    pub(crate) fn new(
        clock: RunClock,
        targets: Targets,
        secrets: Arc<[String]>,
        plan: Arc<Plan>,
        pools: Vec<Pool>,
        saver: Option<Saver>,
        streams: Vec<Option<StreamPool>>,
    ) -> Self {
        let protocols = targets.iter().map(|target| usize::from(target.protocol_place) + 1).max().unwrap_or(1);
        let recorder = Recorder::new(plan.event_types().len(), protocols);
        Self {
            clock,
            targets,
            secrets,
            plan,
            pools,
            saver,
            streams,
            spare: RefCell::default(),
            retries_allowed: Cell::new(true),
            aborted: Cell::new(false),
            closing: Cell::new(false),
            in_flight: Cell::new(0),
            connections: Cell::new(0),
            next_due: Cell::new(Nanos::ZERO),
            recorder: RefCell::new(recorder),
            ledger: RefCell::default(),
            retries: RefCell::default(),
            retry_number: Cell::new(0),
            ended: RefCell::default(),
            held: Cell::new(0),
            worker: RefCell::default(),
        }
    }

    /// The recorder, for something that happens now.
    pub(crate) fn record(&self, now: Nanos) -> RefMut<'_, Recorder> {
        let mut recorder = self.recorder.borrow_mut();
        if now >= recorder.tick_ends() {
            recorder.roll(now, self.gauges());
        }
        recorder
    }

    /// The name of an event type.
    pub(crate) fn type_name(&self, event_type: u16) -> String {
        self.plan.event_types().get(usize::from(event_type)).map_or_else(String::new, |kind| kind.name.clone())
    }

    /// A client of a target, by its number.
    pub(crate) fn client(&self, target: usize, number: u64) -> Option<Client> {
        self.plan.client(TargetId(target as u16), number)
    }

    /// The recorder as it is.
    pub(crate) fn recorder(&self) -> RefMut<'_, Recorder> {
        self.recorder.borrow_mut()
    }

    /// How things stand.
    pub(crate) fn gauges(&self) -> Gauges {
        let waiting: u64 = self.pools.iter().map(|pool| pool.waiting.borrow().len() as u64).sum();
        let waiting = self.held.get() + waiting + self.streams.iter().flatten().map(StreamPool::waiting).sum::<u64>();
        Gauges { in_flight: self.in_flight.get(), waiting, connections: self.connections.get() }
    }

    /// Whether nothing is on its way or waits for it: in a queue, for another attempt, or in the hands of a connection
    /// that has not had its turn yet.
    pub(crate) fn is_quiet(&self) -> bool {
        let rests = |pool: &Pool| {
            pool.waiting.borrow().is_empty() && pool.lanes.borrow().iter().all(|lane| lane.job.borrow().is_none())
        };
        let streams_rest = || self.streams.iter().flatten().all(|streams| streams.waiting() == 0);
        self.in_flight.get() == 0 && streams_rest() && self.retries.borrow().is_empty() && self.pools.iter().all(rests)
    }

    /// Keeps a request for another attempt at a later moment.
    pub(crate) fn retry_at(&self, at: Nanos, target: usize, job: Job) {
        let number = self.retry_number.get();
        self.retry_number.set(number + 1);
        self.retries.borrow_mut().push(Reverse(Retry { at, number, target, job }));
        if at < self.next_due.get() {
            self.wake_worker();
        }
    }

    /// When the next retry is due.
    pub(crate) fn next_retry(&self) -> Option<Nanos> {
        self.retries.borrow().peek().map(|Reverse(retry)| retry.at)
    }

    /// A retry that is due at or before a moment, with its target.
    pub(crate) fn take_retry(&self, now: Nanos) -> Option<(usize, Job)> {
        let mut retries = self.retries.borrow_mut();
        if retries.peek().is_none_or(|Reverse(retry)| retry.at > now) {
            return None;
        }
        retries.pop().map(|Reverse(retry)| (retry.target, retry.job))
    }

    /// A request is over, answered or not: tells its feed, if that waits for it.
    pub(crate) fn ended(&self, job: &Job, at: Nanos) {
        if !job.admitted && job.waiters.is_empty() {
            return;
        }
        let mut ended = self.ended.borrow_mut();
        if job.admitted {
            ended.push_back(Ended { feed: job.feed, at, whose: Whose::Entity(job.entity) });
        }
        for &waiter in &job.waiters {
            ended.push_back(Ended { feed: job.feed, at, whose: Whose::User(waiter) });
        }
        drop(ended);
        self.wake_worker();
    }

    /// The next end that a feed wants to know of.
    pub(crate) fn take_ended(&self) -> Option<Ended> {
        self.ended.borrow_mut().pop_front()
    }

    /// Remembers the worker's own task.
    pub(crate) fn remember_worker(&self, waker: &Waker) {
        let mut held = self.worker.borrow_mut();
        match held.as_mut() {
            Some(held) => held.clone_from(waker),
            None => *held = Some(waker.clone()),
        }
    }

    /// Wakes the worker's own task if something of its is due: the poller may not have looked for a while.
    pub(crate) fn wake_worker_if_due(&self, now: Nanos) {
        if now >= self.next_due.get() {
            self.wake_worker();
        }
    }

    /// Wakes the worker's own task.
    pub(crate) fn wake_worker(&self) {
        if let Some(waker) = self.worker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }
}
