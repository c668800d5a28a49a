//! Events: one record each, as a template.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::tree::read::Readable;

use crate::scenario::model::target::Method;
use crate::tree::Node;

/// One record, and its template.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Event {
    /// Event whose fields come first; this one's win, `let` and `body` are merged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// What it is, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Topic that it belongs to (`event.topic`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Name on the wire (`event.name`); its key when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Template of its id (`event.id`); one that can be decoded back to where it came from when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Node>,
    /// Named draws, in order; each may use those before it.
    #[serde(rename = "let")]
    pub bind: IndexMap<String, Node>,
    /// Template of what is sent (`event.body`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Node>,
    /// Expression that must hold for it to happen (`len(cart) > 0`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<Node>,
    /// Event to emit first when `require` does not hold and the behavior says `unmet: prerequisite`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prerequisite: Option<String>,
    /// What it changes in its user's state, beside what its bases change; in this order: remove, push, set, clear.
    pub effect: Effect,
    /// What its request has of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<EventSend>,
}

/// What an event changes in its user's state.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Effect {
    /// Removes an item from a list: list to the item (a name bound by `$item`).
    pub remove: IndexMap<String, Node>,
    /// Appends an item to a list.
    pub push: IndexMap<String, Node>,
    /// Sets a value.
    pub set: IndexMap<String, Node>,
    /// Empties lists.
    pub clear: Vec<String>,
}

impl Effect {
    /// Adds what another one changes, which wins where both change the same.
    pub(crate) fn add(&mut self, other: &Self) {
        let maps = [(&mut self.remove, &other.remove), (&mut self.push, &other.push), (&mut self.set, &other.set)];
        for (mine, theirs) in maps {
            mine.extend(theirs.iter().map(|(name, node)| (name.clone(), node.clone())));
        }
        self.clear.extend(other.clear.iter().filter(|name| !self.clear.contains(name)).cloned().collect::<Vec<_>>());
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.push.is_empty() && self.set.is_empty() && self.clear.is_empty()
    }
}

/// What the request of an event has of its own; the rest is the target's.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventSend {
    /// Another method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Another path below the target's url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Another MQTT topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
}
