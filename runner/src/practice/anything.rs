//! What is taken where no contract speaks: any JSON at any path, one event or several, so that a scenario of one's own
//! works at once.
//!
//! A list is a batch, and so is an object of which a member named `events`, `records`, `messages` or `batch` is a list
//! of objects with little beside it, and so are values one after the other, as JSONL writes them.

use serde_json::json;
use serde_json::value::RawValue;

use super::intake::{Arrival, EVENT_TYPE, Intake, Refusal, USER, Verdict};
use super::json::write_value;
use crate::fingerprint::{Lens, Role, Seen, USUAL_IDS};

/// Members that hold a batch.
const BATCHES: [&str; 4] = ["events", "records", "messages", "batch"];
/// Most other members of an object that is only there to hold a batch.
const MOST_BESIDE: usize = 3;
/// Most events of a batch whose fate is told one by one.
const MOST_TOLD: usize = 1_000;

/// What is looked at in an event.
pub(super) fn lens(id_field: Option<&str>) -> Lens {
    let ids = id_field.map_or_else(|| USUAL_IDS.to_vec(), |field| vec![field]);
    let types = ["event_type", "type", "event", "name"].map(|path| (path, Role::Field(EVENT_TYPE)));
    let users = ["user_id", "data.user_id", "user.id", "device_id", "session_id"].map(|path| (path, Role::Field(USER)));
    Lens::new(ids.into_iter().map(|path| (path, Role::Id)).chain(types).chain(users))
}

/// The events of a body.
pub(super) fn read<'a>(lens: &Lens, body: &'a [u8]) -> Intake<'a> {
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>() {
        match value {
            Ok(value) => values.push(value),
            Err(error) => return Intake::refused(Refusal::unreadable(&error)),
        }
    }
    let (values, batch) = match values.as_slice() {
        [] => return Intake::refused(Refusal { unreadable: true, ..Refusal::detail(422, json!("empty body"), 1) }),
        [one] => inside(one),
        _ => (values, true),
    };
    let mut events: Vec<Seen<'a>> = Vec::with_capacity(values.len());
    for value in values {
        match lens.look(value.get().as_bytes()) {
            Ok(seen) => events.push(seen),
            Err(error) => return Intake::refused(Refusal::unreadable(&error)),
        }
    }
    let events = events.into_iter().map(|seen| Arrival { seen, raw: None, objection: None }).collect();
    Intake { events, batch, refusal: None }
}

/// The events inside a value, or the value itself.
fn inside(value: &RawValue) -> (Vec<&RawValue>, bool) {
    let text = value.get();
    if text.starts_with('[') {
        if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
            return (items, true);
        }
    } else if BATCHES.iter().any(|name| text.contains(name))
        && let Ok(members) = serde_json::from_str::<indexmap::IndexMap<std::borrow::Cow<'_, str>, &RawValue>>(text)
        && members.len() <= MOST_BESIDE + 1
    {
        let held = BATCHES.iter().filter_map(|name| members.get(*name));
        for list in held.filter(|list| list.get().starts_with('[')) {
            if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(list.get())
                && items.iter().all(|item| item.get().starts_with('{'))
            {
                return (items, true);
            }
        }
    }
    (vec![value], false)
}

/// Answers in the words that clients of the other contracts look for as well.
pub(super) fn answer(intake: &Intake<'_>, verdicts: &[Verdict], body: &mut Vec<u8>) -> u16 {
    let good = |verdict: &Verdict| matches!(verdict, Verdict::Taken(_) | Verdict::Known);
    if intake.batch {
        let (total, successful) = (verdicts.len(), verdicts.iter().filter(|verdict| good(verdict)).count());
        let told = |verdict: &Verdict| match verdict {
            Verdict::Taken(_) => json!({"success": true}),
            Verdict::Known => json!({"success": true, "duplicate": true}),
            Verdict::Conflict => json!({"success": false, "error": "already exists"}),
            Verdict::Refused(why) => json!({"success": false, "error": why}),
        };
        let results: Vec<_> = verdicts.iter().take(MOST_TOLD).map(told).collect();
        let failed = total - successful;
        write_value(
            body,
            &json!({"success": failed == 0, "total": total, "successful": successful, "failed": failed, "results": results}),
        );
        return if total > 0 && successful == 0 { 422 } else { 202 };
    }
    let (status, value) = match verdicts.first() {
        Some(Verdict::Taken(_)) => (202, json!({"success": true})),
        Some(Verdict::Known) => (200, json!({"success": true, "duplicate": true})),
        Some(Verdict::Conflict) => (409, json!({"success": false, "error": "already exists"})),
        Some(Verdict::Refused(why)) => (422, json!({"success": false, "error": why})),
        None => (202, json!({"success": true})),
    };
    write_value(body, &value);
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &str) -> (usize, bool) {
        let intake = read(&lens(None), body.as_bytes());
        assert!(intake.refusal.is_none(), "{body}");
        (intake.events.len(), intake.batch)
    }

    #[test]
    fn one_event_a_list_a_wrapper_and_lines_are_told_apart() {
        assert_eq!(count(r#"{"type":"x"}"#), (1, false));
        assert_eq!(count(r#"[{"type":"x"},{"type":"y"}]"#), (2, true));
        assert_eq!(count(r#"{"batch_id":"b","events":[{"a":1},{"a":2},{"a":3}]}"#), (3, true));
        assert_eq!(count("{\"a\":1}\n{\"a\":2}\n"), (2, true));
        assert_eq!(count("7"), (1, false));
        // An order with its lines is one event.
        assert_eq!(count(r#"{"order":1,"items":[{"a":1}]}"#), (1, false));
        assert_eq!(count(r#"{"a":1,"b":2,"c":3,"d":4,"events":[{"a":1}]}"#), (1, false));
        assert_eq!(count(r#"{"events":[1,2]}"#), (1, false));
    }

    #[test]
    fn what_is_not_json_is_unreadable() {
        for wrong in ["", "{", "{} x", "<xml/>"] {
            assert!(read(&lens(None), wrong.as_bytes()).refusal.unwrap().unreadable, "{wrong:?}");
        }
    }
}
