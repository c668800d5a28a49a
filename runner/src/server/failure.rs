//! Errors as [`ErrorBody`], the same shape for every route.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use shared::api::ErrorBody;
use shared::problem::Problem;

use crate::library::LibraryError;
use crate::practice::PracticeError;
use crate::store::{ScenarioStoreError, StoreError};

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
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store_failed", error.to_string())
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
        match Json::from_request(request, state).await {
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
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))
}

/// The answer to an unknown path below `/api`.
pub(super) async fn no_such_route() -> Failure {
    Failure::not_found("there is no such route")
}

/// The answer to a known path with another method.
pub(super) async fn wrong_method() -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", "this route does not take this method")
}
