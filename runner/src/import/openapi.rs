//! OpenAPI documents: each operation with a JSON body becomes an event, from its example or its schema.

use shared::tree::{Node, Value};

use super::Notes;
use super::request::{Pace, Request, scenario as of_requests, template};
use super::schema::{self, References};

/// Methods of a path item.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// The scenario of an API's description.
///
/// # Errors
///
/// It has no paths, or no operation that can be carried over.
pub(super) fn scenario(root: &Node, notes: &mut Notes) -> Result<Node, String> {
    let references = References::new(root);
    let base = base_address(root, notes);
    let paths = root.get("paths").and_then(Node::as_map).ok_or("it has no paths")?;
    let mut requests = Vec::new();
    for path in paths {
        for method in METHODS {
            let Some(operation) = path.node.get(method) else { continue };
            let place = format!("{} {}", method.to_uppercase(), path.key);
            let body = body(operation, &references, &place, notes);
            if body.is_none() && matches!(method, "post" | "put" | "patch") {
                notes.add(&place, "it has no JSON body; an empty map is sent");
            }
            if matches!(method, "head" | "options") {
                notes.add(&place, "the method cannot be sent; left out");
                continue;
            }
            let url = format!("{base}{}", filled(&path.key, &path.node, operation, &references, &place, notes));
            let (headers, key_header) = security(root, operation, &references, &place, notes);
            requests.push(Request {
                place,
                method: method.to_uppercase(),
                url,
                headers,
                key_header,
                template: body,
                ..Request::default()
            });
        }
    }
    notes.add("", "an OpenAPI document says nothing about load: 10 requests a second for a minute is a guess");
    let title = root.get("info").and_then(|info| info.get("title")).and_then(Node::as_str).unwrap_or("imported api");
    of_requests(title, requests, Pace { per_second: 10.0, seconds: 60.0 }, notes)
}

/// Address of the first server, its variables filled in; `http://localhost:8080` when there is none.
fn base_address(root: &Node, notes: &mut Notes) -> String {
    let servers = root.get("servers").and_then(Node::as_list).unwrap_or_default();
    if servers.len() > 1 {
        notes.add("servers", "only the first is used");
    }
    let mut address = match servers.first().and_then(|server| server.get("url")).and_then(Node::as_str) {
        Some(url) => url.to_owned(),
        None => match root.get("host").and_then(Node::as_str) {
            // Version 2 has host, base path and schemes apart.
            Some(host) => {
                let scheme = root.get("schemes").and_then(Node::as_list).and_then(|list| list.first()?.as_str());
                let below = root.get("basePath").and_then(Node::as_str).unwrap_or_default();
                format!("{}://{host}{}", scheme.unwrap_or("http"), below.trim_end_matches('/'))
            }
            None => String::new(),
        },
    };
    let variables = servers.first().and_then(|server| server.get("variables")).and_then(Node::as_map);
    for variable in variables.unwrap_or_default() {
        if let Some(value) = variable.node.get("default").and_then(Node::as_str) {
            address = address.replace(&format!("{{{}}}", variable.key), value);
        }
    }
    if !address.contains("://") {
        notes.add("servers", "no server has a whole address; http://localhost:8080 stands in");
        address = format!("http://localhost:8080{address}");
    }
    address.trim_end_matches('/').to_owned()
}

/// A path with an example in the place of each parameter.
fn filled(
    path: &str,
    item: &Node,
    operation: &Node,
    references: &References<'_>,
    place: &str,
    notes: &mut Notes,
) -> String {
    let lists = [operation.get("parameters"), item.get("parameters")];
    let parameters: Vec<&Node> =
        lists.into_iter().flatten().filter_map(Node::as_list).flatten().map(|node| references.resolve(node)).collect();
    let text_of = |name: &str, kind: &str| {
        let parameter = parameters.iter().find(|parameter| {
            parameter.get("name").and_then(Node::as_str) == Some(name)
                && parameter.get("in").and_then(Node::as_str) == Some(kind)
        })?;
        let example = parameter.get("example").or_else(|| parameter.get("schema")?.get("example"));
        let first = parameter.get("schema").and_then(|schema| schema.get("enum")?.as_list()?.first());
        match &example.or(first)?.value {
            Value::String(text) => Some(text.clone()),
            Value::Int(number) => Some(number.to_string()),
            Value::Float(_) | Value::Bool(_) | Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    };
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        match text_of(name, "path") {
            Some(text) => out.push_str(&encoded(&text)),
            None => {
                notes.add(place, format!("the parameter {name} has no example; 1 stands in"));
                out.push('1');
            }
        }
        rest = after;
    }
    out.push_str(rest);
    let mut join = '?';
    for parameter in &parameters {
        let is_query = parameter.get("in").and_then(Node::as_str) == Some("query");
        let required = parameter.get("required").is_some_and(|node| node.value == Value::Bool(true));
        let Some(name) = parameter.get("name").and_then(Node::as_str).filter(|_| is_query && required) else {
            continue;
        };
        match text_of(name, "query") {
            Some(text) => {
                out.push_str(&format!("{join}{}={}", encoded(name), encoded(&text)));
                join = '&';
            }
            None => notes.add(place, format!("the query parameter {name} is required and has no example; left out")),
        }
    }
    out
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The template of an operation's JSON body: its example, else what its schema allows.
fn body(operation: &Node, references: &References<'_>, place: &str, notes: &mut Notes) -> Option<Node> {
    let media = match operation.get("requestBody").map(|body| references.resolve(body)) {
        Some(body) => {
            let content = body.get("content")?.as_map()?;
            &content.iter().find(|entry| entry.key.contains("json"))?.node
        }
        // Version 2 keeps the body among the parameters.
        None => {
            let parameters = operation.get("parameters")?.as_list()?;
            parameters
                .iter()
                .map(|node| references.resolve(node))
                .find(|node| node.get("in").and_then(Node::as_str) == Some("body"))?
        }
    };
    let named =
        media.get("examples").and_then(|examples| references.resolve(&examples.as_map()?.first()?.node).get("value"));
    let schema = media.get("schema").map(|schema| references.resolve(schema));
    let example = media.get("example").or(named).or_else(|| schema?.get("example"));
    match example {
        Some(example) => Some(template(example, place, notes)),
        None => Some(schema::template(schema?, references, place, notes)),
    }
}

/// The headers that an operation's security asks for, as secrets to be filled in.
fn security(
    root: &Node,
    operation: &Node,
    references: &References<'_>,
    place: &str,
    notes: &mut Notes,
) -> (Vec<(String, String)>, Option<String>) {
    let wanted = operation.get("security").or_else(|| root.get("security")).and_then(Node::as_list);
    let Some(first) = wanted.and_then(|list| list.first()).and_then(Node::as_map).and_then(|map| map.first()) else {
        return (Vec::new(), None);
    };
    let schemes = root
        .get("components")
        .and_then(|components| components.get("securitySchemes"))
        .or_else(|| root.get("securityDefinitions"));
    let Some(scheme) = schemes.and_then(|schemes| schemes.get(&first.key)).map(|node| references.resolve(node)) else {
        return (Vec::new(), None);
    };
    let text = |name: &str| scheme.get(name).and_then(Node::as_str).unwrap_or_default();
    match (text("type"), text("in"), text("scheme")) {
        ("apiKey", "header", _) => (Vec::new(), Some(text("name").to_owned())),
        ("http", _, "bearer") | ("oauth2" | "openIdConnect", _, _) => {
            (vec![("Authorization".to_owned(), "Bearer token".to_owned())], None)
        }
        (kind, _, _) => {
            notes.add(place, format!("its security `{}` ({kind}) has no counterpart; left out", first.key));
            (Vec::new(), None)
        }
    }
}
