//! The practice target: an ingestion service that Throng brings along, so that the first minute works without any
//! other and the tests have a witness that counts for itself.
//!
//! It runs on one thread of its own and shares nothing with the engine but the loopback interface.

mod account;
mod analytics;
mod anything;
mod commerce;
mod connection;
mod contract;
mod control;
mod freshmart;
mod gate;
mod holdings;
mod intake;
mod json;
mod mqtt;
mod pulse;
mod random;
mod request;
mod site;
mod websocket;

use std::net::SocketAddr;
use std::rc::Rc;
use std::{io, thread};

use shared::api::{TargetAccount, TargetReport, TargetSettings};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

pub use gate::check_settings;
use mqtt::Broker;
use site::Site;

/// How many questions may wait for the target's thread.
const ASKS: usize = 64;

/// Why the practice target cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread or runtime.
    #[error("cannot start the practice target: {0}")]
    Start(#[from] io::Error),
    /// A setting is out of its range.
    #[error("{0}")]
    Settings(String),
    /// Its thread has ended.
    #[error("the practice target has stopped")]
    Gone,
}

/// A running practice target; it stops when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct PracticeTarget {
    address: SocketAddr,
    asks: mpsc::Sender<Ask>,
}

/// What the handles ask of the thread that owns the target.
enum Ask {
    Report(oneshot::Sender<(TargetSettings, TargetAccount)>),
    Settings(Box<TargetSettings>, oneshot::Sender<()>),
    Reset(oneshot::Sender<()>),
}

impl PracticeTarget {
    /// Starts the target; port 0 picks a free one.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, a setting is out of range, or there is no thread.
    pub fn start(address: SocketAddr, settings: TargetSettings) -> Result<Self, PracticeError> {
        check_settings(&settings).map_err(PracticeError::Settings)?;
        let listener = std::net::TcpListener::bind(address)
            .and_then(|listener| {
                listener.set_nonblocking(true)?;
                Ok(listener)
            })
            .map_err(|source| PracticeError::Bind { address, source })?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (asks, inbox) = mpsc::channel(ASKS);
        thread::Builder::new().name("practice-target".into()).spawn(move || {
            let served = LocalSet::new().block_on(&runtime, serve(listener, settings, inbox));
            if let Err(error) = served {
                tracing::error!(%error, "the practice target stopped");
            }
        })?;
        Ok(Self { address, asks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a scenario writes it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How it answers and what it received.
    ///
    /// # Errors
    ///
    /// Its thread has ended.
    pub async fn report(&self) -> Result<TargetReport, PracticeError> {
        let (settings, account) = self.ask(Ask::Report).await?;
        Ok(TargetReport { url: self.url(), settings, account })
    }

    /// Changes how it answers, from the next request on.
    ///
    /// # Errors
    ///
    /// A setting is out of range, or its thread has ended.
    pub async fn set(&self, settings: TargetSettings) -> Result<(), PracticeError> {
        check_settings(&settings).map_err(PracticeError::Settings)?;
        self.ask(|answer| Ask::Settings(Box::new(settings), answer)).await
    }

    /// Forgets what it received.
    ///
    /// # Errors
    ///
    /// Its thread has ended.
    pub async fn reset(&self) -> Result<(), PracticeError> {
        self.ask(Ask::Reset).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, PracticeError> {
        let (answer, wait) = oneshot::channel();
        self.asks.send(ask(answer)).await.map_err(|_closed| PracticeError::Gone)?;
        wait.await.map_err(|_closed| PracticeError::Gone)
    }
}

/// Accepts connections and answers the handles until the last of them is gone.
async fn serve(
    listener: std::net::TcpListener,
    settings: TargetSettings,
    mut inbox: mpsc::Receiver<Ask>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let site = Rc::new(Site::new(settings));
    let broker = Rc::new(Broker::default());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _peer)) => {
                    connections.spawn_local(connection::serve(stream, Rc::clone(&site), Rc::clone(&broker)));
                }
                // Out of file handles, or a peer that left at once: neither is a reason to stop serving the rest.
                Err(error) => {
                    tracing::warn!(%error, "the practice target could not accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
            ask = inbox.recv() => match ask {
                // Whoever asked may have given up waiting; that is not an error.
                Some(Ask::Report(answer)) => {
                    let _waiting = answer.send((site.settings(), site.account()));
                }
                Some(Ask::Settings(settings, answer)) => {
                    site.set(*settings);
                    let _waiting = answer.send(());
                }
                Some(Ask::Reset(answer)) => {
                    site.reset();
                    let _waiting = answer.send(());
                }
                None => return Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
