//! What an answer means: accepted, known already, asked to slow down, refused.

use indexmap::IndexMap;
use shared::encode::Pointer;
use shared::run::FailureKind;
use shared::scenario::model::target::{AnswerRule, Outcome};

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

/// The meaning of every answer at one target.
#[derive(Clone, Debug)]
pub(crate) struct Meanings {
    by_status: Vec<Meaning>,
    rules: Vec<Rule>,
}

/// What an answer means by what stands in it.
#[derive(Clone, Debug)]
struct Rule {
    statuses: Option<std::ops::Range<u16>>,
    text: Option<Vec<u8>>,
    field: Option<Pointer>,
    equals: Option<String>,
    means: Outcome,
}

impl Rule {
    fn new(rule: &AnswerRule) -> Result<Self, String> {
        Ok(Self {
            statuses: rule.status.as_deref().map(range).transpose()?,
            text: rule.text.as_ref().map(|text| text.clone().into_bytes()),
            field: rule.field.as_deref().map(str::parse).transpose()?,
            equals: rule.equals.clone(),
            means: rule.means,
        })
    }

    fn fits(&self, body: &[u8]) -> bool {
        let holds = |text: &Vec<u8>| body.windows(text.len().max(1)).any(|part| part == text.as_slice());
        if !self.text.as_ref().is_none_or(holds) {
            return false;
        }
        match (&self.field, &self.equals) {
            (None, _) => true,
            (Some(field), None) => field.find(body).is_some(),
            (Some(field), Some(wanted)) => field.text(body).as_ref() == Some(wanted),
        }
    }
}

/// Statuses have three digits.
const STATUSES: u16 = 1_000;

impl Meanings {
    /// The usual meanings, but for what a scenario says: `409` names a status, `5xx` a class; a status goes first. What
    /// stands in an answer goes before both.
    ///
    /// # Errors
    ///
    /// Names the key that is neither.
    pub(crate) fn new(classify: &IndexMap<String, Outcome>, answers: &[AnswerRule]) -> Result<Self, String> {
        let mut by_status: Vec<Meaning> = (0..STATUSES).map(usual).collect();
        // Where answers have no status, an answer means yes.
        by_status[0] = Meaning::Accepted;
        let mut exact = Vec::new();
        for (key, outcome) in classify {
            let statuses = range(key)?;
            if statuses.len() == 1 {
                exact.push((statuses.start, told(*outcome, statuses.start)));
            } else {
                for status in statuses {
                    by_status[usize::from(status)] = told(*outcome, status);
                }
            }
        }
        for (status, meaning) in exact {
            by_status[usize::from(status)] = meaning;
        }
        Ok(Self { by_status, rules: answers.iter().map(Rule::new).collect::<Result<_, _>>()? })
    }

    /// The usual meanings.
    pub(crate) fn usual() -> Self {
        Self { by_status: (0..STATUSES).map(usual).collect(), rules: Vec::new() }
    }

    /// What a status means.
    pub(crate) fn of(&self, status: u16) -> Meaning {
        let known = self.by_status.get(usize::from(status));
        known.copied().unwrap_or(Meaning::Refused(FailureKind::UnexpectedStatus))
    }

    /// What an answer means, by what stands in it or by its status.
    pub(crate) fn of_answer(&self, status: u16, body: &[u8]) -> Meaning {
        let said = self
            .rules
            .iter()
            .find(|rule| rule.statuses.as_ref().is_none_or(|statuses| statuses.contains(&status)) && rule.fits(body));
        said.map_or_else(|| self.of(status), |rule| told(rule.means, status))
    }

    /// What the part of an answer that speaks of one event means, where it was not simply accepted.
    pub(crate) fn of_item(&self, item: &[u8]) -> Option<Meaning> {
        let said = self.rules.iter().find(|rule| rule.statuses.is_none() && rule.fits(item))?;
        Some(match said.means {
            Outcome::Failed => Meaning::Refused(FailureKind::EventRejected),
            other => told(other, 0),
        })
    }

    /// Whether bodies have a say.
    pub(crate) fn reads_bodies(&self) -> bool {
        !self.rules.is_empty()
    }
}

/// The statuses that a key names: `409` one, `5xx` a hundred.
fn range(key: &str) -> Result<std::ops::Range<u16>, String> {
    let (number, width) = match key.strip_suffix("xx") {
        Some(class) => (class.parse::<u16>().ok().and_then(|class| class.checked_mul(100)), 100),
        None => (key.parse::<u16>().ok(), 1),
    };
    let first = number.filter(|first| *first < STATUSES).ok_or_else(|| wrong(key))?;
    Ok(first..first + width)
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
        let meanings = Meanings::new(&IndexMap::new(), &[]).unwrap();
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
        let meanings = Meanings::new(&classify, &[]).unwrap();
        assert_eq!(meanings.of(409), Meaning::Duplicate);
        assert_eq!(meanings.of(404), Meaning::Refused(FailureKind::Throttled));
        assert_eq!(meanings.of(200), Meaning::Refused(FailureKind::UnexpectedStatus));
        let wrong = std::iter::once(("12xx".to_owned(), Outcome::Ok)).collect();
        assert!(Meanings::new(&wrong, &[]).is_err());
    }

    #[test]
    fn what_stands_in_an_answer_goes_before_its_status() {
        let rule = |status: Option<&str>, text: Option<&str>, field: Option<(&str, &str)>, means| AnswerRule {
            status: status.map(str::to_owned),
            text: text.map(str::to_owned),
            field: field.map(|(place, _)| place.to_owned()),
            equals: field.map(|(_, value)| value.to_owned()),
            means,
        };
        let rules = [
            rule(None, Some("Rate limit exceeded"), None, Outcome::Throttled),
            rule(Some("2xx"), None, Some(("$.status", "known")), Outcome::Duplicate),
        ];
        let meanings = Meanings::new(&IndexMap::new(), &rules).unwrap();
        let limit = br#"{"error":"HTTP_ERROR","message":{"errors":["Rate limit exceeded. Limit: 100"]}}"#;
        assert_eq!(meanings.of_answer(400, limit), Meaning::Refused(FailureKind::Throttled));
        assert_eq!(meanings.of_answer(400, b"{}"), Meaning::Refused(FailureKind::ClientError));
        assert_eq!(meanings.of_answer(200, br#"{"status": "known"}"#), Meaning::Duplicate);
        assert_eq!(meanings.of_answer(404, br#"{"status": "known"}"#), Meaning::Refused(FailureKind::ClientError));
        assert_eq!(meanings.of_item(limit), Some(Meaning::Refused(FailureKind::Throttled)));
        assert_eq!(meanings.of_item(br#"{"status": "known"}"#), None, "an item has no status of its own");
        assert!(meanings.reads_bodies());
    }
}
