//! WebSockets (RFC 6455): a handshake with headers of ours, then messages both ways, several of them under way at once.
//!
//! Framing, masking and the checks of what comes in are tokio-websockets'. Pings of the target are answered by it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::{Sink, Stream as _};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use shared::run::FailureKind;
use tokio_websockets::{ClientBuilder, Error, Limits, Message, WebSocketStream, upgrade};

use crate::transport::dial::{DialTimes, Dialer};
use crate::transport::failure::TransportError;
use crate::transport::paced::Paced;
use crate::transport::traffic::Incoming;

/// The longest message that is taken from a target.
pub const MOST_RECEIVED: usize = 1024 * 1024;
/// The longest answer to a handshake, with what comes right behind it.
const LONGEST_HANDSHAKE: usize = 64 * 1024;
/// Pings answered while nothing of what we send is taken, at most: their answers wait in memory.
const MOST_PINGS: u32 = 10_000;
/// Close code of a connection that ended without one (RFC 6455, 7.1.5).
pub const NO_STATUS: u16 = 1005;

/// What a handshake says, the same for every connection. It may hold secrets, so that it never shows itself.
#[derive(Clone)]
pub struct Handshake {
    uri: String,
    headers: HeaderMap,
    subprotocol: Option<String>,
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handshake")
    }
}

impl Handshake {
    /// A handshake for an address (`ws://` or `wss://`, query included) with these headers.
    ///
    /// # Errors
    ///
    /// Names what HTTP cannot carry, never a header's value.
    pub fn new(uri: &str, headers: &[(String, String)], subprotocol: Option<&str>) -> Result<Self, String> {
        let mut all = HeaderMap::new();
        let named = subprotocol.map(|protocol| ("Sec-WebSocket-Protocol".to_owned(), protocol.to_owned()));
        for (name, value) in headers.iter().chain(&named) {
            let wrong = || format!("header `{name}` has characters that HTTP does not allow");
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_error| wrong())?;
            let value = HeaderValue::from_str(value).map_err(|_error| wrong())?;
            all.append(key, value);
        }
        let handshake = Self { uri: uri.to_owned(), headers: all, subprotocol: subprotocol.map(str::to_owned) };
        handshake.builder()?;
        Ok(handshake)
    }

    fn builder(&self) -> Result<ClientBuilder<'static>, String> {
        let wrong =
            |_error| format!("`{}` is not an address for a WebSocket", self.uri.split('?').next().unwrap_or(""));
        let limits = Limits::default().max_payload_len(Some(MOST_RECEIVED));
        let mut builder = ClientBuilder::new().limits(limits).uri(&self.uri).map_err(wrong)?;
        for (name, value) in &self.headers {
            let added = builder.add_header(name.clone(), value.clone());
            builder = added.map_err(|_error| format!("header `{name}` belongs to the handshake itself"))?;
        }
        Ok(builder)
    }
}

/// WebSockets to one address.
#[derive(Debug)]
pub struct WsTransport {
    dialer: Dialer,
    handshake: Handshake,
    binary: bool,
}

/// An open WebSocket.
#[derive(Debug)]
pub struct WsConnection {
    socket: WebSocketStream<Paced>,
    binary: bool,
    /// Pings since everything was handed to the network.
    pings: u32,
}

impl WsTransport {
    /// A transport over a dialer; messages are text or binary.
    pub fn new(dialer: Dialer, handshake: Handshake, binary: bool) -> Self {
        Self { dialer, handshake, binary }
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// Says what kind of failure it was; a refused handshake comes with its status.
    pub async fn connect(&self) -> Result<(WsConnection, DialTimes), (TransportError, Option<u16>)> {
        let (stream, times) = self.dialer.dial().await.map_err(|error| (error, None))?;
        let wrong = |why: String| (TransportError::new(FailureKind::Protocol, why), None);
        let builder = self.handshake.builder().map_err(wrong)?;
        // The parser below waits for the end of the head, however long it is.
        let mut stream = Paced::new(stream);
        stream.set_allowance(Some(LONGEST_HANDSHAKE));
        let (mut socket, response) = builder.connect_on(stream).await.map_err(refused)?;
        socket.get_mut().set_allowance(None);
        let agreed = response.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok());
        if let (Some(asked), false) = (&self.handshake.subprotocol, agreed == self.handshake.subprotocol.as_deref()) {
            let why = format!("the target did not take up the subprotocol {asked}");
            return Err((TransportError::new(FailureKind::HandshakeRefused, why), Some(101)));
        }
        Ok((WsConnection { socket, binary: self.binary, pings: 0 }, times))
    }
}

impl WsConnection {
    /// Ready when there is room for another message.
    pub fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Pin::new(&mut self.socket).poll_ready(cx).map_err(|error| broken(&error))
    }

    /// Takes a message on; gives its bytes on the wire.
    ///
    /// # Errors
    ///
    /// The connection is closed.
    pub fn send(&mut self, message: &[u8]) -> Result<u64, TransportError> {
        let payload = BytesMut::from(message);
        let framed = if self.binary { Message::binary(payload) } else { Message::text(payload) };
        self.start(framed)?;
        Ok(wire_size(message.len()) + 4)
    }

    /// From here on so many bytes in a second at most; none: as fast as it can.
    pub fn set_speed(&mut self, bytes_per_second: Option<u64>) {
        self.socket.get_mut().set_speed(bytes_per_second);
    }

    /// Asks whether the target is there.
    ///
    /// # Errors
    ///
    /// The connection is closed.
    pub fn ping(&mut self) -> Result<(), TransportError> {
        self.start(Message::ping(Bytes::new()))
    }

    /// Ready when everything taken on is handed to the network.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(cx).map_err(|error| broken(&error));
        if flushed.is_ready() {
            self.pings = 0;
        }
        flushed
    }

    /// What comes in next, with its bytes on the wire.
    pub fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<(Incoming, u64)> {
        if self.pings >= MOST_PINGS {
            match self.poll_flush(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready((Incoming::Broken(error), 0)),
                Poll::Pending => {
                    let why = "the target asks without end whether we are there, and takes no answer";
                    return Poll::Ready((Incoming::Broken(TransportError::new(FailureKind::Protocol, why)), 0));
                }
            }
        }
        Pin::new(&mut self.socket).poll_next(cx).map(|next| match next {
            None => {
                let error = TransportError::new(FailureKind::ConnectionReset, "closed without a close frame");
                (Incoming::Broken(error), 0)
            }
            Some(Err(error)) => (Incoming::Broken(broken(&error)), 0),
            Some(Ok(message)) => {
                let size = wire_size(message.as_payload().len());
                let incoming = if message.is_ping() {
                    self.pings += 1;
                    Incoming::Ping
                } else if message.is_pong() {
                    Incoming::Pong
                } else if let Some((code, _reason)) = message.as_close() {
                    Incoming::Closed(code.into())
                } else if message.is_close() {
                    Incoming::Closed(NO_STATUS)
                } else {
                    Incoming::Message(message.into_payload().into())
                };
                (incoming, size)
            }
        })
    }

    /// Says good-bye and waits for the other side to do so.
    pub fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.socket).poll_close(cx).map(|_outcome| ())
    }

    fn start(&mut self, message: Message) -> Result<(), TransportError> {
        Pin::new(&mut self.socket).start_send(message).map_err(|error| broken(&error))
    }
}

/// A frame's size without a mask.
fn wire_size(payload: usize) -> u64 {
    let length = match payload {
        0..126 => 0,
        126..65_536 => 2,
        _ => 8,
    };
    payload as u64 + 2 + length
}

/// Why a handshake did not succeed, and the status that said so.
fn refused(error: Error) -> (TransportError, Option<u16>) {
    match error {
        Error::Upgrade(upgrade::Error::DidNotSwitchProtocols(status)) => {
            let why = format!("the target answered the handshake with {status}");
            (TransportError::new(FailureKind::HandshakeRefused, why), Some(status))
        }
        Error::Upgrade(error) => (TransportError::new(FailureKind::Protocol, error.to_string()), None),
        Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let why = "closed in the middle of the handshake";
            (TransportError::new(FailureKind::ConnectionReset, why), None)
        }
        Error::Io(error) if error.kind() == io::ErrorKind::QuotaExceeded => {
            let why = format!("the answer to the handshake is longer than {} KiB", LONGEST_HANDSHAKE / 1024);
            (TransportError::new(FailureKind::AnswerTooLarge, why), None)
        }
        other => (broken(&other), None),
    }
}

fn broken(error: &Error) -> TransportError {
    match error {
        Error::Io(error) => TransportError::exchanging(error),
        Error::PayloadTooLong { len, max_len } => TransportError::new(
            FailureKind::AnswerTooLarge,
            format!("a message of {len} bytes, at most {max_len} are read"),
        ),
        Error::AlreadyClosed => TransportError::new(FailureKind::ConnectionReset, "closed already"),
        other => TransportError::new(FailureKind::Protocol, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::accept_async;

    use super::*;
    use crate::transport::address::Address;
    use crate::transport::dial::Reach;

    /// A connection, and its other side, which reads nothing unless it is asked to.
    async fn connected() -> (WsConnection, tokio_tungstenite::WebSocketStream<TcpStream>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let accepting = tokio::spawn(async move { accept_async(listener.accept().await.unwrap().0).await.unwrap() });
        let dialer = Dialer::new(Address::parse(&url).unwrap(), None, Reach::Private).unwrap();
        let transport = WsTransport::new(dialer, Handshake::new(&url, &[], None).unwrap(), true);
        let (connection, _times) = transport.connect().await.unwrap();
        (connection, accepting.await.unwrap())
    }

    #[tokio::test]
    async fn pings_are_answered_for_as_long_as_the_answers_are_taken() {
        let (mut connection, other_side) = connected().await;
        connection.pings = MOST_PINGS;
        let next = poll_fn(|cx| Poll::Ready(connection.poll_incoming(cx))).await;
        assert!(next.is_pending() && connection.pings == 0, "what was answered is taken: {next:?}");

        let full = async |connection: &mut WsConnection| {
            poll_fn(|cx| Poll::Ready(connection.poll_flush(cx).is_pending())).await
        };
        let mut sent = 0;
        while !full(&mut connection).await {
            connection.send(&vec![0; 1 << 20]).unwrap();
            sent += 1;
            assert!(sent < 256, "the network takes everything");
        }
        connection.pings = MOST_PINGS;
        match poll_fn(|cx| connection.poll_incoming(cx)).await {
            (Incoming::Broken(error), _) => assert_eq!(error.kind, FailureKind::Protocol),
            other => panic!("{other:?}"),
        }
        drop(other_side);
    }
}
