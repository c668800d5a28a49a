//! Writing JSON straight into a buffer.

/// What a byte needs inside a JSON text: 0 for itself, `u` for `\u00XX`, else the letter after the backslash.
const ESCAPES: [u8; 256] = {
    let mut table = [0_u8; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = b'u';
        byte += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes the inside of a JSON text, without its quotes.
pub fn write_escaped(text: &[u8], out: &mut Vec<u8>) {
    let clean = clean_length(text);
    if clean == text.len() {
        out.extend_from_slice(text);
        return;
    }
    out.extend_from_slice(&text[..clean]);
    let text = &text[clean..];
    let mut start = 0;
    for (place, byte) in text.iter().enumerate() {
        let escape = ESCAPES[usize::from(*byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&text[start..place]);
        out.push(b'\\');
        out.push(escape);
        if escape == b'u' {
            out.extend_from_slice(&[b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        start = place + 1;
    }
    out.extend_from_slice(&text[start..]);
}

/// Whether a text is the same inside JSON.
pub fn is_clean(text: &[u8]) -> bool {
    clean_length(text) == text.len()
}

/// How many bytes at the start of a text certainly need no escape: looked at eight at a time.
fn clean_length(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The highest bit of each byte that is zero, below a bound up to 128, or equal to another (Lamport's SWAR tests;
    // a byte above a true one may be reported too, which only means that it is looked at closely).
    let zero = |x: u64| x.wrapping_sub(ONES) & !x & HIGH;
    let below_space = |x: u64| x.wrapping_sub(ONES * 0x20) & !x & HIGH;
    let unclean = |x: u64| below_space(x) | zero(x ^ (ONES * 0x22)) | zero(x ^ (ONES * 0x5c));
    let mut chunks = text.chunks_exact(8);
    let mut clean = 0;
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        if unclean(u64::from_le_bytes(word)) != 0 {
            return clean;
        }
        clean += 8;
    }
    clean + chunks.remainder().iter().take_while(|byte| ESCAPES[usize::from(**byte)] == 0).count()
}

/// Writes a JSON text with its quotes.
pub fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

/// Writes a whole number.
pub fn write_int(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a number in its shortest form; `null` for what JSON has no number for.
pub fn write_float(number: f64, out: &mut Vec<u8>) {
    if number.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// Writes `units / 10^digits` in its shortest form, with at least one digit after the point: what [`write_float`]
/// writes for a number rounded to so many digits.
pub fn write_decimal(units: i64, digits: u32, out: &mut Vec<u8>) {
    let scale = 10_u64.pow(digits.min(18));
    let magnitude = units.unsigned_abs();
    if units < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(itoa::Buffer::new().format(magnitude / scale).as_bytes());
    out.push(b'.');
    let mut rest = magnitude % scale;
    let mut width = digits.min(18) as usize;
    while width > 1 && rest.is_multiple_of(10) {
        rest /= 10;
        width -= 1;
    }
    write_padded(rest, width.max(1), out);
}

/// Writes a number with leading zeros, at least `width` digits wide.
pub fn write_padded(number: u64, width: usize, out: &mut Vec<u8>) {
    const ZEROS: [u8; 32] = [b'0'; 32];
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number).as_bytes();
    let mut missing = width.saturating_sub(digits.len());
    while missing > 0 {
        let some = missing.min(ZEROS.len());
        out.extend_from_slice(&ZEROS[..some]);
        missing -= some;
    }
    out.extend_from_slice(digits);
}

/// Writes bits as lower-case hexadecimal digits, the highest first; at most 16.
pub fn write_hex(bits: u64, digits: u32, out: &mut Vec<u8>) {
    let text = hex_digits(bits);
    // Mostly it is all of them, whose number the compiler then knows.
    match text.get(16_usize.saturating_sub(digits as usize)..) {
        Some(some) if some.len() < 16 => out.extend_from_slice(some),
        _ => out.extend_from_slice(&text),
    }
}

/// All 16 hexadecimal digits of some bits.
pub(super) fn hex_digits(bits: u64) -> [u8; 16] {
    let mut text = [0; 16];
    text[..8].copy_from_slice(&eight_hex_digits((bits >> 32) as u32));
    text[8..].copy_from_slice(&eight_hex_digits(bits as u32));
    text
}

/// Eight digits at once, a byte of a word each.
fn eight_hex_digits(bits: u32) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut digits = u64::from(bits);
    digits = (digits | digits << 16) & 0x0000_ffff_0000_ffff;
    digits = (digits | digits << 8) & 0x00ff_00ff_00ff_00ff;
    digits = (digits | digits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // From ten on a digit is a letter.
    let letters = (digits + 6 * ONES) >> 4 & ONES;
    (digits + u64::from(b'0') * ONES + letters * u64::from(b'a' - b'0' - 10)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_padded_and_cut() {
        assert_eq!(written(|out| write_padded(42, 5, out)), "00042");
        assert_eq!(written(|out| write_padded(123_456, 5, out)), "123456");
        assert_eq!(written(|out| write_hex(0x00ab_cdef, 4, out)), "cdef");
        assert_eq!(written(|out| write_float(f64::NAN, out)), "null");
        assert_eq!(written(|out| write_decimal(-12_90, 2, out)), "-12.9");
    }

    proptest! {
        #[test]
        fn texts_are_escaped_as_serde_does(text in "\\PC*[\\x00-\\x1f\"\\\\]{0,4}\\PC*") {
            prop_assert_eq!(written(|out| write_text(text.as_bytes(), out)), serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn bytes_of_any_kind_are_escaped_as_serde_does(bytes in prop::collection::vec(0_u8..128, 0..40)) {
            let text = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(written(|out| write_text(text.as_bytes(), out)), serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn numbers_are_written_as_serde_does(int: i64, float in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
            prop_assert_eq!(written(|out| write_int(int, out)), serde_json::to_string(&int).unwrap());
            prop_assert_eq!(written(|out| write_float(float, out)).parse::<f64>().unwrap(), float);
        }

        #[test]
        fn hexadecimal_digits_are_those_of_the_standard_library(bits: u64, digits in 1_u32..=16) {
            let all = format!("{bits:016x}");
            prop_assert_eq!(written(|out| write_hex(bits, digits, out)), &all[16 - digits as usize..]);
        }

        #[test]
        fn decimals_are_written_as_the_number_is(units in -100_000_000_i64..100_000_000, digits in 1_u32..6) {
            let number = units as f64 / libm::pow(10.0, f64::from(digits));
            let decimal = written(|out| write_decimal(units, digits, out));
            prop_assert_eq!(decimal.parse::<f64>().unwrap(), number);
            if number.abs() >= 1e-4 {
                prop_assert_eq!(decimal, written(|out| write_float(number, out)));
            }
        }
    }
}
