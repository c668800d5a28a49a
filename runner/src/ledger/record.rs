//! An entry as bytes: what repeats is left out, numbers take as many bytes as they need.

use shared::event_id::{EventId, Origin};

use super::{Entry, Outcome};
use crate::fingerprint::{Fingerprint, Key};

/// Bits of an entry's first byte, beside its outcome.
const OUTCOME: u8 = 0b111;
const CONTINUES: u8 = 1 << 3;
const OWN_ID: u8 = 1 << 4;
const BY_CONTENT: u8 = 1 << 5;
const RETRIED_BLINDLY: u8 = 1 << 6;
const OTHER_LOAD: u8 = 1 << 7;

/// What the entry before leaves out of the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Context {
    sent_us: u64,
    done_us: u64,
    status: u16,
    load: u16,
}

/// Appends an entry.
pub(super) fn write(entry: &Entry, context: &mut Context, out: &mut Vec<u8>) {
    let Entry { id, entity, fingerprint, outcome, retried_blindly, continues, sent_us, done_us, status } = *entry;
    let own_id = fingerprint.key == Key(id.0);
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.push(
        code(outcome)
            | flag(continues, CONTINUES)
            | flag(own_id, OWN_ID)
            | flag(fingerprint.by_content, BY_CONTENT)
            | flag(retried_blindly, RETRIED_BLINDLY)
            | flag(id.load() != context.load, OTHER_LOAD),
    );
    if id.load() != context.load {
        number(id.load().into(), out);
    }
    let origin = id.origin();
    number(origin.workload.into(), out);
    number(origin.entity, out);
    number(origin.step.into(), out);
    // Mostly the event's user is what it was planned with, or close to it.
    signed(entity.wrapping_sub(origin.entity) as i64, out);
    out.extend_from_slice(&fingerprint.digest.to_le_bytes());
    if !own_id && !fingerprint.by_content {
        out.extend_from_slice(&fingerprint.key.0.to_le_bytes());
    }
    if !continues {
        signed(sent_us.wrapping_sub(context.sent_us) as i64, out);
        number(done_us.saturating_sub(sent_us), out);
        number(status.into(), out);
    }
    *context = Context { sent_us, done_us, status, load: id.load() };
}

/// Reads an entry; none when the bytes are not one.
pub(super) fn read(bytes: &mut &[u8], context: &mut Context, seed: u64) -> Option<Entry> {
    let flags = take::<1>(bytes)?[0];
    if flags & OTHER_LOAD != 0 {
        context.load = u16::try_from(take_number(bytes)?).ok()?;
    }
    let origin = Origin {
        workload: u16::try_from(take_number(bytes)?).ok()?,
        entity: take_number(bytes)?,
        step: u32::try_from(take_number(bytes)?).ok()?,
    };
    let id = EventId::new(origin, seed).under_load(context.load);
    let entity = origin.entity.wrapping_add(take_signed(bytes)? as u64);
    let digest = u64::from_le_bytes(take::<8>(bytes)?);
    let by_content = flags & BY_CONTENT != 0;
    let key = if flags & OWN_ID != 0 {
        Key(id.0)
    } else if by_content {
        Key::of_content(digest)
    } else {
        Key(u128::from_le_bytes(take::<16>(bytes)?))
    };
    let continues = flags & CONTINUES != 0;
    if !continues {
        context.sent_us = context.sent_us.wrapping_add(take_signed(bytes)? as u64);
        context.done_us = context.sent_us.saturating_add(take_number(bytes)?);
        context.status = u16::try_from(take_number(bytes)?).ok()?;
    }
    Some(Entry {
        id,
        entity,
        fingerprint: Fingerprint { key, digest, by_content },
        outcome: outcome(flags & OUTCOME)?,
        retried_blindly: flags & RETRIED_BLINDLY != 0,
        continues,
        sent_us: context.sent_us,
        done_us: context.done_us,
        status: context.status,
    })
}

const fn code(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Acknowledged => 0,
        Outcome::Known => 1,
        Outcome::Refused => 2,
        Outcome::InDoubt => 3,
        Outcome::Partly => 4,
    }
}

const fn outcome(code: u8) -> Option<Outcome> {
    match code {
        0 => Some(Outcome::Acknowledged),
        1 => Some(Outcome::Known),
        2 => Some(Outcome::Refused),
        3 => Some(Outcome::InDoubt),
        4 => Some(Outcome::Partly),
        _ => None,
    }
}

/// Seven bits in each byte, the lowest first (LEB128).
fn number(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed(value: i64, out: &mut Vec<u8>) {
    number(((value << 1) ^ (value >> 63)) as u64, out);
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take::<1>(bytes)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    let value = take_number(bytes)?;
    Some((value >> 1) as i64 ^ -((value & 1) as i64))
}
