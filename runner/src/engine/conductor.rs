//! The task that owns a run: takes commands, gathers what workers report, tells watchers and the journal.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::run::{Change, Command, RunResult, RunState, Sample, Snapshot, Tick, TimelineRow};
use shared::units::Nanos;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::engine::clock::{RunClock, rfc3339};
use crate::engine::control::Control;
use crate::engine::handle::{Ask, CommandError};
use crate::engine::journal::{Journal, JournalEntry};
use crate::engine::progress::{Progress, SharedResult};
use crate::engine::recorder::{Delta, TICK};

/// How far ahead a command takes effect, so that all workers switch at the same moment.
const COMMAND_LEAD: Nanos = Nanos::from_millis(10);
/// How long after a tick's end its reports are expected to be here.
const REPORT_TIME: Duration = Duration::from_millis(10);

/// What a worker says.
#[derive(Debug)]
pub(crate) enum Report {
    /// What it saw in a tick.
    Tick { worker: usize, delta: Box<Delta> },
    /// Nothing more will become due; requests may be in flight.
    ScheduleOver { worker: usize },
}

/// The ends of the channels that a conductor holds.
pub(crate) struct Channels {
    pub(crate) reports: mpsc::Receiver<Report>,
    pub(crate) controls: Vec<mpsc::Sender<Control>>,
    pub(crate) asks: mpsc::Receiver<Ask>,
    pub(crate) ticks: broadcast::Sender<Arc<Tick>>,
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
        }
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
                _ = ticker.tick() => self.tick(),
            }
        }
        while let Some(joined) = self.workers.join_next().await {
            // A worker that panicked has said so on standard error.
            self.progress.worker_ended(matches!(joined, Ok(Ok(()))));
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
        let snapshot = self.publish_rows(closed.clone());
        for row in closed {
            self.journal.record(JournalEntry::Second { row, snapshot: Arc::clone(&snapshot) });
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
            Ask::Watch(reply) => {
                let snapshot = Arc::clone(&self.channels.snapshots.borrow());
                let hello = self.progress.hello(&snapshot);
                let _ = reply.send((hello, self.channels.ticks.subscribe()));
            }
        }
    }

    fn command(&mut self, command: Command, origin: String) -> Result<Change, CommandError> {
        let state = self.progress.info.state;
        let refused = |command| Err(CommandError::NotNow { command, state });
        let at = self.clock.now().saturating_add(COMMAND_LEAD).max(self.last_effect);
        let (control, next) = match &command {
            Command::Pause if state == RunState::Running => (Control::Pause { at }, RunState::Paused),
            Command::Pause => return refused("pause"),
            Command::Resume if state == RunState::Paused => (Control::Resume { at }, RunState::Running),
            Command::Resume => return refused("resume"),
            Command::Stop if matches!(state, RunState::Running | RunState::Paused) => {
                (Control::Stop { at }, RunState::Draining)
            }
            Command::Stop => return refused("stop"),
            Command::Abort if !state.is_over() => (Control::Abort, RunState::Draining),
            Command::Abort => return refused("abort"),
            Command::SetRateMultiplier { multiplier } => {
                if !matches!(state, RunState::Running | RunState::Paused) {
                    return refused("change the rate of");
                }
                if !(*multiplier > 0.0 && *multiplier <= 1_000.0) {
                    return Err(CommandError::Multiplier);
                }
                (Control::Multiply { at, multiplier: *multiplier }, state)
            }
            Command::SetFault { fault, factor } => {
                if !matches!(state, RunState::Running | RunState::Paused) {
                    return refused("change the faults of");
                }
                if !(*factor >= 0.0 && *factor <= 1_000.0) {
                    return Err(CommandError::Factor);
                }
                let place = self.progress.facts().faults.iter().position(|known| known == fault);
                let place = place.ok_or_else(|| CommandError::NoSuchFault(fault.clone()))?;
                (Control::Dose { at, fault: place as u16, factor: *factor }, state)
            }
        };
        if self.channels.controls.iter().any(|control| !control.is_closed() && control.capacity() == 0) {
            return Err(CommandError::Busy);
        }
        for sender in &self.channels.controls {
            // A worker that is done needs no orders; for the others there is room.
            let _ = sender.try_send(control);
        }
        match control {
            Control::Pause { at } => self.progress.pause(at),
            Control::Resume { at } => self.progress.resume(at),
            Control::Multiply { at, multiplier } => self.progress.multiply(at, multiplier),
            // Counts follow by themselves.
            Control::Dose { .. } => {}
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
            samples: std::mem::take(&mut self.samples),
            skipped_ticks: 0,
        };
        self.channels.snapshots.send_replace(snapshot);
        // Without a watcher there is nobody to tell.
        let _ = self.channels.ticks.send(Arc::new(tick));
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
        for row in &rows {
            self.journal.record(JournalEntry::Second { row: row.clone(), snapshot: Arc::clone(&snapshot) });
        }
        self.tell(snapshot, rows);
        self.journal.record(JournalEntry::Ended(Arc::clone(&result)));
        self.channels.result.send_replace(Some(result));
    }
}
