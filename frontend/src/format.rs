//! Numbers as people read them: few digits, thousands grouped, always with their unit.

/// A rate or another plain figure with three digits that matter: `0.25`, `9.98`, `104`, `1.2k`, `3.45M`.
pub(crate) fn figure(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "–".to_owned()
    } else if size >= 999_500_000.0 {
        format!("{}G", three_digits(value / 1e9))
    } else if size >= 999_500.0 {
        format!("{}M", three_digits(value / 1e6))
    } else if size >= 9_999.5 {
        format!("{}k", three_digits(value / 1e3))
    } else if size >= 999.5 {
        count(value.round() as u64)
    } else {
        three_digits(value)
    }
}

/// A rate of events with its unit.
pub(crate) fn rate(per_second: f64) -> String {
    format!("{}/s", figure(per_second))
}

/// A whole number, thousands grouped: `1,234,567`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things with its noun: `1 event`, `12 events`.
pub(crate) fn counted(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

/// A latency as figure and unit, so that the two can be set apart: `("4.03", "ms")`.
pub(crate) fn latency_parts(micros: f64) -> (String, &'static str) {
    if micros < 999.5 {
        (three_digits(micros.round()), "µs")
    } else if micros < 999_500.0 {
        (three_digits(micros / 1e3), "ms")
    } else if micros < 60e6 {
        (three_digits(micros / 1e6), "s")
    } else {
        (three_digits(micros / 60e6), "min")
    }
}

/// A latency in its best unit: `412 µs`, `4.03 ms`, `1.25 s`.
pub(crate) fn latency(micros: f64) -> String {
    let (value, unit) = latency_parts(micros);
    format!("{value} {unit}")
}

/// A latency that stands on an axis: `500 µs`, `1 ms`, `20 ms`.
pub(crate) fn latency_tick(micros: f64) -> String {
    let (value, unit) = latency_parts(micros);
    let value = if value.contains('.') { value.trim_end_matches('0').trim_end_matches('.') } else { &value };
    format!("{value} {unit}")
}

/// A share of one: `0 %`, `0.25 %`, `12.3 %`; what is there but too small to write is `<0.01 %`.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    if !value.is_finite() {
        "–".to_owned()
    } else if value > 0.0 && value < 0.01 {
        "<0.01 %".to_owned()
    } else if value == 0.0 || value >= 99.995 {
        format!("{value:.0} %")
    } else if value < 10.0 {
        format!("{value:.2} %")
    } else {
        format!("{value:.1} %")
    }
}

/// A length of time on a clock: `01:05`, `01:02:03`, `2d 03:00:00`.
pub(crate) fn clock(seconds: f64) -> String {
    let total = if seconds.is_finite() && seconds > 0.0 { seconds as u64 } else { 0 };
    let (days, hours, minutes, seconds) = (total / 86_400, total / 3_600 % 24, total / 60 % 60, total % 60);
    if days > 0 {
        format!("{days}d {hours:02}:{minutes:02}:{seconds:02}")
    } else if hours > 0 {
        format!("{hours:02}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// A moment on an axis of time that shows `shown` seconds: `12s`, `1:30`, `1h05`, `2d`.
pub(crate) fn time_tick(seconds: f64, shown: f64) -> String {
    let total = seconds.max(0.0).round() as u64;
    if shown < 10.0 && seconds.fract().abs() > 1e-9 {
        format!("{seconds:.1}s")
    } else if shown <= 120.0 {
        format!("{total}s")
    } else if shown < 7_200.0 {
        format!("{}:{:02}", total / 60, total % 60)
    } else if shown < 172_800.0 {
        format!("{}h{:02}", total / 3_600, total / 60 % 60)
    } else {
        format!("{}d{:02}h", total / 86_400, total / 3_600 % 24)
    }
}

/// A rate multiplier: `×1`, `×0.25`, `×12.5`.
pub(crate) fn multiplier(value: f64) -> String {
    format!("×{}", plain(value))
}

/// A number as it is typed: no grouping, no needless zeros.
pub(crate) fn plain(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Day and minute of an RFC 3339 moment, as it is written (UTC): `2026-11-20 14:03`.
pub(crate) fn moment(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..16)) {
        (Some(day), Some(minute)) => format!("{day} {minute}"),
        _ => rfc3339.to_owned(),
    }
}

/// Three digits that matter, and never more decimals than they need.
fn three_digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if size < 0.0995 {
        // Rare things: two digits that matter, wherever they are.
        let decimals = if size < 0.001 {
            5
        } else if size < 0.01 {
            4
        } else {
            3
        };
        let text = format!("{value:.decimals$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else if size < 9.995 {
        let text = format!("{value:.2}");
        if text.ends_with(".00") && (value - value.round()).abs() < 1e-9 { format!("{value:.0}") } else { text }
    } else if size < 99.95 {
        let text = format!("{value:.1}");
        if text.ends_with(".0") && (value - value.round()).abs() < 1e-9 { format!("{value:.0}") } else { text }
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_three_digits_that_matter() {
        for (value, text) in [
            (0.0, "0"),
            (0.0125, "0.013"),
            (0.005, "0.005"),
            (0.25, "0.25"),
            (9.98, "9.98"),
            (10.0, "10"),
            (104.4, "104"),
            (1_234.0, "1,234"),
            (12_345.0, "12.3k"),
            (999_700.0, "1.00M"),
            (3.456e6, "3.46M"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn latencies_choose_their_unit() {
        for (micros, text) in [
            (0.0, "0 µs"),
            (412.0, "412 µs"),
            (999.6, "1.00 ms"),
            (4_030.0, "4.03 ms"),
            (31_000.0, "31 ms"),
            (1_250_000.0, "1.25 s"),
            (90e6, "1.50 min"),
        ] {
            assert_eq!(latency(micros), text);
        }
        assert_eq!(latency_tick(500.0), "500 µs");
        assert_eq!(latency_tick(1_000.0), "1 ms");
    }

    #[test]
    fn counts_are_grouped_and_agree_with_their_noun() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(counted(1, "event"), "1 event");
        assert_eq!(counted(1_000, "event"), "1,000 events");
    }

    #[test]
    fn clocks_grow_only_when_they_must() {
        assert_eq!(clock(0.9), "00:00");
        assert_eq!(clock(65.0), "01:05");
        assert_eq!(clock(3_723.0), "01:02:03");
        assert_eq!(clock(183_600.0), "2d 03:00:00");
        assert_eq!(time_tick(90.0, 600.0), "1:30");
        assert_eq!(time_tick(0.5, 3.0), "0.5s");
        assert_eq!(time_tick(3_900.0, 10_000.0), "1h05");
    }

    #[test]
    fn a_small_share_is_never_written_as_none() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.000_01), "<0.01 %");
        assert_eq!(percent(0.002_5), "0.25 %");
        assert_eq!(percent(0.123), "12.3 %");
        assert_eq!(percent(1.0), "100 %");
    }

    #[test]
    fn multipliers_are_short() {
        assert_eq!(multiplier(1.0), "×1");
        assert_eq!(multiplier(0.25), "×0.25");
    }

    #[test]
    fn a_moment_is_day_and_minute() {
        assert_eq!(moment("2026-11-20T14:03:22.123Z"), "2026-11-20 14:03");
        assert_eq!(moment("soon"), "soon");
    }
}
