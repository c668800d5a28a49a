//! A run's time: nanoseconds since its start on the machine's monotonic clock, tied once to the calendar.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use shared::units::{EpochMicros, Nanos};

/// Tells a run's time. Copies of it agree.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    start: Instant,
    start_date: EpochMicros,
}

impl RunClock {
    /// A clock whose run starts a moment from now, so that everybody can be ready by then.
    pub fn starting_in(lead: Duration) -> Self {
        let date = SystemTime::now() + lead;
        let micros = date.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        Self { start: Instant::now() + lead, start_date: EpochMicros(i64::try_from(micros).unwrap_or(i64::MAX)) }
    }

    /// Time since the start; zero before it.
    pub fn now(&self) -> Nanos {
        self.at(Instant::now())
    }

    /// The run's time at a moment; zero before the start.
    pub fn at(&self, moment: Instant) -> Nanos {
        Nanos(u64::try_from(moment.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX))
    }

    /// The moment of a run's time.
    pub fn moment(&self, at: Nanos) -> Instant {
        self.start + Duration::from_nanos(at.0)
    }

    /// The date of a run's time.
    pub fn date(&self, at: Nanos) -> EpochMicros {
        self.start_date.plus(at)
    }
}

/// A date in RFC 3339, in UTC, with milliseconds.
pub fn rfc3339(date: EpochMicros) -> String {
    let (seconds, micros) = (date.0.div_euclid(1_000_000), date.0.rem_euclid(1_000_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Civil date from days: the proleptic Gregorian calendar counted in years that start in March.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", micros / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_the_calendar_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_732_156_496, "2024-11-21T02:34:56.000Z"),
            (-1, "1969-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(rfc3339(EpochMicros(seconds * 1_000_000)), text);
        }
        assert_eq!(rfc3339(EpochMicros(1_500)), "1970-01-01T00:00:00.001Z");
    }

    #[test]
    fn run_time_and_moments_are_each_others_inverse() {
        let clock = RunClock::starting_in(Duration::from_secs(5));
        assert_eq!(clock.now(), Nanos::ZERO);
        let at = Nanos(1_234_567_890);
        assert_eq!(clock.at(clock.moment(at)), at);
        assert_eq!(clock.date(at).0 - clock.date(Nanos::ZERO).0, 1_234_567);
    }
}
