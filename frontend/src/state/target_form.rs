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
    /// Share of acknowledged events that are forgotten, in percent.
    ForgetRate,
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
            Self::ForgetRate => plain(settings.forget_rate * 100.0),
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
            Self::ForgetRate => next.forget_rate = percent(text)?,
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

    const FIELDS: [TargetField; 8] = [
        TargetField::LatencyP50,
        TargetField::LatencyP99,
        TargetField::ErrorRate,
        TargetField::RateLimit,
        TargetField::DropRate,
        TargetField::LostAnswerRate,
        TargetField::BatchFailureRate,
        TargetField::ForgetRate,
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
