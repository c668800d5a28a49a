//! What happened on connections that carry many messages at once, beside the messages themselves.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tree::read::Readable;

/// Names of error messages that are told apart; beyond, they are counted together.
const MOST_NAMES: usize = 32;
/// Longest name of an error message.
const LONGEST_NAME: usize = 40;
/// What is not told apart.
const OTHER: &str = "(other)";

/// Counts of a run's streams.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct StreamCounts {
    /// Messages that targets sent.
    pub received: u64,
    /// Of these, answers to a message of ours.
    pub matched: u64,
    /// Of these, heartbeats and greetings: no answer was looked for in them.
    pub ignored: u64,
    /// Acknowledgements of messages of ours, favourable or not.
    pub acknowledged: u64,
    /// Of what was received, messages of ours that came back on a topic that is listened to.
    pub delivered: u64,
    /// Messages of ours that did not come back while they were waited for.
    pub undelivered: u64,
    /// Pings of targets, answered.
    pub pings: u64,
    /// Handshakes that a target refused, by status or reason.
    pub refused: BTreeMap<u16, u64>,
    /// Connections that broke without a word.
    pub broken: u64,
    /// Connections that a target closed, by close code or reason.
    pub closes: BTreeMap<u16, u64>,
    /// Error messages of targets, by the name that they give.
    pub errors: BTreeMap<String, u64>,
}

/// The name of a close code, as RFC 6455 and its registry name those of WebSocket, and MQTT 5 its reasons; empty for
/// one that applications give a meaning of their own.
pub fn close_name(code: u16) -> &'static str {
    match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "data not accepted",
        1005 => "no code given",
        1006 => "connection lost",
        1007 => "data not consistent",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "extension missing",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS handshake failed",
        3000 => "unauthorized",
        3003 => "forbidden",
        3008 => "timeout",
        0 => "normal disconnection",
        4 => "disconnect with will message",
        128 => "unspecified error",
        129 => "malformed packet",
        130 => "protocol error",
        131 => "implementation specific error",
        135 => "not authorized",
        137 => "server busy",
        139 => "server shutting down",
        141 => "keep alive timeout",
        142 => "session taken over",
        143 => "topic filter invalid",
        144 => "topic name invalid",
        147 => "receive maximum exceeded",
        149 => "packet too large",
        150 => "message rate too high",
        151 => "quota exceeded",
        152 => "administrative action",
        153 => "payload format invalid",
        154 => "retain not supported",
        155 => "QoS not supported",
        156 => "use another server",
        157 => "server moved",
        159 => "connection rate exceeded",
        _ => "",
    }
}

impl StreamCounts {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.matched += other.matched;
        self.ignored += other.ignored;
        self.acknowledged += other.acknowledged;
        self.delivered += other.delivered;
        self.undelivered += other.undelivered;
        self.pings += other.pings;
        self.broken += other.broken;
        for (status, count) in &other.refused {
            *self.refused.entry(*status).or_default() += count;
        }
        for (code, count) in &other.closes {
            *self.closes.entry(*code).or_default() += count;
        }
        for (name, count) in &other.errors {
            self.error_named(name, *count);
        }
    }

    /// Counts error messages of a name. What does not look like a name, and what would be one too many, is counted
    /// together: a target must not be able to fill our memory.
    pub fn error_named(&mut self, name: &str, count: u64) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let known = self.errors.contains_key(name);
        let fits = !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(plain);
        let name = if known || (fits && self.errors.len() < MOST_NAMES) { name } else { OTHER };
        *self.errors.entry(name.to_owned()).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_errors_stay_few_and_short_and_no_error_is_lost() {
        let mut counts = StreamCounts::default();
        for number in 0..1_000 {
            counts.error_named(&format!("E{number}"), 1);
        }
        counts.error_named("a sentence\nof many words", 2);
        counts.error_named(&"x".repeat(50), 3);
        assert_eq!(counts.errors.len(), MOST_NAMES + 1);
        assert_eq!(counts.errors.values().sum::<u64>(), 1_005);
        let mut sum = StreamCounts::default();
        sum.add(&counts);
        sum.add(&counts);
        assert_eq!(sum.errors["E7"], 2);
        assert_eq!(sum.errors.values().sum::<u64>(), 2_010);
    }
}
