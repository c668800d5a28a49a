//! What the ledger notes of a request that has come to its end.

use serde::Deserialize;
use shared::run::FailureKind;

use crate::engine::job::Job;
use crate::engine::meaning::Meaning;
use crate::engine::recorder::Ending;
use crate::ledger::{Entry, Outcome, Page};

/// Notes every event of a request, with its answer's status and body where there was one.
///
/// `items` says what became of each, where the answer told in the way that the scenario describes.
pub(crate) fn note(page: &mut Page, job: &Job, ending: &Ending, items: &[Meaning], status: Option<u16>, body: &[u8]) {
    let events = job.notes.len();
    let whole = match ending.failure {
        None if ending.duplicate => Outcome::Known,
        None => Outcome::Acknowledged,
        Some(_) if ending.succeeded > 0 => Outcome::Partly,
        Some(kind) if job.unanswered || kind.may_have_arrived() => Outcome::InDoubt,
        Some(_) => Outcome::Refused,
    };
    let told = match (whole, items) {
        (_, [_, ..]) => Some(items.to_vec()),
        (Outcome::Partly, []) => told_one_by_one(body, events),
        _ => None,
    };
    let sent_us = job.first_sent.unwrap_or(ending.at).as_micros();
    for (place, note) in job.notes.iter().enumerate() {
        let outcome = match told.as_ref().and_then(|told| told.get(place)) {
            Some(Meaning::Accepted) => Outcome::Acknowledged,
            Some(Meaning::Duplicate) => Outcome::Known,
            Some(Meaning::Refused(_)) if job.unanswered => Outcome::InDoubt,
            Some(Meaning::Refused(_)) => Outcome::Refused,
            None => whole,
        };
        let entry = Entry {
            id: note.id,
            entity: note.entity,
            fingerprint: note.fingerprint,
            outcome,
            retried_blindly: job.unanswered && job.attempts > 1,
            continues: place > 0,
            sent_us,
            done_us: ending.at.as_micros(),
            status: status.unwrap_or_default(),
        };
        page.note(&entry, ending.at);
    }
}

/// What an answer says of each event: `results`, in the order of the events, each with its `success`.
fn told_one_by_one(body: &[u8], events: usize) -> Option<Vec<Meaning>> {
    #[derive(Deserialize)]
    struct Answer {
        results: Vec<Told>,
    }
    #[derive(Deserialize)]
    struct Told {
        success: bool,
    }
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let meaning = |told: &Told| match told.success {
        true => Meaning::Accepted,
        false => Meaning::Refused(FailureKind::EventRejected),
    };
    (answer.results.len() == events).then(|| answer.results.iter().map(meaning).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_tells_each_event_is_believed_and_others_are_not() {
        let text = br#"{"total":2,"results":[{"success":true,"event_id":"a"},{"success":false,"error":"no"}]}"#;
        assert_eq!(
            told_one_by_one(text, 2),
            Some(vec![Meaning::Accepted, Meaning::Refused(FailureKind::EventRejected)])
        );
        assert_eq!(told_one_by_one(text, 3), None);
        assert_eq!(told_one_by_one(br#"{"successful":1}"#, 2), None);
        assert_eq!(told_one_by_one(br#"{"results":[{"ok":true}]}"#, 1), None);
    }
}
