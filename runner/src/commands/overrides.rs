//! The short flags of `throng run` as dotted paths into the scenario.

use shared::scenario::document::Node;
use shared::threshold::Threshold;

use super::Refusal;
use crate::cli::ScenarioFlags;
use crate::library::Found;
use crate::library::loading::{Additions, look_with};
use crate::supplies::records::Depth;

/// What the flags set, as paths and values.
///
/// # Errors
///
/// The scenario has several workloads or targets, so that a flag cannot know which it means.
pub(super) fn settings(document: &Node, flags: &ScenarioFlags) -> Result<Vec<(String, String)>, Refusal> {
    let mut set = Vec::new();
    let text = |value: &dyn std::fmt::Display| Some(value.to_string());
    for (flag, field, value) in [
        ("--duration", "load.duration", flags.duration.clone()),
        ("--rate", "load.rate", flags.rate.clone()),
        ("--users", users_field(document), flags.users.as_ref().and_then(|users| text(users))),
    ] {
        if let Some(value) = value {
            set.push((format!("workloads.{}.{field}", only(document, "workloads", flag, field)?), value));
        }
    }
    for (flag, field, value) in [
        ("--url", "url", flags.url.clone()),
        ("--batch-size", "batch.size", flags.batch_size.as_ref().and_then(|size| text(size))),
        ("--connections", "connections", flags.connections.as_ref().and_then(|count| text(count))),
    ] {
        if let Some(value) = value {
            set.push((format!("targets.{}.{field}", only(document, "targets", flag, field)?), value));
        }
    }
    if flags.insecure {
        let secure: Vec<_> = secure_targets(document, flags.url.as_deref()).collect();
        if secure.is_empty() {
            let message = "--insecure has nothing to change: no target is spoken to under TLS";
            return Err(Refusal::usage(message).with_hint("write https:// in the target's url"));
        }
        for (name, target) in secure {
            set.push((format!("targets.{name}.tls.insecure"), "true".to_owned()));
            // An authority has no say where every certificate is accepted.
            if target.get("tls").is_some_and(|tls| tls.get("authority").is_some()) {
                set.push((format!("targets.{name}.tls.authority"), "$unset".to_owned()));
            }
        }
    }
    Ok(set)
}

/// The targets that are spoken to under TLS, or may be: what the environment holds is not known here.
fn secure_targets<'a>(document: &'a Node, given: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a Node)> {
    let targets = document.get("targets").and_then(Node::as_map).unwrap_or_default();
    let secure = move |target: &Node| {
        let url = given.or_else(|| target.get("url").and_then(Node::as_str)).unwrap_or_default();
        ["https://", "wss://", "mqtts://", "${"].iter().any(|scheme| url.starts_with(scheme))
    };
    targets.iter().filter(move |entry| secure(&entry.node)).map(|entry| (entry.key.as_str(), &entry.node))
}

/// Adds thresholds to the scenario's checks.
///
/// # Errors
///
/// The scenario's checks cannot be written down again.
pub(super) fn add_thresholds(
    found: &Found,
    additions: &mut Additions,
    thresholds: &[Threshold],
) -> Result<(), Refusal> {
    if thresholds.is_empty() {
        return Ok(());
    }
    let looked_at = look_with(found, additions, Depth::Beginning);
    let checks = looked_at.document().get("checks").map(serde_json::to_value).transpose().map_err(Refusal::failed)?;
    let mut checks = match checks {
        Some(serde_json::Value::Array(checks)) => checks,
        Some(_) | None => Vec::new(),
    };
    checks.extend(thresholds.iter().map(|threshold| serde_json::json!({ "threshold": threshold.to_string() })));
    additions.set.push(("checks".to_owned(), serde_json::Value::Array(checks).to_string()));
    Ok(())
}

/// The users of a closed load are its load; those of an open one are the people that it draws from.
fn users_field(document: &Node) -> &'static str {
    let workloads = document.get("workloads").and_then(Node::as_map).unwrap_or_default();
    let closed = workloads.iter().any(|entry| entry.node.get("load").is_some_and(|load| load.get("users").is_some()));
    if closed { "load.users" } else { "population.count" }
}

/// The name of the only entry of a section.
fn only<'a>(document: &'a Node, section: &str, flag: &str, field: &str) -> Result<&'a str, Refusal> {
    let entries = document.get(section).and_then(Node::as_map).unwrap_or_default();
    match entries {
        [entry] => Ok(&entry.key),
        [] => Err(Refusal::usage(format!("{flag} has nothing to change: the scenario has no {section}"))),
        [first, ..] => {
            let names: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
            let message = format!("{flag} could mean any of the {section} {}", names.join(", "));
            Err(Refusal::usage(message).with_hint(format!("say which: --set {section}.{}.{field}=...", first.key)))
        }
    }
}
