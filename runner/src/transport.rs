//! Transports: code that delivers requests over one protocol each. [`Transport`] is the closed list of them.
//!
//! Nothing here knows of scenarios, schedules or counts: bytes go in, an answer with its moments comes out.

pub mod address;
pub mod dial;
pub mod drip;
pub mod exchange;
pub mod failure;
pub mod http;
pub mod sink;
pub mod stream;
#[cfg(test)]
pub(crate) mod trial_server;

use std::task::{Context, Poll};

use self::dial::DialTimes;
use self::exchange::{Exchange, Expectation};
use self::failure::TransportError;
use self::http::{HttpConnection, HttpTransport};
use self::sink::{Sink, SinkConnection};

/// A way to one target.
#[derive(Debug)]
pub enum Transport {
    /// HTTP/1.1 in the clear or over TLS.
    Http(HttpTransport),
    /// A file, or nowhere.
    Sink(Sink),
}

/// An open connection to a target; carries one request at a time.
#[derive(Debug)]
pub enum Connection {
    /// HTTP/1.1.
    Http(Box<HttpConnection>),
    /// A file, or nowhere.
    Sink(SinkConnection),
}

impl Transport {
    /// Opens a connection and says how long that took.
    ///
    /// # Errors
    ///
    /// Says what kind of failure it was: no address, refused, out of ports, TLS.
    pub async fn connect(&self) -> Result<(Connection, DialTimes), TransportError> {
        match self {
            Self::Http(http) => {
                let (connection, times) = http.connect().await?;
                Ok((Connection::Http(Box::new(connection)), times))
            }
            Self::Sink(sink) => {
                let (connection, times) = sink.connect()?;
                Ok((Connection::Sink(connection), times))
            }
        }
    }
}

impl Connection {
    /// Forgets the exchange before, gets ready for the next.
    pub fn begin(&mut self, expectation: Expectation) {
        match self {
            Self::Http(http) => http.begin(expectation),
            Self::Sink(_) => {}
        }
    }

    /// Writes the request and reads its answer; to be called with the same request until it is ready.
    pub fn poll_exchange(&mut self, cx: &mut Context<'_>, request: &[u8]) -> Poll<Exchange> {
        match self {
            Self::Http(http) => http.poll_exchange(cx, request),
            Self::Sink(sink) => Poll::Ready(sink.exchange(request)),
        }
    }

    /// Ready once an idle connection has become useless: closed by the target, or talking out of turn.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Http(http) => http.poll_closed(cx),
            Self::Sink(_) => Poll::Pending,
        }
    }

    /// Asks the operating system, past the runtime's own view, whether an idle connection is still open.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Http(http) => http.is_open(),
            Self::Sink(_) => true,
        }
    }

    /// The kept part of the last answer's body.
    pub fn answer_body(&self) -> &[u8] {
        match self {
            Self::Http(http) => http.answer_body(),
            Self::Sink(_) => &[],
        }
    }
}
