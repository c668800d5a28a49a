//! Requests to the runner: one function per route that the panel uses.

use gloo_net::http::{Request, RequestBuilder, Response};
use serde::Serialize;
use shared::api::{
    Labels, RunSummary, SaveScenario, SavedScenario, ScenarioDocument, ScenarioSummary, StartRun, Status, TargetReport,
    TargetSettings, Trial, TryScenario,
};
use shared::compare::Comparison;
use shared::run::{Change, Command, RunInfo};
use shared::tree::read::{Readable, from_json};

use crate::state::audits::Audited;
use crate::state::overlay::Drawn;
use crate::state::remote::RequestError;
use crate::state::route::escape;

/// What a request leads to.
pub(crate) type Answer<T> = Result<T, RequestError>;

/// What the server is and does right now.
pub(crate) async fn status() -> Answer<Status> {
    read(Request::get("/api/status")).await
}

/// The gallery.
pub(crate) async fn scenarios() -> Answer<Vec<ScenarioSummary>> {
    read(Request::get("/api/scenarios")).await
}

/// A scenario's text.
pub(crate) async fn scenario(name: &str) -> Answer<ScenarioDocument> {
    read(Request::get(&format!("/api/scenarios/{}", escape(name)))).await
}

/// Stores a scenario's text.
pub(crate) async fn save_scenario(name: &str, text: &SaveScenario) -> Answer<SavedScenario> {
    read_sent(Request::put(&format!("/api/scenarios/{}", escape(name))), text).await
}

/// Deletes a scenario of the user's own.
pub(crate) async fn delete_scenario(name: &str) -> Answer<()> {
    done(Request::delete(&format!("/api/scenarios/{}", escape(name)))).await
}

/// Starts a run.
pub(crate) async fn start_run(start: &StartRun) -> Answer<RunInfo> {
    read_sent(Request::post("/api/runs"), start).await
}

/// Tries a scenario out.
pub(crate) async fn try_scenario(wish: &TryScenario) -> Answer<Trial> {
    read_sent(Request::post("/api/try"), wish).await
}

/// Every run, newest first.
pub(crate) async fn runs() -> Answer<Vec<RunSummary>> {
    read(Request::get("/api/runs")).await
}

/// One run.
pub(crate) async fn run(id: &str) -> Answer<RunSummary> {
    read(Request::get(&format!("/api/runs/{}", escape(id)))).await
}

/// Asks something of a running run.
pub(crate) async fn command(id: &str, command: &Command) -> Answer<Change> {
    read_sent(Request::post(&format!("/api/runs/{}/commands", escape(id))), command).await
}

/// Deletes a run and all that is known of it.
pub(crate) async fn delete_run(id: &str) -> Answer<()> {
    done(Request::delete(&format!("/api/runs/{}", escape(id)))).await
}

/// Keeps words with a run.
pub(crate) async fn label_run(id: &str, labels: &Labels) -> Answer<RunSummary> {
    read_sent(Request::put(&format!("/api/runs/{}/labels", escape(id))), labels).await
}

/// Compares a run with a baseline.
pub(crate) async fn compare(baseline: &str, candidate: &str) -> Answer<Comparison> {
    let query = format!("baseline={}&candidate={}", escape(baseline), escape(candidate));
    read(Request::get(&format!("/api/compare?{query}"))).await
}

/// What is drawn of a run that is over.
pub(crate) async fn drawn(id: &str) -> Answer<Drawn> {
    let answer = answered(Request::get(&result_href(id)).send().await).await?;
    let text = answer.text().await.map_err(|_error| RequestError::Unreachable)?;
    Drawn::read(&text).map_err(RequestError::Unreadable)
}

/// What became of the audits of a run that is over.
pub(crate) async fn audited(id: &str) -> Answer<Audited> {
    read(Request::get(&result_href(id))).await
}

/// The practice target.
pub(crate) async fn target() -> Answer<TargetReport> {
    read(Request::get("/api/target")).await
}

/// Sets how the practice target answers.
pub(crate) async fn set_target(settings: &TargetSettings) -> Answer<TargetReport> {
    read_sent(Request::put("/api/target/settings"), settings).await
}

/// Empties the practice target's account.
pub(crate) async fn reset_target() -> Answer<TargetReport> {
    read(Request::post("/api/target/reset")).await
}

/// Where a run's result can be downloaded.
pub(crate) fn result_href(id: &str) -> String {
    format!("/api/runs/{}/result", escape(id))
}

/// Where a run's result can be downloaded in a format.
pub(crate) fn export_href(id: &str, format: &str) -> String {
    format!("/api/runs/{}/export?format={format}", escape(id))
}

async fn read<T: Readable>(request: RequestBuilder) -> Answer<T> {
    parse(answered(request.send().await).await?).await
}

async fn read_sent<T: Readable>(request: RequestBuilder, body: &impl Serialize) -> Answer<T> {
    let request = request.json(body).map_err(|error| RequestError::Unreadable(error.to_string()))?;
    parse(answered(request.send().await).await?).await
}

async fn done(request: RequestBuilder) -> Answer<()> {
    answered(request.send().await).await.map(|_answer| ())
}

/// An answer that says yes, or why not.
async fn answered(sent: Result<Response, gloo_net::Error>) -> Answer<Response> {
    let answer = sent.map_err(|_error| RequestError::Unreachable)?;
    if answer.ok() {
        return Ok(answer);
    }
    let body = answer.text().await.unwrap_or_default();
    Err(RequestError::from_answer(answer.status(), &body))
}

async fn parse<T: Readable>(answer: Response) -> Answer<T> {
    let text = answer.text().await.map_err(|_error| RequestError::Unreachable)?;
    from_json(&text).map_err(RequestError::Unreadable)
}
