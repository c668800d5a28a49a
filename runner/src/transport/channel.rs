//! Connections that carry many messages at once, whatever their protocol: a WebSocket, or a client of an MQTT broker.

use std::task::{Context, Poll};

use shared::plan::Client;

use crate::transport::dial::DialTimes;
use crate::transport::failure::TransportError;
use crate::transport::mqtt::{MqttConnection, MqttTransport};
use crate::transport::traffic::{Incoming, Message};
use crate::transport::websocket::{WsConnection, WsTransport};

/// A way to one target.
#[derive(Debug)]
pub enum ChannelTransport {
    /// WebSockets.
    Ws(Box<WsTransport>),
    /// Clients of a broker.
    Mqtt(Box<MqttTransport>),
}

/// An open connection.
#[derive(Debug)]
pub enum Channel {
    /// A WebSocket.
    Ws(Box<WsConnection>),
    /// A client of a broker.
    Mqtt(Box<MqttConnection>),
}

impl ChannelTransport {
    /// Opens a connection, as this client where connections are clients; `again`: in place of an earlier one.
    ///
    /// # Errors
    ///
    /// Says what kind of failure it was; a refusal comes with its status or reason.
    pub async fn connect(
        &self,
        client: &Client,
        again: bool,
    ) -> Result<(Channel, DialTimes), (TransportError, Option<u16>)> {
        match self {
            Self::Ws(ws) => ws.connect().await.map(|(ws, times)| (Channel::Ws(Box::new(ws)), times)),
            Self::Mqtt(mqtt) => {
                mqtt.connect(client, again).await.map(|(mqtt, times)| (Channel::Mqtt(Box::new(mqtt)), times))
            }
        }
    }
}

impl Channel {
    /// Ready when there is room for another message.
    pub fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        match self {
            Self::Ws(ws) => ws.poll_room(cx),
            Self::Mqtt(mqtt) => mqtt.poll_room(cx),
        }
    }

    /// Why a message cannot be sent at all, by name.
    pub fn objection(&self, message: &Message<'_>) -> Option<&'static str> {
        match self {
            Self::Ws(_) => None,
            Self::Mqtt(mqtt) => mqtt.objection(message),
        }
    }

    /// Whether the target has kept what came before this connection.
    pub fn is_resumed(&self) -> bool {
        match self {
            Self::Ws(_) => false,
            Self::Mqtt(mqtt) => mqtt.is_resumed(),
        }
    }

    /// Messages without an answer that the target allows.
    pub fn most_unanswered(&self) -> usize {
        match self {
            Self::Ws(_) => usize::MAX,
            Self::Mqtt(mqtt) => mqtt.receive_maximum(),
        }
    }

    /// Tells the target that a message may be handed on, where that takes a step of its own.
    pub fn release(&mut self, id: u16) {
        match self {
            Self::Ws(_) => {}
            Self::Mqtt(mqtt) => mqtt.release(id),
        }
    }

    /// Takes a message on; gives its bytes on the wire.
    ///
    /// # Errors
    ///
    /// The connection is closed.
    pub fn send(&mut self, message: &Message<'_>) -> Result<u64, TransportError> {
        match self {
            Self::Ws(ws) => ws.send(message.payload),
            Self::Mqtt(mqtt) => Ok(mqtt.send(message)),
        }
    }

    /// From here on so many bytes in a second at most; none: as fast as it can.
    pub fn set_speed(&mut self, bytes_per_second: Option<u64>) {
        match self {
            Self::Ws(ws) => ws.set_speed(bytes_per_second),
            Self::Mqtt(mqtt) => mqtt.set_speed(bytes_per_second),
        }
    }

    /// Seconds of the longest silence, where the target insists on one.
    pub fn longest_silence(&self) -> Option<u16> {
        match self {
            Self::Ws(_) => None,
            Self::Mqtt(mqtt) => mqtt.longest_silence(),
        }
    }

    /// Asks whether the target is there.
    ///
    /// # Errors
    ///
    /// The connection is closed.
    pub fn ping(&mut self) -> Result<(), TransportError> {
        match self {
            Self::Ws(ws) => ws.ping(),
            Self::Mqtt(mqtt) => {
                mqtt.ping();
                Ok(())
            }
        }
    }

    /// Whether something waits to be handed to the network.
    pub fn has_output(&self) -> bool {
        match self {
            Self::Ws(_) => false,
            Self::Mqtt(mqtt) => mqtt.has_output(),
        }
    }

    /// Ready when everything taken on is handed to the network.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        match self {
            Self::Ws(ws) => ws.poll_flush(cx),
            Self::Mqtt(mqtt) => mqtt.poll_flush(cx),
        }
    }

    /// What comes in next, with its bytes on the wire.
    pub fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<(Incoming, u64)> {
        match self {
            Self::Ws(ws) => ws.poll_incoming(cx),
            Self::Mqtt(mqtt) => mqtt.poll_incoming(cx),
        }
    }

    /// Says good-bye and waits for the other side to do so.
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Ws(ws) => ws.poll_close(cx),
            Self::Mqtt(mqtt) => mqtt.poll_close(cx),
        }
    }
}
