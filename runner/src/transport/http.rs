//! HTTP/1.1 by a thin loop: head and body in one write, one read buffer per connection, answers parsed in place. HTTP/2
//! is below, in [`http2`].

pub mod answer;
mod header;
pub mod http2;
pub mod request;

use std::cell::{Cell, RefCell};
use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

use shared::run::FailureKind;

use crate::transport::dial::{DialTimes, Dialer};
use crate::transport::drip::Drip;
use crate::transport::exchange::{Answer, Exchange, Expectation};
use crate::transport::failure::TransportError;
use crate::transport::http::answer::AnswerReader;
use crate::transport::http::http2::{Connections, Http2Stream};
use crate::transport::stream::Stream;

/// Bytes asked of the operating system in one read.
const READ_SIZE: usize = 16 * 1024;

thread_local! {
    /// What is read lands here and is taken in at once, whichever connection it came from: the space stays in the
    /// processor's cache, and a thousand connections need no more of it than one.
    static SPACE: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into_boxed_slice());
}

/// Which version of HTTP is spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// HTTP/1.1.
    One,
    /// HTTP/2 or nothing.
    Two,
    /// What the target chooses under TLS; HTTP/1.1 in the clear.
    Negotiated,
}

impl Version {
    /// What is offered under TLS, best first.
    pub fn protocols(self) -> Vec<Vec<u8>> {
        let names: &[&[u8]] = match self {
            Self::One => &[b"http/1.1"],
            Self::Two => &[HTTP2],
            Self::Negotiated => &[HTTP2, b"http/1.1"],
        };
        names.iter().map(|name| name.to_vec()).collect()
    }
}

/// HTTP/2's name under TLS.
const HTTP2: &[u8] = b"h2";

/// How many requests at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Connections at most, of HTTP/1.1.
    pub connections: usize,
    /// Connections at most, of HTTP/2.
    pub http2_connections: usize,
    /// Streams of each connection at most, of HTTP/2.
    pub streams: u32,
}

/// HTTP to one address.
#[derive(Debug)]
pub struct HttpTransport {
    dialer: Dialer,
    version: Version,
    connections: usize,
    http2: Connections,
    /// The target was asked and chose HTTP/1.1.
    chose_one: Cell<bool>,
}

/// What a request can travel in.
#[derive(Debug)]
pub enum Opened {
    /// A connection of HTTP/1.1.
    One(HttpConnection),
    /// A stream of HTTP/2.
    Two(Http2Stream),
}

impl HttpTransport {
    /// A transport over a dialer.
    pub fn new(dialer: Dialer, version: Version, capacity: Capacity) -> Self {
        let version = match version {
            Version::Negotiated if !dialer.address().secure => Version::One,
            given => given,
        };
        Self {
            dialer,
            version,
            connections: capacity.connections,
            http2: Connections::new(capacity.http2_connections, capacity.streams),
            chose_one: Cell::new(false),
        }
    }

    /// Requests at the same time, at most, as far as is known.
    pub fn capacity(&self) -> usize {
        match self.version {
            Version::One => self.connections,
            Version::Two => self.http2.most_streams(),
            Version::Negotiated if self.http2.is_empty() => self.connections,
            Version::Negotiated => self.http2.most_streams(),
        }
    }

    /// Opens a connection, or a stream in one that is open: then there are no times.
    ///
    /// # Errors
    ///
    /// Says what kind of failure it was.
    pub async fn connect(&self) -> Result<(Opened, Option<DialTimes>), TransportError> {
        if self.version == Version::One || self.chose_one.get() {
            let (stream, times) = self.dialer.dial().await?;
            return Ok((Opened::One(HttpConnection::new(stream)), Some(times)));
        }
        let _turn = loop {
            let changed = self.http2.changed().notified();
            if let Some(stream) = self.http2.join() {
                return Ok((Opened::Two(stream), None));
            }
            let unknown = self.version == Version::Negotiated && self.http2.is_empty() && !self.chose_one.get();
            if let Some(turn) = self.http2.turn(unknown) {
                break turn;
            }
            changed.await;
        };
        let (stream, times) = self.dialer.dial().await?;
        let agreed = !self.dialer.address().secure || stream.protocol() == Some(HTTP2);
        match (agreed, self.version) {
            (true, _) => Ok((Opened::Two(self.http2.open(stream).await?), Some(times))),
            (false, Version::Negotiated) => {
                self.chose_one.set(true);
                Ok((Opened::One(HttpConnection::new(stream)), Some(times)))
            }
            (false, Version::One | Version::Two) => {
                Err(TransportError::new(FailureKind::Protocol, "the target does not speak HTTP/2"))
            }
        }
    }
}

/// A connection that carries one request at a time.
#[derive(Debug)]
pub struct HttpConnection {
    stream: Stream,
    reader: AnswerReader,
    written: usize,
    /// Set while a request is written slowly.
    drip: Option<Drip>,
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
            reader: AnswerReader::new(),
            written: 0,
            drip: None,
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
        self.drip = expectation.bytes_per_second.map(Drip::new);
        self.flushed = false;
        self.write_error = None;
        self.first_byte = None;
        self.received = 0;
    }

    /// Writes the request, reads the answer.
    pub fn poll_exchange(&mut self, cx: &mut Context<'_>, request: &[u8]) -> Poll<Exchange> {
        self.poll_send(cx, request);
        SPACE.with_borrow_mut(|space| self.poll_answer(cx, request, space))
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>, request: &[u8], space: &mut [u8]) -> Poll<Exchange> {
        loop {
            // Read while writing as well: a target may answer (and stop listening) before the request is complete.
            match self.stream.poll_read(cx, space) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => return Poll::Ready(self.ended()),
                Poll::Ready(Ok(count)) => {
                    let now = Instant::now();
                    self.first_byte.get_or_insert(now);
                    self.received += count as u64;
                    match self.reader.feed(&space[..count]) {
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
        SPACE.with_borrow_mut(|space| self.stream.poll_read(cx, space)).map(|_outcome| ())
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
        let whole = request.len();
        let allowed = self.drip.as_mut().map_or(whole, |drip| drip.poll_allowed(cx, whole));
        while self.written < allowed && self.write_error.is_none() {
            match self.stream.poll_write(cx, &request[self.written..allowed]) {
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
                let error = match (&self.write_error, self.first_byte) {
                    (Some(error), None) => TransportError::exchanging(error),
                    (_, None) => TransportError::new(FailureKind::NoAnswer, "closed before the first byte of it"),
                    (_, Some(_)) => {
                        TransportError::new(FailureKind::AnswerCut, format!("closed after {} bytes", self.received))
                    }
                };
                self.failed(error, now)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::address::Address;
    use crate::transport::dial::Reach;
    use crate::transport::http::request::RequestHead;
    use crate::transport::tls::TlsConfig;
    use crate::transport::trial_server::{Reply, TrialServer};
    use std::future::poll_fn;
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    const KEEP: Expectation = Expectation { keep_body: 1024, head_only: false, bytes_per_second: None };

    fn request(address: &Address, body: &[u8]) -> Vec<u8> {
        let head = RequestHead::new(address, "POST", "/events", &[]).unwrap();
        let mut buffer = vec![0; head.room()];
        buffer.extend_from_slice(body);
        let start = head.place(&mut buffer);
        buffer.split_off(start)
    }

    fn transport(url: &str, reach: Reach) -> (HttpTransport, Address) {
        let address = Address::parse(url).unwrap();
        let tls = address.secure.then(|| TlsConfig::public_roots().unwrap());
        let dialer = Dialer::new(address.clone(), tls, reach).unwrap();
        let capacity = Capacity { connections: 1, http2_connections: 1, streams: 1 };
        (HttpTransport::new(dialer, Version::One, capacity), address)
    }

    async fn connect(transport: &HttpTransport) -> Result<(HttpConnection, DialTimes), TransportError> {
        match transport.connect().await? {
            (Opened::One(connection), Some(times)) => Ok((connection, times)),
            other => panic!("not a new connection of HTTP/1.1: {other:?}"),
        }
    }

    async fn send(connection: &mut HttpConnection, request: &[u8]) -> Exchange {
        connection.begin(KEEP);
        poll_fn(|cx| connection.poll_exchange(cx, request)).await
    }

    async fn once(server: &TrialServer, body: &[u8]) -> Exchange {
        let (transport, address) = transport(&server.url(), Reach::Private);
        let (mut connection, _) = connect(&transport).await.unwrap();
        send(&mut connection, &request(&address, body)).await
    }

    #[tokio::test]
    async fn one_connection_carries_many_requests() {
        let server = TrialServer::start(|number, head, body| {
            assert!(head.starts_with("POST /events HTTP/1.1"));
            Reply::Answer(202, "", format!("{number} {}", body.len()))
        });
        let (transport, address) = transport(&server.url(), Reach::Private);
        let (mut connection, times) = connect(&transport).await.unwrap();
        assert!(times.tls.is_none());
        for number in 0..50 {
            let request = request(&address, &vec![b'x'; number * 1_000]);
            let exchange = send(&mut connection, &request).await;
            assert_eq!(exchange.result.unwrap().status, 202);
            assert!(exchange.reusable && exchange.first_byte.unwrap() <= exchange.done);
            assert_eq!(exchange.bytes_sent, request.len() as u64);
            assert_eq!(connection.answer_body(), format!("{number} {}", number * 1_000).as_bytes());
            assert!(connection.is_open());
        }
        assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn every_way_to_break_an_answer_has_its_kind() {
        let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec();
        let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        endless.resize(17 * 1024 * 1024, b'x');
        let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n".to_vec();
        for (reply, kind) in [
            (Reply::Raw(b"\x00\x01garbage\r\n\r\n".to_vec()), FailureKind::Protocol),
            (Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n".to_vec()), FailureKind::Protocol),
            (Reply::Raw(chunks), FailureKind::Protocol),
            (Reply::Raw(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)), FailureKind::Protocol),
            (Reply::Raw(b"HTTP/1.1 20".to_vec()), FailureKind::AnswerCut),
            (Reply::Raw(half), FailureKind::AnswerCut),
            (Reply::Raw(Vec::new()), FailureKind::NoAnswer),
            (Reply::Raw(endless), FailureKind::AnswerTooLarge),
            (
                Reply::Raw([b"HTTP/1.1 200 OK\r\n", "X: y\r\n".repeat(9_000).as_bytes()].concat()),
                FailureKind::AnswerTooLarge,
            ),
            (Reply::Reset, FailureKind::ConnectionReset),
        ] {
            let server = TrialServer::start(move |_, _, _| reply.clone());
            let exchange = once(&server, b"{}").await;
            assert_eq!(exchange.result.unwrap_err().kind, kind);
            assert!(!exchange.reusable);
        }
    }

    #[tokio::test]
    async fn an_answer_before_the_end_of_the_request_counts() {
        // The target reads the head, answers, and closes while most of the body is still unread.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answered = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
            let _ = stream.try_read(&mut [0; 512]).unwrap();
            stream.try_write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").unwrap();
            // Kept open until the answer has been seen: a close with unread bytes would be a reset.
            tokio::time::sleep(Duration::from_millis(500)).await;
        });
        let (transport, address) = transport(&url, Reach::Private);
        let (mut connection, _) = connect(&transport).await.unwrap();
        let exchange = send(&mut connection, &request(&address, &vec![b'x'; 32 * 1024 * 1024])).await;
        assert_eq!(exchange.result.unwrap().status, 413);
        assert!(!exchange.reusable, "half a request is on the wire");
        answered.await.unwrap();
    }

    #[tokio::test]
    async fn a_close_while_idle_is_seen_before_the_next_request() {
        let server = TrialServer::start(|_, _, _| Reply::ThenClose(Box::new(Reply::status(200))));
        let (transport, address) = transport(&server.url(), Reach::Private);
        let (mut connection, _) = connect(&transport).await.unwrap();
        let exchange = send(&mut connection, &request(&address, b"{}")).await;
        assert!(exchange.result.is_ok());
        tokio::time::timeout(Duration::from_secs(5), poll_fn(|cx| connection.poll_closed(cx))).await.unwrap();
        assert!(!connection.is_open());
    }

    #[tokio::test]
    async fn connections_that_cannot_be_had_say_why() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let plain_address = plain.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = plain.accept().unwrap();
            std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Not encrypted\r\n\r\n").unwrap();
        });
        for (url, kind) in [
            (format!("http://{free}"), FailureKind::ConnectionRefused),
            ("http://no-such-host.invalid".to_owned(), FailureKind::NameNotResolved),
            (format!("https://{plain_address}"), FailureKind::Tls),
            ("http://192.0.2.1".to_owned(), FailureKind::ConnectionFailed),
        ] {
            let (transport, _) = transport(&url, Reach::Private);
            let error = connect(&transport).await.unwrap_err();
            assert_eq!(error.kind, kind, "{url}: {error}");
        }
    }
}
