//! The contract of the service that the `commerce-events` scenario loads: one event or a batch by POST, an API key in
//! a header, 202 with a result per event.

mod event;

use std::cell::Cell;
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::account::{Account, UserKey};
use super::request::Request;
use event::{Batch, Event, User};

/// The most events of one batch.
const MAX_BATCH: usize = 100;
/// Topics with their partitions.
const TOPICS: [(&str, u32); 6] = [
    ("user_events", 3),
    ("cart_events", 6),
    ("page_events", 6),
    ("order_events", 3),
    ("custom_events", 3),
    ("dlq_events", 1),
];

/// What a request turned out to be.
pub(super) enum Reading<'a> {
    /// Answered at once, whatever the settings say.
    Page(Page),
    /// Events, whose fate the settings decide.
    Submission(Submission<'a>),
}

/// A page beside the ingestion itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Page {
    Root,
    Health,
    Topics,
    NotFound,
    WrongMethod,
}

/// Events as they came in.
pub(super) struct Submission<'a> {
    content: Content<'a>,
    key: Key,
}

enum Content<'a> {
    Single(Event<'a>),
    Batch(Vec<Event<'a>>),
    /// Not the shape that the contract asks for: why, and how many events go with it.
    Malformed(serde_json::Value, u64),
}

/// What the API key is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Key {
    Good,
    Missing,
    Malformed,
}

/// What accepting an event needs: the books, and the source of ids.
pub(super) struct Clerk<'a> {
    pub(super) account: &'a mut Account,
    pub(super) ids: &'a Cell<u64>,
}

/// Reads a request of this contract.
pub(super) fn read<'a>(request: &Request<'a>) -> Reading<'a> {
    let post = request.method == "POST";
    let get = request.method == "GET";
    let content = match request.path {
        "/api/v1/events/ingest" if post => match serde_json::from_slice::<Event<'a>>(request.body) {
            Ok(event) => match event.missing_fields("body") {
                Some(detail) => Content::Malformed(detail, 1),
                None => Content::Single(event),
            },
            Err(error) => Content::Malformed(unreadable(&error), 1),
        },
        "/api/v1/events/ingest/batch" if post => match serde_json::from_slice::<Batch<'a>>(request.body) {
            Ok(batch) => read_batch(batch),
            Err(error) => Content::Malformed(unreadable(&error), 1),
        },
        "/" if get => return Reading::Page(Page::Root),
        "/health" if get => return Reading::Page(Page::Health),
        "/api/v1/events/topics" if get => return Reading::Page(Page::Topics),
        "/" | "/health" | "/api/v1/events/topics" | "/api/v1/events/ingest" | "/api/v1/events/ingest/batch" => {
            return Reading::Page(Page::WrongMethod);
        }
        _ => return Reading::Page(Page::NotFound),
    };
    Reading::Submission(Submission { content, key: judge_key(request.api_key) })
}

/// Writes a page; returns its status.
pub(super) fn write_page(page: Page, body: &mut Vec<u8>) -> u16 {
    let (status, value) = match page {
        Page::Root => {
            (200, json!({"service": "throng practice target", "version": env!("CARGO_PKG_VERSION"), "docs": null}))
        }
        Page::Health => (200, json!({"status": "healthy", "service": "throng practice target", "dependencies": {}})),
        Page::Topics => {
            let topics: Vec<_> =
                TOPICS.iter().map(|(name, partitions)| json!({"name": name, "partitions": partitions})).collect();
            (200, json!({ "topics": topics }))
        }
        Page::NotFound => (404, json!({"detail": "Not Found"})),
        Page::WrongMethod => (405, json!({"detail": "Method Not Allowed"})),
    };
    write_value(body, &value);
    status
}

impl Submission<'_> {
    /// How many events it carries; what cannot be read counts as one.
    pub(super) fn events(&self) -> u64 {
        match &self.content {
            Content::Single(_) => 1,
            Content::Malformed(_, events) => *events,
            Content::Batch(events) => events.len() as u64,
        }
    }

    /// Accepts what the contract accepts, refuses the rest; returns the status.
    pub(super) fn accept(self, clerk: &mut Clerk<'_>, body: &mut Vec<u8>) -> u16 {
        let events = self.events();
        let refusal = match (self.key, &self.content) {
            (Key::Missing, _) => {
                let detail = json!([{"type": "missing", "loc": ["header", "X-API-Key"], "msg": "Field required"}]);
                Some((422, detail))
            }
            (Key::Malformed, _) => Some((401, json!("Invalid API key format"))),
            (Key::Good, Content::Malformed(detail, _)) => Some((422, detail.clone())),
            (Key::Good, Content::Single(event)) => event.objection().map(|objection| (400, json!(objection))),
            (Key::Good, Content::Batch(_)) => None,
        };
        if let Some((status, detail)) = refusal {
            clerk.account.rejected(events);
            write_value(body, &json!({ "detail": detail }));
            return status;
        }
        match &self.content {
            Content::Single(event) => {
                let id = clerk.accept(event);
                write_single(body, event, id);
            }
            Content::Batch(events) => write_batch(body, events, clerk),
            Content::Malformed(..) => {}
        }
        202
    }
}

impl Clerk<'_> {
    /// Enters an event into the books and gives it an id.
    fn accept(&mut self, event: &Event<'_>) -> u64 {
        let user = match &event.user() {
            User::Text(text) => UserKey::Text(text),
            User::Number(number) => UserKey::Number(*number),
            User::Present | User::Absent => UserKey::Other,
        };
        self.account.accept(event.event_type(), user, event.id());
        let id = self.ids.get() + 1;
        self.ids.set(id);
        id
    }
}

fn read_batch(batch: Batch<'_>) -> Content<'_> {
    let Some(events) = batch.events else {
        return Content::Malformed(json!([{"type": "missing", "loc": ["body", "events"], "msg": "Field required"}]), 1);
    };
    let count = events.len() as u64;
    let bound = match events.len() {
        0 => Some(("too_short", "List should have at least 1 item after validation, not 0".to_owned())),
        1..=MAX_BATCH => None,
        count => {
            Some(("too_long", format!("List should have at most {MAX_BATCH} items after validation, not {count}")))
        }
    };
    if let Some((kind, message)) = bound {
        return Content::Malformed(json!([{"type": kind, "loc": ["body", "events"], "msg": message}]), count.max(1));
    }
    match events.iter().find_map(|event| event.missing_fields("events")) {
        Some(detail) => Content::Malformed(detail, count),
        None => Content::Batch(events),
    }
}

/// A key is `proj_{project}_{secret}` with a project of at least ten characters; the secret is not looked at.
fn judge_key(key: Option<&[u8]>) -> Key {
    let Some(key) = key else { return Key::Missing };
    let mut parts = key.splitn(3, |&byte| byte == b'_');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(b"proj"), Some(project), Some(_secret)) if project.len() >= 10 => Key::Good,
        _ => Key::Malformed,
    }
}

/// Whether a topic exists.
fn is_topic(name: &str) -> bool {
    TOPICS.iter().any(|(topic, _)| *topic == name)
}

fn unreadable(error: &serde_json::Error) -> serde_json::Value {
    json!([{"type": "json_invalid", "loc": ["body", error.column()], "msg": "JSON decode error", "ctx": {"error": error.to_string()}}])
}

fn write_single(body: &mut Vec<u8>, event: &Event<'_>, id: u64) {
    body.extend_from_slice(br#"{"success":true,"event_id":""#);
    write_id(body, id);
    body.extend_from_slice(br#"","topic":"#);
    write_string(body, event.topic());
    body.extend_from_slice(br#","event_type":"#);
    write_string(body, event.event_type());
    body.extend_from_slice(br#","timestamp":""#);
    write_utc_now(body);
    body.extend_from_slice(br#""}"#);
}

fn write_batch(body: &mut Vec<u8>, events: &[Event<'_>], clerk: &mut Clerk<'_>) {
    let failed = events.iter().filter(|event| event.objection().is_some()).count();
    let total = events.len();
    // Writing to memory cannot fail.
    let _written = write!(
        body,
        r#"{{"success":true,"total":{total},"successful":{},"failed":{failed},"results":["#,
        total - failed
    );
    for (number, event) in events.iter().enumerate() {
        body.extend_from_slice(if number == 0 { br#"{"event_type":"# } else { br#",{"event_type":"# });
        write_string(body, event.event_type());
        body.extend_from_slice(br#","topic":"#);
        write_string(body, event.topic());
        match event.objection() {
            None => {
                body.extend_from_slice(br#","success":true,"event_id":""#);
                write_id(body, clerk.accept(event));
                body.extend_from_slice(br#""}"#);
            }
            Some(objection) => {
                clerk.account.rejected(1);
                body.extend_from_slice(br#","success":false,"error":"#);
                write_string(body, &objection);
                body.push(b'}');
            }
        }
    }
    body.extend_from_slice(b"]}");
}

fn write_id(body: &mut Vec<u8>, id: u64) {
    let _written = write!(body, "evt_{id:016x}");
}

fn write_string(body: &mut Vec<u8>, text: &str) {
    // Most names need no escape, and then a copy is all there is to do.
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        body.push(b'"');
        body.extend_from_slice(text.as_bytes());
        body.push(b'"');
    } else {
        write_value(body, text);
    }
}

fn write_value<T: serde::Serialize + ?Sized>(body: &mut Vec<u8>, value: &T) {
    // Writing these types to memory cannot fail.
    let written = serde_json::to_writer(body, value);
    debug_assert!(written.is_ok());
}

/// The service writes its time without a zone, in UTC.
fn write_utc_now(body: &mut Vec<u8>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs();
    let (year, month, day) = civil_from_days(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let micros = now.subsec_micros();
    let _written = write!(body, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}");
}

/// Days since 1970 as year, month and day (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
