//! Numbers with units, written the way people write them: `10m`, `500ms`, `20/min`, `forever`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::tree::Node;
use crate::tree::read::{Readable, Reader};

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// Units of time by name, largest first.
const TIME_UNITS: [(&str, u64); 7] = [
    ("d", 86_400 * SECOND),
    ("h", 3_600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", SECOND / 1_000),
    ("us", SECOND / 1_000_000),
    ("ns", 1),
];

/// A span of time in nanoseconds.
///
/// ```
/// use shared::units::Nanos;
/// let span: Nanos = "1h30m".parse().unwrap();
/// assert_eq!(span.as_secs_f64(), 5_400.0);
/// assert_eq!(span.to_string(), "1h30m");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Nanos(pub u64);

impl Nanos {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole seconds, at most 584 years.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    /// A span of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(SECOND / 1_000))
    }

    /// A span of seconds, rounded to the nanosecond; negative ones are zero.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self((seconds * SECOND as f64 + 0.5) as u64)
    }

    /// The span in seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }

    /// The span in microseconds, rounded down.
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// The sum, at most the longest span.
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, at least zero.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Nanos {
    /// The shortest form that reads back as the same span.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, size) in TIME_UNITS {
            let count = rest / size;
            if count > 0 {
                write!(f, "{count}{name}")?;
                rest %= size;
            }
        }
        Ok(())
    }
}

impl FromStr for Nanos {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a span of time; write 500ms, 10s, 5m or 1h30m");
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(wrong());
        }
        if let Ok(seconds) = rest.parse::<f64>() {
            return span_of_seconds(seconds).ok_or_else(wrong);
        }
        let mut total = 0_f64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| c != '.' && !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: f64 = rest[..digits].parse().map_err(|_error| wrong())?;
            rest = &rest[digits..];
            let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
            let name = &rest[..end];
            let name = match name {
                "µs" | "μs" => "us",
                "min" => "m",
                "sec" => "s",
                other => other,
            };
            let (_, size) = TIME_UNITS.iter().find(|(unit, _)| *unit == name).ok_or_else(wrong)?;
            total += number * *size as f64;
            rest = rest[end..].trim_start();
        }
        span_of_seconds(total / SECOND as f64).ok_or_else(wrong)
    }
}

/// A span that fits: finite, not negative, below a thousand years.
fn span_of_seconds(seconds: f64) -> Option<Nanos> {
    (seconds.is_finite() && (0.0..1.8e10).contains(&seconds)).then(|| Nanos::from_secs_f64(seconds))
}

/// A moment of event time, in microseconds since 1970 in UTC.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EpochMicros(pub i64);

impl EpochMicros {
    /// The moment a span later.
    #[must_use]
    pub const fn plus(self, span: Nanos) -> Self {
        Self(self.0.saturating_add(span.as_micros() as i64))
    }
}

/// The unit that a rate was written in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RateUnit {
    /// `10/s`
    #[default]
    Second,
    /// `20/min`
    Minute,
    /// `600/h`
    Hour,
}

impl RateUnit {
    const fn seconds(self) -> f64 {
        match self {
            Self::Second => 1.0,
            Self::Minute => 60.0,
            Self::Hour => 3_600.0,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
        }
    }
}

/// An arrival rate.
///
/// ```
/// use shared::units::Rate;
/// let rate: Rate = "30/min".parse().unwrap();
/// assert_eq!(rate.per_second(), 0.5);
/// assert_eq!(rate.to_string(), "30/min");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    amount: f64,
    unit: RateUnit,
}

impl Rate {
    /// A rate per second.
    pub const fn from_per_second(amount: f64) -> Self {
        Self { amount, unit: RateUnit::Second }
    }

    /// Arrivals per second.
    pub fn per_second(self) -> f64 {
        self.amount / self.unit.seconds()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.amount, self.unit.name())
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a rate; write 10/s, 20/min or 600/h");
        let (amount, unit) = text.split_once('/').unwrap_or((text, "s"));
        let amount: f64 = amount.trim().parse().map_err(|_error| wrong())?;
        let unit = match unit.trim() {
            "s" | "sec" | "second" => RateUnit::Second,
            "m" | "min" | "minute" => RateUnit::Minute,
            "h" | "hour" => RateUnit::Hour,
            _ => return Err(wrong()),
        };
        if amount.is_finite() && amount >= 0.0 { Ok(Self { amount, unit }) } else { Err(wrong()) }
    }
}

/// How long something lasts: a span, or until somebody stops it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Length {
    /// For this long.
    For(Nanos),
    /// Until it is stopped.
    Forever,
}

impl Length {
    /// The span, if it has one.
    pub const fn span(self) -> Option<Nanos> {
        match self {
            Self::For(span) => Some(span),
            Self::Forever => None,
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::For(span) => span.fmt(f),
            Self::Forever => f.write_str("forever"),
        }
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "forever" {
            return Ok(Self::Forever);
        }
        let span: Nanos = text.parse().map_err(|error| format!("{error}, or forever"))?;
        match span {
            // As the bare number, and only as that, it is what older tools write for it.
            Nanos::ZERO if text.trim() == "0" => Ok(Self::Forever),
            Nanos::ZERO => Err(format!("`{}` is no time at all; write forever for a load without an end", text.trim())),
            span => Ok(Self::For(span)),
        }
    }
}

/// Reads a value from a string in its own notation, or from a bare number as if it were written out.
struct Written<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = String>> de::Visitor<'_> for Written<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number with its unit")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

/// Ties a type to its notation: serde as that string, a schema with its pattern and an example.
macro_rules! written {
    ($type:ty, $name:literal, $description:literal, $pattern:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Written(std::marker::PhantomData))
            }
        }

        impl Readable for $type {
            fn read<'t>(node: &'t Node, reader: &mut Reader<'t>) -> Option<Self> {
                reader.written(node)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": $description, "type": ["string", "number"], "pattern": $pattern })
            }
        }
    };
}

written!(
    Nanos,
    "Span",
    "A span of time: 500ms, 10s, 5m, 1h30m; a bare number is in seconds.",
    r"^[0-9.]+([a-zµμ]+ *[0-9.]*)*$"
);
written!(
    Rate,
    "Rate",
    "An arrival rate: 10/s, 20/min, 600/h; a bare number is per second.",
    r"^[0-9.]+ *(/ *[a-z]+)?$"
);
written!(Length, "Length", "A span of time, or forever (also 0).", r"^(forever|[0-9.]+([a-zµμ]+ *[0-9.]*)*)$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_write_as_people_do() {
        for (text, nanos) in [
            ("500ms", 500_000_000),
            ("10s", 10 * SECOND),
            ("1h30m", 5_400 * SECOND),
            ("2.5s", 2_500_000_000),
            ("20µs", 20_000),
        ] {
            assert_eq!(text.parse::<Nanos>().unwrap(), Nanos(nanos), "{text}");
        }
        assert_eq!(Nanos(5_400 * SECOND).to_string(), "1h30m");
        assert_eq!(Nanos(2_500_000_000).to_string(), "2s500ms");
        for wrong in ["", "fast", "10 parsecs", "-5s", "1e400s", "s"] {
            assert!(wrong.parse::<Nanos>().is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn every_written_span_reads_back() {
        for nanos in [1, 999, 1_000, 1_500_000, SECOND, 61 * SECOND, 90_061 * SECOND + 1] {
            assert_eq!(Nanos(nanos).to_string().parse::<Nanos>().unwrap(), Nanos(nanos));
        }
    }

    #[test]
    fn rates_keep_the_unit_they_were_written_in() {
        let rate: Rate = "20/min".parse().unwrap();
        assert!((rate.per_second() - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(rate.to_string(), "20/min");
        assert_eq!("50".parse::<Rate>().unwrap().per_second(), 50.0);
        for wrong in ["fast", "10/fortnight", "-1/s", "NaN/s", ""] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong:?} was taken");
        }
    }

    #[test]
    fn zero_and_forever_mean_without_end() {
        assert_eq!("forever".parse::<Length>().unwrap(), Length::Forever);
        assert_eq!("0".parse::<Length>().unwrap(), Length::Forever);
        for nothing in ["0s", "0ms", "0.0m"] {
            assert!(nothing.parse::<Length>().unwrap_err().contains("write forever"), "{nothing}");
        }
        assert_eq!("5m".parse::<Length>().unwrap(), Length::For(Nanos::from_secs(300)));
    }
}
