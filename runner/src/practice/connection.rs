//! One HTTP/1.1 connection of the practice target: a thin loop over a socket and `httparse`.
//!
//! It is thin because the target shares the machine with the generator that it is to be a witness of: what it costs
//! per request is taken from what is measured.

use std::io::Write as _;
use std::ops::Range;
use std::rc::Rc;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::control;
use super::request::Request;
use super::site::{Reply, Site};

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
    api_key: Option<Range<usize>>,
    body: Body,
    keep_alive: bool,
    expects_continue: bool,
}

/// How a body's end is told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Body {
    #[default]
    None,
    Length(usize),
    Chunked,
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

/// Serves one connection until either side closes it.
pub(super) async fn serve(mut stream: TcpStream, site: Rc<Site>) {
    // Answers are written whole; waiting for more would only delay them.
    let _nodelay = stream.set_nodelay(true);
    if let Err(Refusal::Status(status)) = exchange(&mut stream, &site).await {
        let mut out = Vec::new();
        write_answer(&mut out, status, None, br#"{"detail":"malformed request"}"#, false);
        let _written = stream.write_all(&out).await;
    }
}

async fn exchange(stream: &mut TcpStream, site: &Site) -> Result<(), Refusal> {
    let mut buffer = BytesMut::with_capacity(READ);
    let (mut body, mut out, mut dechunked) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let Some(head) = read_head(stream, &mut buffer).await? else { return Ok(()) };
        if head.expects_continue {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let end = read_body(stream, &mut buffer, &head, &mut dechunked).await?;
        let text = |range: &Range<usize>| std::str::from_utf8(&buffer[range.clone()]).unwrap_or_default();
        let request = Request {
            method: text(&head.method),
            path: text(&head.path),
            api_key: head.api_key.clone().map(|range| &buffer[range]),
            body: if head.body == Body::Chunked { &dechunked } else { &buffer[head.length..end] },
        };
        body.clear();
        // The switches answer at once, also while the target itself is frozen.
        let reply = match control::answer(site, &request, &mut body) {
            Some(reply) => reply,
            None => site.answer(request, &mut body).await,
        };
        match reply {
            Reply::Send { status, retry_after } => {
                out.clear();
                write_answer(&mut out, status, retry_after, &body, head.keep_alive);
                stream.write_all(&out).await?;
            }
            Reply::Drop => return Ok(()),
        }
        if !head.keep_alive {
            return Ok(());
        }
        buffer.advance(end);
    }
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
    let path = target.split_once('?').map_or(target, |(path, _query)| path);
    let mut head = Head {
        length,
        method: place(buffer, method.as_bytes()),
        path: place(buffer, path.as_bytes()),
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
    out.extend_from_slice(status_line(status).as_bytes());
    out.extend_from_slice(b"\r\ncontent-type: application/json\r\ncontent-length: ");
    // Writing to memory cannot fail.
    let _written = write!(out, "{}", body.len());
    if let Some(seconds) = retry_after {
        let _written = write!(out, "\r\nretry-after: {seconds}");
    }
    if !keep_alive {
        out.extend_from_slice(b"\r\nconnection: close");
    }
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
}

/// The statuses that the practice target answers with.
const fn status_line(status: u16) -> &'static str {
    match status {
        200 => "200 OK",
        202 => "202 Accepted",
        400 => "400 Bad Request",
        401 => "401 Unauthorized",
        404 => "404 Not Found",
        405 => "405 Method Not Allowed",
        413 => "413 Content Too Large",
        422 => "422 Unprocessable Content",
        429 => "429 Too Many Requests",
        431 => "431 Request Header Fields Too Large",
        _ => "500 Internal Server Error",
    }
}
