//! HTTP/2: connections that carry many requests at the same time, each in a stream of its own.
//!
//! All of it lives on one thread: what streams share is in cells, and nothing is locked.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use shared::run::FailureKind;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::answer::{MAX_BODY, NO_ANSWER, too_large};
use super::header;
use super::request::Outgoing;
use crate::transport::drip::Drip;
use crate::transport::exchange::{Answer, Exchange, Expectation};
use crate::transport::failure::TransportError;
use crate::transport::stream::Stream;

/// What a target may send ahead of being read, for one request and for a connection.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// Longest head of an answer.
const MAX_HEAD: u32 = 64 * 1024;

/// The connections to one address, for the streams in them.
#[derive(Debug)]
pub(super) struct Connections {
    /// Connections at most.
    most: usize,
    /// Streams in each, at most.
    streams: u32,
    open: RefCell<Vec<Weak<Shared>>>,
    opening: Cell<usize>,
    changed: Rc<Notify>,
    drivers: RefCell<JoinSet<()>>,
}

/// One connection as its streams see it.
#[derive(Debug)]
struct Shared {
    sender: SendRequest<Bytes>,
    streams: Cell<u32>,
    over: Cell<bool>,
    /// Idle streams to tell of the end.
    idle: RefCell<Vec<Waker>>,
    traffic: Rc<Traffic>,
    changed: Rc<Notify>,
    /// Ends the connection at once.
    cut: Rc<Notify>,
}

/// Bytes that went over a connection and were not told yet.
#[derive(Debug, Default)]
struct Traffic {
    sent: Cell<u64>,
    received: Cell<u64>,
}

/// A place in a connection; carries one request at a time.
#[derive(Debug)]
pub struct Http2Stream {
    shared: Rc<Shared>,
    sender: SendRequest<Bytes>,
    phase: Phase,
    expectation: Expectation,
    answer: Answer,
    body: Vec<u8>,
    body_length: u64,
    first_byte: Option<Instant>,
}

#[derive(Debug)]
enum Phase {
    /// Nothing was sent yet.
    Fresh,
    /// Sent; the body goes as fast as the target takes it, or as slowly as it is to go.
    Sent { response: ResponseFuture, body: SendStream<Bytes>, slow: Option<Slow> },
    /// The head of the answer is there.
    Body { rest: RecvStream, body: SendStream<Bytes>, slow: Option<Slow> },
    /// Over.
    Done,
}

/// A body that is sent slowly on purpose.
#[derive(Debug)]
struct Slow {
    drip: Drip,
    sent: usize,
}

impl Slow {
    /// Sends what may be on its way by now.
    fn go_on(&mut self, cx: &mut Context<'_>, stream: &mut SendStream<Bytes>, body: &[u8]) -> Result<(), h2::Error> {
        let allowed = self.drip.poll_allowed(cx, body.len());
        if allowed > self.sent {
            stream.send_data(Bytes::copy_from_slice(&body[self.sent..allowed]), allowed == body.len())?;
            self.sent = allowed;
        }
        Ok(())
    }

    fn is_done(&self, body: &[u8]) -> bool {
        self.sent == body.len()
    }
}

/// The right to open a connection; others wait for what comes of it.
pub(super) struct Turn<'a>(&'a Connections);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.opening.set(self.0.opening.get() - 1);
        self.0.changed.notify_waiters();
    }
}

impl Connections {
    /// No connections yet.
    pub(super) fn new(most: usize, streams: u32) -> Self {
        Self {
            most: most.max(1),
            streams: streams.max(1),
            open: RefCell::default(),
            opening: Cell::new(0),
            changed: Rc::default(),
            drivers: RefCell::default(),
        }
    }

    /// Streams at most, by what the targets of the open connections allow.
    pub(super) fn most_streams(&self) -> usize {
        let allowed = |shared: Rc<Shared>| shared.sender.current_max_send_streams();
        let least = self.open.borrow().iter().filter_map(Weak::upgrade).map(allowed).min();
        self.most * (self.streams as usize).min(least.unwrap_or(usize::MAX)).max(1)
    }

    /// Whether there is any.
    pub(super) fn is_empty(&self) -> bool {
        self.open.borrow().iter().all(|shared| shared.strong_count() == 0)
    }

    /// Turns true with each change.
    pub(super) fn changed(&self) -> &Notify {
        &self.changed
    }

    /// A place in the emptiest connection, once there are as many connections as there may be.
    pub(super) fn join(&self) -> Option<Http2Stream> {
        let mut open = self.open.borrow_mut();
        open.retain(|shared| shared.upgrade().is_some_and(|shared| !shared.over.get()));
        if open.len() + self.opening.get() < self.most {
            return None;
        }
        let emptiest = open.iter().filter_map(Weak::upgrade).min_by_key(|shared| shared.streams.get())?;
        (emptiest.streams.get() < self.streams).then(|| Http2Stream::new(emptiest))
    }

    /// The right to open another connection; `alone` while it is not known which version the target speaks.
    pub(super) fn turn(&self, alone: bool) -> Option<Turn<'_>> {
        let (open, opening) = (self.open.borrow().len(), self.opening.get());
        let free = if alone { opening == 0 } else { open + opening < self.most };
        free.then(|| {
            self.opening.set(opening + 1);
            Turn(self)
        })
    }

    /// Makes a connection of a byte stream.
    pub(super) async fn open(&self, stream: Stream) -> Result<Http2Stream, TransportError> {
        let traffic = Rc::new(Traffic::default());
        let counted = Counted { stream, traffic: Rc::clone(&traffic) };
        let handshake = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEAD)
            .handshake::<_, Bytes>(counted);
        let (sender, connection) = handshake.await.map_err(|error| failed(&error))?;
        let shared = Rc::new(Shared {
            sender,
            streams: Cell::new(0),
            over: Cell::new(false),
            idle: RefCell::default(),
            traffic,
            changed: Rc::clone(&self.changed),
            cut: Rc::default(),
        });
        let cut = Rc::clone(&shared.cut);
        let watched = Rc::downgrade(&shared);
        let mut drivers = self.drivers.borrow_mut();
        while drivers.try_join_next().is_some() {}
        // Ends with the last stream, which holds the last sender.
        drivers.spawn_local(async move {
            tokio::select! {
                // What went wrong is told to each stream that it hits.
                _ended = connection => {}
                () = cut.notified() => {}
            }
            if let Some(shared) = watched.upgrade() {
                shared.end();
            }
        });
        self.open.borrow_mut().push(Rc::downgrade(&shared));
        Ok(Http2Stream::new(shared))
    }
}

impl Shared {
    fn end(&self) {
        self.over.set(true);
        self.idle.borrow_mut().drain(..).for_each(Waker::wake);
        self.changed.notify_waiters();
    }
}

impl Drop for Http2Stream {
    fn drop(&mut self) {
        self.shared.streams.set(self.shared.streams.get() - 1);
        self.shared.changed.notify_waiters();
    }
}

impl Http2Stream {
    fn new(shared: Rc<Shared>) -> Self {
        shared.streams.set(shared.streams.get() + 1);
        Self {
            sender: shared.sender.clone(),
            shared,
            phase: Phase::Done,
            expectation: Expectation { keep_body: 0, head_only: false, bytes_per_second: None },
            answer: NO_ANSWER,
            body: Vec::new(),
            body_length: 0,
            first_byte: None,
        }
    }

    /// Gets ready for the next request.
    pub fn begin(&mut self, expectation: Expectation) {
        self.phase = Phase::Fresh;
        self.expectation = expectation;
        self.answer = NO_ANSWER;
        self.body.clear();
        self.body_length = 0;
        self.first_byte = None;
    }

    /// Writes the request, reads the answer.
    pub fn poll_exchange(&mut self, cx: &mut Context<'_>, request: &Outgoing<'_>) -> Poll<Exchange> {
        if let Err(error) = self.send_slowly(cx, request.body) {
            return Poll::Ready(self.over(Err(failed(&error))));
        }
        loop {
            match &mut self.phase {
                Phase::Fresh => {
                    match self.sender.poll_ready(cx) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Err(error)) => return Poll::Ready(self.over(Err(failed(&error)))),
                        Poll::Ready(Ok(())) => {}
                    }
                    if let Err(error) = self.send(cx, request) {
                        return Poll::Ready(self.over(Err(failed(&error))));
                    }
                }
                Phase::Sent { response, .. } => match Pin::new(response).poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(error)) => return Poll::Ready(self.over(Err(failed(&error)))),
                    Poll::Ready(Ok(response)) => self.head(response),
                },
                Phase::Body { rest, .. } => match rest.poll_data(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(None) => return Poll::Ready(self.over(Ok(()))),
                    Poll::Ready(Some(Err(error))) => {
                        let mut error = failed(&error);
                        if error.kind == FailureKind::ConnectionReset {
                            error.kind = FailureKind::AnswerCut;
                        }
                        return Poll::Ready(self.over(Err(error)));
                    }
                    Poll::Ready(Some(Ok(data))) => {
                        // Fails only for more than was received.
                        let _released = rest.flow_control().release_capacity(data.len());
                        if let Err(error) = self.take(&data) {
                            return Poll::Ready(self.over(Err(error)));
                        }
                    }
                },
                Phase::Done => {
                    let detail = "asked for an answer without a request";
                    return Poll::Ready(self.over(Err(TransportError::new(FailureKind::Protocol, detail))));
                }
            }
        }
    }

    /// Ready once the connection is over.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.shared.over.get() {
            return Poll::Ready(());
        }
        let mut idle = self.shared.idle.borrow_mut();
        if !idle.iter().any(|known| known.will_wake(cx.waker())) {
            idle.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Whether the connection goes on.
    pub fn is_open(&self) -> bool {
        !self.shared.over.get()
    }

    /// Whether the connection ends with this stream.
    pub fn is_last(&self) -> bool {
        self.shared.streams.get() == 1
    }

    /// Closes the connection, whatever else is under way in it.
    pub fn cut(&self) {
        self.shared.end();
        self.shared.cut.notify_one();
    }

    /// The kept part of the last answer's body.
    pub fn answer_body(&self) -> &[u8] {
        &self.body
    }

    fn send(&mut self, cx: &mut Context<'_>, request: &Outgoing<'_>) -> Result<(), h2::Error> {
        let body = if request.head.has_body() { request.body } else { &[] };
        let (response, mut stream) = self.sender.send_request(request.head.for_http2(body.len()), body.is_empty())?;
        let slow = self.expectation.bytes_per_second.filter(|_speed| !body.is_empty());
        let mut slow = slow.map(|speed| Slow { drip: Drip::new(speed), sent: 0 });
        match &mut slow {
            Some(slow) => slow.go_on(cx, &mut stream, body)?,
            None if body.is_empty() => {}
            None => stream.send_data(Bytes::copy_from_slice(body), true)?,
        }
        self.phase = Phase::Sent { response, body: stream, slow };
        Ok(())
    }

    /// Sends more of a body that goes slowly on purpose.
    fn send_slowly(&mut self, cx: &mut Context<'_>, whole: &[u8]) -> Result<(), h2::Error> {
        let (Phase::Sent { body, slow: Some(slow), .. } | Phase::Body { body, slow: Some(slow), .. }) = &mut self.phase
        else {
            return Ok(());
        };
        if slow.is_done(whole) { Ok(()) } else { slow.go_on(cx, body, whole) }
    }

    fn head(&mut self, response: http::Response<RecvStream>) {
        self.first_byte = Some(Instant::now());
        let (head, rest) = response.into_parts();
        let value = |name| head.headers.get(name).map(http::HeaderValue::as_bytes);
        self.answer.status = head.status.as_u16();
        self.answer.encoding = value(http::header::CONTENT_ENCODING).and_then(header::encoding);
        self.answer.retry_after = value(http::header::RETRY_AFTER)
            .and_then(|wait| header::retry_after(wait.trim_ascii(), value(http::header::DATE)));
        self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Sent { body, slow, .. } => Phase::Body { rest, body, slow },
            other => other,
        };
    }

    fn take(&mut self, data: &[u8]) -> Result<(), TransportError> {
        self.body_length += data.len() as u64;
        if self.body_length > MAX_BODY {
            return Err(too_large());
        }
        let room = self.expectation.keep_body.saturating_sub(self.body.len());
        self.body.extend_from_slice(&data[..data.len().min(room)]);
        Ok(())
    }

    /// The end of an exchange. A stream that is not over is reset by letting go of it.
    fn over(&mut self, result: Result<(), TransportError>) -> Exchange {
        self.phase = Phase::Done;
        let traffic = &self.shared.traffic;
        Exchange {
            first_byte: self.first_byte,
            done: Instant::now(),
            // Streams share their connection's bytes: each tells what went over it since the last one that told.
            bytes_sent: traffic.sent.take(),
            bytes_received: traffic.received.take(),
            reusable: !self.shared.over.get(),
            result: result.map(|()| Answer { cut: self.body_length > self.body.len() as u64, ..self.answer }),
        }
    }
}

fn failed(error: &h2::Error) -> TransportError {
    if let Some(error) = error.get_io() {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => TransportError::new(FailureKind::NoAnswer, error.to_string()),
            _ => TransportError::exchanging(error),
        };
    }
    let kind = if error.is_go_away() && error.is_remote() {
        FailureKind::ConnectionReset
    } else if error.is_reset() && error.is_remote() {
        FailureKind::StreamReset
    } else {
        FailureKind::Protocol
    };
    TransportError::new(kind, error.to_string())
}

/// A byte stream that counts.
struct Counted {
    stream: Stream,
    traffic: Rc<Traffic>,
}

impl Counted {
    fn sent(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = &written {
            self.traffic.sent.set(self.traffic.sent.get() + *count as u64);
        }
        written
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let space = buffer.initialize_unfilled();
        match self.stream.poll_read(cx, space) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(count)) => {
                self.traffic.received.set(self.traffic.received.get() + count as u64);
                buffer.advance(count);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream.poll_write(cx, bytes);
        self.sent(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream.poll_write_vectored(cx, pieces);
        self.sent(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_shutdown(cx)
    }
}
