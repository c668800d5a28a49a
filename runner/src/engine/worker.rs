//! One worker: a thread with a runtime of its own that carries out its share of the plan.
//!
//! It takes up what is due, hands it to connections, and ten times a second tells the conductor what it saw. It shares
//! nothing with the other workers.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use shared::checks::ShareCheck;
use shared::plan::{Pacing, Plan, Share};
use shared::realism::Observer;
use shared::scenario::ValidScenario;
use shared::scenario::model::ClockMode;
use shared::scenario::model::behavior::Behavior;
use shared::units::Nanos;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::engine::clock::RunClock;
use crate::engine::conductor::Report;
use crate::engine::control::{Control, ScheduleClock};
use crate::engine::feed::{Fed, Feed, Part, Times};
use crate::engine::gate::{Admitted, Gate};
use crate::engine::hub::{Ended, Hub, Pool, Whose};
use crate::engine::job::Job;
use crate::engine::lane;
use crate::engine::outcome;
use crate::engine::pacer::Pacer;
use crate::engine::place::{Lane, Submitted};
use crate::engine::saved::{SavedEvents, Saver};
use crate::engine::slots::Slots;
use crate::engine::stream::StreamPool;
use crate::engine::stream_lane;
use crate::engine::target::Targets;
use crate::engine::usage::Usage;
use crate::ledger::Ledger;

/// The first moment that is not before the run's start.
const START: Nanos = Nanos(1);
/// Things taken up before the connections get their turn.
const TAKEN_AT_ONCE: usize = 64;
/// Time at a stop for requests that are waiting for a connection.
const STOP_GRACE: Nanos = Nanos::from_secs(1);
/// Sleeping so much longer than asked is a stall.
const STALL: Nanos = Nanos::from_millis(20);
/// How often timeouts are looked for: often enough to be right within a twentieth.
const SHORTEST_WATCH: Nanos = Nanos::from_millis(1);
const LONGEST_WATCH: Nanos = Nanos::from_millis(50);

/// What a worker needs to begin.
pub(crate) struct Assignment {
    pub(crate) index: usize,
    pub(crate) count: usize,
    pub(crate) clock: RunClock,
    pub(crate) plan: Arc<Plan>,
    pub(crate) scenario: Arc<ValidScenario>,
    pub(crate) targets: Targets,
    pub(crate) secrets: Arc<[String]>,
    pub(crate) saved: Option<Arc<SavedEvents>>,
    pub(crate) checks: Arc<[ShareCheck]>,
    pub(crate) controls: mpsc::Receiver<Control>,
    pub(crate) reports: mpsc::Sender<Report>,
    pub(crate) ledger: Option<Ledger>,
}

/// Where a worker stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Taking up what becomes due.
    Scheduling,
    /// The schedule is over; at this moment at the latest, everything else is.
    Draining { until: Nanos },
}

/// A worker at work.
struct Worker {
    index: usize,
    clock: RunClock,
    hub: Rc<Hub>,
    feeds: Vec<Feed>,
    /// Names of the plan's faults.
    faults: Vec<String>,
    schedule: ScheduleClock,
    pacer: Pacer,
    controls: mpsc::Receiver<Control>,
    reports: mpsc::Sender<Report>,
    lanes: RefCell<JoinSet<()>>,
    streams: RefCell<JoinSet<()>>,
    phase: Phase,
    /// When the schedule is to be stopped, and whether it was.
    stop_at: Option<Nanos>,
    /// How long to wait for the last answers.
    drain: Nanos,
    watch_every: Nanos,
    next_watch: Nanos,
    usage: Usage,
    observer: Rc<RefCell<Observer>>,
}

/// A worker's part of a number of things; each has one at least.
fn own_part(all: u32, worker: Share) -> u32 {
    (all / worker.count + u32::from(worker.index < all % worker.count)).max(1)
}

/// Runs a worker to its end, on this thread.
///
/// # Errors
///
/// The operating system denied it something that it cannot work without.
pub(crate) fn run(assignment: Assignment) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async move {
        let worker = Worker::new(assignment)?;
        // A task like those of the connections: the runtime asks the system for news before it comes back to what it
        // blocks on, which would be a call for each request.
        match tokio::task::spawn_local(worker.work()).await {
            Ok(ended) => ended,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(error) => Err(io::Error::other(error)),
        }
    })
}

impl Worker {
    fn new(assignment: Assignment) -> io::Result<Self> {
        let Assignment {
            index,
            count,
            clock,
            plan,
            scenario,
            targets,
            secrets,
            saved,
            checks,
            controls,
            reports,
            ledger,
        } = assignment;
        let worker = Share { index: index as u32, count: count as u32 };
        // As many connections as closed loads have requests at once, unless the scenario says how many.
        let mut at_once = vec![0; targets.len()];
        for workload in plan.workloads() {
            if let (Some(at_once), Some((_, Some(requests)))) =
                (at_once.get_mut(usize::from(workload.target.0)), workload.part(worker))
            {
                *at_once += requests as usize;
            }
        }
        let pools: Result<Vec<Pool>, String> = targets
            .iter()
            .zip(at_once)
            .map(|(target, at_once)| Ok(Pool::new(target.transport(index, count, at_once)?)))
            .collect();
        let schedule = ScheduleClock::at_pace(plan.clock().pace());
        let start = plan.clock().start(clock.date(Nanos::ZERO));
        let own_time = plan.clock().mode != ClockMode::Live;
        let streams: Result<Vec<Option<StreamPool>>, String> = targets
            .iter()
            .map(|target| {
                let streams = target.streams(index, count)?;
                let numbers = (index as u64, count as u64);
                Ok(streams.map(|(transport, streams)| StreamPool::new(transport, streams, numbers)))
            })
            .collect();
        let observer = Observer::new(&scenario, &plan, start, count as u32);
        let observer = Rc::new(RefCell::new(observer));
        let mut feeds = Vec::new();
        let lens = ledger.as_ref().map(|ledger| ledger.header().lens());
        let mut drain = Nanos::ZERO;
        for (number, workload) in plan.workloads().iter().enumerate() {
            let load = scenario.workloads.get(&workload.name).map(|workload| workload.load.clone()).unwrap_or_default();
            let target = usize::from(workload.target.0);
            drain = drain.max(load.drain.or_else(|| Some(targets.get(target)?.timeout)).unwrap_or_default());
            let Some((share, requests)) = workload.part(worker) else { continue };
            let live = scenario
                .behaviors
                .get(&workload.behavior)
                .is_some_and(|behavior| matches!(behavior, Behavior::Session(_) | Behavior::Lifecycle(_)));
            let most = load.max_in_flight.map(|most| own_part(most, worker));
            let part = Part {
                workload: number,
                place: feeds.len() as u16,
                target,
                share,
                cursor: plan.cursor(number, share),
                schedule: workload.schedule(start),
                slots: requests
                    .map(|requests| Slots::new(requests, schedule.passes_in(load.delay.unwrap_or_default()))),
                users: matches!(workload.pacing, Pacing::Users { .. }),
                ordered: live && workload.pacing == Pacing::Scheduled,
                gate: Gate::new(most),
                start: own_time.then_some(start),
                backfill: workload.is_backfilled(),
                places: saved.is_some(),
                observer: Rc::clone(&observer),
            };
            feeds.push(Feed::new(part, Arc::clone(&targets), &load, Arc::clone(&checks)).noting(lens.clone()));
        }
        let shortest = targets.iter().map(|target| target.timeout.min(target.connect_timeout)).min();
        let twentieth = Nanos(shortest.unwrap_or_default().0 / 20);
        let pools = pools.map_err(io::Error::other)?;
        let faults = plan.fault_names();
        // Of the run's, not of this worker's: it may have a part of one of them alone.
        let several = plan.workloads().len() > 1;
        let streams = streams.map_err(io::Error::other)?;
        let hub = Hub::new(clock, targets, secrets, plan, pools, saved.map(Saver::new), streams);
        if several {
            hub.recorder().tell_apart(feeds.iter().map(|feed| feed.workload));
        }
        hub.ledger.replace(ledger.map(|ledger| ledger.page()));
        Ok(Self {
            index,
            faults,
            hub: Rc::new(hub),
            feeds,
            schedule,
            pacer: Pacer::new(clock)?,
            controls,
            reports,
            lanes: RefCell::default(),
            streams: RefCell::default(),
            phase: Phase::Scheduling,
            stop_at: None,
            drain,
            watch_every: twentieth.clamp(SHORTEST_WATCH, LONGEST_WATCH),
            next_watch: Nanos::ZERO,
            usage: Usage::new(),
            observer,
            clock,
        })
    }

    async fn work(mut self) -> io::Result<()> {
        // One connection each before the start, so that the first request need not wait for it.
        for target in 0..self.hub.pools.len() {
            match &self.hub.streams[target] {
                Some(streams) => {
                    let mut tasks = self.streams.borrow_mut();
                    for place in 0..streams.lanes.len() {
                        tasks.spawn_local(stream_lane::serve(Rc::clone(&self.hub), target, place));
                    }
                }
                None if self.hub.targets[target].used => self.open_lane(target),
                None => {}
            }
        }
        loop {
            // A command that is not seen below takes effect later than anything that is decided for this moment.
            let now = self.clock.now();
            while let Ok(control) = self.controls.try_recv() {
                self.obey(control);
            }
            self.go_on();
            let (more, now) = self.take_up(now);
            self.resend(now);
            self.advance_phase(now);
            if now >= self.next_watch {
                self.watch(now);
            }
            if self.is_over() {
                break;
            }
            if more { tokio::task::yield_now().await } else { self.rest(now).await }
        }
        self.end().await;
        Ok(())
    }

    /// Lets go on what waited for requests that are over.
    fn go_on(&mut self) {
        while let Some(Ended { feed: place, at, whose }) = self.hub.take_ended() {
            let schedule_time = self.schedule.time_after(at);
            let Some(feed) = self.feeds.get_mut(usize::from(place)) else { continue };
            match whose {
                Whose::User(user) => feed.answered(user, schedule_time),
                Whose::Entity(entity) => {
                    feed.ended(schedule_time);
                    let target = feed.target;
                    if let Some(job) = feed.gate.ended(entity) {
                        self.submit(target, job);
                    }
                }
            }
        }
    }

    /// Takes up what is due at a moment; says whether there is more, and how late it is by then.
    fn take_up(&mut self, seen: Nanos) -> (bool, Nanos) {
        if seen < START {
            return (false, seen);
        }
        let mut now = seen;
        for taken in 0..TAKEN_AT_ONCE {
            if self.phase != Phase::Scheduling {
                return (false, now);
            }
            // What becomes due after a stop does not become due.
            let until = self.stop_at.map_or(seen, |stop| stop.min(seen));
            let Some(place) = self.next_feed(until) else { return (false, now) };
            if taken > 0 {
                now = self.clock.now();
            }
            let times = Times { run: &self.clock, schedule: &self.schedule };
            let feed = &mut self.feeds[place];
            // What lay ahead may turn out to be another worker's.
            let fed = feed.take(until, times, &mut self.hub.spare.borrow_mut());
            if !feed.notes.is_empty() {
                let notes = std::mem::take(&mut feed.notes);
                self.hub.record(now).faults_noted(&notes);
            }
            let Some(fed) = fed else { continue };
            let offered = |event_type: Option<u16>| {
                event_type.into_iter().for_each(|event_type| self.hub.record(now).event_offered(event_type));
            };
            let job = match fed {
                Fed::Batched { event_type } => {
                    offered(event_type);
                    continue;
                }
                Fed::Held { event_type } => {
                    offered(Some(event_type));
                    continue;
                }
                Fed::Withheld { event_type } => {
                    offered(Some(event_type));
                    self.hub.record(now).event_withheld(event_type);
                    continue;
                }
                Fed::Alone { event_type, job } | Fed::Filled { event_type, job } => {
                    offered(event_type);
                    job
                }
                Fed::Lingered { job } => job,
            };
            self.offer(place, job, now);
        }
        (true, now)
    }

    /// The feed with the earliest thing due at or before a moment.
    fn next_feed(&self, until: Nanos) -> Option<usize> {
        let due = |(place, feed): (usize, &Feed)| Some((feed.due(&self.schedule)?, place));
        let (at, place) = self.feeds.iter().enumerate().filter_map(due).min()?;
        (at <= until).then_some(place)
    }

    /// Offers a request for the first time.
    fn offer(&mut self, place: usize, mut job: Job, now: Nanos) {
        self.hub.record(now).request_offered();
        job.taken = now;
        let feed = &mut self.feeds[place];
        let target = feed.target;
        match feed.gate.admit(job) {
            Admitted::Goes(job) => self.submit(target, job),
            Admitted::Held => {}
            Admitted::Overflowed(job) => outcome::drop_job(&self.hub, job, true),
        }
    }

    fn submit(&self, target: usize, job: Job) {
        let sent_before = job.first_sent.is_some();
        let submitted = match &self.hub.streams[target] {
            Some(streams) => streams.submit(job),
            None => self.hub.pools[target].submit(job),
        };
        match submitted {
            Submitted::Sent | Submitted::Waits => {}
            Submitted::WantsLane => self.open_lane(target),
            Submitted::Overflowed(job) if sent_before => {
                outcome::give_up_retry(&self.hub, target, job, self.clock.now());
            }
            Submitted::Overflowed(job) => outcome::drop_job(&self.hub, job, true),
        }
    }

    fn open_lane(&self, target: usize) {
        let pool = &self.hub.pools[target];
        pool.opening.set(pool.opening.get() + 1);
        let lane = Rc::new(Lane::default());
        pool.lanes.borrow_mut().push(Rc::clone(&lane));
        let mut lanes = self.lanes.borrow_mut();
        // Lanes that ended are of no interest any more.
        while lanes.try_join_next().is_some() {}
        lanes.spawn_local(lane::serve(Rc::clone(&self.hub), target, lane));
    }

    /// Sends again what is due for that.
    fn resend(&mut self, now: Nanos) {
        while let Some((target, job)) = self.hub.take_retry(now) {
            self.submit(target, job);
        }
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::Pause { at } => self.schedule.pause(at),
            Control::Resume { at } => self.schedule.resume(at),
            Control::Multiply { at, multiplier } => {
                let at = self.schedule.schedule_time(at);
                self.feeds.iter_mut().for_each(|feed| feed.multiply(at, multiplier));
                self.observer.borrow_mut().multiply(at, multiplier);
            }
            Control::Dose { at, fault, factor } => {
                let at = self.schedule.schedule_time(at);
                if let Some(name) = self.faults.get(usize::from(fault)) {
                    self.feeds.iter_mut().for_each(|feed| feed.dose(at, name, factor));
                }
            }
            Control::Refill { at, plan } => {
                let at = self.schedule.schedule_time(at);
                self.feeds.iter_mut().for_each(|feed| feed.refill(at, Arc::clone(&plan)));
            }
            Control::Weights { at, workload, weights } => {
                let at = self.schedule.schedule_time(at);
                self.feeds_of(workload).for_each(|feed| feed.set_weights(at, &weights));
                self.observer.borrow_mut().forget_mix(workload);
            }
            Control::Users { at, workload, users } => {
                let at = self.schedule.schedule_time(at);
                self.feeds_of(workload).for_each(|feed| feed.set_users(at, users));
            }
            Control::Stop { at } => {
                self.stop_at.get_or_insert(at);
            }
            Control::Abort => self.abort(),
        }
    }

    fn feeds_of(&mut self, workload: usize) -> impl Iterator<Item = &mut Feed> {
        self.feeds.iter_mut().filter(move |feed| feed.workload == workload)
    }

    fn advance_phase(&mut self, now: Nanos) {
        match self.phase {
            Phase::Scheduling => {
                let schedule_now = self.schedule.schedule_time(now);
                let stopped = self.stop_at.is_some_and(|stop| now >= stop && self.next_feed(stop).is_none());
                if stopped {
                    self.stop(now);
                } else if self.feeds.iter().all(|feed| feed.is_over(schedule_now)) {
                    self.drain_until(now.saturating_add(self.drain).saturating_add(LONGEST_WATCH));
                }
            }
            Phase::Draining { until } => {
                if now >= until {
                    self.abort();
                } else if self.stop_at.is_some_and(|stop| now >= stop.saturating_add(STOP_GRACE)) {
                    self.drop_waiting();
                }
            }
        }
    }

    /// The schedule was stopped: what is under way may finish, nothing is sent again.
    fn stop(&mut self, now: Nanos) {
        for place in 0..self.feeds.len() {
            let feed = &mut self.feeds[place];
            feed.end_schedule(&mut self.hub.spare.borrow_mut());
            let held = feed.cut_held(&mut self.hub.spare.borrow_mut());
            self.hub.record(now).events_dropped(&held);
            if let Some(job) = feed.flush(now) {
                self.offer(place, job, now);
            }
        }
        self.hub.retries_allowed.set(false);
        while let Some((target, job)) = self.hub.take_retry(Nanos(u64::MAX)) {
            outcome::give_up_retry(&self.hub, target, job, now);
        }
        self.drain_until(now.saturating_add(self.drain).saturating_add(LONGEST_WATCH));
    }

    fn drain_until(&mut self, until: Nanos) {
        self.phase = Phase::Draining { until };
        // Full only if the conductor is far behind; then it learns from the worker's end.
        let _ = self.reports.try_send(Report::ScheduleOver { worker: self.index });
    }

    /// Everything ends now.
    fn abort(&mut self) {
        let now = self.clock.now();
        for feed in &mut self.feeds {
            let types = feed.cut(&mut self.hub.spare.borrow_mut());
            self.hub.record(now).events_dropped(&types);
        }
        self.drop_waiting();
        self.hub.aborted.set(true);
        self.hub.retries_allowed.set(false);
        while let Some((target, job)) = self.hub.take_retry(Nanos(u64::MAX)) {
            outcome::give_up_retry(&self.hub, target, job, now);
        }
        self.hub.closing.set(true);
        self.wake_lanes();
        if self.phase == Phase::Scheduling {
            self.drain_until(Nanos(u64::MAX));
        } else {
            self.phase = Phase::Draining { until: Nanos(u64::MAX) };
        }
    }

    fn drop_waiting(&mut self) {
        for feed in &mut self.feeds {
            while let Some(job) = feed.gate.give_up() {
                outcome::drop_job(&self.hub, job, false);
            }
        }
        for (target, pool) in self.hub.pools.iter().enumerate() {
            while let Some(job) = pool.next_waiting() {
                self.give_up(target, job);
            }
        }
        for (target, streams) in self.hub.streams.iter().enumerate() {
            for job in streams.iter().flat_map(StreamPool::drain) {
                self.give_up(target, job);
            }
        }
    }

    fn give_up(&self, target: usize, job: Job) {
        if job.first_sent.is_some() {
            outcome::give_up_retry(&self.hub, target, job, self.clock.now());
        } else {
            outcome::drop_job(&self.hub, job, false);
        }
    }

    fn wake_lanes(&self) {
        for pool in &self.hub.pools {
            pool.lanes.borrow().iter().for_each(|lane| lane.wake());
        }
        self.hub.streams.iter().flatten().flat_map(|streams| &streams.lanes).for_each(|stream| stream.lane.wake());
    }

    /// Looks after time: timeouts, ticks, stalls.
    fn watch(&mut self, now: Nanos) {
        let late = now.saturating_sub(self.next_watch);
        let mut recorder = self.hub.record(now);
        if late >= STALL && self.next_watch > Nanos::ZERO {
            recorder.stalled(late);
        }
        recorder.busy(self.usage.since());
        self.feeds.iter_mut().for_each(|feed| recorder.values_seen(feed.values()));
        drop(recorder);
        if let Some(page) = self.hub.ledger.borrow_mut().as_mut() {
            page.hand_on(now);
        }
        self.hub.held.set(self.feeds.iter().map(|feed| feed.gate.held() as u64).sum());
        for pool in &self.hub.pools {
            for lane in pool.lanes.borrow().iter() {
                if lane.deadline.get().is_some_and(|deadline| now >= deadline) {
                    lane.expired.set(true);
                    lane.wake();
                }
            }
        }
        for stream in self.hub.streams.iter().flatten().flat_map(|streams| &streams.lanes) {
            if stream.lane.deadline.get().is_some_and(|deadline| now >= deadline) {
                stream.lane.expired.set(true);
                stream.lane.wake();
            }
        }
        while let Ok(room) = self.reports.try_reserve() {
            let Some(delta) = self.hub.recorder().take() else { break };
            room.send(Report::Tick { worker: self.index, delta: Box::new(delta) });
        }
        let tick_ends = self.hub.recorder().tick_ends();
        let next = now.saturating_add(self.watch_every);
        self.next_watch = if tick_ends > now { next.min(tick_ends) } else { next };
    }

    fn is_over(&self) -> bool {
        self.phase != Phase::Scheduling && self.hub.is_quiet() && self.feeds.iter().all(|feed| feed.gate.held() == 0)
    }

    /// Sleeps until the next thing to do, whatever it is.
    async fn rest(&mut self, now: Nanos) {
        let scheduling = self.phase == Phase::Scheduling;
        if scheduling {
            let times = Times { run: &self.clock, schedule: &self.schedule };
            for feed in &mut self.feeds {
                feed.render(now, times, &mut self.hub.spare.borrow_mut());
            }
        }
        let feeds = || self.feeds.iter().filter(|_feed| scheduling);
        let due = feeds().filter_map(|feed| feed.due(&self.schedule));
        let due = due.chain(self.hub.next_retry()).chain(self.stop_at.filter(|_stop| scheduling)).min();
        self.hub.next_due.set(due.unwrap_or(Nanos(u64::MAX)));
        let wake = feeds().filter_map(|feed| feed.wake(&self.schedule)).chain(due).chain([self.next_watch]).min();
        let wake = wake.unwrap_or(self.next_watch).max(START);
        let (pacer, controls, hub) = (&mut self.pacer, &mut self.controls, &self.hub);
        let mut first = true;
        let control = poll_fn(|cx| {
            if let Poll::Ready(control) = controls.poll_recv(cx) {
                // Without a conductor there is nobody to work for.
                return Poll::Ready(Some(control.unwrap_or(Control::Abort)));
            }
            // Woken: by a connection, or because the moment has come.
            if !std::mem::take(&mut first) {
                return Poll::Ready(None);
            }
            hub.remember_worker(cx.waker());
            pacer.poll_until(cx, wake).map(|_now| None)
        })
        .await;
        if let Some(control) = control {
            self.obey(control);
        }
    }

    /// Hands on what checks saw in events since the last time.
    fn hand_on_values(&mut self, now: Nanos) {
        let mut recorder = self.hub.record(now);
        self.feeds.iter_mut().for_each(|feed| recorder.values_seen(feed.values()));
    }

    /// Closes the connections, hands on the last tick.
    async fn end(&mut self) {
        self.hub.closing.set(true);
        self.wake_lanes();
        // Streams say good-bye; nobody waits for it longer than they do themselves.
        let mut streams = self.streams.take();
        while streams.join_next().await.is_some() {}
        let mut lanes = self.lanes.take();
        lanes.abort_all();
        while lanes.join_next().await.is_some() {}
        let gauges = self.hub.gauges();
        let now = self.clock.now();
        self.hand_on_values(now);
        self.hub.recorder().close(gauges);
        loop {
            let Some(delta) = self.hub.recorder().take() else { break };
            let report = Report::Tick { worker: self.index, delta: Box::new(delta) };
            if self.reports.send(report).await.is_err() {
                break;
            }
        }
        let observer = Box::new(self.observer.borrow().clone());
        // Without a conductor nobody wants to know.
        let _ = self.reports.send(Report::Observed { observer }).await;
    }
}
