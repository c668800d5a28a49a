//! From bytes to packets.

use shared::scenario::model::target::mqtt::{is_filter, is_topic};

use super::packet::{Connect, Filter, Packet, Publish, Step, Version, Will};
use super::property::Properties;
use super::wire::Malformed::Wrong;
use super::wire::{Malformed, Reader};

/// The longest packet that is taken.
pub const MOST_RECEIVED: usize = 1024 * 1024;

/// The length of the packet at the beginning of a buffer, header included; none while it is not known yet.
///
/// # Errors
///
/// The length is malformed, or beyond what is taken.
pub fn length(buffer: &[u8], most: usize) -> Result<Option<usize>, Malformed> {
    let (mut value, mut shift) = (0_usize, 0);
    for (place, &byte) in buffer.iter().skip(1).take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            let whole = 2 + place + value;
            return if whole > most { Err(Malformed::TooLong(whole)) } else { Ok(Some(whole)) };
        }
    }
    if buffer.len() > 4 { Err(Wrong("a length of more than four bytes")) } else { Ok(None) }
}

/// Reads one whole packet.
///
/// # Errors
///
/// Says what is wrong with it.
pub fn packet(bytes: &[u8], version: Version) -> Result<Packet<'_>, Malformed> {
    let first = *bytes.first().ok_or(Wrong("an empty packet"))?;
    let header = 2 + bytes.iter().skip(1).take_while(|byte| **byte & 0x80 != 0).count();
    let rest = bytes.get(header..).ok_or(Wrong("a packet without its length"))?;
    let mut parser = Parser { reader: Reader::new(rest), version };
    let packet = match (first >> 4, first & 0x0f) {
        (1, 0) => Packet::Connect(parser.connect()?),
        (2, 0) => {
            let (flags, reason) = (parser.reader.byte()?, parser.reader.byte()?);
            if flags > 1 {
                return Err(Wrong("flags that a connection's acknowledgement does not have"));
            }
            Packet::ConnAck { present: flags == 1, reason, properties: parser.properties()? }
        }
        (3, flags) => Packet::Publish(parser.publish(flags)?),
        (4, 0) => parser.ack(Step::Acknowledged)?,
        (5, 0) => parser.ack(Step::Received)?,
        (6, 2) => parser.ack(Step::Release)?,
        (7, 0) => parser.ack(Step::Complete)?,
        (8, 2) => {
            let id = parser.id()?;
            parser.properties()?;
            let mut filters = Vec::new();
            while !parser.reader.is_empty() {
                filters.push(parser.filter()?);
            }
            Packet::Subscribe { id, filters: some(filters)? }
        }
        (9, 0) => {
            let id = parser.id()?;
            parser.properties()?;
            Packet::SubAck { id, reasons: parser.reader.all() }
        }
        (10, 2) => {
            let id = parser.id()?;
            parser.properties()?;
            let mut filters = Vec::new();
            while !parser.reader.is_empty() {
                filters.push(parser.reader.text()?);
            }
            Packet::Unsubscribe { id, filters: some(filters)? }
        }
        (11, 0) => {
            let id = parser.id()?;
            parser.properties()?;
            parser.reader.all();
            Packet::UnsubAck { id }
        }
        (12, 0) => Packet::PingReq,
        (13, 0) => Packet::PingResp,
        (14, 0) => {
            let reason = if parser.reader.is_empty() { 0 } else { parser.reader.byte()? };
            if !parser.reader.is_empty() {
                parser.properties()?;
            }
            Packet::Disconnect { reason }
        }
        _ => return Err(Wrong("a packet of no kind")),
    };
    if parser.reader.is_empty() { Ok(packet) } else { Err(Wrong("a packet with more in it than belongs there")) }
}

fn some<T>(filters: Vec<T>) -> Result<Vec<T>, Malformed> {
    if filters.is_empty() { Err(Wrong("a subscription to nothing")) } else { Ok(filters) }
}

/// What is left of a packet, and the version that it is read by.
struct Parser<'a> {
    reader: Reader<'a>,
    version: Version,
}

impl<'a> Parser<'a> {
    fn id(&mut self) -> Result<u16, Malformed> {
        self.reader.nonzero("a packet number of 0")
    }

    fn properties(&mut self) -> Result<Properties<'a>, Malformed> {
        match self.version {
            Version::V3 => Ok(Properties::default()),
            // Whoever refuses a version that it does not speak answers without properties.
            Version::V5 if self.reader.is_empty() => Ok(Properties::default()),
            Version::V5 => Properties::read(&mut self.reader),
        }
    }

    fn connect(&mut self) -> Result<Connect<'a>, Malformed> {
        if self.reader.text()? != "MQTT" {
            return Err(Wrong("another protocol"));
        }
        self.version = match self.reader.byte()? {
            4 => Version::V3,
            5 => Version::V5,
            _ => return Err(Wrong("a version that is not spoken here")),
        };
        let flags = self.reader.byte()?;
        let (has_user, has_password, has_will) = (flags & 0x80 != 0, flags & 0x40 != 0, flags & 0x04 != 0);
        let (will_qos, will_retain) = ((flags >> 3) & 3, flags & 0x20 != 0);
        let password_alone = has_password && !has_user && self.version == Version::V3;
        if flags & 1 != 0 || will_qos == 3 || (!has_will && flags & 0x38 != 0) || password_alone {
            return Err(Wrong("flags that contradict each other"));
        }
        let keepalive = self.reader.short()?;
        let properties = self.properties()?;
        let client = self.reader.text()?;
        let will = if has_will {
            self.properties()?;
            Some(Will {
                topic: topic(self.reader.text()?)?,
                payload: self.reader.binary()?,
                qos: will_qos,
                retain: will_retain,
            })
        } else {
            None
        };
        let user = if has_user { Some(self.reader.text()?) } else { None };
        let password = if has_password { Some(self.reader.binary()?) } else { None };
        let (version, clean) = (self.version, flags & 2 != 0);
        Ok(Connect { version, clean, keepalive, client, user, password, will, properties })
    }

    fn publish(&mut self, flags: u8) -> Result<Publish<'a>, Malformed> {
        let (qos, again) = ((flags >> 1) & 3, flags & 8 != 0);
        if qos == 3 {
            return Err(Wrong("a quality of service of 3"));
        }
        if qos == 0 && again {
            return Err(Wrong("a message of quality 0 that was sent before"));
        }
        let name = self.reader.text()?;
        let id = if qos > 0 { self.id()? } else { 0 };
        let alias = self.properties()?.alias;
        if alias.is_none() || !name.is_empty() {
            topic(name)?;
        }
        Ok(Publish { topic: name, alias, payload: self.reader.all(), qos, retain: flags & 1 != 0, again, id })
    }

    fn ack(&mut self, step: Step) -> Result<Packet<'a>, Malformed> {
        let id = self.id()?;
        let reason = if self.version == Version::V5 && !self.reader.is_empty() { self.reader.byte()? } else { 0 };
        if !self.reader.is_empty() {
            self.properties()?;
        }
        Ok(Packet::Ack { step, id, reason })
    }

    fn filter(&mut self) -> Result<Filter<'a>, Malformed> {
        let filter = self.reader.text()?;
        if !is_filter(filter) {
            return Err(Wrong("a filter with wildcards where none can be"));
        }
        let options = self.reader.byte()?;
        let (qos, kept) = (options & 3, (options >> 4) & 3);
        let plain = self.version == Version::V3;
        if qos == 3 || kept == 3 || options & 0xc0 != 0 || (plain && options > 2) {
            return Err(Wrong("a subscription with options that do not exist"));
        }
        Ok(Filter { filter, qos, no_local: options & 4 != 0, as_published: options & 8 != 0, kept })
    }
}

fn topic(topic: &str) -> Result<&str, Malformed> {
    if is_topic(topic.as_bytes()) { Ok(topic) } else { Err(Wrong("a topic that nobody can publish to")) }
}
