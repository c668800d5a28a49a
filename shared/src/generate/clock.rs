//! Moments as text: RFC 3339 in UTC and its relatives, and the calendar behind them.

use crate::units::EpochMicros;

use super::json::{write_int, write_padded};

/// Microseconds in a second and in a day.
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A moment taken apart, in UTC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Civil {
    /// Year; negative before the year 0.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, 1 to 31.
    pub day: u32,
    /// Hour.
    pub hour: u32,
    /// Minute.
    pub minute: u32,
    /// Second.
    pub second: u32,
    /// Microsecond.
    pub micros: u32,
    /// Day of the week, Monday 0 to Sunday 6.
    pub weekday: u32,
}

/// How a moment is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TimeFormat {
    /// `2026-03-01T12:00:00.123456Z`
    Rfc3339,
    /// `2026-03-01T12:00:00.123Z`
    Rfc3339Millis,
    /// `2026-03-01T12:00:00Z`
    Rfc3339Seconds,
    /// `2026-03-01T12:00:00.123456`: without a zone.
    Naive,
    /// `2026-03-01`
    Date,
    /// Milliseconds since 1970, a number.
    EpochMs,
    /// Whole seconds since 1970, a number.
    EpochSeconds,
    /// Microseconds since 1970, a number.
    EpochUs,
}

impl TimeFormat {
    /// Every format with its word in a scenario.
    pub const ALL: [(&'static str, Self); 8] = [
        ("rfc3339", Self::Rfc3339),
        ("rfc3339_ms", Self::Rfc3339Millis),
        ("rfc3339_s", Self::Rfc3339Seconds),
        ("naive", Self::Naive),
        ("date", Self::Date),
        ("epoch_ms", Self::EpochMs),
        ("epoch_s", Self::EpochSeconds),
        ("epoch_us", Self::EpochUs),
    ];

    /// The format of a word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(word, _)| *word == name).map(|(_, format)| *format)
    }

    /// Whether it is written as a number.
    pub fn is_number(self) -> bool {
        match self {
            Self::EpochMs | Self::EpochSeconds | Self::EpochUs => true,
            Self::Rfc3339 | Self::Rfc3339Millis | Self::Rfc3339Seconds | Self::Naive | Self::Date => false,
        }
    }

    /// The number that stands for a moment, where the format is one.
    pub fn number(self, moment: EpochMicros) -> Option<i64> {
        match self {
            Self::EpochMs => Some(moment.0.div_euclid(1_000)),
            Self::EpochSeconds => Some(moment.0.div_euclid(SECOND)),
            Self::EpochUs => Some(moment.0),
            Self::Rfc3339 | Self::Rfc3339Millis | Self::Rfc3339Seconds | Self::Naive | Self::Date => None,
        }
    }
}

/// Takes a moment apart.
///
/// Days to civil date after Hinnant, "chrono-compatible low-level date algorithms".
pub fn civil(moment: EpochMicros) -> Civil {
    let days = moment.0.div_euclid(DAY);
    let rest = moment.0.rem_euclid(DAY);
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    Civil {
        year: yoe + era * 400 + i64::from(month <= 2),
        month: month as u32,
        day: (doy - (153 * mp + 2) / 5 + 1) as u32,
        hour: (rest / (3_600 * SECOND)) as u32,
        minute: (rest / (60 * SECOND) % 60) as u32,
        second: (rest / SECOND % 60) as u32,
        micros: (rest % SECOND) as u32,
        // 1970-01-01 was a Thursday.
        weekday: (days + 3).rem_euclid(7) as u32,
    }
}

/// Days from 1970-01-01 to a civil date; the inverse of [`civil`].
pub fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let shifted = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let doy = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

/// Reads an RFC 3339 moment (`2026-03-01T12:00:00Z`, a fraction and an offset allowed, a bare date too).
pub fn parse_rfc3339(text: &str) -> Option<EpochMicros> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    if text.as_bytes().get(4) != Some(&b'-') || text.as_bytes().get(7) != Some(&b'-') {
        return None;
    }
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let mut micros = days_from_civil(i64::from(year), month, day).checked_mul(DAY)?;
    if text.len() == 10 {
        return Some(EpochMicros(micros));
    }
    if !matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    micros += i64::from(hour * 3_600 + minute * 60 + second) * SECOND;
    let mut rest = text.get(19..)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|c: char| !c.is_ascii_digit()).unwrap_or(fraction.len());
        let digits = &fraction[..end.min(6)];
        let scale = 10_i64.pow(6 - digits.len() as u32);
        micros += digits.parse::<i64>().ok()? * scale;
        rest = &fraction[end..];
    }
    if rest.is_empty() || rest.eq_ignore_ascii_case("z") {
        return Some(EpochMicros(micros));
    }
    let sign = match rest.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = rest.get(1..)?.split_once(':')?;
    let offset = hours.parse::<i64>().ok()? * 3_600 + minutes.parse::<i64>().ok()? * 60;
    Some(EpochMicros(micros - sign * offset * SECOND))
}

/// Writes a moment in a format, without quotes.
pub fn write_time(moment: EpochMicros, format: TimeFormat, out: &mut Vec<u8>) {
    if let Some(number) = format.number(moment) {
        write_int(number, out);
        return;
    }
    let civil = civil(moment);
    match u64::try_from(civil.year) {
        Ok(year) => write_padded(year, 4, out),
        Err(_) => write_int(civil.year, out),
    }
    let mut text = *b"-00-00T00:00:00.000000Z";
    put_two(&mut text, 1, civil.month);
    put_two(&mut text, 4, civil.day);
    put_two(&mut text, 7, civil.hour);
    put_two(&mut text, 10, civil.minute);
    put_two(&mut text, 13, civil.second);
    put_two(&mut text, 16, civil.micros / 10_000);
    put_two(&mut text, 18, civil.micros / 100);
    put_two(&mut text, 20, civil.micros);
    let length = match format {
        TimeFormat::Date => 6,
        TimeFormat::Rfc3339Seconds => 15,
        TimeFormat::Rfc3339Millis => 19,
        TimeFormat::Naive => 22,
        TimeFormat::Rfc3339 => 23,
        TimeFormat::EpochMs | TimeFormat::EpochSeconds | TimeFormat::EpochUs => 0,
    };
    out.extend_from_slice(&text[..length]);
    if matches!(format, TimeFormat::Rfc3339Seconds | TimeFormat::Rfc3339Millis) {
        out.push(b'Z');
    }
}

fn put_two(text: &mut [u8], at: usize, number: u32) {
    text[at] = b'0' + (number / 10 % 10) as u8;
    text[at + 1] = b'0' + (number % 10) as u8;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(micros: i64, format: TimeFormat) -> String {
        let mut out = Vec::new();
        write_time(EpochMicros(micros), format, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_read_as_everybody_writes_them() {
        let moment = 1_772_366_400_123_456;
        for (format, text) in [
            (TimeFormat::Rfc3339, "2026-03-01T12:00:00.123456Z"),
            (TimeFormat::Rfc3339Millis, "2026-03-01T12:00:00.123Z"),
            (TimeFormat::Rfc3339Seconds, "2026-03-01T12:00:00Z"),
            (TimeFormat::Naive, "2026-03-01T12:00:00.123456"),
            (TimeFormat::Date, "2026-03-01"),
            (TimeFormat::EpochMs, "1772366400123"),
            (TimeFormat::EpochSeconds, "1772366400"),
        ] {
            assert_eq!(written(moment, format), text);
        }
        assert_eq!(written(0, TimeFormat::Rfc3339Seconds), "1970-01-01T00:00:00Z");
        assert_eq!(written(-1, TimeFormat::Rfc3339), "1969-12-31T23:59:59.999999Z");
        assert_eq!(civil(EpochMicros(moment)).weekday, 6, "a Sunday");
        assert_eq!(written(951_782_400_000_000, TimeFormat::Date), "2000-02-29");
    }

    #[test]
    fn offsets_and_fractions_are_read() {
        let noon = parse_rfc3339("2026-03-01T12:00:00Z").unwrap();
        assert_eq!(parse_rfc3339("2026-03-01T14:00:00+02:00"), Some(noon));
        assert_eq!(parse_rfc3339("2026-03-01T12:00:00.5").unwrap().0, noon.0 + 500_000);
        assert_eq!(parse_rfc3339("2026-03-01").unwrap().0, noon.0 - 12 * 3_600 * SECOND);
        for wrong in ["", "yesterday", "2026-13-01", "2026-03-01T25:00:00Z", "2026-03-01T12:00:00x"] {
            assert_eq!(parse_rfc3339(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_reads_back(micros in -62_000_000_000_000_000_i64..253_000_000_000_000_000) {
            let text = written(micros, TimeFormat::Rfc3339);
            prop_assert_eq!(parse_rfc3339(&text), Some(EpochMicros(micros)));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _parsed = parse_rfc3339(&text);
        }
    }
}
