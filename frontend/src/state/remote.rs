//! A value that comes from the runner: not here yet, here, or why not.

use shared::api::ErrorBody;
use shared::problem::Problem;
use shared::tree::read::from_json;

/// A value that comes from the runner.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Remote<T> {
    /// Asked for.
    #[default]
    Loading,
    /// Here.
    Ready(T),
    /// Not to be had.
    Failed(RequestError),
}

impl<T> Remote<T> {
    /// The value, if it is here.
    pub(crate) fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Loading | Self::Failed(_) => None,
        }
    }

    /// Takes a new answer; a failure does not wipe out what was known, except where nothing was.
    pub(crate) fn refresh(&mut self, answer: Result<T, RequestError>) {
        match answer {
            Ok(value) => *self = Self::Ready(value),
            Err(error) if self.ready().is_none() => *self = Self::Failed(error),
            Err(_) => {}
        }
    }
}

/// Why a request to the runner did not do what was asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RequestError {
    /// No answer: the runner is not there.
    Unreachable,
    /// The runner asks for its token.
    Locked,
    /// The runner refused, and says why.
    Refused(Box<ErrorBody>),
    /// An answer that this panel cannot read.
    Unreadable(String),
}

impl RequestError {
    /// Reads an error answer: the runner's own words where it has any.
    pub(crate) fn from_answer(status: u16, body: &str) -> Self {
        match from_json::<ErrorBody>(body) {
            _ if status == 401 => Self::Locked,
            Ok(error) => Self::Refused(Box::new(error)),
            // A proxy between the panel and the runner answers so when the runner is not there.
            Err(_) if matches!(status, 502..=504) => Self::Unreachable,
            Err(_) => Self::Unreadable(format!("the runner answered {status}")),
        }
    }

    /// Whether the thing asked for does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(error) if error.code == "not_found")
    }

    /// What happened, as a sentence without its stop.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Unreachable => "The runner does not answer".to_owned(),
            Self::Locked => "This runner asks for its token".to_owned(),
            Self::Refused(error) => sentence(&error.message),
            Self::Unreadable(why) => format!("The answer makes no sense to this page: {why}"),
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Unreachable => "Start it with `throng serve`; this page connects by itself.".to_owned(),
            Self::Locked => "Open the address that the runner printed: it carries the token.".to_owned(),
            Self::Refused(error) => error.hint.as_deref().map(sentence).unwrap_or_default(),
            Self::Unreadable(_) => "Reload the page; the runner may be of another version.".to_owned(),
        }
    }

    /// The scenario's problems, where that is what went wrong.
    pub(crate) fn problems(&self) -> &[Problem] {
        match self {
            Self::Refused(error) => &error.problems,
            Self::Unreachable | Self::Locked | Self::Unreadable(_) => &[],
        }
    }
}

/// A message of the runner's (lower case) as the start of a sentence.
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_refresh_keeps_what_was_known() {
        let mut value = Remote::Loading;
        value.refresh(Err(RequestError::Unreachable));
        assert_eq!(value, Remote::Failed(RequestError::Unreachable));
        value.refresh(Ok(7));
        value.refresh(Err(RequestError::Unreachable));
        assert_eq!(value.ready(), Some(&7));
    }

    #[test]
    fn errors_speak_the_runners_words() {
        let error = RequestError::from_answer(
            409,
            r#"{"code":"run_active","message":"a run is going on","hint":"stop it first"}"#,
        );
        assert_eq!(error.message(), "A run is going on");
        assert_eq!(error.hint(), "Stop it first");
        assert_eq!(RequestError::from_answer(502, "bad gateway"), RequestError::Unreachable);
        assert_eq!(RequestError::from_answer(401, ""), RequestError::Locked);
        assert!(matches!(RequestError::from_answer(500, "<html>"), RequestError::Unreadable(_)));
    }
}
