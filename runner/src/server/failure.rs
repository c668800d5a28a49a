//! Errors as [`ErrorBody`], the same shape for every route.

use std::error::Error;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use shared::api::ErrorBody;
use shared::problem::Problem;
use tokio::sync::Semaphore;

use crate::library::LibraryError;
use crate::practice::PracticeError;
use crate::store::{ScenarioStoreError, StoreError};

/// Work for the disk or the processor at the same time: what comes beyond waits its turn.
static WORK: Semaphore = Semaphore::const_new(16);
/// Time for the body of a request.
const BODY_TIME: Duration = Duration::from_secs(60);
/// Longest sentence of an error that was made elsewhere.
const MOST_SAID: usize = 64 * 1024;

/// An answer that is an error.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    body: Box<ErrorBody>,
}

impl Failure {
    /// An error with a code for programs and a sentence for people.
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let body = ErrorBody { code: code.to_owned(), message: message.into(), hint: None, problems: Vec::new() };
        Self { status, body: Box::new(body) }
    }

    /// Nothing of this name.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// A scenario that cannot run.
    pub(super) fn invalid_scenario(problems: Vec<Problem>) -> Self {
        let errors = problems.iter().filter(|problem| problem.is_error()).count() as u64;
        let message = format!("the scenario has {}", crate::report::counted(errors, "problem"));
        let mut failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "scenario_invalid", message);
        failure.body.problems = problems;
        failure
    }

    /// Adds what to do about it.
    pub(super) fn with_hint(mut self, hint: &str) -> Self {
        self.body.hint = Some(hint.to_owned());
        self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        let failure = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store_failed", error.to_string());
        let is_gone = matches!(error, StoreError::Gone { .. });
        if is_gone { failure.with_hint("put it back, or start `throng serve` again") } else { failure }
    }
}

impl From<PracticeError> for Failure {
    fn from(error: PracticeError) -> Self {
        match error {
            PracticeError::Settings(reason) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "settings_invalid", reason),
            PracticeError::Bind { .. } | PracticeError::Start(_) | PracticeError::Gone => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "practice_target_failed", error.to_string())
            }
        }
    }
}

impl From<LibraryError> for Failure {
    fn from(error: LibraryError) -> Self {
        let (status, code) = match &error {
            LibraryError::Unknown(_) | LibraryError::Store(ScenarioStoreError::Missing(_)) => {
                (StatusCode::NOT_FOUND, "not_found")
            }
            LibraryError::BuiltIn(_) => (StatusCode::FORBIDDEN, "built_in"),
            LibraryError::Store(ScenarioStoreError::Name(_)) => (StatusCode::UNPROCESSABLE_ENTITY, "name_invalid"),
            LibraryError::Store(ScenarioStoreError::Taken(_)) => (StatusCode::CONFLICT, "name_taken"),
            LibraryError::Store(ScenarioStoreError::Changed(_)) => (StatusCode::CONFLICT, "revision_changed"),
            LibraryError::Store(ScenarioStoreError::TooLong(_)) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            LibraryError::Store(ScenarioStoreError::File { .. }) | LibraryError::File { .. } => {
                (StatusCode::INTERNAL_SERVER_ERROR, "store_failed")
            }
        };
        Self::new(status, code, error.to_string())
    }
}

/// A JSON body, its errors told like all others.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let read = tokio::time::timeout(BODY_TIME, Json::from_request(request, state)).await;
        let read = read.map_err(|_late| {
            Failure::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body of the request did not come in time")
        })?;
        match read {
            Ok(Json(value)) => Ok(Self(value)),
            Err(rejection) => {
                let code = match rejection {
                    JsonRejection::MissingJsonContentType(_) => "content_type",
                    _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => "too_large",
                    _ => "malformed",
                };
                Err(Failure::new(rejection.status(), code, rejection.body_text()))
            }
        }
    }
}

/// Runs work that waits for the disk or takes long away from the threads that answer.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let internal = |error: &dyn Error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string());
    let _turn = WORK.acquire().await.map_err(|error| internal(&error))?;
    tokio::task::spawn_blocking(work).await.map_err(|error| internal(&error))
}

/// Gives errors that were made below the routes (a path that is no UTF-8, a query that cannot be read) the shape of all
/// others.
pub(super) async fn in_shape(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !(status.is_client_error() || status.is_server_error()) || kind.is_some_and(|kind| kind.contains("json")) {
        return response;
    }
    let said = axum::body::to_bytes(response.into_body(), MOST_SAID).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let message = if said.trim().is_empty() { status.to_string() } else { said.into_owned() };
    Failure::new(status, "malformed", message).into_response()
}

/// The answer to an unknown path below `/api`.
pub(super) async fn no_such_route() -> Failure {
    Failure::not_found("there is no such route")
}

/// The answer to a known path with another method.
pub(super) async fn wrong_method() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "this route does not take this method")
}
