//! Clients of an MQTT broker (3.1.1 and 5): an introduction, then messages both ways, several of them under way at
//! once. Which message an acknowledgement belongs to, and when to give up waiting for it, is the caller's to say.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use shared::plan::Client;
use shared::run::FailureKind;
use shared::scenario::model::target::mqtt::{is_topic, reason_name};
use tokio::io::AsyncWriteExt as _;

use crate::mqtt::packet::{Connect, Filter, Packet, Publish, Step, Version, Will};
use crate::mqtt::property::Properties;
use crate::mqtt::read::{self, MOST_RECEIVED};
use crate::mqtt::wire::Malformed;
use crate::mqtt::write;
use crate::transport::dial::{DialTimes, Dialer};
use crate::transport::failure::TransportError;
use crate::transport::paced::Paced;
use crate::transport::stream::Stream;
use crate::transport::traffic::{Incoming, Message};

/// Numbers of messages end here; those above are for requests of the connection's own.
pub const HIGHEST_ID: u16 = 65_000;
/// The number of the one subscription that a client makes.
const SUBSCRIPTION: u16 = u16::MAX;
/// Bytes read at a time: thousands of connections must fit.
const READ: usize = 2 * 1024;
/// Bytes that may wait to be handed to the network before a connection has no more room.
const MOST_OUTPUT: usize = 64 * 1024;
/// Bytes that may wait before nothing more is read: a broker that sends without end and reads nothing has to wait for
/// the answers that it does not take. More than one long message, so that its writing holds up no reading.
const MOST_UNTAKEN: usize = 4 * 1024 * 1024;
/// Buffers that grew beyond this are let go of when they are empty.
const LARGEST_KEPT: usize = 16 * 1024;
/// Topics that are said by a number.
const MOST_ALIASES: usize = 16;
/// How the packet begins by which a broker lets a client in.
const WELCOME: u8 = 0x20;
/// Messages of quality 2 that were received and are not released yet, at most.
const MOST_RECEIVED_IDS: u16 = 64;

/// How clients introduce themselves, all the same way. It may hold secrets, so that it never shows itself.
#[derive(Clone, Default)]
pub struct Introduction {
    /// Version of the protocol.
    pub version: Version,
    /// Whether a connection begins anew.
    pub clean: bool,
    /// Seconds of the longest silence.
    pub keepalive: u16,
    /// Version 5: seconds that a session is kept without a connection.
    pub session_expiry: Option<u32>,
    /// A user's name.
    pub user: Option<String>,
    /// A password.
    pub password: Option<String>,
    /// Quality of service of messages both ways.
    pub qos: u8,
    /// Whether messages are kept.
    pub retain: bool,
    /// Quality of service of the will, and whether it is kept.
    pub will: (u8, bool),
}

impl std::fmt::Debug for Introduction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Introduction")
    }
}

/// Clients of one broker.
#[derive(Debug)]
pub struct MqttTransport {
    dialer: Dialer,
    introduction: Introduction,
}

/// A client that the broker has let in.
#[derive(Debug)]
pub struct MqttConnection {
    stream: Paced,
    version: Version,
    qos: u8,
    retain: bool,
    input: Vec<u8>,
    /// Where what has not been looked at begins.
    unread: usize,
    output: Vec<u8>,
    written: usize,
    /// Topics that have a number, in the order of their numbers, and how many can have one.
    aliases: Vec<Box<[u8]>>,
    most_aliases: usize,
    longest_packet: usize,
    receive_maximum: usize,
    /// Seconds of the longest silence that the broker insists on.
    insisted: Option<u16>,
    present: bool,
    /// Whether the broker has yet to say what becomes of the subscription.
    subscribing: bool,
    /// Messages of quality 2 that were received and are not released yet.
    received: Vec<u16>,
    said_goodbye: bool,
}

impl MqttTransport {
    /// A transport over a dialer.
    pub fn new(dialer: Dialer, introduction: Introduction) -> Self {
        Self { dialer, introduction }
    }

    /// Opens a connection and introduces a client.
    ///
    /// # Errors
    ///
    /// Says what kind of failure it was; a refusal comes with its reason.
    pub async fn connect(
        &self,
        client: &Client,
        again: bool,
    ) -> Result<(MqttConnection, DialTimes), (TransportError, Option<u16>)> {
        let (mut stream, times) = self.dialer.dial().await.map_err(|error| (error, None))?;
        let mut hello = Vec::with_capacity(128);
        write::connect(&mut hello, &self.introduction.packet(client));
        let lost = |error: std::io::Error| (TransportError::exchanging(&error), None);
        stream.write_all(&hello).await.map_err(lost)?;
        stream.flush().await.map_err(lost)?;
        let mut connection = MqttConnection::new(stream, &self.introduction);
        poll_fn(|cx| connection.poll_welcome(cx)).await?;
        let remembered = again && connection.present;
        if !client.subscribe.is_empty() && !remembered {
            connection.subscribe(&client.subscribe);
        }
        Ok((connection, times))
    }
}

impl Introduction {
    fn packet<'a>(&'a self, client: &'a Client) -> Connect<'a> {
        let (qos, retain) = self.will;
        Connect {
            version: self.version,
            clean: self.clean,
            keepalive: self.keepalive,
            client: client.id.as_deref().unwrap_or_default(),
            user: self.user.as_deref(),
            password: self.password.as_deref().map(str::as_bytes),
            will: client.will.as_ref().map(|(topic, payload)| Will { topic, payload: payload.as_bytes(), qos, retain }),
            properties: match self.version {
                Version::V3 => Properties::default(),
                Version::V5 => Properties {
                    session_expiry: self.session_expiry,
                    receive_maximum: Some(MOST_RECEIVED_IDS),
                    maximum_packet: u32::try_from(MOST_RECEIVED).ok(),
                    ..Properties::default()
                },
            },
        }
    }
}

impl MqttConnection {
    fn new(stream: Stream, introduction: &Introduction) -> Self {
        Self {
            stream: Paced::new(stream),
            version: introduction.version,
            qos: introduction.qos,
            retain: introduction.retain,
            input: Vec::new(),
            unread: 0,
            output: Vec::new(),
            written: 0,
            aliases: Vec::new(),
            most_aliases: 0,
            longest_packet: usize::MAX,
            receive_maximum: usize::from(u16::MAX),
            insisted: None,
            present: false,
            subscribing: false,
            received: Vec::new(),
            said_goodbye: false,
        }
    }

    /// Whether the broker has kept what came before this connection.
    pub fn is_resumed(&self) -> bool {
        self.present
    }

    /// Seconds of the longest silence, where the broker insists on one (MQTT 5, 3.2.2.3.14).
    pub fn longest_silence(&self) -> Option<u16> {
        self.insisted.filter(|seconds| *seconds > 0)
    }

    /// Messages without an acknowledgement, at most.
    pub fn receive_maximum(&self) -> usize {
        self.receive_maximum
    }

    /// Ready when there is room for another message.
    pub fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        // Nothing is published before the broker listens for us: its answer would be missed. It wakes the reader.
        if self.subscribing {
            return Poll::Pending;
        }
        if self.output.len() - self.written < MOST_OUTPUT {
            return Poll::Ready(Ok(()));
        }
        self.poll_flush(cx)
    }

    /// Why a message cannot be sent at all, by name.
    pub fn objection(&self, message: &Message<'_>) -> Option<&'static str> {
        if !is_topic(message.topic) || std::str::from_utf8(message.topic).is_err() {
            return Some("TOPIC_NAME_INVALID");
        }
        // Head, numbers and an alias are a few bytes more.
        let size = message.topic.len() + message.payload.len() + 16;
        (size > self.longest_packet).then_some("PACKET_TOO_LARGE")
    }

    /// Takes a message on; gives its bytes on the wire.
    pub fn send(&mut self, message: &Message<'_>) -> u64 {
        let topic = std::str::from_utf8(message.topic).unwrap_or_default();
        let (topic, alias) = self.shorten(topic);
        let publish = Publish {
            topic,
            alias,
            payload: message.payload,
            qos: self.qos,
            retain: self.retain,
            again: message.again,
            id: message.id,
        };
        write::publish(&mut self.output, self.version, &publish) as u64
    }

    /// Tells the broker that a message of quality 2 may be handed on, as it has done before.
    pub fn release(&mut self, id: u16) {
        write::ack(&mut self.output, self.version, Step::Release, id, 0);
    }

    /// From here on so many bytes in a second at most; none: as fast as it can.
    pub fn set_speed(&mut self, bytes_per_second: Option<u64>) {
        self.stream.set_speed(bytes_per_second);
    }

    /// Asks whether the broker is there.
    pub fn ping(&mut self) {
        write::pingreq(&mut self.output);
    }

    /// Whether something waits to be handed to the network.
    pub fn has_output(&self) -> bool {
        self.written < self.output.len()
    }

    /// Ready when everything taken on is handed to the network.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let lost = |error: std::io::Error| TransportError::exchanging(&error);
        while self.written < self.output.len() {
            match self.stream.poll_write(cx, &self.output[self.written..]) {
                Poll::Ready(Ok(0)) => {
                    let why = "the connection takes nothing any more";
                    return Poll::Ready(Err(TransportError::new(FailureKind::ConnectionReset, why)));
                }
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(lost(error))),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.written = 0;
        self.output.clear();
        if self.output.capacity() > LARGEST_KEPT {
            self.output = Vec::new();
        }
        self.stream.poll_flush(cx).map_err(lost)
    }

    /// What comes in next, with its bytes on the wire.
    pub fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<(Incoming, u64)> {
        if self.output.len() - self.written > MOST_UNTAKEN {
            match self.poll_flush(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready((Incoming::Broken(error), 0)),
                Poll::Pending => return Poll::Pending,
            }
        }
        loop {
            let rest = &self.input[self.unread..];
            match read::length(rest, MOST_RECEIVED) {
                Err(wrong) => return Poll::Ready((senseless(wrong), rest.len() as u64)),
                Ok(Some(length)) if rest.len() >= length => {
                    let packet = &self.input[self.unread..self.unread + length];
                    self.unread += length;
                    let mut answers = Answers {
                        version: self.version,
                        output: &mut self.output,
                        received: &mut self.received,
                        subscribing: &mut self.subscribing,
                    };
                    let incoming = match read::packet(packet, self.version) {
                        Ok(packet) => answers.understand(&packet),
                        Err(wrong) => senseless(wrong),
                    };
                    return Poll::Ready((incoming, length as u64));
                }
                Ok(_) => {}
            }
            match self.poll_fill(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready((Incoming::Broken(error), 0)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Says good-bye and waits for the other side to close.
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.said_goodbye, true) {
            write::disconnect(&mut self.output, self.version, 0);
        }
        match self.poll_flush(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_gone)) => return Poll::Ready(()),
            Poll::Pending => return Poll::Pending,
        }
        // What is unread when a connection is closed would turn the good-bye into a reset.
        loop {
            self.unread = self.input.len();
            match self.poll_fill(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_closed)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Reads more, after what has not been looked at.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        if self.unread > 0 {
            self.input.drain(..self.unread);
            self.unread = 0;
            if self.input.is_empty() && self.input.capacity() > LARGEST_KEPT {
                self.input = Vec::new();
            }
        }
        let filled = self.input.len();
        let want = match read::length(&self.input, MOST_RECEIVED) {
            Ok(Some(length)) => length.saturating_sub(filled).clamp(READ, 4 * LARGEST_KEPT),
            Ok(None) | Err(_) => READ,
        };
        self.input.resize(filled + want, 0);
        let outcome = self.stream.poll_read(cx, &mut self.input[filled..]);
        let count = if let Poll::Ready(Ok(count)) = &outcome { *count } else { 0 };
        self.input.truncate(filled + count);
        outcome.map(|outcome| match outcome {
            Ok(0) => Err(TransportError::new(FailureKind::ConnectionReset, "closed without a word")),
            Ok(_) => Ok(()),
            Err(error) => Err(TransportError::exchanging(&error)),
        })
    }

    /// Waits for the broker to let the client in.
    fn poll_welcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), (TransportError, Option<u16>)>> {
        let wrong = |kind, why: String| Poll::Ready(Err((TransportError::new(kind, why), None)));
        loop {
            if self.input.first().is_some_and(|byte| *byte != WELCOME) {
                return wrong(FailureKind::Protocol, "it did not answer the introduction".to_owned());
            }
            let length = match read::length(&self.input, MOST_RECEIVED) {
                Ok(Some(length)) if self.input.len() >= length => length,
                Ok(_) => match self.poll_fill(cx) {
                    Poll::Ready(Ok(())) => continue,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err((error, None))),
                    Poll::Pending => return Poll::Pending,
                },
                Err(error) => return wrong(FailureKind::Protocol, error.to_string()),
            };
            self.unread = length;
            let (present, reason, allowed) = match read::packet(&self.input[..length], self.version) {
                Ok(Packet::ConnAck { present, reason, properties }) => (present, reason, properties),
                Ok(_) => return wrong(FailureKind::Protocol, "it did not answer the introduction".to_owned()),
                Err(error) => return wrong(FailureKind::Protocol, error.to_string()),
            };
            if reason != 0 {
                let name = reason_name(reason).unwrap_or("a reason without a name");
                let why = format!("the broker refused the connection: {name} ({reason})");
                let error = TransportError::new(FailureKind::HandshakeRefused, why);
                return Poll::Ready(Err((error, Some(u16::from(reason)))));
            }
            if allowed.maximum_qos.is_some_and(|most| most < self.qos) {
                return wrong(FailureKind::Protocol, format!("the broker does not offer quality {}", self.qos));
            }
            if allowed.retain_available == Some(false) && self.retain {
                return wrong(FailureKind::Protocol, "the broker keeps no messages".to_owned());
            }
            self.present = present;
            self.insisted = allowed.server_keepalive;
            self.most_aliases = usize::from(allowed.alias_maximum.unwrap_or(0)).min(MOST_ALIASES);
            self.longest_packet = allowed.maximum_packet.map_or(usize::MAX, |most| most as usize);
            self.receive_maximum = usize::from(allowed.receive_maximum.unwrap_or(u16::MAX));
            return Poll::Ready(Ok(()));
        }
    }

    fn subscribe(&mut self, filters: &[String]) {
        let filters: Vec<Filter<'_>> = filters.iter().map(|filter| Filter::new(filter, self.qos)).collect();
        write::subscribe(&mut self.output, self.version, SUBSCRIPTION, &filters);
        self.subscribing = true;
    }

    /// A topic, or the number that stands for it.
    fn shorten<'t>(&mut self, topic: &'t str) -> (&'t str, Option<u16>) {
        if self.most_aliases == 0 {
            return (topic, None);
        }
        if let Some(place) = self.aliases.iter().position(|known| **known == *topic.as_bytes()) {
            return ("", u16::try_from(place + 1).ok());
        }
        if self.aliases.len() == self.most_aliases {
            return (topic, None);
        }
        self.aliases.push(topic.as_bytes().into());
        (topic, u16::try_from(self.aliases.len()).ok())
    }
}

/// What is needed to answer what comes in.
struct Answers<'a> {
    version: Version,
    output: &'a mut Vec<u8>,
    received: &'a mut Vec<u16>,
    subscribing: &'a mut bool,
}

impl Answers<'_> {
    fn understand(&mut self, packet: &Packet<'_>) -> Incoming {
        match *packet {
            // The introduction allows none.
            Packet::Publish(Publish { alias: Some(_), .. }) => {
                senseless(Malformed::Wrong("a topic alias that was not allowed"))
            }
            Packet::Publish(message) => self.delivered(&message),
            Packet::Ack { step: Step::Release, id, .. } => {
                self.received.retain(|known| *known != id);
                write::ack(self.output, self.version, Step::Complete, id, 0);
                Incoming::Nothing
            }
            Packet::Ack { step, id, reason } => Incoming::Acknowledged { step, id, reason },
            Packet::SubAck { id: SUBSCRIPTION, reasons } => {
                *self.subscribing = false;
                match reasons.iter().find(|reason| **reason >= 0x80) {
                    Some(reason) => {
                        Incoming::Trouble(format!("SUBSCRIBE.{}", reason_name(*reason).unwrap_or("REFUSED")))
                    }
                    None => Incoming::Nothing,
                }
            }
            Packet::PingResp => Incoming::Pong,
            Packet::Disconnect { reason } => Incoming::Closed(u16::from(reason)),
            Packet::SubAck { .. } | Packet::UnsubAck { .. } => {
                Incoming::Trouble("UNEXPECTED_ACKNOWLEDGEMENT".to_owned())
            }
            Packet::Connect(_)
            | Packet::ConnAck { .. }
            | Packet::Subscribe { .. }
            | Packet::Unsubscribe { .. }
            | Packet::PingReq => senseless(Malformed::Wrong("a packet that a broker does not send")),
        }
    }

    fn delivered(&mut self, message: &Publish<'_>) -> Incoming {
        match message.qos {
            1 => write::ack(self.output, self.version, Step::Acknowledged, message.id, 0),
            2 => {
                write::ack(self.output, self.version, Step::Received, message.id, 0);
                if self.received.contains(&message.id) {
                    return Incoming::Nothing;
                }
                if self.received.len() < usize::from(MOST_RECEIVED_IDS) {
                    self.received.push(message.id);
                }
            }
            _ => {}
        }
        Incoming::Delivered { payload: Bytes::copy_from_slice(message.payload), kept: message.retain }
    }
}

fn senseless(wrong: Malformed) -> Incoming {
    let (name, kind) = match wrong {
        Malformed::TooLong(_) => ("PACKET_TOO_LARGE", FailureKind::AnswerTooLarge),
        Malformed::Wrong(_) => ("MALFORMED_PACKET", FailureKind::Protocol),
    };
    Incoming::Senseless(name, TransportError::new(kind, format!("the broker sent {wrong}")))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    #[tokio::test]
    async fn a_broker_that_takes_no_answers_has_to_wait_with_what_it_sends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (stream, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let mut broker = accepted.unwrap().0;
        let introduction = Introduction {
            version: Version::V3,
            clean: true,
            keepalive: 0,
            session_expiry: None,
            user: None,
            password: None,
            qos: 0,
            retain: false,
            will: (0, false),
        };
        let mut connection = MqttConnection::new(Stream::Plain(stream.unwrap()), &introduction);
        // An answer to a ping has come; of what we have to say, the network takes some and the broker nothing.
        connection.input.extend_from_slice(b"\xd0\x00");
        connection.output = vec![0; 64 << 20];
        let next = poll_fn(|cx| Poll::Ready(connection.poll_incoming(cx))).await;
        assert!(next.is_pending() && connection.has_output(), "{next:?}");
        let reading = tokio::spawn(async move {
            let mut space = vec![0; 1 << 20];
            while broker.read(&mut space).await.is_ok_and(|read| read > 0) {}
        });
        let (next, _) = poll_fn(|cx| connection.poll_incoming(cx)).await;
        assert!(matches!(next, Incoming::Pong), "{next:?}");
        drop(connection);
        reading.await.unwrap();
    }
}
