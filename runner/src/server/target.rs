//! `/api/target`: the practice target's switches and its account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared::api::{TargetReport, TargetSettings};

use super::App;
use super::failure::{Body, Failure};
use crate::practice::PracticeTarget;

/// How it answers and what it received.
pub(super) async fn report(State(app): State<Arc<App>>) -> Result<Json<TargetReport>, Failure> {
    Ok(Json(practice(&app)?.report().await?))
}

/// Changes how it answers.
pub(super) async fn set(
    State(app): State<Arc<App>>,
    Body(settings): Body<TargetSettings>,
) -> Result<Json<TargetReport>, Failure> {
    let practice = practice(&app)?;
    practice.set(settings).await?;
    Ok(Json(practice.report().await?))
}

/// Forgets what it received.
pub(super) async fn reset(State(app): State<Arc<App>>) -> Result<Json<TargetReport>, Failure> {
    let practice = practice(&app)?;
    practice.reset().await?;
    Ok(Json(practice.report().await?))
}

fn practice(app: &App) -> Result<&PracticeTarget, Failure> {
    app.practice.as_ref().ok_or_else(|| {
        Failure::not_found("this server has no practice target").with_hint("start it without --no-practice-target")
    })
}
