//! Reads one answer from bytes as they come, however they are cut: head by httparse, body by its length, in chunks or
//! until the target closes.

use std::mem::MaybeUninit;
use std::time::Duration;

use httparse::Status;
use shared::run::FailureKind;

use super::header::{encoding, number, retry_after};
use crate::transport::exchange::{Answer, Encoding};
use crate::transport::failure::TransportError;

/// Longest head read, and most headers in it.
const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;
/// Most interim answers (1xx) before the real one.
const MAX_INTERIM: u32 = 16;
/// Longest body read; a longer answer is given up.
pub(super) const MAX_BODY: u64 = 16 * 1024 * 1024;
/// Longest line of a chunk's size or of a trailer, and most lines of trailers.
const MAX_LINE: usize = 16 * 1024;
const MAX_TRAILERS: u32 = 100;

/// An answer in the making.
#[derive(Debug)]
pub struct AnswerReader {
    part: Part,
    /// Bytes of a head, a chunk's size or a trailer that came without its end.
    pending: Vec<u8>,
    body: Vec<u8>,
    /// Body bytes read, kept or not.
    body_length: u64,
    keep: usize,
    head_only: bool,
    keeps_alive: bool,
    interim: u32,
    trailers: u32,
    answer: Answer,
}

/// Nothing yet.
pub(super) const NO_ANSWER: Answer = Answer { status: 0, retry_after: None, encoding: None, cut: false };

/// Which part of the answer comes next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Head,
    Body { left: u64 },
    ChunkSize,
    Chunk { left: u64 },
    ChunkEnd { left: u8 },
    Trailer,
    UntilClose,
    Done,
}

impl AnswerReader {
    /// A reader without an answer.
    pub fn new() -> Self {
        Self {
            part: Part::Head,
            pending: Vec::new(),
            body: Vec::new(),
            body_length: 0,
            keep: 0,
            head_only: false,
            keeps_alive: false,
            interim: 0,
            trailers: 0,
            answer: NO_ANSWER,
        }
    }

    /// Gets ready for the next answer, of whose body at most `keep` bytes are kept.
    pub fn begin(&mut self, keep: usize, head_only: bool) {
        self.part = Part::Head;
        self.pending.clear();
        self.body.clear();
        self.body_length = 0;
        self.keep = keep;
        self.head_only = head_only;
        self.keeps_alive = false;
        self.interim = 0;
        self.trailers = 0;
        self.answer = NO_ANSWER;
    }

    /// Takes the next bytes; gives the answer once it is complete.
    ///
    /// # Errors
    ///
    /// The bytes are not HTTP/1.1, or too many.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<Answer>, TransportError> {
        let mut rest = bytes;
        while self.part != Part::Done {
            let used = match self.part {
                Part::Head => self.head(rest)?,
                Part::Body { left } => {
                    let used = self.take(rest, left)?;
                    let left = left - used as u64;
                    self.part = if left == 0 { Part::Done } else { Part::Body { left } };
                    Some(used)
                }
                Part::ChunkSize => self.chunk_size(rest)?,
                Part::Chunk { left } => {
                    let used = self.take(rest, left)?;
                    let left = left - used as u64;
                    self.part = if left == 0 { Part::ChunkEnd { left: 2 } } else { Part::Chunk { left } };
                    Some(used)
                }
                Part::ChunkEnd { left } => self.chunk_end(rest, left)?,
                Part::Trailer => self.trailer(rest)?,
                Part::UntilClose => {
                    self.take(rest, u64::MAX)?;
                    return Ok(None);
                }
                Part::Done => None,
            };
            let Some(used) = used else { return Ok(None) };
            rest = &rest[used..];
            if rest.is_empty() && self.part != Part::Done {
                return Ok(None);
            }
        }
        if !rest.is_empty() {
            // Bytes behind the answer belong to nothing that was asked.
            self.keeps_alive = false;
        }
        Ok(Some(self.finished()))
    }

    /// The target closed: the answer, if closing is how it ends.
    pub fn end(&mut self) -> Option<Answer> {
        let complete = self.part == Part::UntilClose;
        self.part = Part::Done;
        complete.then(|| self.finished())
    }

    /// Whether the connection may carry another request.
    pub fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }

    /// The kept part of the body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    fn finished(&self) -> Answer {
        Answer { cut: self.body_length > self.body.len() as u64, ..self.answer }
    }

    /// Parses a head; gives how many of the new bytes it took, none if it is not complete.
    fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>, TransportError> {
        let before = self.pending.len();
        // Nearly always the whole head is there at once, and nothing is copied.
        let parsed = if before == 0 {
            parse_head(bytes, self.head_only)?
        } else {
            self.pending.extend_from_slice(bytes);
            // Bytes that come one by one are not looked at again and again: a head ends with a line.
            if bytes.contains(&b'\n') { parse_head(&self.pending, self.head_only)? } else { None }
        };
        let Some(head) = parsed else {
            if before == 0 {
                self.pending.extend_from_slice(bytes);
            }
            if self.pending.len() > MAX_HEAD {
                let detail = format!("its head is longer than {} KiB", MAX_HEAD / 1024);
                return Err(TransportError::new(FailureKind::AnswerTooLarge, detail));
            }
            return Ok(None);
        };
        self.pending.clear();
        let used = head.length - before;
        if (100..200).contains(&head.status) {
            if head.status == 101 {
                return Err(protocol("the target switched protocols unasked"));
            }
            self.interim += 1;
            if self.interim > MAX_INTERIM {
                return Err(protocol("nothing but interim answers (1xx) comes"));
            }
            // An interim answer; the real one follows.
            return Ok(Some(used));
        }
        self.answer.status = head.status;
        self.answer.retry_after = head.retry_after;
        self.answer.encoding = head.encoding;
        self.keeps_alive = head.keeps_alive;
        self.part = head.body;
        if let Part::Body { left } = self.part {
            if left > MAX_BODY {
                return Err(too_large());
            }
            self.body.reserve(self.keep.min(left as usize));
            if left == 0 {
                self.part = Part::Done;
            }
        }
        Ok(Some(used))
    }

    /// Takes body bytes, at most `left`; keeps what may be kept.
    fn take(&mut self, bytes: &[u8], left: u64) -> Result<usize, TransportError> {
        let used = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let kept = used.min(self.keep.saturating_sub(self.body.len()));
        self.body.extend_from_slice(&bytes[..kept]);
        self.body_length += used as u64;
        if self.body_length > MAX_BODY { Err(too_large()) } else { Ok(used) }
    }

    fn chunk_size(&mut self, bytes: &[u8]) -> Result<Option<usize>, TransportError> {
        let Some((line, used)) = self.line(bytes)? else { return Ok(None) };
        match httparse::parse_chunk_size(&line) {
            Ok(Status::Complete((_, 0))) => self.part = Part::Trailer,
            Ok(Status::Complete((_, left))) => self.part = Part::Chunk { left },
            Ok(Status::Partial) | Err(_) => return Err(protocol("a chunk of the answer has no size")),
        }
        Ok(Some(used))
    }

    fn chunk_end(&mut self, bytes: &[u8], left: u8) -> Result<Option<usize>, TransportError> {
        let Some(&byte) = bytes.first() else { return Ok(None) };
        if byte != if left == 2 { b'\r' } else { b'\n' } {
            return Err(protocol("a chunk of the answer does not end where it should"));
        }
        self.part = if left == 2 { Part::ChunkEnd { left: 1 } } else { Part::ChunkSize };
        Ok(Some(1))
    }

    fn trailer(&mut self, bytes: &[u8]) -> Result<Option<usize>, TransportError> {
        let Some((line, used)) = self.line(bytes)? else { return Ok(None) };
        if line == b"\r\n" || line == b"\n" {
            self.part = Part::Done;
        }
        self.trailers += 1;
        if self.trailers > MAX_TRAILERS + 1 {
            let detail = format!("it has more than {MAX_TRAILERS} trailers");
            return Err(TransportError::new(FailureKind::AnswerTooLarge, detail));
        }
        Ok(Some(used))
    }

    /// The next line with its end, and how many of the new bytes it took.
    fn line(&mut self, bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, TransportError> {
        let end = bytes.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
        self.pending.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        if self.pending.len() > MAX_LINE {
            return Err(protocol("a line of the answer does not end"));
        }
        Ok(end.map(|used| (std::mem::take(&mut self.pending), used)))
    }
}

impl Default for AnswerReader {
    fn default() -> Self {
        Self::new()
    }
}

/// What a head says.
struct Head {
    length: usize,
    status: u16,
    keeps_alive: bool,
    retry_after: Option<Duration>,
    encoding: Option<Encoding>,
    body: Part,
}

fn parse_head(bytes: &[u8], head_only: bool) -> Result<Option<Head>, TransportError> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut headers);
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            let detail = format!("it has more than {MAX_HEADERS} headers");
            return Err(TransportError::new(FailureKind::AnswerTooLarge, detail));
        }
        Err(error) => return Err(protocol(format!("not an HTTP answer: {error}"))),
    };
    let status = response.code.unwrap_or(0);
    let mut keeps_alive = response.version == Some(1);
    let (mut content_length, mut chunked) = (None, false);
    let (mut wait, mut date, mut compressed) = (None, None, None);
    for header in response.headers.iter() {
        let value = header.value.trim_ascii();
        // Lengths differ, so that most headers fall through without a comparison.
        if header.name.eq_ignore_ascii_case("content-length") {
            let length = number(value).ok_or_else(|| protocol("the answer's length is not a number"))?;
            if content_length.is_some_and(|before| before != length) {
                return Err(protocol("the answer gives two lengths"));
            }
            content_length = Some(length);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(protocol("the answer has a transfer encoding that nobody asked for"));
            }
            chunked = true;
        } else if header.name.eq_ignore_ascii_case("connection") {
            for token in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                keeps_alive = match token {
                    token if token.eq_ignore_ascii_case(b"close") => false,
                    token if token.eq_ignore_ascii_case(b"keep-alive") => true,
                    _ => keeps_alive,
                };
            }
        } else if header.name.eq_ignore_ascii_case("retry-after") {
            wait = Some(value);
        } else if header.name.eq_ignore_ascii_case("date") {
            date = Some(value);
        } else if header.name.eq_ignore_ascii_case("content-encoding") {
            compressed = encoding(value);
        }
    }
    let retry_after = wait.and_then(|wait| retry_after(wait, date));
    let bare = head_only || matches!(status, 100..200 | 204 | 304);
    let body = match (bare, chunked, content_length) {
        (true, _, _) => Part::Done,
        (_, true, _) => Part::ChunkSize,
        (_, _, Some(left)) => Part::Body { left },
        (_, _, None) => Part::UntilClose,
    };
    // Two ways to say the length are a known way to smuggle: believe the chunks, and no further answer.
    keeps_alive &= body != Part::UntilClose && !(chunked && content_length.is_some());
    Ok(Some(Head { length, status, keeps_alive, retry_after, encoding: compressed, body }))
}

fn protocol(detail: impl Into<String>) -> TransportError {
    TransportError::new(FailureKind::Protocol, detail)
}

/// A body beyond all measure.
pub(super) fn too_large() -> TransportError {
    TransportError::new(FailureKind::AnswerTooLarge, format!("longer than {} MiB", MAX_BODY / (1024 * 1024)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: usize = 1 << 20;

    /// Feeds the bytes in pieces of a size; the answer, its body and whether the connection lives on.
    fn read(bytes: &[u8], piece: usize) -> Result<Option<(Answer, Vec<u8>, bool)>, TransportError> {
        let mut reader = AnswerReader::new();
        reader.begin(KEEP, false);
        for piece in bytes.chunks(piece) {
            if let Some(answer) = reader.feed(piece)? {
                return Ok(Some((answer, reader.body().to_vec(), reader.keeps_alive())));
            }
        }
        Ok(reader.end().map(|answer| (answer, reader.body().to_vec(), reader.keeps_alive())))
    }

    #[test]
    fn an_answer_reads_the_same_however_it_is_cut() {
        let answers: [(&[u8], u16, &[u8], bool); 9] = [
            (b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\nhello", 202, b"hello", true),
            (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", true),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: close\r\n\r\n", 200, b"", false),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x", false),
            (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\nx", 200, b"x", true),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", 200, b"abc0123456789", true),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n", 200, b"a", true),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", 201, b"ok", true),
            (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 200, b"until the end", false),
        ];
        for (bytes, status, body, alive) in answers {
            for piece in 1..=bytes.len() {
                let (answer, got, keeps) = read(bytes, piece).unwrap().unwrap();
                assert_eq!((answer.status, got.as_slice(), keeps, answer.cut), (status, body, alive, false), "{piece}");
            }
        }
    }

    #[test]
    fn half_an_answer_is_none() {
        let whole: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut], 7).unwrap(), None, "cut at {cut}");
        }
        assert_eq!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive5", 100).unwrap(), None);
    }

    #[test]
    fn garbage_is_a_protocol_failure_and_never_a_panic() {
        let wrong: [&[u8]; 9] = [
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"\x15\x03\x01\x00\x02\x02\x16 and more of it",
            b"HTTP/1.1 200 OK\r\nContent-Length: twelve\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        ];
        for bytes in wrong {
            for piece in [1, 3, bytes.len()] {
                assert_eq!(read(bytes, piece).unwrap_err().kind, FailureKind::Protocol, "{bytes:?}");
            }
        }
    }

    #[test]
    fn heads_beyond_measure_are_given_up_by_name() {
        let mut endless = b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec();
        endless.resize(MAX_HEAD * 2, b'a');
        let mut bomb = b"HTTP/1.1 200 OK\r\n".to_vec();
        bomb.extend(b"X-A: b\r\n".repeat(MAX_HEADERS + 1));
        bomb.extend(b"\r\n");
        for bytes in [endless, bomb] {
            assert_eq!(read(&bytes, 4096).unwrap_err().kind, FailureKind::AnswerTooLarge);
        }
        let flood = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000);
        for piece in [1, 100, flood.len()] {
            assert_eq!(read(&flood, piece).unwrap_err().kind, FailureKind::Protocol);
        }
    }

    #[test]
    fn a_large_body_is_read_on_but_not_kept() {
        let mut reader = AnswerReader::new();
        reader.begin(4, false);
        let answer = reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789").unwrap().unwrap();
        assert_eq!((reader.body(), answer.cut, reader.keeps_alive()), (&b"0123"[..], true, true));
    }

    #[test]
    fn a_body_beyond_all_measure_is_too_large() {
        let said = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1);
        assert_eq!(read(said.as_bytes(), 100).unwrap_err().kind, FailureKind::AnswerTooLarge);
        let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        endless.resize(MAX_BODY as usize + 100, b'x');
        assert_eq!(read(&endless, 1 << 16).unwrap_err().kind, FailureKind::AnswerTooLarge);
    }

    #[test]
    fn bytes_behind_the_answer_end_the_connection() {
        let (_, body, alive) = read(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", 100).unwrap().unwrap();
        assert_eq!((body.as_slice(), alive), (&b"a"[..], false));
    }

    #[test]
    fn what_a_head_says_beside_the_length_is_kept() {
        let bytes: &[u8] =
            b"HTTP/1.1 429 Too Many\r\nDate: Fri, 31 Dec 1999 23:59:59 GMT\r\nContent-Encoding: gzip\r\n\
            Retry-After: Sat, 01 Jan 2000 00:00:09 GMT\r\nContent-Length: 0\r\n\r\n";
        let (answer, _, _) = read(bytes, 9).unwrap().unwrap();
        assert_eq!(answer.retry_after, Some(Duration::from_secs(10)));
        assert_eq!(answer.encoding, Some(Encoding::Gzip));
    }
}
