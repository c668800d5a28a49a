//! Ids from random bits: UUIDs, ULIDs, patterns.

use crate::random::Draws;
use crate::units::EpochMicros;

use super::json::hex_digits;

/// Crockford's base 32, as ULIDs write it.
const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Two words with the marks of a random UUID (RFC 9562, version 4).
pub fn uuid_v4(high: u64, low: u64) -> (u64, u64) {
    ((high & !0xf000) | 0x4000, (low & !(3 << 62)) | (2 << 62))
}

/// Two words with the marks of a UUID that begins with its time (RFC 9562, version 7).
pub fn uuid_v7(moment: EpochMicros, high: u64, low: u64) -> (u64, u64) {
    let millis = moment.0.div_euclid(1_000) as u64;
    ((millis << 16) | 0x7000 | (high & 0x0fff), (low & !(3 << 62)) | (2 << 62))
}

/// Writes a UUID with its dashes.
pub fn write_uuid((high, low): (u64, u64), out: &mut Vec<u8>) {
    let (high, low) = (hex_digits(high), hex_digits(low));
    let mut text = [b'-'; 36];
    text[..8].copy_from_slice(&high[..8]);
    text[9..13].copy_from_slice(&high[8..12]);
    text[14..18].copy_from_slice(&high[12..]);
    text[19..23].copy_from_slice(&low[..4]);
    text[24..].copy_from_slice(&low[4..]);
    out.extend_from_slice(&text);
}

/// Writes a ULID: 48 bits of milliseconds, 80 random bits.
pub fn write_ulid(moment: EpochMicros, high: u64, low: u64, out: &mut Vec<u8>) {
    let millis = moment.0.div_euclid(1_000) as u64 & 0xffff_ffff_ffff;
    let bits = (u128::from(millis) << 80) | (u128::from(high & 0xffff) << 64) | u128::from(low);
    for place in (0..26).rev() {
        out.push(BASE32[(bits >> (5 * place)) as usize & 31]);
    }
}

/// A snowflake: 41 bits of milliseconds since 2020, 10 bits of machine, 12 bits of sequence.
pub fn snowflake(moment: EpochMicros, bits: u64) -> i64 {
    const START_MS: i64 = 1_577_836_800_000;
    let millis = (moment.0.div_euclid(1_000) - START_MS).max(0);
    ((millis << 22) | (bits & 0x3f_ffff) as i64) & i64::MAX
}

/// Writes a pattern: `?` a capital letter, `#` a digit, `*` either, `\` takes the next as it is.
pub fn write_pattern(pattern: &[u8], draws: &mut Draws, out: &mut Vec<u8>) {
    let mut bytes = pattern.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'?' => out.push(b'A' + draws.below(26) as u8),
            b'#' => out.push(b'0' + draws.below(10) as u8),
            b'*' => out.push(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[draws.below(36) as usize]),
            b'\\' => out.extend(bytes.next()),
            other => out.push(*other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn uuids_carry_their_version() {
        let four = written(|out| write_uuid(uuid_v4(u64::MAX, u64::MAX), out));
        assert_eq!(four, "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let moment = EpochMicros(1_772_366_400_123_456);
        let seven = written(|out| write_uuid(uuid_v7(moment, 0, 0), out));
        assert_eq!(seven, "019ca945-0a7b-7000-8000-000000000000");
    }

    #[test]
    fn ids_with_time_sort_by_time() {
        let ulid = |micros| written(|out| write_ulid(EpochMicros(micros), 3, 4, out));
        assert_eq!(ulid(1_772_366_400_123_456).len(), 26);
        assert!(ulid(1_772_366_400_123_456) < ulid(1_772_366_400_124_456));
        assert!(snowflake(EpochMicros(1_772_366_400_123_456), 7) < snowflake(EpochMicros(1_772_366_400_124_456), 7));
        assert!(snowflake(EpochMicros(-5), u64::MAX) >= 0);
    }

    #[test]
    fn patterns_are_filled_in() {
        let text = written(|out| write_pattern(b"???-####\\#*", &mut Stream::root(1).draws(1), out));
        assert_eq!(text.len(), 10, "{text}");
        assert!(text[..3].bytes().all(|byte| byte.is_ascii_uppercase()));
        assert!(text[4..8].bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(&text[8..9], "#");
    }
}
