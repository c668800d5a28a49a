//! What `$payload` stands for: templates that ship inside, written in YAML like everything else.

use crate::scenario::parse::parse;
use crate::tree::nearest;
use crate::tree::{Entry, Node, Value};

const TEXT: &str = include_str!("../../scenarios/payloads.yaml");
/// The form that is meant where none is named.
const USUAL_FORM: &str = "websocket";
const USAGE: &str = "write {$payload: metrics} or {$payload: {kind: metrics, form: graphql}}";

/// The template that `{$payload: KIND}` or `{$payload: {kind: KIND, form: FORM}}` stands for; `node` is what stands
/// behind `$payload`.
///
/// # Errors
///
/// Says what is wrong, and what to do about it.
pub(crate) fn template(node: &Node) -> Result<Node, (String, String)> {
    let usage = |message: String| (message, USAGE.to_owned());
    let (kind, form) = match &node.value {
        Value::String(kind) => (kind.as_str(), USUAL_FORM),
        Value::Map(entries) => {
            if let Some(other) = entries.iter().find(|entry| !["kind", "form"].contains(&entry.key.as_str())) {
                return Err(usage(format!("`$payload` knows no `{}`", other.key)));
            }
            let text = |key: &str| node.get(key).map(|value| value.as_str().unwrap_or_default());
            (text("kind").unwrap_or_default(), text("form").unwrap_or(USUAL_FORM))
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) => {
            return Err(usage(format!("`$payload` takes a kind, not {}", node.kind())));
        }
    };
    let forms = parse(TEXT, 0).root;
    let Some(kinds) = forms.get(form) else { return Err(unknown("form", form, &forms)) };
    match kinds.get(kind) {
        Some(found) => Ok(placed(found, node)),
        None => Err(unknown("kind", kind, kinds)),
    }
}

fn unknown(what: &str, name: &str, known: &Node) -> (String, String) {
    let names = known.as_map().unwrap_or_default().iter().map(|entry| entry.key.as_str());
    let hint = nearest::hint(name, names).unwrap_or_else(|| USAGE.to_owned());
    (format!("there is no {what} of payload `{name}`"), hint)
}

/// The same, as if it stood where another node stands.
fn placed(node: &Node, at: &Node) -> Node {
    let value = match &node.value {
        Value::List(items) => Value::List(items.iter().map(|item| placed(item, at)).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| Entry { key: entry.key.clone(), key_mark: at.mark, node: placed(&entry.node, at) })
                .collect(),
        ),
        other => other.clone(),
    };
    Node { value, mark: at.mark }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Node, (String, String)> {
        template(&parse(text, 0).root)
    }

    #[test]
    fn both_forms_have_the_same_kinds() {
        let forms = parse(TEXT, 0).root;
        let names = |form: &str| -> Vec<String> {
            forms.get(form).and_then(Node::as_map).unwrap().iter().map(|entry| entry.key.clone()).collect()
        };
        let kinds = ["voice_data", "behavioral_data", "session_data", "metrics", "heartbeat", "custom"];
        assert_eq!(names("websocket"), kinds);
        assert_eq!(names("graphql"), kinds);
    }

    #[test]
    fn a_payload_is_found_by_kind_and_form_and_what_is_not_is_told() {
        assert!(of("voice_data").unwrap().get("quality_score").is_some());
        assert!(of("{kind: voice_data, form: graphql}").unwrap().get("qualityScore").is_some());
        let (message, hint) = of("metric").unwrap_err();
        assert_eq!(
            (message.as_str(), hint.as_str()),
            ("there is no kind of payload `metric`", "did you mean `metrics`?")
        );
        assert_eq!(of("{kind: metrics, form: mqtt}").unwrap_err().0, "there is no form of payload `mqtt`");
        assert_eq!(of("{knid: metrics}").unwrap_err().0, "`$payload` knows no `knid`");
        assert_eq!(of("[metrics]").unwrap_err().0, "`$payload` takes a kind, not a list");
    }
}
