//! The contract of the service that the `api-monitoring` scenario loads: events alone or in batches with an API key, a
//! search over what was kept, and a rate limit that tells how it stands.

mod shelf;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::intake::{Arrival, EVENT_TYPE, Intake, Refusal, USER, Verdict};
use super::json::{utc_in, utc_now, write_value};
use super::request::Request;
use crate::fingerprint::{Lens, Role, Scalar, Seen, USUAL_IDS};
pub(super) use shelf::Shelf;

/// Where the contract begins.
pub(super) const BASE: &str = "/api/v1/ingestion";
/// Fields that only this contract looks at.
const TITLE: u8 = 2;
const SERVICE: u8 = 3;
const ENDPOINT: u8 = 4;
const METHOD: u8 = 5;
const STATUS: u8 = 6;
const TIMESTAMP: u8 = 7;
const METRICS: u8 = 8;
const RESPONSE_TIME: u8 = 9;
const SEVERITY: u8 = 10;
/// The kinds of events and severities there are.
const EVENT_TYPES: [&str; 5] = ["api_call", "user_action", "system_event", "error_event", "custom_event"];
const SEVERITIES: [&str; 4] = ["info", "warning", "error", "critical"];
/// The most events of one batch.
const MAX_BATCH: usize = 1_000;
/// Seconds that an event may lie in the future.
const MOST_AHEAD: u64 = 300;
/// Seconds of the window that the rate limit is told for.
const WINDOW: f64 = 60.0;

/// What this contract looks at in an event.
pub(super) fn lens(id_field: Option<&str>) -> Lens {
    let ids = id_field.map_or_else(|| USUAL_IDS.to_vec(), |field| vec![field]);
    let fields = [
        ("event_type", EVENT_TYPE),
        ("context.user_id", USER),
        ("title", TITLE),
        ("source.service", SERVICE),
        ("source.endpoint", ENDPOINT),
        ("source.method", METHOD),
        ("metrics.status_code", STATUS),
        ("timestamp", TIMESTAMP),
        ("metrics", METRICS),
        ("metrics.response_time_ms", RESPONSE_TIME),
        ("severity", SEVERITY),
    ];
    let fields = fields.map(|(path, number)| (path, Role::Field(number)));
    Lens::new(ids.into_iter().map(|path| (path, Role::Id)).chain(fields))
}

/// Several events in one request.
#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// The events of a request to a path of this contract.
pub(super) fn read<'a>(lens: &Lens, request: &Request<'a>, batch: bool) -> Intake<'a> {
    if request.api_key.is_none_or(<[u8]>::is_empty) {
        return Intake::refused(Refusal {
            status: 401,
            body: error(401, "API key required".into()),
            events: 1,
            unreadable: false,
        });
    }
    let raws = if batch {
        match serde_json::from_slice::<Batch<'a>>(request.body) {
            Ok(Batch { events }) => events,
            Err(error) => return Intake::refused(Refusal::unreadable(&error)),
        }
    } else {
        match serde_json::from_slice::<&RawValue>(request.body) {
            Ok(event) => vec![event],
            Err(error) => return Intake::refused(Refusal::unreadable(&error)),
        }
    };
    let whole = match raws.len() {
        0 => Some("Batch cannot be empty".to_owned()),
        1..=MAX_BATCH => None,
        count => Some(format!("Batch of {count} events: at most {MAX_BATCH} are taken")),
    };
    if let Some(why) = whole {
        let events = (raws.len() as u64).max(1);
        return Intake::refused(Refusal { status: 400, body: error(400, why.into()), events, unreadable: false });
    }
    let latest = utc_in(MOST_AHEAD);
    let mut events = Vec::with_capacity(raws.len());
    for raw in raws {
        let bytes = raw.get().as_bytes();
        match lens.look(bytes) {
            Ok(seen) => events.push(Arrival { objection: objection(&seen, &latest), seen, raw: Some(bytes) }),
            Err(error) => return Intake::refused(Refusal::unreadable(&error)),
        }
    }
    Intake { events, batch, refusal: None }
}

/// Keeps what was taken for the search.
pub(super) fn keep(shelf: &mut Shelf, event: &Arrival<'_>) {
    let text = |number| event.seen.text(number).unwrap_or_default().to_owned();
    let status = match event.seen.field(STATUS) {
        Some(Scalar::Int(status)) => u16::try_from(*status).ok(),
        _ => None,
    };
    shelf.put(shelf::Kept {
        id: event.seen.id().unwrap_or_default().into_owned(),
        event_type: text(EVENT_TYPE),
        service: text(SERVICE),
        timestamp: text(TIMESTAMP),
        status,
        json: event.raw.map(|raw| String::from_utf8_lossy(raw).into_owned()).unwrap_or_default(),
    });
}

/// Answers a request of which something was read.
pub(super) fn answer(intake: &Intake<'_>, verdicts: &[Verdict], body: &mut Vec<u8>) -> u16 {
    let results: Vec<(u16, Value)> =
        intake.events.iter().zip(verdicts).map(|(event, verdict)| told(&event.seen, verdict)).collect();
    if !intake.batch {
        let Some((status, value)) = results.into_iter().next() else { return 422 };
        write_value(body, &value);
        return status;
    }
    let total = results.len();
    let successful = results.iter().filter(|(status, _)| *status == 200).count();
    let state = match successful {
        0 => "failed",
        all if all == total => "completed",
        _ => "partial",
    };
    let results: Vec<Value> = results.into_iter().map(|(status, value)| single(status, value)).collect();
    write_value(
        body,
        &json!({
            "total_events": total, "successful_events": successful, "failed_events": total - successful,
            "processing_status": state, "ingested_at": utc_now(), "results": results,
        }),
    );
    200
}

/// A refused event inside a batch has the shape of an accepted one.
fn single(status: u16, value: Value) -> Value {
    if status == 200 {
        return value;
    }
    let why = value["message"]["errors"].clone();
    json!({"success": false, "processing_status": "failed", "message": "Event ingestion failed", "errors": why})
}

fn told(event: &Seen<'_>, verdict: &Verdict) -> (u16, Value) {
    let good = |message: &str, number: Option<u64>| {
        let id = event.id().map_or_else(|| format!("evt_{:016x}", number.unwrap_or_default()), |id| id.into_owned());
        json!({"success": true, "event_id": id, "ingested_at": utc_now(), "processing_status": "queued", "message": message, "errors": null})
    };
    let bad =
        |status, why: &str| (status, error(status, json!({"message": "Event ingestion failed", "errors": [why]})));
    match verdict {
        Verdict::Taken(number) => (200, good("Event ingested successfully", Some(*number))),
        Verdict::Known => (200, good("Event already exists", None)),
        Verdict::Conflict => bad(409, "Event already exists"),
        Verdict::Refused(why) => bad(400, why),
    }
}

/// The service's way to say no.
pub(super) fn error(status: u16, message: Value) -> Value {
    json!({"error": "HTTP_ERROR", "message": message, "status_code": status})
}

/// What the service says above its rate.
pub(super) fn too_many(per_second: f64) -> Value {
    let text = format!("Rate limit exceeded. Limit: {:.0} events per 60 seconds", per_second * WINDOW);
    json!({"message": "Event ingestion failed", "errors": [text]})
}

/// How the rate limit stands: its rate per second, and what is left of it.
pub(super) fn write_rate_limit(limit: Option<(f64, f64)>, body: &mut Vec<u8>) -> u16 {
    let (rate, left) = limit.map_or((None, None), |(rate, left)| (Some(rate), Some(left)));
    let exceeded = left.is_some_and(|left| left < 1.0);
    write_value(
        body,
        &json!({
            "limit": rate.map(|rate| (rate * WINDOW).round()), "remaining": left.map(f64::floor),
            "reset_time": utc_in(if exceeded { 1 } else { 0 }), "window_size_seconds": WINDOW, "exceeded": exceeded,
        }),
    );
    200
}

/// Searches what was kept.
pub(super) fn write_search(
    shelf: &Shelf,
    parameters: &BTreeMap<String, String>,
    number: u64,
    body: &mut Vec<u8>,
) -> u16 {
    match shelf.search(parameters) {
        Ok(found) => {
            let events: Vec<&RawValue> =
                found.events.iter().filter_map(|event| serde_json::from_str(&event.json).ok()).collect();
            #[derive(serde::Serialize)]
            struct Answer<'a> {
                events: Vec<&'a RawValue>,
                total_count: usize,
                filtered_count: usize,
                has_more: bool,
                search_id: String,
                execution_time_ms: f64,
            }
            let answer = Answer {
                events,
                total_count: shelf.len(),
                filtered_count: found.matching,
                has_more: found.has_more,
                search_id: format!("search_{number:08x}"),
                execution_time_ms: found.took.as_secs_f64() * 1_000.0,
            };
            write_value(body, &answer);
            200
        }
        Err(why) => {
            write_value(body, &json!({"detail": [{"type": "value_error", "loc": ["query"], "msg": why}]}));
            422
        }
    }
}

/// One event by its id.
pub(super) fn write_event(shelf: &Shelf, id: &str, body: &mut Vec<u8>) -> u16 {
    match shelf.find(id) {
        Some(event) => {
            body.extend_from_slice(event.json.as_bytes());
            200
        }
        None => {
            write_value(body, &error(404, "Event not found".into()));
            404
        }
    }
}

/// What speaks against an event.
fn objection(seen: &Seen<'_>, latest: &str) -> Option<String> {
    let event_type = seen.text(EVENT_TYPE).unwrap_or_default();
    if !EVENT_TYPES.contains(&event_type) {
        return Some(format!("event_type must be one of {}", EVENT_TYPES.join(", ")));
    }
    for (name, number, longest) in [
        ("title", TITLE, 200),
        ("source.service", SERVICE, 100),
        ("source.endpoint", ENDPOINT, 500),
        ("source.method", METHOD, 10),
    ] {
        let length = seen.text(number).map_or(0, |text| text.chars().count());
        if !(1..=longest).contains(&length) {
            return Some(format!("{name} must have 1 to {longest} characters"));
        }
    }
    if !matches!(seen.field(SEVERITY), None | Some(Scalar::Null))
        && !seen.text(SEVERITY).is_some_and(|severity| SEVERITIES.contains(&severity))
    {
        return Some(format!("severity must be one of {}", SEVERITIES.join(", ")));
    }
    if matches!(seen.field(METRICS), Some(Scalar::Object(_))) {
        if !matches!(seen.field(STATUS), Some(Scalar::Int(100..=599))) {
            return Some("metrics.status_code must lie between 100 and 599".to_owned());
        }
        let is_time = match seen.field(RESPONSE_TIME) {
            Some(Scalar::Int(time)) => *time >= 0,
            Some(Scalar::Float(time)) => *time >= 0.0,
            _ => false,
        };
        if !is_time {
            return Some("metrics.response_time_ms must be at least 0".to_owned());
        }
    }
    // Both in UTC and to the second: their order is that of their texts.
    let timestamp = seen.text(TIMESTAMP).unwrap_or_default();
    let is_ahead = (timestamp.ends_with('Z') || timestamp.len() <= 26)
        && timestamp.get(..19).is_some_and(|second| second > latest);
    is_ahead.then(|| "Event validation failed: timestamp lies in the future".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"event_id":"evt_1","event_type":"api_call","title":"GET /","source":{"service":"auth-service","endpoint":"/","method":"GET"},"metrics":{"response_time_ms":1.5,"status_code":200},"timestamp":"2026-01-02T03:04:05.000006Z"}"#;

    fn post(body: &str, batch: bool) -> Intake<'_> {
        let path = "/api/v1/ingestion/events";
        let request = Request { method: "POST", path, query: "", api_key: Some(b"k"), body: body.as_bytes() };
        read(&lens(None), &request, batch)
    }

    #[test]
    fn limits_of_the_contract_are_held_and_named() {
        assert_eq!(post(GOOD, false).events[0].objection, None);
        for (from, to, named) in [
            ("api_call", "tea_break", "event_type"),
            ("GET /\",", "\",", "title"),
            (r#""method":"GET""#, r#""verb":"GET""#, "source.method"),
            ("200", "700", "status_code"),
            ("1.5", "-1.5", "response_time_ms"),
            ("2026-01", "3026-01", "future"),
            (r#""title""#, r#""severity":"loud","title""#, "severity"),
        ] {
            let wrong = GOOD.replacen(from, to, 1);
            let objection = post(&wrong, false).events[0].objection.clone().unwrap_or_default();
            assert!(objection.contains(named), "{wrong}: {objection}");
        }
        assert_eq!(post(r#"{"events":[]}"#, true).refusal.unwrap().status, 400);
        assert!(post("{", false).refusal.unwrap().unreadable);
    }

    #[test]
    fn a_batch_tells_event_by_event() {
        let text = format!(r#"{{"batch_id":"b","events":[{GOOD},{}]}}"#, GOOD.replace("api_call", "tea_break"));
        let intake = post(&text, true);
        let verdicts = [Verdict::Taken(1), Verdict::Refused("no".to_owned())];
        let mut body = Vec::new();
        assert_eq!(answer(&intake, &verdicts, &mut body), 200);
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&answer["successful_events"], &answer["failed_events"]), (&json!(1), &json!(1)));
        assert_eq!(
            (&answer["processing_status"], &answer["results"][1]["errors"][0]),
            (&json!("partial"), &json!("no"))
        );
    }

    #[test]
    fn a_duplicate_is_told_as_one() {
        let intake = post(GOOD, false);
        let say = |verdict: Verdict| {
            let mut body = Vec::new();
            (answer(&intake, &[verdict], &mut body), String::from_utf8(body).unwrap())
        };
        let (status, text) = say(Verdict::Known);
        assert!(status == 200 && text.contains("already exists") && text.contains("evt_1"), "{text}");
        assert_eq!(say(Verdict::Conflict).0, 409);
    }
}
