//! What the ledger notes of a request that has come to its end.

use serde::Deserialize;
use shared::event_id::EventId;
use shared::plan::Planned;
use shared::run::FailureKind;

use crate::engine::job::Job;
use crate::engine::meaning::Meaning;
use crate::engine::recorder::Ending;
use crate::fingerprint::{Fingerprint, Key, Lens, hash};
use crate::ledger::{Entry, Outcome, Page};

/// What is known of an event before it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    id: EventId,
    entity: u64,
    fingerprint: Fingerprint,
}

impl Note {
    /// The note of an event with these bytes; what is not JSON is known by its bytes.
    pub(crate) fn new(planned: &Planned, lens: &Lens, bytes: &[u8]) -> Self {
        let fingerprint = lens.look(bytes).map_or_else(
            |_error| {
                let digest = hash(0, bytes);
                Fingerprint { key: Key::of_content(digest), digest, by_content: true }
            },
            |seen| seen.fingerprint(),
        );
        Self { id: planned.id, entity: planned.entity, fingerprint }
    }
}

/// Whether a request that failed so may have reached the target all the same.
pub(crate) fn may_have_arrived(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Timeout
        | FailureKind::ConnectionReset
        | FailureKind::NoAnswer
        | FailureKind::AnswerCut
        | FailureKind::StreamReset
        | FailureKind::Protocol
        | FailureKind::AnswerTooLarge
        | FailureKind::Aborted => true,
        FailureKind::NameNotResolved
        | FailureKind::ConnectionRefused
        | FailureKind::ConnectionFailed
        | FailureKind::ResourcesExhausted
        | FailureKind::CertificateExpired
        | FailureKind::CertificateName
        | FailureKind::CertificateUntrusted
        | FailureKind::Tls
        | FailureKind::Unauthorized
        | FailureKind::Throttled
        | FailureKind::ClientError
        | FailureKind::ServerError
        | FailureKind::UnexpectedStatus
        | FailureKind::EventRejected => false,
    }
}

/// Notes every event of a request, with its answer's status and body where there was one.
///
/// `items` says what became of each, where the answer told in the way that the scenario describes.
pub(crate) fn note(page: &mut Page, job: &Job, ending: &Ending, items: &[Meaning], status: Option<u16>, body: &[u8]) {
    let events = job.notes.len();
    let whole = match ending.failure {
        None if ending.duplicate => Outcome::Known,
        None => Outcome::Acknowledged,
        Some(_) if ending.succeeded > 0 => Outcome::Partly,
        Some(kind) if job.unanswered || may_have_arrived(kind) => Outcome::InDoubt,
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
