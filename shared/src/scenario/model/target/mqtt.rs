//! What only an MQTT broker has, and the names of its reasons.

use schemars::JsonSchema;
use serde::Serialize;

use crate::tree::read::Readable;

use crate::units::Nanos;

/// What only an MQTT broker has. Each connection is a client.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mqtt {
    /// Topic that events are published to, a template: `devices/${user.id}/events`; an event's own topic when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Quality of service: 0, 1 or 2.
    pub qos: u8,
    /// Whether the broker keeps the last message of a topic.
    pub retain: bool,
    /// Whether a connection forgets what came before it; true when left out. Otherwise the broker keeps the session of a
    /// client, and what was under way when its connection broke goes on with the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean: Option<bool>,
    /// How long the broker keeps a session without a connection (version 5, `clean: false`); 1h when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_expiry: Option<Nanos>,
    /// Longest silence; 60 s when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<Nanos>,
    /// Version of the protocol; 3.1.1 when left out.
    pub version: MqttVersion,
    /// What each client is called, a template: `${index}` is the connection's number from 1. A name that no other run has
    /// when left out; without a clean session one that stays the same for the same seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Topics that each client listens to, templates that know `${index}` and `${client.id}`.
    pub subscribe: Vec<String>,
    /// Field that a message on these topics repeats of an event: so the delay from end to end is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlate: Option<String>,
    /// Most messages on one connection without an acknowledgement; 256 when left out, fewer where the broker allows
    /// fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// What the broker says when a connection is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub will: Option<Will>,
}

/// A version of MQTT.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
pub enum MqttVersion {
    /// Version 3.1.1.
    #[default]
    #[serde(rename = "3.1.1", alias = "4")]
    V3,
    /// Version 5.
    #[serde(rename = "5", alias = "5.0")]
    V5,
}

/// What a broker says when a connection is lost.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Will {
    /// Topic, a template that knows `${index}` and `${client.id}`.
    pub topic: String,
    /// Message, such a template, too.
    pub payload: String,
    /// Quality of service: 0, 1 or 2.
    pub qos: u8,
    /// Whether the broker keeps it.
    pub retain: bool,
}

/// Reasons by which a broker refuses (version 5), and what refuses a connection in version 3.1.1, by name.
const REASONS: &[(u8, &str)] = &[
    (0x01, "UNACCEPTABLE_PROTOCOL_VERSION"),
    (0x02, "IDENTIFIER_REJECTED"),
    (0x03, "SERVER_UNAVAILABLE"),
    (0x04, "BAD_USER_NAME_OR_PASSWORD"),
    (0x05, "NOT_AUTHORIZED"),
    (0x10, "NO_MATCHING_SUBSCRIBERS"),
    (0x11, "NO_SUBSCRIPTION_EXISTED"),
    (0x80, "UNSPECIFIED_ERROR"),
    (0x81, "MALFORMED_PACKET"),
    (0x82, "PROTOCOL_ERROR"),
    (0x83, "IMPLEMENTATION_SPECIFIC_ERROR"),
    (0x84, "UNSUPPORTED_PROTOCOL_VERSION"),
    (0x85, "CLIENT_IDENTIFIER_NOT_VALID"),
    (0x86, "BAD_USER_NAME_OR_PASSWORD"),
    (0x87, "NOT_AUTHORIZED"),
    (0x88, "SERVER_UNAVAILABLE"),
    (0x89, "SERVER_BUSY"),
    (0x8a, "BANNED"),
    (0x8b, "SERVER_SHUTTING_DOWN"),
    (0x8c, "BAD_AUTHENTICATION_METHOD"),
    (0x8d, "KEEP_ALIVE_TIMEOUT"),
    (0x8e, "SESSION_TAKEN_OVER"),
    (0x8f, "TOPIC_FILTER_INVALID"),
    (0x90, "TOPIC_NAME_INVALID"),
    (0x91, "PACKET_IDENTIFIER_IN_USE"),
    (0x92, "PACKET_IDENTIFIER_NOT_FOUND"),
    (0x93, "RECEIVE_MAXIMUM_EXCEEDED"),
    (0x94, "TOPIC_ALIAS_INVALID"),
    (0x95, "PACKET_TOO_LARGE"),
    (0x96, "MESSAGE_RATE_TOO_HIGH"),
    (0x97, "QUOTA_EXCEEDED"),
    (0x98, "ADMINISTRATIVE_ACTION"),
    (0x99, "PAYLOAD_FORMAT_INVALID"),
    (0x9a, "RETAIN_NOT_SUPPORTED"),
    (0x9b, "QOS_NOT_SUPPORTED"),
    (0x9c, "USE_ANOTHER_SERVER"),
    (0x9d, "SERVER_MOVED"),
    (0x9e, "SHARED_SUBSCRIPTIONS_NOT_SUPPORTED"),
    (0x9f, "CONNECTION_RATE_EXCEEDED"),
    (0xa0, "MAXIMUM_CONNECT_TIME"),
    (0xa1, "SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED"),
    (0xa2, "WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED"),
];

/// What a reason of a broker is called.
pub fn reason_name(code: u8) -> Option<&'static str> {
    REASONS.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// Every name by which a broker refuses a message.
pub fn refusals() -> impl Iterator<Item = &'static str> + Clone {
    REASONS.iter().filter(|(code, _)| *code >= 0x80).map(|(_, name)| *name)
}

/// Whether a topic can be published to: it has no wildcards and says something.
pub fn is_topic(topic: &[u8]) -> bool {
    !topic.is_empty() && topic.len() <= usize::from(u16::MAX) && !topic.iter().any(|byte| b"+#\0".contains(byte))
}

/// Whether a filter can be subscribed to: `+` stands for one whole level, `#` for all that follow.
pub fn is_filter(filter: &str) -> bool {
    let mut levels = filter.split('/').peekable();
    let mut sound = !filter.is_empty() && filter.len() <= usize::from(u16::MAX) && !filter.contains('\0');
    while let Some(level) = levels.next() {
        sound &= match level {
            "#" => levels.peek().is_none(),
            "+" => true,
            other => !other.contains(['+', '#']),
        };
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_and_topics_are_told_from_what_is_none() {
        for filter in ["a", "a/b", "/", "+", "#", "a/+/b", "a/#", "+/+", "$SYS/#", "/finance"] {
            assert!(is_filter(filter), "{filter}");
        }
        for wrong in ["", "a#", "a/#/b", "a+", "a/b+/c", "#/a", "a\0"] {
            assert!(!is_filter(wrong), "{wrong}");
        }
        assert!(is_topic(b"a/b") && is_topic("ü/ö".as_bytes()));
        for wrong in [&b""[..], b"a/+", b"#", b"a\0"] {
            assert!(!is_topic(wrong));
        }
    }

    #[test]
    fn a_reason_has_one_name_and_the_two_versions_agree_on_it() {
        assert_eq!(reason_name(0x04), reason_name(0x86));
        assert_eq!(reason_name(0x97), Some("QUOTA_EXCEEDED"));
        assert_eq!(reason_name(0), None);
        assert!(refusals().all(|name| name != "NO_MATCHING_SUBSCRIBERS"));
    }
}
