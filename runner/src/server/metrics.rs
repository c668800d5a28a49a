//! `GET /metrics`: the newest run's figures for Prometheus; also alone, for a run without the panel.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use shared::run::RunInfo;
use tokio::net::TcpListener;

use super::listen;
use super::{App, ServerError};
use crate::engine::handle::RunHandle;
use crate::report::prometheus;

/// The figures of the newest run of this process.
pub(super) async fn show(State(app): State<Arc<App>>) -> impl IntoResponse {
    let newest = app.current.newest();
    page(newest.as_ref().map(|(info, run)| (info, run)))
}

/// Offers one run's figures at an address, under `/metrics`, until the returned future is dropped.
///
/// # Errors
///
/// The address is taken or not ours.
pub async fn offer(
    address: SocketAddr,
    info: RunInfo,
    run: RunHandle,
) -> Result<(SocketAddr, impl Future<Output = ()>), ServerError> {
    let listener = TcpListener::bind(address).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => ServerError::Taken { address },
        _ => ServerError::Bind { address, source },
    })?;
    let bound = listener.local_addr()?;
    let figures = move || async move { page(Some((&info, &run))) };
    let router = Router::new().route("/metrics", get(figures));
    Ok((bound, listen::serve(listener, router, std::future::pending())))
}

fn page(run: Option<(&RunInfo, &RunHandle)>) -> impl IntoResponse + use<> {
    let text = match run {
        Some((info, run)) => prometheus::text(Some((info, &run.snapshot()))),
        None => prometheus::text(None),
    };
    ([(header::CONTENT_TYPE, prometheus::MEDIA_TYPE)], text)
}
