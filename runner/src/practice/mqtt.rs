//! The practice target's MQTT broker (3.1.1 and 5): qualities 0 to 2, wildcards, wills, kept messages and sessions, with
//! the same switches and the same account as requests. A GraphQL service answers behind it.
//!
//! Version 3.1.1 cannot refuse a message, so that a refusal closes the connection there; at quality 0 a message that is
//! refused is lost without a word, as the protocol has it.

mod bridge;
mod broker;
mod connection;
mod session;
#[cfg(test)]
mod tests;
mod topics;

pub(super) use broker::Broker;
pub(super) use connection::serve;

/// The first byte of a connection that speaks MQTT: no request begins so.
pub(super) const FIRST_BYTE: u8 = 0x10;
