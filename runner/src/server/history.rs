//! What is done with runs of the past: listing, exporting, labelling, comparing.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use shared::api::{Labels, RunSummary};
use shared::compare::{CompareOptions, Comparison, compare as compared};
use shared::run::RunId;

use super::App;
use super::failure::{Body, Failure, blocking};
use super::runs::{download, finished, no_such_run};
use crate::report::format::{FormatError, ResultsFormat};

/// Most tags of a run, and the longest of its words.
const MOST_TAGS: usize = 50;
const LONGEST_TAG: usize = 100;
const LONGEST_NOTE: usize = 10_000;

/// Which runs are wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    scenario: Option<String>,
    tag: Option<String>,
    limit: Option<usize>,
}

/// How a run is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exported {
    format: Option<String>,
}

/// Which runs are compared, and how.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pair {
    baseline: Option<String>,
    candidate: String,
    confidence: Option<f64>,
    tolerance: Option<f64>,
}

/// The history, newest first.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Vec<RunSummary>>, Failure> {
    let Query(wanted) = query.map_err(malformed)?;
    let runs = blocking(move || app.store.list()).await??;
    let fits = |run: &RunSummary| {
        wanted.scenario.as_ref().is_none_or(|name| run.info.scenario == *name)
            && wanted.tag.as_ref().is_none_or(|tag| run.labels.tags.contains(tag))
    };
    Ok(Json(runs.into_iter().filter(fits).take(wanted.limit.unwrap_or(usize::MAX)).collect()))
}

/// A run's result in a format.
pub(super) async fn export(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    query: Result<Query<Exported>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(wanted) = query.map_err(malformed)?;
    let name = wanted.format.unwrap_or_else(|| "json".to_owned());
    let format = ResultsFormat::named(&name).ok_or_else(|| {
        Failure::new(StatusCode::BAD_REQUEST, "malformed", format!("there is no format `{name}`"))
            .with_hint("ask for json, testbench, html, csv or hdr")
    })?;
    let id = RunId(id);
    let result = finished(&app, &id).await?;
    let text = blocking(move || format.write(&result)).await?.map_err(|error| match error {
        FormatError::Hdr(_) => Failure::new(StatusCode::CONFLICT, "no_histogram", error.to_string()),
        FormatError::Json(_) => Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()),
    })?;
    Ok(download(&id, format, text))
}

/// Keeps words with a run.
pub(super) async fn label(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(labels): Body<Labels>,
) -> Result<Json<RunSummary>, Failure> {
    let wrong = |reason: String| Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "labels_invalid", reason);
    if labels.tags.len() > MOST_TAGS || labels.note.len() > LONGEST_NOTE {
        return Err(wrong(format!("a run has at most {MOST_TAGS} tags and a note of {LONGEST_NOTE} bytes")));
    }
    if let Some(tag) = labels.tags.iter().find(|tag| tag.trim().is_empty() || tag.len() > LONGEST_TAG) {
        return Err(wrong(format!("`{tag}` is no tag: it is empty or longer than {LONGEST_TAG} bytes")));
    }
    let id = RunId(id);
    let missing = no_such_run(&id);
    let found = blocking(move || {
        app.store.label(&id, &labels)?;
        app.store.get(&id)
    });
    found.await??.map(Json).ok_or(missing)
}

/// Compares two runs.
pub(super) async fn compare(
    State(app): State<Arc<App>>,
    query: Result<Query<Pair>, QueryRejection>,
) -> Result<Json<Comparison>, Failure> {
    let Query(pair) = query.map_err(malformed)?;
    let usual = CompareOptions::default();
    let options = CompareOptions {
        confidence: pair.confidence.unwrap_or(usual.confidence),
        tolerance: pair.tolerance.unwrap_or(usual.tolerance),
    };
    if !(0.5..1.0).contains(&options.confidence) || !(0.0..1.0).contains(&options.tolerance) {
        let reason = "a confidence is from 0.5 to below 1, a tolerance from 0 to below 1";
        return Err(Failure::new(StatusCode::BAD_REQUEST, "malformed", reason));
    }
    let candidate = finished(&app, &RunId(pair.candidate)).await?;
    let baseline = match pair.baseline {
        Some(id) => RunId(id),
        None => {
            let (store, scenario) = (Arc::clone(&app.store), candidate.run.info.scenario.clone());
            let missing = Failure::not_found(format!("{scenario} has no baseline")).with_hint("label one of its runs");
            blocking(move || store.baseline(&scenario)).await??.ok_or(missing)?
        }
    };
    let baseline = finished(&app, &baseline).await?;
    Ok(Json(blocking(move || compared(&baseline, &candidate, options)).await?))
}

fn malformed(rejection: QueryRejection) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "malformed", rejection.body_text())
}
