//! The run that is going on: one at a time, owned here until its result is on disk.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use shared::run::{Command, RunId, RunInfo, RunResult};
use tokio::task::JoinSet;

use super::failure::Failure;
use crate::delivery::Noting;
use crate::engine::handle::RunHandle;
use crate::store::Store;

/// Who ends a run when the server stops.
const SIGNAL: &str = "signal";

/// The newest run of this process, going on or over.
#[derive(Debug)]
pub(super) struct CurrentRun {
    store: Arc<Store>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    newest: Option<RunHandle>,
    /// What the newest run is.
    info: Option<RunInfo>,
    /// Its result with what came of its audits, once they are made.
    audited: Option<Arc<RunResult>>,
    /// Somebody is starting a run and has not got it yet.
    starting: bool,
    /// Waits for each run's end and stores its result.
    keepers: JoinSet<()>,
}

/// The right to start the one run; given back when dropped.
pub(super) struct Turn<'a> {
    current: &'a Arc<CurrentRun>,
}

impl CurrentRun {
    /// No run yet.
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store, state: Mutex::default() }
    }

    /// Reserves the start of a run.
    ///
    /// # Errors
    ///
    /// Another one is going on, or about to.
    pub(super) fn take_turn(self: &Arc<Self>) -> Result<Turn<'_>, Failure> {
        let mut state = self.lock();
        let active = state.newest.as_ref().filter(|run| !run.snapshot().state.is_over()).map(RunHandle::id);
        if active.is_some() || state.starting {
            let what = active.map_or_else(|| "a run is being started".to_owned(), |id| format!("run {id} is going on"));
            return Err(Failure::new(StatusCode::CONFLICT, "run_active", what)
                .with_hint("stop it first, or wait until it is over"));
        }
        state.starting = true;
        Ok(Turn { current: self })
    }

    /// The run that is going on.
    pub(super) fn active(&self) -> Option<RunHandle> {
        self.lock().newest.clone().filter(|run| !run.snapshot().state.is_over())
    }

    /// The newest run, going on or over, with what it is.
    pub(super) fn newest(&self) -> Option<(RunInfo, RunHandle)> {
        let state = self.lock();
        Some((state.info.clone()?, state.newest.clone()?))
    }

    /// The newest run if it has this id, going on or over.
    pub(super) fn find(&self, id: &RunId) -> Option<RunHandle> {
        self.lock().newest.clone().filter(|run| run.id() == *id)
    }

    /// The result of the newest run with its audits, if it has this id and they are made.
    pub(super) fn audited(&self, id: &RunId) -> Option<Arc<RunResult>> {
        self.lock().audited.clone().filter(|result| result.run.info.id == *id)
    }

    /// Forgets a run that is over.
    pub(super) fn forget(&self, id: &RunId) {
        let mut state = self.lock();
        if state.newest.as_ref().is_some_and(|run| run.id() == *id) {
            (state.newest, state.info, state.audited) = (None, None, None);
        }
    }

    /// Ends the run that is going on and waits until results are on disk; `hurry` cuts the drain short.
    pub(super) async fn end(&self, hurry: impl Future<Output = ()>) {
        if let Some(run) = self.active() {
            tracing::info!(run = %run.id(), "ending the run that is going on");
            // A run that cannot be stopped any more is about to end by itself.
            let _stopping = run.command(Command::Stop, SIGNAL).await;
            tokio::select! {
                _ended = run.wait() => {}
                () = hurry => {
                    let _aborting = run.command(Command::Abort, SIGNAL).await;
                }
            }
        }
        let mut keepers = std::mem::take(&mut self.lock().keepers);
        while keepers.join_next().await.is_some() {}
    }

    fn keep(self: &Arc<Self>, info: RunInfo, run: RunHandle, noting: Option<Noting>) {
        let current = Arc::clone(self);
        let mut state = self.lock();
        (state.newest, state.info, state.audited) = (Some(run.clone()), Some(info), None);
        // Those that have ended are let go, so that the set does not grow with the number of runs.
        while state.keepers.try_join_next().is_some() {}
        state.keepers.spawn(async move {
            let Ok(result) = run.wait().await else { return };
            current.finish(Arc::clone(&result)).await;
            let Some(noting) = noting else { return };
            match noting.close().await {
                // What takes its time does not hold up a server that is to stop: `throng audit` does it as well.
                Ok(noted) => drop(tokio::spawn(async move {
                    let audits = noted.audit().await;
                    if !audits.is_empty() {
                        let audited = Arc::new(RunResult { audits, ..RunResult::clone(&result) });
                        current.finish(Arc::clone(&audited)).await;
                        current.add_audits(audited);
                    }
                })),
                Err(error) => tracing::error!(%error, "a ledger is not whole"),
            }
        });
    }

    async fn finish(&self, result: Arc<RunResult>) {
        let store = Arc::clone(&self.store);
        let stored = tokio::task::spawn_blocking(move || store.finish(&result)).await;
        match stored {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a result is not on disk"),
            Err(error) => tracing::error!(%error, "a result is not on disk"),
        }
    }

    fn add_audits(&self, audited: Arc<RunResult>) {
        let mut state = self.lock();
        if state.newest.as_ref().is_some_and(|run| run.id() == audited.run.info.id) {
            state.audited = Some(audited);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing that holds the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Uses the turn: this run goes on from here.
    pub(super) fn start(self, info: RunInfo, run: RunHandle, noting: Option<Noting>) {
        self.current.keep(info, run, noting);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.current.lock().starting = false;
    }
}
