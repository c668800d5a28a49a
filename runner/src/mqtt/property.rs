//! Properties of version 5: those that mean something here, the rest passed over by their kind.

use super::wire::{Malformed, Reader, put_text, put_variable};

/// Properties that mean something here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Properties<'a> {
    /// Seconds that a session is kept without a connection.
    pub session_expiry: Option<u32>,
    /// Most messages without an acknowledgement.
    pub receive_maximum: Option<u16>,
    /// The longest packet.
    pub maximum_packet: Option<u32>,
    /// The highest number that may stand for a topic.
    pub alias_maximum: Option<u16>,
    /// A number that stands for a topic.
    pub alias: Option<u16>,
    /// The highest quality of service that is offered.
    pub maximum_qos: Option<u8>,
    /// Whether messages can be kept.
    pub retain_available: Option<bool>,
    /// Whether subscriptions can be shared.
    pub shared_available: Option<bool>,
    /// Seconds of the longest silence that the broker insists on.
    pub server_keepalive: Option<u16>,
    /// The name that a broker found for a client.
    pub assigned_client: Option<&'a str>,
}

const SESSION_EXPIRY: u8 = 0x11;
const ASSIGNED_CLIENT: u8 = 0x12;
const SERVER_KEEPALIVE: u8 = 0x13;
const RECEIVE_MAXIMUM: u8 = 0x21;
const ALIAS_MAXIMUM: u8 = 0x22;
const ALIAS: u8 = 0x23;
const MAXIMUM_QOS: u8 = 0x24;
const RETAIN_AVAILABLE: u8 = 0x25;
const MAXIMUM_PACKET: u8 = 0x27;
const SHARED_AVAILABLE: u8 = 0x2a;

impl<'a> Properties<'a> {
    /// Reads properties with the length in front of them.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let length = reader.variable()?;
        let mut inner = reader.part(length)?;
        let mut found = Self::default();
        while !inner.is_empty() {
            match inner.byte()? {
                SESSION_EXPIRY => found.session_expiry = Some(inner.long()?),
                ASSIGNED_CLIENT => found.assigned_client = Some(inner.text()?),
                SERVER_KEEPALIVE => found.server_keepalive = Some(inner.short()?),
                RECEIVE_MAXIMUM => found.receive_maximum = Some(inner.nonzero("a receive maximum of 0")?),
                ALIAS_MAXIMUM => found.alias_maximum = Some(inner.short()?),
                ALIAS => found.alias = Some(inner.nonzero("a topic alias of 0")?),
                MAXIMUM_QOS => found.maximum_qos = Some(inner.byte()?),
                RETAIN_AVAILABLE => found.retain_available = Some(inner.byte()? != 0),
                MAXIMUM_PACKET => found.maximum_packet = Some(inner.long()?),
                SHARED_AVAILABLE => found.shared_available = Some(inner.byte()? != 0),
                other => inner.pass_over(other)?,
            }
        }
        Ok(found)
    }

    /// Appends properties with the length in front of them.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut inner = Vec::new();
        let mut short = |kind: u8, value: Option<u16>| {
            if let Some(value) = value {
                inner.push(kind);
                inner.extend_from_slice(&value.to_be_bytes());
            }
        };
        short(SERVER_KEEPALIVE, self.server_keepalive);
        short(RECEIVE_MAXIMUM, self.receive_maximum);
        short(ALIAS_MAXIMUM, self.alias_maximum);
        short(ALIAS, self.alias);
        for (kind, value) in [(SESSION_EXPIRY, self.session_expiry), (MAXIMUM_PACKET, self.maximum_packet)] {
            if let Some(value) = value {
                inner.push(kind);
                inner.extend_from_slice(&value.to_be_bytes());
            }
        }
        let flag = |value: Option<bool>| value.map(u8::from);
        for (kind, value) in [
            (MAXIMUM_QOS, self.maximum_qos),
            (RETAIN_AVAILABLE, flag(self.retain_available)),
            (SHARED_AVAILABLE, flag(self.shared_available)),
        ] {
            if let Some(value) = value {
                inner.extend_from_slice(&[kind, value]);
            }
        }
        if let Some(client) = self.assigned_client {
            inner.push(ASSIGNED_CLIENT);
            put_text(&mut inner, client.as_bytes());
        }
        put_variable(out, inner.len());
        out.extend_from_slice(&inner);
    }
}

impl Reader<'_> {
    /// Passes over a property that means nothing here.
    fn pass_over(&mut self, kind: u8) -> Result<(), Malformed> {
        match kind {
            // Payload format, request problem and response information, wildcards and subscription ids available.
            0x01 | 0x17 | 0x19 | 0x28 | 0x29 => self.byte().map(|_| ()),
            // Message expiry, will delay.
            0x02 | 0x18 => self.long().map(|_| ()),
            // Subscription identifier.
            0x0b => self.variable().map(|_| ()),
            // Content type, response topic, response information, server reference, reason, authentication method.
            0x03 | 0x08 | 0x15 | 0x1a | 0x1c | 0x1f => self.text().map(|_| ()),
            // Correlation and authentication data.
            0x09 | 0x16 => self.binary().map(|_| ()),
            // A user's own.
            0x26 => {
                self.text()?;
                self.text().map(|_| ())
            }
            _ => Err(Malformed::Wrong("a property of no kind")),
        }
    }
}
