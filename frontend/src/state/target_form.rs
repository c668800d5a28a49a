//! The practice target's switches as they are typed: shares in percent, an empty limit for none.

use shared::api::TargetSettings;

use crate::format::plain;

/// A switch with a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TargetField {
    /// Median of the answer time, in milliseconds.
    LatencyP50,
    /// 99th percentile of the answer time, in milliseconds.
    LatencyP99,
    /// Share of requests answered 500, in percent.
    ErrorRate,
    /// Requests per second above which it answers 429.
    RateLimit,
    /// Share of requests whose connection is reset before anything is accepted, in percent.
    DropRate,
    /// Share of requests that are accepted and get no answer, in percent.
    LostAnswerRate,
    /// Share of events inside batches that are refused one by one, in percent.
    BatchFailureRate,
    /// Share of requests that take longer, in percent.
    SpikeRate,
    /// How much longer they take, in milliseconds.
    SpikeMs,
    /// Share of requests after whose answer the connection is closed, in percent.
    CloseRate,
    /// Bytes per second at which requests are read.
    ReadSpeed,
    /// Bytes per second at which answers are written.
    AnswerSpeed,
    /// Share of acknowledged events that are forgotten, in percent.
    ForgetRate,
    /// Share of acknowledged events that are kept twice, in percent.
    KeepTwiceRate,
    /// Share of acknowledged events that are kept with another content, in percent.
    CorruptRate,
    /// Share of acknowledged events that are kept out of order, in percent.
    ReorderRate,
    /// Events that nobody sent, for each that is acknowledged, in percent.
    PhantomRate,
}

impl TargetField {
    /// The field's value as it is typed.
    pub(crate) fn written(self, settings: &TargetSettings) -> String {
        match self {
            Self::LatencyP50 => plain(settings.latency_p50_ms),
            Self::LatencyP99 => plain(settings.latency_p99_ms),
            Self::ErrorRate => plain(settings.error_rate * 100.0),
            Self::RateLimit => settings.rate_limit.map(plain).unwrap_or_default(),
            Self::DropRate => plain(settings.drop_rate * 100.0),
            Self::LostAnswerRate => plain(settings.lost_answer_rate * 100.0),
            Self::BatchFailureRate => plain(settings.batch_failure_rate * 100.0),
            Self::SpikeRate => plain(settings.spike_rate * 100.0),
            Self::SpikeMs => plain(settings.spike_ms),
            Self::CloseRate => plain(settings.close_rate * 100.0),
            Self::ReadSpeed => settings.read_bytes_per_second.map(plain).unwrap_or_default(),
            Self::AnswerSpeed => settings.answer_bytes_per_second.map(plain).unwrap_or_default(),
            Self::ForgetRate => plain(settings.forget_rate * 100.0),
            Self::KeepTwiceRate => plain(settings.keep_twice_rate * 100.0),
            Self::CorruptRate => plain(settings.corrupt_rate * 100.0),
            Self::ReorderRate => plain(settings.reorder_rate * 100.0),
            Self::PhantomRate => plain(settings.phantom_rate * 100.0),
        }
    }

    /// The settings with this field as typed.
    ///
    /// # Errors
    ///
    /// Says what can be written instead.
    pub(crate) fn read(self, text: &str, settings: &TargetSettings) -> Result<TargetSettings, &'static str> {
        let mut next = settings.clone();
        match self {
            Self::LatencyP50 => {
                next.latency_p50_ms = number(text, 60_000.0).ok_or("write milliseconds, 0 to 60000")?;
                // The tail cannot be faster than the median; it follows instead of refusing.
                next.latency_p99_ms = next.latency_p99_ms.max(next.latency_p50_ms);
            }
            Self::LatencyP99 => {
                next.latency_p99_ms = number(text, 60_000.0).ok_or("write milliseconds, 0 to 60000")?;
                next.latency_p50_ms = next.latency_p50_ms.min(next.latency_p99_ms);
            }
            Self::ErrorRate => next.error_rate = percent(text)?,
            Self::DropRate => next.drop_rate = percent(text)?,
            Self::LostAnswerRate => next.lost_answer_rate = percent(text)?,
            Self::BatchFailureRate => next.batch_failure_rate = percent(text)?,
            Self::SpikeRate => next.spike_rate = percent(text)?,
            Self::SpikeMs => next.spike_ms = number(text, 60_000.0).ok_or("write milliseconds, 0 to 60000")?,
            Self::CloseRate => next.close_rate = percent(text)?,
            Self::ReadSpeed => next.read_bytes_per_second = speed(text)?,
            Self::AnswerSpeed => next.answer_bytes_per_second = speed(text)?,
            Self::ForgetRate => next.forget_rate = percent(text)?,
            Self::KeepTwiceRate => next.keep_twice_rate = percent(text)?,
            Self::CorruptRate => next.corrupt_rate = percent(text)?,
            Self::ReorderRate => next.reorder_rate = percent(text)?,
            Self::PhantomRate => next.phantom_rate = percent(text)?,
            Self::RateLimit => {
                next.rate_limit = if text.trim().is_empty() {
                    None
                } else {
                    let limit = number(text, 1e9).filter(|limit| *limit > 0.0);
                    Some(limit.ok_or("write requests per second, or nothing for no limit")?)
                };
            }
        }
        Ok(next)
    }
}

fn number(text: &str, highest: f64) -> Option<f64> {
    let number: f64 = text.trim().replace(',', ".").parse().ok()?;
    (number >= 0.0 && number <= highest).then_some(number)
}

fn speed(text: &str) -> Result<Option<f64>, &'static str> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let speed = number(text, 1e12).filter(|speed| *speed >= 1.0);
    speed.map(Some).ok_or("write bytes per second, or nothing for no limit")
}

fn percent(text: &str) -> Result<f64, &'static str> {
    let share = number(text.trim().trim_end_matches('%'), 100.0).ok_or("write percent, 0 to 100")?;
    Ok(share / 100.0)
}

/// A ready-made way to answer.
pub(crate) struct Preset {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does, in words.
    pub(crate) meaning: &'static str,
    /// The settings.
    pub(crate) settings: TargetSettings,
}

const HEALTHY: TargetSettings = TargetSettings::HEALTHY;

/// The ready-made ways to answer.
pub(crate) fn presets() -> [Preset; 5] {
    [
        Preset { name: "Healthy", meaning: "answers at once, never fails", settings: HEALTHY },
        Preset {
            name: "Typical",
            meaning: "median 20 ms, 1 % above 120 ms",
            settings: TargetSettings { latency_p50_ms: 20.0, latency_p99_ms: 120.0, ..HEALTHY },
        },
        Preset {
            name: "Slow tail",
            meaning: "median 10 ms, 1 % above 2 s",
            settings: TargetSettings { latency_p50_ms: 10.0, latency_p99_ms: 2_000.0, ..HEALTHY },
        },
        Preset {
            name: "Flaky",
            meaning: "5 % errors, 1 % dropped connections",
            settings: TargetSettings {
                latency_p50_ms: 5.0,
                latency_p99_ms: 40.0,
                error_rate: 0.05,
                drop_rate: 0.01,
                ..HEALTHY
            },
        },
        Preset {
            name: "Limited",
            meaning: "429 above 50 requests per second",
            settings: TargetSettings { rate_limit: Some(50.0), ..HEALTHY },
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [TargetField; 17] = [
        TargetField::LatencyP50,
        TargetField::LatencyP99,
        TargetField::ErrorRate,
        TargetField::RateLimit,
        TargetField::DropRate,
        TargetField::LostAnswerRate,
        TargetField::BatchFailureRate,
        TargetField::SpikeRate,
        TargetField::SpikeMs,
        TargetField::CloseRate,
        TargetField::ReadSpeed,
        TargetField::AnswerSpeed,
        TargetField::ForgetRate,
        TargetField::KeepTwiceRate,
        TargetField::CorruptRate,
        TargetField::ReorderRate,
        TargetField::PhantomRate,
    ];

    #[test]
    fn every_field_reads_what_it_writes() {
        for preset in presets() {
            for field in FIELDS {
                let written = field.written(&preset.settings);
                assert_eq!(field.read(&written, &preset.settings), Ok(preset.settings.clone()), "{}", preset.name);
            }
        }
    }

    #[test]
    fn the_tail_is_never_faster_than_the_median() {
        let slower = TargetField::LatencyP50.read("50", &HEALTHY);
        assert_eq!(slower.map(|settings| settings.latency_p99_ms), Ok(50.0));
        let faster = TargetField::LatencyP99.read("5", &presets()[1].settings);
        assert_eq!(faster.map(|settings| settings.latency_p50_ms), Ok(5.0));
    }

    #[test]
    fn nonsense_is_refused_with_what_to_write() {
        for field in FIELDS {
            for wrong in ["-1", "fast", "NaN", "inf"] {
                assert!(field.read(wrong, &HEALTHY).is_err(), "{field:?} took {wrong}");
            }
        }
        assert!(TargetField::ErrorRate.read("101", &HEALTHY).is_err());
        assert!(TargetField::RateLimit.read("0", &HEALTHY).is_err());
        assert_eq!(TargetField::RateLimit.read(" ", &HEALTHY).map(|settings| settings.rate_limit), Ok(None));
    }
}
