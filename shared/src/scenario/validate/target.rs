//! Targets: addresses, credentials, batches.

mod mqtt;

use crate::scenario::model::target::{
    AnswerRule, Auth, Batch, Compression, Http, HttpVersion, Protocol, Replies, Target, Tls, TokenVia,
};
use crate::scenario::options::Environment;
use crate::scenario::secret::{Reference, references, resolve};
use crate::scenario::{pattern, secret};
use crate::tree::{Node, Value};
use crate::units::Nanos;

use super::Findings;

/// Most events in one request.
const MAX_BATCH: u32 = 10_000;
/// Most requests at the same time on one connection.
const MAX_STREAMS: u32 = 10_000;

pub(super) fn check(name: &str, target: &Target, environment: Environment<'_>, findings: &mut Findings<'_>) {
    let path = format!("targets.{name}");
    check_url(&path, target, environment, findings);
    check_auth(&path, &target.auth, target.protocol, environment, findings);
    for (header, value) in &target.headers {
        let place = format!("{path}.headers.{header}");
        if header.is_empty() || !header.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)) {
            findings.error(
                place.as_str(),
                format!("`{header}` cannot be the name of a header"),
                "use letters, digits and `-`",
            );
        }
        if value.chars().any(char::is_control) {
            findings.error(place.as_str(), "a header's value must be one line of text", "");
        }
        check_references(&place, value, environment, findings);
    }
    for (key, span) in [("timeout", target.timeout), ("connect_timeout", target.connect_timeout)] {
        if span == Some(Nanos::ZERO) {
            findings.error(format!("{path}.{key}"), "a timeout must be above zero", "write 30s");
        }
    }
    if target.connections == Some(0) {
        findings.error(format!("{path}.connections"), "without a connection nothing can be sent", "write 1 or more");
    }
    if let Some(retry) = &target.retry {
        if !(1..=100).contains(&retry.attempts) {
            findings.error(
                format!("{path}.retry.attempts"),
                "attempts lie between 1 and 100, the first included",
                "write 3",
            );
        }
        if retry.when.is_empty() && retry.attempts > 1 {
            findings.error(
                format!("{path}.retry.when"),
                "no failure is worth another attempt",
                "write [network, timeout, 5xx]",
            );
        }
    }
    check_request_path(&format!("{path}.send.path"), target.send.path.as_deref(), findings);
    if let Some(batch) = &target.batch {
        check_batch(&path, batch, target.protocol, findings);
    }
    for key in target.classify.keys().filter(|_| !target.protocol.holds_streams()) {
        check_status(&format!("{path}.classify.{key}"), key, findings);
    }
    if target.protocol.holds_streams() && !target.answers.is_empty() {
        let message = format!("has no effect on a target of protocol {}", target.protocol.name());
        findings.error(format!("{path}.answers"), message, "say in `classify` what an error's code means");
    }
    for (index, rule) in target.answers.iter().enumerate() {
        check_answer(&format!("{path}.answers[{index}]"), rule, findings);
    }
    if let Some(health) = &target.health {
        check_request_path(&format!("{path}.health.path"), Some(&health.path), findings);
    }
    check_protocol_blocks(&path, target, findings);
}

fn check_url(path: &str, target: &Target, environment: Environment<'_>, findings: &mut Findings<'_>) {
    let schemes: &[&str] = match target.protocol {
        Protocol::Http => &["http", "https"],
        Protocol::Ws => &["ws", "wss"],
        Protocol::Mqtt => &["mqtt", "mqtts"],
        Protocol::File => {
            if target.url.as_deref().is_none_or(str::is_empty) {
                findings.error(path, "the target has no file to write to", "write `url: events.jsonl`");
            }
            return;
        }
        Protocol::Discard => {
            if target.url.is_some() {
                findings.error(format!("{path}.url"), "a target that discards everything has no address", "remove it");
            }
            return;
        }
    };
    let port = if target.protocol == Protocol::Mqtt { 1883 } else { 8000 };
    let example = format!("write {}://localhost:{port}", schemes[0]);
    let Some(url) = &target.url else {
        findings.error(path, "the target has no `url`", &example);
        return;
    };
    let place = format!("{path}.url");
    check_references(&place, url, environment, findings);
    // Told as it was written: what the environment put in may be a secret.
    let written = url.split(['?', '#']).next().unwrap_or_default();
    let Some(url) = resolve(url, environment) else {
        return;
    };
    let (scheme, rest) = url.split_once("://").map_or((None, url.as_str()), |(scheme, rest)| (Some(scheme), rest));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let password = || ("an address must not hold a password".to_owned(), "use `auth: {basic: {...}}`".to_owned());
    if authority.contains('@') {
        let (message, hint) = password();
        findings.error(place, message, &hint);
        return;
    }
    // A password may also hold what ends an authority; nothing of such an address is told.
    let told = |message: String| if url.contains('@') { password() } else { (message, example.clone()) };
    let Some(scheme) = scheme else {
        let (message, hint) = told(format!("`{written}` does not begin with {}://", schemes[0]));
        findings.error(place, message, &hint);
        return;
    };
    if !schemes.contains(&scheme) {
        let message = format!("`{scheme}://` is not spoken by a target of protocol {}", target.protocol.name());
        let (message, hint) = told(message);
        findings.error(place, message, &hint);
        return;
    }
    let (host, port) = match authority.rfind(':') {
        Some(at) if !authority.ends_with(']') => (&authority[..at], Some(&authority[at + 1..])),
        _ => (authority, None),
    };
    if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let (message, hint) = told(format!("`{written}` has no host"));
        findings.error(place, message, &hint);
    } else if let Some(port) = port
        && !port.parse::<u16>().is_ok_and(|port| port > 0)
    {
        let (message, hint) = told(format!("`{port}` is no port"));
        findings.error(place, message, &hint);
    }
}

fn check_auth(path: &str, auth: &Auth, protocol: Protocol, environment: Environment<'_>, findings: &mut Findings<'_>) {
    let secrets: Vec<(String, &str)> = match auth {
        Auth::None => Vec::new(),
        Auth::Basic { username, password } => {
            vec![(format!("{path}.auth.basic.username"), username), (format!("{path}.auth.basic.password"), password)]
        }
        Auth::Bearer { token, via } => {
            if *via == TokenVia::Message && protocol != Protocol::Ws {
                findings.error(
                    format!("{path}.auth.bearer.via"),
                    "only a WebSocket takes its token in a message",
                    "write header",
                );
            }
            vec![(format!("{path}.auth.bearer.token"), token)]
        }
        Auth::ApiKey { value, .. } => vec![(format!("{path}.auth.api_key.value"), value)],
    };
    for (place, text) in &secrets {
        check_references(place, text, environment, findings);
        if secret::is_placeholder(&resolve(text, environment).unwrap_or_else(|| (*text).to_owned())) {
            findings.error(
                place.as_str(),
                "this is a placeholder, not a secret",
                "put the real one, or `${env.API_KEY}`",
            );
        }
    }
    if let Auth::ApiKey { value, pattern: Some(pattern), .. } = auth {
        let place = format!("{path}.auth.api_key.pattern");
        match pattern::matches(pattern, "") {
            Err(error) => findings.error(place, error, "write for instance ^proj_[^_]{10,}_.+$"),
            Ok(_) => {
                let known = references(value).is_empty() || environment.is_some();
                if let Some(key) = resolve(value, environment).filter(|_| known)
                    && !secret::is_placeholder(&key)
                    && pattern::matches(pattern, &key) == Ok(false)
                {
                    let message = format!("the key does not look like one: it must match {pattern}");
                    findings.error(format!("{path}.auth.api_key.value"), message, "check that it was copied whole");
                }
            }
        }
    }
}

/// Names of the environment that are not there, and references that are none.
pub(super) fn check_references(path: &str, text: &str, environment: Environment<'_>, findings: &mut Findings<'_>) {
    for reference in references(text) {
        match reference {
            Reference::Environment(name) => {
                if environment.is_some_and(|environment| environment(name).is_none()) {
                    let hint = format!("set it: export {name}=...");
                    findings.error(path, format!("the environment has no `{name}`"), &hint);
                }
            }
            Reference::Other(text) => {
                findings.error(path, format!("`{text}` is not known here"), "only ${env.NAME} can stand here");
            }
        }
    }
}

fn check_request_path(path: &str, value: Option<&str>, findings: &mut Findings<'_>) {
    let Some(value) = value else {
        return;
    };
    if !value.starts_with('/') {
        findings.error(path, format!("a path begins with `/`, this is `{value}`"), &format!("write /{value}"));
    } else if value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        findings.error(path, "a path has no spaces", "write %20");
    }
}

fn check_batch(path: &str, batch: &Batch, protocol: Protocol, findings: &mut Findings<'_>) {
    let path = format!("{path}.batch");
    if protocol != Protocol::Http {
        findings.error(path.as_str(), format!("a target of protocol {} has no batches", protocol.name()), "remove it");
        return;
    }
    if !(1..=MAX_BATCH).contains(&batch.size) {
        let message = format!("a batch has 1 to {MAX_BATCH} events, this is {}", batch.size);
        findings.error(format!("{path}.size"), message, "write 50, or 1 to send each alone");
    }
    if batch.linger == Nanos::ZERO && batch.size > 1 {
        findings.error(format!("{path}.linger"), "without waiting no batch fills", "write 500ms, or size: 1");
    }
    check_request_path(&format!("{path}.path"), batch.path.as_deref(), findings);
    if let Some(wrap) = &batch.wrap {
        let places = count_batch(wrap);
        if places != 1 {
            let message = format!("`${{batch}}` must stand in it once, it stands {places} times");
            findings.error(format!("{path}.wrap"), message, "write {events: \"${batch}\"}");
        }
    }
    for (key, pointer) in [("ok_count", &batch.ok_count), ("failed_count", &batch.failed_count)] {
        if let Some(pointer) = pointer {
            check_place(&format!("{path}.{key}"), pointer, "write $.successful", findings);
        }
    }
    if let Some(results) = &batch.results {
        check_place(&format!("{path}.results.path"), &results.path, "write $.results", findings);
        if results.ok.is_empty() || results.ok.contains(['.', '$', '[']) {
            let message = format!("`{}` is no field of an item", results.ok);
            findings.error(format!("{path}.results.ok"), message, "write success");
        }
    }
}

/// A place in an answer, as `$.successful` or `$.results[0].id`.
pub(super) fn check_place(path: &str, place: &str, hint: &str, findings: &mut Findings<'_>) {
    let sound = place.strip_prefix("$.").is_some_and(|rest| {
        rest.split('.').all(|part| {
            let (name, indexes) = part.split_once('[').unwrap_or((part, "0]"));
            let index = |index: &str| index.strip_suffix(']').is_some_and(|index| index.parse::<u32>().is_ok());
            !name.is_empty() && indexes.split('[').all(index)
        })
    });
    if !sound {
        findings.error(path, format!("`{place}` is no place in an answer"), hint);
    }
}

fn check_status(path: &str, status: &str, findings: &mut Findings<'_>) {
    let known = match status.as_bytes() {
        [b'1'..=b'5', b'x', b'x'] => true,
        [b'1'..=b'5', tens, ones] => tens.is_ascii_digit() && ones.is_ascii_digit(),
        _ => false,
    };
    if !known {
        findings.error(path, format!("`{status}` is no status"), "write 409 or 5xx");
    }
}

fn check_answer(path: &str, rule: &AnswerRule, findings: &mut Findings<'_>) {
    if rule.status.is_none() && rule.text.is_none() && rule.field.is_none() {
        findings.error(path, "says what no answer must be like", "write text: Rate limit exceeded");
    }
    if let Some(status) = &rule.status {
        check_status(&format!("{path}.status"), status, findings);
    }
    if rule.text.as_deref() == Some("") {
        findings.error(format!("{path}.text"), "every answer holds nothing", "write text: Rate limit exceeded");
    }
    match (&rule.field, &rule.equals) {
        (Some(field), _) => check_place(&format!("{path}.field"), field, "write $.error.code", findings),
        (None, Some(_)) => findings.error(format!("{path}.equals"), "has no effect without `field`", "add field"),
        (None, None) => {}
    }
}

fn check_http(path: &str, http: &Http, target: &Target, findings: &mut Findings<'_>) {
    let path = format!("{path}.http");
    if target.protocol != Protocol::Http {
        let message = format!("has no effect on a target of protocol {}", target.protocol.name());
        findings.error(path.as_str(), message, "remove it");
        return;
    }
    for (key, number, most) in
        [("streams", http.streams, MAX_STREAMS), ("requests_per_connection", http.requests_per_connection, u32::MAX)]
    {
        if let Some(number) = number
            && !(1..=most).contains(&number)
        {
            findings.error(format!("{path}.{key}"), format!("{number} is not between 1 and {most}"), "write 100");
        }
    }
    if http.streams.is_some() && http.version == HttpVersion::One {
        findings.error(format!("{path}.streams"), "only HTTP/2 has streams", "write version: http2");
    }
    let (most, usual) = match http.compress {
        Some(Compression::Gzip) => (9, 6),
        Some(Compression::Zstd) => (19, 3),
        None => (0, 0),
    };
    match http.compress_level {
        Some(_) if most == 0 => {
            findings.error(
                format!("{path}.compress_level"),
                "has no effect without `compress`",
                "write compress: gzip",
            );
        }
        Some(level) if !(1..=most).contains(&level) => {
            let message = format!("levels lie between 1 and {most}, this is {level}");
            findings.error(format!("{path}.compress_level"), message, &format!("write {usual}"));
        }
        Some(_) | None => {}
    }
}

fn check_tls(path: &str, tls: &Tls, findings: &mut Findings<'_>) {
    let path = format!("{path}.tls");
    match (&tls.certificate, &tls.key) {
        (Some(_), None) => findings.error(format!("{path}.certificate"), "needs its key", "add key: client.key"),
        (None, Some(_)) => {
            findings.error(format!("{path}.key"), "needs its certificate", "add certificate: client.pem");
        }
        _ => {}
    }
    if tls.insecure && tls.authority.is_some() {
        let message = "has no effect where every certificate is accepted";
        findings.error(format!("{path}.authority"), message, "remove it, or insecure");
    }
    if tls.server_name.as_deref().is_some_and(|name| name.is_empty() || name.contains([':', '/', ' '])) {
        findings.error(format!("{path}.server_name"), "this is no name of a server", "write api.example.org");
    }
}

fn count_batch(node: &Node) -> usize {
    match &node.value {
        Value::String(text) => usize::from(text == "${batch}"),
        Value::List(items) => items.iter().map(count_batch).sum(),
        Value::Map(entries) => entries.iter().map(|entry| count_batch(&entry.node)).sum(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 0,
    }
}

/// Settings of another protocol would be ignored.
fn check_protocol_blocks(path: &str, target: &Target, findings: &mut Findings<'_>) {
    let protocol = target.protocol.name();
    if target.ws.is_some() && target.protocol != Protocol::Ws {
        findings.error(format!("{path}.ws"), format!("has no effect on a target of protocol {protocol}"), "remove it");
    }
    if let Some(ws) = &target.ws {
        for (key, field) in [("correlate", &ws.correlate), ("kind", &ws.kind), ("code", &ws.code)] {
            if field.as_ref().is_some_and(|field| field.split('.').any(str::is_empty)) {
                findings.error(format!("{path}.ws.{key}"), "is no path into a message", "write data.id");
            }
        }
        if ws.window == Some(0) {
            findings.error(format!("{path}.ws.window"), "without room no message can be sent", "write 1 or more");
        }
        if ws.ping == Some(Nanos::ZERO) {
            findings.error(format!("{path}.ws.ping"), "must be above zero", "write 30s");
        }
        if ws.correlate.is_some() && ws.replies == Replies::Order {
            let hint = "remove one of them";
            findings.error(format!("{path}.ws.replies"), "answers are paired by `correlate` already", hint);
        }
    }
    if target.mqtt.is_some() && target.protocol != Protocol::Mqtt {
        findings.error(
            format!("{path}.mqtt"),
            format!("has no effect on a target of protocol {protocol}"),
            "remove it",
        );
    }
    for (key, given, protocols) in [
        ("reconnect", target.reconnect.is_some(), &[Protocol::Ws, Protocol::Mqtt][..]),
        ("health", target.health.is_some(), &[Protocol::Http]),
        ("throttle_wait", target.throttle_wait.is_some(), &[Protocol::Http]),
        ("classify", !target.classify.is_empty(), &[Protocol::Http, Protocol::Ws, Protocol::Mqtt]),
        ("send", target.send != Default::default(), &[Protocol::Http]),
        ("headers", !target.headers.is_empty(), &[Protocol::Http, Protocol::Ws]),
        ("auth", target.auth != Auth::None, &[Protocol::Http, Protocol::Ws, Protocol::Mqtt]),
    ] {
        if given && !protocols.contains(&target.protocol) {
            let message = format!("has no effect on a target of protocol {protocol}");
            findings.error(format!("{path}.{key}"), message, "remove it");
        }
    }
    if target.protocol == Protocol::Mqtt {
        mqtt::check(path, target, findings);
    }
    let encrypted = target
        .url
        .as_deref()
        .is_some_and(|url| ["https://", "wss://", "mqtts://", "${"].iter().any(|scheme| url.starts_with(scheme)));
    if let Some(http) = &target.http {
        check_http(path, http, target, findings);
    }
    if let Some(tls) = &target.tls {
        check_tls(path, tls, findings);
    }
    if target.tls.is_some() && !encrypted {
        findings.error(
            format!("{path}.tls"),
            "has no effect, the address is not encrypted",
            "write https://, wss:// or mqtts://",
        );
    }
}
