//! Trying a scenario out: how its outcome reads.

use shared::api::{TriedEvent, TriedTarget};

use crate::format;

/// An answer in a few words: `202`, `422, not counted as success`, `no answer`.
pub(crate) fn answer_words(event: &TriedEvent) -> String {
    match (event.status, event.accepted, &event.failure) {
        (_, _, Some(failure)) => failure.clone(),
        (Some(status), true, None) => status.to_string(),
        (Some(status), false, None) => format!("{status}, not counted as success"),
        (None, true, None) => "accepted".to_owned(),
        (None, false, None) => "no answer".to_owned(),
    }
}

/// A whole trial in one sentence, for those who only hear it.
pub(crate) fn spoken(targets: &[TriedTarget], events: &[TriedEvent], asked_for_events: bool) -> String {
    let reached = targets.iter().filter(|target| target.reachable).count();
    let mut text = match (targets, reached) {
        ([], _) => "The scenario has no target.".to_owned(),
        ([target], 1) => format!("{} answers.", target.name),
        ([target], _) => format!("{} is not there.", target.name),
        (all, reached) if reached == all.len() => format!("All {} targets answer.", all.len()),
        (all, reached) => format!("{reached} of {} targets answer.", all.len()),
    };
    if !asked_for_events {
        return text;
    }
    let accepted = events.iter().filter(|event| event.accepted).count();
    text.push_str(&match (events, accepted) {
        ([], _) => " No event was sent.".to_owned(),
        ([event], 1) => format!(" {} was accepted.", event.event_type),
        ([event], _) => format!(" {} was not accepted.", event.event_type),
        (all, accepted) => {
            format!(" {accepted} of {} were accepted.", format::counted(all.len() as u64, "event"))
        }
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(status: Option<u16>, accepted: bool, failure: Option<&str>) -> TriedEvent {
        TriedEvent { status, accepted, failure: failure.map(str::to_owned), ..TriedEvent::default() }
    }

    #[test]
    fn an_answer_says_what_it_was_worth() {
        assert_eq!(answer_words(&event(Some(202), true, None)), "202");
        assert_eq!(answer_words(&event(Some(422), false, None)), "422, not counted as success");
        assert_eq!(answer_words(&event(None, false, Some("timed out"))), "timed out");
        assert_eq!(answer_words(&event(None, true, None)), "accepted");
    }

    #[test]
    fn a_trial_is_one_sentence() {
        let target = |reachable| TriedTarget { name: "api".to_owned(), reachable, ..TriedTarget::default() };
        assert_eq!(spoken(&[target(true)], &[], false), "api answers.");
        assert_eq!(spoken(&[target(false)], &[], true), "api is not there. No event was sent.");
        let events = [event(Some(200), true, None), event(Some(500), false, None)];
        assert_eq!(
            spoken(&[target(true), target(true)], &events, true),
            "All 2 targets answer. 1 of 2 events were accepted."
        );
    }
}
