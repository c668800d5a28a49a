//! Writing the answers of the contracts: JSON into a buffer that is used again, and times as the services write them.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes a value; those that are written here cannot fail.
pub(super) fn write_value<T: serde::Serialize + ?Sized>(body: &mut Vec<u8>, value: &T) {
    let written = serde_json::to_writer(body, value);
    debug_assert!(written.is_ok());
}

/// Writes a text with its quotes.
pub(super) fn write_string(body: &mut Vec<u8>, text: &str) {
    // Most names need no escape, and then a copy is all there is to do.
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        body.push(b'"');
        body.extend_from_slice(text.as_bytes());
        body.push(b'"');
    } else {
        write_value(body, text);
    }
}

/// Writes an id that looks like a UUID of version 4, one for each number.
pub(super) fn write_uuid(body: &mut Vec<u8>, number: u64) {
    let (high, low) = (crate::fingerprint::mix(number), crate::fingerprint::mix(number ^ 0x5bf0_3635));
    let _written = write!(
        body,
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    );
}

/// Writes the time now in UTC, to the microsecond and without a zone.
pub(super) fn write_utc_now(body: &mut Vec<u8>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    write_utc(body, now.as_secs(), now.subsec_micros());
}

/// A moment so many seconds from now in UTC, to the second and without a zone.
pub(super) fn utc_in(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut text = Vec::new();
    write_utc(&mut text, now.as_secs() + seconds, 0);
    text.truncate(19);
    String::from_utf8(text).unwrap_or_default()
}

/// The time now in UTC, to the microsecond and without a zone.
pub(super) fn utc_now() -> String {
    let mut text = Vec::new();
    write_utc_now(&mut text);
    String::from_utf8(text).unwrap_or_default()
}

fn write_utc(body: &mut Vec<u8>, seconds: u64, micros: u32) {
    let (year, month, day) = civil_from_days(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    // Writing to memory cannot fail.
    let _written = write!(body, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}");
}

/// Days since 1970 as year, month and day (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(19_782), (2024, 2, 29));
        assert_eq!(civil_from_days(20_088), (2024, 12, 31));
    }

    #[test]
    fn ids_look_like_those_of_the_service() {
        let mut body = Vec::new();
        write_uuid(&mut body, 7);
        assert_eq!((body.len(), body[14], body[8]), (36, b'4', b'-'));
    }
}
