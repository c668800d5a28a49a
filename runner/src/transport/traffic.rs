//! What goes out and comes in on connections that carry many messages at once.

use bytes::Bytes;

use crate::mqtt::packet::Step;
use crate::transport::failure::TransportError;

/// A message on its way out.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Where it is published, where that matters.
    pub topic: &'a [u8],
    /// What it says.
    pub payload: &'a [u8],
    /// The number by which it is acknowledged, where it is; 0 where it is not.
    pub id: u16,
    /// Whether it was sent before.
    pub again: bool,
}

/// What came in.
#[derive(Debug)]
pub enum Incoming {
    /// A message, text or binary.
    Message(Bytes),
    /// A message of a topic that is listened to.
    Delivered {
        /// What it says.
        payload: Bytes,
        /// Whether the broker had kept it: then it is older than the subscription.
        kept: bool,
    },
    /// A step in which a message of ours is acknowledged.
    Acknowledged {
        /// Which step.
        step: Step,
        /// The message.
        id: u16,
        /// 0, or what is wrong with it.
        reason: u8,
    },
    /// The target asked whether we are there; that is answered already.
    Ping,
    /// The target says that it is there.
    Pong,
    /// Something between the two ends of the connection.
    Nothing,
    /// Trouble of this name; the connection goes on.
    Trouble(String),
    /// The target closes the connection, with a code.
    Closed(u16),
    /// What came makes no sense, by name; the connection is of no more use.
    Senseless(&'static str, TransportError),
    /// The connection is of no more use.
    Broken(TransportError),
}
