//! What single headers of an answer say, whichever version of HTTP carried them.

use std::time::{Duration, SystemTime};

use crate::transport::exchange::Encoding;

/// A whole number of digits only: no sign, no blanks.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_text| digits)?.parse().ok()
}

/// How long `Retry-After` asks to wait. A date counts from the answer's own `Date`, so that clocks may differ; from
/// now where it has none.
pub(super) fn retry_after(value: &[u8], date: Option<&[u8]>) -> Option<Duration> {
    if let Some(seconds) = number(value) {
        return Some(Duration::from_secs(seconds));
    }
    let until = moment(value)?;
    let from = date.and_then(moment).unwrap_or_else(SystemTime::now);
    Some(until.duration_since(from).unwrap_or_default())
}

/// How `Content-Encoding` says that the body is compressed.
pub(super) fn encoding(value: &[u8]) -> Option<Encoding> {
    if value.is_empty() || value.eq_ignore_ascii_case(b"identity") {
        None
    } else if value.eq_ignore_ascii_case(b"gzip") || value.eq_ignore_ascii_case(b"x-gzip") {
        Some(Encoding::Gzip)
    } else if value.eq_ignore_ascii_case(b"zstd") {
        Some(Encoding::Zstd)
    } else {
        Some(Encoding::Unknown)
    }
}

fn moment(value: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let date: &[u8] = b"Fri, 31 Dec 1999 23:59:59 GMT";
        assert_eq!(retry_after(b"3", None), Some(Duration::from_secs(3)));
        assert_eq!(retry_after(b"Sat, 01 Jan 2000 00:01:00 GMT", Some(date)), Some(Duration::from_secs(61)));
        assert_eq!(retry_after(date, None), Some(Duration::ZERO), "a date of the past asks for nothing");
        assert_eq!(retry_after(b"soon", None), None);
        let ahead = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let asked = retry_after(ahead.as_bytes(), None).unwrap();
        assert!((90..=100).contains(&asked.as_secs()), "{asked:?}");
    }
}
