//! Figures in words for people: latencies, rates, shares, counts and moments, the same in terminal, report and panel.
//!
//! Three significant digits, a unit that fits, no more: what a reader compares, not what a program reads.

/// A latency given in microseconds: `850 µs`, `12.4 ms`, `1.83 s`.
///
/// ```
/// assert_eq!(shared::wording::latency(12_431.0), "12.4 ms");
/// ```
pub fn latency(micros: f64) -> String {
    let size = micros.abs();
    if size < 999.5 {
        format!("{} µs", digits(micros))
    } else if size < 999_500.0 {
        format!("{} ms", digits(micros / 1e3))
    } else if size < 120e6 {
        format!("{} s", digits(micros / 1e6))
    } else {
        format!("{} min", digits(micros / 60e6))
    }
}

/// A rate per second: `9.98/s`, `12,300/s`.
pub fn rate(per_second: f64) -> String {
    format!("{}/s", digits(per_second))
}

/// A share (0 to 1) in per cent: `0 %`, `0.02 %`, `97.4 %`.
pub fn share(share: f64) -> String {
    format!("{} %", digits(share * 100.0))
}

/// A count with its thousands apart: `1,234,567`.
pub fn count(count: u64) -> String {
    grouped(&count.to_string())
}

/// A number of bytes: `512 B`, `1.21 MB`.
pub fn bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    for (size, unit) in [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")] {
        if bytes >= size * 0.9995 {
            return format!("{} {unit}", digits(bytes / size));
        }
    }
    format!("{} B", digits(bytes))
}

/// A moment or a length on a clock: `00:42`, `1:02:03`, `2 d 03:00:00`.
pub fn clock(seconds: f64) -> String {
    let whole = if seconds.is_finite() && seconds > 0.0 { seconds as u64 } else { 0 };
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    if days > 0 {
        format!("{days} d {hours:02}:{minutes:02}:{rest:02}")
    } else if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes:02}:{rest:02}")
    }
}

/// A number to three significant digits without trailing zeros; whole above a hundred, its thousands apart.
pub fn digits(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    let places = if size >= 99.95 {
        0
    } else if size >= 9.995 {
        1
    } else if size >= 0.9995 {
        2
    } else if size >= 0.0995 {
        3
    } else {
        4
    };
    let text = format!("{value:.places$}");
    let text = if places > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { text.as_str() };
    if text == "-0" { "0".to_owned() } else { grouped(text) }
}

/// Puts commas between the thousands of a number's whole part.
fn grouped(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, rest) = text.find('.').map_or((text, ""), |dot| text.split_at(dot));
    let mut out = String::from(sign);
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_take_the_unit_that_fits() {
        for (micros, text) in [
            (0.0, "0 µs"),
            (0.4, "0.4 µs"),
            (850.0, "850 µs"),
            (999.6, "1 ms"),
            (12_431.0, "12.4 ms"),
            (999_600.0, "1 s"),
            (1_832_000.0, "1.83 s"),
            (-2_500.0, "-2.5 ms"),
            (600e6, "10 min"),
        ] {
            assert_eq!(latency(micros), text, "{micros}");
        }
    }

    #[test]
    fn counts_and_shares_read_at_a_glance() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(rate(12_345.6), "12,346/s");
        assert_eq!(rate(9.98), "9.98/s");
        assert_eq!(share(0.000_2), "0.02 %");
        assert_eq!(share(0.0), "0 %");
        assert_eq!(share(1.0), "100 %");
        assert_eq!(bytes(1_210_000), "1.21 MB");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(digits(-0.000_001), "0");
        assert_eq!(digits(f64::NAN), "–");
    }

    #[test]
    fn a_clock_shows_no_more_than_it_needs() {
        assert_eq!(clock(42.9), "00:42");
        assert_eq!(clock(3_723.0), "1:02:03");
        assert_eq!(clock(183_600.0), "2 d 03:00:00");
        assert_eq!(clock(f64::NAN), "00:00");
    }
}
