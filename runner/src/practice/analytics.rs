//! The contract of the service that the `web-analytics` scenario loads: one event by POST, 200 once it is queued, no
//! key, no batch, the id is the service's.

use serde_json::{Value, json};

use super::intake::{EVENT_TYPE, Intake, Refusal, USER, Verdict};
use super::json::{write_uuid, write_value};
use super::request::Request;
use crate::fingerprint::{Lens, Role, Scalar, Seen, USUAL_IDS};

/// Fields that only this contract looks at.
const SESSION: u8 = 2;
const PAGE: u8 = 3;
const BUTTON: u8 = 4;
const PROPS: u8 = 5;
/// Those that must be there, and those that may: as the service lists them.
const REQUIRED: [(&str, u8); 3] = [("event_type", EVENT_TYPE), ("user_id", USER), ("session_id", SESSION)];
const OPTIONAL: [(&str, u8); 2] = [("page_path", PAGE), ("button_id", BUTTON)];

/// What this contract looks at in an event.
pub(super) fn lens(id_field: Option<&str>) -> Lens {
    let ids = id_field.map_or_else(|| USUAL_IDS.to_vec(), |field| vec![field]);
    let fields = REQUIRED.into_iter().chain(OPTIONAL).chain([("props", PROPS)]);
    let fields = fields.map(|(path, number)| (path, Role::Field(number)));
    Lens::new(ids.into_iter().map(|path| (path, Role::Id)).chain(fields))
}

/// The event of a request.
pub(super) fn read<'a>(lens: &Lens, request: &Request<'a>) -> Intake<'a> {
    let seen = match lens.look(request.body) {
        Ok(seen) => seen,
        Err(error) => return Intake::refused(Refusal::unreadable(&error)),
    };
    let faults = faults(&seen);
    if faults.is_empty() { Intake::single(seen) } else { Intake::refused(Refusal::detail(422, faults.into(), 1)) }
}

/// Answers a request of which something was read.
pub(super) fn answer(verdict: &Verdict, body: &mut Vec<u8>) -> u16 {
    let (status, detail) = match verdict {
        Verdict::Taken(number) => {
            body.extend_from_slice(br#"{"status":"queued","event_id":""#);
            write_uuid(body, *number);
            body.extend_from_slice(br#"","message":"Event queued"}"#);
            return 200;
        }
        Verdict::Known => {
            write_value(body, &json!({"status": "queued", "message": "Event already known", "duplicate": true}));
            return 200;
        }
        Verdict::Conflict => (409, "Event already exists".to_owned()),
        Verdict::Refused(why) => (500, format!("Failed to process event: {why}")),
    };
    write_value(body, &json!({ "detail": detail }));
    status
}

fn faults(seen: &Seen<'_>) -> Vec<Value> {
    let wrong = |name: &str, kind: &str| {
        let message = format!("Input should be a valid {kind}");
        json!({"type": format!("{kind}_type"), "loc": ["body", name], "msg": message})
    };
    let mut faults = Vec::new();
    for (name, number) in REQUIRED {
        match seen.field(number) {
            Some(Scalar::Text(_)) => {}
            None => faults.push(json!({"type": "missing", "loc": ["body", name], "msg": "Field required"})),
            Some(_) => faults.push(wrong(name, "string")),
        }
    }
    for (name, number) in OPTIONAL {
        if !matches!(seen.field(number), None | Some(Scalar::Text(_) | Scalar::Null)) {
            faults.push(wrong(name, "string"));
        }
    }
    if !matches!(seen.field(PROPS), None | Some(Scalar::Object(_) | Scalar::Null)) {
        faults.push(wrong("props", "dictionary"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(body: &str) -> Intake<'_> {
        let request = Request { method: "POST", path: "/api/events", query: "", api_key: None, body: body.as_bytes() };
        read(&lens(None), &request)
    }

    #[test]
    fn an_event_of_the_contract_is_queued_and_gets_an_id() {
        let good = r#"{"event_type":"button_clicked","user_id":"u","session_id":"s","page_path":"/p","button_id":null,"props":{},"more":1}"#;
        let intake = post(good);
        assert!(intake.refusal.is_none() && intake.events[0].seen.text(EVENT_TYPE) == Some("button_clicked"));
        let mut body = Vec::new();
        assert_eq!(answer(&Verdict::Taken(1), &mut body), 200);
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&answer["status"], answer["event_id"].as_str().unwrap().len()), (&json!("queued"), 36));
    }

    #[test]
    fn what_the_service_refuses_is_422_and_named() {
        for (wrong, field) in [
            (r#"{"user_id":"u","session_id":"s"}"#, "event_type"),
            (r#"{"event_type":"e","user_id":7,"session_id":"s"}"#, "user_id"),
            (r#"{"event_type":"e","user_id":"u","session_id":"s","page_path":1}"#, "page_path"),
            (r#"{"event_type":"e","user_id":"u","session_id":"s","props":[]}"#, "props"),
        ] {
            let refusal = post(wrong).refusal.unwrap();
            assert_eq!((refusal.status, &refusal.body["detail"][0]["loc"][1]), (422, &json!(field)), "{wrong}");
        }
        assert_eq!(post("[]").refusal.unwrap().status, 422);
        assert!(post("{").refusal.unwrap().unreadable);
    }
}
