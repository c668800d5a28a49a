//! MQTT (3.1.1 and 5) as bytes: packets read and written, for both sides of a connection.
//!
//! Nothing that comes in is trusted: lengths are bounded before anything is kept, and a packet that breaks the protocol
//! is named so. Connections, sessions and clocks are others' business.

pub mod packet;
pub mod property;
pub mod read;
#[cfg(test)]
mod tests;
pub mod wire;
pub mod write;
