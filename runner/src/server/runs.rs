//! `/api/runs`: starting, commanding, looking at and deleting runs; what is done with those of the past is in `history`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::api::{RunSummary, ScenarioChoice, StartRun, Trial, TryScenario};
use shared::run::{Change, Command, RunId, RunInfo, RunResult};

use super::App;
use super::failure::{Body, Failure, blocking};
use crate::delivery::{Delivery, DeliveryError, Trust};
use crate::engine;
use crate::engine::orders::CommandError;
use crate::engine::prepare::{PrepareError, PrepareOptions, Prepared, prepare};
use crate::library::loading::{Additions, Ready, load_to_run};
use crate::report::format::ResultsFormat;
use crate::supplies;
use crate::supplies::fetch::{FetchError, fetch};
use crate::supplies::refresh::attach;
use crate::supplies::snapshot::Snapshot;

/// Who gives the commands that come in here: browsers say where a page's request comes from, programs do not.
const PANEL: &str = "panel";
const API: &str = "api";

/// One run.
pub(super) async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<RunSummary>, Failure> {
    let id = RunId(id);
    let missing = no_such_run(&id);
    let found = blocking(move || app.store.get(&id)).await??;
    found.map(Json).ok_or(missing)
}

/// Starts a run.
pub(super) async fn start(
    State(app): State<Arc<App>>,
    Body(start): Body<StartRun>,
) -> Result<(StatusCode, Json<RunInfo>), Failure> {
    let turn = app.current.take_turn()?;
    let practice = practice(&app, start.practice_target)?;
    let (prepared, noting) = {
        let app = Arc::clone(&app);
        blocking(move || {
            app.store.check()?;
            let (prepared, delivery) = prepare_run(&app, start, practice)?;
            delivery.begin(prepared, app.store.directory()).map_err(refuse_delivery)
        })
        .await??
    };
    let info = prepared.info.clone();
    let run = engine::start::start(prepared, Box::new(app.store.journal()));
    // Whoever is told of the run can find it: its beginning is written before the answer.
    let _begun = run.subscribe().await;
    turn.start(info.clone(), run, noting);
    blocking(move || app.store.flush()).await??;
    Ok((StatusCode::CREATED, Json(info)))
}

/// Tries a scenario out.
pub(super) async fn try_out(
    State(app): State<Arc<App>>,
    Body(wish): Body<TryScenario>,
) -> Result<Json<Trial>, Failure> {
    let practice = practice(&app, wish.practice_target)?;
    blocking(move || {
        let TryScenario { scenario, profile, set, practice_target, events } = wish;
        let start = StartRun { scenario, profile, set, seed: None, practice_target };
        let Readied { prepared, .. } = ready(&app, start, practice)?;
        let wanted = events.as_deref().map(|word| (word, prepared.plan.event_types_of(word)));
        if let Some((word, _)) = wanted.as_ref().filter(|(_, types)| types.is_empty()) {
            let message = format!("there is no event type `{word}`");
            return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "no_such_event", message));
        }
        // A dialler stays on its thread; this thread is one that may wait.
        let wait = tokio::runtime::Handle::current();
        let targets = wait.block_on(prepared.try_targets());
        let events = match wanted {
            Some((_, types)) if targets.iter().all(|target| target.reachable) => {
                wait.block_on(prepared.try_events(&types))
            }
            _ => Vec::new(),
        };
        Ok(Json(Trial { targets, events }))
    })
    .await?
}

/// The practice target's address, where it is asked for.
fn practice(app: &App, wanted: bool) -> Result<Option<String>, Failure> {
    match (wanted, &app.practice) {
        (false, _) => Ok(None),
        (true, Some(practice)) => Ok(Some(practice.url())),
        (true, None) => {
            let failure =
                Failure::new(StatusCode::CONFLICT, "no_practice_target", "this server has no practice target");
            Err(failure.with_hint("start it without --no-practice-target"))
        }
    }
}

/// A run's result as a download.
pub(super) async fn result(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Failure> {
    let id = RunId(id);
    let result = finished(&app, &id).await?;
    let text = blocking(move || ResultsFormat::Throng.write(&result)).await?;
    let text = text.map_err(|error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?;
    Ok(download(&id, ResultsFormat::Throng, text))
}

/// The result of a run that is over.
pub(super) async fn finished(app: &Arc<App>, id: &RunId) -> Result<Arc<RunResult>, Failure> {
    let current = app.current.find(id);
    if current.as_ref().is_some_and(|run| !run.snapshot().state.is_over()) {
        let failure = Failure::new(StatusCode::CONFLICT, "run_active", format!("run {id} is going on"));
        return Err(failure.with_hint("its result is there once it is over"));
    }
    // It may be over and not on disk yet; what came of its audits is known later than that.
    if let Some(result) = app.current.audited(id) {
        return Ok(result);
    }
    if let Some(run) = current
        && let Ok(result) = run.wait().await
    {
        return Ok(result);
    }
    let (store, wanted) = (Arc::clone(&app.store), id.clone());
    let stored = blocking(move || store.result(&wanted)).await??;
    stored.map(Arc::new).ok_or_else(|| no_such_run(id))
}

/// A file for whoever asked.
pub(super) fn download(id: &RunId, format: ResultsFormat, text: String) -> Response {
    let name = format!("attachment; filename=\"throng-{id}.{}\"", format.ending());
    let mut response = ([(header::CONTENT_TYPE, format.media_type())], text).into_response();
    if let Ok(value) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// Gives a command to a run that is going on.
pub(super) async fn command(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(command): Body<Command>,
) -> Result<Json<Change>, Failure> {
    let id = RunId(id);
    let Some(run) = app.current.find(&id) else {
        let store = Arc::clone(&app.store);
        let known = blocking(move || store.get(&id).map(|found| (found.is_some(), id))).await??;
        return Err(match known {
            (true, id) => Failure::new(StatusCode::CONFLICT, "run_over", format!("run {id} is over")),
            (false, id) => no_such_run(&id),
        });
    };
    let origin = if headers.contains_key("sec-fetch-site") { PANEL } else { API };
    run.command(command, origin).await.map(Json).map_err(|error| match error {
        CommandError::NotNow { state, .. } if state.is_over() => {
            Failure::new(StatusCode::CONFLICT, "run_over", error.to_string())
        }
        CommandError::NotNow { .. } => Failure::new(StatusCode::CONFLICT, "not_now", error.to_string()),
        CommandError::Multiplier | CommandError::Unfit(_) => {
            Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "command_invalid", error.to_string())
        }
        CommandError::Busy => Failure::new(StatusCode::SERVICE_UNAVAILABLE, "busy", error.to_string()),
        CommandError::Gone => Failure::new(StatusCode::CONFLICT, "run_over", error.to_string()),
    })
}

/// Deletes a run that is over.
pub(super) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    let id = RunId(id);
    if app.current.active().is_some_and(|run| run.id() == id) {
        let failure = Failure::new(StatusCode::CONFLICT, "run_active", format!("run {id} is going on"));
        return Err(failure.with_hint("stop it first"));
    }
    let missing = no_such_run(&id);
    let store = Arc::clone(&app.store);
    let doomed = id.clone();
    if !blocking(move || store.delete(&doomed)).await?? {
        return Err(missing);
    }
    app.current.forget(&id);
    Ok(StatusCode::NO_CONTENT)
}

/// A run that can start, with what it was given.
struct Readied {
    prepared: Prepared,
    options: PrepareOptions,
    snapshot: Snapshot,
}

/// Loads and prepares; blocks.
fn ready(app: &App, start: StartRun, practice: Option<String>) -> Result<Readied, Failure> {
    let found = match start.scenario {
        ScenarioChoice::Named(name) => app.library.named(&name)?,
        ScenarioChoice::Text(text) => app.library.nameless(text),
    };
    let additions = Additions {
        profile: start.profile,
        set: start.set.into_iter().collect(),
        seed: start.seed,
        practice: practice.is_some(),
        api_key: None,
    };
    let Ready { scenario, mut supplies, secrets, .. } =
        load_to_run(&found, &additions).into_planned().map_err(Failure::invalid_scenario)?;
    let options = secrets.prepare_options(practice.as_deref(), &app.allowed_targets);
    // A dialler stays on its thread, as the workers' do; this thread is one that may wait.
    let wait = tokio::runtime::Handle::current();
    let snapshot = wait.block_on(fetch(&scenario, &options, Snapshot::default())).map_err(refuse_pool)?;
    snapshot.add_to(&mut supplies);
    let options = PrepareOptions {
        supply_records: supplies::records(&scenario, &supplies, &snapshot),
        supplies,
        folder: found.folder.clone(),
        ..options
    };
    let prepared = prepare(scenario, &options).map_err(refuse)?;
    Ok(Readied { prepared, options, snapshot })
}

/// Loads, prepares and finds the targets there; blocks.
fn prepare_run(app: &App, start: StartRun, practice: Option<String>) -> Result<(Prepared, Delivery), Failure> {
    let Readied { prepared, options, snapshot } = ready(app, start, practice.clone())?;
    // Whoever may use the panel need not be allowed to write, or to ask, anywhere.
    let trust = Trust::Network(app.allowed_targets.clone());
    let delivery = Delivery::new(&prepared, practice.as_deref(), &options.folder, trust).map_err(refuse_delivery)?;
    let wait = tokio::runtime::Handle::current();
    let mut prepared = attach(prepared, &options, &snapshot).map_err(refuse_pool)?;
    wait.block_on(prepared.preflight()).map_err(refuse)?;
    if !snapshot.pools.is_empty() {
        let path = app.store.supplies_of(&prepared.info.id);
        snapshot.write(&path).map_err(|error| {
            let message = format!("cannot write {}: {error}", path.display());
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
        })?;
    }
    Ok((prepared, delivery))
}

fn refuse_delivery(error: DeliveryError) -> Failure {
    let failure = match &error {
        DeliveryError::NoSink { .. } | DeliveryError::Place { .. } => {
            Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "cannot_run", error.to_string())
        }
        DeliveryError::Ledger(_) => Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()),
    };
    match error.hint() {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

fn refuse(error: PrepareError) -> Failure {
    let hint = error.hint();
    let failure = match error {
        PrepareError::Plan(problems) => Failure::invalid_scenario(problems),
        PrepareError::Unreachable { .. } => {
            Failure::new(StatusCode::BAD_GATEWAY, "target_unreachable", error.to_string())
        }
        PrepareError::Secret { .. } | PrepareError::Target { .. } | PrepareError::Unsupported(_) => {
            Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "cannot_run", error.to_string())
        }
    };
    match hint {
        Some(hint) => failure.with_hint(&hint),
        None => failure,
    }
}

fn refuse_pool(error: FetchError) -> Failure {
    let hint = error.hint();
    let (status, code) = match &error {
        FetchError::Unreachable { .. } => (StatusCode::BAD_GATEWAY, "target_unreachable"),
        FetchError::Target { .. } | FetchError::Answer { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "cannot_run"),
    };
    let failure = Failure::new(status, code, error.to_string());
    match hint {
        Some(hint) => failure.with_hint(&hint),
        None => failure,
    }
}

pub(super) fn no_such_run(id: &RunId) -> Failure {
    Failure::not_found(format!("there is no run {id}"))
}
