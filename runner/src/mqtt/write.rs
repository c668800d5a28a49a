//! From packets to bytes, appended to a buffer.

use super::packet::{Connect, Filter, Publish, Step, Version};
use super::property::Properties;
use super::wire::{put_text, put_variable};

const DISCONNECT: u8 = 0xe0;

/// Appends a client's introduction.
pub fn connect(out: &mut Vec<u8>, connect: &Connect<'_>) {
    let mut flags = u8::from(connect.clean) << 1;
    if let Some(will) = &connect.will {
        flags |= 0x04 | will.qos << 3 | u8::from(will.retain) << 5;
    }
    flags |= u8::from(connect.user.is_some()) << 7 | u8::from(connect.password.is_some()) << 6;
    let mut body = Vec::with_capacity(64);
    put_text(&mut body, b"MQTT");
    body.extend_from_slice(&[connect.version.level(), flags]);
    body.extend_from_slice(&connect.keepalive.to_be_bytes());
    properties(&mut body, connect.version, &connect.properties);
    put_text(&mut body, connect.client.as_bytes());
    if let Some(will) = &connect.will {
        properties(&mut body, connect.version, &Properties::default());
        put_text(&mut body, will.topic.as_bytes());
        put_text(&mut body, will.payload);
    }
    for text in [connect.user.map(str::as_bytes), connect.password].into_iter().flatten() {
        put_text(&mut body, text);
    }
    whole(out, 0x10, &body);
}

/// Appends a broker's answer to an introduction.
pub fn connack(out: &mut Vec<u8>, version: Version, present: bool, reason: u8, allowed: &Properties<'_>) {
    let mut body = vec![u8::from(present), reason];
    properties(&mut body, version, allowed);
    whole(out, 0x20, &body);
}

/// Appends a message; gives its size.
pub fn publish(out: &mut Vec<u8>, version: Version, message: &Publish<'_>) -> usize {
    let before = out.len();
    let numbered = message.qos > 0;
    let named = match (version, message.alias) {
        (Version::V3, _) => 0,
        (Version::V5, None) => 1,
        (Version::V5, Some(_)) => 4,
    };
    let topic = message.topic.len();
    out.push(0x30 | u8::from(message.again) << 3 | message.qos << 1 | u8::from(message.retain));
    put_variable(out, 2 + topic + 2 * usize::from(numbered) + named + message.payload.len());
    put_text(out, message.topic.as_bytes());
    if numbered {
        out.extend_from_slice(&message.id.to_be_bytes());
    }
    if version == Version::V5 {
        properties(out, version, &Properties { alias: message.alias, ..Properties::default() });
    }
    out.extend_from_slice(message.payload);
    out.len() - before
}

/// Appends a step of an acknowledgement.
pub fn ack(out: &mut Vec<u8>, version: Version, step: Step, id: u16, reason: u8) {
    let [high, low] = id.to_be_bytes();
    if version == Version::V3 || reason == 0 {
        out.extend_from_slice(&[step.head(), 2, high, low]);
    } else {
        out.extend_from_slice(&[step.head(), 3, high, low, reason]);
    }
}

/// Appends the wish to hear of topics.
pub fn subscribe(out: &mut Vec<u8>, version: Version, id: u16, filters: &[Filter<'_>]) {
    let mut body = id.to_be_bytes().to_vec();
    properties(&mut body, version, &Properties::default());
    for filter in filters {
        put_text(&mut body, filter.filter.as_bytes());
        body.push(match version {
            Version::V3 => filter.qos,
            Version::V5 => filter.options(),
        });
    }
    whole(out, 0x82, &body);
}

/// Appends what became of a subscription, filter by filter.
pub fn suback(out: &mut Vec<u8>, version: Version, id: u16, reasons: &[u8]) {
    let mut body = id.to_be_bytes().to_vec();
    properties(&mut body, version, &Properties::default());
    body.extend_from_slice(reasons);
    whole(out, 0x90, &body);
}

/// Appends the wish not to hear of topics any more.
pub fn unsubscribe(out: &mut Vec<u8>, version: Version, id: u16, filters: &[&str]) {
    let mut body = id.to_be_bytes().to_vec();
    properties(&mut body, version, &Properties::default());
    filters.iter().for_each(|filter| put_text(&mut body, filter.as_bytes()));
    whole(out, 0xa2, &body);
}

/// Appends what became of that.
pub fn unsuback(out: &mut Vec<u8>, version: Version, id: u16, reasons: &[u8]) {
    let mut body = id.to_be_bytes().to_vec();
    properties(&mut body, version, &Properties::default());
    if version == Version::V5 {
        body.extend_from_slice(reasons);
    }
    whole(out, 0xb0, &body);
}

/// Appends a question whether the broker is there.
pub fn pingreq(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xc0, 0]);
}

/// Appends the answer.
pub fn pingresp(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xd0, 0]);
}

/// Appends a good-bye; only version 5 has room for a reason.
pub fn disconnect(out: &mut Vec<u8>, version: Version, reason: u8) {
    if version == Version::V3 || reason == 0 {
        out.extend_from_slice(&[DISCONNECT, 0]);
    } else {
        out.extend_from_slice(&[DISCONNECT, 1, reason]);
    }
}

fn properties(out: &mut Vec<u8>, version: Version, properties: &Properties<'_>) {
    if version == Version::V5 {
        if *properties == Properties::default() {
            out.push(0);
        } else {
            properties.write(out);
        }
    }
}

fn whole(out: &mut Vec<u8>, head: u8, body: &[u8]) {
    out.push(head);
    put_variable(out, body.len());
    out.extend_from_slice(body);
}
