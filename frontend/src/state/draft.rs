//! Edits that were not saved yet, as the browser keeps them: without any secret that was typed into the text.

use serde::Serialize;
use shared::order;
use shared::scenario::secret::{HIDDEN, without_secrets};
use shared::tree::read::{Readable, from_json};
use shared::tree::{Entry, Node, Value};

/// Unsaved edits of one scenario.
#[derive(Clone, Debug, Eq, PartialEq, Readable, Serialize)]
pub(crate) struct Draft {
    /// The text, secrets hidden.
    pub(crate) text: String,
    /// Revision of the stored text that it started from.
    pub(crate) revision: String,
}

impl Draft {
    /// The key under which the browser keeps the draft of a scenario.
    pub(crate) fn storage_key(name: &str) -> String {
        format!("throng.draft.{name}")
    }

    /// Reads what was kept.
    pub(crate) fn from_json(json: &str) -> Option<Self> {
        from_json(json).ok()
    }

    /// As it is kept.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Lines with these keys may hold a secret, as long as the text cannot be read and nothing better is known.
const SUSPECT_KEYS: [&str; 8] =
    ["value", "token", "password", "authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"];

/// A text whose literal secrets are replaced by `***`; references to the environment stay.
pub(crate) fn without_typed_secrets(text: &str) -> String {
    match shared::scenario::read_tree(text, "") {
        Ok(tree) => {
            let tree = long(tree);
            let mut spans = Vec::new();
            differences(&tree, &without_secrets(&tree), &mut spans);
            order::sort(&mut spans);
            let mut clean = text.to_owned();
            for (start, end) in spans.into_iter().rev() {
                if clean.is_char_boundary(start) && clean.is_char_boundary(end) && start <= end {
                    clean.replace_range(start..end, &format!("\"{HIDDEN}\""));
                }
            }
            clean
        }
        Err(_) => text.split_inclusive('\n').map(without_suspect_value).collect(),
    }
}

/// The tree with `target:` (the only one) written as one of `targets:`, which is where secrets are looked for.
fn long(mut tree: Node) -> Node {
    if let Value::Map(entries) = &mut tree.value
        && let Some(entry) = entries.iter_mut().find(|entry| entry.key == "target")
    {
        let only = Entry { key: "main".to_owned(), key_mark: entry.key_mark, node: entry.node.clone() };
        let targets = Node { value: Value::Map(vec![only]), mark: entry.node.mark };
        *entry = Entry { key: "targets".to_owned(), key_mark: entry.key_mark, node: targets };
    }
    tree
}

/// Bytes of the values that differ between two trees of the same shape.
fn differences(written: &Node, clean: &Node, spans: &mut Vec<(usize, usize)>) {
    match (&written.value, &clean.value) {
        (Value::Map(written), Value::Map(clean)) => {
            for (written, clean) in written.iter().zip(clean) {
                differences(&written.node, &clean.node, spans);
            }
        }
        (Value::List(written), Value::List(clean)) => {
            for (written, clean) in written.iter().zip(clean) {
                differences(written, clean, spans);
            }
        }
        (one, other) if one != other => spans.push((written.mark.start as usize, written.mark.end as usize)),
        _ => {}
    }
}

fn without_suspect_value(line: &str) -> String {
    let lower = line.to_ascii_lowercase();
    let is_suspect =
        SUSPECT_KEYS.iter().any(|key| lower.contains(&format!("{key}:")) || lower.contains(&format!("{key}\":")));
    match line.rfind(':') {
        Some(colon) if is_suspect && !line.contains("${env.") => {
            let end = if line.ends_with('\n') { "\n" } else { "" };
            format!("{} {HIDDEN}{end}", &line[..=colon])
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_key_never_enters_a_draft() {
        for text in [
            "targets:\n  api:\n    auth: {api_key: {value: proj_0123456789_secret}} # mine\n",
            "targets: {api: {auth: {basic: {username: me, password: 'secret'}}}}\n",
            "targets:\n  api:\n    headers:\n      Authorization: Bearer secret\n",
            "target:\n  auth: {bearer: {token: secret}}\n",
            "profiles: {peak: {targets.api.auth.api_key.value: secret}}\n",
            "targets:\n  api:\n    auth: {api_key: {value: secret\n",
            "targets:\n  api: [\n    token: secret\n",
        ] {
            let clean = without_typed_secrets(text);
            assert!(!clean.contains("secret"), "{clean}");
        }
    }

    #[test]
    fn everything_else_stays_byte_for_byte() {
        for text in [
            "extends: commerce-events # base\nprofile: quick_test\n",
            "targets: {api: {auth: {api_key: {value: \"${env.API_KEY}\"}}}}\nevents: {a: {body: {value: 5, token: x}}}\n",
            "extends: [\n",
            "é: ü\n",
        ] {
            assert_eq!(without_typed_secrets(text), text);
        }
        let text = "targets:\n  api:\n    auth: {api_key: {value: proj_secret}} # mine\n";
        let clean = "targets:\n  api:\n    auth: {api_key: {value: \"***\"}} # mine\n";
        assert_eq!(without_typed_secrets(text), clean);
    }

    #[test]
    fn a_draft_survives_storage() {
        let draft = Draft { text: "a: 1\n".to_owned(), revision: "r1".to_owned() };
        assert_eq!(Draft::from_json(&draft.to_json()), Some(draft));
        assert_eq!(Draft::from_json("nonsense"), None);
    }
}
