//! `/api/scenarios` and `/api/validate`: the gallery, people's own scenarios, and what is wrong with a text.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use shared::api::{CheckScenario, CheckedScenario, SaveScenario, SavedScenario, ScenarioDocument, ScenarioSummary};

use super::App;
use super::failure::{Body, Failure, blocking};
use crate::library::Found;
use crate::library::loading::look_at;

/// Every scenario with its profiles.
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<Vec<ScenarioSummary>>, Failure> {
    Ok(Json(blocking(move || app.library.list()).await??))
}

/// One scenario's text.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<ScenarioDocument>, Failure> {
    Ok(Json(blocking(move || app.library.document(&name)).await??))
}

/// Stores a text, valid or not, and says what is wrong with it.
pub(super) async fn save(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Body(save): Body<SaveScenario>,
) -> Result<Json<SavedScenario>, Failure> {
    let saved = blocking(move || {
        let revision = app.library.save(&name, &save.text, save.expected_revision.as_deref())?;
        Ok::<_, Failure>(SavedScenario { revision, problems: problems(&app, &name, save.text, None) })
    });
    Ok(Json(saved.await??))
}

/// Deletes a scenario of a person's own.
pub(super) async fn delete(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    blocking(move || app.library.delete(&name)).await??;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what is wrong with a text; stores and runs nothing.
pub(super) async fn validate(
    State(app): State<Arc<App>>,
    Body(check): Body<CheckScenario>,
) -> Result<Json<CheckedScenario>, Failure> {
    let problems = blocking(move || problems(&app, "scenario", check.text, check.profile.as_deref())).await?;
    Ok(Json(CheckedScenario { problems }))
}

fn problems(app: &App, name: &str, text: String, profile: Option<&str>) -> Vec<shared::problem::Problem> {
    let found = Found { source: name.to_owned(), ..app.library.nameless(text) };
    look_at(&found, profile).problems().to_vec()
}
