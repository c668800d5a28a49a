//! A run from outside: commands, watching, waiting.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use shared::plan::Plan;
use shared::run::{Change, Command, Hello, LiveMessage, RunId, RunResult, Snapshot, SupplyRecord, Tick};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::engine::orders::CommandError;
use crate::engine::progress::SharedResult;

/// Questions and commands that may wait for the conductor.
pub(crate) const ASKS: usize = 64;
/// Ticks that a slow watcher may be behind before it skips some.
pub(crate) const TICKS: usize = 32;

/// What handles ask of the conductor.
#[derive(Debug)]
pub(crate) enum Ask {
    Command { command: Command, origin: String, reply: oneshot::Sender<Result<Change, CommandError>> },
    Watch(oneshot::Sender<(Hello, broadcast::Receiver<Arc<News>>)>),
    Refill { plan: Arc<Plan>, record: SupplyRecord },
    Warn(String),
}

/// A tick as it goes to those who follow the run: written down once, however many they are.
#[derive(Debug)]
pub struct News {
    tick: Tick,
    text: OnceLock<Option<String>>,
}

impl News {
    pub(crate) fn new(tick: Tick) -> Self {
        Self { tick, text: OnceLock::new() }
    }

    /// The tick as a live message in JSON; none where it cannot be written.
    pub fn text(&self) -> Option<&str> {
        let write = || serde_json::to_string(&LiveMessage::Tick(Box::new(self.tick.clone()))).ok();
        self.text.get_or_init(write).as_deref()
    }
}

impl Deref for News {
    type Target = Tick;

    fn deref(&self) -> &Tick {
        &self.tick
    }
}

/// A running run, or one that is over and can still be looked at. Copies are the same run.
#[derive(Clone, Debug)]
pub struct RunHandle {
    pub(crate) id: RunId,
    pub(crate) asks: mpsc::Sender<Ask>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(crate) result: watch::Receiver<SharedResult>,
}

impl RunHandle {
    /// The run's identity.
    pub fn id(&self) -> RunId {
        self.id.clone()
    }

    /// Asks for a command; gives it back as it takes effect.
    ///
    /// # Errors
    ///
    /// Says why it is refused; nothing has changed then.
    pub async fn command(&self, command: Command, origin: &str) -> Result<Change, CommandError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Command { command, origin: origin.to_owned(), reply };
        self.asks.send(ask).await.map_err(|_error| CommandError::Gone)?;
        answer.await.map_err(|_error| CommandError::Gone)?
    }

    /// The run so far, and every tick from here on; none is missed in between. A watcher that falls behind gets
    /// `Lagged` with the number of ticks that it skipped.
    ///
    /// # Errors
    ///
    /// The run's conductor is gone.
    pub async fn subscribe(&self) -> Result<(Hello, broadcast::Receiver<Arc<News>>), CommandError> {
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Watch(reply)).await.map_err(|_error| CommandError::Gone)?;
        answer.await.map_err(|_error| CommandError::Gone)
    }

    /// Lets the events to come draw from what a target gave anew: a plan that differs in the items of pools only.
    ///
    /// # Errors
    ///
    /// The run's conductor is gone.
    pub async fn refill(&self, plan: Arc<Plan>, record: SupplyRecord) -> Result<(), CommandError> {
        self.asks.send(Ask::Refill { plan, record }).await.map_err(|_error| CommandError::Gone)
    }

    /// Says something that whoever reads the result should know; once, however often it is said.
    ///
    /// # Errors
    ///
    /// The run's conductor is gone.
    pub async fn warn(&self, text: String) -> Result<(), CommandError> {
        self.asks.send(Ask::Warn(text)).await.map_err(|_error| CommandError::Gone)
    }

    /// The run as of its last tick.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Waits for the end of the run.
    ///
    /// # Errors
    ///
    /// The run's conductor ended without a result.
    pub async fn wait(&self) -> Result<Arc<RunResult>, CommandError> {
        let mut result = self.result.clone();
        let ended = result.wait_for(Option::is_some).await.map_err(|_error| CommandError::Gone)?;
        ended.clone().ok_or(CommandError::Gone)
    }
}
