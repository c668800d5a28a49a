//! The head of a request, prepared once: only the length changes from one request to the next.

use std::fmt;
use std::io::Write;

use crate::transport::address::Address;

/// Digits that a content length may need.
const LENGTH_DIGITS: usize = 20;
/// Ends a head.
const END: &[u8] = b"\r\n\r\n";

/// Everything of a head before the content length. It may hold secrets, so that it never shows itself.
#[derive(Clone)]
pub struct RequestHead {
    before_length: Vec<u8>,
    with_body: bool,
    /// The same head for HTTP/2.
    parts: http::request::Parts,
    /// Whether nothing stands before a body.
    absent: bool,
}

/// A request as either version of HTTP sends it.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Head and body in one piece: HTTP/1.1.
    pub wire: &'a [u8],
    /// The head: HTTP/2.
    pub head: &'a RequestHead,
    /// The body.
    pub body: &'a [u8],
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestHead")
    }
}

impl RequestHead {
    /// Writes the head.
    ///
    /// # Errors
    ///
    /// Names the header (never its value) that HTTP cannot carry.
    pub fn new(address: &Address, method: &str, path: &str, headers: &[(String, String)]) -> Result<Self, String> {
        let target = format!("{}{path}", address.base_path);
        if method.is_empty() || !method.bytes().all(is_token) {
            return Err(format!("`{method}` is not an HTTP method"));
        }
        if !target.starts_with('/') || target.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(format!("`{target}` is not a request path: it starts with / and has no blanks"));
        }
        let mut head = Vec::with_capacity(256);
        // Writing to memory cannot fail.
        let _ = write!(head, "{method} {target} HTTP/1.1\r\nHost: {}\r\n", address.authority);
        for (name, value) in headers {
            let plain = value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
            if name.is_empty() || !name.bytes().all(is_token) || !plain {
                return Err(format!("header `{name}` has characters that HTTP does not allow"));
            }
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let parts = parts(address, method, &target, headers)?;
        let with_body = !matches!(method, "GET" | "HEAD" | "DELETE" | "OPTIONS");
        if with_body {
            head.extend_from_slice(b"Content-Length: ");
        } else {
            // Without a length the head ends behind its last header; `place` adds the blank line.
            head.truncate(head.len() - 2);
        }
        Ok(Self { before_length: head, with_body, parts, absent: false })
    }

    /// The head of a request with a body of this length, for HTTP/2.
    pub(super) fn for_http2(&self, body: usize) -> http::Request<()> {
        let mut parts = self.parts.clone();
        if self.with_body {
            parts.headers.insert(http::header::CONTENT_LENGTH, http::HeaderValue::from(body as u64));
        }
        http::Request::from_parts(parts, ())
    }

    /// Whether its requests have a body.
    pub fn has_body(&self) -> bool {
        self.with_body
    }

    /// No head, where a request is nothing but its body.
    pub fn none() -> Self {
        Self { before_length: Vec::new(), with_body: true, parts: http::Request::new(()).into_parts().0, absent: true }
    }

    /// Room to leave in front of a body for the longest head.
    pub fn room(&self) -> usize {
        if self.absent {
            return 0;
        }
        self.before_length.len() + LENGTH_DIGITS + END.len()
    }

    /// Writes the head right in front of the body that starts at `room()`; gives where the request starts.
    ///
    /// The buffer must have been given [`RequestHead::room`] bytes before its body.
    pub fn place(&self, buffer: &mut [u8]) -> usize {
        if self.absent {
            return 0;
        }
        let room = self.room();
        debug_assert!(buffer.len() >= room, "a request's buffer starts with room for its head");
        let mut digits = itoa::Buffer::new();
        let length = if self.with_body { digits.format(buffer.len() - room) } else { "" };
        let start = room - END.len() - length.len() - self.before_length.len();
        let (mut at, parts) = (start, [self.before_length.as_slice(), length.as_bytes(), END]);
        for part in parts {
            buffer[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        start
    }
}

/// The head as HTTP/2 wants it: no `Host`, nothing about the connection.
fn parts(
    address: &Address,
    method: &str,
    target: &str,
    headers: &[(String, String)],
) -> Result<http::request::Parts, String> {
    let mut request = http::Request::builder().method(method).uri(format!("{}{target}", address.origin()));
    for (name, value) in headers {
        if !["connection", "host", "keep-alive", "transfer-encoding"].iter().any(|own| name.eq_ignore_ascii_case(own)) {
            request = request.header(name, value);
        }
    }
    // Everything else was looked at before.
    let request = request.body(()).map_err(|_error| format!("`{target}` is not a request path"))?;
    Ok(request.into_parts().0)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address::parse("http://localhost:8010").unwrap()
    }

    #[test]
    fn head_and_body_stand_in_one_piece() {
        let headers = vec![("X-API-Key".to_owned(), "k".to_owned())];
        let head = RequestHead::new(&address(), "POST", "/ingest", &headers).unwrap();
        for body in ["", "{}", "0123456789"] {
            let mut buffer = vec![b'?'; head.room()];
            buffer.extend_from_slice(body.as_bytes());
            let start = head.place(&mut buffer);
            let want = format!(
                "POST /ingest HTTP/1.1\r\nHost: localhost:8010\r\nX-API-Key: k\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            assert_eq!(String::from_utf8(buffer[start..].to_vec()).unwrap(), want);
        }
    }

    #[test]
    fn a_get_has_no_length() {
        let head = RequestHead::new(&address(), "GET", "/health", &[]).unwrap();
        let mut buffer = vec![0; head.room()];
        let start = head.place(&mut buffer);
        assert_eq!(&buffer[start..], b"GET /health HTTP/1.1\r\nHost: localhost:8010\r\n\r\n");
    }

    #[test]
    fn what_could_smuggle_a_line_is_refused_without_its_value() {
        let headers = vec![("X-API-Key".to_owned(), "secret\r\nX-Other: 1".to_owned())];
        let said = RequestHead::new(&address(), "POST", "/", &headers).unwrap_err();
        assert!(said.contains("X-API-Key") && !said.contains("secret"), "{said}");
        assert!(RequestHead::new(&address(), "POST", "/a b", &[]).is_err());
        assert!(RequestHead::new(&address(), "PO ST", "/", &[]).is_err());
    }
}
