//! From requests that somebody made to a scenario that makes such requests: origins become targets, requests events.

use std::collections::BTreeMap;

use shared::tree::{Entry, Node, Value};

use super::Notes;
use super::build::{Map, literal_text, rate, slug, span};

/// Events of a scenario at most.
const MAX_EVENTS: usize = 60;
/// Headers that belong to a connection or a browser, not to what is said.
const OWN_HEADERS: [&str; 14] = [
    "host",
    "content-length",
    "connection",
    "accept-encoding",
    "transfer-encoding",
    "content-type",
    "origin",
    "referer",
    "pragma",
    "cache-control",
    "upgrade-insecure-requests",
    "priority",
    "te",
    "dnt",
];
/// Names of headers and query parameters that carry a secret.
const KEY_HEADERS: [&str; 8] =
    ["x-api-key", "api-key", "apikey", "x-auth-token", "x-access-token", "x-api-token", "x-auth-key", "x-apikey"];
/// Fields of a body that name the kind of event.
const KIND_FIELDS: [&str; 4] = ["event_type", "eventType", "type", "event"];
/// Methods that a scenario can ask for.
const METHODS: [&str; 5] = ["POST", "PUT", "PATCH", "DELETE", "GET"];

/// A request that somebody made.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// Where it stands in the text that is imported.
    pub(super) place: String,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
    /// A name and a password.
    pub(super) basic: Option<(String, String)>,
    /// Name of the header that carries a key.
    pub(super) key_header: Option<String>,
    /// A body that is a template already, as a schema gives it.
    pub(super) template: Option<Node>,
    /// Accepts any certificate.
    pub(super) insecure: bool,
    /// Longest time in seconds.
    pub(super) timeout: Option<f64>,
    pub(super) attempts: Option<i64>,
}

/// How fast requests were made, where that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) per_second: f64,
    pub(super) seconds: f64,
}

/// An event on its way into the scenario.
struct Event {
    name: String,
    method: String,
    path: String,
    body: Node,
    weight: i64,
}

/// An address without its path, and what goes there.
#[derive(Default)]
struct Origin {
    headers: BTreeMap<String, (String, bool)>,
    auth: Option<Node>,
    events: Vec<Event>,
    insecure: bool,
    timeout: Option<f64>,
    attempts: Option<i64>,
}

/// The scenario of requests, in the order in which they were made.
///
/// # Errors
///
/// None of them can be made by a scenario.
pub(super) fn scenario(name: &str, requests: Vec<Request>, pace: Pace, notes: &mut Notes) -> Result<Node, String> {
    let mut origins: Vec<(String, Origin)> = Vec::new();
    let mut events = 0;
    for request in requests {
        let Some((base, path)) = split(&request.url) else {
            notes.add(&request.place, format!("`{}` is no address of a web service; left out", request.url));
            continue;
        };
        let method = request.method.to_ascii_uppercase();
        if !METHODS.contains(&method.as_str()) {
            notes.add(&request.place, format!("the method {method} cannot be sent; left out"));
            continue;
        }
        let Some(body) = body(&request, notes) else { continue };
        let index = match origins.iter().position(|(known, _)| *known == base) {
            Some(index) => index,
            None => {
                origins.push((base, Origin::default()));
                origins.len() - 1
            }
        };
        let origin = &mut origins[index].1;
        let event = Event { name: event_name(&method, &path, &body), method, path, body, weight: 1 };
        match origin.events.iter_mut().find(|known| known.is_like(&event)) {
            Some(known) => known.weight += 1,
            None if events >= MAX_EVENTS => {
                notes.add("", format!("more than {MAX_EVENTS} different requests; the rest is left out"));
                continue;
            }
            None => {
                events += 1;
                origin.events.push(event);
            }
        }
        origin.take_settings(&request, notes);
    }
    if events == 0 {
        return Err("none of its requests can be sent by a scenario".to_owned());
    }
    Ok(document(name, origins, pace, notes))
}

impl Event {
    /// Whether it is the same kind of request, whatever its values.
    fn is_like(&self, other: &Self) -> bool {
        let path = |event: &Self| event.path.split('?').next().unwrap_or_default().to_owned();
        self.name == other.name && self.method == other.method && path(self) == path(other)
    }
}

impl Origin {
    fn take_settings(&mut self, request: &Request, notes: &mut Notes) {
        self.insecure |= request.insecure;
        self.timeout = self.timeout.or(request.timeout);
        self.attempts = self.attempts.or(request.attempts);
        if let Some((username, _)) = &request.basic {
            let auth = Map::new().with("username", literal_text(username)).with("password", "${env.PASSWORD}");
            self.auth.get_or_insert(Map::new().with("basic", auth).node());
            notes.add("", "the password is not written down; set the environment variable PASSWORD");
        }
        let keyed = request.headers.iter().map(|(name, _)| name).find(|name| is_key(name));
        if let Some(header) = request.key_header.as_ref().or(keyed) {
            let key = Map::new().with("header", header.as_str()).with("value", "${env.API_KEY}");
            self.auth.get_or_insert(Map::new().with("api_key", key).node());
            notes.add("", "the API key is not written down; set the environment variable API_KEY");
        }
        for (name, value) in &request.headers {
            let lower = name.to_ascii_lowercase();
            if OWN_HEADERS.contains(&lower.as_str())
                || lower.starts_with("sec-")
                || lower.starts_with(':')
                || is_key(name)
            {
                continue;
            }
            if lower == "authorization" {
                self.authorize(value, notes);
            } else if lower == "cookie" {
                self.headers.insert("Cookie".to_owned(), ("${env.COOKIE}".to_owned(), true));
                notes.add("", "the cookies are not written down; set the environment variable COOKIE");
            } else {
                let (first, same) = self.headers.entry(name.clone()).or_insert_with(|| (literal_text(value), true));
                if *first != literal_text(value) && std::mem::take(same) {
                    let message = format!("the header {name} differs between requests; its first value is sent always");
                    notes.add(&request.place, message);
                }
            }
        }
    }

    fn authorize(&mut self, value: &str, notes: &mut Notes) {
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        let auth = if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
            Map::new().with("bearer", Map::new().with("token", "${env.TOKEN}"))
        } else {
            let key = Map::new().with("header", "Authorization").with("value", "${env.TOKEN}");
            Map::new().with("api_key", key)
        };
        self.auth.get_or_insert(auth.node());
        notes.add("", "the token is not written down; set the environment variable TOKEN");
    }
}

fn document(name: &str, origins: Vec<(String, Origin)>, pace: Pace, notes: &mut Notes) -> Node {
    let total: i64 = origins.iter().flat_map(|(_, origin)| &origin.events).map(|event| event.weight).sum();
    let single = origins.len() == 1;
    let (mut targets, mut events, mut behaviors, mut workloads) = (Map::new(), Map::new(), Map::new(), Map::new());
    for (base, origin) in origins {
        let key =
            if single { "api".to_owned() } else { free_key(&targets, &slug(base.split("//").nth(1).unwrap_or(&base))) };
        let weight: i64 = origin.events.iter().map(|event| event.weight).sum();
        let common = common_request(&origin.events);
        let encrypted = base.starts_with("https");
        let mut target = Map::new().with("url", base).with_some("auth", origin.auth);
        let mut headers = Map::new();
        for (name, (value, _)) in origin.headers {
            headers.put(&name, value);
        }
        if !headers.is_empty() {
            target.put("headers", headers);
        }
        if let Some(seconds) = origin.timeout {
            target.put("timeout", span(seconds));
        }
        if let Some(attempts) = origin.attempts {
            target.put("retry", Map::new().with("attempts", attempts));
        }
        if origin.insecure && encrypted {
            target.put("tls", Map::new().with("insecure", true));
            notes.add("", "any certificate is accepted, as the command says");
        }
        if let Some((method, path)) = &common {
            target.put("send", Map::new().with("method", method.as_str()).with("path", path.as_str()));
        }
        targets.put(&key, target);
        let mut weights = Map::new();
        for event in origin.events {
            let name = free_key(&events, &event.name);
            let send = Map::new().with("method", event.method).with("path", event.path);
            let mut written = Map::new();
            if common.is_none() {
                written.put("send", send);
            }
            events.put(&name, written.with("body", event.body));
            weights.put(&name, event.weight);
        }
        behaviors.put(&key, Map::new().with("mix", Map::new().with("weights", weights)));
        let share = weight as f64 / total.max(1) as f64;
        let load = Map::new().with("rate", rate(pace.per_second * share)).with("duration", span(pace.seconds));
        workloads.put(&key, Map::new().with("target", key.as_str()).with("behavior", key.as_str()).with("load", load));
    }
    Map::new()
        .with("version", 1_i64)
        .with("name", slug(name))
        .with("targets", targets)
        .with("events", events)
        .with("behaviors", behaviors)
        .with("workloads", workloads)
        .node()
}

/// Method and path, if all requests share them.
fn common_request(events: &[Event]) -> Option<(String, String)> {
    let first = events.first()?;
    let same = events.iter().all(|event| event.method == first.method && event.path == first.path);
    same.then(|| (first.method.clone(), first.path.clone()))
}

/// A key that is not taken.
pub(super) fn free_key(map: &Map, wanted: &str) -> String {
    if !map.has(wanted) {
        return wanted.to_owned();
    }
    let mut number = 2_u32;
    while map.has(&format!("{wanted}_{number}")) {
        number += 1;
    }
    format!("{wanted}_{number}")
}

/// Cuts an address into its base and its path with the query.
pub(super) fn split(url: &str) -> Option<(String, String)> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return None;
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let cut = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(cut);
    let host = host.rsplit('@').next().unwrap_or_default();
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
    if host.is_empty() || !host.chars().all(fine) {
        return None;
    }
    let path = match path {
        "" => "/".to_owned(),
        query if query.starts_with('?') => format!("/{query}"),
        path => path.to_owned(),
    };
    Some((format!("{scheme}://{host}"), path.replace(' ', "%20")))
}

fn event_name(method: &str, path: &str, body: &Node) -> String {
    for field in KIND_FIELDS {
        if let Some(kind) = body.get(field).and_then(Node::as_str)
            && !kind.contains("${")
            && !kind.is_empty()
        {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            return if kind.len() <= 60 && kind.chars().all(plain) { kind.to_owned() } else { slug(kind) };
        }
    }
    slug(&format!("{method} {}", path.split('?').next().unwrap_or_default()))
}

/// The template of a request's body; none when it cannot be one.
fn body(request: &Request, notes: &mut Notes) -> Option<Node> {
    if let Some(template) = &request.template {
        return Some(template.clone());
    }
    let Some(text) = request.body.as_deref().filter(|text| !text.trim().is_empty()) else {
        if !matches!(request.method.to_ascii_uppercase().as_str(), "GET" | "DELETE") {
            notes.add(&request.place, "there is no body; an empty map is sent");
        }
        return Some(Map::new().node());
    };
    match serde_json::from_str::<Node>(text) {
        Ok(node) => Some(template(&node, &request.place, notes)),
        Err(error) => {
            notes.add(&request.place, format!("its body is not JSON ({error}); left out"));
            None
        }
    }
}

/// A JSON value as a template: what is new in every event is drawn, all else stands as it is.
pub(super) fn template(node: &Node, place: &str, notes: &mut Notes) -> Node {
    match &node.value {
        Value::String(text) if is_uuid(text) => {
            notes.add(place, "what looks like a UUID is drawn anew for each event");
            Map::new().with("$uuid", Map::new().with("v", 4_i64)).node()
        }
        Value::String(text) if is_time(text) => {
            notes.add(place, "what looks like a moment becomes the event's own time");
            Map::new().with("$now", "rfc3339").node()
        }
        Value::String(text) => Value::String(literal_text(text)).into(),
        Value::List(items) => Value::List(items.iter().map(|item| template(item, place, notes)).collect()).into(),
        Value::Map(entries) => {
            let mut written: Vec<Entry> = Vec::new();
            for entry in entries {
                if entry.key.starts_with('$') {
                    let message =
                        format!("a key that starts with $ cannot stand in a template; `{}` is left out", entry.key);
                    notes.add(place, message);
                } else if !written.iter().any(|known| known.key == entry.key) {
                    let node = template(&entry.node, place, notes);
                    written.push(Entry { key: entry.key.clone(), key_mark: entry.key_mark, node });
                }
            }
            Value::Map(written).into()
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => node.value.clone().into(),
    }
}

fn is_key(header: &str) -> bool {
    KEY_HEADERS.contains(&header.to_ascii_lowercase().as_str())
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    (19..=35).contains(&bytes.len())
        && bytes.iter().take(19).enumerate().all(|(place, byte)| match place {
            4 | 7 => *byte == b'-',
            10 => matches!(byte, b'T' | b't'),
            13 | 16 => *byte == b':',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_cut_at_the_path() {
        let cut = |url: &str| split(url).map(|(base, path)| format!("{base} {path}"));
        assert_eq!(cut("https://a.example:8443/x/y?z=1#f").as_deref(), Some("https://a.example:8443 /x/y?z=1"));
        assert_eq!(cut("localhost:8010").as_deref(), Some("http://localhost:8010 /"));
        assert_eq!(cut("http://user:pass@host?q=a b").as_deref(), Some("http://host /?q=a%20b"));
        assert_eq!(cut("ftp://a/b"), None);
        assert_eq!(cut("http:///x"), None);
    }

    #[test]
    fn ids_and_times_are_told_from_other_texts() {
        assert!(is_uuid("01234567-89ab-cdef-0123-456789abcdef"));
        assert!(!is_uuid("01234567-89ab-cdef-0123-456789abcdeg"));
        assert!(is_time("2026-11-21T03:00:00Z") && is_time("2026-11-21T03:00:00.123456+01:00"));
        assert!(!is_time("2026-11-21 03:00:00") && !is_time("2026-11-21"));
    }
}
