//! Secrets: references to the environment, placeholders that people forget to replace, and what results may show.

use std::ops::Range;

use crate::scenario::options::Environment;
use crate::tree::{Entry, Node, Value};

/// What results and exports show in place of a secret.
pub const HIDDEN: &str = "***";

/// Fields of `auth` whose literal values are secrets.
const SECRET_FIELDS: [&str; 3] = ["password", "token", "value"];
/// What stands in the names of headers that carry secrets, and of parts of a query that do.
const SECRET_NAMES: [&str; 11] =
    ["auth", "cookie", "credential", "jwt", "key", "passw", "secret", "session", "signature", "token", "webhook"];

/// A `${...}` in a field that is no template.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reference<'t> {
    /// `${env.NAME}`
    Environment(&'t str),
    /// Anything else, as it was written.
    Other(&'t str),
}

/// The references in a text, in order.
pub fn references(text: &str) -> Vec<Reference<'_>> {
    pieces(text)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Reference(reference) => Some(reference),
        })
        .collect()
}

/// A text with its references to the environment replaced. None when one is missing, or when there is no environment
/// and the text refers to it.
pub fn resolve(text: &str, environment: Environment<'_>) -> Option<String> {
    let mut resolved = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => resolved.push_str(text),
            Piece::Reference(Reference::Environment(name)) => resolved.push_str(&environment?(name)?),
            Piece::Reference(Reference::Other(_)) => return None,
        }
    }
    Some(resolved)
}

/// Whether a secret was left as an example shows it.
pub fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let told = ["your_", "your-", "<your", "changeme", "change_me", "placeholder"];
    text.is_empty()
        || lower == HIDDEN
        || lower.chars().all(|c| c == 'x')
        || told.iter().any(|word| lower.contains(word))
}

/// A document without its secrets: literal ones are replaced, references stay.
pub fn without_secrets(document: &Node) -> Node {
    let mut clean = document.clone();
    for section in ["targets", "profiles", "checks"] {
        if let Some(node) = child_mut(&mut clean, section) {
            hide_below(node);
        }
    }
    clean
}

/// A line of a scenario's text with what may be a secret in it hidden, each character by a star: places in it stay.
pub fn hidden_line(line: &str) -> String {
    let mut shown: Vec<char> = line.chars().collect();
    let lower: Vec<char> = shown.iter().map(char::to_ascii_lowercase).collect();
    let mut spans = Vec::new();
    let mut at = 0;
    while at < lower.len() {
        if lower[at..].starts_with(&[':', '/', '/']) {
            spans.extend(before_host(&lower, at + 3));
        }
        let length = lower[at..].iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).count();
        if length > 0 {
            let name: String = lower[at..at + length].iter().collect();
            // Of names in general only those that look like a header's: `key` and `session` stand in many a place.
            let is_field = SECRET_FIELDS.contains(&name.as_str()) && (name != "value" || line.contains("api_key"));
            let is_header = matches!(&*name, "authorization" | "cookie") || name.contains('-') && is_secret_name(&name);
            if is_field || is_header {
                spans.extend(value_after(&lower, at + length));
            }
        }
        at += length.max(1);
    }
    for span in spans {
        let is_reference = shown[span.clone()].iter().collect::<String>().contains("${env.");
        if !is_reference {
            shown[span].fill('*');
        }
    }
    shown.into_iter().collect()
}

/// The name and the password of an address whose scheme ends here.
fn before_host(text: &[char], start: usize) -> Option<Range<usize>> {
    let authority = text[start..].iter().take_while(|c| !matches!(c, '/' | ' ' | '"' | '\'')).count();
    let at = text[start..start + authority].iter().rposition(|c| *c == '@')?;
    Some(start..start + at)
}

/// The value of a key that ends here.
fn value_after(text: &[char], end: usize) -> Option<Range<usize>> {
    let colon = end + usize::from(text.get(end).is_some_and(|c| matches!(c, '"' | '\'')));
    if text.get(colon) != Some(&':') {
        return None;
    }
    let start = colon + 1 + text[colon + 1..].iter().take_while(|c| **c == ' ').count();
    Some(start..start + written(&text[start..]))
}

/// How long the value is that a text begins with: in quotes, or up to what ends it in a line.
fn written(text: &[char]) -> usize {
    match text.first() {
        Some(quote @ ('"' | '\'')) => text[1..].iter().position(|c| c == quote).map_or(text.len(), |end| end + 2),
        Some('{') => 0,
        _ => text.iter().position(|c| matches!(c, ',' | '}' | ']')).unwrap_or(text.len()),
    }
}

/// Hides secrets wherever credentials or headers stand below a node; profiles can hold them at any depth.
fn hide_below(node: &mut Node) {
    let entries = match &mut node.value {
        Value::Map(entries) => entries,
        Value::List(nodes) => return nodes.iter_mut().for_each(hide_below),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => return,
    };
    for Entry { key, node, .. } in entries {
        let last = key.rsplit('.').next().unwrap_or(key);
        if SECRET_FIELDS.contains(&last) && key.contains("auth.") {
            hide(node);
        }
        // `headers.NAME`, as profiles and `--set` write it; a name may hold dots itself.
        if key.rsplit_once("headers.").is_some_and(|(_, name)| is_secret_name(name)) {
            hide(node);
        }
        match last {
            "url" | "search" | "target" => hide_query(node),
            "auth" | "basic" | "bearer" | "api_key" => hide_fields(node),
            "headers" => hide_headers(node),
            _ => hide_below(node),
        }
    }
}

fn hide_fields(node: &mut Node) {
    let Value::Map(entries) = &mut node.value else {
        return;
    };
    for Entry { key, node, .. } in entries {
        if SECRET_FIELDS.contains(&key.rsplit('.').next().unwrap_or(key)) {
            hide(node);
        } else {
            hide_fields(node);
        }
    }
}

fn hide_headers(node: &mut Node) {
    let Value::Map(entries) = &mut node.value else {
        return;
    };
    for Entry { key, node, .. } in entries {
        if is_secret_name(key) {
            hide(node);
        }
    }
}

fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| lower.contains(part))
}

fn hide_query(node: &mut Node) {
    if let Value::String(text) = &mut node.value {
        *text = hidden_address(text);
    }
}

/// An address without what opens a door: the name and password before its host, and parts of its query, by their names.
pub fn hidden_address(address: &str) -> String {
    let (before, query) = address.split_once('?').map_or((address, None), |(before, query)| (before, Some(query)));
    let mut shown = match before.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            match authority.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://{HIDDEN}@{host}{path}"),
                None => before.to_owned(),
            }
        }
        None => before.to_owned(),
    };
    if let Some(query) = query {
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((name, value)) if is_secret_name(name) && !is_reference(value) => format!("{name}={HIDDEN}"),
            Some(_) | None => part.to_owned(),
        });
        shown.push('?');
        shown.push_str(&parts.collect::<Vec<_>>().join("&"));
    }
    shown
}

/// A text with its references to the environment replaced.
///
/// # Errors
///
/// Says which name the environment lacks, or what can be no reference.
pub fn resolved(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    for reference in references(text) {
        match reference {
            Reference::Environment(name) if environment(name).is_none() => {
                return Err(format!("the environment has no `{name}`"));
            }
            Reference::Environment(_) => {}
            Reference::Other(text) => return Err(format!("`{text}` is not known here, only ${{env.NAME}}")),
        }
    }
    Ok(resolve(text, Some(environment)).unwrap_or_default())
}

/// Whether a text is a reference to the environment and nothing else.
fn is_reference(text: &str) -> bool {
    matches!(pieces(text).as_slice(), [Piece::Reference(Reference::Environment(_))])
}

fn hide(node: &mut Node) {
    let only_reference = match &node.value {
        Value::String(text) => is_reference(text),
        Value::Map(_) => return hide_fields(node),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) => false,
    };
    if !only_reference {
        node.value = Value::String(HIDDEN.to_owned());
    }
}

fn child_mut<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Node> {
    match &mut node.value {
        Value::Map(entries) => entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) | Value::List(_) => None,
    }
}

enum Piece<'t> {
    Text(&'t str),
    Reference(Reference<'t>),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        if start > 0 {
            pieces.push(Piece::Text(&rest[..start]));
        }
        let whole = &rest[start..=start + length];
        let inner = whole[2..whole.len() - 1].trim();
        let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        pieces.push(Piece::Reference(match inner.strip_prefix("env.").filter(is_name) {
            Some(name) => Reference::Environment(name),
            None => Reference::Other(whole),
        }));
        rest = &rest[start + length + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse::parse;

    #[test]
    fn an_address_is_shown_without_what_opens_it() {
        for (address, shown) in [
            ("http://h/x?page={page}&api_key=k&sig=${env.S}", "http://h/x?page={page}&api_key=***&sig=${env.S}"),
            ("http://me:pass@h/x", "http://***@h/x"),
            ("http://h/x@y", "http://h/x@y"),
            ("h", "h"),
        ] {
            assert_eq!(hidden_address(address), shown);
        }
        let environment = |name: &str| (name == "A").then(|| "secret".to_owned());
        assert_eq!(resolved("x ${env.A}", &environment), Ok("x secret".to_owned()));
        assert!(resolved("${env.B}", &environment).unwrap_err().contains("`B`"));
        assert!(resolved("${user.id}", &environment).is_err());
    }

    #[test]
    fn a_line_is_shown_without_its_secrets() {
        for (line, shown) in [
            ("url: http://me:pass@host/x?a=b@c", "url: http://*******@host/x?a=b@c"),
            (
                "auth: {basic: {username: me, password: s3 cret}, a: 1}",
                "auth: {basic: {username: me, password: *******}, a: 1}",
            ),
            ("  password: \"a,b\" # c", "  password: ***** # c"),
            (r#"{"token":"abc","via":"query"}"#, r#"{"token":*****,"via":"query"}"#),
            ("token: ${env.TOKEN}", "token: ${env.TOKEN}"),
            ("api_key: {value: k}", "api_key: {value: *}"),
            ("load: {value: 5}", "load: {value: 5}"),
            ("headers: {X-Api-Key: k, Accept: all}", "headers: {X-Api-Key: *, Accept: all}"),
            (
                "headers: {X-Hub-Signature-256: k, Authorization: k}",
                "headers: {X-Hub-Signature-256: *, Authorization: *}",
            ),
            ("session: {key: user, author: me}", "session: {key: user, author: me}"),
            ("bearer: {token: {a: 1}}", "bearer: {token: {a: 1}}"),
            ("password:", "password:"),
            ("://@", "://@"),
        ] {
            assert_eq!(hidden_line(line), shown);
        }
    }

    #[test]
    fn references_are_resolved_and_missing_ones_are_none() {
        let environment = |name: &str| (name == "KEY").then(|| "k".to_owned());
        assert_eq!(resolve("a${env.KEY}b", Some(&environment)).as_deref(), Some("akb"));
        assert_eq!(resolve("${env.OTHER}", Some(&environment)), None);
        assert_eq!(resolve("${env.KEY}", None), None);
        assert_eq!(resolve("plain", None).as_deref(), Some("plain"));
        assert_eq!(references("${x} ${env.A}"), [Reference::Other("${x}"), Reference::Environment("A")]);
    }

    #[test]
    fn placeholders_are_known() {
        for text in ["proj_YOUR_PROJECT_ID_YOUR_SECRET", "", "***", "xxxx", "changeme"] {
            assert!(is_placeholder(text), "{text}");
        }
        assert!(!is_placeholder("proj_1234567890_s3cret"));
    }

    #[test]
    fn secrets_are_hidden_and_references_stay() {
        let document = parse(
            "targets: {a: {auth: {api_key: {header: X, value: s3cret}}, headers: {Cookie: c, Accept: d}},
                       b: {auth: {basic: {username: u, password: '${env.P}'}}}}
profiles: {p: {targets.a.auth.api_key.value: s3cret, targets: {b: {auth: {bearer: {token: s3cret}}}}}}",
            0,
        )
        .root;
        let text = serde_json::to_string(&without_secrets(&document)).unwrap();
        assert!(!text.contains("s3cret") && !text.contains("\"c\""), "{text}");
        let written = parse(
            "targets: {a: {url: 'http://h/x?page=2&api_key=s3cret&sig=${env.S}&token=${env.T}', headers: {X-Hub-Signature: s3cret}}}
profiles: {p: {targets.a.headers.X-Session-Id: s3cret, targets.a.url: 'http://h?Access_Token=s3cret'}}
checks: [{audit: {search: 'http://h?page={page}&key=s3cret', headers: {Authorization: s3cret}}}]",
            0,
        )
        .root;
        let shown = serde_json::to_string(&without_secrets(&written)).unwrap();
        assert!(!shown.contains("s3cret"), "{shown}");
        for kept in ["page=2", "page={page}", "${env.S}", "${env.T}"] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
        assert!(text.contains("${env.P}") && text.contains("\"Accept\":\"d\""), "{text}");
    }
}
