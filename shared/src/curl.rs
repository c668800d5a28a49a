//! Requests as curl commands, exactly as a run would send them; messages of targets that speak no HTTP as commands of
//! the tools that people have for those.

mod messages;

use crate::encode::RequestTemplate;
use crate::plan::{EventTypeId, Plan, TargetPlan};
use crate::scenario::model::Scenario;
use crate::scenario::model::target::{Auth, HttpVersion, Protocol, Target, TokenVia};

/// A planned target with its part of the scenario.
pub fn target_of<'a>(scenario: &'a Scenario, plan: &'a Plan, index: u16) -> Option<(&'a TargetPlan, &'a Target)> {
    let planned = plan.targets().get(usize::from(index))?;
    Some((planned, scenario.targets.get(&planned.name)?))
}

/// One event as a command, to its topic where the protocol has topics; none where it goes over no network.
pub fn event(
    planned: &TargetPlan,
    target: &Target,
    event_type: EventTypeId,
    topic: &[u8],
    event: &[u8],
    api_key: Option<&str>,
) -> Option<String> {
    let template = planned.request_of(event_type).unwrap_or(&planned.request);
    let framing = &template.single;
    let body = [framing.prefix.as_slice(), event, &framing.suffix].concat();
    match target.protocol {
        Protocol::Http => Some(request(target, template, &template.path, &body, api_key)),
        Protocol::Ws => Some(messages::websocket(target, &body, api_key)),
        Protocol::Mqtt => Some(messages::mqtt(target, topic, &body, api_key)),
        Protocol::File | Protocol::Discard => None,
    }
}

/// A request as a command. Secrets are references to the environment, unless a key was given for it.
pub fn request(target: &Target, template: &RequestTemplate, path: &str, body: &[u8], api_key: Option<&str>) -> String {
    let mut url = format!("{}{path}", target.url.as_deref().unwrap_or("http://localhost").trim_end_matches('/'));
    let mut parts = Vec::new();
    match &target.auth {
        Auth::None => {}
        Auth::Basic { username, password } => parts.push(format!("-u {}", quoted(&format!("{username}:{password}")))),
        Auth::Bearer { token, via: TokenVia::Query } => {
            let join = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{join}token={token}");
        }
        Auth::Bearer { token, via: TokenVia::Header | TokenVia::Message } => {
            parts.push(format!("-H {}", quoted(&format!("Authorization: Bearer {token}"))));
        }
        Auth::ApiKey { header, value, .. } => {
            let value = api_key.unwrap_or(value);
            parts.push(format!("-H {}", quoted(&format!("{header}: {value}"))));
        }
    }
    parts.insert(0, format!("-H {}", quoted(&format!("Content-Type: {}", template.content_type))));
    parts.extend(transport(target, &url));
    parts.extend(target.headers.iter().map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))));
    parts.push(format!("-d {}", literal(&String::from_utf8_lossy(body))));
    if let Some(name) = target.tls.as_ref().and_then(|tls| tls.server_name.as_ref())
        && let Some(rest) = url.strip_prefix("https://")
    {
        let (address, path) = rest.split_once('/').map_or((rest, String::new()), |(a, path)| (a, format!("/{path}")));
        let port = address.rsplit_once(':').map_or("443", |(_, port)| port);
        url = format!("https://{name}:{port}{path}");
    }
    let head = format!("curl -X {} {}", template.method.name(), quoted(&url));
    format!("{head} \\\n  {}", parts.join(" \\\n  "))
}

/// What curl must know of version and TLS.
fn transport(target: &Target, url: &str) -> Vec<String> {
    let secure = url.starts_with("https://");
    let mut parts = Vec::new();
    match target.http.as_ref().map(|http| http.version) {
        Some(HttpVersion::Two) if secure => parts.push("--http2".to_owned()),
        Some(HttpVersion::Two) => parts.push("--http2-prior-knowledge".to_owned()),
        Some(HttpVersion::One | HttpVersion::Auto) | None => {}
    }
    let Some(tls) = target.tls.as_ref().filter(|_| secure) else { return parts };
    if tls.insecure {
        parts.push("--insecure".to_owned());
    }
    for (flag, file) in [("--cacert", &tls.authority), ("--cert", &tls.certificate), ("--key", &tls.key)] {
        parts.extend(file.as_ref().map(|file| format!("{flag} {}", literal(file))));
    }
    if let Some(name) = &tls.server_name {
        let address = url.trim_start_matches("https://").split('/').next().unwrap_or_default();
        let (host, port) = address.rsplit_once(':').unwrap_or((address, "443"));
        // curl takes the name from the address, so that the address has to be told apart.
        parts.push(format!("--connect-to {}", literal(&format!("{name}:{port}:{host}:{port}"))));
    }
    parts
}

/// A word for a shell; `${env.NAME}` becomes a reference that the shell resolves.
fn quoted(text: &str) -> String {
    const OPEN: &str = "${env.";
    if !text.contains(OPEN) {
        return literal(text);
    }
    let mut word = String::from("\"");
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((name, after)) = after.split_once('}') else { break };
        escape(before, &mut word);
        word.push_str(&format!("${{{name}}}"));
        rest = after;
    }
    escape(rest, &mut word);
    word.push('"');
    word
}

fn escape(text: &str, word: &mut String) {
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            word.push('\\');
        }
        word.push(c);
    }
}

/// A word in which a shell changes nothing.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_what_was_meant() {
        assert_eq!(literal("it's"), r"'it'\''s'");
        assert_eq!(quoted("X-API-Key: ${env.API_KEY}"), "\"X-API-Key: ${API_KEY}\"");
        assert_eq!(quoted("a$b ${env.X}`"), "\"a\\$b ${X}\\`\"");
        assert_eq!(quoted("plain ${other}"), "'plain ${other}'");
    }
}
