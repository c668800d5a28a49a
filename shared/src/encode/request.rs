//! The fixed parts of a target's requests.

use crate::encode::pointer::Pointer;
use crate::problem::Problem;
use crate::scenario::model::target::{Batch, Method, Send, Target};
use crate::tree::{Node, Value};
use crate::units::Nanos;

/// What a target's requests look like, but for the events in them. Paths lie below the target's url.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestTemplate {
    /// Method of a request.
    pub method: Method,
    /// Path of a request with one event.
    pub path: String,
    /// The `Content-Type`.
    pub content_type: String,
    /// Headers without secrets, in order; a value that refers to the environment (`${env.NAME}`) is not among them.
    pub headers: Vec<(String, String)>,
    /// What stands around one event.
    pub single: Framing,
    /// How several events travel in one request; none: each alone.
    pub batch: Option<BatchPlan>,
}

/// What stands before and after the events of a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Framing {
    /// Before the first event.
    pub prefix: Vec<u8>,
    /// Between two events.
    pub separator: Vec<u8>,
    /// After the last event.
    pub suffix: Vec<u8>,
}

/// How several events travel in one request.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchPlan {
    /// Most events in one request.
    pub max_events: u32,
    /// Longest wait for a batch to fill.
    pub linger: Nanos,
    /// Path of a request with a batch.
    pub path: String,
    /// What stands around and between the events.
    pub framing: Framing,
    /// Where an answer counts accepted events.
    pub ok_count: Option<Pointer>,
    /// Where an answer counts refused events.
    pub failed_count: Option<Pointer>,
    /// Where an answer lists what became of each event, and the field of an item that says whether it was accepted.
    pub results: Option<(Pointer, String)>,
}

impl RequestTemplate {
    /// The request template of a target; problems go to `problems` under `path`, the target's place in the document.
    pub fn compile(target: &Target, path: &str, problems: &mut Vec<Problem>) -> Self {
        let Send { method, path: below, content_type } = &target.send;
        let single_path = below.clone().unwrap_or_else(|| "/".to_owned());
        let batch = target.batch.as_ref().filter(|batch| batch.size > 1);
        Self {
            method: method.unwrap_or_default(),
            content_type: content_type.clone().unwrap_or_else(|| "application/json".to_owned()),
            headers: target
                .headers
                .iter()
                .filter(|(_, value)| !value.contains("${"))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            single: Framing::default(),
            batch: batch.map(|batch| BatchPlan::compile(batch, &single_path, &format!("{path}.batch"), problems)),
            path: single_path,
        }
    }

    /// The same template with another method or path, as an event may ask for. Such requests carry one event each.
    #[must_use]
    pub fn with(&self, method: Option<Method>, path: Option<&str>) -> Self {
        let mut template = self.clone();
        template.method = method.unwrap_or(self.method);
        if let Some(path) = path {
            path.clone_into(&mut template.path);
        }
        template.batch = None;
        template
    }
}

impl BatchPlan {
    fn compile(batch: &Batch, single_path: &str, path: &str, problems: &mut Vec<Problem>) -> Self {
        let framing = match &batch.wrap {
            None => Framing { prefix: b"[".to_vec(), separator: b",".to_vec(), suffix: b"]".to_vec() },
            Some(wrap) => framing(wrap, &format!("{path}.wrap"), problems),
        };
        let mut pointer = |text: &Option<String>, name: &str| {
            let text = text.as_deref()?;
            match text.parse() {
                Ok(pointer) => Some(pointer),
                Err(message) => {
                    problems.push(
                        Problem::error(format!("{path}.{name}"), message).with_hint("write a path like $.successful"),
                    );
                    None
                }
            }
        };
        Self {
            max_events: batch.size,
            linger: batch.linger,
            path: batch.path.clone().unwrap_or_else(|| single_path.to_owned()),
            framing,
            ok_count: pointer(&batch.ok_count, "ok_count"),
            failed_count: pointer(&batch.failed_count, "failed_count"),
            results: batch
                .results
                .as_ref()
                .and_then(|results| Some((pointer(&Some(results.path.clone()), "results.path")?, results.ok.clone()))),
        }
    }
}

/// The place of the events in a wrapper.
const PLACE: &str = "${batch}";

/// Cuts a wrapper at `${batch}`.
fn framing(wrap: &Node, path: &str, problems: &mut Vec<Problem>) -> Framing {
    let mut halves = vec![Vec::new()];
    write(wrap, &mut halves);
    if halves.len() == 2
        && let (Some(suffix), Some(prefix)) = (halves.pop(), halves.pop())
    {
        let prefix = [prefix.as_slice(), b"["].concat();
        let suffix = [b"]", suffix.as_slice()].concat();
        return Framing { prefix, separator: b",".to_vec(), suffix };
    }
    let message = format!("the wrapper must hold {PLACE} exactly once");
    problems.push(Problem::error(path, message).with_hint("write wrap: {events: \"${batch}\"}").with_place(
        None,
        wrap.mark.line,
        wrap.mark.column,
    ));
    Framing::default()
}

/// Writes a node as JSON, beginning a new half at `${batch}`.
fn write(node: &Node, halves: &mut Vec<Vec<u8>>) {
    fn half(halves: &mut Vec<Vec<u8>>) -> &mut Vec<u8> {
        if halves.is_empty() {
            halves.push(Vec::new());
        }
        let last = halves.len() - 1;
        &mut halves[last]
    }
    match &node.value {
        Value::String(text) if text == PLACE => halves.push(Vec::new()),
        Value::List(items) => {
            half(halves).push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    half(halves).push(b',');
                }
                write(item, halves);
            }
            half(halves).push(b']');
        }
        Value::Map(entries) => {
            half(halves).push(b'{');
            for (index, entry) in entries.iter().enumerate() {
                if index > 0 {
                    half(halves).push(b',');
                }
                json(&entry.key, half(halves));
                half(halves).push(b':');
                write(&entry.node, halves);
            }
            half(halves).push(b'}');
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => json(node, half(halves)),
    }
}

fn json(value: impl serde::Serialize, out: &mut Vec<u8>) {
    // Scalars always can be written.
    if let Ok(text) = serde_json::to_vec(&value) {
        out.extend_from_slice(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Entry;

    fn map(key: &str, node: Node) -> Node {
        Value::Map(vec![Entry { key: key.to_owned(), key_mark: Default::default(), node }]).into()
    }

    fn text(text: &str) -> Node {
        Value::String(text.to_owned()).into()
    }

    #[test]
    fn a_wrapper_is_cut_where_the_batch_goes() {
        let mut problems = Vec::new();
        let wrap = map("events", text("${batch}"));
        let framing = super::framing(&wrap, "targets.api.batch.wrap", &mut problems);
        assert_eq!(framing.prefix, b"{\"events\":[");
        assert_eq!(framing.suffix, b"]}");
        assert!(problems.is_empty());
        for wrong in [map("events", text("none")), Value::List(vec![text("${batch}"), text("${batch}")]).into()] {
            let mut problems = Vec::new();
            super::framing(&wrong, "wrap", &mut problems);
            assert_eq!(problems.len(), 1, "{wrong:?}");
        }
    }

    #[test]
    fn a_target_with_a_batch_of_one_sends_each_alone() {
        let batch = Batch { size: 1, ..Batch::default() };
        let target = Target { batch: Some(batch), ..Target::default() };
        assert_eq!(RequestTemplate::compile(&target, "targets.api", &mut Vec::new()).batch, None);
    }
}
