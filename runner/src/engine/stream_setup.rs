//! What a scenario says of a target of streams, made ready: how connections are opened, how messages are paired with
//! answers and understood.

use indexmap::IndexMap;
use shared::encode::Pointer;
use shared::random::mix;
use shared::run::FailureKind;
use shared::scenario::model::target::{Outcome, Replies, Target, Ws};
use shared::units::Nanos;

use crate::engine::mqtt_setup::{self, MqttSetup};
use crate::transport::websocket::Handshake;

/// Messages in flight on one connection where the scenario says nothing.
const WINDOW: u32 = 256;
/// Wait before another connection where the scenario says nothing, and the longest.
const RECONNECT: Nanos = Nanos::from_secs(1);
const LONGEST_RECONNECT: Nanos = Nanos::from_secs(30);
/// Messages that answer nothing where the scenario says nothing.
const GREETINGS: [&str; 2] = ["connection_established", "server_heartbeat"];
/// What an error that speaks of the rate is called, where the scenario does not classify it.
const RATE_LIMIT: &str = "RATE_LIMIT";

/// A target of streams made ready.
#[derive(Debug)]
pub(crate) struct StreamSetup {
    pub(crate) way: Way,
    /// The first message of a connection; it may hold a secret.
    pub(crate) first: Option<Secret>,
    pub(crate) pairing: Pairing,
    /// Most messages in flight on one connection.
    pub(crate) window: usize,
    /// How often to ask whether the target is there.
    pub(crate) ping: Option<Nanos>,
    reconnect: (Nanos, Nanos),
    kind: Pointer,
    error: Vec<u8>,
    code: Pointer,
    ignored: Vec<Vec<u8>>,
    codes: IndexMap<String, Outcome>,
}

/// What a stream is.
#[derive(Debug)]
pub(crate) enum Way {
    /// A WebSocket: its handshake, and whether its messages are binary.
    Ws(Handshake, bool),
    /// A client of an MQTT broker.
    Mqtt(Box<MqttSetup>),
}

/// Bytes that do not show themselves.
pub(crate) struct Secret(pub(crate) Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// How answers are paired with messages.
#[derive(Debug)]
pub(crate) enum Pairing {
    /// There are none: a message that was handed to the network has succeeded.
    None,
    /// First in, first out.
    Order,
    /// By the number of each.
    Number,
    /// By a field that an answer repeats.
    Field(Pointer),
}

/// What a message of a target is.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Heard {
    /// A heartbeat or a greeting.
    Ignored,
    /// Says that something went wrong: by which name, and what that means.
    Error(String, Result<bool, FailureKind>),
    /// Anything else.
    Answer,
}

impl StreamSetup {
    /// Makes a broker ready.
    pub(crate) fn of_broker(target: &Target, setup: MqttSetup) -> Result<Self, String> {
        let window = target.mqtt.as_ref().and_then(|mqtt| mqtt.window);
        let pairing = if setup.introduction.qos > 0 { Pairing::Number } else { Pairing::None };
        let ping = Some(setup.ping());
        let plain = Self::base(target, Way::Mqtt(Box::new(setup)))?;
        Ok(Self { pairing, ping, window: window.unwrap_or(WINDOW).max(1) as usize, ..plain })
    }

    /// Makes a target of WebSockets ready.
    ///
    /// # Errors
    ///
    /// Says what is no path into a message.
    pub(crate) fn new(target: &Target, handshake: Handshake, first: Option<Vec<u8>>) -> Result<Self, String> {
        let ws = target.ws.clone().unwrap_or_default();
        let Ws { kind, error, code, ignore, correlate, replies, binary, window, ping, subprotocol: _ } = ws;
        let quoted = |text: &String| serde_json::to_vec(text).unwrap_or_default();
        let pairing = match (correlate, replies) {
            (Some(field), _) => Pairing::Field(field.parse()?),
            (None, Replies::Order) => Pairing::Order,
            (None, Replies::None) => Pairing::None,
        };
        let plain = Self::base(target, Way::Ws(handshake, binary))?;
        Ok(Self {
            first: first.map(Secret),
            pairing,
            window: window.unwrap_or(WINDOW).max(1) as usize,
            ping,
            kind: kind.as_deref().unwrap_or("type").parse()?,
            error: quoted(&error.unwrap_or_else(|| "error".to_owned())),
            code: code.as_deref().unwrap_or("error_code").parse()?,
            ignored: match &ignore {
                Some(ignore) => ignore.iter().map(quoted).collect(),
                None => plain.ignored,
            },
            ..plain
        })
    }

    /// What all have in common.
    fn base(target: &Target, way: Way) -> Result<Self, String> {
        let reconnect = target.reconnect.clone().unwrap_or_default();
        let delay = if reconnect.delay > Nanos::ZERO { reconnect.delay } else { RECONNECT };
        Ok(Self {
            way,
            first: None,
            pairing: Pairing::None,
            window: WINDOW as usize,
            ping: None,
            reconnect: (delay, reconnect.max.unwrap_or(LONGEST_RECONNECT).max(delay)),
            kind: "type".parse()?,
            error: br#""error""#.to_vec(),
            code: "error_code".parse()?,
            ignored: GREETINGS.map(|kind| serde_json::to_vec(kind).unwrap_or_default()).to_vec(),
            codes: target.classify.clone(),
        })
    }

    /// What only a broker has.
    pub(crate) fn mqtt(&self) -> Option<&MqttSetup> {
        match &self.way {
            Way::Mqtt(mqtt) => Some(mqtt),
            Way::Ws(..) => None,
        }
    }

    /// What a broker's reason is called, and what it means.
    pub(crate) fn reason(&self, reason: u8) -> (String, Result<bool, FailureKind>) {
        let name = mqtt_setup::name_of(reason);
        let meaning = self.classified(&name).unwrap_or_else(|| mqtt_setup::meaning_of(reason));
        (name, meaning)
    }

    /// What the scenario says that a code means.
    fn classified(&self, name: &str) -> Option<Result<bool, FailureKind>> {
        Some(match self.codes.get(name)? {
            Outcome::Ok => Ok(false),
            Outcome::Duplicate => Ok(true),
            Outcome::Throttled => Err(FailureKind::Throttled),
            Outcome::Failed => Err(FailureKind::ErrorAnswer),
        })
    }

    /// Whether the answer to a message is what checks of answers look at: not where messages come back on a topic.
    pub(crate) fn has_answers(&self) -> bool {
        let comes_back = self.mqtt().is_some_and(|mqtt| mqtt.correlate.is_some());
        !matches!(self.pairing, Pairing::None) && !comes_back
    }

    /// Understands a message of the target.
    pub(crate) fn hear(&self, message: &[u8]) -> Heard {
        let Some(kind) = self.kind.find(message) else { return Heard::Answer };
        if self.ignored.iter().any(|ignored| ignored == kind) {
            return Heard::Ignored;
        }
        if kind != self.error.as_slice() {
            return Heard::Answer;
        }
        let code = self.code.find(message).unwrap_or_default();
        let name =
            serde_json::from_slice::<String>(code).unwrap_or_else(|_| String::from_utf8_lossy(code).into_owned());
        let meaning = self.classified(&name).unwrap_or(Err(match name.contains(RATE_LIMIT) {
            true => FailureKind::Throttled,
            false => FailureKind::ErrorAnswer,
        }));
        Heard::Error(name, meaning)
    }

    /// How long to wait before another connection after so many that did not last: twice as long each time, half of it
    /// drawn, so that connections that were lost together do not return together.
    pub(crate) fn wait(&self, attempts: u32, key: u64) -> Nanos {
        let (delay, longest) = self.reconnect;
        let planned = delay.0.saturating_mul(1 << attempts.saturating_sub(1).min(30)).min(longest.0);
        let draw = (mix(key, u64::from(attempts)) >> 11) as f64 / (1_u64 << 53) as f64;
        Nanos(planned / 2 + (planned as f64 / 2.0 * draw) as u64)
    }
}

/// What in-flight messages fail with when a target closes with a code.
pub(crate) fn closed(code: u16) -> FailureKind {
    match code {
        1008 | 3000 | 3003 | 4401 | 4403 => FailureKind::Unauthorized,
        1011..=1014 | 4500..=4599 => FailureKind::ServerError,
        1002 | 1003 | 1007 | 1009 | 1010 | 4400 => FailureKind::ClientError,
        4429 => FailureKind::Throttled,
        0x80..=0xff => mqtt_setup::meaning_of(code as u8).err().unwrap_or(FailureKind::ConnectionReset),
        _ => FailureKind::ConnectionReset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(ws: Ws) -> StreamSetup {
        let handshake = Handshake::new("ws://localhost:1/ws", &[], None).unwrap();
        let codes = [("KNOWN", Outcome::Duplicate), ("SLOWER", Outcome::Throttled)];
        let classify = codes.into_iter().map(|(name, outcome)| (name.to_owned(), outcome)).collect();
        StreamSetup::new(&Target { ws: Some(ws), classify, ..Target::default() }, handshake, None).unwrap()
    }

    #[test]
    fn errors_are_known_by_their_names_and_heartbeats_are_no_answers() {
        let setup = setup(Ws::default());
        let error = |code: &str, meaning| Heard::Error(code.to_owned(), meaning);
        for (message, heard) in [
            (r#"{"type":"server_heartbeat"}"#, Heard::Ignored),
            (r#"{"type":"pong","error_code":"X"}"#, Heard::Answer),
            (
                r#"{"type":"error","error_code":"RATE_LIMIT_EXCEEDED"}"#,
                error("RATE_LIMIT_EXCEEDED", Err(FailureKind::Throttled)),
            ),
            (r#"{"error_code":"KNOWN","type":"error"}"#, error("KNOWN", Ok(true))),
            (r#"{"type":"error","error_code":"SLOWER"}"#, error("SLOWER", Err(FailureKind::Throttled))),
            (r#"{"type":"error","error_code":"WHAT"}"#, error("WHAT", Err(FailureKind::ErrorAnswer))),
            (r#"{"type":"error"}"#, error("", Err(FailureKind::ErrorAnswer))),
            ("no json", Heard::Answer),
            ("", Heard::Answer),
        ] {
            assert_eq!(setup.hear(message.as_bytes()), heard, "{message}");
        }
    }

    #[test]
    fn waits_between_connections_grow_up_to_the_longest() {
        let setup = setup(Ws::default());
        for key in 0..50 {
            for (attempts, longest) in [(1, 1), (2, 2), (3, 4), (6, 30), (60, 30)] {
                let wait = setup.wait(attempts, key);
                let longest = Nanos::from_secs(longest);
                assert!(wait.0 >= longest.0 / 2 && wait <= longest, "{wait} after {attempts}");
            }
        }
    }
}
