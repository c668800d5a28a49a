//! The task that owns a run: takes commands, gathers what workers report, tells watchers and the journal.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::realism::Observer;
use shared::run::{Change, Command, RunResult, RunState, Sample, Snapshot, Tick, TimelineRow};
use shared::units::Nanos;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::engine::clock::{RunClock, rfc3339};
use crate::engine::control::Control;
use crate::engine::handle::{Ask, News};
use crate::engine::journal::{Journal, JournalEntry};
use crate::engine::orders::CommandError;
use crate::engine::progress::{Progress, SharedResult};
use crate::engine::recorder::{Delta, TICK};
use crate::engine::saved::SavedEvents;
use crate::engine::tail::{TICK_BYTES, newest_within};

/// How far ahead a command takes effect, so that all workers switch at the same moment.
const COMMAND_LEAD: Nanos = Nanos::from_millis(10);
/// How long after a tick's end its reports are expected to be here.
const REPORT_TIME: Duration = Duration::from_millis(10);
/// How far ahead a change of an earlier run is given, so that it is in time even on a busy machine.
const REPLAY_LEAD: Nanos = Nanos::from_millis(100);
/// Who gives such a change.
const REPLAYED: &str = "replay";
/// Warnings that a run keeps.
const MOST_WARNINGS: usize = 50;

/// Ticks after which the journal is told again: often enough that a runner that dies takes less than a second along.
const TOLD_EVERY: u32 = 4;

/// What a worker says.
#[derive(Debug)]
pub(crate) enum Report {
    /// What it saw in a tick.
    Tick { worker: usize, delta: Box<Delta> },
    /// Nothing more will become due; requests may be in flight.
    ScheduleOver { worker: usize },
    /// Its last word: what it saw of the events themselves.
    Observed { observer: Box<Observer> },
}

/// The ends of the channels that a conductor holds.
pub(crate) struct Channels {
    pub(crate) reports: mpsc::Receiver<Report>,
    pub(crate) controls: Vec<mpsc::Sender<Control>>,
    pub(crate) asks: mpsc::Receiver<Ask>,
    pub(crate) ticks: broadcast::Sender<Arc<News>>,
    pub(crate) snapshots: watch::Sender<Arc<Snapshot>>,
    pub(crate) result: watch::Sender<SharedResult>,
}

/// Owns a run.
pub(crate) struct Conductor {
    clock: RunClock,
    progress: Progress,
    channels: Channels,
    workers: JoinSet<io::Result<()>>,
    journal: Box<dyn Journal>,
    /// Which workers still have something coming due.
    scheduling: Vec<bool>,
    /// Effective moment of the last command: commands never overtake each other.
    last_effect: Nanos,
    stopped: bool,
    changes: Vec<Change>,
    samples: Vec<Sample>,
    /// Changes of an earlier run that are still to be made.
    replay: VecDeque<Change>,
    /// The file of events, where there is one.
    saved: Option<Arc<SavedEvents>>,
    /// Ticks since the journal was told last.
    untold: u32,
}

impl Conductor {
    /// A conductor of a run that is about to begin.
    pub(crate) fn new(
        clock: RunClock,
        progress: Progress,
        channels: Channels,
        workers: JoinSet<io::Result<()>>,
        journal: Box<dyn Journal>,
    ) -> Self {
        Self {
            scheduling: vec![true; channels.controls.len()],
            clock,
            progress,
            channels,
            workers,
            journal,
            last_effect: Nanos::ZERO,
            stopped: false,
            changes: Vec::new(),
            samples: Vec::new(),
            replay: VecDeque::new(),
            saved: None,
            untold: 0,
        }
    }

    /// Makes the changes of an earlier run again, in the order of their time.
    pub(crate) fn with_changes(self, changes: Vec<Change>) -> Self {
        Self { replay: changes.into(), ..self }
    }

    /// Sees to it that the file of events is whole before the run is over.
    pub(crate) fn saving(self, saved: Option<Arc<SavedEvents>>) -> Self {
        Self { saved, ..self }
    }

    /// Conducts the run to its end, then answers questions until nobody holds a handle.
    pub(crate) async fn conduct(mut self) {
        self.begin();
        let first = self.clock.moment(TICK) + REPORT_TIME;
        let mut ticker = tokio::time::interval_at(first.into(), Duration::from_nanos(TICK.0));
        ticker.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut asked = true;
        // Every worker holds a sender of reports: their end is the end of them all.
        loop {
            let next_replay = self.next_replay().into();
            tokio::select! {
                // Commands first: a flood of reports must not hold up a stop.
                biased;
                ask = self.channels.asks.recv(), if asked => match ask {
                    Some(ask) => self.answer(ask),
                    // Nobody can stop this run any more; it ends by its own schedule.
                    None => asked = false,
                },
                report = self.channels.reports.recv() => match report {
                    Some(report) => self.take(report),
                    None => break,
                },
                () = tokio::time::sleep_until(next_replay), if !self.replay.is_empty() => self.replay(),
                _ = ticker.tick() => self.tick(),
            }
        }
        while let Some(joined) = self.workers.join_next().await {
            // A worker that panicked has said so on standard error.
            self.progress.worker_ended(matches!(joined, Ok(Ok(()))));
        }
        if let Some(saved) = self.saved.take()
            && let Ok(Some(trouble)) = tokio::task::spawn_blocking(move || saved.close()).await
        {
            self.warn(format!("not every event was saved: {trouble}"));
        }
        self.finish();
        while let Some(ask) = self.channels.asks.recv().await {
            self.answer(ask);
        }
    }

    fn begin(&mut self) {
        let facts = self.progress.facts();
        let (scenario, fingerprint) = (facts.scenario.clone(), facts.fingerprint.clone());
        self.progress.info.state = RunState::Running;
        let info = self.progress.info.clone();
        self.journal.record(JournalEntry::Started { info, scenario, fingerprint });
        self.publish();
    }

    fn take(&mut self, report: Report) {
        match report {
            Report::Observed { observer } => self.progress.observe(*observer),
            Report::Tick { worker, delta } => {
                let samples = self.progress.add(worker, *delta);
                self.samples.extend(samples);
            }
            Report::ScheduleOver { worker } => {
                if let Some(scheduling) = self.scheduling.get_mut(worker) {
                    *scheduling = false;
                }
                if !self.scheduling.contains(&true) && self.progress.info.state == RunState::Running {
                    self.enter(RunState::Draining);
                }
            }
        }
    }

    fn tick(&mut self) {
        self.progress.advance(self.clock.at(Instant::now() - REPORT_TIME));
        let closed = self.progress.closed_seconds();
        self.publish_rows(closed.clone());
        self.untold += 1;
        if !closed.is_empty() || self.untold >= TOLD_EVERY {
            self.untold = 0;
            let so_far = Arc::new(self.progress.so_far(self.clock.now()));
            self.journal.record(JournalEntry::Progress { closed, so_far });
        }
        self.stop_on_breach();
    }

    /// Ends the run when a threshold asks for it; while the workers are busy, the next tick tries again.
    fn stop_on_breach(&mut self) {
        if matches!(self.progress.info.state, RunState::Running | RunState::Paused)
            && let Some(reason) = self.progress.abort_reason()
            && self.command(Command::Stop, reason).is_ok()
        {
            self.publish();
        }
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Command { command, origin, reply } => {
                let outcome = self.command(command, origin);
                let changed = outcome.is_ok();
                // Whoever asked may have gone; the command stands.
                let _ = reply.send(outcome);
                if changed {
                    self.publish();
                }
            }
            Ask::Refill { plan, record } => {
                let at = self.clock.now().saturating_add(COMMAND_LEAD);
                for sender in &self.channels.controls {
                    // A worker that is done, or too busy, goes on with what it has.
                    let _ = sender.try_send(Control::Refill { at, plan: Arc::clone(&plan) });
                }
                self.progress.supplied(record);
            }
            Ask::Warn(text) => self.warn(text),
            Ask::Watch(reply) => {
                let snapshot = Arc::clone(&self.channels.snapshots.borrow());
                let hello = self.progress.hello(&snapshot);
                let _ = reply.send((hello, self.channels.ticks.subscribe()));
            }
        }
    }

    fn warn(&mut self, text: String) {
        let warnings = &mut self.progress.info.warnings;
        if !warnings.contains(&text) && warnings.len() < MOST_WARNINGS {
            warnings.push(text);
        }
    }

    /// When to give the next command of an earlier run: some time ahead, but not before the one before it has taken
    /// effect.
    fn next_replay(&self) -> Instant {
        let Some(change) = self.replay.front() else { return self.clock.moment(Nanos::ZERO) };
        let at = moment(change);
        // An abort takes effect when it is given.
        let lead = if change.command == Command::Abort { Nanos::ZERO } else { REPLAY_LEAD };
        self.clock.moment(at.saturating_sub(lead).max(self.last_effect.min(at)))
    }

    /// Gives the next command of an earlier run, to take effect at its own time.
    fn replay(&mut self) {
        let Some(change) = self.replay.pop_front() else { return };
        let at = moment(&change);
        if self.clock.now() > at {
            tracing::warn!(%at, "a change was made again too late: it takes effect now");
        }
        if let Err(error) = self.command_at(at, change.command, REPLAYED.to_owned()) {
            tracing::warn!(%at, %error, "a change could not be made again");
        }
        self.publish();
    }

    fn command(&mut self, command: Command, origin: String) -> Result<Change, CommandError> {
        self.command_at(self.clock.now().saturating_add(COMMAND_LEAD), command, origin)
    }

    fn command_at(&mut self, at: Nanos, command: Command, origin: String) -> Result<Change, CommandError> {
        let state = self.progress.info.state;
        let refused = |command| Err(CommandError::NotNow { command, state });
        let going_on = matches!(state, RunState::Running | RunState::Paused);
        let at = at.max(self.last_effect);
        let (control, next) = match &command {
            Command::Pause if state == RunState::Running => (Control::Pause { at }, RunState::Paused),
            Command::Pause => return refused("pause"),
            Command::Resume if state == RunState::Paused => (Control::Resume { at }, RunState::Running),
            Command::Resume => return refused("resume"),
            Command::Stop if going_on => (Control::Stop { at }, RunState::Draining),
            Command::Stop => return refused("stop"),
            Command::Abort if !state.is_over() => (Control::Abort, RunState::Draining),
            Command::Abort => return refused("abort"),
            Command::SetRateMultiplier { .. } if !going_on => return refused("change the rate of"),
            Command::SetRateMultiplier { multiplier } => {
                if !(*multiplier > 0.0 && *multiplier <= 1_000.0) {
                    return Err(CommandError::Multiplier);
                }
                (Control::Multiply { at, multiplier: *multiplier }, state)
            }
            Command::SetFault { .. } if !going_on => return refused("change the faults of"),
            Command::SetFault { fault, factor } => {
                let fault = self.progress.adjustables().fault(fault, *factor)?;
                (Control::Dose { at, fault, factor: *factor }, state)
            }
            Command::SetWeights { .. } if !going_on => return refused("change the mix of"),
            Command::SetWeights { workload, weights } => {
                let (workload, weights) = self.progress.adjustables().weights(workload.as_deref(), weights)?;
                (Control::Weights { at, workload, weights }, state)
            }
            Command::SetUsers { .. } if !going_on => return refused("change the users of"),
            Command::SetUsers { workload, users } => {
                let workload = self.progress.adjustables().users(workload.as_deref(), *users)?;
                (Control::Users { at, workload, users: *users }, state)
            }
        };
        if self.channels.controls.iter().any(|control| !control.is_closed() && control.capacity() == 0) {
            return Err(CommandError::Busy);
        }
        for sender in &self.channels.controls {
            // A worker that is done needs no orders; for the others there is room.
            let _ = sender.try_send(control.clone());
        }
        match control {
            Control::Pause { at } => self.progress.pause(at),
            Control::Resume { at } => self.progress.resume(at),
            Control::Multiply { at, multiplier } => self.progress.multiply(at, multiplier),
            Control::Weights { workload, weights, .. } => self.progress.set_weights(workload, &weights),
            // What users and faults do shows in what is sent.
            Control::Users { .. } | Control::Dose { .. } | Control::Refill { .. } => {}
            Control::Stop { at } => self.end(at),
            Control::Abort => self.end(self.clock.now()),
        }
        self.last_effect = at;
        let change = Change { elapsed_seconds: at.as_secs_f64(), command, origin };
        self.progress.changes.push(change.clone());
        self.changes.push(change.clone());
        self.journal.record(JournalEntry::Changed(change.clone()));
        if next != state {
            self.enter(next);
        }
        Ok(change)
    }

    fn end(&mut self, at: Nanos) {
        self.stopped = true;
        self.progress.end(at);
    }

    fn enter(&mut self, state: RunState) {
        self.progress.info.state = state;
        self.journal.record(JournalEntry::State(state));
    }

    /// Tells watchers how things stand now.
    fn publish(&mut self) -> Arc<Snapshot> {
        self.publish_rows(Vec::new())
    }

    fn publish_rows(&mut self, mut rows: Vec<TimelineRow>) -> Arc<Snapshot> {
        rows.extend(self.progress.open_rows());
        let snapshot = Arc::new(self.progress.snapshot(self.clock.now()));
        self.tell(Arc::clone(&snapshot), rows);
        snapshot
    }

    fn tell(&mut self, snapshot: Arc<Snapshot>, rows: Vec<TimelineRow>) {
        let tick = Tick {
            run: self.progress.info.clone(),
            snapshot: Snapshot::clone(&snapshot),
            rows,
            changes: std::mem::take(&mut self.changes),
            samples: newest_within(&std::mem::take(&mut self.samples), TICK_BYTES),
            skipped_ticks: 0,
        };
        self.channels.snapshots.send_replace(snapshot);
        // Without a watcher there is nobody to tell.
        let _ = self.channels.ticks.send(Arc::new(News::new(tick)));
    }

    fn finish(&mut self) {
        let now = self.clock.now();
        let state = match (self.progress.all_sound(), self.stopped) {
            (false, _) => RunState::Failed,
            (true, true) => RunState::Stopped,
            (true, false) => RunState::Finished,
        };
        self.enter(state);
        self.progress.info.ended_at = Some(rfc3339(self.clock.date(now)));
        let (rows, result) = self.progress.finish(now);
        let result: Arc<RunResult> = Arc::new(result);
        let snapshot = Arc::new(self.progress.snapshot(now));
        self.tell(snapshot, rows);
        self.journal.record(JournalEntry::Ended(Arc::clone(&result)));
        self.channels.result.send_replace(Some(result));
    }
}

/// When a change took effect.
fn moment(change: &Change) -> Nanos {
    Nanos::from_secs_f64(change.elapsed_seconds)
}
