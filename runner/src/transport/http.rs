//! HTTP/1.1 by a thin loop: head and body in one write, one read buffer per connection, answers parsed in place.

pub mod answer;
pub mod request;

use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

use shared::run::FailureKind;

use crate::transport::dial::{DialTimes, Dialer};
use crate::transport::exchange::{Answer, Exchange, Expectation};
use crate::transport::failure::TransportError;
use crate::transport::http::answer::AnswerReader;
use crate::transport::stream::Stream;

/// Bytes asked of the operating system in one read.
const READ_SIZE: usize = 16 * 1024;

/// HTTP/1.1 to one address.
#[derive(Debug)]
pub struct HttpTransport {
    dialer: Dialer,
}

impl HttpTransport {
    /// A transport over a dialer.
    pub fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// Says what kind of failure it was.
    pub async fn connect(&self) -> Result<(HttpConnection, DialTimes), TransportError> {
        let (stream, times) = self.dialer.dial().await?;
        Ok((HttpConnection::new(stream), times))
    }
}

/// A connection that carries one request at a time.
#[derive(Debug)]
pub struct HttpConnection {
    stream: Stream,
    space: Box<[u8]>,
    reader: AnswerReader,
    written: usize,
    flushed: bool,
    /// A failed write; the target may have answered all the same, so that reading goes on.
    write_error: Option<io::Error>,
    first_byte: Option<Instant>,
    received: u64,
}

impl HttpConnection {
    fn new(stream: Stream) -> Self {
        Self {
            stream,
            space: vec![0; READ_SIZE].into_boxed_slice(),
            reader: AnswerReader::new(),
            written: 0,
            flushed: false,
            write_error: None,
            first_byte: None,
            received: 0,
        }
    }

    /// Gets ready for the next request.
    pub fn begin(&mut self, expectation: Expectation) {
        self.reader.begin(expectation.keep_body, expectation.head_only);
        self.written = 0;
        self.flushed = false;
        self.write_error = None;
        self.first_byte = None;
        self.received = 0;
    }

    /// Writes the request, reads the answer.
    pub fn poll_exchange(&mut self, cx: &mut Context<'_>, request: &[u8]) -> Poll<Exchange> {
        self.poll_send(cx, request);
        loop {
            // Read while writing as well: a target may answer (and stop listening) before the request is complete.
            match self.stream.poll_read(cx, &mut self.space) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => return Poll::Ready(self.ended()),
                Poll::Ready(Ok(count)) => {
                    let now = Instant::now();
                    self.first_byte.get_or_insert(now);
                    self.received += count as u64;
                    match self.reader.feed(&self.space[..count]) {
                        Ok(None) => {}
                        Ok(Some(answer)) => return Poll::Ready(self.answered(answer, now, request)),
                        Err(error) => return Poll::Ready(self.failed(error, now)),
                    }
                }
                Poll::Ready(Err(error)) => {
                    let error = self.write_error.take().unwrap_or(error);
                    return Poll::Ready(self.failed(TransportError::exchanging(&error), Instant::now()));
                }
            }
        }
    }

    /// Ready once the idle connection is closed or has unasked bytes.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_read(cx, &mut self.space).map(|_outcome| ())
    }

    /// Asks the operating system whether the connection is still open and silent.
    pub fn is_open(&self) -> bool {
        self.stream.is_silent()
    }

    /// The kept part of the last answer's body.
    pub fn answer_body(&self) -> &[u8] {
        self.reader.body()
    }

    /// Writes as much as goes; what goes wrong here is told by the read that follows.
    fn poll_send(&mut self, cx: &mut Context<'_>, request: &[u8]) {
        while self.written < request.len() && self.write_error.is_none() {
            match self.stream.poll_write(cx, &request[self.written..]) {
                Poll::Pending => return,
                Poll::Ready(Ok(0)) => self.write_error = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(error)) => self.write_error = Some(error),
            }
        }
        if self.written == request.len() && !self.flushed && self.write_error.is_none() {
            match self.stream.poll_flush(cx) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) => self.flushed = true,
                Poll::Ready(Err(error)) => self.write_error = Some(error),
            }
        }
    }

    fn answered(&self, answer: Answer, now: Instant, request: &[u8]) -> Exchange {
        let whole = self.written == request.len() && self.write_error.is_none();
        self.exchange(now, whole && self.reader.keeps_alive(), Ok(answer))
    }

    /// The target closed: that ends an answer without a length, and breaks every other.
    fn ended(&mut self) -> Exchange {
        let now = Instant::now();
        match self.reader.end() {
            Some(answer) => self.exchange(now, false, Ok(answer)),
            None => {
                let detail = match (&self.write_error, self.first_byte) {
                    (Some(error), None) => error.to_string(),
                    (_, None) => "closed without an answer".to_owned(),
                    (_, Some(_)) => "closed inside the answer".to_owned(),
                };
                self.failed(TransportError::new(FailureKind::ConnectionReset, detail), now)
            }
        }
    }

    fn failed(&self, error: TransportError, now: Instant) -> Exchange {
        self.exchange(now, false, Err(error))
    }

    fn exchange(&self, done: Instant, reusable: bool, result: Result<Answer, TransportError>) -> Exchange {
        Exchange {
            first_byte: self.first_byte,
            done,
            bytes_sent: self.written as u64,
            bytes_received: self.received,
            reusable,
            result,
        }
    }
}
