//! What an answer means: accepted, known already, asked to slow down, refused.

use indexmap::IndexMap;
use shared::run::FailureKind;
use shared::scenario::model::target::Outcome;

/// What a status means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Meaning {
    /// Accepted.
    Accepted,
    /// Acknowledged as known already.
    Duplicate,
    /// Not accepted.
    Refused(FailureKind),
}

/// The meaning of every status at one target.
#[derive(Clone, Debug)]
pub(crate) struct Meanings {
    by_status: Vec<Meaning>,
}

/// Statuses have three digits.
const STATUSES: u16 = 1_000;

impl Meanings {
    /// The usual meanings, but for what a scenario says: `409` names a status, `5xx` a class; a status goes first.
    ///
    /// # Errors
    ///
    /// Names the key that is neither.
    pub(crate) fn new(classify: &IndexMap<String, Outcome>) -> Result<Self, String> {
        let mut by_status: Vec<Meaning> = (0..STATUSES).map(usual).collect();
        // Where answers have no status, an answer means yes.
        by_status[0] = Meaning::Accepted;
        let mut exact = Vec::new();
        for (key, outcome) in classify {
            match key.strip_suffix("xx") {
                Some(class) => {
                    let class: u16 = class.parse().map_err(|_error| wrong(key))?;
                    let first = class.checked_mul(100).filter(|first| *first < STATUSES).ok_or_else(|| wrong(key))?;
                    for status in first..first + 100 {
                        by_status[usize::from(status)] = told(*outcome, status);
                    }
                }
                None => {
                    let status = key.parse().ok().filter(|status| *status < STATUSES).ok_or_else(|| wrong(key))?;
                    exact.push((status, told(*outcome, status)));
                }
            }
        }
        for (status, meaning) in exact {
            by_status[usize::from(status)] = meaning;
        }
        Ok(Self { by_status })
    }

    /// What a status means.
    pub(crate) fn of(&self, status: u16) -> Meaning {
        let known = self.by_status.get(usize::from(status));
        known.copied().unwrap_or(Meaning::Refused(FailureKind::UnexpectedStatus))
    }
}

fn usual(status: u16) -> Meaning {
    match status {
        200..300 => Meaning::Accepted,
        _ => Meaning::Refused(refusal(status)),
    }
}

fn told(outcome: Outcome, status: u16) -> Meaning {
    match outcome {
        Outcome::Ok => Meaning::Accepted,
        Outcome::Duplicate => Meaning::Duplicate,
        Outcome::Throttled => Meaning::Refused(FailureKind::Throttled),
        Outcome::Failed => Meaning::Refused(refusal(status)),
    }
}

fn refusal(status: u16) -> FailureKind {
    match status {
        401 | 403 => FailureKind::Unauthorized,
        429 => FailureKind::Throttled,
        400..500 => FailureKind::ClientError,
        500..600 => FailureKind::ServerError,
        _ => FailureKind::UnexpectedStatus,
    }
}

fn wrong(key: &str) -> String {
    format!("`{key}` is neither a status such as 409 nor a class such as 5xx")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_mean_what_they_usually_mean() {
        let meanings = Meanings::new(&IndexMap::new()).unwrap();
        for (status, meaning) in [
            (202, Meaning::Accepted),
            (302, Meaning::Refused(FailureKind::UnexpectedStatus)),
            (401, Meaning::Refused(FailureKind::Unauthorized)),
            (404, Meaning::Refused(FailureKind::ClientError)),
            (429, Meaning::Refused(FailureKind::Throttled)),
            (503, Meaning::Refused(FailureKind::ServerError)),
            (999, Meaning::Refused(FailureKind::UnexpectedStatus)),
            (u16::MAX, Meaning::Refused(FailureKind::UnexpectedStatus)),
        ] {
            assert_eq!(meanings.of(status), meaning, "{status}");
        }
    }

    #[test]
    fn a_scenario_has_the_last_word_and_a_status_beats_its_class() {
        let told = [("409", Outcome::Duplicate), ("4xx", Outcome::Throttled), ("200", Outcome::Failed)];
        let classify = told.into_iter().map(|(key, outcome)| (key.to_owned(), outcome)).collect();
        let meanings = Meanings::new(&classify).unwrap();
        assert_eq!(meanings.of(409), Meaning::Duplicate);
        assert_eq!(meanings.of(404), Meaning::Refused(FailureKind::Throttled));
        assert_eq!(meanings.of(200), Meaning::Refused(FailureKind::UnexpectedStatus));
        let wrong = std::iter::once(("12xx".to_owned(), Outcome::Ok)).collect();
        assert!(Meanings::new(&wrong).is_err());
    }
}
