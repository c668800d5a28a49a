//! Faults as a run counts them: a closed list of kinds, sets of them, and how many there were.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tree::read::Readable;

/// A kind of trouble made on purpose.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Sent later than it was due.
    Delay,
    /// Sent again; counted in copies.
    Duplicate,
    /// Not sent.
    Drop,
    /// Sent with another schema.
    Drift,
    /// Sent with other bytes.
    Corrupt,
    /// Only its beginning sent.
    Truncate,
    /// Sent after later events.
    Reorder,
    /// Sent with an event time that lies back.
    Late,
    /// Sent slowly.
    SlowSend,
    /// Not sent: its connection was closed instead.
    DropConnection,
    /// Sent with credentials that are not valid any more.
    AuthExpire,
}

impl FaultKind {
    /// Every kind, in the order in which results list them.
    pub const ALL: [Self; 11] = [
        Self::Delay,
        Self::Duplicate,
        Self::Drop,
        Self::Drift,
        Self::Corrupt,
        Self::Truncate,
        Self::Reorder,
        Self::Late,
        Self::SlowSend,
        Self::DropConnection,
        Self::AuthExpire,
    ];

    /// Its name in a scenario and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delay => "delay",
            Self::Duplicate => "duplicate",
            Self::Drop => "drop",
            Self::Drift => "drift",
            Self::Corrupt => "corrupt",
            Self::Truncate => "truncate",
            Self::Reorder => "reorder",
            Self::Late => "late",
            Self::SlowSend => "slow_send",
            Self::DropConnection => "drop_connection",
            Self::AuthExpire => "auth_expire",
        }
    }

    /// What became of the events, in words for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Delay => "delayed",
            Self::Duplicate => "sent again (copies)",
            Self::Drop => "withheld",
            Self::Drift => "schema changed",
            Self::Corrupt => "corrupted",
            Self::Truncate => "truncated",
            Self::Reorder => "overtaken",
            Self::Late => "dated back",
            Self::SlowSend => "sent slowly",
            Self::DropConnection => "withheld, connection closed",
            Self::AuthExpire => "sent with expired credentials",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FaultSet(u16);

impl FaultSet {
    /// Adds a kind.
    pub fn insert(&mut self, kind: FaultKind) {
        self.0 |= kind.bit();
    }

    /// Whether it holds a kind.
    pub fn contains(self, kind: FaultKind) -> bool {
        self.0 & kind.bit() != 0
    }

    /// Whether it holds none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its kinds.
    pub fn kinds(self) -> impl Iterator<Item = FaultKind> {
        FaultKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

/// How often a kind of fault was decided, and how often it came to pass.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRow {
    /// The kind.
    pub kind: FaultKind,
    /// Decided for an event that was due; for `duplicate` the copies.
    pub planned: u64,
    /// Came to pass: fewer where a run ended first, a field was not there to be changed, or nobody overtook.
    pub applied: u64,
}

/// Counts by kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FaultCounts([u64; FaultKind::ALL.len()]);

impl FaultCounts {
    /// Counts a kind.
    pub fn add(&mut self, kind: FaultKind, count: u64) {
        self.0[kind as usize] += count;
    }

    /// Adds other counts.
    pub fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(own, more)| *own += more);
    }

    /// The count of a kind.
    pub fn of(&self, kind: FaultKind) -> u64 {
        self.0[kind as usize]
    }

    /// Whether all are zero.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Rows of the kinds that were decided or came to pass.
pub fn rows(planned: &FaultCounts, applied: &FaultCounts) -> Vec<FaultRow> {
    let row = |kind| FaultRow { kind, planned: planned.of(kind), applied: applied.of(kind) };
    FaultKind::ALL.into_iter().map(row).filter(|row| row.planned + row.applied > 0).collect()
}
