//! `GET /api/status`: what the server is and does.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared::api::Status;

use super::App;
use super::failure::{Failure, blocking};
use crate::engine::handle::RunHandle;
use crate::practice::PracticeTarget;

/// Version, practice target, runs.
pub(super) async fn show(State(app): State<Arc<App>>) -> Result<Json<Status>, Failure> {
    let store = Arc::clone(&app.store);
    let active_run = app.current.active().as_ref().map(RunHandle::id);
    let stored = blocking(move || store.latest()).await??;
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        practice_target: app.practice.as_ref().map(PracticeTarget::url),
        // A run is in the store a moment after it began.
        latest_run: active_run.clone().or(stored),
        active_run,
    }))
}

/// What the API takes and answers.
pub(super) async fn openapi() -> Json<serde_json::Value> {
    Json(shared::openapi::document(env!("CARGO_PKG_VERSION")))
}
