//! Starting a run: the workers' threads, the conductor's task, the channels between them.

use std::sync::Arc;
use std::time::Duration;

use shared::checks::ShareCheck;
use shared::plan::Schedule;
use shared::units::Nanos;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;

use crate::engine::clock::{RunClock, rfc3339};
use crate::engine::conductor::{Channels, Conductor};
use crate::engine::handle::{ASKS, RunHandle, TICKS};
use crate::engine::journal::Journal;
use crate::engine::prepare::Prepared;
use crate::engine::progress::Progress;
use crate::engine::worker::{self, Assignment};

/// Time for the workers to be ready before the schedule begins.
const LEAD: Duration = Duration::from_millis(50);
/// Controls that a worker may be behind; ticks of each worker that the conductor may be behind.
const CONTROLS: usize = 64;
const REPORTS: usize = 64;
/// File handles beside those of connections.
const WANTED_FILES: u64 = 1 << 20;

/// Starts a run. Must be called inside a tokio runtime with time enabled; each worker gets a thread of its own.
pub fn start(prepared: Prepared, journal: Box<dyn Journal>) -> RunHandle {
    // Every connection is a file handle. Where the limit stays low, running out is counted under its own name.
    let _ = rlimit::increase_nofile_limit(WANTED_FILES);
    let Prepared { mut info, plan, scenario, targets, secrets, facts, saved, changes, companion, ledger } = prepared;
    let clock = RunClock::starting_in(LEAD);
    let start = clock.date(Nanos::ZERO);
    info.started_at = rfc3339(start);
    let event_start = plan.clock().start(start);
    let schedules: Vec<Schedule> =
        plan.workloads().iter().map(|workload| workload.send_schedule(event_start)).collect();
    let count = facts.workers;
    let checks: Arc<[ShareCheck]> = facts.checks.shares.clone().into();
    let (reporter, reports) = mpsc::channel(REPORTS * count);
    let scenario = Arc::new(scenario);
    let mut workers = JoinSet::new();
    let mut controls = Vec::with_capacity(count);
    for index in 0..count {
        let (sender, receiver) = mpsc::channel(CONTROLS);
        controls.push(sender);
        let assignment = Assignment {
            index,
            count,
            clock,
            plan: Arc::clone(&plan),
            scenario: Arc::clone(&scenario),
            targets: Arc::clone(&targets),
            secrets: Arc::clone(&secrets),
            saved: saved.clone(),
            checks: Arc::clone(&checks),
            controls: receiver,
            reports: reporter.clone(),
            ledger: ledger.clone(),
        };
        workers.spawn_blocking(move || worker::run(assignment));
    }
    drop(reporter);
    // It is closed once the last worker is gone.
    drop(ledger);
    let (asker, asks) = mpsc::channel(ASKS);
    let (ticks, _) = broadcast::channel(TICKS);
    let id = info.id.clone();
    let mut progress = Progress::new(info, facts, schedules);
    let (snapshots, snapshot) = watch::channel(Arc::new(progress.snapshot(Nanos::ZERO)));
    let (result, result_seen) = watch::channel(None);
    let channels = Channels { reports, controls, asks, ticks, snapshots, result };
    let conductor = Conductor::new(clock, progress, channels, workers, journal).with_changes(changes).saving(saved);
    // The conductor owns everything that it needs and ends once nobody holds a handle.
    tokio::spawn(conductor.conduct());
    let run = RunHandle { id, asks: asker, snapshots: snapshot, result: result_seen };
    if let Some(companion) = companion {
        companion(run.clone());
    }
    run
}
