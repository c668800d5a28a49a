//! Transports: code that delivers requests over one protocol each. [`Transport`] is the closed list of them.
//!
//! Nothing here knows of scenarios, schedules or counts: bytes go in, an answer with its moments comes out.

pub mod address;
pub mod channel;
pub mod dial;
pub mod drip;
pub mod exchange;
pub mod failure;
pub mod http;
pub mod mqtt;
pub mod names;
pub mod paced;
pub mod sink;
pub mod stream;
pub mod tls;
pub mod traffic;
#[cfg(test)]
pub(crate) mod trial_server;
#[cfg(test)]
pub(crate) mod trial_tls;
pub mod websocket;

use std::task::{Context, Poll};

use self::dial::DialTimes;
use self::exchange::{Exchange, Expectation};
use self::failure::TransportError;
use self::http::http2::Http2Stream;
use self::http::request::Outgoing;
use self::http::{HttpConnection, HttpTransport, Opened};
use self::sink::{Sink, SinkConnection};

/// A way to one target.
#[derive(Debug)]
pub enum Transport {
    /// HTTP/1.1 or HTTP/2, in the clear or over TLS.
    Http(Box<HttpTransport>),
    /// A file, or nowhere, for so many requests at the same time.
    Sink(Sink, usize),
}

/// An open connection to a target; carries one request at a time.
#[derive(Debug)]
pub enum Connection {
    /// HTTP/1.1.
    Http(Box<HttpConnection>),
    /// A stream of HTTP/2.
    Http2(Box<Http2Stream>),
    /// A file, or nowhere.
    Sink(SinkConnection),
}

impl Transport {
    /// Requests at the same time, at most, as far as is known.
    pub fn capacity(&self) -> usize {
        match self {
            Self::Http(http) => http.capacity(),
            Self::Sink(_, capacity) => *capacity,
        }
    }

    /// Opens a connection and says how long that took; no times for a place in one that was open already.
    ///
    /// # Errors
    ///
    /// Says what kind of failure it was: no address, refused, out of ports, TLS.
    pub async fn connect(&self) -> Result<(Connection, Option<DialTimes>), TransportError> {
        match self {
            Self::Http(http) => {
                let (opened, times) = http.connect().await?;
                let connection = match opened {
                    Opened::One(connection) => Connection::Http(Box::new(connection)),
                    Opened::Two(stream) => Connection::Http2(Box::new(stream)),
                };
                Ok((connection, times))
            }
            Self::Sink(sink, _) => {
                let (connection, times) = sink.connect()?;
                Ok((Connection::Sink(connection), Some(times)))
            }
        }
    }
}

impl Connection {
    /// Forgets the exchange before, gets ready for the next.
    pub fn begin(&mut self, expectation: Expectation) {
        match self {
            Self::Http(http) => http.begin(expectation),
            Self::Http2(stream) => stream.begin(expectation),
            Self::Sink(_) => {}
        }
    }

    /// Writes the request and reads its answer; to be called with the same request until it is ready.
    pub fn poll_exchange(&mut self, cx: &mut Context<'_>, request: &Outgoing<'_>) -> Poll<Exchange> {
        match self {
            Self::Http(http) => http.poll_exchange(cx, request.wire),
            Self::Http2(stream) => stream.poll_exchange(cx, request),
            Self::Sink(sink) => Poll::Ready(sink.exchange(request.wire)),
        }
    }

    /// Ready once an idle connection has become useless: closed by the target, or talking out of turn.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Http(http) => http.poll_closed(cx),
            Self::Http2(stream) => stream.poll_closed(cx),
            Self::Sink(_) => Poll::Pending,
        }
    }

    /// Asks the operating system, past the runtime's own view, whether an idle connection is still open.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Http(http) => http.is_open(),
            Self::Http2(stream) => stream.is_open(),
            Self::Sink(_) => true,
        }
    }

    /// Whether nothing else is under way in the connection: it ends with this.
    pub fn is_last(&self) -> bool {
        match self {
            Self::Http(_) => true,
            Self::Http2(stream) => stream.is_last(),
            Self::Sink(_) => true,
        }
    }

    /// Closes the connection instead of sending: a fault. Letting go of it is enough where it carries nothing else.
    pub fn cut(&self) {
        match self {
            Self::Http2(stream) => stream.cut(),
            Self::Http(_) | Self::Sink(_) => {}
        }
    }

    /// The kept part of the last answer's body.
    pub fn answer_body(&self) -> &[u8] {
        match self {
            Self::Http(http) => http.answer_body(),
            Self::Http2(stream) => stream.answer_body(),
            Self::Sink(_) => &[],
        }
    }
}
