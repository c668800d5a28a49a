//! Faults: trouble made on purpose, decided by event.

use schemars::JsonSchema;
use serde::Serialize;

use crate::tree::read::Readable;

use crate::tree::Node;
use crate::units::Nanos;

/// Trouble made on purpose. `p` is the probability per event; spans and counts may be draws.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Sends later.
    Delay {
        /// Probability.
        p: f64,
        /// By how long.
        by: Node,
    },
    /// Sends the same bytes again.
    Duplicate {
        /// Probability.
        p: f64,
        /// How many copies more; 1 when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<Node>,
        /// Time between copies; none when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gap: Option<Node>,
    },
    /// Does not send.
    Drop {
        /// Probability.
        p: f64,
    },
    /// Sends another schema.
    Drift {
        /// Probability, once the rollout is over if there is one.
        p: f64,
        /// What may change; one is drawn for each event, a rollout makes all of them.
        mutations: Vec<Mutation>,
        /// Grows from nothing to `p` over a time, as real changes are rolled out: slowly at first, slowly at the end,
        /// and whoever has changed (user, session, life) stays changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rollout: Option<Rollout>,
    },
    /// Changes bytes.
    Corrupt {
        /// Probability.
        p: f64,
        /// How many bytes; 1 when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bytes: Option<Node>,
    },
    /// Tells of something that happened a while ago: sent on time, but with an event time that lies back.
    Late {
        /// Probability.
        p: f64,
        /// By how long.
        by: Node,
    },
    /// Sends after later events.
    Reorder {
        /// Probability.
        p: f64,
        /// By how long.
        window: Node,
    },
    /// Closes the connection instead of sending; it is opened again when it is needed.
    DropConnection {
        /// Probability.
        p: f64,
    },
    /// Sends slowly.
    SlowSend {
        /// Probability.
        p: f64,
        /// How many bytes a second.
        bytes_per_second: u64,
    },
    /// Sends only the beginning.
    Truncate {
        /// Probability.
        p: f64,
        /// Share that is sent, 0 to 1; half when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep: Option<Node>,
    },
    /// Sends with credentials that are not valid any more.
    AuthExpire {
        /// Probability.
        p: f64,
    },
}

/// A change of schema.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mutation {
    /// A field more.
    AddField {
        /// Where, dotted.
        path: String,
        /// Its value.
        value: Node,
    },
    /// A field less.
    RemoveField {
        /// Which, dotted.
        path: String,
    },
    /// A field of another type.
    ChangeType {
        /// Which, dotted.
        path: String,
        /// Its new type.
        to: FieldType,
    },
    /// A field by another name.
    RenameField {
        /// Which, dotted.
        path: String,
        /// Its new name.
        to: String,
    },
}

/// A type of JSON value.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Text.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// `null`
    Null,
    /// A list with the value.
    List,
}

/// When a change of schema is rolled out.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rollout {
    /// When it begins, since the start.
    pub from: Nanos,
    /// How long it takes.
    pub over: Nanos,
}
