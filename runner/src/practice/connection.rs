//! One HTTP/1.1 connection of the practice target: a thin loop over a socket and `httparse`.
//!
//! It is thin because the target shares the machine with the generator that it is to be a witness of: what it costs
//! per request is taken from what is measured.

use std::io::Write as _;
use std::ops::Range;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

use super::control;
use super::mqtt::{self, Broker};
use super::request::Request;
use super::site::{Reply, Site};
use super::websocket;

/// Bytes asked of the socket at a time.
const READ: usize = 16 * 1024;
/// The longest request head.
const MAX_HEAD: usize = 64 * 1024;
/// The longest body.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// Header lines read of a request.
const MAX_HEADERS: usize = 64;

/// A request's head, as places in the buffer, so that the buffer may grow while the body comes in.
#[derive(Default)]
struct Head {
    length: usize,
    method: Range<usize>,
    path: Range<usize>,
    query: Range<usize>,
    api_key: Option<Range<usize>>,
    body: Body,
    keep_alive: bool,
    expects_continue: bool,
    /// Whether the body is encoded in a way that is not read here.
    encoded: bool,
    asks_for_websocket: bool,
}

/// How a body's end is told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Body {
    #[default]
    None,
    Length(usize),
    Chunked,
}

/// How a connection's requests come to their end.
enum End {
    /// One side closed it.
    Closed,
    /// The client asks for a WebSocket: its request, and what came after it.
    WebSocket { head: Vec<u8>, rest: Vec<u8> },
}

/// Why a connection ends before its client closed it.
enum Refusal {
    /// Not HTTP, or not HTTP that this service reads: answered with a status, then closed.
    Status(u16),
    /// The client is gone.
    Gone,
}

impl From<std::io::Error> for Refusal {
    fn from(_error: std::io::Error) -> Self {
        Self::Gone
    }
}

/// Serves one connection, whatever it speaks, until either side closes it.
pub(super) async fn serve(mut stream: TcpStream, site: Rc<Site>, broker: Rc<Broker>) {
    // Answers are written whole; waiting for more would only delay them.
    let _nodelay = stream.set_nodelay(true);
    let mut first = [0];
    if stream.peek(&mut first).await.is_ok_and(|count| count == 1) && first[0] == mqtt::FIRST_BYTE {
        return mqtt::serve(stream, site, broker).await;
    }
    match exchange(&mut stream, &site).await {
        Ok(End::Closed) | Err(Refusal::Gone) => {}
        Ok(End::WebSocket { head, rest }) => websocket::serve(stream, &head, &rest, site).await,
        Err(Refusal::Status(status)) => {
            let mut out = Vec::new();
            write_answer(&mut out, status, None, br#"{"detail":"malformed request"}"#, false);
            let _written = stream.write_all(&out).await;
        }
    }
}

async fn exchange(stream: &mut TcpStream, site: &Site) -> Result<End, Refusal> {
    let mut buffer = BytesMut::with_capacity(READ);
    let (mut body, mut out, mut dechunked) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let Some(head) = read_head(stream, &mut buffer).await? else { return Ok(End::Closed) };
        if head.asks_for_websocket {
            let rest = buffer.split_off(head.length);
            return Ok(End::WebSocket { head: buffer.to_vec(), rest: rest.to_vec() });
        }
        if head.expects_continue {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let (read_speed, answer_speed) = site.speeds();
        let end = match (read_speed, head.body) {
            (Some(speed), Body::Length(length)) if length <= MAX_BODY => {
                read_slowly(stream, &mut buffer, head.length, length, speed).await?
            }
            _ => read_body(stream, &mut buffer, &head, &mut dechunked).await?,
        };
        if head.encoded {
            return Err(Refusal::Status(415));
        }
        let text = |range: &Range<usize>| std::str::from_utf8(&buffer[range.clone()]).unwrap_or_default();
        let request = Request {
            method: text(&head.method),
            path: text(&head.path),
            query: text(&head.query),
            api_key: head.api_key.clone().map(|range| &buffer[range]),
            body: if head.body == Body::Chunked { &dechunked } else { &buffer[head.length..end] },
        };
        body.clear();
        // The switches answer at once, also while the target itself is frozen.
        let (reply, counts) = match control::answer(site, &request, &mut body) {
            Some(reply) => (reply, false),
            None => (site.answer(request, &mut body).await, true),
        };
        let keep_alive = match reply {
            Reply::Send { status, retry_after, acknowledged, close, waited } => {
                let keep_alive = head.keep_alive && !close;
                out.clear();
                write_answer(&mut out, status, retry_after, &body, keep_alive);
                let written = if waited && is_gone(stream) {
                    Err(Refusal::Gone)
                } else {
                    write_out(stream, &out, answer_speed.filter(|_speed| counts)).await.map_err(Refusal::from)
                };
                if counts {
                    site.answered(written.is_ok(), acknowledged);
                }
                written?;
                keep_alive
            }
            Reply::Reset { acknowledged } => {
                // Without lingering, closing sends a reset instead of an orderly end.
                let _reset = SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
                site.answered(false, acknowledged);
                return Ok(End::Closed);
            }
        };
        if !keep_alive {
            return Ok(End::Closed);
        }
        buffer.advance(end);
    }
}

/// Whether the client has closed its side: an answer would reach nobody.
fn is_gone(stream: &TcpStream) -> bool {
    let mut space = [0];
    let mut space = ReadBuf::new(&mut space);
    match stream.poll_peek(&mut Context::from_waker(Waker::noop()), &mut space) {
        Poll::Ready(Ok(count)) => count == 0,
        Poll::Ready(Err(_reset)) => true,
        Poll::Pending => false,
    }
}

/// Writes an answer, at a speed if there is one.
async fn write_out(stream: &mut TcpStream, out: &[u8], speed: Option<f64>) -> std::io::Result<()> {
    let Some(speed) = speed else { return stream.write_all(out).await };
    let mut pieces = out.chunks(piece(speed)).peekable();
    while let Some(part) = pieces.next() {
        stream.write_all(part).await?;
        if pieces.peek().is_some() {
            tokio::time::sleep(time_of(part.len(), speed)).await;
        }
    }
    Ok(())
}

/// Reads the body at a speed; what came with the head already takes its time as well.
async fn read_slowly(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    start: usize,
    length: usize,
    speed: f64,
) -> Result<usize, Refusal> {
    let end = start + length;
    tokio::time::sleep(time_of(buffer.len().min(end) - start, speed)).await;
    while buffer.len() < end {
        let most = piece(speed).min(end - buffer.len());
        buffer.reserve(most);
        let count = (&mut *stream).take(most as u64).read_buf(buffer).await?;
        if count == 0 {
            return Err(Refusal::Gone);
        }
        tokio::time::sleep(time_of(count, speed)).await;
    }
    Ok(end)
}

/// Bytes of a tenth of a second, at least one.
fn piece(speed: f64) -> usize {
    (speed / 10.0).max(1.0) as usize
}

fn time_of(bytes: usize, speed: f64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / speed)
}

/// Reads up to the end of a head; none when the client closed between two requests.
async fn read_head(stream: &mut TcpStream, buffer: &mut BytesMut) -> Result<Option<Head>, Refusal> {
    loop {
        if !buffer.is_empty()
            && let Some(head) = parse_head(buffer)?
        {
            return Ok(Some(head));
        }
        if buffer.len() > MAX_HEAD {
            return Err(Refusal::Status(431));
        }
        buffer.reserve(READ);
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err(Refusal::Gone) };
        }
    }
}

/// Reads the body that a head announced; returns where the request ends in the buffer.
async fn read_body(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    head: &Head,
    dechunked: &mut Vec<u8>,
) -> Result<usize, Refusal> {
    match head.body {
        Body::None => Ok(head.length),
        Body::Length(length) if length > MAX_BODY => Err(Refusal::Status(413)),
        Body::Length(length) => {
            let end = head.length + length;
            while buffer.len() < end {
                buffer.reserve((end - buffer.len()).max(READ));
                read_more(stream, buffer).await?;
            }
            Ok(end)
        }
        Body::Chunked => read_chunks(stream, buffer, head.length, dechunked).await,
    }
}

/// Joins the chunks of a body; returns where its last chunk ends in the buffer.
async fn read_chunks(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    mut at: usize,
    dechunked: &mut Vec<u8>,
) -> Result<usize, Refusal> {
    dechunked.clear();
    loop {
        match httparse::parse_chunk_size(&buffer[at..]) {
            Ok(httparse::Status::Complete((line, size))) => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                if size > MAX_BODY || dechunked.len() + size > MAX_BODY {
                    return Err(Refusal::Status(413));
                }
                let (start, end) = (at + line, at + line + size);
                // Each chunk ends in a line break; so does the empty last one, since trailers are not read.
                while buffer.len() < end + 2 {
                    buffer.reserve(READ);
                    read_more(stream, buffer).await?;
                }
                dechunked.extend_from_slice(&buffer[start..end]);
                at = end + 2;
                if size == 0 {
                    return Ok(at);
                }
            }
            Ok(httparse::Status::Partial) => {
                buffer.reserve(READ);
                read_more(stream, buffer).await?;
            }
            Err(_not_a_size) => return Err(Refusal::Status(400)),
        }
    }
}

/// Reads something; the end of the stream inside a request means that the client is gone.
async fn read_more(stream: &mut TcpStream, buffer: &mut BytesMut) -> Result<(), Refusal> {
    if stream.read_buf(buffer).await? == 0 { Err(Refusal::Gone) } else { Ok(()) }
}

/// Reads a head if it is complete.
fn parse_head(buffer: &[u8]) -> Result<Option<Head>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::Status(431)),
        Err(_not_http) => return Err(Refusal::Status(400)),
    };
    let (Some(method), Some(target)) = (parsed.method, parsed.path) else { return Err(Refusal::Status(400)) };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut head = Head {
        length,
        method: place(buffer, method.as_bytes()),
        path: place(buffer, path.as_bytes()),
        query: if query.is_empty() { 0..0 } else { place(buffer, query.as_bytes()) },
        keep_alive: parsed.version == Some(1),
        ..Head::default()
    };
    for header in parsed.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") && head.body != Body::Chunked {
            let length = std::str::from_utf8(header.value).ok().and_then(|text| text.trim().parse().ok());
            head.body = Body::Length(length.ok_or(Refusal::Status(400))?);
        } else if header.name.eq_ignore_ascii_case("x-api-key") {
            head.api_key = Some(place(buffer, header.value));
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            head.body = Body::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            if header.value.eq_ignore_ascii_case(b"close") {
                head.keep_alive = false;
            } else if header.value.eq_ignore_ascii_case(b"keep-alive") {
                head.keep_alive = true;
            }
        } else if header.name.eq_ignore_ascii_case("content-encoding") {
            head.encoded = !header.value.eq_ignore_ascii_case(b"identity");
        } else if header.name.eq_ignore_ascii_case("upgrade") {
            head.asks_for_websocket = websocket::is_asked_for(header.value);
        } else if header.name.eq_ignore_ascii_case("expect") {
            head.expects_continue = header.value.eq_ignore_ascii_case(b"100-continue");
        }
    }
    Ok(Some(head))
}

/// Where a part of the buffer lies in it.
fn place(buffer: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(buffer.as_ptr().addr());
    start..start + part.len()
}

/// Writes a whole answer, so that it goes out in one system call.
fn write_answer(out: &mut Vec<u8>, status: u16, retry_after: Option<u32>, body: &[u8], keep_alive: bool) {
    out.extend_from_slice(b"HTTP/1.1 ");
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(digits.format(status).as_bytes());
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\ncontent-type: application/json\r\ncontent-length: ");
    out.extend_from_slice(digits.format(body.len()).as_bytes());
    if let Some(seconds) = retry_after {
        // Writing to memory cannot fail.
        let _written = write!(out, "\r\nretry-after: {seconds}");
    }
    if !keep_alive {
        out.extend_from_slice(b"\r\nconnection: close");
    }
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
}

/// The usual words for a status.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ if status < 500 => "Client Error",
        _ => "Server Error",
    }
}
