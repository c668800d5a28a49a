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
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number).as_bytes();
    out.extend(std::iter::repeat_n(b'0', width.saturating_sub(digits.len())));
    out.extend_from_slice(digits);
}

/// Writes bits as lower-case hexadecimal digits, the highest first.
pub fn write_hex(bits: u64, digits: u32, out: &mut Vec<u8>) {
    for place in (0..digits.min(16)).rev() {
        out.push(HEX[(bits >> (4 * place)) as usize & 15]);
    }
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
        fn numbers_are_written_as_serde_does(int: i64, float in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
            prop_assert_eq!(written(|out| write_int(int, out)), serde_json::to_string(&int).unwrap());
            prop_assert_eq!(written(|out| write_float(float, out)).parse::<f64>().unwrap(), float);
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
