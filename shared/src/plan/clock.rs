//! How event time relates to the time of the run: live, a window in the past, or faster than life.

use crate::generate::clock::parse_rfc3339;
use crate::generate::zone;
use crate::problem::Problem;
use crate::scenario::model::{Clock, ClockMode};
use crate::tree::nearest;
use crate::units::{EpochMicros, Nanos};

/// A moment as a scenario gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// So many microseconds from now.
    FromNow(i64),
    /// This one.
    At(EpochMicros),
}

/// A clock, understood.
#[derive(Clone, Debug, PartialEq)]
pub struct ClockPlan {
    /// Live, in the past, or faster than life.
    pub mode: ClockMode,
    /// Seconds of event time per second of run time.
    pub speed: f64,
    /// Seconds that local clocks are ahead of UTC.
    pub zone_offset: i64,
    start: Moment,
    end: Option<Moment>,
}

impl ClockPlan {
    /// Understands a clock; problems go to `problems`.
    pub(crate) fn new(clock: &Clock, problems: &mut Vec<Problem>) -> Self {
        let mut moment = |text: &Option<String>, field: &str| {
            let text = text.as_ref()?;
            let moment = read(text);
            if moment.is_none() {
                problems.push(
                    Problem::error(format!("clock.{field}"), format!("`{text}` is no moment"))
                        .with_hint("write now, -168h or 2026-03-01T00:00:00Z"),
                );
            }
            moment
        };
        let (start, end) = (moment(&clock.start, "start"), moment(&clock.end, "end"));
        let zone_offset = match &clock.timezone {
            None => 0,
            Some(zone) => zone::offset_seconds(zone).unwrap_or_else(|| {
                let mut problem = Problem::error("clock.timezone", format!("there is no time zone `{zone}`"));
                problem.hint = nearest::hint(zone, zone::names()).or(Some("write UTC or +02:00".to_owned()));
                problems.push(problem);
                0
            }),
        };
        let speed = clock.speed.unwrap_or(1.0);
        if !(speed.is_finite() && speed > 0.0) {
            problems.push(
                Problem::error("clock.speed", "a speed lies above zero").with_hint("write 60 for a minute per second"),
            );
        }
        let start = start.unwrap_or(Moment::FromNow(0));
        let plan = Self { mode: clock.mode, speed, zone_offset, start, end };
        if clock.mode == ClockMode::Backfill && plan.window().is_none() {
            problems.push(
                Problem::error("clock", "a backfill needs a window: a start before its end")
                    .with_hint("write start: -168h and end: now"),
            );
        }
        plan
    }

    /// The first moment of event time of a run that starts now.
    pub fn start(&self, now: EpochMicros) -> EpochMicros {
        match (self.mode, self.start) {
            (ClockMode::Live, _) => now,
            (ClockMode::Backfill | ClockMode::Simulate, Moment::FromNow(micros)) => {
                EpochMicros(now.0.saturating_add(micros))
            }
            (ClockMode::Backfill | ClockMode::Simulate, Moment::At(moment)) => moment,
        }
    }

    /// How long event time goes on, where the clock says so.
    pub fn window(&self) -> Option<Nanos> {
        if self.mode == ClockMode::Live {
            return None;
        }
        // Without an end it is now; a start in absolute time and an end from now are told apart only when now is known.
        let micros = match (self.start, self.end.unwrap_or(Moment::FromNow(0))) {
            (Moment::FromNow(start), Moment::FromNow(end)) => end.checked_sub(start)?,
            (Moment::At(start), Moment::At(end)) => end.0.checked_sub(start.0)?,
            (Moment::FromNow(_), Moment::At(_)) | (Moment::At(_), Moment::FromNow(_)) => return None,
        };
        let micros = u64::try_from(micros).ok().filter(|micros| *micros > 0)?;
        Some(Nanos(micros.checked_mul(1_000)?))
    }

    /// Seconds of the schedule per second of the run.
    pub fn pace(&self) -> f64 {
        match self.mode {
            ClockMode::Live | ClockMode::Backfill => 1.0,
            ClockMode::Simulate => self.speed,
        }
    }
}

/// `now`, a span from now, or RFC 3339.
fn read(text: &str) -> Option<Moment> {
    let text = text.trim();
    if text == "now" {
        return Some(Moment::FromNow(0));
    }
    let signed = match text.as_bytes().first()? {
        b'-' => Some((-1, &text[1..])),
        b'+' => Some((1, &text[1..])),
        _ => None,
    };
    match signed {
        Some((sign, span)) => {
            let span: Nanos = span.parse().ok()?;
            Some(Moment::FromNow(sign * i64::try_from(span.as_micros()).ok()?))
        }
        None => parse_rfc3339(text).map(Moment::At),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(mode: ClockMode, start: Option<&str>, end: Option<&str>) -> (ClockPlan, Vec<Problem>) {
        let clock = Clock {
            mode,
            start: start.map(str::to_owned),
            end: end.map(str::to_owned),
            speed: Some(60.0),
            timezone: Some("+01:00".to_owned()),
        };
        let mut problems = Vec::new();
        (ClockPlan::new(&clock, &mut problems), problems)
    }

    #[test]
    fn a_backfill_has_a_window_in_the_past() {
        let (plan, problems) = clock(ClockMode::Backfill, Some("-168h"), Some("now"));
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(plan.window(), Some(Nanos::from_secs(168 * 3_600)));
        let now = EpochMicros(1_772_366_400_000_000);
        assert_eq!(plan.start(now).0, now.0 - 168 * 3_600_000_000);
        let (plan, _) = clock(ClockMode::Backfill, Some("2026-03-01"), Some("2026-03-02"));
        assert_eq!(plan.window(), Some(Nanos::from_secs(86_400)));
    }

    #[test]
    fn a_simulation_is_faster_than_life() {
        let (plan, _) = clock(ClockMode::Simulate, Some("-1h"), None);
        assert_eq!(plan.pace(), 60.0);
        assert_eq!(plan.zone_offset, 3_600);
    }

    #[test]
    fn moments_that_are_none_are_named() {
        let (_, problems) = clock(ClockMode::Backfill, Some("yesterday"), Some("-é"));
        assert_eq!(problems.len(), 3, "{problems:?}");
        let (_, problems) = clock(ClockMode::Backfill, Some("now"), Some("-1h"));
        assert_eq!(problems.len(), 1, "{problems:?}");
    }
}
