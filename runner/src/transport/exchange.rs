//! What one request and its answer come to.

use std::time::{Duration, Instant};

use crate::transport::failure::TransportError;

/// What the sender wants of the answer.
#[derive(Clone, Copy, Debug)]
pub struct Expectation {
    /// Bytes of the body to keep; what is beyond is read and discarded.
    pub keep_body: usize,
    /// Whether the answer has no body whatever its head says (`HEAD`).
    pub head_only: bool,
    /// How fast the request is written, where that is to be slow.
    pub bytes_per_second: Option<u64>,
}

/// One request with its answer or failure.
#[derive(Debug)]
pub struct Exchange {
    /// When the first byte of the answer was read; none if there was none.
    pub first_byte: Option<Instant>,
    /// When the answer was complete, or the failure known.
    pub done: Instant,
    /// Bytes written.
    pub bytes_sent: u64,
    /// Bytes read, head included.
    pub bytes_received: u64,
    /// Whether the connection can carry another request.
    pub reusable: bool,
    /// The answer, or why there is none.
    pub result: Result<Answer, TransportError>,
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encoding {
    /// As gzip.
    Gzip,
    /// As zstd.
    Zstd,
    /// In a way that we cannot read.
    Unknown,
}

/// A complete answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Answer {
    /// Status code; 0 where answers have none.
    pub status: u16,
    /// How long the target asks to wait (`Retry-After`, in seconds or as a date).
    pub retry_after: Option<Duration>,
    /// How its body is compressed.
    pub encoding: Option<Encoding>,
    /// Whether the body is longer than what was kept of it.
    pub cut: bool,
}
