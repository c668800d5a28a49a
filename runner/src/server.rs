//! The API, the live stream and the embedded panel over HTTP.
//!
//! Routes are those of [`shared::api`]; what they answer is made elsewhere: runs by the engine, history by the store.

mod current;
mod failure;
mod guard;
mod history;
mod links;
mod listen;
mod live;
mod metrics;
mod panel;
mod runs;
mod scenarios;
mod status;
mod target;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post, put};
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::library::Library;
use crate::practice::PracticeTarget;
use crate::store::{self, Store};
use current::CurrentRun;
pub use guard::Access;
pub use links::Links;
pub use metrics::offer as offer_metrics;

/// The longest body of a request: a scenario with room to spare.
const MAX_BODY: usize = 5 * 1024 * 1024;
/// How long open connections may take to end once the server stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why the server cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Something else listens there.
    #[error("port {} of {} is taken by another program", address.port(), address.ip())]
    Taken {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address cannot be used.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A network address without a token would let everybody in.
    #[error("{address} can be reached from other machines: give a token with --token-file or THRONG_TOKEN")]
    TokenNeeded {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The listening socket cannot say where it is.
    #[error("the server cannot start: {0}")]
    Serve(#[from] io::Error),
}

/// What the routes work with.
#[derive(Debug)]
pub struct App {
    /// Runs of the past and people's own scenarios.
    pub store: Arc<Store>,
    /// All scenarios by name.
    pub library: Library,
    /// The embedded practice target, unless it was turned off.
    pub practice: Option<PracticeTarget>,
    /// Hosts beyond this network that may be sent to.
    pub allowed_targets: Vec<String>,
    current: Arc<CurrentRun>,
    /// Places for those who follow a run.
    watchers: Arc<Semaphore>,
    /// Turns true when the server stops, so that live streams end.
    closing: watch::Sender<bool>,
}

/// A server that listens, but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    access: Access,
    app: Arc<App>,
}

impl App {
    /// An app with nothing going on.
    pub fn new(store: Arc<Store>, practice: Option<PracticeTarget>, allowed_targets: Vec<String>) -> Self {
        let library = Library::new(store.scenarios().clone(), store.directory().join(store::FILES));
        let (closing, _watchers) = watch::channel(false);
        Self {
            current: Arc::new(CurrentRun::new(Arc::clone(&store))),
            watchers: Arc::new(Semaphore::new(live::MAX_WATCHERS)),
            store,
            library,
            practice,
            allowed_targets,
            closing,
        }
    }
}

impl Server {
    /// Listens at an address; port 0 picks a free one.
    ///
    /// # Errors
    ///
    /// The address is taken or not ours, or it needs a token.
    pub async fn bind(address: SocketAddr, token: Option<String>, app: App) -> Result<Self, ServerError> {
        if !address.ip().is_loopback() && token.is_none() {
            return Err(ServerError::TokenNeeded { address });
        }
        let listener = TcpListener::bind(address).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ServerError::Taken { address },
            _ => ServerError::Bind { address, source },
        })?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, access: Access::new(address, token), app: Arc::new(app) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` is ready, then lets a run that is going on end: `hurry` cuts that short.
    pub async fn serve(self, stop: impl Future<Output = ()>, hurry: impl Future<Output = ()>) {
        let Self { listener, access, app, .. } = self;
        let router = router(Arc::clone(&app), access);
        let (stopped, mut stopping) = watch::channel(false);
        let mut closing = stopping.clone();
        let serving = listen::serve(listener, router, async move {
            // The sender lives as long as this function.
            let _stopping = closing.wait_for(|stopping| *stopping).await;
        });
        tokio::pin!(serving);
        let end = async {
            stop.await;
            app.current.end(hurry).await;
            app.closing.send_replace(true);
            stopped.send_replace(true);
        };
        tokio::select! {
            () = &mut serving => return,
            () = end => {}
        }
        let _stopping = stopping.wait_for(|stopping| *stopping).await;
        // A watcher that does not say goodbye must not hold the process.
        let _late = tokio::time::timeout(FAREWELL, serving).await;
    }
}

fn router(app: Arc<App>, access: Access) -> Router {
    let api = Router::new()
        .route("/status", get(status::show))
        .route("/scenarios", get(scenarios::list))
        .route("/scenarios/{name}", get(scenarios::read).put(scenarios::save).delete(scenarios::delete))
        .route("/validate", post(scenarios::validate))
        .route("/try", post(runs::try_out))
        .route("/runs", get(history::list).post(runs::start))
        .route("/runs/{id}", get(runs::read).delete(runs::delete))
        .route("/runs/{id}/result", get(runs::result))
        .route("/runs/{id}/commands", post(runs::command))
        .route("/runs/{id}/export", get(history::export))
        .route("/runs/{id}/labels", put(history::label))
        .route("/compare", get(history::compare))
        .route("/openapi.json", get(status::openapi))
        .route("/live/{id}", any(live::watch))
        .route("/target", get(target::report))
        .route("/target/settings", put(target::set))
        .route("/target/reset", post(target::reset))
        .fallback(failure::no_such_route)
        .method_not_allowed_fallback(failure::wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(failure::in_shape))
        .with_state(Arc::clone(&app));
    let metrics = Router::new().route("/metrics", get(metrics::show)).with_state(app);
    Router::new()
        .nest("/api", api)
        .merge(metrics)
        .fallback(panel::serve)
        .layer(middleware::from_fn_with_state(Arc::new(access), guard::check))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// Method and path of every route above, read from the source: there is no other list to compare with.
    fn routed() -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for line in include_str!("server.rs").lines() {
            let Some(rest) = line.trim().strip_prefix(".route(\"") else { continue };
            let Some((path, handlers)) = rest.split_once('"') else { continue };
            let path = if path == "/metrics" { path.to_owned() } else { format!("/api{path}") };
            for method in ["get", "put", "post", "delete"] {
                if handlers.contains(&format!("{method}(")) {
                    found.insert((method.to_owned(), path.clone()));
                }
            }
            // A WebSocket is asked for by GET.
            if handlers.contains("any(") {
                found.insert(("get".to_owned(), path));
            }
        }
        found
    }

    #[test]
    fn every_route_is_described_and_every_description_is_routed() {
        let metrics = ("get".to_owned(), "/metrics".to_owned());
        let mut routed = routed();
        routed.insert(metrics);
        let described: BTreeSet<(String, String)> = shared::openapi::described()
            .into_iter()
            .map(|(method, path)| (method.to_owned(), path.to_owned()))
            .collect();
        assert!(routed.len() > 15);
        assert_eq!(routed, described);
    }
}
