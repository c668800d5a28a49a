//! The contract of the service that the `commerce-events` scenario loads: one event or a batch by POST, an API key in
//! a header, 202 with a result per event.

mod shape;

use std::io::Write as _;

use serde_json::json;

use super::intake::{EVENT_TYPE, Intake, Refusal, USER, Verdict, read_events};
use super::json::{write_string, write_utc_now, write_value};
use super::request::Request;
use crate::fingerprint::{Lens, Role, Scalar, Seen, USUAL_IDS};

/// The most events of one batch.
const MAX_BATCH: usize = 100;
/// Fields that only this contract looks at.
const TOPIC: u8 = 2;
const DATA: u8 = 3;
/// Topics with their partitions.
const TOPICS: [(&str, u32); 6] = [
    ("user_events", 3),
    ("cart_events", 6),
    ("page_events", 6),
    ("order_events", 3),
    ("custom_events", 3),
    ("dlq_events", 1),
];

/// What this contract looks at in an event.
pub(super) fn lens(id_field: Option<&str>) -> Lens {
    let ids = id_field.map_or_else(|| USUAL_IDS.to_vec(), |field| vec![field]);
    let fields = [("event_type", EVENT_TYPE), ("data.user_id", USER), ("topic", TOPIC), ("data", DATA)];
    let fields = fields.map(|(path, number)| (path, Role::Field(number)));
    Lens::new(ids.into_iter().map(|path| (path, Role::Id)).chain(fields))
}

/// The events of a request to a path of this contract.
pub(super) fn read<'a>(lens: &Lens, request: &Request<'a>, batch: bool) -> Intake<'a> {
    if let Some(refusal) = judge_key(request.api_key, request.body, batch) {
        return Intake::refused(refusal);
    }
    if batch { read_batch(lens, request.body) } else { read_single(lens, request.body) }
}

/// The topics there are.
pub(super) fn write_topics(body: &mut Vec<u8>) -> u16 {
    let topics: Vec<_> =
        TOPICS.iter().map(|(name, partitions)| json!({"name": name, "partitions": partitions})).collect();
    write_value(body, &json!({ "topics": topics }));
    200
}

/// Answers a request of which something was read.
pub(super) fn answer(intake: &Intake<'_>, verdicts: &[Verdict], body: &mut Vec<u8>) -> u16 {
    if intake.batch {
        write_batch(body, intake, verdicts);
        return 202;
    }
    let (Some(event), Some(verdict)) = (intake.events.first(), verdicts.first()) else { return 422 };
    match verdict {
        Verdict::Taken(number) => {
            write_single(body, &event.seen, Some(*number));
            202
        }
        Verdict::Known => {
            write_single(body, &event.seen, None);
            202
        }
        Verdict::Conflict => {
            write_value(body, &json!({"detail": "event_id already exists"}));
            409
        }
        Verdict::Refused(why) => {
            write_value(body, &json!({ "detail": why }));
            400
        }
    }
}

fn read_single<'a>(lens: &Lens, body: &'a [u8]) -> Intake<'a> {
    let seen = match lens.look(body) {
        Ok(seen) => seen,
        Err(error) => return Intake::refused(Refusal::unreadable(&error)),
    };
    if !is_well_formed(&seen) {
        return Intake::refused(shape::complaint(body, false));
    }
    let objection = objection(&seen);
    let mut intake = Intake::single(seen);
    intake.events.iter_mut().for_each(|event| event.objection.clone_from(&objection));
    intake
}

fn read_batch<'a>(lens: &Lens, body: &'a [u8]) -> Intake<'a> {
    let events = match read_events(lens, body) {
        Ok(Some(events)) => events,
        Ok(None) => return Intake::refused(shape::complaint(body, true)),
        Err(error) => return Intake::refused(Refusal::unreadable(&error)),
    };
    let count = events.len();
    let bound = match count {
        0 => Some(("too_short", "List should have at least 1 item after validation, not 0".to_owned())),
        1..=MAX_BATCH => None,
        _ => Some(("too_long", format!("List should have at most {MAX_BATCH} items after validation, not {count}"))),
    };
    if let Some((kind, message)) = bound {
        let detail = json!([{"type": kind, "loc": ["body", "events"], "msg": message}]);
        return Intake::refused(Refusal::detail(422, detail, (count as u64).max(1)));
    }
    if events.iter().any(|event| !is_well_formed(event)) {
        return Intake::refused(shape::complaint(body, true));
    }
    let mut intake = Intake::batch(events);
    intake.events.iter_mut().for_each(|event| event.objection = objection(&event.seen));
    intake
}

/// Whether an event has what the contract requires, each of its kind.
fn is_well_formed(seen: &Seen<'_>) -> bool {
    seen.text(TOPIC).is_some() && seen.text(EVENT_TYPE).is_some() && matches!(seen.field(DATA), Some(Scalar::Object(_)))
}

/// Why the service refuses an event although its shape is right.
fn objection(seen: &Seen<'_>) -> Option<String> {
    let topic = seen.text(TOPIC).unwrap_or_default();
    if !TOPICS.iter().any(|(name, _)| *name == topic) {
        return Some(format!("Invalid topic: {topic}"));
    }
    let is_there = seen.field(USER).is_some_and(Scalar::is_present);
    (!is_there).then(|| "user_id is required in data".to_owned())
}

/// A key is `proj_{project}_{secret}` with a project of at least ten characters; the secret is not looked at.
fn judge_key(key: Option<&[u8]>, body: &[u8], batch: bool) -> Option<Refusal> {
    let (status, detail) = match key {
        None => (422, json!([{"type": "missing", "loc": ["header", "X-API-Key"], "msg": "Field required"}])),
        Some(key) => {
            let mut parts = key.splitn(3, |&byte| byte == b'_');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(b"proj"), Some(project), Some(_secret)) if project.len() >= 10 => return None,
                _ => (401, json!("Invalid API key format")),
            }
        }
    };
    let events = if batch { shape::count(body) } else { 1 };
    Some(Refusal::detail(status, detail, events))
}

fn write_single(body: &mut Vec<u8>, event: &Seen<'_>, number: Option<u64>) {
    body.extend_from_slice(br#"{"success":true,"event_id":"#);
    write_id(body, event, number);
    body.extend_from_slice(br#","topic":"#);
    write_string(body, event.text(TOPIC).unwrap_or_default());
    body.extend_from_slice(br#","event_type":"#);
    write_string(body, event.text(EVENT_TYPE).unwrap_or_default());
    body.extend_from_slice(br#","timestamp":""#);
    write_utc_now(body);
    body.extend_from_slice(if number.is_some() { br#""}"# } else { br#"","duplicate":true}"# });
}

fn write_batch(body: &mut Vec<u8>, intake: &Intake<'_>, verdicts: &[Verdict]) {
    let good = |verdict: &&Verdict| matches!(verdict, Verdict::Taken(_) | Verdict::Known);
    let (total, successful) = (verdicts.len(), verdicts.iter().filter(good).count());
    let failed = total - successful;
    // Writing to memory cannot fail.
    let _written =
        write!(body, r#"{{"success":true,"total":{total},"successful":{successful},"failed":{failed},"results":["#);
    for (place, (event, verdict)) in intake.events.iter().zip(verdicts).enumerate() {
        body.extend_from_slice(if place == 0 { br#"{"event_type":"# } else { br#",{"event_type":"# });
        write_string(body, event.seen.text(EVENT_TYPE).unwrap_or_default());
        body.extend_from_slice(br#","topic":"#);
        write_string(body, event.seen.text(TOPIC).unwrap_or_default());
        let error = match verdict {
            Verdict::Taken(number) => {
                body.extend_from_slice(br#","success":true,"event_id":"#);
                write_id(body, &event.seen, Some(*number));
                body.push(b'}');
                continue;
            }
            Verdict::Known => {
                body.extend_from_slice(br#","success":true,"duplicate":true,"event_id":"#);
                write_id(body, &event.seen, None);
                body.push(b'}');
                continue;
            }
            Verdict::Conflict => "event_id already exists",
            Verdict::Refused(why) => why,
        };
        body.extend_from_slice(br#","success":false,"error":"#);
        write_string(body, error);
        body.push(b'}');
    }
    body.extend_from_slice(b"]}");
}

/// The service's own id of an event; that of one which it knows already is the client's.
fn write_id(body: &mut Vec<u8>, event: &Seen<'_>, number: Option<u64>) {
    match number {
        Some(number) => {
            let _written = write!(body, "\"evt_{number:016x}\"");
        }
        None => write_string(body, &event.id().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests;
